//! A case made ready: every token minted, every placeholder filled in, every default applied.

mod calls;
mod key_answers;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};

use linkgate_policy::{Failure, Header};
use serde_json::{Map, Value};

use crate::edition::Sent;
use crate::form::{Case, FailureForm, Line, ReplyForm, RequestForm, SentForm, UpstreamForm};
use crate::mint::{Mint, Minted};
use crate::suite::Suite;
use crate::text;
use crate::trouble::Trouble;

pub use calls::{ExpectedCall, SERVICE, encoded};

/// A case, as bytes.
#[derive(Clone, Debug)]
pub struct Scene {
    /// The behaviour, as a sentence.
    pub title: String,
    /// The policy document, as JSON.
    pub document: String,
    /// The secrets that the document may name.
    pub secrets: Vec<(String, String)>,
    /// The wall clock, in Unix seconds.
    pub clock_s: u64,
    /// What the client sends.
    pub request: Request,
    /// What the upstream does.
    pub upstream: Result<Response, Failure>,
    /// What it answers to the calls of a merging link, one after another.
    pub calls: Vec<Result<Response, Failure>>,
    /// What the key endpoint does, one after another and the last for good; nothing where no key is
    /// fetched.
    pub keys: Vec<Result<Response, Failure>>,
    /// What has to come of it.
    pub expected: Expected,
    /// What must not be seen: the tokens that the request carries, in compact form, and the secrets.
    pub tokens: Vec<String>,
}

/// What the client sends.
#[derive(Clone, Debug)]
pub struct Request {
    /// Method.
    pub method: String,
    /// Request target.
    pub target: Vec<u8>,
    /// Header lines, names in lower case.
    pub headers: Vec<Header>,
    /// The body.
    pub body: Vec<u8>,
    /// The body breaks off.
    pub body_breaks_off: bool,
}

/// A response: the upstream's to the gate, or what the client gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// Status.
    pub status: u16,
    /// Header lines.
    pub headers: Vec<Header>,
    /// Body.
    pub body: Vec<u8>,
}

/// What has to come of a request.
#[derive(Clone, Debug)]
pub struct Expected {
    /// Outcome.
    pub outcome: String,
    /// Cause.
    pub cause: String,
    /// Reason.
    pub reason: String,
    /// What the client gets.
    pub reply: ReplyForm,
    /// What the upstream gets.
    pub upstream: ExpectedSent,
    /// The calls that it gets before and after.
    pub calls: Vec<ExpectedCall>,
    /// Further members of the decision record.
    pub decision: Map<String, Value>,
    /// Phrases, each in a line that is logged about keys.
    pub notices: Vec<String>,
}

/// What the upstream has to get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExpectedSent {
    /// Nothing.
    Nothing,
    /// The client's own request.
    Untouched,
    /// This request.
    Request(Sent),
}

/// The name of the place of keys, for a policy and for what a case says.
pub(crate) const KEY_ENDPOINT: &str = "key-endpoint";

/// Where keys are for editions whose fetches go over no wire. Loopback, as a policy may name it.
const NOWHERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 80);

/// What placeholders mean in one case.
pub(crate) struct Meaning<'a> {
    pub(crate) suite: &'a Suite,
    pub(crate) names: &'a BTreeMap<String, String>,
    mint: Mint<'a>,
    minted: RefCell<BTreeMap<String, Minted>>,
}

impl Scene {
    /// Makes a case ready.
    ///
    /// # Errors
    /// It names something that the suite does not have, or a token cannot be made.
    pub fn prepare(suite: &Suite, case: &Case) -> Result<Self, Trouble> {
        Self::prepare_at(suite, case, case.clock.unwrap_or(suite.shared.clock), None)
    }

    /// Makes a case ready for a gate whose clock cannot be set: `clock_s` is what it shows, in Unix
    /// seconds. `key_endpoint` is where it fetches keys from, if it does so over the wire.
    ///
    /// # Errors
    /// It names something that the suite does not have, or a token cannot be made.
    pub fn prepare_at(
        suite: &Suite,
        case: &Case,
        clock_s: u64,
        key_endpoint: Option<SocketAddr>,
    ) -> Result<Self, Trouble> {
        let mut names = suite.shared.names.clone();
        if !case.keys.is_empty() {
            let place = key_endpoint.unwrap_or(NOWHERE);
            names.insert(KEY_ENDPOINT.to_owned(), format!("http://{place}"));
        }
        let mint = Mint {
            keys: &suite.keys,
            shared: &suite.shared.tokens,
            own: &case.tokens,
            now_s: clock_s,
            names: &names,
        };
        let meaning = Meaning { suite, names: &names, mint, minted: RefCell::default() };
        let request = meaning
            .request(&suite.flat_request(&case.request)?)
            .map_err(|trouble| trouble.at("request"))?;
        let secrets = suite.secrets()?;
        let minted = meaning.minted.borrow().clone().into_values().map(|minted| minted.compact);
        let tokens = minted.chain(secrets.iter().map(|(_, secret)| secret.clone())).collect();
        let document = meaning.document(&case.policy)?;
        let upstream =
            meaning.upstream(case.upstream.as_ref().unwrap_or(&suite.shared.upstream))?;
        let (calls, answers) = meaning
            .calls(&case.calls, &request, &document)
            .map_err(|trouble| trouble.at("calls"))?;
        let expected = Expected {
            outcome: case.expect.outcome.clone(),
            cause: case.expect.cause.clone(),
            reason: case.expect.reason.clone(),
            reply: case.expect.reply.clone(),
            upstream: meaning
                .sent(case.expect.upstream_request.as_ref())
                .map_err(|trouble| trouble.at("expect: upstream_request"))?,
            calls,
            decision: case.expect.decision.clone(),
            notices: case.expect.notices.0.clone(),
        };
        Ok(Self {
            title: case.title.clone(),
            document,
            secrets,
            clock_s,
            request,
            upstream,
            calls: answers,
            keys: meaning.keys(&case.keys).map_err(|trouble| trouble.at("keys"))?,
            expected,
            tokens,
        })
    }
}

impl Meaning<'_> {
    fn request(&self, form: &RequestForm) -> Result<Request, Trouble> {
        let needed = |part: &Option<String>, name: &str| {
            part.clone().ok_or_else(|| Trouble::new(format!("no `{name}`")))
        };
        let mut headers = self.lines(form.headers.as_deref().unwrap_or_default())?;
        headers.retain(|line| !form.drop.contains(&line.name));
        headers.extend(self.lines(&form.add)?);
        Ok(Request {
            method: needed(&form.method, "method")?,
            target: self.bytes(&needed(&form.target, "target")?)?,
            headers,
            body: self.bytes(form.body.as_deref().unwrap_or_default())?,
            body_breaks_off: form.body_breaks_off,
        })
    }

    pub(crate) fn upstream(
        &self,
        form: &UpstreamForm,
    ) -> Result<Result<Response, Failure>, Trouble> {
        Ok(match form.fails {
            Some(failure) => Err(failure.into()),
            None => Ok(Response {
                status: form.status.unwrap_or(200),
                headers: self.lines(&form.headers)?,
                body: self.bytes(&form.body)?,
            }),
        })
    }

    fn sent(&self, form: Option<&SentForm>) -> Result<ExpectedSent, Trouble> {
        let Some(form) = form else { return Ok(ExpectedSent::Nothing) };
        if form.untouched {
            return Ok(ExpectedSent::Untouched);
        }
        let base =
            match &form.like {
                Some(name) => {
                    self.suite.shared.upstream_requests.get(name).cloned().ok_or_else(|| {
                        Trouble::new(format!("no shared upstream request `{name}`"))
                    })?
                }
                None => SentForm::default(),
            };
        let needed = |own: &Option<String>, base: Option<String>, name: &str| {
            own.clone().or(base).ok_or_else(|| Trouble::new(format!("no `{name}`")))
        };
        let body = form.body.clone().or(base.body);
        Ok(ExpectedSent::Request(Sent {
            method: needed(&form.method, base.method, "method")?,
            path: self.text(&needed(&form.path, base.path, "path")?)?,
            headers: self
                .lines(form.headers.as_deref().or(base.headers.as_deref()).unwrap_or_default())?,
            body: body.map(|body| self.bytes(&body)).transpose()?,
        }))
    }

    pub(crate) fn lines(&self, lines: &[Line]) -> Result<Vec<Header>, Trouble> {
        lines
            .iter()
            .map(|line| {
                Ok(Header { name: line.name.to_ascii_lowercase(), value: self.bytes(&line.value)? })
            })
            .collect()
    }

    pub(crate) fn bytes(&self, text: &str) -> Result<Vec<u8>, Trouble> {
        text::render(text, self.mint.now_s, &|name| self.named(name))
    }

    pub(crate) fn text(&self, text: &str) -> Result<String, Trouble> {
        text::render_text(text, self.mint.now_s, &|name| self.named(name))
    }

    /// A name of the suite, a token, or a part of one.
    pub(crate) fn named(&self, name: &str) -> Result<String, Trouble> {
        if let Some(text) = self.names.get(name) {
            return Ok(text.clone());
        }
        if let Some(secret) = name.strip_prefix("secret ") {
            return self.suite.secret(secret);
        }
        let (token, part) =
            name.split_once('.').map_or((name, None), |(token, part)| (token, Some(part)));
        if !self.mint.knows(token) {
            return Err(Trouble::new(format!("nothing is called `{name}` here")));
        }
        if !self.minted.borrow().contains_key(token) {
            let minted = self.mint.token(token)?;
            self.minted.borrow_mut().insert(token.to_owned(), minted);
        }
        let minted = self.minted.borrow();
        let minted = minted.get(token).ok_or_else(|| Trouble::new("a token vanished"))?;
        match part {
            None => Ok(minted.compact.clone()),
            Some("header") => Ok(minted.header.clone()),
            Some("claims") => Ok(minted.claims.clone()),
            Some("signature") => Ok(minted.signature.clone()),
            Some(other) => Err(Trouble::new(format!("no part of a token is called `{other}`"))),
        }
    }
}

impl From<FailureForm> for Failure {
    fn from(form: FailureForm) -> Self {
        match form {
            FailureForm::NotSent => Self::NotSent,
            FailureForm::Unknown => Self::Unknown,
        }
    }
}
