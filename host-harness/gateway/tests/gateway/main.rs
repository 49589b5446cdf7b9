//! The gateway on real sockets: what it sees of a request, how it carries out each step, and how an
//! exchange ends. The steps come from scripts, so that each can be tried alone; the last part runs
//! small components written by hand.
#![cfg(test)]

mod accounts;
mod calls;
mod client_tls;
mod endings;
mod failures;
mod fetch;
mod forward;
mod frames;
mod framing;
mod http2;
mod instances;
mod kept;
mod kept_tls;
mod keys;
mod pass;
mod read_body;
mod relay;
mod script;
mod shutdown;
mod slow;
mod targets;
mod timings;
mod tls;
mod upstream_alpn;
mod upstream_http2;
mod upstream_node;
mod verify;
mod wasm;
mod wire;
