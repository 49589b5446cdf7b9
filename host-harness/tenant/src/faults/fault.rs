//! What can go wrong with a request.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::answer::Answer;

use super::amendment::Amendment;

/// Where on its way a request is hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Point {
    /// The tenant has the whole request and has not read it.
    BeforeEffect,
    /// The tenant's state is changed and its answer made; nothing of the answer was sent.
    AfterEffect,
}

/// One thing that goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It takes longer.
    Delay {
        /// Where the pause is.
        at: Point,
        /// How long it is, in milliseconds.
        ms: u64,
    },
    /// The request waits until it is released.
    Hold {
        /// Where the request waits.
        at: Point,
    },
    /// Somebody else answers: a rate limit, a proxy, a broken server.
    Status {
        /// Before the effect there is none; after it the tenant's own answer is lost.
        at: Point,
        /// The answer. A header that HTTP does not allow makes it a bare 500.
        answer: Answer,
    },
    /// The TCP connection is reset, with no answer.
    Reset {
        /// Whether the request had its effect.
        at: Point,
    },
    /// The TCP connection is reset at once, with no answer, and the request goes on by itself: with a `Delay` or `Hold` after
    /// it, it has its effect long after a failure was reported to the client.
    HangUp,
    /// The answer is changed in part.
    Amend(Amendment),
    /// The answer's body comes piece by piece.
    Drip(Drip),
    /// The answer's body ends before its `Content-Length` and the connection is closed.
    CutBody {
        /// How many bytes of it are sent; all of it for `None`, `Content-Length` then promising one more.
        after_bytes: Option<usize>,
    },
}

/// How slowly a body comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drip {
    /// The bytes of a piece; at least one is sent.
    pub bytes: usize,
    /// The pause between two pieces.
    pub every: Duration,
}

impl Fault {
    /// The form it has in a document.
    pub(crate) fn to_json(&self) -> Value {
        match self {
            Self::Delay { at, ms } => json!({ "delay": { "at": at, "ms": ms } }),
            Self::Hold { at } => json!({ "hold": { "at": at } }),
            Self::Status { at, answer } => json!({ "status": status_json(*at, answer) }),
            Self::Reset { at } => json!({ "reset": { "at": at } }),
            Self::HangUp => json!({ "hang_up": {} }),
            Self::Amend(amendment) => json!({ "amend": amendment.to_json() }),
            Self::Drip(Drip { bytes, every }) => {
                let every_ms = u64::try_from(every.as_millis()).unwrap_or(u64::MAX);
                json!({ "drip": { "bytes": bytes, "every_ms": every_ms } })
            }
            Self::CutBody { after_bytes: Some(bytes) } => {
                json!({ "cut_body": { "after_bytes": bytes } })
            }
            Self::CutBody { after_bytes: None } => json!({ "cut_body": {} }),
        }
    }
}

/// The body is shown as text: the same bytes come of it again, as long as they are UTF-8.
fn status_json(at: Point, answer: &Answer) -> Value {
    let headers: Map<String, Value> =
        answer.headers.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    json!({
        "at": at,
        "status": answer.status,
        "headers": headers,
        "body": String::from_utf8_lossy(&answer.body),
    })
}
