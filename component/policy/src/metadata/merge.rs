//! A merging link, from the two verified tokens to the link request. What follows is in
//! [`settle`](super::settle).

use zeroize::Zeroizing;

use super::account::{self, Account, Read};
use super::call::Caller;
use super::entry;
use super::plan::{self, MergeRules, Ours, Plan, Row, Unplannable};
use super::service::{Credentials, Sought};
use super::value::{Members, Value};
use super::{Fate, MergeRecord, MetadataRules, Outcome};
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
    rows: Vec<Row>,
    calls: u32,
    /// Until when the present part may take, the part before the link or the one after it.
    pub(super) deadline_mono_ms: u64,
    /// How the exchange ends once the link is known to stand.
    pub(super) ending: Option<super::settle::Ending>,
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

/// A call, by what it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ask {
    Primary,
    Secondary,
    Write,
    /// Whether the secondary still holds what was carried over.
    Again,
    /// Whether the secondary is gone because it is linked.
    Gone,
    /// Whether the link stands, after an answer that does not tell. With a status the upstream's
    /// answer is relayed if it does not.
    Stands {
        status: Option<u16>,
    },
    ApplyRead,
    ApplyWrite,
    UndoSecondary {
        status: u16,
    },
    UndoPrimary {
        status: u16,
    },
    /// Takes back, and leaves a copy aside.
    UndoWrite {
        status: u16,
    },
    /// Whether the secondary still holds what was taken back.
    UndoAgain {
        status: u16,
    },
    /// Takes the copy away.
    UndoEnd {
        status: u16,
    },
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

/// Calls of one exchange. The longest way takes 13; raised, an upstream that keeps changing its mind
/// keeps an exchange.
const MAX_CALLS: u32 = 16;

/// For one call. Raised, a slow upstream holds accounts for longer.
const CALL_MS: u64 = 5000;

/// A call that could not take this long is not made.
const LEAST_MS: u64 = 100;

/// The rest after a 429 that does not say how long.
const UNSAID_REST_MS: u64 = 1000;

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
            rows: Vec::new(),
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
        let keys = self.rows.iter().map(|row| (escaped(&row.key), row.fate)).collect();
        MergeRecord { outcome: self.outcome.name(), calls: self.calls, keys }
    }

    pub(super) fn rows(&self) -> &[Row] {
        &self.rows
    }

    fn acquired(&mut self, acquired: Acquired, given: &mut Given<'_>) -> Result<Step, Stop> {
        match acquired {
            Acquired::Busy => return Err(Fault::LinksBusy.into()),
            Acquired::Serialised => self.serialised = true,
            Acquired::Unserialised => {}
        }
        self.ask(Ask::Primary, given)
    }

    /// Makes a call, or waits for what it takes to make it.
    pub(super) fn ask(&mut self, ask: Ask, given: &mut Given<'_>) -> Result<Step, Stop> {
        let step = self.call(ask, given);
        self.or_settled(ask, step, given)
    }

    fn call(&mut self, ask: Ask, given: &mut Given<'_>) -> Result<Step, Stop> {
        let left_ms = self.deadline_mono_ms.saturating_sub(given.now.mono_ms);
        if self.calls >= MAX_CALLS || left_ms < LEAST_MS {
            return Err(Fault::MetadataLate.into());
        }
        let token = match given.credentials.token(self.own_token(ask), given.now) {
            Sought::Here(token) => token,
            Sought::Undecided(undecided) => return Err(undecided.into()),
            Sought::Later { until_mono_ms } => {
                self.at = At::Token { ask, until_mono_ms };
                return Ok(Step::Wait { until_mono_ms });
            }
        };
        // In range: capped at `CALL_MS`.
        let timeout_ms = u32::try_from(left_ms.min(CALL_MS)).unwrap_or(u32::MAX);
        let Some(call) = self.made(ask, &token, timeout_ms, given) else {
            return Err(Fault::OutOfOrder.into());
        };
        self.write_sent |= ask.writes();
        self.calls += 1;
        self.at = At::Asking(ask);
        Ok(Step::Call(call))
    }

    fn made(
        &self,
        ask: Ask,
        token: &Zeroizing<String>,
        timeout_ms: u32,
        given: &Given<'_>,
    ) -> Option<crate::protocol::Call> {
        let traceparent = given.record.traceparent();
        let caller = Caller { rules: given.rules, token, traceparent, timeout_ms };
        match ask {
            Ask::Secondary | Ask::Again | Ask::UndoSecondary { .. } | Ask::UndoAgain { .. } => {
                Some(caller.read(self.secondary.id()))
            }
            Ask::Primary
            | Ask::Gone
            | Ask::Stands { .. }
            | Ask::ApplyRead
            | Ask::UndoPrimary { .. } => Some(caller.read(self.permit.user_id())),
            Ask::Write | Ask::ApplyWrite | Ask::UndoWrite { .. } | Ask::UndoEnd { .. } => {
                caller.write(self.permit.user_id(), self.pending.clone())
            }
        }
    }

    /// The account's own token.
    fn own_token(&self, ask: Ask) -> &str {
        match ask {
            Ask::Secondary | Ask::Again | Ask::UndoSecondary { .. } | Ask::UndoAgain { .. } => {
                self.secondary.token()
            }
            Ask::Primary
            | Ask::Write
            | Ask::Gone
            | Ask::Stands { .. }
            | Ask::ApplyRead
            | Ask::ApplyWrite
            | Ask::UndoPrimary { .. }
            | Ask::UndoWrite { .. }
            | Ask::UndoEnd { .. } => self.permit.bearer().token(),
        }
    }

    fn answered(
        &mut self,
        ask: Ask,
        outcome: Result<Answer, CallFailure>,
        given: &mut Given<'_>,
    ) -> Result<Step, Stop> {
        match ask {
            Ask::Write => self.wrote(&outcome, given),
            Ask::ApplyWrite | Ask::UndoWrite { .. } | Ask::UndoEnd { .. } => {
                self.settled(ask, &outcome, given)
            }
            Ask::Secondary | Ask::Again | Ask::UndoSecondary { .. } | Ask::UndoAgain { .. } => {
                let read = Account::read(outcome, self.secondary.id(), given.now.unix_ms);
                self.read(ask, read, given)
            }
            Ask::Primary
            | Ask::Gone
            | Ask::Stands { .. }
            | Ask::ApplyRead
            | Ask::UndoPrimary { .. } => {
                let read = Account::read(outcome, self.permit.user_id(), given.now.unix_ms);
                self.read(ask, read, given)
            }
        }
    }

    fn read(&mut self, ask: Ask, read: Read, given: &mut Given<'_>) -> Result<Step, Stop> {
        let account = match read {
            Read::Limited { wait_ms } => return self.rest(ask, wait_ms, given),
            _ if ask.settles() => return self.seen(ask, read, given),
            Read::There(account) => Some(account),
            Read::Absent => None,
            Read::Refused => {
                given.credentials.refused();
                return Err(Fault::MetadataRefused.into());
            }
            Read::NotSent => return Err(Fault::UpstreamUnreachable.into()),
            Read::Failed => return Err(Fault::MetadataReadFailed.into()),
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
        self.rows.clone_from(&self.plan.rows);
        self.to_apply = self.plan.to_apply;
        if self.plan.is_empty() {
            return Ok(self.link(given));
        }
        self.pending = self.plan.writes(&self.reserved);
        self.ask(Ask::Write, given)
    }

    fn wrote(
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

    /// Waits out a 429, if the time suffices.
    fn rest(
        &mut self,
        ask: Ask,
        wait_ms: Option<u64>,
        given: &mut Given<'_>,
    ) -> Result<Step, Stop> {
        let wait_ms = wait_ms.unwrap_or(UNSAID_REST_MS).max(LEAST_MS);
        let until_mono_ms = given.now.mono_ms.saturating_add(wait_ms);
        if until_mono_ms.saturating_add(LEAST_MS) > self.deadline_mono_ms {
            let seconds = u32::try_from(wait_ms.div_ceil(1000)).ok();
            let stop = Stop::Failed(Fault::MetadataLimited, seconds);
            return self.or_settled(ask, Err(stop), given);
        }
        self.at = At::Resting { ask, until_mono_ms };
        Ok(Step::Wait { until_mono_ms })
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

/// What a write came to.
pub(super) enum Written {
    Done,
    Limited {
        wait_ms: Option<u64>,
    },
    /// A 4xx that means that nothing happened.
    Refused,
    NotSent,
    Unknown,
}

impl Merge {
    /// What the write that was being made came to. It is done when the account that comes back shows
    /// it: a 200 of something on the way is none.
    pub(super) fn written(&self, outcome: &Result<Answer, CallFailure>, now: Now) -> Written {
        let (status, answer) = match outcome {
            Ok(answer) => (answer.status, Some(answer)),
            Err(CallFailure::NoBody { status }) => (*status, None),
            Err(CallFailure::NotSent) => return Written::NotSent,
            Err(CallFailure::Unknown) => return Written::Unknown,
        };
        match status {
            200 if answer.is_some_and(|answer| self.shows_write(answer)) => Written::Done,
            429 => {
                let wait_ms = answer.and_then(|answer| account::wait_ms(answer, now.unix_ms));
                Written::Limited { wait_ms }
            }
            408 => Written::Unknown,
            400..=499 => Written::Refused,
            _ => Written::Unknown,
        }
    }

    fn shows_write(&self, answer: &Answer) -> bool {
        let Some(account) = Account::shown(answer, self.permit.user_id()) else { return false };
        self.pending.iter().all(|(key, value)| {
            let stands = account.metadata.get(key).filter(|stands| !stands.is_null());
            stands == Some(value).filter(|value| !value.is_null())
        })
    }
}

impl Ask {
    const fn writes(self) -> bool {
        matches!(
            self,
            Self::Write | Self::ApplyWrite | Self::UndoWrite { .. } | Self::UndoEnd { .. }
        )
    }
}

impl Unplannable {
    pub(super) fn flaw(&self) -> Flaw {
        match self {
            Self::Conflict(_) => Flaw::MetadataConflict,
            Self::ForbiddenName(_) => Flaw::MetadataKeyForbidden,
            Self::TooLarge { .. } => Flaw::MetadataTooLarge,
        }
    }
}

/// Whether keys with this fate stand on the primary, one way or another.
pub(super) const fn is_there(fate: Fate) -> bool {
    match fate {
        Fate::Added | Fate::Same | Fate::Staged | Fate::Kept | Fate::Carried => true,
        Fate::Dropped | Fate::LeftOut | Fate::Null => false,
    }
}
