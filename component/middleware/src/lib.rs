//! The middleware edition: the policy and its driver in one component, for any host that chains
//! handlers of `wasi:http@0.3`.
//!
//! ```text
//!  client ─▶ request ─▶ drive ◀──▶ gate (linkgate_policy) : what next?
//!                       │  │
//!                       │  ├──▶ body ─────▶ read-body
//!                       │  ├──▶ outbound ─▶ call, forward, pass ─▶ the next handler
//!                       │  ├──▶ fetch ────▶ call ─▶ wasi:http/client ─▶ keys of issuers
//!  client ◀── answer ◀──┘  └──▶ record ───▶ stdout
//! ```
//!
//! One instance serves many requests at once: each is a task, and tasks take turns where they await
//! something. What they share is in [`gate`], and no borrow of it lives across an await.
//!
//! Its configuration is what `linkgate bake` put into it, or the environment: `LINKGATE_POLICY` (a policy
//! document, JSON) and `LINKGATE_SECRET_*`. Where the API is, the next handler knows. Without a policy it
//! can use, every request is answered 503.
//!
//! It does **not** decide: it matches on the policy's steps, and carries headers, paths and bodies
//! without looking into them. It does not follow redirects or send anything twice.

mod answer;
mod bindings;
mod body;
mod call;
mod client;
mod deadline;
mod drive;
mod failure;
mod fetch;
mod gate;
mod notify;
mod outbound;
mod record;
mod request;

use crate::bindings::types::{ErrorCode, Request, Response};

/// The component: it answers requests.
struct Middleware;

impl bindings::Guest for Middleware {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let began = gate::Moment::now();
        Ok(match gate::shared() {
            Ok(gate) => drive::exchange(gate, request, began).await,
            Err(mistakes) => {
                record::mistakes(&mistakes);
                record::flush().await;
                answer::unavailable().sent()
            }
        })
    }
}
