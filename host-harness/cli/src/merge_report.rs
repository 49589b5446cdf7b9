//! What a merge would do, for people and for programs.

pub(crate) mod human;
pub(crate) mod json;
