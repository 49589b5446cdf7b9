//! What suites share.

pub mod hosts;
