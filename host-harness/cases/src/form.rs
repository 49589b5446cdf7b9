//! A case: one behaviour as data. This module is the whole format; `tests/README.md` shows it at work.
//!
//! Unknown keys are refused at every level. Text holds `{{…}}` placeholders, see
//! [`text`](crate::text).

mod call;
mod key_answer;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::short::{Shorthand, each_short_or_full, list_short_or_full, short_or_full};

pub use call::{AnswerForm, AskForm, CallForm, LINKED, Whose};
pub(crate) use key_answer::LIKE;
pub use key_answer::{JwkForm, KeyAnswerForm, KeyBodyForm};

/// One behaviour: a request under a policy, and what has to come of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// The behaviour, as a sentence.
    pub title: String,
    /// Why it has to be so: an RFC section, an API page, a CVE.
    #[serde(default)]
    pub why: Option<String>,
    /// Name of a policy document of the suite.
    pub policy: String,
    /// Wall clock in Unix seconds; the suite's when absent.
    #[serde(default)]
    pub clock: Option<u64>,
    /// Tokens of this case; one with the name of a shared token replaces it.
    #[serde(default, deserialize_with = "each_short_or_full")]
    pub tokens: BTreeMap<String, TokenForm>,
    /// What the client sends.
    #[serde(deserialize_with = "short_or_full")]
    pub request: RequestForm,
    /// What the upstream does, should it be asked; the suite's default when absent.
    #[serde(default)]
    pub upstream: Option<UpstreamForm>,
    /// The calls of a merging link and their answers, in order, and where the link goes among them.
    #[serde(default, deserialize_with = "list_short_or_full")]
    pub calls: Vec<CallForm>,
    /// What the key endpoint answers, one after another and the last for good, where the policy has keys
    /// at `{{key-endpoint}}`.
    #[serde(default)]
    pub keys: Vec<KeyAnswerForm>,
    /// What has to come of it.
    pub expect: Expect,
    /// Where a real host makes something else of the request, by the name of the host.
    #[serde(default)]
    pub hosts: BTreeMap<String, HostForm>,
}

/// What comes of a case on a host that changes the request before the gate sees it, or refuses it.
/// One of the keys after `why`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostForm {
    /// What the host does, and where that is written.
    pub why: String,
    /// The host's own reply: the gate is not asked, and nothing is sent.
    #[serde(default)]
    pub status: Option<u16>,
    /// The host may give this client no reply. The gate is asked, and nothing is sent.
    #[serde(default)]
    pub hangs_up: bool,
    /// The host does not take the policy, and says this of it.
    #[serde(default)]
    pub refuses_policy: Option<String>,
    /// What has to come of the request that the gate gets to see.
    #[serde(default)]
    pub expect: Option<Expect>,
}

/// A token: another one, with changes. As a word: that other one.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TokenForm {
    /// The token to start from.
    pub like: Option<String>,
    /// Name of the signing key. Its name is also the `kid`.
    pub key: Option<String>,
    /// Algorithm to sign with, when it is not the header's `alg`.
    pub sign_as: Option<String>,
    /// Header members to set; `null` removes one.
    pub header: Map<String, Value>,
    /// Claims to set; `null` removes one. Strings such as `now-61s` are times.
    pub claims: Map<String, Value>,
    /// The header's JSON as text; `{{members}}` are the members it would have had.
    pub raw_header: Option<String>,
    /// The claims' JSON as text; likewise.
    pub raw_claims: Option<String>,
    /// What is done to the signature.
    pub signature: Option<SignatureForm>,
    /// The compact form as text, of `{{header}}`, `{{claims}}`, `{{signature}}`.
    pub compact: Option<String>,
    /// Replacements in the compact form; each must find something.
    pub replace: BTreeMap<String, String>,
}

/// What is done to a signature after signing.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum SignatureForm {
    /// One bit is flipped.
    Flip,
    /// The same bytes, in a base64url text whose unused last bits are not zero.
    LooseBits,
    /// The signature of a verified token with the same header: these claims were never signed.
    OfOriginal,
}

impl Shorthand for TokenForm {
    const EXPECTED: &'static str = "the name of a token, or a token";

    fn from_word(word: &str) -> Result<Self, String> {
        Ok(Self { like: Some(word.to_owned()), ..Self::default() })
    }
}

/// One header line, written as `name: value`.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(try_from = "BTreeMap<String, String>")]
pub struct Line {
    /// Field name.
    pub name: String,
    /// Field value.
    pub value: String,
}

impl TryFrom<BTreeMap<String, String>> for Line {
    type Error = String;

    fn try_from(map: BTreeMap<String, String>) -> Result<Self, String> {
        let count = map.len();
        match map.into_iter().next() {
            Some((name, value)) if count == 1 => Ok(Self { name, value }),
            _ => Err(format!("expected one `name: value` a line, found {count}")),
        }
    }
}

/// What the client sends. As a word: a shared request.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RequestForm {
    /// The shared request to start from.
    pub like: Option<String>,
    /// Method.
    pub method: Option<String>,
    /// Request target, exactly as it goes over the wire.
    pub target: Option<String>,
    /// All header lines, in order.
    pub headers: Option<Vec<Line>>,
    /// Names of header lines to leave out.
    pub drop: Vec<String>,
    /// Header lines to add at the end.
    pub add: Vec<Line>,
    /// The body.
    pub body: Option<String>,
    /// The body breaks off before its end.
    pub body_breaks_off: bool,
}

impl Shorthand for RequestForm {
    const EXPECTED: &'static str = "the name of a shared request, or a request";

    fn from_word(word: &str) -> Result<Self, String> {
        Ok(Self { like: Some(word.to_owned()), ..Self::default() })
    }
}

/// What the upstream does: it fails, or it answers.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UpstreamForm {
    /// It gives no answer.
    pub fails: Option<FailureForm>,
    /// Status of its answer; 200 when absent.
    pub status: Option<u16>,
    /// Header lines of its answer.
    pub headers: Vec<Line>,
    /// Body of its answer.
    pub body: String,
}

/// Why an upstream gives no answer.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum FailureForm {
    /// No byte of the request left the host.
    NotSent,
    /// The request may have arrived.
    Unknown,
}

/// What has to come of a request.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// `allowed`, `passed`, `denied` or `failed`.
    pub outcome: String,
    /// Fine-grained cause.
    pub cause: String,
    /// Public reason code.
    pub reason: String,
    /// What the client gets.
    #[serde(deserialize_with = "short_or_full")]
    pub reply: ReplyForm,
    /// What the upstream gets. Absent: nothing.
    #[serde(default, deserialize_with = "some_short_or_full")]
    pub upstream_request: Option<SentForm>,
    /// Further members of the decision record.
    #[serde(default)]
    pub decision: Map<String, Value>,
    /// Phrases, each in a line that is logged about keys.
    #[serde(default, deserialize_with = "short_or_full")]
    pub notices: Values,
}

fn some_short_or_full<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<SentForm>, D::Error> {
    short_or_full(deserializer).map(Some)
}

/// What the client gets. As a number: this status. As the word `relayed`: the upstream's answer,
/// whole and unchanged.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReplyForm {
    /// The upstream's answer, whole and unchanged.
    #[serde(skip)]
    pub relayed: bool,
    /// Status.
    pub status: Option<u16>,
    /// Header lines by name: one line with this value, or these lines.
    #[serde(deserialize_with = "each_short_or_full")]
    pub headers: BTreeMap<String, Values>,
    /// Names of header lines that must not be there.
    pub absent: Vec<String>,
    /// The body: text to equal, or members that its JSON object must have.
    pub body: Option<Value>,
}

impl Shorthand for ReplyForm {
    const EXPECTED: &'static str = "a status, `relayed`, or a reply";

    fn from_word(word: &str) -> Result<Self, String> {
        if word == "relayed" {
            return Ok(Self { relayed: true, ..Self::default() });
        }
        let status =
            word.parse().map_err(|_| format!("expected {}, found `{word}`", Self::EXPECTED))?;
        Ok(Self { status: Some(status), ..Self::default() })
    }
}

/// The values of a header, one per line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Values(pub Vec<String>);

impl<'de> Deserialize<'de> for Values {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(Self)
    }
}

impl Shorthand for Values {
    const EXPECTED: &'static str = "a value, or a list of values";

    fn from_word(word: &str) -> Result<Self, String> {
        Ok(Self(vec![word.to_owned()]))
    }
}

/// What the upstream gets. As a word: `untouched` (the client's own request), or a shared one.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SentForm {
    /// The client's own request, streamed.
    #[serde(skip)]
    pub untouched: bool,
    /// The shared one to start from.
    pub like: Option<String>,
    /// Method.
    pub method: Option<String>,
    /// Path.
    pub path: Option<String>,
    /// All header lines, in order, but for `host` and the framing.
    pub headers: Option<Vec<Line>>,
    /// The body, to the byte; absent: none at all.
    pub body: Option<String>,
}

impl Shorthand for SentForm {
    const EXPECTED: &'static str =
        "`untouched`, the name of a shared upstream request, or an upstream request";

    fn from_word(word: &str) -> Result<Self, String> {
        if word == "untouched" {
            return Ok(Self { untouched: true, ..Self::default() });
        }
        Ok(Self { like: Some(word.to_owned()), ..Self::default() })
    }
}
