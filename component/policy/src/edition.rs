//! What editions share, as far as it takes no host: a policy that is baked in, configuration by the
//! environment, and addresses.
//!
//! An edition depends on this crate and on no other of ours, so what two of them would say in the same
//! words is said here. It decides nothing about a request.

mod baked;
mod environment;
mod notices;
mod server;
pub mod slot;

pub use baked::{Baked, BakedKeys, BakedSet};
pub use environment::Environment;
pub use notices::notices;
pub use server::Server;
