//! The proxy edition as a driver: what it makes of broken upstreams and clients, whether it streams,
//! what it keeps between exchanges, and what its operator gets to see. The real component in
//! `wasmtime serve`, over real sockets.
//!
//! A test plays the client and the upstream by hand, a step after the other, and then looks at the
//! decision record and at what reached the upstream.

#![expect(clippy::panic, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]

mod bad_keys;
mod client_gone;
mod disguised;
mod keys;
mod no_answer;
mod operator;
mod reuse;
mod shadow;
mod stage;
mod streaming;
mod tenant;
