//! The keys of each issuer: where they come from, how long they are used, and the look-up.

pub(crate) mod rules;
pub(crate) mod lookup;
pub(crate) mod report;
pub(crate) mod fetch_state;
pub(crate) mod discovery;
pub(crate) mod key_set;
pub(crate) mod remote;
pub(crate) mod baked;
pub(crate) mod keyring;
