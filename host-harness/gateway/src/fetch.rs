//! Fetches: a request of the policy's own, on behalf of all exchanges, and its answer whole.
//!
//! The policy says whom to ask and judges what comes back, whatever its status. What is bounded here
//! is what an endpoint can cost: time, and bytes.

use std::fmt;
use std::future::Future;
use std::io;
use std::time::Duration;

use hyper::Request;
use rustls::{CertificateError, Error as TlsError};
use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout_at};

use crate::content::Content;
use crate::contract::{Answer, Fetch, Forward};
use crate::error::StartError;
use crate::link::{Link, root};
use crate::outbound::gather;
use crate::request;
use crate::settings::Limits;
use crate::tls::{CaSource, HTTP_1, OF_A_CA, Roots, is_of_a_ca};
use crate::upstream::Upstream;

/// Performs the fetches that a policy hands out, each on a connection of its own: HTTP/1.1, plain or
/// over TLS. They are minutes apart, longer than any connection may be idle. It follows no redirect, asks for no
/// compression and sends nothing twice.
pub struct Fetcher {
    /// The system's are read when the first `https` URL is asked: without one there may be none.
    roots: OnceCell<Roots>,
    /// Whose they are, in words.
    trust: &'static str,
    limits: Limits,
}

impl Fetcher {
    /// One that checks certificates against `ca`, or against the system's roots without it.
    ///
    /// # Errors
    /// `ca` cannot be read or holds no certificate.
    pub fn new(ca: Option<&CaSource>) -> Result<Self, StartError> {
        let given = ca.map(|ca| Roots::read(Some(ca), &[HTTP_1])).transpose()?;
        let trust =
            if given.is_some() { "the given CA trusts" } else { "the system's roots trust" };
        Ok(Self { roots: OnceCell::new_with(given), trust, limits: Limits::default() })
    }

    /// Performs one fetch, within its time and its size. A refusal by status is an answer too.
    ///
    /// # Errors
    /// There is no answer: a phrase that says what was expected and what was found, for the
    /// operator's eyes and for `fetched`.
    pub async fn fetch(&self, fetch: &Fetch) -> Result<Answer, String> {
        let patience = Patience::begin(fetch.timeout_ms);
        let (place, request) = ask(fetch)?;
        let mut link = patience.bound("a connection", self.connect(&place)).await?;
        let answer = link.sender.send_request(request);
        let answer = async { answer.await.map_err(|broken| unanswered(&broken)) };
        let (head, body) = patience.bound("an answer", answer).await?.into_parts();
        let body = gather(body, fetch.max_answer_bytes);
        let body = patience.bound("the whole body", body).await?;
        let headers = request::lines(&head.headers);
        Ok(Answer { status: head.status.as_u16(), headers, body })
    }

    async fn connect(&self, place: &Upstream) -> Result<Link, String> {
        let none = |error: io::Error| format!("expected a connection, found none: {error}");
        let socket = TcpStream::connect((place.host(), place.port())).await.map_err(none)?;
        if !place.is_tls() {
            return Link::open(socket, None, &self.limits).await.map_err(none);
        }
        let roots = self.roots.get_or_try_init(of_the_system).await?;
        let tls = roots.tls(place.host()).map_err(|error| error.to_string())?;
        Link::open(socket, Some(&tls), &self.limits).await.map_err(|error| self.no_tls(&error))
    }

    /// Why there was no shaking hands.
    fn no_tls(&self, error: &io::Error) -> String {
        let found = error.get_ref().and_then(|inner| inner.downcast_ref::<TlsError>());
        match found {
            // A CA of the same name with another key is another's, too.
            Some(TlsError::InvalidCertificate(
                CertificateError::UnknownIssuer | CertificateError::BadSignature,
            )) => {
                format!("expected a certificate that {}, found another's", self.trust)
            }
            Some(TlsError::InvalidCertificate(flaw)) if is_of_a_ca(flaw) => OF_A_CA.to_owned(),
            Some(TlsError::InvalidCertificate(flaw)) => {
                format!("expected a certificate that holds for it, found one that does not: {flaw}")
            }
            Some(_) | None => {
                format!("expected to shake hands over TLS, found no way to: {}", root(error))
            }
        }
    }
}

impl fmt::Debug for Fetcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetcher").field("trust", &self.trust).finish_non_exhaustive()
    }
}

/// All the time that a fetch has.
struct Patience {
    limit: Duration,
    deadline: Instant,
}

impl Patience {
    fn begin(timeout_ms: u32) -> Self {
        let limit = Duration::from_millis(timeout_ms.into());
        Self { limit, deadline: Instant::now() + limit }
    }

    /// Waits for a part of the fetch, for as long as all of it may take.
    async fn bound<T>(
        &self,
        what: &str,
        part: impl Future<Output = Result<T, String>>,
    ) -> Result<T, String> {
        let late =
            |_elapsed| format!("expected {what} within {} s, found none", self.limit.as_secs_f32());
        timeout_at(self.deadline, part).await.map_err(late)?
    }
}

/// Whom to ask, and what to send.
fn ask(fetch: &Fetch) -> Result<(Upstream, Request<Content>), String> {
    let unusable = || format!("expected an absolute URL of http or https, found `{}`", fetch.url);
    let after_scheme = fetch.url.find("://").ok_or_else(unusable)? + "://".len();
    let tail = fetch.url.get(after_scheme..).and_then(|rest| rest.find(['/', '?']));
    let end = tail.map_or(fetch.url.len(), |tail| after_scheme + tail);
    let (origin, target) = fetch.url.split_at_checked(end).ok_or_else(unusable)?;
    let place: Upstream = origin.parse().map_err(|_invalid| unusable())?;
    let rooted = if target.starts_with('/') { "" } else { "/" };
    let forward = Forward {
        method: fetch.method.clone(),
        path: format!("{rooted}{target}"),
        headers: fetch.headers.clone(),
        body: fetch.body.clone(),
        timeout_ms: fetch.timeout_ms,
    };
    let request = request::forward(forward, &place)
        .ok_or_else(|| "expected a request that HTTP can say, found none".to_owned())?;
    Ok((place, request))
}

fn unanswered(broken: &hyper::Error) -> String {
    if broken.is_incomplete_message() || broken.is_closed() || broken.is_canceled() {
        return "expected an answer, found the connection closed".to_owned();
    }
    format!("expected an answer of HTTP/1.1, found none: {}", root(broken))
}

/// Reads the system's roots where that blocks no request.
async fn of_the_system() -> Result<Roots, String> {
    let read = spawn_blocking(|| Roots::read(None, &[HTTP_1])).await;
    read.map_err(|panicked| panicked.to_string())?.map_err(|error| error.to_string())
}
