//! A merging link under way: what it is about, and what is waited for.

use super::after_link::After;
use super::before_link::Before;
use super::calls::{Ask, Budget};
use super::plan::KeyFate;
use super::replacing::Replacing;
use super::reserved_entry::Pair;
use super::service_token::Credentials;
use crate::access::permit::Permit;
use crate::access::secondary::Secondary;
use crate::audit::merge::MergeOutcome;
use crate::audit::record::Record;
use crate::http::cors::Cors;
use crate::http::message::Header;
use crate::rules::Rules;
use crate::rules::metadata::MetadataRules;
use crate::text::json::Object as Members;
use crate::time::clock::Now;

/// A merging link under way.
pub(crate) struct Merge {
    pub(super) permit: Permit,
    pub(super) secondary: Secondary,
    pub(super) pair: Pair,
    /// The headers that go on with the link.
    pub(super) headers: Vec<Header>,
    pub(super) at: At,
    pub(super) phase: Phase,
    pub(super) budget: Budget,
    /// Whether a write was handed out: from then on the exchange must finish.
    pub(super) write_sent: bool,
    /// The members of the write that is being made.
    pub(super) pending: Members,
    pub(super) rows: Vec<KeyFate>,
    pub(super) outcome: MergeOutcome,
}

/// Which part of it, with what that part knows.
pub(super) enum Phase {
    Before(Before),
    After(After),
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum At {
    Acquiring,
    /// The gate's own token is being asked for.
    Token {
        ask: Ask,
        until_mono_ms: u64,
    },
    /// The API takes no calls for a while.
    Resting {
        ask: Ask,
        until_mono_ms: u64,
    },
    Asking(Ask),
    /// The upstream has the link request.
    Linking,
}

/// What a merge is given at each turn.
pub(crate) struct Given<'a> {
    pub(crate) rules: &'a Rules,
    pub(crate) metadata: &'a MetadataRules,
    pub(crate) credentials: &'a mut Credentials,
    pub(crate) replacing: &'a mut Replacing,
    pub(crate) cors: &'a Cors,
    pub(crate) record: &'a mut Record,
    pub(crate) now: Now,
}
