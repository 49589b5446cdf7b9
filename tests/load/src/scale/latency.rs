//! How long clients wait, by how many there are.

use std::sync::Arc;

use serde_json::{Value, json};

use super::WARM_UP;
use super::gate::{Asked, Gate, Stage};
use crate::drive::Calls;
use crate::issuer::{Algorithm, Issuer};
use crate::quantile::Durations;
use crate::round::{median, sorted};
use crate::table::{aligned, row};
use crate::wire::{request, unlink};
use crate::{Attempt, policy};

/// Answers to so many clients.
pub(super) struct Latency {
    work: &'static str,
    connections: usize,
    answers: Durations,
    rates: Vec<f64>,
}

/// Clients at once.
const CONNECTIONS: [usize; 3] = [1, 8, 64];

/// A policy with one of everything.
pub(super) fn policy(stage: &Stage) -> Value {
    let mut policy = stage.issuer.policy();
    if let Some(members) = policy.as_object_mut() {
        members.insert("cors".to_owned(), json!({ "origins": [policy::ORIGIN] }));
    }
    policy
}

/// What is passed, an unlink with a token that is known, and one with another token each: in rounds over all of them.
pub(super) async fn measure(stage: &Stage) -> Attempt<Vec<Latency>> {
    let gate = Gate::start(stage, &policy(stage), None)?;
    let settings = &stage.settings;
    let token = stage.issuer.access(Algorithm::EdDsa, "auth0|bench-0", "the same")?;
    let passed = request("GET", &format!("{}/jwks.json", policy::PASS), "", "");
    let (each, rounds) = (WARM_UP + settings.requests, settings.rounds + 1);
    let works = [
        ("passed", Asked::one(passed, 200)),
        ("unlink, same token", Asked::one(unlink("auth0%7Cbench-0", Some(&token)), 200)),
        ("unlink, new EdDSA token each", new(stage, each * rounds * CONNECTIONS.len()).await?),
    ];
    let mut rows = Vec::new();
    for (work, asked) in &works {
        for (nth, connections) in CONNECTIONS.into_iter().enumerate() {
            let (mut answers, mut rates) = (Durations::default(), Vec::new());
            for round in 0..rounds {
                let first = (nth * rounds + round) * each;
                let one = gate.round(settings, asked, connections, first).await?;
                if round > 0 {
                    answers.extend(&one.answers);
                    rates.push(one.rate);
                }
            }
            rows.push(Latency { work, connections, answers, rates });
        }
    }
    Ok(rows)
}

async fn new(stage: &Stage, count: usize) -> Attempt<Asked> {
    let call = |issuer: &Issuer, nth: usize| {
        let (subject, user) = (format!("auth0|new-{nth}"), format!("auth0%7Cnew-{nth}"));
        let token = issuer.access(Algorithm::EdDsa, &subject, &nth.to_string())?;
        Ok(unlink(&user, Some(&token)))
    };
    Ok(Asked { calls: Arc::new(Calls::made(&stage.issuer, count, call).await?), status: 200 })
}

pub(super) fn table(all: &[Latency]) -> String {
    let title = ["answers", "clients", "a second", "p50", "p99", "p99.9", "max", "of"];
    let mut rows = vec![row(title)];
    for latency in all {
        let mut answers = latency.answers.clone();
        let rate = median(&sorted(latency.rates.clone()));
        let rate = rate.map_or("-".to_owned(), |rate| format!("{rate:.0}"));
        let mut cells = vec![latency.work.to_owned(), latency.connections.to_string(), rate];
        cells.extend([500, 990, 999, 1000].map(|permille| answers.text(permille)));
        cells.push(answers.count().to_string());
        rows.push(cells);
    }
    aligned(&rows)
}
