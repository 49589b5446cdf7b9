//! What `linkgate explain` tells, in two forms.

pub(crate) mod human;
pub(crate) mod json;
