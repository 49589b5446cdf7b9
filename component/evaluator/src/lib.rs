//! The evaluator edition: the policy behind `linkgate:policy/evaluator`, as one component that
//! imports nothing.
//!
//! ```text
//!          wit types                 core types
//!  host ──▶ bindings ──▶ incoming ──▶ linkgate_policy ──▶ outgoing ──▶ bindings ──▶ host
//! ```
//!
//! It translates and keeps handles; every decision is the core's. It does **not** reach a clock, a
//! network, a file or an environment: the world it implements has no import, and
//! `cargo xtask components` refuses to ship a component that has one.
//!
//! Build it with `cargo xtask components`, not with a bare `cargo build`: the core module still
//! names a few WASI calls of std's, which the componentising step answers (`src/wasi.wat`).

use std::cell::RefCell;
use std::rc::Rc;

use linkgate_policy as policy;
use linkgate_policy::edition::Baked;

use crate::bindings as wit;

mod bindings;
mod incoming;
mod outgoing;

/// The component: which type implements which resource of the contract.
struct Gate;

impl wit::Guest for Gate {
    type Policy = SharedPolicy;
    type Exchange = OpenExchange;
}

/// The `policy` resource.
///
/// INVARIANT: every borrow in this file ends before the call of the host that began it returns, and
/// a component without imports cannot be entered a second time meanwhile. So no borrow meets
/// another.
struct SharedPolicy(Rc<RefCell<policy::Policy>>);

impl wit::GuestPolicy for SharedPolicy {
    fn compile(
        document: String,
        secrets: Vec<wit::Secret>,
        host: wit::Abilities,
        seed: u64,
        now: wit::Now,
    ) -> Result<wit::Policy, Vec<wit::Mistake>> {
        if !matches!(Baked::own(), Ok(None)) {
            return Err(vec![mistake(BESIDE)]);
        }
        let secrets = secrets.into_iter().map(|secret| (secret.name, secret.value)).collect();
        shared(policy::Policy::compile(&document, &secrets, host.into(), seed, now.into()))
    }

    fn baked(
        host: wit::Abilities,
        seed: u64,
        now: wit::Now,
    ) -> Option<Result<wit::Policy, Vec<wit::Mistake>>> {
        match Baked::own() {
            Ok(None) => None,
            Ok(Some(baked)) => Some(shared(baked.compile(host.into(), seed, now.into()))),
            Err(why) => Some(Err(vec![mistake(&why)])),
        }
    }

    fn shadow(&self) -> Option<wit::Shadow> {
        self.0.borrow().shadow().map(Into::into)
    }

    fn probes(&self) -> Vec<wit::Verify> {
        self.0.borrow().probes().into_iter().map(Into::into).collect()
    }

    fn probed(&self, answers: Vec<wit::Verification>) -> Vec<String> {
        let answers: Vec<_> = answers.into_iter().map(Into::into).collect();
        self.0.borrow_mut().probed(&answers)
    }

    fn wanted_headers(&self) -> Vec<String> {
        self.0.borrow().wanted_headers()
    }

    fn warm(&self) {
        self.0.borrow_mut().warm();
    }

    fn due(&self, now: wit::Now) -> Option<wit::Fetch> {
        self.0.borrow_mut().due(now.into()).map(Into::into)
    }

    fn next_due(&self) -> Option<u64> {
        self.0.borrow().next_due()
    }

    fn fetched(
        &self,
        source: String,
        outcome: Result<wit::Answer, String>,
        asked: u64,
        now: wit::Now,
    ) -> Vec<String> {
        self.0.borrow_mut().fetched(&source, outcome.map(Into::into), asked, now.into())
    }

    fn key_sources(&self, now: wit::Now) -> Vec<wit::KeySource> {
        self.0.borrow().key_sources(now.into()).into_iter().map(Into::into).collect()
    }

    fn kept_keys(&self) -> String {
        self.0.borrow().kept_keys()
    }

    fn restore_keys(&self, kept: String, now: wit::Now) {
        self.0.borrow_mut().restore_keys(&kept, now.into());
    }
}

fn shared(
    compiled: Result<policy::Policy, Vec<policy::Mistake>>,
) -> Result<wit::Policy, Vec<wit::Mistake>> {
    match compiled {
        Ok(compiled) => Ok(wit::Policy::new(SharedPolicy(Rc::new(RefCell::new(compiled))))),
        Err(mistakes) => Err(mistakes.into_iter().map(Into::into).collect()),
    }
}

/// A mistake in no place of a document.
fn mistake(message: &str) -> wit::Mistake {
    wit::Mistake { pointer: String::new(), message: message.to_owned(), help: None }
}

/// Which of two policies is meant is unclear, and a host must not change what was baked in.
const BESIDE: &str =
    "expected no policy beside the one that is baked into this component, found one";

/// The `exchange` resource, with the policy it began with.
struct OpenExchange {
    policy: Rc<RefCell<policy::Policy>>,
    exchange: RefCell<policy::Exchange>,
}

impl wit::GuestExchange for OpenExchange {
    fn open(policy: wit::PolicyBorrow<'_>, head: wit::Head, now: wit::Now) -> wit::Opened {
        let policy = Rc::clone(&policy.get::<SharedPolicy>().0);
        let (exchange, turn) = policy.borrow_mut().open(head.into(), now.into());
        let exchange = wit::Exchange::new(Self { policy, exchange: RefCell::new(exchange) });
        wit::Opened { exchange, turn: turn.into() }
    }

    fn resume(&self, sequence: u32, event: wit::Event, now: wit::Now) -> wit::Turn {
        let mut exchange = self.exchange.borrow_mut();
        self.policy.borrow_mut().resume(&mut exchange, sequence, event.into(), now.into()).into()
    }

    fn must_finish(&self) -> bool {
        self.exchange.borrow().must_finish()
    }

    fn close(exchange: wit::Exchange, end: wit::End, now: wit::Now) -> wit::Decision {
        let Self { policy, exchange } = exchange.into_inner();
        policy.borrow_mut().close(exchange.into_inner(), end.into(), now.into()).into()
    }
}
