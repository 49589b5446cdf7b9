//! The operations: each is played whole, on the policy that the fixture has.

use std::hint::black_box;

use linkgate_policy::{
    AnswerHead, End, Event, Head, LogLine, Policy, Step, Time, Turn, Verification,
};

use crate::fixture::{self, Algorithm, NOW};

/// What the core is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    /// Nothing: what the fixture itself costs, subtracted from all others.
    Empty,
    Compile,
    Passed,
    Bare,
    Mismatch,
    FirstRs256,
    FirstEs256,
    Known,
    Link,
}

/// Input of one play, made before anything is counted.
pub(crate) struct Input {
    head: Head,
    body: Vec<u8>,
    document: String,
}

/// Hears the name of each step when it is over.
pub(crate) type Ended<'a> = &'a mut dyn FnMut(&'static str);

const USER: &str = "auth0|bench-0";
const OWN: &str = "/api/v2/users/auth0%7Cbench-0/identities/google-oauth2/1";
const OTHER: &str = "/api/v2/users/auth0%7Cbench-1/identities/google-oauth2/1";
const LINK: &str = "/api/v2/users/auth0%7Cbench-0/identities";

impl Operation {
    pub(crate) const ALL: [Self; 9] = [
        Self::Empty,
        Self::Compile,
        Self::Passed,
        Self::Bare,
        Self::Mismatch,
        Self::FirstRs256,
        Self::FirstEs256,
        Self::Known,
        Self::Link,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Compile => "compile",
            Self::Passed => "passed",
            Self::Bare => "refused-no-token",
            Self::Mismatch => "refused-known-token-of-another",
            Self::FirstRs256 => "unlink-new-rs256-token",
            Self::FirstEs256 => "unlink-new-es256-token",
            Self::Known => "unlink-known-token",
            Self::Link => "link-two-new-rs256-tokens",
        }
    }

    pub(crate) fn named(name: &str) -> Result<Self, String> {
        let mut all = Self::ALL.into_iter();
        all.find(|operation| operation.name() == name)
            .ok_or_else(|| format!("there is no operation `{name}`"))
    }

    /// The cause that the decision has to have.
    const fn cause(self) -> &'static str {
        match self {
            Self::Empty | Self::Compile => "",
            Self::Passed => "passed",
            Self::Bare => "bearer-missing",
            Self::Mismatch => "subject-mismatch",
            Self::FirstRs256 | Self::FirstEs256 | Self::Known | Self::Link => "granted",
        }
    }

    fn input(self, nth: usize) -> Input {
        let token = |algorithm| fixture::token(algorithm, USER, nth);
        let known = || fixture::token(Algorithm::Rs256, USER, usize::MAX);
        let unlink = |target, token: String| fixture::head("DELETE", target, Some(&token));
        let head = match self {
            Self::Empty | Self::Compile | Self::Passed => {
                fixture::head("GET", "/.well-known/jwks.json", None)
            }
            Self::Bare => fixture::head("DELETE", OWN, None),
            Self::Mismatch => unlink(OTHER, known()),
            Self::FirstRs256 => unlink(OWN, token(Algorithm::Rs256)),
            Self::FirstEs256 => unlink(OWN, token(Algorithm::Es256)),
            Self::Known => unlink(OWN, known()),
            Self::Link => fixture::head("POST", LINK, Some(&token(Algorithm::Rs256))),
        };
        let body = if self == Self::Link { fixture::link_body(nth) } else { Vec::new() };
        let document = if self == Self::Compile { fixture::document() } else { String::new() };
        Input { head, body, document }
    }

    /// A policy that knows the token of [`Self::Known`], and input for so many plays.
    pub(crate) fn prepared(self, times: usize) -> Result<(Policy, Vec<Input>), String> {
        let mut policy = fixture::policy()?;
        Self::Known.play(&mut policy, Self::Known.input(0), &mut |_| ())?;
        Ok((policy, (0..times).map(|nth| self.input(nth)).collect()))
    }

    /// Plays it so often, in a function that callgrind knows by its name.
    pub(crate) fn count(self, times: usize) -> Result<(), String> {
        let (mut policy, inputs) = self.prepared(times)?;
        counted(self, &mut policy, inputs)
    }

    /// Plays it once, and asserts how it ends.
    pub(crate) fn play(
        self,
        policy: &mut Policy,
        input: Input,
        ended: Ended<'_>,
    ) -> Result<(), String> {
        match self {
            Self::Empty => drop(black_box(input)),
            Self::Compile => {
                drop(black_box(fixture::compile(&input.document)?));
                ended("compile");
            }
            Self::Passed
            | Self::Bare
            | Self::Mismatch
            | Self::FirstRs256
            | Self::FirstEs256
            | Self::Known
            | Self::Link => {
                let cause = exchange(policy, input, ended)?;
                if cause != self.cause() {
                    return Err(format!(
                        "{}: expected `{}`, found `{cause}`",
                        self.name(),
                        self.cause()
                    ));
                }
            }
        }
        Ok(())
    }
}

/// What is counted: everything below it.
#[inline(never)]
fn counted(operation: Operation, policy: &mut Policy, inputs: Vec<Input>) -> Result<(), String> {
    for input in inputs {
        operation.play(policy, input, &mut |_| ())?;
    }
    Ok(())
}

/// One exchange from its head to its line in the log, with an upstream and a verifier that say yes. Gives its cause.
fn exchange(policy: &mut Policy, input: Input, ended: Ended<'_>) -> Result<String, String> {
    let Input { head, body, document: _ } = input;
    let mut body = Some(body);
    let status = if head.method == "POST" { 201 } else { 200 };
    let (mut exchange, mut turn) = policy.open(head, NOW);
    ended("open");
    loop {
        let (event, name) = match turn.step {
            Step::ReadBody { .. } => (Event::Body(body.take().unwrap_or_default()), "body"),
            Step::Verify(_) => (Event::Verified(Verification::Yes), "verified"),
            Step::Forward(_) | Step::Pass { .. } => {
                (Event::Forwarded(Ok(AnswerHead::of(status, []))), "forwarded")
            }
            Step::Relay(_) | Step::Respond(_) => break,
            Step::Wait { .. } | Step::Acquire { .. } | Step::Call(_) => {
                return Err("the fixture neither waits nor merges".to_owned());
            }
        };
        let Turn { sequence, .. } = turn;
        turn = policy.resume(&mut exchange, sequence, event, NOW);
        ended(name);
    }
    let decision = policy.close(exchange, End::Finished, NOW);
    ended("close");
    let cause = decision.cause.name();
    drop(black_box(LogLine::of(decision, Time { unix_ms: NOW.unix_ms }, 100).json()));
    ended("log line");
    Ok(cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_ends_as_it_has_to() {
        for operation in Operation::ALL {
            assert_eq!(operation.count(3), Ok(()), "{}", operation.name());
            assert_eq!(Operation::named(operation.name()), Ok(operation));
        }
    }

    #[test]
    fn a_token_is_verified_by_the_host_the_first_time_alone() {
        for (operation, expected) in [
            (Operation::FirstRs256, "open verified forwarded close log line"),
            (Operation::FirstEs256, "open verified forwarded close log line"),
            (Operation::Known, "open forwarded close log line"),
            (Operation::Mismatch, "open close log line"),
            (Operation::Link, "open verified body verified forwarded close log line"),
        ] {
            let (mut policy, inputs) = operation.prepared(1).unwrap();
            let mut steps = Vec::new();
            for input in inputs {
                operation.play(&mut policy, input, &mut |step| steps.push(step)).unwrap();
            }
            assert_eq!(steps.join(" "), expected, "{}", operation.name());
        }
    }
}
