//! A merging link, from the two verified tokens to the link request. What follows is in
//! [`settle`](super::settle).

use super::account::{Account, Read};
use super::ask::Ask;
use super::ending::Ending;
use super::entry;
use super::plan::{self, MergeRules, Ours, Plan, Row};
use super::service::Credentials;
use super::value::{Members, Value};
use super::written::Written;
use super::{MergeRecord, MetadataRules, Outcome};
use crate::config::Rules;
use crate::cors::Cors;
use crate::decision::{Record, escaped};
use crate::denial::{Fault, Flaw};
use crate::exchange::Stop;
use crate::forward;
use crate::protocol::{Acquired, Answer, CallFailure, Event, Header, Now, Step};
use crate::secondary::Secondary;
use crate::subject::Permit;

/// A merging link under way.
pub(crate) struct Merge {
    pub(super) permit: Permit,
    pub(super) secondary: Secondary,
    /// The headers that go on with the link.
    headers: Vec<Header>,
    /// The reserved key of the secondary.
    pub(super) reserved: String,
    pub(super) serialised: bool,
    pub(super) at: At,
    /// The primary as last read.
    pub(super) primary: Option<Account>,
    /// The secondary's metadata as last read.
    pub(super) held: Option<Members>,
    plan: Plan,
    plans: u8,
    pub(super) to_apply: bool,
    /// What this exchange has written.
    pub(super) ours: Ours,
    /// Whether a write was handed out: from then on the exchange must finish.
    pub(super) write_sent: bool,
    /// The members of the write that is being made.
    pub(super) pending: Members,
    /// The copy of what was taken back: its key, and what stood there before.
    pub(super) aside: Option<(String, Value)>,
    pub(super) outcome: Outcome,
    pub(super) calls: u32,
    /// Until when the present part may take, the part before the link or the one after it.
    pub(super) deadline_mono_ms: u64,
    /// How the exchange ends once the link is known to stand.
    pub(super) ending: Option<Ending>,
}

/// Where a merge stands.
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
    pub(crate) cors: &'a Cors,
    pub(crate) record: &'a mut Record,
    pub(crate) now: Now,
}

/// For others to be done with one of the two accounts.
const ACQUIRE_MS: u32 = 5000;

impl Merge {
    /// Begins with the two accounts, which nobody else is to link at the same time.
    pub(crate) fn begin(
        permit: Permit,
        secondary: Secondary,
        headers: Vec<Header>,
        given: &Given<'_>,
    ) -> (Self, Step) {
        let mut accounts =
            [entry::account_name(permit.user_id()), entry::account_name(secondary.id())];
        accounts.sort();
        let merge = Self {
            reserved: entry::reserved_key(secondary.id()),
            permit,
            secondary,
            headers,
            serialised: false,
            at: At::Acquiring,
            primary: None,
            held: None,
            plan: Plan::default(),
            plans: 0,
            to_apply: false,
            ours: Ours::default(),
            write_sent: false,
            pending: Members::new(),
            aside: None,
            outcome: Outcome::None,
            calls: 0,
            deadline_mono_ms: given.now.mono_ms + given.metadata.timeout_ms,
            ending: None,
        };
        (merge, Step::Acquire { accounts, timeout_ms: ACQUIRE_MS })
    }

    /// Whether it must be seen through without its client.
    pub(crate) fn must_finish(&self) -> bool {
        self.write_sent
    }

    /// Takes an event to the next step.
    pub(crate) fn next(&mut self, event: Event, given: &mut Given<'_>) -> Result<Step, Stop> {
        let next = match (self.at, event) {
            (At::Acquiring, Event::Acquired(acquired)) => self.acquired(acquired, given),
            (At::Token { ask, until_mono_ms }, Event::Woken)
                if given.now.mono_ms >= until_mono_ms =>
            {
                self.or_settled(ask, Err(Fault::ServiceTokenUnavailable.into()), given)
            }
            (At::Resting { until_mono_ms, .. }, Event::Woken)
                if given.now.mono_ms < until_mono_ms =>
            {
                Ok(Step::Wait { until_mono_ms })
            }
            (At::Token { ask, .. } | At::Resting { ask, .. }, Event::Woken) => self.ask(ask, given),
            (At::Asking(ask), Event::Called(outcome)) => self.answered(ask, outcome, given),
            (At::Linking, Event::Forwarded(answer)) => self.linked(answer, given),
            _ => Err(Fault::OutOfOrder.into()),
        };
        given.record.metadata = Some(self.record());
        next
    }

    /// What is to be said of it now.
    pub(crate) fn record(&self) -> MergeRecord {
        let keys = self.rows().iter().map(|row| (escaped(&row.key), row.fate)).collect();
        MergeRecord { outcome: self.outcome.name(), calls: self.calls, keys }
    }

    pub(super) fn rows(&self) -> &[Row] {
        &self.plan.rows
    }

    fn acquired(&mut self, acquired: Acquired, given: &mut Given<'_>) -> Result<Step, Stop> {
        match acquired {
            Acquired::Busy => return Err(Fault::LinksBusy.into()),
            Acquired::Serialised => self.serialised = true,
            Acquired::Unserialised => {}
        }
        self.ask(Ask::Primary, given)
    }

    /// A read before the link.
    pub(super) fn read(
        &mut self,
        ask: Ask,
        read: Read,
        given: &mut Given<'_>,
    ) -> Result<Step, Stop> {
        let account = match read {
            Read::There(account) => Some(account),
            Read::Absent => None,
            Read::Refused => {
                given.credentials.refused();
                return Err(Fault::MetadataRefused.into());
            }
            Read::NotSent => return Err(Fault::UpstreamUnreachable.into()),
            Read::TooDeep => return Err(Flaw::MetadataTooDeep.into()),
            Read::Failed | Read::Limited { .. } => return Err(Fault::MetadataReadFailed.into()),
        };
        match (ask, account) {
            // Somebody was here before: a client that sends again. There is nothing to save.
            (Ask::Primary | Ask::Gone, Some(primary)) if primary.lists(self.secondary.id()) => {
                Ok(self.stands(&primary, given))
            }
            (Ask::Primary, Some(primary)) => self.primary_read(primary, given),
            // Somebody linked the other way round first.
            (Ask::Primary | Ask::Gone, None) => Err(Flaw::PrimaryGone.into()),
            // The upstream would refuse it, if it is so. If it is not, the link would destroy what was
            // never read.
            (Ask::Gone, Some(_)) => Err(Flaw::SecondaryGone.into()),
            (Ask::Again, Some(account)) => self.read_again(account.metadata, given),
            (_, Some(account)) => {
                self.held = Some(account.metadata);
                self.plan(given)
            }
            // The primary may have been read before somebody linked them.
            (_, None) => self.ask(Ask::Gone, given),
        }
    }

    fn primary_read(&mut self, account: Account, given: &mut Given<'_>) -> Result<Step, Stop> {
        self.primary = Some(account);
        if self.held.is_some() { self.plan(given) } else { self.ask(Ask::Secondary, given) }
    }

    fn plan(&mut self, given: &mut Given<'_>) -> Result<Step, Stop> {
        let rules = &given.metadata.merge;
        let (Some(primary), Some(held)) = (&self.primary, &self.held) else {
            return Err(Fault::OutOfOrder.into());
        };
        self.plan = plan::plan(held, &primary.metadata, &self.reserved, &self.ours, rules)
            .map_err(|unplannable| unplannable.flaw())?;
        self.plans += 1;
        self.to_apply = self.plan.to_apply;
        if self.plan.is_empty() {
            return Ok(self.link(given));
        }
        self.pending = self.plan.writes(&self.reserved);
        self.ask(Ask::Write, given)
    }

    /// The write before the link.
    pub(super) fn wrote(
        &mut self,
        outcome: &Result<Answer, CallFailure>,
        given: &mut Given<'_>,
    ) -> Result<Step, Stop> {
        match self.written(outcome, given.now) {
            Written::Done => {
                let primary = self.primary.as_ref().map(|primary| &primary.metadata);
                self.ours.wrote(&self.plan, primary.unwrap_or(&Members::new()), &self.reserved);
                self.outcome = Outcome::Kept;
                self.ask(Ask::Again, given)
            }
            Written::Limited { wait_ms } => self.rest(Ask::Write, wait_ms, given),
            Written::Refused => {
                given.credentials.refused();
                Err(Fault::MetadataRefused.into())
            }
            Written::NotSent => Err(Fault::UpstreamUnreachable.into()),
            Written::Unknown => {
                self.outcome = Outcome::Unknown;
                Err(Fault::MetadataWriteUnknown.into())
            }
        }
    }

    fn read_again(&mut self, now_held: Members, given: &mut Given<'_>) -> Result<Step, Stop> {
        let rules = &given.metadata.merge;
        let unchanged = self
            .held
            .as_ref()
            .is_some_and(|held| carried(held, rules).eq(carried(&now_held, rules)));
        if unchanged {
            return Ok(self.link(given));
        }
        if self.plans >= MAX_PLANS {
            return Err(Flaw::MetadataChanging.into());
        }
        self.held = Some(now_held);
        self.ask(Ask::Primary, given)
    }

    /// Sends the link, once.
    fn link(&mut self, given: &mut Given<'_>) -> Step {
        self.at = At::Linking;
        given.record.upstream_called = true;
        let headers = std::mem::take(&mut self.headers);
        Step::Forward(forward::link(&self.permit, &self.secondary, headers, given.rules))
    }
}

/// Plans of one exchange. Raised, a secondary that keeps changing keeps an exchange.
const MAX_PLANS: u8 = 2;

/// What of the secondary would be carried over.
pub(super) fn carried<'a>(
    held: &'a Members,
    rules: &'a MergeRules,
) -> impl Iterator<Item = (&'a String, &'a super::value::Value)> {
    held.iter()
        .filter(|(key, value)| entry::is_reserved(key) || (rules.carries(key) && !value.is_null()))
}
