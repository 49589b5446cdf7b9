//! What may depend on what, crates and modules, what the shipped components may reach, and whether the prose names
//! places that exist.
//!
//! ```text
//!  policy ◀─┬─ evaluator ── .wasm ──▶ gateway ◀── cli, tests
//!  (nothing  │                       (no policy)
//!   of ours) └─ proxy ────── .wasm ──▶ stock hosts
//!
//!  tenant (nothing of ours)
//! ```
//!
//! Inside of a crate, modules are floors (`floors.rs` has them). Each check reads cargo's own answers, the built bytes, the sources or the documents.

mod artifact;
mod dependencies;
mod floors;
mod modules;
mod prose;
mod questions;
mod repository;
