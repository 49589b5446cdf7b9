//! What a gateway holds after a million requests of a hundred thousand tokens.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::Method;
use tokio::time::Instant;

use super::gate::{Asked, Gate, Stage};
use super::{CONNECTIONS, latency, progress};
use crate::client::{Call, Client, Spoken};
use crate::drive::{self, Calls};
use crate::issuer::{Algorithm, Issuer};
use crate::table::{aligned, row};
use crate::wire::{Wire, unlink};
use crate::{Attempt, measure};

/// Where it is measured, in percent of the requests.
const LOOKS: [usize; 4] = [1, 10, 50, 100];

/// One in so many requests is forwarded; the others are refused after their tokens were verified, which is quicker.
const FORWARDED_OF: usize = 4;

/// How many requests are asked for between two looks at the time.
const PORTION: usize = 4000;

/// A subject has this many of the tokens.
const OF_SUBJECT: usize = 4;

/// The table.
pub(super) async fn measure(stage: &Stage) -> Attempt<String> {
    let settings = &stage.settings;
    let gate = Gate::start(stage, &latency::policy(stage), None)?;
    let [own, other] = asked(stage).await?;
    progress("the tokens are signed");
    let mut clients = Wire::some(gate.address, CONNECTIONS);
    let mut rows =
        vec![row(["requests", "tokens", "MiB", "most MiB", "verified", "forgotten", "remembered"])];
    rows.push(look(&gate, 0, 0).await?);
    let until = Instant::now() + settings.memory_length;
    let mut done = 0;
    for percent in LOOKS {
        let end = settings.many_requests * percent / 100;
        while done < end && Instant::now() < until {
            let portion = done..end.min(done + PORTION);
            let forwarded = portion.start..portion.start + portion.len() / FORWARDED_OF;
            for (asked, these) in [(&own, forwarded.clone()), (&other, forwarded.end..portion.end)]
            {
                let asked = drive::ask(&mut clients, &asked.calls, asked.status, these, LONGEST);
                asked.await?;
            }
            done = portion.end;
        }
        rows.push(look(&gate, done, settings.tokens).await?);
    }
    let short = if done < settings.many_requests {
        format!("the time was over after {done} of {} requests\n", settings.many_requests)
    } else {
        String::new()
    };
    Ok(aligned(&rows) + &short)
}

/// A portion never takes as long.
const LONGEST: Duration = Duration::from_mins(1);

/// The same tokens for their own accounts, and for another's.
async fn asked(stage: &Stage) -> Attempt<[Asked; 2]> {
    let token = |issuer: &Issuer, nth: usize| {
        let subject = format!("auth0|many-{}", nth / OF_SUBJECT);
        issuer.access(Algorithm::EdDsa, &subject, &nth.to_string())
    };
    let own = move |issuer: &Issuer, nth: usize| {
        let user = format!("auth0%7Cmany-{}", nth / OF_SUBJECT);
        Ok(unlink(&user, Some(&token(issuer, nth)?)))
    };
    let other = move |issuer: &Issuer, nth: usize| {
        Ok(unlink("auth0%7Canother", Some(&token(issuer, nth)?)))
    };
    let count = stage.settings.tokens;
    let own = Calls::made(&stage.issuer, count, own).await?;
    let other = Calls::made(&stage.issuer, count, other).await?;
    Ok([Asked { calls: Arc::new(own), status: 200 }, Asked { calls: Arc::new(other), status: 403 }])
}

async fn look(gate: &Gate, done: usize, tokens: usize) -> Attempt<Vec<String>> {
    let metrics = metrics(gate).await?;
    let of = |wanted: &str| {
        let all = metrics.iter().filter(|(name, _)| name.starts_with(wanted));
        all.map(|(_, value)| *value).fold(0.0, |sum, value| sum + value)
    };
    let verified = of("linkgate_verifications_total{by=\"host\"}")
        + of("linkgate_verifications_total{by=\"component\"}");
    let forgotten = of("linkgate_verified_bearers_evicted_total");
    let most = measure::most_resident_kib(gate.id());
    Ok(vec![
        done.to_string(),
        tokens.min(done).to_string(),
        gate.resident_mib(),
        most.map_or("-".to_owned(), |kib| (kib >> 10).to_string()),
        format!("{verified:.0}"),
        format!("{forgotten:.0}"),
        format!("{:.0}", verified - forgotten),
    ])
}

/// What the gateway says of itself: a value for each name with its labels.
async fn metrics(gate: &Gate) -> Attempt<BTreeMap<String, f64>> {
    let call = Call {
        method: Method::GET,
        target: "/metrics".to_owned(),
        headers: Vec::new(),
        body: Bytes::new(),
    };
    let reply = Client::new(gate.admin, Spoken::Http1).exchange(&call).await.answered(200)?;
    let text = String::from_utf8_lossy(&reply.body).into_owned();
    let values = text.lines().filter_map(|line| {
        let (name, value) = line.rsplit_once(' ')?;
        Some((name.to_owned(), value.parse().ok()?))
    });
    Ok(values.collect())
}
