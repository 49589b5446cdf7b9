//! Text as it is read and shown. This floor knows nothing of requests.

pub(crate) mod grown;
pub(crate) mod named_enum;
pub(crate) mod jitter;
pub(crate) mod escape;
pub(crate) mod compatibility;
pub(crate) mod number;
pub(crate) mod json;
