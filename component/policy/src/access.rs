//! The decision: what a request is for, whose account, by which proof, and the request that goes upstream.

pub(crate) mod profile_query;
pub(crate) mod route;
pub(crate) mod client_address;
pub(crate) mod request_id;
pub(crate) mod stamp;
pub(crate) mod scope;
pub(crate) mod token;
pub(crate) mod step_up;
pub(crate) mod bearer;
pub(crate) mod permit;
pub(crate) mod link_body;
pub(crate) mod secondary;
pub(crate) mod forward;
pub(crate) mod shadow;
pub(crate) mod token_cache;
