//! The steps of a request in their order: which held, which decided, what each saw.

use linkgate_policy::Cause;

use super::exchange::Ended;
use super::input::Input;
use super::order::stage_of;
use super::presented::Fact;
use super::view::View;
use crate::document::Document;
use crate::reason_page;

/// A step, in the order in which a request is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    Route,
    Bearer,
    Token,
    Subject,
    Body,
    LinkWith,
    Metadata,
    Forward,
}

impl Stage {
    const ALL: [Self; 8] = [
        Self::Route,
        Self::Bearer,
        Self::Token,
        Self::Subject,
        Self::Body,
        Self::LinkWith,
        Self::Metadata,
        Self::Forward,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Route => "route",
            Self::Bearer => "bearer",
            Self::Token => "token",
            Self::Subject => "subject",
            Self::Body => "body",
            Self::LinkWith => "link_with",
            Self::Metadata => "metadata",
            Self::Forward => "forward",
        }
    }
}

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It held, and the next one was asked.
    Held,
    /// It refused, and so decided.
    Refused,
    /// It depends on what was not checked: a signature, or what the API answers.
    Open,
    /// It was not reached.
    NotReached,
}

impl State {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Refused => "refused",
            Self::Open => "open",
            Self::NotReached => "not-reached",
        }
    }
}

/// A step, what it saw and what it concluded.
pub(crate) struct Step {
    pub(crate) stage: Stage,
    pub(crate) state: State,
    pub(crate) saw: Vec<Fact>,
    pub(crate) concluded: String,
    /// The key of the policy that it went by, with its line.
    pub(crate) rule: Option<String>,
}

/// Why a request is decided as it is.
pub(crate) struct Explanation {
    /// `allowed`, `passed`, `denied`, `failed`.
    pub(crate) outcome: &'static str,
    pub(crate) cause: String,
    pub(crate) reason: String,
    pub(crate) status: Option<u16>,
    /// Whether signatures were checked.
    pub(crate) verified: bool,
    /// When, in Unix seconds.
    pub(crate) at_s: u64,
    pub(crate) steps: Vec<Step>,
    /// Until when the policy enforces nothing, in Unix milliseconds, if it does not at this moment.
    pub(crate) shadow_until_ms: Option<u64>,
    /// Rules that are logged and not enforced, and failed: what each would have been refused for.
    pub(crate) missed: Vec<String>,
    /// What to do if it should be otherwise.
    pub(crate) advice: Option<String>,
}

impl Explanation {
    /// Puts together what the core decided and what was to be seen. `asked` is the request as it was given.
    pub(crate) fn of(
        ended: &Ended,
        asked: &Input,
        document: &Document,
        verified: bool,
        at_s: u64,
    ) -> Self {
        let cause = if ended.merges { Cause::Granted } else { ended.decision.cause };
        let decided = stage_of(cause, ended.decision.subject.is_some());
        let is_good = is_good(cause);
        let view = View { ended, asked, document, at_s, verified };
        let steps = stages(ended)
            .into_iter()
            .map(|stage| {
                let is_signed = matches!(stage, Stage::Token | Stage::LinkWith);
                let state = match stage.cmp(&decided) {
                    _ if ended.merges && stage >= Stage::Metadata => State::Open,
                    std::cmp::Ordering::Less if is_signed && !verified => State::Open,
                    std::cmp::Ordering::Less => State::Held,
                    std::cmp::Ordering::Equal if is_good => State::Held,
                    std::cmp::Ordering::Equal => State::Refused,
                    std::cmp::Ordering::Greater => State::NotReached,
                };
                view.step(stage, state, cause)
            })
            .collect();
        Self {
            outcome: cause.outcome().name(),
            cause: cause.name(),
            reason: cause.reason_code().to_owned(),
            status: if is_good { None } else { ended.decision.status },
            verified,
            at_s,
            steps,
            shadow_until_ms: None,
            missed: ended.decision.missed.iter().map(|&miss| Cause::Denied(miss).name()).collect(),
            advice: advice(cause),
        }
    }

    /// Whether the request goes through, and every signature of it was verified.
    pub(crate) fn is_pass(&self) -> bool {
        let is_good = self.outcome == "allowed" || self.outcome == "passed";
        let has_tokens = self.steps.iter().any(|step| step.stage == Stage::Token);
        is_good && (self.verified || !has_tokens)
    }
}

fn is_good(cause: Cause) -> bool {
    match cause {
        Cause::Granted | Cause::LinkFound | Cause::Preflight | Cause::Passed | Cause::Shadowed => {
            true
        }
        Cause::Denied(_) | Cause::Failed(_) | Cause::Unfinished => false,
    }
}

/// The steps that a request of this route goes through.
fn stages(ended: &Ended) -> Vec<Stage> {
    let merges = ended.merges || ended.decision.metadata.is_some();
    let is_in = |stage: &Stage| match ended.decision.route {
        "link" => merges || *stage != Stage::Metadata,
        "unlink" | "profile" => !matches!(stage, Stage::Body | Stage::LinkWith | Stage::Metadata),
        "pass" => matches!(stage, Stage::Route | Stage::Forward),
        _ => *stage == Stage::Route,
    };
    Stage::ALL.into_iter().filter(is_in).collect()
}

/// What the page of its reason says to do.
fn advice(cause: Cause) -> Option<String> {
    let reason = match cause {
        Cause::Denied(denial) => denial.reason(),
        Cause::Failed(fault) => fault.reason(),
        Cause::Granted
        | Cause::LinkFound
        | Cause::Preflight
        | Cause::Passed
        | Cause::Shadowed
        | Cause::Unfinished => {
            return None;
        }
    };
    Some(reason_page::fix(reason, &cause.name()))
}
