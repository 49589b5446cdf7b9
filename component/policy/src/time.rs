//! Moments and durations. The time itself is an argument: no module here reads a clock.

pub(crate) mod clock;
pub(crate) mod timestamp;
pub(crate) mod instant;
pub(crate) mod duration;
