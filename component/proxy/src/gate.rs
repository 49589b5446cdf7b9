//! The compiled policy, once for each instance.
//!
//! A host that gives each request a fresh instance has it compiled for each request; one that
//! reuses instances (`wasmtime serve --max-instance-reuse-count`) profits from it being kept.

use std::cell::{OnceCell, RefCell};

use linkgate_policy::edition::{Server, notices};
use linkgate_policy::{Abilities, Now, Policy};
use wasi::clocks::{monotonic_clock, wall_clock};

use crate::record;
use crate::settings::Settings;

/// What requests are judged with, and where they go.
pub(crate) struct Gate {
    /// INVARIANT: a borrow ends before the call into the core that began it returns, and a
    /// component is not entered a second time meanwhile. So no borrow meets another.
    pub(crate) policy: RefCell<Policy>,
    pub(crate) upstream: Server,
}

thread_local! {
    static GATE: OnceCell<Result<Gate, Vec<String>>> = const { OnceCell::new() };
}

/// Gives this instance's gate to `act`, or what is wrong with the configuration, a line each.
pub(crate) fn with(act: impl FnOnce(Result<&Gate, &[String]>)) {
    GATE.with(|gate| {
        let gate = gate.get_or_init(|| {
            let variables = wasi::cli::environment::get_environment();
            let seed = wasi::random::random::get_random_u64();
            let now = now();
            let gate = Gate::build(Settings::read(&variables), seed, now);
            if let Ok(gate) = &gate {
                for notice in notices(&gate.policy.borrow(), now, FETCHES) {
                    record::notice(&notice);
                }
            }
            gate
        });
        act(gate.as_ref().map_err(Vec::as_slice));
    });
}

impl Gate {
    /// Compiles the policy. All mistakes are reported in one go.
    fn build(settings: Settings, seed: u64, now: Now) -> Result<Self, Vec<String>> {
        let Settings { policy, upstream } = settings;
        let mut mistakes = Vec::new();
        let policy = policy.compile(Abilities::default(), seed, now);
        let policy = policy.map_err(|found| mistakes.extend(found));
        let upstream = upstream.map_err(|found| mistakes.push(found));
        match (policy, upstream) {
            (Ok(policy), Ok(upstream)) => Ok(Self { policy: RefCell::new(policy), upstream }),
            _ => Err(mistakes),
        }
    }
}

/// Said once by each instance that fetches keys: who reads it at every request has found out why the
/// issuer is asked so often.
const FETCHES: &str = "a new instance fetches keys anew; with `wasmtime serve`, \
`--max-instance-reuse-count 1000` keeps an instance, and its keys, for as many requests, and \
`linkgate bake --keys` makes a component that fetches none";

/// The time, as the host has it.
pub(crate) fn now() -> Now {
    let wall = wall_clock::now();
    let unix_ms = wall
        .seconds
        .saturating_mul(1_000)
        .saturating_add(u64::from(wall.nanoseconds) / NANOS_IN_MS);
    Now { unix_ms, mono_ms: monotonic_clock::now() / NANOS_IN_MS }
}

/// A moment of the monotonic clock.
#[derive(Clone, Copy)]
pub(crate) struct Moment {
    nanoseconds: u64,
}

impl Moment {
    /// The present.
    pub(crate) fn now() -> Self {
        Self { nanoseconds: monotonic_clock::now() }
    }

    /// Microseconds since.
    pub(crate) fn elapsed_us(self) -> u64 {
        monotonic_clock::now().saturating_sub(self.nanoseconds) / 1_000
    }
}

/// Nanoseconds, the unit of both clocks, in a millisecond.
pub(crate) const NANOS_IN_MS: u64 = 1_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_mistakes_are_told_in_one_go() {
        let wrong =
            [("LINKGATE_POLICY", r#"{"version":2,"isuers":[]}"#), ("LINKGATE_UPSTREAM", "x")];
        let variables = wrong.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let mistakes = Gate::build(Settings::read(&variables), 1, Now { unix_ms: 0, mono_ms: 0 })
            .err()
            .unwrap();
        for part in
            ["LINKGATE_POLICY: /version: ", "LINKGATE_POLICY: /isuers: ", "LINKGATE_UPSTREAM: "]
        {
            assert!(
                mistakes.iter().any(|line| line.starts_with(part)),
                "`{part}` is not in {mistakes:#?}"
            );
        }
    }
}
