//! Whether a connection may carry another request after this one, as the heads of request and answer have it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hyper::header::{self, HeaderMap, HeaderName};
use hyper::http::response::Parts;
use hyper::{Method, Request, Version};

/// Why a connection to the upstream was not kept, or not kept on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dropped {
    /// The upstream had ended it, between two requests or at the end of an answer.
    Ended,
    /// Bytes came on it that answer no request.
    UnaskedBytes,
    /// It was idle for as long as it may be.
    Idle,
    /// It was open for as long as it may be.
    Old,
    /// Another was opened in its place.
    Replaced,
    /// An error, or no answer in time.
    Failed,
    /// The request was not sent to its end, or the answer not read to its end.
    Unfinished,
    /// The answer began before the request's end.
    EarlyAnswer,
    /// The upstream spoke HTTP/1.0, or said `Connection: close`.
    Close,
    /// The upstream switched protocols, unasked.
    SwitchedProtocols,
    /// The answer had a `Content-Length` and a `Transfer-Encoding`.
    AmbiguousLength,
    /// The request or the answer belongs to a scheme that signs the connection in, and not the request.
    SignsIn,
    /// The request had a body that its upstream may not expect: with `Expect`, or with a method that has none as a
    /// rule.
    OddBody,
    /// The gateway stopped.
    Stopped,
}

impl Dropped {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::Ended,
        Self::UnaskedBytes,
        Self::Idle,
        Self::Old,
        Self::Replaced,
        Self::Failed,
        Self::Unfinished,
        Self::EarlyAnswer,
        Self::Close,
        Self::SwitchedProtocols,
        Self::AmbiguousLength,
        Self::SignsIn,
        Self::OddBody,
        Self::Stopped,
    ];

    /// Its name in metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ended => "ended",
            Self::UnaskedBytes => "unasked-bytes",
            Self::Idle => "idle",
            Self::Old => "old",
            Self::Replaced => "replaced",
            Self::Failed => "failed",
            Self::Unfinished => "unfinished",
            Self::EarlyAnswer => "early-answer",
            Self::Close => "close",
            Self::SwitchedProtocols => "switched-protocols",
            Self::AmbiguousLength => "ambiguous-length",
            Self::SignsIn => "signs-in",
            Self::OddBody => "odd-body",
            Self::Stopped => "stopped",
        }
    }
}

/// How often each happened.
#[derive(Default)]
pub(crate) struct DroppedCounts([AtomicU64; Dropped::ALL.len()]);

impl DroppedCounts {
    pub(crate) fn add(&self, why: Dropped) {
        if let Some(count) = self.0.get(why as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn all(&self) -> Vec<(Dropped, u64)> {
        let counts = self.0.iter().map(|count| count.load(Ordering::Relaxed));
        Dropped::ALL.into_iter().zip(counts).collect()
    }
}

/// RFC 9110 section 9.2.2: whether sending it twice is not the same as sending it once. hyper knows no other
/// methods; one that it does not know may be anything.
pub(crate) fn is_careful(method: &Method) -> bool {
    !method.is_idempotent()
}

/// Whether it signs its connection in. With one leg, the answer to it need not say so.
pub(crate) fn signs_in<B>(request: &Request<B>) -> bool {
    names_connection_scheme(request.headers(), &header::AUTHORIZATION)
}

/// Whether another request may follow this one on its connection, whatever the answer says.
pub(crate) fn allows_another<B>(request: &Request<B>) -> Result<(), Dropped> {
    let headers = request.headers();
    if signs_in(request) {
        return Err(Dropped::SignsIn);
    }
    // A server that answers by the head alone takes the body for another request, whose answer comes as late as
    // its writer likes.
    let has_body = headers.contains_key(header::TRANSFER_ENCODING)
        || headers.get(header::CONTENT_LENGTH).is_some_and(|length| length != "0");
    let is_usual = matches!(*request.method(), Method::POST | Method::PUT | Method::PATCH);
    if headers.contains_key(header::EXPECT) || has_body && !is_usual {
        return Err(Dropped::OddBody);
    }
    Ok(())
}

/// How long the connection of an answer may be idle, at most `idle`.
pub(crate) fn idle_time(answer: &Parts, idle: Duration) -> Result<Duration, Dropped> {
    let headers = &answer.headers;
    // RFC 9112 section 9.3. hyper keeps a connection of HTTP/1.0 that says `keep-alive`, and speaks HTTP/1.0
    // from then on.
    if answer.version != Version::HTTP_11 || has_token(headers, &header::CONNECTION, "close") {
        return Err(Dropped::Close);
    }
    // RFC 9112 section 6.3: it "ought to be handled as an error", for two readers see two ends of it.
    if headers.contains_key(header::CONTENT_LENGTH)
        && headers.contains_key(header::TRANSFER_ENCODING)
    {
        return Err(Dropped::AmbiguousLength);
    }
    if names_connection_scheme(headers, &header::WWW_AUTHENTICATE)
        || names_connection_scheme(headers, &header::PROXY_AUTHENTICATE)
    {
        return Err(Dropped::SignsIn);
    }
    let announced = announced(headers).map_or(idle, |announced| announced.saturating_sub(MARGIN));
    Some(idle.min(announced)).filter(|idle| !idle.is_zero()).ok_or(Dropped::Idle)
}

/// `Keep-Alive: timeout=5`, as servers announce it: in seconds.
fn announced(headers: &HeaderMap) -> Option<Duration> {
    let parameters = words(headers, &KEEP_ALIVE, b',');
    let mut seconds = parameters.filter_map(|parameter| {
        let (name, value) = parameter.split_at_checked("timeout=".len())?;
        name.eq_ignore_ascii_case(b"timeout=").then_some(value)
    });
    let seconds = std::str::from_utf8(seconds.next()?).ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// RFC 4559 section 6 and its like: schemes that sign in a connection. Their names are looked for before and after
/// every comma: a value may list several schemes.
fn names_connection_scheme(headers: &HeaderMap, name: &HeaderName) -> bool {
    words(headers, name, b',').any(|challenge| {
        let scheme = challenge.split(u8::is_ascii_whitespace).next().unwrap_or_default();
        CONNECTION_SCHEMES.iter().any(|known| scheme.eq_ignore_ascii_case(known.as_bytes()))
    })
}

fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    words(headers, name, b',').any(|word| word.eq_ignore_ascii_case(token.as_bytes()))
}

fn words<'h>(
    headers: &'h HeaderMap,
    name: &'h HeaderName,
    separator: u8,
) -> impl Iterator<Item = &'h [u8]> {
    let values = headers.get_all(name).into_iter();
    values
        .flat_map(move |value| value.as_bytes().split(move |byte| *byte == separator))
        .map(<[u8]>::trim_ascii)
}

static KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");

const CONNECTION_SCHEMES: [&str; 2] = ["negotiate", "ntlm"];

/// Between the end of a connection here and at an upstream that announces when it ends: for a request to
/// arrive. Lowered, more requests meet a connection that is just being closed.
const MARGIN: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use hyper::Response;
    use hyper::header::HeaderValue;

    use super::*;

    const IDLE: Duration = Duration::from_secs(4);

    fn idle_after(
        version: Version,
        lines: &[(&'static str, &'static str)],
    ) -> Result<u64, Dropped> {
        let (mut head, ()) = Response::new(()).into_parts();
        head.version = version;
        for (name, value) in lines {
            head.headers.append(*name, HeaderValue::from_static(value));
        }
        idle_time(&head, IDLE).map(|idle| idle.as_secs())
    }

    #[test]
    fn what_an_answer_says_of_its_connection() {
        let http = Version::HTTP_11;
        for (row, version, lines, expected) in [
            ("plain", http, &[][..], Ok(4)),
            ("1.0", Version::HTTP_10, &[("connection", "keep-alive")], Err(Dropped::Close)),
            ("close", http, &[("connection", "close")], Err(Dropped::Close)),
            ("in a list", http, &[("connection", "x-a ,CLOSE")], Err(Dropped::Close)),
            (
                "in another line",
                http,
                &[("connection", "keep-alive"), ("connection", "Close")],
                Err(Dropped::Close),
            ),
            ("keep-alive", http, &[("connection", "keep-alive")], Ok(4)),
            (
                "two lengths",
                http,
                &[("content-length", "2"), ("transfer-encoding", "chunked")],
                Err(Dropped::AmbiguousLength),
            ),
            ("one length", http, &[("transfer-encoding", "chunked")], Ok(4)),
            ("NTLM", http, &[("www-authenticate", "NTLM")], Err(Dropped::SignsIn)),
            ("a token", http, &[("www-authenticate", "negotiate YII=")], Err(Dropped::SignsIn)),
            (
                "the second of two",
                http,
                &[("www-authenticate", "Basic realm=\"a\", Negotiate")],
                Err(Dropped::SignsIn),
            ),
            ("a proxy's", http, &[("proxy-authenticate", "ntlm")], Err(Dropped::SignsIn)),
            ("another scheme", http, &[("www-authenticate", "Bearer realm=\"ntlm\"")], Ok(4)),
            ("announced", http, &[("keep-alive", "max=5, Timeout=3")], Ok(2)),
            ("announced longer", http, &[("keep-alive", "timeout=60")], Ok(4)),
            ("announced shorter", http, &[("keep-alive", "timeout=1")], Err(Dropped::Idle)),
            ("announced badly", http, &[("keep-alive", "timeout=-1")], Ok(4)),
        ] {
            assert_eq!(idle_after(version, lines), expected, "{row}");
        }
    }

    #[test]
    fn a_request_may_be_the_last_on_its_connection() {
        for (row, method, name, value, expected) in [
            ("a bearer", Method::GET, "authorization", "Bearer a", Ok(())),
            ("Kerberos", Method::GET, "authorization", "Negotiate YII=", Err(Dropped::SignsIn)),
            ("NTLM", Method::GET, "authorization", "ntlm\tTlRM", Err(Dropped::SignsIn)),
            ("no scheme", Method::GET, "authorization", "", Ok(())),
            ("an upload", Method::POST, "content-length", "9", Ok(())),
            ("in parts", Method::PUT, "transfer-encoding", "chunked", Ok(())),
            ("asks before its body", Method::POST, "expect", "100-continue", Err(Dropped::OddBody)),
            ("a body with GET", Method::GET, "content-length", "9", Err(Dropped::OddBody)),
            ("with DELETE", Method::DELETE, "transfer-encoding", "chunked", Err(Dropped::OddBody)),
            ("an empty one", Method::DELETE, "content-length", "0", Ok(())),
        ] {
            let request = Request::builder().method(method).header(name, value).body(());
            assert_eq!(allows_another(&request.unwrap()), expected, "{row}");
        }
    }

    #[test]
    fn methods_that_may_not_meet_a_connection_that_is_just_being_closed() {
        for (method, expected) in [
            (Method::POST, true),
            (Method::PATCH, true),
            (Method::from_bytes(b"LINK").unwrap(), true),
            (Method::DELETE, false),
            (Method::GET, false),
            (Method::PUT, false),
        ] {
            assert_eq!(is_careful(&method), expected, "{method}");
        }
    }

    #[test]
    fn every_reason_has_a_name_of_its_own() {
        let mut names = Dropped::ALL.map(Dropped::name).to_vec();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Dropped::ALL.len());
    }
}
