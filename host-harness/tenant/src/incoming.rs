//! Reading an HTTP request off the wire into plain data.

use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde_json::json;
use tokio::time::timeout;

use crate::answer::Answer;
use crate::request::{MAX_BODY_BYTES, Request};

/// Time for a request's body to arrive. Longer lets slow clients hold their connections.
const BODY_TIMEOUT: Duration = Duration::from_secs(15);

/// A request whose body did not arrive.
pub(crate) enum Unread {
    TooSlow,
    Broken,
}

impl Unread {
    /// The answer closes the connection: what follows on it cannot be distinguished from the rest of the body.
    pub(crate) fn answer(&self) -> Answer {
        let (status, error, message) = match self {
            Self::TooSlow => (408, "Request Time-out", "The request body did not arrive in time"),
            Self::Broken => (400, "Bad Request", "The request body could not be read"),
        };
        Answer::json(status, &json!({ "statusCode": status, "error": error, "message": message }))
            .with_header("connection", "close")
    }
}

/// Reads the request whole. A body over the limit is read to one byte past it, which the tenant answers with 413.
///
/// Bytes of a header value that are not UTF-8 become U+FFFD.
pub(crate) async fn read(request: hyper::Request<Incoming>) -> Result<Request, Unread> {
    let (head, body) = request.into_parts();
    let lossy = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    Ok(Request {
        method: head.method.as_str().to_owned(),
        target: head.uri.to_string(),
        headers: head
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), lossy(value.as_bytes())))
            .collect(),
        body: timeout(BODY_TIMEOUT, read_body(body)).await.map_err(|_| Unread::TooSlow)??,
    })
}

async fn read_body(mut body: Incoming) -> Result<Vec<u8>, Unread> {
    let mut read = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Unread::Broken)?;
        // A frame without data holds trailers, which nothing here asks for.
        read.extend_from_slice(&frame.into_data().unwrap_or_default());
        if read.len() > MAX_BODY_BYTES {
            read.truncate(MAX_BODY_BYTES + 1);
            break;
        }
    }
    Ok(read)
}
