//! The compiled policy, once for each instance, which serves many requests at once.

use std::cell::{OnceCell, RefCell};
use std::rc::Rc;

use linkgate_policy::edition::{Environment, notices};
use linkgate_policy::{Abilities, Now, Policy};

use crate::bindings::{environment, monotonic_clock, random, system_clock};
use crate::notify::Notify;
use crate::record;

/// What requests are judged with.
pub(crate) struct Gate {
    /// INVARIANT: a borrow ends within the statement that begins it, and no such statement awaits. Tasks
    /// take turns at awaits alone, so no borrow meets another.
    pub(crate) policy: RefCell<Policy>,
    /// Ends of shared fetches.
    pub(crate) notify: Notify,
}

type Shared = Result<Rc<Gate>, Rc<[String]>>;

thread_local! {
    static GATE: OnceCell<Shared> = const { OnceCell::new() };
}

/// This instance's gate, or what is wrong with the configuration, a line each.
pub(crate) fn shared() -> Shared {
    GATE.with(|gate| {
        let build = || -> Shared {
            let environment = Environment::read(&environment::get_environment());
            let now = now();
            let seed = random::get_random_u64();
            let policy = environment.compile(Abilities::default(), seed, now)?;
            for notice in notices(&policy, now, FETCHES) {
                record::notice(&notice);
            }
            Ok(Rc::new(Gate { policy: RefCell::new(policy), notify: Notify::default() }))
        };
        gate.get_or_init(build).clone()
    })
}

/// Said once by each instance that fetches keys: who reads it at every request has found out why the
/// issuer is asked so often.
const FETCHES: &str = "a new instance fetches keys anew; with `wasmtime serve`, \
`--max-instance-reuse-count` and `--idle-instance-timeout` keep an instance, and its keys, for longer, and \
`linkgate bake --keys` makes a component that fetches none";

/// The time, as the host has it.
pub(crate) fn now() -> Now {
    let wall = system_clock::now();
    let seconds = u64::try_from(wall.seconds).unwrap_or_default();
    let unix_ms =
        seconds.saturating_mul(1_000).saturating_add(u64::from(wall.nanoseconds) / NANOS_IN_MS);
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
