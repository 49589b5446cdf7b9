//! The seam between the core and whoever drives it: steps out, events in.
//!
//! The types mirror `wit/evaluator.wit`, where a driver's duties are listed.

use zeroize::Zeroize;

/// The time, as an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Wall clock, milliseconds since the Unix epoch: judges claims. May jump.
    pub unix_ms: u64,
    /// Monotonic clock, milliseconds since any fixed moment: judges budgets.
    pub mono_ms: u64,
}

/// One header line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Field name, lower case.
    pub name: String,
    /// Field value.
    pub value: Vec<u8>,
}

impl Header {
    /// A header line from text.
    #[must_use]
    pub fn new(name: &str, value: &str) -> Self {
        Self { name: name.to_owned(), value: value.as_bytes().to_vec() }
    }
}

/// The head of a request as it came in, with the lines of [`Policy::wanted_headers`] alone.
///
/// [`Policy::wanted_headers`]: crate::Policy::wanted_headers
#[derive(Clone)]
pub struct Head {
    /// Method, in the case received.
    pub method: String,
    /// Request target exactly as received (RFC 9112 section 3.2).
    pub target: Vec<u8>,
    /// Header lines in the order received.
    pub headers: Vec<Header>,
    /// IP address of the peer of the client's connection, with or without its port. Nothing where the host
    /// does not know it.
    pub peer: Option<String>,
}

impl std::fmt::Debug for Head {
    /// Header values stay out: one of them is a credential.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Head").field("method", &self.method).finish_non_exhaustive()
    }
}

impl Drop for Head {
    fn drop(&mut self) {
        for header in &mut self.headers {
            header.value.zeroize();
        }
    }
}

/// What the driver does next.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// Read the request's body whole: answer with [`Event::Body`], [`Event::BodyTooLarge`] or
    /// [`Event::BodyFailed`].
    ReadBody {
        /// Largest body to take, in bytes.
        max_bytes: u32,
        /// Milliseconds for the whole body.
        timeout_ms: u32,
    },
    /// Wait for a shared fetch, or for time to pass: perform what [`Policy::due`](crate::Policy::due)
    /// gives, answer with [`Event::Woken`].
    Wait {
        /// Monotonic time at which the wait ends in any case.
        until_mono_ms: u64,
    },
    /// Serialise this exchange with all others on the same accounts until it is closed: answer with
    /// [`Event::Acquired`].
    Acquire {
        /// Opaque names of the two accounts, in byte order.
        accounts: [String; 2],
        /// Milliseconds after which the wait is given up.
        timeout_ms: u32,
    },
    /// Make this call to the upstream, once: answer with [`Event::Called`].
    Call(Call),
    /// Send this request to the upstream, once: answer with [`Event::Forwarded`].
    Forward(Forward),
    /// Send the client's own request on, with these edits of its head and otherwise untouched: answer with
    /// [`Event::Forwarded`], or with [`Event::BodyFailed`] when there was no answer because the client's body
    /// broke off.
    Pass {
        /// What is removed from its header lines, and what is added: nothing unless the policy says so.
        edits: HeaderEdits,
        /// Milliseconds until the head of the answer.
        timeout_ms: u32,
    },
    /// Last step: stream the upstream's answer to the client, edited.
    Relay(HeaderEdits),
    /// Last step: send this reply.
    Respond(Reply),
}

/// A request to the upstream. Made in [`crate::forward`] alone, from a permit.
#[derive(PartialEq, Eq)]
pub struct Forward {
    /// Method.
    pub method: &'static str,
    /// Path in origin-form, canonically encoded; of a profile with the query that was checked.
    pub path: String,
    /// The complete list of headers, but for `host` and the framing.
    pub headers: Vec<Header>,
    /// The body; none at all when absent.
    pub body: Option<Vec<u8>>,
    /// Milliseconds until the head of the answer.
    pub timeout_ms: u32,
    /// INVARIANT: only `crate::forward` fills this, and it asks for a permit.
    pub(crate) permitted: crate::forward::Permitted,
}

impl std::fmt::Debug for Forward {
    /// Headers and body stay out: they hold credentials.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Forward")
            .field("method", &self.method)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

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

/// Changes to the head of a message: first the removals, then the additions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeaderEdits {
    /// Names to remove; one that ends in `*` is a prefix.
    pub remove: Vec<String>,
    /// Lines to add.
    pub append: Vec<Header>,
}

impl HeaderEdits {
    /// The lines with the edits made. Names in lower case.
    #[must_use]
    pub fn applied(self, lines: Vec<Header>) -> Vec<Header> {
        let mut lines = self.kept(lines);
        lines.extend(self.append);
        lines
    }

    /// Whether there is nothing to edit.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.remove.is_empty() && self.append.is_empty()
    }

    /// The lines that are not removed. Names in lower case.
    #[must_use]
    pub fn kept(&self, lines: Vec<Header>) -> Vec<Header> {
        let removed = |line: &Header| {
            self.remove.iter().any(|name| match name.strip_suffix('*') {
                Some(prefix) => line.name.starts_with(prefix),
                None => line.name == *name,
            })
        };
        lines.into_iter().filter(|line| !removed(line)).collect()
    }
}

/// A reply of the policy's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Status code.
    pub status: u16,
    /// The complete list of headers, but for the framing.
    pub headers: Vec<Header>,
    /// The body; empty where the status has none.
    pub body: Vec<u8>,
}

/// A step and the number that the answering event has to carry.
#[derive(Debug, PartialEq, Eq)]
pub struct Turn {
    /// Counts the steps of an exchange from 1.
    pub sequence: u32,
    /// The step.
    pub step: Step,
}

/// What happened to the last step.
pub enum Event {
    /// The request's body, whole.
    Body(Vec<u8>),
    /// The request's body is larger than the step allowed.
    BodyTooLarge,
    /// The request's body broke off, was late, or is not framed as HTTP has it.
    BodyFailed,
    /// The wait is over.
    Woken,
    /// What became of [`Step::Acquire`].
    Acquired(Acquired),
    /// The answer to [`Step::Call`], or why there is none.
    Called(Result<Answer, CallFailure>),
    /// The upstream's answer, or why there is none.
    Forwarded(Result<AnswerHead, Failure>),
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

/// What became of [`Step::Acquire`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acquired {
    /// Both accounts are held.
    Serialised,
    /// The host cannot serialise.
    Unserialised,
    /// Others held them for too long.
    Busy,
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

/// What a host can do, which decides what policies it can carry out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Abilities {
    /// Instances live on from one request to the next.
    pub remembers: bool,
    /// It can answer [`Step::Acquire`] with [`Acquired::Serialised`].
    pub serialises: bool,
    /// It gives [`Head::peer`].
    pub knows_peer: bool,
}

/// How an exchange ended for its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The last step was carried out.
    Finished,
    /// The client went away before.
    ClientGone,
    /// The host stopped before.
    Shutdown,
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

/// Secrets of the host's own store, by the name that the policy document uses.
#[derive(Default)]
pub struct Secrets {
    by_name: std::collections::BTreeMap<String, zeroize::Zeroizing<Vec<u8>>>,
    stand_in: Option<zeroize::Zeroizing<Vec<u8>>>,
}

impl Secrets {
    /// The same text under every name: for looking at a policy on a machine that has none of its
    /// secrets. Nothing may be judged with it.
    #[must_use]
    pub fn stand_in() -> Self {
        let text = zeroize::Zeroizing::new(vec![b'x'; STAND_IN_BYTES]);
        Self { stand_in: Some(text), ..Self::default() }
    }

    /// These, and a stand-in under every other name.
    #[must_use]
    pub fn or_stand_in(self) -> Self {
        Self { by_name: self.by_name, ..Self::stand_in() }
    }

    /// The secret of that name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&[u8]> {
        let secret = self.by_name.get(name).or(self.stand_in.as_ref())?;
        Some(secret.as_slice())
    }
}

impl<N: Into<String>, V: Into<Vec<u8>>> FromIterator<(N, V)> for Secrets {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        let pairs = pairs.into_iter();
        let named = |(name, value): (N, V)| (name.into(), zeroize::Zeroizing::new(value.into()));
        Self { by_name: pairs.map(named).collect(), stand_in: None }
    }
}

/// Long enough for every kind of secret: HS512 asks for 64 bytes (RFC 7518 section 3.2).
const STAND_IN_BYTES: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_removed_by_name_or_by_prefix() {
        let lines = ["access-control-allow-origin", "access-control-max-age", "vary", "vary-not"]
            .map(|name| Header::new(name, "x"));
        let edits = HeaderEdits {
            remove: vec!["access-control-*".to_owned(), "vary".to_owned()],
            append: Vec::new(),
        };
        let kept = edits.kept(lines.into());
        let names: Vec<&str> = kept.iter().map(|line| line.name.as_str()).collect();
        assert_eq!(names, ["vary-not"]);
    }
}
