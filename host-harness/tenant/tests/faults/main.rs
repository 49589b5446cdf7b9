//! Faults over real sockets: what the client sees, and whether the effect happened.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "../world/mod.rs"]
mod world;

mod wire;

mod chance;
mod counts;
mod control;
mod endings;
mod held;
mod key_endpoint;
mod keys;
mod late;
mod mistakes;
