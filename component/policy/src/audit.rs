//! What is recorded of a request. The decision record is the only source of logs and metrics.

mod members;

pub(crate) mod merge;
pub(crate) mod claims;
pub(crate) mod decision;
pub(crate) mod record;
pub(crate) mod log_line;
