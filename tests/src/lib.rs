//! What suites share.

pub mod hosts;
mod target;

pub use target::{component, target_dir};
