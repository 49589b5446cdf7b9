//! The evaluator edition: the component on wasmtime, linked to nothing.
//!
//! One instance holds every policy of the suite and serves every case, as a gateway's instance
//! serves every user.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use linkgate_gateway::{Abilities, Gate, Secret, Verifier, engine_config};
use linkgate_policy::{Answer, End, Event, Head, LogLine, Now, Time};
use wasmtime::component::{Component, Linker, ResourceAny};
use wasmtime::{Engine, Store};

use crate::edition::{Due, Edition, ExchangeId, PolicyId, Turn};
use crate::trouble::Trouble;
use crate::wire;

/// The component, and its instance while it lives.
pub struct Evaluator {
    engine: Engine,
    component: Component,
    instance: Option<Instance>,
    /// Verifies for the component; none where that verifies by itself.
    verifier: Option<Verifier>,
    opened: u64,
}

struct Instance {
    store: Store<()>,
    gate: Gate,
    policies: Vec<(String, ResourceAny)>,
    exchanges: BTreeMap<ExchangeId, ResourceAny>,
}

/// Where `cargo xtask components` leaves the component, under cargo's target directory.
const ARTIFACT: &str = "components/linkgate-evaluator.wasm";

/// The same for hosts with wide arithmetic.
const WIDE_ARTIFACT: &str = "components/linkgate-evaluator-wide.wasm";

/// The first tick of the engine's clock, which nothing moves here.
const NO_DEADLINE: u64 = 1;

/// Any number serves: no one attacks the suite's hash maps.
const SEED: u64 = 1;

/// A host that can do all there is, so that cases may have any policy.
fn host(verifier: Option<&Verifier>) -> Abilities {
    let algorithms = verifier.map(|_| Verifier::ALGORITHMS.to_vec());
    Abilities {
        remembers: true,
        serialises: true,
        knows_peer: true,
        verifies: algorithms.unwrap_or_default(),
    }
}

impl Evaluator {
    /// Loads the component from cargo's target directory.
    ///
    /// # Errors
    /// There is no component, or wasmtime does not take it.
    pub fn load(target_dir: &Path) -> Result<Self, Trouble> {
        Self::open(&target_dir.join(ARTIFACT))
    }

    /// Loads the component with wide arithmetic.
    ///
    /// # Errors
    /// There is no component, or wasmtime does not take it.
    pub fn load_wide(target_dir: &Path) -> Result<Self, Trouble> {
        Self::open(&target_dir.join(WIDE_ARTIFACT))
    }

    /// Loads a component, whose compiled form takes seconds to make: [`another`](Self::another) shares it.
    ///
    /// # Errors
    /// There is no component, or wasmtime does not take it.
    pub fn open(file: &Path) -> Result<Self, Trouble> {
        let bytes = std::fs::read(file).map_err(|error| {
            Trouble::new(format!("{error}; `cargo xtask components` builds it")).at(file.display())
        })?;
        let engine = Engine::new(&engine_config()).map_err(|error| trouble(&error))?;
        let component =
            Component::new(&engine, bytes).map_err(|error| trouble(&error).at(file.display()))?;
        let verifier = Some(Verifier::default());
        Ok(Self { engine, component, instance: None, verifier, opened: 0 })
    }

    /// The same component with an instance of its own, for another thread.
    #[must_use]
    pub fn another(&self) -> Self {
        let (engine, component) = (self.engine.clone(), self.component.clone());
        let verifier = self.verifier.is_some().then(Verifier::default);
        Self { engine, component, instance: None, verifier, opened: 0 }
    }

    /// The same on a host that verifies no signature.
    #[must_use]
    pub fn without_verifier(self) -> Self {
        Self { verifier: None, ..self }
    }

    /// The living instance. A trap ends it with all that was open in it; the next case gets a new one.
    fn instance(&mut self) -> Result<&mut Instance, Trouble> {
        if self.instance.is_none() {
            let mut store = Store::new(&self.engine, ());
            store.set_epoch_deadline(NO_DEADLINE);
            let gate = Gate::instantiate(&mut store, &self.component, &Linker::new(&self.engine))
                .map_err(|error| trouble(&error))?;
            self.instance =
                Some(Instance { store, gate, policies: Vec::new(), exchanges: BTreeMap::new() });
        }
        self.instance.as_mut().ok_or_else(|| Trouble::new("no instance"))
    }

    /// Calls the guest; after a trap nothing more goes to the instance.
    fn call<T>(
        &mut self,
        act: impl FnOnce(&mut Instance) -> Result<T, Stop>,
    ) -> Result<T, Trouble> {
        match act(self.instance()?) {
            Ok(value) => Ok(value),
            Err(Stop::Misuse(text)) => Err(Trouble::new(text)),
            Err(Stop::Trap(error)) => {
                self.instance = None;
                Err(trouble(&error).at("the component trapped"))
            }
        }
    }
}

/// Why a call gave nothing.
enum Stop {
    Trap(wasmtime::Error),
    Misuse(String),
}

impl From<wasmtime::Error> for Stop {
    fn from(error: wasmtime::Error) -> Self {
        Self::Trap(error)
    }
}

impl Edition for Evaluator {
    fn name(&self) -> &'static str {
        "evaluator"
    }

    fn load(
        &mut self,
        document: &str,
        secrets: &[(String, String)],
        now: Now,
    ) -> Result<PolicyId, Trouble> {
        let known =
            self.instance()?.policies.iter().position(|(known, _)| known == document).map(PolicyId);
        known.map_or_else(|| self.compile(document, secrets, now), Ok)
    }

    fn compile(
        &mut self,
        document: &str,
        secrets: &[(String, String)],
        now: Now,
    ) -> Result<PolicyId, Trouble> {
        let (host, verifier) = (host(self.verifier.as_ref()), self.verifier.take());
        let compiled = self.call(|instance| {
            let secrets: Vec<Secret> = secrets
                .iter()
                .map(|(name, value)| Secret { name: name.clone(), value: value.clone() })
                .collect();
            let resource = instance.gate.linkgate_policy_evaluator().policy();
            let policy = resource
                .call_compile(&mut instance.store, document, &secrets, &host, SEED, wire::now(now))?
                .map_err(|mistakes| {
                    let lines: Vec<String> = mistakes
                        .iter()
                        .map(|mistake| format!("{}: {}", mistake.pointer, mistake.message))
                        .collect();
                    Stop::Misuse(lines.join("; "))
                })?;
            if let Some(verifier) = &verifier {
                let probes = resource.call_probes(&mut instance.store, policy)?;
                let answers: Vec<_> = probes.iter().map(|probe| verifier.verify(probe)).collect();
                let notices = resource.call_probed(&mut instance.store, policy, &answers)?;
                if !notices.is_empty() {
                    return Err(Stop::Misuse(notices.join("; ")));
                }
            }
            instance.policies.push((document.to_owned(), policy));
            Ok(PolicyId(instance.policies.len() - 1))
        });
        self.verifier = verifier;
        compiled
    }

    fn warm(&mut self, policy: PolicyId) -> Result<(), Trouble> {
        self.call(|instance| {
            let policy = instance.policy(policy)?;
            let resource = instance.gate.linkgate_policy_evaluator().policy();
            Ok(resource.call_warm(&mut instance.store, policy)?)
        })
    }

    fn due(&mut self, policy: PolicyId, now: Now) -> Result<Option<Due>, Trouble> {
        self.call(|instance| {
            let policy = instance.policy(policy)?;
            let resource = instance.gate.linkgate_policy_evaluator().policy();
            let fetch = resource.call_due(&mut instance.store, policy, wire::now(now))?;
            Ok(fetch.map(|fetch| Due { source: fetch.source, headers: wire::lines(fetch.headers) }))
        })
    }

    fn fetched(
        &mut self,
        policy: PolicyId,
        source: &str,
        outcome: Result<Answer, String>,
        now: Now,
    ) -> Result<Vec<String>, Trouble> {
        self.call(|instance| {
            let policy = instance.policy(policy)?;
            let resource = instance.gate.linkgate_policy_evaluator().policy();
            let outcome = outcome.map(wire::answer);
            Ok(resource.call_fetched(
                &mut instance.store,
                policy,
                source,
                outcome.as_ref().map_err(String::as_str),
                now.mono_ms,
                wire::now(now),
            )?)
        })
    }

    fn wanted_headers(&mut self, policy: PolicyId) -> Result<Vec<String>, Trouble> {
        self.call(|instance| {
            let policy = instance.policy(policy)?;
            Ok(instance
                .gate
                .linkgate_policy_evaluator()
                .policy()
                .call_wanted_headers(&mut instance.store, policy)?)
        })
    }

    fn open(
        &mut self,
        policy: PolicyId,
        head: Head,
        now: Now,
    ) -> Result<(ExchangeId, Turn), Trouble> {
        self.opened += 1;
        let id = ExchangeId(self.opened);
        self.call(|instance| {
            let policy = instance.policy(policy)?;
            let resource = instance.gate.linkgate_policy_evaluator().exchange();
            let opened = resource.call_open(
                &mut instance.store,
                policy,
                &wire::head(&head),
                wire::now(now),
            )?;
            instance.exchanges.insert(id, opened.exchange);
            Ok((id, wire::turn(opened.turn)))
        })
    }

    fn resume(
        &mut self,
        exchange: ExchangeId,
        sequence: u32,
        event: Event,
        now: Now,
    ) -> Result<Turn, Trouble> {
        self.call(|instance| {
            let exchange = *instance.exchanges.get(&exchange).ok_or_else(closed)?;
            let resource = instance.gate.linkgate_policy_evaluator().exchange();
            Ok(wire::turn(resource.call_resume(
                &mut instance.store,
                exchange,
                sequence,
                &wire::event(event),
                wire::now(now),
            )?))
        })
    }

    fn close(&mut self, exchange: ExchangeId, end: End, now: Now) -> Result<LogLine, Trouble> {
        self.call(|instance| {
            let exchange = instance.exchanges.remove(&exchange).ok_or_else(closed)?;
            let resource = instance.gate.linkgate_policy_evaluator().exchange();
            let decision = resource.call_close(
                &mut instance.store,
                exchange,
                wire::end(end),
                wire::now(now),
            )?;
            let took = Duration::from_millis(decision.elapsed_ms);
            Ok(wire::log_line(decision, Time { unix_ms: now.unix_ms }, took))
        })
    }
}

impl Instance {
    fn policy(&self, id: PolicyId) -> Result<ResourceAny, Stop> {
        self.policies
            .get(id.0)
            .map(|(_, policy)| *policy)
            .ok_or_else(|| Stop::Misuse("no such policy was loaded".to_owned()))
    }
}

fn closed() -> Stop {
    Stop::Misuse("no such exchange is open".to_owned())
}

fn trouble(error: &wasmtime::Error) -> Trouble {
    Trouble::new(format!("{error:#}"))
}
