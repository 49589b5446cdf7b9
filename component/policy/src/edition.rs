//! What editions that hold a driver share, as far as it takes no host: configuration by the environment,
//! and addresses.
//!
//! An edition depends on this crate and on no other of ours, so what two of them would say in the same
//! words is said here. It decides nothing about a request.

mod environment;
mod server;

pub use environment::Environment;
pub use server::Server;
