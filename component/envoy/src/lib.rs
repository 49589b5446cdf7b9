//! The Envoy edition: the policy and its driver in one proxy-wasm filter, for Envoy and what is built
//! on it.
//!
//! ```text
//!  client ─▶ stream ─▶ drive ◀──▶ gate (linkgate_policy) : what next?
//!                      │ │ │
//!                      │ │ ├──▶ verifier ▶ Envoy's own library
//!                      │ │ ├──▶ request ─▶ forward, pass ─▶ route ─▶ upstream
//!                      │ │ └──▶ outbound_queue ─▶ call, fetch ─▶ cluster ─▶ upstream, keys of issuers
//!  client ◀── answer ◀─┘ │       ▲  │
//!                        │     root ◀──▶ shared_leases: what other workers fetched
//!                        └────▶ record ─▶ log, stats, filter state
//! ```
//!
//! Its configuration is the filter's: `policy`, `upstream`, `clusters`, `secrets`. What is wrong
//! with it is logged whole, and Envoy does not take it.
//!
//! Whatever the policy itself asks for is asked by the root: a stream's own call would be cancelled
//! with the stream, and what was begun must be seen through.
//!
//! It does **not** decide: it matches on the policy's steps, and carries headers, paths and bodies
//! without looking into them. It does not follow redirects or send anything twice.

mod settings;
mod clock;
mod host;
mod gate;
mod root;
mod stream;
mod drive;
mod open;
mod verifier;
mod request;
mod answer;
mod failure;
mod outbound_queue;
mod outcome;
mod shared_leases;
mod record;

use proxy_wasm::traits::RootContext;

/// The root of a filter: what Envoy begins with in each worker.
#[must_use]
pub fn root(id: u32) -> Box<dyn RootContext> {
    Box::new(root::Root::new(id))
}

// Elsewhere than in a filter there is no host to export to.
#[cfg(target_arch = "wasm32")]
mod exported {
    proxy_wasm::main! {{
        proxy_wasm::set_root_context(super::root);
    }}
}
