//! A merging link, from the two verified tokens to its last step: what is waited for, and which part of
//! it takes what comes.

use super::account::{Account, Read};
use super::after_link::After;
use super::before_link::{Before, Next};
use super::calls::{Ask, Budget, CALL_MS, Kind};
use super::ending::Report;
use super::given::Given;
use super::plan::Terms;
use super::request;
use super::reserved_entry::{self, Entry, Pair};
use super::write_outcome::Written;
use crate::access::forward;
use crate::access::permit::Permit;
use crate::access::secondary::Secondary;
use crate::audit::merge::{Fate, MergeOutcome, MergeRecord};
use crate::http::message::Header;
use crate::http::outgoing::{Answer, CallFailure};
use crate::keys::lookup::Lookup;
use crate::protocol::{Acquired, Event, Step};
use crate::text::json::Object as Members;
use crate::verdict::cause::{Cause, Denial, Fault, Flaw};
use crate::verdict::stop::Stop;

/// A merging link under way.
pub(crate) struct Merge {
    permit: Permit,
    secondary: Secondary,
    pair: Pair,
    /// The headers that go on with the link.
    headers: Vec<Header>,
    at: At,
    phase: Phase,
    budget: Budget,
    /// Whether a write was handed out: from then on the exchange must finish.
    write_sent: bool,
    /// The members of the write that is being made.
    pending: Members,
    report: Report,
}

/// Which part of it, with what that part knows.
enum Phase {
    Before(Before),
    After(After),
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
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

/// What a primary is refused for that has no room for what is to be carried over.
const TOO_LARGE: Cause = Cause::Denied(Denial::Request(Flaw::MetadataTooLarge));

/// The warning of a secondary whose entries of earlier links the policy does not carry: the link destroys them.
const ENTRIES_LEFT_OUT: &str = "entries-left-out";

/// The warning of a profile that is larger than the API says it may be.
const PROFILE_TOO_LARGE: &str = "profile-too-large";

/// For others to be done with one of the two accounts: longer than a write is waited for whose outcome is unknown.
const ACQUIRE_MS: u32 = CALL_MS + 2000;

impl Merge {
    /// Begins with the two accounts, which no other exchange is to link at the same time.
    pub(crate) fn begin(
        permit: Permit,
        secondary: Secondary,
        headers: Vec<Header>,
        given: &Given<'_>,
    ) -> (Self, Step) {
        let mut accounts = [
            reserved_entry::account_name(permit.user_id()),
            reserved_entry::account_name(secondary.id()),
        ];
        accounts.sort_unstable();
        let merge = Self {
            pair: Pair::of(permit.user_id(), secondary.id()),
            permit,
            secondary,
            headers,
            at: At::Acquiring,
            phase: Phase::Before(Before::default()),
            budget: Budget::before_link(given.metadata.timeout_ms, given.now),
            write_sent: false,
            pending: Members::new(),
            report: Report::default(),
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
            (At::Linking, Event::Forwarded(answer)) => {
                self.budget.settle(given.now);
                given.record.upstream_status = answer.as_ref().ok().map(|head| head.status);
                let next = match &mut self.phase {
                    Phase::After(after) => after.linked(answer.map(|head| head.status)),
                    Phase::Before(_) => Err(Fault::OutOfOrder.into()),
                };
                next.and_then(|next| self.go(next, given))
            }
            _ => Err(Fault::OutOfOrder.into()),
        };
        given.record.metadata = Some(self.record());
        next
    }

    /// What is to be said of it now.
    pub(crate) fn record(&self) -> MergeRecord {
        self.report.record(self.budget.calls)
    }

    /// Makes a call, or waits for what it takes to make it.
    fn ask(&mut self, ask: Ask, given: &mut Given<'_>) -> Result<Step, Stop> {
        let step = self.call(ask, given);
        self.or_settled(ask, step, given)
    }

    fn call(&mut self, ask: Ask, given: &mut Given<'_>) -> Result<Step, Stop> {
        let accounts = (&self.permit, &self.secondary);
        match request::call(ask, accounts, &self.pending, &mut self.budget, given)? {
            Lookup::Found(call) => {
                self.write_sent |= ask.kind() == Kind::WritePrimary;
                self.at = At::Asking(ask);
                Ok(Step::Call(call))
            }
            Lookup::Later { until_mono_ms } => {
                self.at = At::Token { ask: ask.after_wait(), until_mono_ms };
                Ok(Step::Wait { until_mono_ms })
            }
            Lookup::Unavailable(stop) => Err(stop),
        }
    }

    /// Waits out a 429, if the time suffices.
    fn rest(
        &mut self,
        ask: Ask,
        wait_ms: Option<u64>,
        given: &mut Given<'_>,
    ) -> Result<Step, Stop> {
        match self.budget.rest(wait_ms, given.now) {
            Ok(until_mono_ms) => {
                self.at = At::Resting { ask: ask.after_wait(), until_mono_ms };
                Ok(Step::Wait { until_mono_ms })
            }
            Err(wait_ms) => {
                let seconds = u32::try_from(wait_ms.div_ceil(1000)).ok();
                let stop = Stop::Failed(Fault::MetadataLimited, seconds);
                self.or_settled(ask, Err(stop), given)
            }
        }
    }

    fn acquired(&mut self, acquired: Acquired, given: &mut Given<'_>) -> Result<Step, Stop> {
        if acquired == Acquired::Busy {
            return Err(Fault::LinksBusy.into());
        }
        let rests_for_s = given.replacing.rests_for_s(given.now);
        if let Some(seconds) = rests_for_s.filter(|_| !given.metadata.upstream_merges) {
            return Err(Stop::Failed(Fault::MergingSuspended, Some(seconds)));
        }
        self.ask(Ask::Secondary, given)
    }

    /// Takes what came of a call.
    fn answered(
        &mut self,
        ask: Ask,
        outcome: Result<Answer, CallFailure>,
        given: &mut Given<'_>,
    ) -> Result<Step, Stop> {
        let next = match ask.kind() {
            Kind::WritePrimary => {
                let user_id = self.permit.user_id();
                let written = Written::of(&outcome, user_id, &self.pending, given.now);
                if let Written::Limited { wait_ms } = written {
                    return self.rest(ask, wait_ms, given);
                }
                if let Written::Refused { status: 401 } = written {
                    given.credentials.refused(given.now);
                }
                let is_before = matches!(self.phase, Phase::Before(_));
                if matches!(&written, Written::Unknown)
                    || is_before && matches!(&written, Written::Unshown)
                {
                    given.record.hold_ms = CALL_MS;
                }
                if matches!(&written, Written::Shown(account) if account.is_too_large()) {
                    given.record.warn(PROFILE_TOO_LARGE);
                }
                self.wrote(ask, written, given)
            }
            kind @ (Kind::ReadPrimary | Kind::ReadSecondary) => {
                let is_primary = kind == Kind::ReadPrimary;
                let id = if is_primary { self.permit.user_id() } else { self.secondary.id() };
                let read = Account::read(outcome, id, given.now.unix_ms);
                if let Read::Limited { wait_ms } = read {
                    return self.rest(ask, wait_ms, given);
                }
                self.read(ask, read, given)
            }
        };
        self.go(next?, given)
    }

    fn read(&mut self, ask: Ask, read: Read, given: &mut Given<'_>) -> Result<Next, Stop> {
        if let Read::Refused { of_token: true } = read {
            given.credentials.refused(given.now);
        }
        let terms = Terms { pair: &self.pair, rules: &given.metadata.merge };
        let user_id = self.permit.user_id();
        let next = match &mut self.phase {
            Phase::Before(before) => {
                let next = before.read(ask, read, terms);
                name_entry(&next, before, user_id, given);
                next
            }
            Phase::After(after) => {
                let read = after.read(ask, read, terms);
                read.map(|(next, writes)| {
                    self.pending = writes;
                    next
                })
            }
        };
        self.note();
        next
    }

    fn wrote(&mut self, ask: Ask, written: Written, given: &mut Given<'_>) -> Result<Next, Stop> {
        let before = match &mut self.phase {
            Phase::Before(before) => before,
            Phase::After(after) => {
                let next = after.wrote(&written);
                self.note();
                return Ok(next);
            }
        };
        if ask == Ask::WriteBack {
            // An owner who deletes keys meanwhile removes no entry: the answer shows it where writes merge.
            if matches!(&written, Written::Shown(after) if after.metadata == self.pending) {
                given.replacing.note(self.permit.user_id(), given.now);
            }
            return Err(Fault::MetadataReplaced.into());
        }
        self.report.outcome = match &written {
            Written::Shown(_) => MergeOutcome::Kept,
            Written::Unshown | Written::Unknown => MergeOutcome::Unknown,
            Written::Limited { .. } | Written::Refused { .. } | Written::NotSent => {
                self.report.outcome
            }
        };
        let next = before.wrote(written, Terms { pair: &self.pair, rules: &given.metadata.merge });
        name_entry(&next, before, self.permit.user_id(), given);
        next
    }

    /// What a part has found of the keys is the whole's to say.
    fn note(&mut self) {
        match &mut self.phase {
            Phase::Before(before) if !before.rows.is_empty() => {
                self.report.rows = std::mem::take(&mut before.rows);
            }
            Phase::Before(_) => {}
            Phase::After(after) => {
                self.report.outcome = after.outcome;
                for (key, fate) in after.fates.drain(..) {
                    if let Some(row) = self.report.rows.iter_mut().find(|row| row.0 == key) {
                        row.1 = fate;
                    }
                }
            }
        }
    }

    /// Turns to what comes next.
    fn go(&mut self, next: Next, given: &mut Given<'_>) -> Result<Step, Stop> {
        match next {
            Next::Ask(ask) => {
                self.prepare(ask, given);
                self.ask(ask, given)
            }
            Next::Link => Ok(self.link(given)),
            Next::Found(primary) => {
                self.turn();
                self.budget.settle(given.now);
                let Phase::After(after) = &mut self.phase else {
                    return Err(Fault::OutOfOrder.into());
                };
                let terms = Terms { pair: &self.pair, rules: &given.metadata.merge };
                let (next, writes) = after.confirmed(&primary, terms);
                self.pending = writes;
                self.note();
                self.go(next, given)
            }
            Next::Relay(status) => Ok(self.report.relay(status, given)),
            Next::End => {
                let Phase::After(after) = &mut self.phase else {
                    return Err(Fault::OutOfOrder.into());
                };
                match after.identities() {
                    Some(identities) => Ok(self.report.respond(identities, given)),
                    None => Ok(self.report.relay(201, given)),
                }
            }
        }
    }

    /// The members of a write before the link.
    fn prepare(&mut self, ask: Ask, given: &Given<'_>) {
        let Phase::Before(before) = &self.phase else { return };
        if before.ends.is_some() {
            self.budget.settle(given.now);
        }
        if ask == Ask::Write {
            self.pending = before.entry.clone().map(Entry::into_members).unwrap_or_default();
        } else if ask == Ask::WriteBack {
            self.pending = before.removed().collect();
        } else if ask == Ask::Again && before.entry.is_some() {
            self.report.outcome = MergeOutcome::Kept;
        }
    }

    /// Leaves the part before the link.
    fn turn(&mut self) {
        if let Phase::Before(before) = &mut self.phase {
            let after = After::new(std::mem::take(before), self.report.outcome);
            self.phase = Phase::After(after);
        }
    }

    /// Sends the link, once.
    fn link(&mut self, given: &mut Given<'_>) -> Step {
        self.turn();
        self.at = At::Linking;
        given.record.upstream_called = true;
        // The account has shown the write.
        given.record.hold_ms = 0;
        let is_left_out = |(key, fate): &(String, Fate)| {
            *fate == Fate::LeftOut && reserved_entry::is_reserved(key)
        };
        if self.report.rows.iter().any(is_left_out) {
            given.record.warn(ENTRIES_LEFT_OUT);
        }
        let headers = std::mem::take(&mut self.headers);
        Step::Forward(forward::link(&self.permit, &self.secondary, headers, given.rules))
    }

    /// A call that cannot be made has an end all the same where something has to come of it.
    fn or_settled(
        &mut self,
        ask: Ask,
        step: Result<Step, Stop>,
        given: &mut Given<'_>,
    ) -> Result<Step, Stop> {
        match step {
            Err(_) if let Phase::Before(Before { ends: Some(fault), .. }) = &self.phase => {
                Err((*fault).into())
            }
            Err(_) if ask.settles() => {
                let next = self.read(ask, Read::Failed, given)?;
                self.go(next, given)
            }
            step => step,
        }
    }
}

/// Notes which entry takes up room, where a primary has none left.
fn name_entry(next: &Result<Next, Stop>, before: &Before, user_id: &str, given: &mut Given<'_>) {
    let is_full = matches!(next, Err(stop) if stop.cause() == TOO_LARGE);
    if let Some(entry) = before.primary.unlinked_entry(user_id).filter(|_| is_full) {
        given.record.about(entry);
    }
}
