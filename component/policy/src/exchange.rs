//! One request from its head to its decision record: the state machine that a driver drives.
//!
//! ```text
//!  open ─▶ Bearer ─▶ Body ─▶ Secondary ─▶ Merging or Upstream ─▶ Over
//!            │  └───── unlink, profile ─────▲                     ▲
//!            └────── denial, preflight ───────────────────────────┘
//! ```
//!
//! `Bearer` and `Secondary` are left at once when the key is at hand and the component verifies; else they wait for
//! the key, or for the host to verify.

mod pending;
mod shared;

pub(crate) use shared::Shared;

use std::sync::Arc;

use zeroize::Zeroizing;

use crate::access::bearer;
use crate::access::forward::{self, Forward};
use crate::access::link_body::{self, BodyType};
use crate::access::permit::Permit;
use crate::access::route::{self, Action, Guarded, Route};
use crate::access::secondary::{self, Secondary};
use crate::access::stamp::Stamp;
use crate::access::token::{self, Halt, Means, Pending};
use crate::access::token_cache::TokenCache;
use crate::audit::record::Record;
use crate::http::cors::Cors;
use crate::http::headers;
use crate::http::message::{Head, Header, HeaderEdits, Lines, Reply};
use crate::http::outgoing::{AnswerHead, Failure};
use crate::http::path;
use crate::http::problem;
use crate::http::rate_limit;
use crate::jose::jws::Unverified;
use crate::keys::keyring::Keyring;
use crate::metadata::{Given, Merge};
use crate::protocol::{Event, Step, Turn};
use crate::rules::Rules;
use crate::rules::issuer::StepUpRules;
use crate::time::clock::Now;
use crate::verdict::cause::{Cause, Denial, Fault, Flaw};
use crate::verdict::stop::Stop;

/// A request under way. It keeps the rules it began with.
pub struct Exchange {
    rules: Arc<Rules>,
    cors: Cors,
    /// What is written on what goes on.
    stamp: Stamp,
    /// Number of the step that is to be answered.
    sequence: u32,
    stage: Stage,
    /// What a step-up asks for, as attributes of its challenge.
    step_up: String,
    pub(crate) record: Record,
}

/// The step of an exchange, and all that it needs from there on.
enum Stage {
    /// The bearer waits to be verified.
    Bearer(Request, Pending),
    /// The link body is being read.
    Body(Link),
    /// The secondary token waits to be verified.
    Secondary(Link, Pending),
    /// Metadata is being carried over, the link with it.
    Merging(Box<Merge>),
    /// The upstream has a request of ours.
    Upstream,
    /// The upstream has the client's own request, for this reason.
    Passing(Cause),
    /// The last step was given.
    Over,
}

/// What is left of a guarded request once its head was read.
struct Request {
    route: Guarded,
    /// The type of a link body. No other route has one that is read.
    body_type: Result<BodyType, Flaw>,
    /// The headers that go on.
    headers: Vec<Header>,
}

/// A permitted link request without its body.
struct Link {
    permit: Permit,
    body_type: BodyType,
    headers: Vec<Header>,
}

impl Stage {
    /// Whether it is still being decided: nothing was sent to the upstream.
    fn decides(&self) -> bool {
        match self {
            Self::Bearer(..) | Self::Body(_) | Self::Secondary(..) => true,
            Self::Merging(_) | Self::Upstream | Self::Passing(_) | Self::Over => false,
        }
    }
}

impl Exchange {
    /// Opens an exchange and runs it to its first step.
    pub(crate) fn open(
        rules: Arc<Rules>,
        head: &Head,
        shared: &mut Shared,
        now: Now,
    ) -> (Self, Turn) {
        let mut record = Record::begin(head, rules.log, now);
        let cors = Cors::of(Lines::of(head), &rules);
        let stamp = Stamp::of(head, &rules, &mut shared.request_ids, now);
        record.stamped(stamp.client_address.as_deref(), stamp.request_id());
        let (sequence, stage, step_up) = (0, Stage::Over, String::new());
        let mut exchange = Self { rules, cors, stamp, sequence, stage, step_up, record };
        let next = exchange.begin(head, shared, now);
        let next = next.or_else(|stop| exchange.despite(stop, now));
        let turn = exchange.turn(next);
        (exchange, turn)
    }

    /// Takes an event and runs the exchange to its next step.
    pub(crate) fn resume(
        &mut self,
        sequence: u32,
        event: Event,
        shared: &mut Shared,
        now: Now,
    ) -> Turn {
        self.leave(&mut shared.keyring);
        let stage = std::mem::replace(&mut self.stage, Stage::Over);
        let decides = stage.decides();
        let next = if sequence == self.sequence {
            self.next(stage, event, shared, now)
        } else {
            Err(Fault::OutOfOrder.into())
        };
        let next = match next {
            Err(stop) if decides => self.despite(stop, now),
            next => next,
        };
        self.turn(next)
    }

    /// Waits for keys no longer: it is here again, or closed.
    pub(crate) fn leave(&self, keyring: &mut Keyring) {
        match &self.stage {
            Stage::Bearer(_, Pending::Key(token, _)) => {
                if let Some(issuer) = bearer::issuer(token, &self.rules) {
                    keyring.leave(issuer);
                }
            }
            Stage::Secondary(link, Pending::Key(..)) => {
                keyring.leave(link.permit.bearer().rules().position);
            }
            Stage::Bearer(_, Pending::Signature(_))
            | Stage::Secondary(_, Pending::Signature(_))
            | Stage::Body(_)
            | Stage::Merging(_)
            | Stage::Upstream
            | Stage::Passing(_)
            | Stage::Over => {}
        }
    }

    fn begin(&mut self, head: &Head, shared: &mut Shared, now: Now) -> Result<Step, Stop> {
        headers::check(head)?;
        let lines = Lines::of(head);
        let preflight = lines.has("access-control-request-method");
        let route = match path::read(&head.target) {
            Ok(target) => route::find(&self.rules, &head.method, &target, preflight)?,
            Err(flaw) if preflight && self.reveals(head, flaw, now) => Route::Preflight,
            Err(flaw) => return Err(flaw.into()),
        };
        self.record.route(route.name());
        if let Route::Guarded(guarded) = &route {
            self.record.path(|shown| guarded.path_with(&self.rules.users, shown));
        }
        match route {
            Route::Pass => {
                headers::check_passed(head)?;
                self.record.upstream_called = true;
                Ok(self.pass(Cause::Passed))
            }
            Route::Preflight => {
                if let Some(step) = self.let_through(Cause::Preflight, now) {
                    return Ok(step);
                }
                self.record.cause = Some(Cause::Preflight);
                let reply = self.cors.preflight(&self.rules);
                Ok(self.respond(reply))
            }
            Route::Guarded(route) => {
                let token = bearer::find(lines).inspect_err(|_| {
                    // What was sent instead of a token, if anything.
                    lines
                        .all("authorization")
                        .take(1)
                        .for_each(|sent| self.record.unverified(sent));
                })?;
                let Shared { verified, .. } = shared;
                let token = bearer::read(token, &self.rules, verified, now, &mut self.record)?;
                let headers = self.stamp.written(forward::allowed_headers(head, &self.rules));
                let request = Request { route, body_type: link_body::body_type(lines), headers };
                self.bearer(request, token, shared, now)
            }
        }
    }

    /// Whether a preflight for a path that cannot be read is answered, so that the page learns why from the
    /// request itself. In shadow it would pass, and not every such target can.
    fn reveals(&self, head: &Head, flaw: Flaw, now: Now) -> bool {
        let passes =
            |cause| self.rules.shadow.is_some_and(|shadow| shadow.lets_through(cause, now));
        let can_pass = passes(Cause::Denied(Denial::Request(flaw))) || !passes(Cause::Preflight);
        head.method == "OPTIONS"
            && self.rules.cors.is_some()
            && can_pass
            && route::is_written_below(&self.rules, &head.target)
    }

    fn next(
        &mut self,
        stage: Stage,
        event: Event,
        shared: &mut Shared,
        now: Now,
    ) -> Result<Step, Stop> {
        match (stage, event) {
            (Stage::Bearer(request, pending), event) => {
                self.bearer(request, pending::resumed(pending, event, now)?, shared, now)
            }
            (Stage::Secondary(link, pending), event) => {
                self.secondary(link, pending::resumed(pending, event, now)?, shared, now)
            }
            (Stage::Body(link), Event::Body(body)) => {
                let body = Zeroizing::new(body);
                let token = link_body::read(link.body_type, &body)?;
                let token = token::parse(
                    token,
                    self.rules.max_token_bytes,
                    Denial::Secondary,
                    &mut self.record,
                )?;
                self.secondary(link, token, shared, now)
            }
            (Stage::Body(_), Event::BodyTooLarge) => Err(Flaw::BodyTooLarge.into()),
            // Also of a passed body: the client's own doing, and no failure of the upstream.
            (Stage::Body(_) | Stage::Passing(_), Event::BodyFailed) => Err(Flaw::BodyFailed.into()),
            (Stage::Merging(merge), event) => self.merging(merge, event, shared, now),
            (Stage::Upstream, Event::Forwarded(answer)) => {
                let mut edits = self.cors.edits();
                edits.append.extend(retry_after(&answer, now));
                self.relay(answer, Cause::Granted, edits)
            }
            // What passes by is not ours to edit.
            (Stage::Passing(cause), Event::Forwarded(answer)) => {
                self.relay(answer, cause, HeaderEdits::default())
            }
            _ => Err(Fault::OutOfOrder.into()),
        }
    }

    /// Verifies the bearer, compares its subject with the path, and turns to the action.
    fn bearer(
        &mut self,
        request: Request,
        token: Unverified,
        shared: &mut Shared,
        now: Now,
    ) -> Result<Step, Stop> {
        let (verified, mut means) = means(shared, &mut self.record, now);
        let bearer = match bearer::verify(token, &self.rules, verified, &mut means) {
            Ok(bearer) => bearer,
            Err(Halt::Stop(stop)) => return Err(stop),
            Err(Halt::Wait(pending)) => {
                let step = pending::step(&pending);
                self.stage = Stage::Bearer(request, *pending);
                return Ok(step);
            }
        };
        let Request { route: Guarded { user_id, action }, body_type, headers } = request;
        // Reading the profile asks for no scope of ours: the upstream has its own word on it. Tokens without `aud`
        // have nothing but their scopes to say that they are for this API.
        let reads = matches!(action, Action::Profile(_));
        if !reads || bearer.rules().audiences.is_empty() {
            bearer.has_scopes(&mut self.record)?;
        }
        if !reads {
            bearer.is_stepped_up(now, &mut self.record).inspect_err(|_| {
                let asked = bearer.rules().step_up.as_ref();
                self.step_up = asked.map(StepUpRules::attributes).unwrap_or_default();
            })?;
        }
        if action == Action::Link {
            bearer.may_link(&mut self.record)?;
        }
        let permit = Permit::grant(bearer, &user_id)?;
        if action != Action::Link
            && let Some(step) = self.let_through(Cause::Granted, now)
        {
            return Ok(step);
        }
        match action {
            Action::Link => {
                self.stage = Stage::Body(Link { permit, body_type: body_type?, headers });
                let timeout_ms = self.rules.body_timeout_ms;
                Ok(Step::ReadBody {
                    max_bytes: link_body::max_body(self.rules.max_token_bytes),
                    timeout_ms,
                })
            }
            Action::Unlink { provider, secondary_id } => {
                let ids = (provider.as_str(), secondary_id.as_str());
                Ok(self.forward(forward::unlink(&permit, ids, headers, &self.rules)))
            }
            Action::Profile(query) => {
                Ok(self.forward(forward::profile(&permit, &query, headers, &self.rules)))
            }
        }
    }

    /// Verifies the secondary token and forwards the link.
    fn secondary(
        &mut self,
        link: Link,
        token: Unverified,
        shared: &mut Shared,
        now: Now,
    ) -> Result<Step, Stop> {
        let (_, mut means) = means(shared, &mut self.record, now);
        match secondary::verify(token, &link.permit, &mut means) {
            Ok(secondary) => {
                if !route::is_unlinkable(&self.rules, link.permit.user_id(), secondary.id()) {
                    self.record.warn(NOT_UNLINKABLE);
                }
                if let Some(step) = self.let_through(Cause::Granted, now) {
                    return Ok(step);
                }
                let Link { permit, headers, .. } = link;
                if self.rules.metadata.is_some() {
                    return self.merge(permit, secondary, headers, shared, now);
                }
                Ok(self.forward(forward::link(&permit, &secondary, headers, &self.rules)))
            }
            Err(Halt::Stop(stop)) => Err(stop),
            Err(Halt::Wait(pending)) => {
                let step = pending::step(&pending);
                self.stage = Stage::Secondary(link, *pending);
                Ok(step)
            }
        }
    }

    /// Carries the secondary's metadata over before the link.
    fn merge(
        &mut self,
        permit: Permit,
        secondary: Secondary,
        headers: Vec<Header>,
        shared: &mut Shared,
        now: Now,
    ) -> Result<Step, Stop> {
        let rules = Arc::clone(&self.rules);
        let given = self.given(&rules, shared, now).ok_or(Fault::OutOfOrder)?;
        let (merge, step) = Merge::begin(permit, secondary, headers, &given);
        self.stage = Stage::Merging(Box::new(merge));
        Ok(step)
    }

    /// Takes a merge to its next step.
    fn merging(
        &mut self,
        mut merge: Box<Merge>,
        event: Event,
        shared: &mut Shared,
        now: Now,
    ) -> Result<Step, Stop> {
        let rules = Arc::clone(&self.rules);
        let mut given = self.given(&rules, shared, now).ok_or(Fault::OutOfOrder)?;
        let retry_after = match &event {
            Event::Forwarded(answer) => retry_after(answer, now),
            Event::Body(_)
            | Event::BodyTooLarge
            | Event::BodyFailed
            | Event::Woken
            | Event::Verified(_)
            | Event::Acquired(_)
            | Event::Called(_) => None,
        };
        let mut step = merge.next(event, &mut given)?;
        if let Step::Relay(edits) = &mut step {
            edits.append.extend(retry_after);
        } else if !matches!(step, Step::Respond(_)) {
            self.stage = Stage::Merging(merge);
        }
        Ok(step)
    }

    fn given<'a>(
        &'a mut self,
        rules: &'a Rules,
        shared: &'a mut Shared,
        now: Now,
    ) -> Option<Given<'a>> {
        Some(Given {
            rules,
            metadata: rules.metadata.as_ref()?,
            credentials: &mut shared.credentials,
            replacing: &mut shared.replacing,
            cors: &self.cors,
            record: &mut self.record,
            now,
        })
    }

    /// Whether it must be seen through without its client: something was written for it.
    #[must_use]
    pub fn must_finish(&self) -> bool {
        matches!(&self.stage, Stage::Merging(merge) if merge.must_finish())
    }

    /// In shadow, whatever was decided: sends the client's own request on. It is asked last of all.
    fn let_through(&mut self, decided: Cause, now: Now) -> Option<Step> {
        self.rules.shadow.filter(|shadow| shadow.lets_through(decided, now))?;
        self.record.shadowed(decided, self.rules.metadata.is_some());
        Some(self.pass(Cause::Shadowed))
    }

    /// What comes of a request that goes no further, before anything was sent for it.
    fn despite(&mut self, stop: Stop, now: Now) -> Result<Step, Stop> {
        self.let_through(stop.cause(), now).ok_or(stop)
    }

    fn pass(&mut self, cause: Cause) -> Step {
        self.stage = Stage::Passing(cause);
        Step::Pass { edits: self.stamp.edits(), timeout_ms: self.rules.upstream_timeout_ms }
    }

    fn forward(&mut self, forward: Forward) -> Step {
        self.stage = Stage::Upstream;
        self.record.upstream_called = true;
        Step::Forward(forward)
    }

    fn relay(
        &mut self,
        answer: Result<AnswerHead, Failure>,
        cause: Cause,
        edits: HeaderEdits,
    ) -> Result<Step, Stop> {
        let status = match answer {
            Ok(head) => head.status,
            Err(Failure::NotSent) => return Err(Fault::UpstreamUnreachable.into()),
            Err(Failure::Unknown) => return Err(Fault::UpstreamUnknown.into()),
        };
        self.record.upstream_status = Some(status);
        self.record.status = Some(status);
        self.record.cause = Some(cause);
        Ok(Step::Relay(edits))
    }

    fn respond(&mut self, reply: Reply) -> Step {
        self.record.status = Some(reply.status);
        Step::Respond(reply)
    }

    /// Numbers a step; a stop becomes the reply that says so.
    fn turn(&mut self, next: Result<Step, Stop>) -> Turn {
        let mut step = next.unwrap_or_else(|stop| {
            self.record.cause = Some(stop.cause());
            let (reason, retry_after_s) = match stop {
                Stop::Denied(denial) => (denial.reason(), None),
                Stop::Failed(fault, retry_after_s) => (fault.reason(), retry_after_s),
            };
            self.stage = Stage::Over;
            let asked = std::mem::take(&mut self.step_up);
            self.respond(problem::problem_asking(reason, retry_after_s, &asked, &self.cors))
        });
        if let Step::Respond(reply) = &mut step {
            reply.headers.extend(self.stamp.on_reply());
        }
        self.sequence = self.sequence.saturating_add(1);
        Turn { sequence: self.sequence, step }
    }
}

/// The bearers that are known, and what the tokens of an exchange are verified with.
fn means<'a>(
    shared: &'a mut Shared,
    record: &'a mut Record,
    now: Now,
) -> (&'a mut TokenCache, Means<'a>) {
    let Shared { keyring, verified, host, .. } = shared;
    (verified, Means { keyring, host: *host, record, now })
}

/// The `Retry-After` that an answer lacks which the gate relays as its own: what passes by is not ours to edit.
fn retry_after(answer: &Result<AnswerHead, Failure>, now: Now) -> Option<Header> {
    rate_limit::retry_after(answer.as_ref().ok()?, now)
}

/// The warning of an account that is linked and that this policy would not have unlinked.
const NOT_UNLINKABLE: &str = "not-unlinkable";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::decision::Decision;
    use crate::config::{Abilities, Secrets};
    use crate::http::outgoing::Answer;
    use crate::policy::Policy;
    use crate::testing::{self, NOW};
    use crate::verdict::outcome::End;

    fn opened(policy: &mut Policy) -> (Exchange, Turn) {
        policy.open(testing::link_head("auth0|a", "auth0|a"), NOW)
    }

    fn status(turn: &Turn) -> Option<u16> {
        if let Step::Respond(reply) = &turn.step { Some(reply.status) } else { None }
    }

    fn closed(policy: &mut Policy, exchange: Exchange) -> Decision {
        policy.close(exchange, End::Finished, NOW)
    }

    #[test]
    fn an_event_that_does_not_answer_the_step_ends_the_exchange() {
        let body = || Event::Body(testing::link_body("auth0|b"));
        let answered = || Event::Forwarded(Ok(AnswerHead::of(201, [])));
        for (row, sequence, event) in [
            ("an earlier number", 0, body()),
            ("a later number", 2, body()),
            ("an event of another step", 1, answered()),
            ("an event of no step", 1, Event::Woken),
        ] {
            let mut policy = testing::policy();
            let (mut exchange, turn) = opened(&mut policy);
            assert_eq!(turn.sequence, 1);
            assert!(matches!(turn.step, Step::ReadBody { .. }), "{row}");
            let turn = policy.resume(&mut exchange, sequence, event, NOW);
            assert_eq!(status(&turn), Some(503), "{row}");
            let turn = policy.resume(&mut exchange, turn.sequence, body(), NOW);
            assert_eq!(status(&turn), Some(503), "{row}: it stays ended");
            let decision = closed(&mut policy, exchange);
            assert_eq!(decision.cause, Cause::Failed(Fault::OutOfOrder), "{row}");
            assert!(!decision.upstream_called, "{row}");
        }
    }

    #[test]
    fn an_event_twice_does_not_forward_twice() {
        let mut policy = testing::policy();
        let (mut exchange, _) = opened(&mut policy);
        let turn = policy.resume(&mut exchange, 1, Event::Body(testing::link_body("auth0|b")), NOW);
        assert!(matches!(turn.step, Step::Forward(_)));
        let again = Event::Body(testing::link_body("auth0|b"));
        assert_eq!(status(&policy.resume(&mut exchange, 1, again, NOW)), Some(503));
    }

    #[test]
    fn closed_early_it_is_unfinished() {
        let mut policy = testing::policy();
        let (exchange, _) = opened(&mut policy);
        let decision = policy.close(exchange, End::ClientGone, NOW);
        assert_eq!(decision.cause, Cause::Unfinished);
        assert_eq!(decision.end, End::ClientGone);
        assert_eq!(decision.subject.as_deref(), Some("auth0|a"));
    }

    /// A policy whose keys are published, and the fetch that brings them.
    fn remote() -> (Policy, Vec<u8>) {
        let mut document = testing::document();
        let issuer = &mut document["issuers"][0];
        let set = issuer["keys"]["jwks"].to_string().into_bytes();
        issuer["keys"] = serde_json::json!({ "jwks_uri": "https://tenant.example/keys" });
        (
            Policy::compile(
                &document.to_string(),
                &Secrets::default(),
                Abilities::default(),
                1,
                NOW,
            )
            .unwrap(),
            set,
        )
    }

    #[test]
    fn it_waits_for_keys_where_it_stands() {
        let (mut policy, set) = remote();
        let later = |ms| Now { mono_ms: NOW.mono_ms + ms, ..NOW };
        let (mut exchange, turn) = opened(&mut policy);
        let Step::Wait { until_mono_ms } = turn.step else { panic!("{turn:?}") };
        assert!(until_mono_ms > NOW.mono_ms);
        let fetch = policy.due(NOW).unwrap();
        let turn = policy.resume(&mut exchange, 1, Event::Woken, later(5));
        assert_eq!(turn.step, Step::Wait { until_mono_ms }, "woken too early, it waits on");

        let answer = Answer { status: 200, headers: vec![], body: set };
        policy.fetched(&fetch.source, Ok(answer), NOW.mono_ms, later(10));
        let turn = policy.resume(&mut exchange, 2, Event::Woken, later(10));
        assert!(matches!(turn.step, Step::ReadBody { .. }), "the bearer's key came");

        // Between the two tokens the keys grow too old, and the secondary's has to be waited for.
        let old = |ms: u64| later(5_000_000 + ms);
        let body = Event::Body(testing::link_body("auth0|b"));
        let turn = policy.resume(&mut exchange, 3, body, old(0));
        assert!(matches!(turn.step, Step::Wait { .. }), "{turn:?}");
        let fetch = policy.due(old(0)).unwrap();
        let set = remote().1;
        let answer = Answer { status: 200, headers: vec![], body: set };
        policy.fetched(&fetch.source, Ok(answer), old(0).mono_ms, old(1));
        let turn = policy.resume(&mut exchange, 4, Event::Woken, old(1));
        assert!(matches!(turn.step, Step::Forward(_)), "the secondary's key came");
    }

    #[test]
    fn keys_that_never_come_are_ours_to_answer_for() {
        let (mut policy, _) = remote();
        let (mut exchange, turn) = opened(&mut policy);
        let Step::Wait { until_mono_ms } = turn.step else { panic!("{turn:?}") };
        let late = Now { mono_ms: until_mono_ms, ..NOW };
        let turn = policy.resume(&mut exchange, 1, Event::Woken, late);
        assert_eq!(status(&turn), Some(503));
        assert_eq!(closed(&mut policy, exchange).cause, Cause::Failed(Fault::KeysUnavailable));
    }

    #[test]
    fn monotonic_time_does_not_run_backwards_in_here() {
        let mut policy = testing::policy();
        let (exchange, _) = opened(&mut policy);
        let earlier = Now { mono_ms: 0, ..NOW };
        assert_eq!(policy.close(exchange, End::Finished, earlier).elapsed_ms, 0);
    }
}
