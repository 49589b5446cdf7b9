//! The proxy edition: the policy and its driver in one component, for any host of
//! `wasi:http/proxy@0.2`.
//!
//! ```text
//!  client ─▶ request ─▶ drive ◀──▶ gate (linkgate_policy) : what next?
//!                       │  │
//!                       │  ├──▶ body ─────▶ read-body
//!                       │  ├──▶ outbound ─▶ forward, pass ─▶ upstream
//!                       │  ├──▶ fetch ────▶ call ─▶ keys of issuers
//!  client ◀── answer ◀──┘  └──▶ record ───▶ stdout
//! ```
//!
//! Its configuration is what `linkgate bake` put into it, or the environment: `LINKGATE_POLICY` (a
//! policy document, JSON), `LINKGATE_UPSTREAM` (`http[s]://host[:port]`) and `LINKGATE_SECRET_*`. Without a policy and an
//! upstream it can use, every request is answered 503.
//!
//! It does **not** decide: it matches on the policy's steps, and carries headers, paths and bodies
//! without looking into them. It does not follow redirects or send anything twice.

mod settings;
mod gate;
mod drive;
mod request;
mod client;
mod body;
mod outbound;
mod failure;
mod call;
mod fetch;
mod flow;
mod fields;
mod answer;
mod deadline;
mod record;

use wasi::http::types::{IncomingRequest, ResponseOutparam};

/// The component: it answers requests.
pub struct Proxy;

// Elsewhere than in a component there is no host to export to.
#[cfg(target_arch = "wasm32")]
wasi::http::proxy::export!(Proxy);

impl wasi::exports::http::incoming_handler::Guest for Proxy {
    fn handle(request: IncomingRequest, reply_to: ResponseOutparam) {
        let began = gate::Moment::now();
        gate::with(|gate| match gate {
            Ok(gate) => drive::exchange(gate, &request, reply_to, began),
            Err(mistakes) => {
                record::mistakes(mistakes);
                answer::unavailable(reply_to);
            }
        });
    }
}
