//! The wasm evaluator: a component that is linked to nothing and bounded in time and memory.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::sleep;
use wasmtime::component::{
    Component, ComponentNamedList, Instance, Lift, Linker, Lower, ResourceAny, TypedFunc,
};
use wasmtime::{
    Engine, EngineWeak, InstanceAllocationStrategy, PoolingAllocationConfig, Store,
    StoreContextMut, StoreLimits, StoreLimitsBuilder, UpdateDeadline,
};

use crate::clock::Clock;
use crate::contract::{
    Abilities, Answer, Decision, End, Event, Fetch, Gate, GatePre, Head, INTERFACE, KeySource, Now,
    Opened, Secret, Shadow, Turn, VERSION, Verification, Verify,
};
use crate::engine::engine_config;
use crate::error::StartError;
use crate::evaluator::{Evaluator, Keys, Trap};
use crate::verifier::Verifier;

/// A compiled component with all that a fresh instance needs.
pub(crate) struct Sandbox {
    engine: Engine,
    gate: GatePre<Bounds>,
    policy: Policy,
    /// Instances made so far, those of earlier policies included.
    made: Arc<AtomicU64>,
}

/// What every instance compiles for itself.
pub(crate) struct Policy {
    /// None for the one that is baked into the component.
    pub(crate) document: Option<String>,
    pub(crate) secrets: Vec<(String, String)>,
    pub(crate) seed: u64,
}

impl Sandbox {
    /// Compiles `component` and checks that it imports nothing and exports the contract.
    pub(crate) fn new(
        component: &[u8],
        policy: Policy,
        instances: NonZeroUsize,
    ) -> Result<Self, StartError> {
        let mut config = engine_config();
        config.allocation_strategy(pool(instances));
        let engine = Engine::new(&config).map_err(|error| {
            let instances = format!("{instances} instances, each with addresses set aside");
            StartError::Host(format!("{error:#} ({instances}; `ulimit -v` bounds them)"))
        })?;
        let component = Component::new(&engine, component)
            .map_err(|error| StartError::NotAComponent(format!("{error:#}")))?;
        refuse_imports(&engine, &component)?;
        refuse_other_contract(&engine, &component)?;

        // INVARIANT: the linker stays empty. The guest can reach nothing that is not linked.
        let linker = Linker::new(&engine);
        let gate = linker
            .instantiate_pre(&component)
            .and_then(GatePre::new)
            .map_err(|error| StartError::Contract(format!("{error:#}")))?;
        start_ticker(engine.weak())?;
        Ok(Self { engine, gate, policy, made: Arc::default() })
    }

    /// The same component with another policy.
    pub(crate) fn with_policy(&self, policy: Policy) -> Self {
        let made = Arc::clone(&self.made);
        Self { engine: self.engine.clone(), gate: self.gate.clone(), policy, made }
    }

    /// A fresh instance with its own memory and its own compiled policy.
    pub(crate) fn instance(&self) -> Result<Guest, StartError> {
        let mut store = Store::new(&self.engine, Bounds::new());
        store.limiter(|bounds| &mut bounds.memory);
        store.epoch_deadline_callback(Bounds::tick);
        begin(&mut store, COMPILE_LIMIT, Yields::Never);
        let trapped = |error: wasmtime::Error| StartError::Trapped(trap(&error));
        let instance = self.gate.instance_pre().instantiate(&mut store).map_err(trapped)?;
        let unlike = |error: wasmtime::Error| StartError::Contract(format!("{error:#}"));
        let gate = Gate::new(&mut store, &instance).map_err(unlike)?;
        let calls = Calls::of(&mut store, &instance).map_err(unlike)?;

        let policy = self.policy(&gate, &mut store)?;
        let resource = gate.linkgate_policy_evaluator().policy();
        let shadow = resource.call_shadow(&mut store, policy).map_err(trapped)?;
        let wanted = resource.call_wanted_headers(&mut store, policy).map_err(trapped)?;
        Ok(Guest { store, gate, calls, policy, wanted, shadow })
    }

    /// The policy of an instance: compiled from the document, or the one that is baked in.
    fn policy(&self, gate: &Gate, store: &mut Store<Bounds>) -> Result<ResourceAny, StartError> {
        let Policy { document, secrets, seed } = &self.policy;
        // One number more for each: the ids that instances give to requests are not to meet.
        let seed = seed.wrapping_add(self.made.fetch_add(1, Ordering::Relaxed));
        let now = Clock::start().now();
        let resource = gate.linkgate_policy_evaluator().policy();
        let made = match document {
            Some(document) => {
                let secret = |(name, value): &(String, String)| Secret {
                    name: name.clone(),
                    value: value.clone(),
                };
                let secrets: Vec<Secret> = secrets.iter().map(secret).collect();
                resource.call_compile(store, document, &secrets, &host(), seed, now).map(Some)
            }
            None => resource.call_baked(store, &host(), seed, now),
        };
        let made = made.map_err(|error| StartError::Trapped(trap(&error)))?;
        made.ok_or(StartError::NoPolicy)?.map_err(StartError::Policy)
    }
}

/// One instance of the component, its policy compiled.
pub(crate) struct Guest {
    store: Store<Bounds>,
    gate: Gate,
    calls: Calls,
    policy: ResourceAny,
    wanted: Vec<String>,
    shadow: Option<Shadow>,
}

impl Evaluator for Guest {
    type Exchange = ResourceAny;

    fn shadow(&self) -> Option<Shadow> {
        self.shadow.clone()
    }

    fn wanted_headers(&self) -> Vec<String> {
        self.wanted.clone()
    }

    fn probes(&mut self) -> Result<Vec<Verify>, Trap> {
        begin(&mut self.store, CALL_LIMIT, Yields::Never);
        let policy = self.gate.linkgate_policy_evaluator().policy();
        policy.call_probes(&mut self.store, self.policy).map_err(|error| trap(&error))
    }

    fn probed(&mut self, answers: &[Verification]) -> Result<Vec<String>, Trap> {
        begin(&mut self.store, CALL_LIMIT, Yields::Never);
        let policy = self.gate.linkgate_policy_evaluator().policy();
        policy.call_probed(&mut self.store, self.policy, answers).map_err(|error| trap(&error))
    }

    async fn open(&mut self, head: Head, now: Now) -> Result<(ResourceAny, Turn), Trap> {
        let (opened,) = self.call(|calls| &calls.open, (self.policy, head, now)).await?;
        let Opened { exchange, turn } = opened;
        Ok((exchange, turn))
    }

    async fn resume(
        &mut self,
        exchange: &ResourceAny,
        sequence: u32,
        event: Event,
        now: Now,
    ) -> Result<Turn, Trap> {
        let (turn,) = self.call(|calls| &calls.resume, (*exchange, sequence, event, now)).await?;
        Ok(turn)
    }

    async fn must_finish(&mut self, exchange: &ResourceAny) -> Result<bool, Trap> {
        let (must,) = self.call(|calls| &calls.must_finish, (*exchange,)).await?;
        Ok(must)
    }

    async fn close(&mut self, exchange: ResourceAny, end: End, now: Now) -> Result<Decision, Trap> {
        let (decision,) = self.call(|calls| &calls.close, (exchange, end, now)).await?;
        Ok(decision)
    }
}

impl Guest {
    /// A call that gives the thread back when it takes long.
    async fn call<P, R>(
        &mut self,
        function: impl FnOnce(&Calls) -> &TypedFunc<P, R>,
        parameters: P,
    ) -> Result<R, Trap>
    where
        P: ComponentNamedList + Lower + Send + Sync,
        R: ComponentNamedList + Lift + Send + Sync + 'static,
    {
        begin(&mut self.store, CALL_LIMIT, Yields::Often);
        let function = function(&self.calls);
        let outcome = function.call_async(&mut self.store, parameters).await;
        outcome.map_err(|error| trap(&error))
    }
}

/// The functions that each exchange calls, checked once.
struct Calls {
    open: TypedFunc<(ResourceAny, Head, Now), (Opened,)>,
    resume: TypedFunc<(ResourceAny, u32, Event, Now), (Turn,)>,
    must_finish: TypedFunc<(ResourceAny,), (bool,)>,
    close: TypedFunc<(ResourceAny, End, Now), (Decision,)>,
}

impl Calls {
    fn of(store: &mut Store<Bounds>, instance: &Instance) -> wasmtime::Result<Self> {
        let interface =
            instance.get_export_index(&mut *store, None, &format!("{INTERFACE}@{VERSION}"));
        let mut named = |name: &str| {
            let index = instance.get_export_index(&mut *store, interface.as_ref(), name);
            let function = index.and_then(|index| instance.get_func(&mut *store, index));
            function.ok_or_else(|| wasmtime::format_err!("no function `{name}`"))
        };
        let open = named("[static]exchange.open")?;
        let resume = named("[method]exchange.resume")?;
        let must_finish = named("[method]exchange.must-finish")?;
        let close = named("[static]exchange.close")?;
        Ok(Self {
            open: open.typed(&*store)?,
            resume: resume.typed(&*store)?,
            must_finish: must_finish.typed(&*store)?,
            close: close.typed(&*store)?,
        })
    }
}

/// What an instance may use up.
struct Bounds {
    memory: StoreLimits,
    /// Epochs that are left to a call.
    epochs: u64,
    yields: Yields,
}

/// When a call gives the thread back.
#[derive(Clone, Copy)]
enum Yields {
    /// It is made where a thread may wait.
    Never,
    /// At the end of each epoch.
    Often,
}

impl Bounds {
    fn new() -> Self {
        Self { memory: limits(), epochs: 0, yields: Yields::Never }
    }

    /// An epoch is over, within a call.
    fn tick(mut store: StoreContextMut<'_, Self>) -> wasmtime::Result<UpdateDeadline> {
        let bounds = store.data_mut();
        bounds.epochs = bounds.epochs.checked_sub(1).ok_or(wasmtime::Trap::Interrupt)?;
        Ok(match (bounds.yields, Handle::try_current()) {
            // Woken at once, it would go on before the runtime looks for what has arrived.
            (Yields::Often, Ok(_runtime)) => UpdateDeadline::YieldCustom(1, Box::pin(sleep(REST))),
            (Yields::Often, Err(_)) | (Yields::Never, _) => UpdateDeadline::Continue(1),
        })
    }
}

/// A call begins, which may take so long.
fn begin(store: &mut Store<Bounds>, limit: Duration, yields: Yields) {
    let bounds = store.data_mut();
    (bounds.epochs, bounds.yields) = (ticks(limit).saturating_sub(1), yields);
    store.set_epoch_deadline(1);
}

impl Keys for Guest {
    fn warm(&mut self) -> Result<(), Trap> {
        begin(&mut self.store, CALL_LIMIT, Yields::Never);
        let policy = self.gate.linkgate_policy_evaluator().policy();
        policy.call_warm(&mut self.store, self.policy).map_err(|error| trap(&error))
    }

    fn due(&mut self, now: Now) -> Result<Option<Fetch>, Trap> {
        begin(&mut self.store, CALL_LIMIT, Yields::Never);
        let policy = self.gate.linkgate_policy_evaluator().policy();
        policy.call_due(&mut self.store, self.policy, now).map_err(|error| trap(&error))
    }

    fn next_due(&mut self) -> Result<Option<u64>, Trap> {
        begin(&mut self.store, CALL_LIMIT, Yields::Never);
        let policy = self.gate.linkgate_policy_evaluator().policy();
        policy.call_next_due(&mut self.store, self.policy).map_err(|error| trap(&error))
    }

    fn fetched(
        &mut self,
        source: &str,
        outcome: &Result<Answer, String>,
        asked: u64,
        now: Now,
    ) -> Result<Vec<String>, Trap> {
        begin(&mut self.store, CALL_LIMIT, Yields::Never);
        let outcome = outcome.as_ref().map_err(String::as_str);
        let policy = self.gate.linkgate_policy_evaluator().policy();
        policy
            .call_fetched(&mut self.store, self.policy, source, outcome, asked, now)
            .map_err(|error| trap(&error))
    }

    fn key_sources(&mut self, now: Now) -> Result<Vec<KeySource>, Trap> {
        begin(&mut self.store, CALL_LIMIT, Yields::Never);
        let policy = self.gate.linkgate_policy_evaluator().policy();
        policy.call_key_sources(&mut self.store, self.policy, now).map_err(|error| trap(&error))
    }

    fn kept_keys(&mut self) -> Result<String, Trap> {
        begin(&mut self.store, CALL_LIMIT, Yields::Never);
        let policy = self.gate.linkgate_policy_evaluator().policy();
        policy.call_kept_keys(&mut self.store, self.policy).map_err(|error| trap(&error))
    }

    fn restore_keys(&mut self, kept: &str, now: Now) -> Result<(), Trap> {
        begin(&mut self.store, CALL_LIMIT, Yields::Never);
        let policy = self.gate.linkgate_policy_evaluator().policy();
        policy
            .call_restore_keys(&mut self.store, self.policy, kept, now)
            .map_err(|error| trap(&error))
    }
}

fn refuse_imports(engine: &Engine, component: &Component) -> Result<(), StartError> {
    let imports: Vec<String> =
        component.component_type().imports(engine).map(|(name, _item)| name.to_owned()).collect();
    if imports.is_empty() { Ok(()) } else { Err(StartError::Imports(imports)) }
}

/// A component of another version of the contract gets a line that says so, before wasmtime lays out what it misses.
fn refuse_other_contract(engine: &Engine, component: &Component) -> Result<(), StartError> {
    let exports = component.component_type();
    let exports = exports.exports(engine).map(|(name, _item)| name);
    let mut found = exports.filter_map(|name| name.strip_prefix(INTERFACE)?.strip_prefix('@'));
    match found.next() {
        None | Some(VERSION) => Ok(()),
        Some(other) => Err(StartError::OtherVersion(other.to_owned())),
    }
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

/// Room for all instances, set aside once. A slot reserves 4 GiB of addresses, not of memory: wasmtime
/// leaves out bounds checks for it. Where addresses are limited (`ulimit -v`), the gateway says at the
/// start that it cannot run.
fn pool(instances: NonZeroUsize) -> InstanceAllocationStrategy {
    let instances = u32::try_from(instances.get()).unwrap_or(u32::MAX);
    let components = instances.saturating_mul(GENERATIONS).saturating_add(SPARE);
    let mut pool = PoolingAllocationConfig::default();
    pool.total_component_instances(components)
        .max_core_instances_per_component(CORE_INSTANCES)
        .total_core_instances(components.saturating_mul(CORE_INSTANCES))
        .max_memories_per_component(MEMORIES)
        .total_memories(components.saturating_mul(MEMORIES))
        .max_memory_size(MEMORY_LIMIT)
        .max_tables_per_component(TABLES)
        .total_tables(components.saturating_mul(TABLES))
        .table_elements(TABLE_LIMIT);
    InstanceAllocationStrategy::Pooling(pool)
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

/// What this gateway can do: all there is.
fn host() -> Abilities {
    let verifies = Verifier::ALGORITHMS.to_vec();
    Abilities { remembers: true, serialises: true, knows_peer: true, verifies }
}

/// Length of an epoch. Shorter wakes an idle process more often, longer makes the limits coarse.
const TICK: Duration = Duration::from_millis(50);

/// How long a call rests that has used up an epoch. Raised, one that loops is stopped later; lowered, the thread has less
/// time for other work meanwhile.
const REST: Duration = Duration::from_millis(10);

/// The longest call into a guest. A verified signature takes a few milliseconds on a slow machine;
/// raised, the requests of an instance that loops wait for that much longer.
const CALL_LIMIT: Duration = Duration::from_secs(1);

/// The longest start of an instance, which prepares every key of the policy.
const COMPILE_LIMIT: Duration = Duration::from_secs(20);

/// Bytes of linear memory of an instance: policy, keys, and the exchanges open in it, each of which
/// holds at most a head and a body. Raised, a leaking guest takes more of the host before it dies.
const MEMORY_LIMIT: usize = 256 << 20;

/// Elements of a table: the guest's own function pointers, a few hundred.
const TABLE_LIMIT: usize = 100_000;

/// Policies that may be in use at once: the present one, and replaced ones whose exchanges are not
/// over. When there is no room for another, a reload is refused and the present one serves on.
/// Raised, each costs addresses.
const GENERATIONS: u32 = 16;

/// Instances beyond those that serve: one that is made while another is still being dropped.
/// Raised, each costs addresses.
const SPARE: u32 = 1;

/// Modules of a component, each an instance: the guest's own, its adapter, and the shims that
/// `wit-component` puts between them. Lowered, a component with more of them does not start.
const CORE_INSTANCES: u32 = 8;

/// Linear memories of a component: the modules of one share theirs. Raised, each slot reserves
/// another 4 GiB of addresses.
const MEMORIES: u32 = 1;

/// Tables of a component: the guest's own and the shims'.
const TABLES: u32 = 8;
