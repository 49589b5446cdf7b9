//! The calls of a merging link: what the gate asks, and what the upstream answers.

use serde::Deserialize;

use crate::form::{FailureForm, Line, UpstreamForm};
use crate::short::Shorthand;

/// A call and its answer. As the word `link`: the link goes here.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Written")]
pub enum CallForm {
    /// The link, which `upstream` answers.
    Link,
    /// A call.
    Call(AskForm, AnswerForm),
}

/// What the gate asks.
#[derive(Clone, Debug)]
pub enum AskForm {
    /// To see an account.
    Reads(Whose),
    /// To write these members of the primary's `user_metadata`: JSON as text.
    Writes(String),
}

/// One of the two accounts.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Whose {
    /// The subject of the token `bearer`.
    Primary,
    /// The subject of the token `secondary`.
    Secondary,
}

/// What the upstream answers.
#[derive(Clone, Debug)]
pub enum AnswerForm {
    /// 200 with the account that was asked for.
    Account {
        /// Its `user_metadata`: JSON as text. Absent: it has no such member.
        metadata: Option<String>,
        /// Identities beside its own: JSON as text, a comma between two, or the word `secondary`.
        linked: Option<String>,
    },
    /// Something else, or nothing.
    Other(UpstreamForm),
}

/// A call as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    reads: Option<Whose>,
    writes: Option<String>,
    metadata: Option<String>,
    linked: Option<String>,
    fails: Option<FailureForm>,
    status: Option<u16>,
    #[serde(default)]
    headers: Vec<Line>,
    body: Option<String>,
}

impl Shorthand for CallForm {
    const EXPECTED: &'static str = "`link`, or a call";

    fn from_word(word: &str) -> Result<Self, String> {
        match word {
            "link" => Ok(Self::Link),
            _ => Err(format!("expected {}, found `{word}`", Self::EXPECTED)),
        }
    }
}

impl TryFrom<Written> for CallForm {
    type Error = &'static str;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        let Written { reads, writes, metadata, linked, fails, status, headers, body } = written;
        let is_account = metadata.is_some() || linked.is_some();
        let is_answer = status.is_some() || !headers.is_empty() || body.is_some();
        if usize::from(is_account) + usize::from(is_answer) + usize::from(fails.is_some()) > 1 {
            return Err("expected an account, another answer or `fails`, found more than one");
        }
        // The API answers a write with the account as it is then.
        let metadata = metadata.or_else(|| writes.clone());
        let ask = match (reads, writes) {
            (Some(whose), None) => AskForm::Reads(whose),
            (None, Some(members)) => AskForm::Writes(members),
            (Some(_), Some(_)) => return Err("expected `reads` or `writes`, found both"),
            (None, None) => return Err("expected `reads` or `writes`, found neither"),
        };
        let answer = if is_answer || fails.is_some() {
            AnswerForm::Other(UpstreamForm {
                fails,
                status,
                headers,
                body: body.unwrap_or_default(),
            })
        } else {
            AnswerForm::Account { metadata, linked }
        };
        Ok(Self::Call(ask, answer))
    }
}

impl AskForm {
    pub(crate) fn whose(&self) -> Whose {
        match self {
            Self::Reads(whose) => *whose,
            Self::Writes(_) => Whose::Primary,
        }
    }
}

impl Whose {
    pub(crate) fn token(self) -> &'static str {
        match self {
            Self::Primary => "bearer",
            Self::Secondary => "secondary",
        }
    }
}

/// In `linked`: the identity of the account that is linked.
pub const LINKED: &str = "secondary";
