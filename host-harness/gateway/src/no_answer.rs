//! Requests that have no answer, and requests that can be had again.

use hyper::Request;

use crate::content::Content;
use crate::upstream_pool::Place;

/// A request without an answer.
pub(crate) enum NoAnswer {
    /// No byte of it was written.
    Unsent(Box<Unsent>),
    /// The upstream may have acted. Why there is no answer.
    Unknown(String),
}

/// A request that was not sent.
pub(crate) struct Unsent {
    /// The request itself, as far as it can be had again.
    pub(crate) request: Option<Request<Content>>,
    /// The place of its connection.
    pub(crate) place: Place,
    pub(crate) why: String,
}

/// The same request once more, if nothing of its body comes from its client yet.
pub(crate) fn copied(request: &Request<Content>) -> Option<Request<Content>> {
    let mut copy = Request::new(request.body().copied()?);
    request.method().clone_into(copy.method_mut());
    request.uri().clone_into(copy.uri_mut());
    request.headers().clone_into(copy.headers_mut());
    Some(copy)
}
