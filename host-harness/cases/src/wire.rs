//! Between the runner's types and those of `wit/evaluator.wit`.

use std::time::Duration;

use linkgate_gateway::{
    Acquire, Acquired, Answer, AnswerHead, CallFailure, Decision, End, Event, Failure, Head,
    Header as Line, Now, Outcome, Step, Turn, Verification,
};
use linkgate_policy::{
    Header, HeaderEdits, LogLine, LogLineMetadata, LogLineShadow, Reply, Time, trace_id,
};

use crate::edition::{self, Sent};

/// The answer to a fetch or a call, on its way in.
pub(crate) fn answer(answer: linkgate_policy::Answer) -> Answer {
    let line = |line: Header| Line { name: line.name, value: line.value };
    Answer {
        status: answer.status,
        headers: answer.headers.into_iter().map(line).collect(),
        body: answer.body,
    }
}

fn answer_head(head: linkgate_policy::AnswerHead) -> AnswerHead {
    let line = |line: Header| Line { name: line.name, value: line.value };
    AnswerHead { status: head.status, headers: head.headers.into_iter().map(line).collect() }
}

/// The head of a request, on its way in.
pub(crate) fn head(head: &linkgate_policy::Head) -> Head {
    let line = |line: &Header| Line { name: line.name.clone(), value: line.value.clone() };
    Head {
        method: head.method.clone(),
        target: head.target.clone(),
        headers: head.headers.iter().map(line).collect(),
        peer: head.peer.clone(),
    }
}

/// The time, on its way in.
pub(crate) fn now(now: linkgate_policy::Now) -> Now {
    Now { unix_ms: now.unix_ms, mono_ms: now.mono_ms }
}

/// An event, on its way in.
pub(crate) fn event(event: linkgate_policy::Event) -> Event {
    use linkgate_policy::Event as Core;
    match event {
        Core::Body(bytes) => Event::Body(bytes),
        Core::BodyTooLarge => Event::BodyTooLarge,
        Core::BodyFailed => Event::BodyFailed,
        Core::Woken => Event::Woken,
        Core::Verified(answer) => Event::Verified(verification(answer)),
        Core::Acquired(acquired) => Event::Acquired(self::acquired(acquired)),
        Core::Called(outcome) => Event::Called(outcome.map(answer).map_err(call_failure)),
        Core::Forwarded(outcome) => Event::Forwarded(outcome.map(answer_head).map_err(failure)),
    }
}

/// An answer of the verifier, on its way in.
fn verification(answer: linkgate_policy::Verification) -> Verification {
    match answer {
        linkgate_policy::Verification::Yes => Verification::Yes,
        linkgate_policy::Verification::No => Verification::No,
        linkgate_policy::Verification::Unable => Verification::Unable,
    }
}

fn acquired(acquired: linkgate_policy::Acquired) -> Acquired {
    match acquired {
        linkgate_policy::Acquired::Serialised => Acquired::Serialised,
        linkgate_policy::Acquired::Unserialised => Acquired::Unserialised,
        linkgate_policy::Acquired::Busy => Acquired::Busy,
    }
}

fn call_failure(failure: linkgate_policy::CallFailure) -> CallFailure {
    match failure {
        linkgate_policy::CallFailure::NotSent => CallFailure::NotSent,
        linkgate_policy::CallFailure::Unknown => CallFailure::Unknown,
        linkgate_policy::CallFailure::NoBody { status } => CallFailure::NoBody(status),
    }
}

fn failure(failure: linkgate_policy::Failure) -> Failure {
    match failure {
        linkgate_policy::Failure::NotSent => Failure::NotSent,
        linkgate_policy::Failure::Unknown => Failure::Unknown,
    }
}

/// How an exchange ended, on its way in.
pub(crate) fn end(end: linkgate_policy::End) -> End {
    match end {
        linkgate_policy::End::Finished => End::Finished,
        linkgate_policy::End::ClientGone => End::ClientGone,
        linkgate_policy::End::Shutdown => End::Shutdown,
    }
}

/// A step, on its way out.
pub(crate) fn turn(turn: Turn) -> edition::Turn {
    let step = match turn.step {
        Step::ReadBody(body) => edition::Step::ReadBody { max_bytes: body.max_bytes },
        Step::Wait(until_mono_ms) => edition::Step::Wait { until_mono_ms },
        Step::Verify(verify) => edition::Step::Verify(verify),
        Step::Acquire(Acquire { accounts: (first, second), .. }) => {
            edition::Step::Acquire { accounts: [first, second] }
        }
        Step::Call(call) => edition::Step::Call(Sent {
            method: call.method,
            path: call.path,
            headers: lines(call.headers),
            body: call.body,
        }),
        Step::Forward(sent) => edition::Step::Forward(Sent {
            method: sent.method,
            path: sent.path,
            headers: lines(sent.headers),
            body: sent.body,
        }),
        Step::Pass(pass) => edition::Step::Pass(edits(pass.edits)),
        Step::Relay(relayed) => edition::Step::Relay(edits(relayed)),
        Step::Respond(reply) => edition::Step::Respond(Reply {
            status: reply.status,
            headers: lines(reply.headers),
            body: reply.body,
        }),
    };
    edition::Turn { sequence: turn.sequence, step }
}

fn edits(edits: linkgate_gateway::HeaderEdits) -> HeaderEdits {
    HeaderEdits { remove: edits.remove, append: lines(edits.append) }
}

pub(crate) fn lines(lines: Vec<Line>) -> Vec<Header> {
    lines.into_iter().map(|line| Header { name: line.name, value: line.value }).collect()
}

/// An outcome, on its way out.
fn outcome(outcome: Outcome) -> linkgate_policy::Outcome {
    match outcome {
        Outcome::Allowed => linkgate_policy::Outcome::Allowed,
        Outcome::Passed => linkgate_policy::Outcome::Passed,
        Outcome::Denied => linkgate_policy::Outcome::Denied,
        Outcome::Failed => linkgate_policy::Outcome::Failed,
    }
}

/// How an exchange ended, on its way out.
fn ended(end: End) -> linkgate_policy::End {
    match end {
        End::Finished => linkgate_policy::End::Finished,
        End::ClientGone => linkgate_policy::End::ClientGone,
        End::Shutdown => linkgate_policy::End::Shutdown,
    }
}

/// A decision record, closed at `time` after it `took` so long, as a line of the log.
#[must_use]
pub fn log_line(decision: Decision, time: Time, took: Duration) -> LogLine {
    LogLine {
        time,
        outcome: outcome(decision.outcome),
        cause: decision.cause,
        detail: decision.detail,
        reason: decision.reason,
        route: decision.route,
        method: decision.method,
        path: decision.path,
        status: decision.status,
        upstream_called: decision.upstream_called,
        upstream_status: decision.upstream_status,
        subject: decision.subject,
        secondary: decision.secondary,
        issuer: decision.issuer,
        client: decision.client,
        actor: decision.actor,
        secondary_actor: decision.secondary_actor,
        client_address: decision.client_address,
        request_id: decision.request_id,
        trace_id: decision.traceparent.as_deref().and_then(trace_id),
        unverified: decision.unverified,
        verification: decision.verification,
        metadata: decision.metadata.map(|record| LogLineMetadata {
            outcome: record.outcome,
            calls: record.calls,
            keys: record.keys.into_iter().collect(),
        }),
        shadow: decision.shadow.map(|shadow| LogLineShadow {
            outcome: outcome(shadow.outcome),
            cause: shadow.cause,
            reason: shadow.reason,
        }),
        missed: decision.missed,
        claims: decision.claims.as_deref().and_then(|text| serde_json::from_str(text).ok()),
        warnings: decision.warnings,
        end: ended(decision.end),
        duration_us: u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
    }
}
