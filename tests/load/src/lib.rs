//! Load and measurement, on the binaries that are shipped: each is a process, on loopback, on a port
//! of its own, ended by its id.
//!
//! ```text
//!  people ─▶ calls ═▶ gateway ═▶ tenant, which fails at random      soak: is every answer right?
//!              │         │          │
//!           answers  decision log  arrivals ──▶ one account of all three
//!
//!  idle:   thousands of connections that say nothing, little, or too much, beside a client that works
//!  bench:  processor time a request, hosts side by side, against a baseline of their own
//!  merge:  what carrying metadata over adds to a link, and the window that it leaves to others
//!  scale:  a thousand of everything, a million requests, many clients, all cores
//! ```
//!
//! The client is our own, because each single answer is checked: against what its request deserves,
//! against the decision record that the gateway wrote of it, and against what reached the tenant.
//!
//! It does **not** know the policy, nor the gateway's code: it reads what they print and answer.

mod client;
mod cores;
mod drive;
mod issuer;
mod machine;
mod measure;
mod mint;
mod page;
mod policy;
mod process;
mod quantile;
mod responder;
mod round;
mod scratch;
mod svg;
mod table;
mod wire;

mod bench;
mod idle;
mod merge;
mod scale;
mod soak;

pub mod command;

pub use soak::{Soak, soak};

/// The result of something that may fail: the text is for the person who started it.
pub type Attempt<T> = Result<T, String>;
