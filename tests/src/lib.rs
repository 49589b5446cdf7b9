//! What suites share.

pub mod browser;
pub mod fetched;
pub mod hosts;
mod issuer;
pub mod npm;
pub mod optional;
pub mod peer;
pub mod pypi;
mod target;

pub use issuer::{ALICE, ALICES_PROFILE, Issuer, policy};
pub use target::{component, target_dir};
