//! Why a request goes no further: one table from cause to reason to the wire.

pub mod reason;
pub mod cause;
pub(crate) mod outcome;
pub(crate) mod stop;
