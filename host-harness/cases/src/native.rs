//! The native core as an edition.

use std::collections::BTreeMap;

use linkgate_gateway::Verifier;
use linkgate_policy::{
    Abilities, Answer, End, Event, Exchange, Fetch, Head, LogLine, Now, Policy, Secrets,
    SignatureAlgorithms, Time,
};

use crate::edition::{Due, Edition, ExchangeId, PolicyId, Sent, Step, Turn};
use crate::trouble::Trouble;
use crate::verifier;

/// The core, called directly.
#[derive(Default)]
pub struct Native {
    /// Verifies for the core; none where that verifies by itself.
    verifier: Option<Verifier>,
    policies: Vec<(String, Policy)>,
    exchanges: BTreeMap<ExchangeId, (PolicyId, Exchange)>,
    opened: u64,
}

impl Native {
    /// The core on a host that verifies signatures.
    #[must_use]
    pub fn with_verifier() -> Self {
        Self { verifier: Some(Verifier::default()), ..Self::default() }
    }

    /// How often a bearer was found that had been verified before, under any policy.
    #[must_use]
    pub fn known_bearers(&self) -> u64 {
        self.policies.iter().map(|(_, policy)| policy.token_cache().hits).sum()
    }
}

/// Any number serves: no one attacks the suite's hash maps.
const SEED: u64 = 1;

impl Edition for Native {
    fn name(&self) -> &'static str {
        "native"
    }

    fn load(
        &mut self,
        document: &str,
        secrets: &[(String, String)],
        now: Now,
    ) -> Result<PolicyId, Trouble> {
        if let Some(known) = self.policies.iter().position(|(known, _)| known == document) {
            return Ok(PolicyId(known));
        }
        self.compile(document, secrets, now)
    }

    fn compile(
        &mut self,
        document: &str,
        secrets: &[(String, String)],
        now: Now,
    ) -> Result<PolicyId, Trouble> {
        let secrets: Secrets =
            secrets.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        let none = SignatureAlgorithms::NONE;
        let verifies = self.verifier.as_ref().map_or(none, |_| SignatureAlgorithms::ALL);
        let host = Abilities { verifies, ..Abilities::ALL };
        let mut policy =
            Policy::compile(document, &secrets, host, SEED, now).map_err(|mistakes| {
                let lines: Vec<String> = mistakes
                    .iter()
                    .map(|mistake| format!("{}: {}", mistake.pointer, mistake.message))
                    .collect();
                Trouble::new(lines.join("; "))
            })?;
        let notices = self.verifier.as_ref().map(|own| verifier::introduce(own, &mut policy));
        let notices = notices.unwrap_or_default();
        if !notices.is_empty() {
            return Err(Trouble::new(notices.join("; ")));
        }
        self.policies.push((document.to_owned(), policy));
        Ok(PolicyId(self.policies.len() - 1))
    }

    fn warm(&mut self, policy: PolicyId) -> Result<(), Trouble> {
        self.policy(policy)?.warm();
        Ok(())
    }

    fn due(&mut self, policy: PolicyId, now: Now) -> Result<Option<Due>, Trouble> {
        let due = |fetch: Fetch| Due { source: fetch.source, headers: fetch.headers };
        Ok(self.policy(policy)?.due(now).map(due))
    }

    fn fetched(
        &mut self,
        policy: PolicyId,
        source: &str,
        outcome: Result<Answer, String>,
        now: Now,
    ) -> Result<Vec<String>, Trouble> {
        Ok(self.policy(policy)?.fetched(source, outcome, now.mono_ms, now))
    }

    fn wanted_headers(&mut self, policy: PolicyId) -> Result<Vec<String>, Trouble> {
        Ok(self.policy(policy)?.wanted_headers())
    }

    fn open(
        &mut self,
        policy: PolicyId,
        head: Head,
        now: Now,
    ) -> Result<(ExchangeId, Turn), Trouble> {
        let (exchange, turn) = self.policy(policy)?.open(head, now);
        self.opened += 1;
        let id = ExchangeId(self.opened);
        self.exchanges.insert(id, (policy, exchange));
        Ok((id, neutral(turn)))
    }

    fn resume(
        &mut self,
        exchange: ExchangeId,
        sequence: u32,
        event: Event,
        now: Now,
    ) -> Result<Turn, Trouble> {
        let (policy, exchange) = self.exchanges.get_mut(&exchange).ok_or_else(closed)?;
        let (_, policy) = self.policies.get_mut(policy.0).ok_or_else(unloaded)?;
        Ok(neutral(policy.resume(exchange, sequence, event, now)))
    }

    fn close(&mut self, exchange: ExchangeId, end: End, now: Now) -> Result<LogLine, Trouble> {
        let (policy, exchange) = self.exchanges.remove(&exchange).ok_or_else(closed)?;
        let decision = self.policy(policy)?.close(exchange, end, now);
        let duration_us = decision.elapsed_ms.saturating_mul(1_000);
        Ok(LogLine::of(decision, Time { unix_ms: now.unix_ms }, duration_us))
    }
}

impl Native {
    fn policy(&mut self, id: PolicyId) -> Result<&mut Policy, Trouble> {
        self.policies.get_mut(id.0).map(|(_, policy)| policy).ok_or_else(unloaded)
    }
}

fn unloaded() -> Trouble {
    Trouble::new("no such policy was loaded")
}

fn closed() -> Trouble {
    Trouble::new("no such exchange is open")
}

fn neutral(turn: linkgate_policy::Turn) -> Turn {
    use linkgate_policy::Step as Core;
    let step = match turn.step {
        Core::ReadBody { max_bytes, .. } => Step::ReadBody { max_bytes },
        Core::Wait { until_mono_ms } => Step::Wait { until_mono_ms },
        Core::Verify(verify) => Step::Verify(verifier::question(verify)),
        Core::Acquire { accounts, .. } => Step::Acquire { accounts },
        Core::Call(call) => Step::Call(Sent {
            method: call.method.to_owned(),
            path: call.path,
            headers: call.headers,
            body: call.body,
        }),
        Core::Forward(forward) => Step::Forward(Sent {
            method: forward.method.to_owned(),
            path: forward.path,
            headers: forward.headers,
            body: forward.body,
        }),
        Core::Pass { edits, .. } => Step::Pass(edits),
        Core::Relay(edits) => Step::Relay(edits),
        Core::Respond(reply) => Step::Respond(reply),
    };
    Turn { sequence: turn.sequence, step }
}
