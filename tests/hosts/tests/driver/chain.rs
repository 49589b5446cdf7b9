//! The middleware edition as a driver, in front of a handler, in `wasmtime serve`: the same tests as the
//! proxy edition's (`main.rs`), and what one instance makes of many requests at once.

#![expect(clippy::panic, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]

mod bad_keys;
mod client_gone;
mod concurrent;
mod disguised;
mod keys;
mod no_answer;
mod operator;
mod reuse;
mod shadow;
mod stage;
mod streaming;
mod tenant;
