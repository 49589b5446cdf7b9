//! HTTP messages: what is read of a request, and how replies and own requests are written.

pub(crate) mod message;
pub(crate) mod headers;
pub(crate) mod header_names;
pub(crate) mod override_headers;
pub(crate) mod path;
pub(crate) mod path_readings;
pub(crate) mod url;
pub(crate) mod cors;
pub(crate) mod problem;
pub(crate) mod outgoing;
pub(crate) mod freshness;
pub(crate) mod own_request;
pub(crate) mod rate_limit;
