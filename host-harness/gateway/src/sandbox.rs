//! The wasm evaluator: a component that is linked to nothing and bounded in time and memory.

use std::thread;
use std::time::Duration;

use wasmtime::component::{Component, Linker, ResourceAny};
use wasmtime::{Config, Engine, EngineWeak, Store, StoreLimits, StoreLimitsBuilder};

use crate::contract::{Decision, End, Event, Gate, GatePre, Head, Now, Opened, Secret, Turn};
use crate::error::StartError;
use crate::evaluator::{Evaluator, Trap};

/// A compiled component with all that a fresh instance needs.
pub(crate) struct Sandbox {
    engine: Engine,
    gate: GatePre<StoreLimits>,
    policy: Policy,
}

/// What every instance compiles for itself.
pub(crate) struct Policy {
    pub(crate) document: String,
    pub(crate) secrets: Vec<(String, String)>,
    pub(crate) seed: u64,
}

impl Sandbox {
    /// Compiles `component` and checks that it imports nothing and exports the contract.
    pub(crate) fn new(component: &[u8], policy: Policy) -> Result<Self, StartError> {
        let mut config = Config::new();
        config.wasm_component_model(true).epoch_interruption(true);
        let engine =
            Engine::new(&config).map_err(|error| StartError::Host(format!("{error:#}")))?;
        let component = Component::new(&engine, component)
            .map_err(|error| StartError::NotAComponent(format!("{error:#}")))?;
        refuse_imports(&engine, &component)?;

        // INVARIANT: the linker stays empty. The guest can reach nothing that is not linked.
        let linker = Linker::new(&engine);
        let gate = linker
            .instantiate_pre(&component)
            .and_then(GatePre::new)
            .map_err(|error| StartError::Contract(format!("{error:#}")))?;
        start_ticker(engine.weak())?;
        Ok(Self { engine, gate, policy })
    }

    /// A fresh instance with its own memory and its own compiled policy.
    pub(crate) fn instance(&self) -> Result<Guest, StartError> {
        let mut store = Store::new(&self.engine, limits());
        store.limiter(|limits| limits);
        store.set_epoch_deadline(ticks(COMPILE_LIMIT));
        let gate =
            self.gate.instantiate(&mut store).map_err(|error| StartError::Trapped(trap(&error)))?;

        let secrets: Vec<Secret> = self
            .policy
            .secrets
            .iter()
            .map(|(name, value)| Secret { name: name.clone(), value: value.clone() })
            .collect();
        let resource = gate.linkgate_policy_evaluator().policy();
        let policy = resource
            .call_compile(&mut store, &self.policy.document, &secrets, self.policy.seed)
            .map_err(|error| StartError::Trapped(trap(&error)))?
            .map_err(StartError::Policy)?;
        let wanted = resource
            .call_wanted_headers(&mut store, policy)
            .map_err(|error| StartError::Trapped(trap(&error)))?;
        Ok(Guest { store, gate, policy, wanted })
    }
}

/// One instance of the component, its policy compiled.
pub struct Guest {
    store: Store<StoreLimits>,
    gate: Gate,
    policy: ResourceAny,
    wanted: Vec<String>,
}

impl Evaluator for Guest {
    type Exchange = ResourceAny;

    fn wanted_headers(&self) -> Vec<String> {
        self.wanted.clone()
    }

    fn open(&mut self, head: &Head, now: Now) -> Result<(ResourceAny, Turn), Trap> {
        self.store.set_epoch_deadline(ticks(CALL_LIMIT));
        let exchange = self.gate.linkgate_policy_evaluator().exchange();
        let Opened { exchange, turn } = exchange
            .call_open(&mut self.store, self.policy, head, now)
            .map_err(|error| trap(&error))?;
        Ok((exchange, turn))
    }

    fn resume(
        &mut self,
        exchange: &ResourceAny,
        sequence: u32,
        event: &Event,
        now: Now,
    ) -> Result<Turn, Trap> {
        self.store.set_epoch_deadline(ticks(CALL_LIMIT));
        let resource = self.gate.linkgate_policy_evaluator().exchange();
        resource
            .call_resume(&mut self.store, *exchange, sequence, event, now)
            .map_err(|error| trap(&error))
    }

    fn close(&mut self, exchange: ResourceAny, end: End, now: Now) -> Result<Decision, Trap> {
        self.store.set_epoch_deadline(ticks(CALL_LIMIT));
        let resource = self.gate.linkgate_policy_evaluator().exchange();
        resource.call_close(&mut self.store, exchange, end, now).map_err(|error| trap(&error))
    }
}

fn refuse_imports(engine: &Engine, component: &Component) -> Result<(), StartError> {
    let imports: Vec<String> =
        component.component_type().imports(engine).map(|(name, _item)| name.to_owned()).collect();
    if imports.is_empty() { Ok(()) } else { Err(StartError::Imports(imports)) }
}

/// Moves the engine's epoch until the engine is gone, so that a guest that loops is stopped.
fn start_ticker(engine: EngineWeak) -> Result<(), StartError> {
    let tick = move || {
        while let Some(engine) = engine.upgrade() {
            engine.increment_epoch();
            drop(engine);
            thread::sleep(TICK);
        }
    };
    let thread = thread::Builder::new().name("linkgate-epoch".to_owned()).spawn(tick);
    thread.map(drop).map_err(|error| StartError::Host(error.to_string()))
}

fn limits() -> StoreLimits {
    StoreLimitsBuilder::new()
        .memory_size(MEMORY_LIMIT)
        .table_elements(TABLE_LIMIT)
        .trap_on_grow_failure(true)
        .build()
}

/// The root cause alone: the chain above it is a backtrace of the guest.
fn trap(error: &wasmtime::Error) -> Trap {
    Trap::new(error.root_cause().to_string())
}

/// Epochs in `limit`, rounded up, and one more because the current one has already begun.
fn ticks(limit: Duration) -> u64 {
    let ticks = limit.as_millis().div_ceil(TICK.as_millis());
    u64::try_from(ticks).unwrap_or(u64::MAX).saturating_add(1)
}

/// Length of an epoch. Shorter wakes an idle process more often, longer makes the limits coarse.
const TICK: Duration = Duration::from_millis(50);

/// The longest call into a guest. A verified signature takes a few milliseconds on a slow machine;
/// raised, a guest that loops blocks a thread of the server for that much longer.
const CALL_LIMIT: Duration = Duration::from_secs(1);

/// The longest start of an instance, which prepares every key of the policy.
const COMPILE_LIMIT: Duration = Duration::from_secs(20);

/// Bytes of linear memory of an instance: policy, keys, and the exchanges open in it, each of which
/// holds at most a head and a body. Raised, a leaking guest takes more of the host before it dies.
const MEMORY_LIMIT: usize = 256 << 20;

/// Elements of a table: the guest's own function pointers, a few hundred.
const TABLE_LIMIT: usize = 100_000;
