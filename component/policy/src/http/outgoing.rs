//! Requests of the policy's own, and the answers to them.

use super::message::Header;

/// A call of the policy's own to the upstream.
#[derive(Clone, PartialEq, Eq)]
pub struct Call {
    /// Method.
    pub method: &'static str,
    /// Path and query in origin-form, canonically encoded.
    pub path: String,
    /// The complete list of headers, but for `host` and the framing.
    pub headers: Vec<Header>,
    /// The body; none at all when absent.
    pub body: Option<Vec<u8>>,
    /// Milliseconds until the last byte of the answer.
    pub timeout_ms: u32,
    /// A larger answer is [`CallFailure::NoBody`].
    pub max_answer_bytes: u32,
}

impl std::fmt::Debug for Call {
    /// Headers and body stay out: they hold credentials and people's data.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Call")
            .field("method", &self.method)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// The head of an upstream's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerHead {
    /// Status code.
    pub status: u16,
    /// The lines of `retry-after` and `x-ratelimit-reset`, no others.
    pub headers: Vec<Header>,
}

impl AnswerHead {
    /// The head of an answer with these lines, names in lower case, of which those are left out that the core
    /// does not look at.
    #[must_use]
    pub fn of(status: u16, lines: impl IntoIterator<Item = Header>) -> Self {
        let is_looked_at = |line: &Header| ANSWER_LINES.contains(&line.name.as_str());
        Self { status, headers: lines.into_iter().filter(is_looked_at).collect() }
    }
}

/// What the core looks at in the head of an answer: when the upstream takes requests again.
const ANSWER_LINES: [&str; 2] = ["retry-after", "x-ratelimit-reset"];

/// Why an upstream gave no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// No byte left the host: the upstream cannot have acted.
    NotSent,
    /// Anything else: the upstream may or may not have acted.
    Unknown,
}

/// Why a call has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallFailure {
    /// No byte left the host: the upstream cannot have acted.
    NotSent,
    /// There is no status: the upstream may or may not have acted.
    Unknown,
    /// The head came; the body was too large, broke off, or was late.
    NoBody {
        /// Status code.
        status: u16,
    },
}

/// A request that the driver makes on behalf of all exchanges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetch {
    /// Opaque name, given back to [`Policy::fetched`](crate::Policy::fetched).
    pub source: String,
    /// Method.
    pub method: &'static str,
    /// Absolute URL. Redirects are not followed.
    pub url: String,
    /// The complete list of headers, but for `host` and the framing.
    pub headers: Vec<Header>,
    /// The body; none at all when absent.
    pub body: Option<Vec<u8>>,
    /// Milliseconds from connecting to the last byte.
    pub timeout_ms: u32,
    /// A larger answer is a failure.
    pub max_answer_bytes: u32,
}

/// An answer to a [`Fetch`], whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// All headers.
    pub headers: Vec<Header>,
    /// The body.
    pub body: Vec<u8>,
}
