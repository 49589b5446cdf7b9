//! Whether more instances serve more: each decides one request at a time, on the thread that asks it.

use super::gate::{Asked, Gate, Stage};
use super::{CONNECTIONS, latency};
use crate::Attempt;
use crate::issuer::Algorithm;
use crate::round::{median, sorted};
use crate::table::{aligned, row};
use crate::wire::unlink;

/// From one to as many as there are cores, side by side, as the table that they make.
pub(super) async fn measure(stage: &Stage) -> Attempt<String> {
    let token = stage.issuer.access(Algorithm::EdDsa, "auth0|bench-0", "the same")?;
    let of = |user| unlink(user, Some(&token));
    let works = [
        ("refused, another's account", Asked::one(of("auth0%7Cbench-1"), 403)),
        ("unlink, same token", Asked::one(of("auth0%7Cbench-0"), 200)),
    ];
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let counts = (0..).map(|nth| 1_usize << nth).take_while(|count| *count < cores).chain([cores]);
    let mut gates = Vec::new();
    for count in counts {
        gates.push((count, Gate::start(stage, &latency::policy(stage), Some(count))?));
    }
    let mut rows = vec![row(["instances", "count", "a second", "CPU us"])];
    for (name, asked) in &works {
        let mut measured: Vec<(Vec<f64>, Vec<f64>)> = vec![Default::default(); gates.len()];
        for round in 0..=stage.settings.rounds {
            for ((_, gate), (rates, us)) in gates.iter().zip(&mut measured) {
                let one = gate.round(&stage.settings, asked, CONNECTIONS, 0).await?;
                if round > 0 {
                    rates.push(one.rate);
                    us.push(one.us);
                }
            }
        }
        for ((count, _), (rates, us)) in gates.iter().zip(measured) {
            let text = |values, digits| {
                let value = median(&sorted(values));
                value.map_or("-".to_owned(), |value| format!("{value:.digits$}"))
            };
            rows.push(vec![(*name).to_owned(), count.to_string(), text(rates, 0), text(us, 1)]);
        }
    }
    Ok(aligned(&rows))
}
