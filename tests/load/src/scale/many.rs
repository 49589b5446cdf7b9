//! What a policy lists, by the thousand. The last of a list is what is asked for.

use serde_json::{Value, json};

use super::gate::{Asked, Gate, Stage};
use super::{CONNECTIONS, progress};
use crate::Attempt;
use crate::issuer::{AUDIENCE, Algorithm, Issuer};
use crate::round::spread;
use crate::table::{aligned, row};
use crate::wire::{request, unlink};

/// What there is much of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Thing {
    Issuers,
    Keys,
    Audiences,
    Origins,
    Prefixes,
}

/// A policy with so many, measured.
pub(super) struct Many {
    pub(super) thing: Thing,
    pub(super) count: usize,
    /// Processor time a request that was passed on and of one that was refused, in each round.
    pub(super) passed_us: Vec<f64>,
    pub(super) refused_us: Vec<f64>,
    pub(super) resident_mib: String,
    start_s: f64,
}

/// Keys of a set: more are no set to the policy.
const MOST_KEYS: usize = 64;

const USER: &str = "auth0%7Cbench-0";
const OTHER: &str = "auth0%7Cbench-1";

impl Thing {
    pub(super) const ALL: [Self; 5] =
        [Self::Issuers, Self::Keys, Self::Audiences, Self::Origins, Self::Prefixes];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Issuers => "issuers",
            Self::Keys => "keys of an issuer",
            Self::Audiences => "audiences of an issuer",
            Self::Origins => "origins",
            Self::Prefixes => "pass prefixes",
        }
    }

    /// How many are measured: tens, up to the most that a policy may have.
    fn counts(self, most: usize) -> Vec<usize> {
        let most = if self == Self::Keys { most.min(MOST_KEYS) } else { most };
        let tens = [1, 10, 100].into_iter().filter(|count| *count < most);
        tens.chain([most]).collect()
    }

    fn nth(self, nth: usize) -> String {
        match self {
            Self::Issuers => format!("http://load-{nth:04}.example/"),
            Self::Keys => Algorithm::EdDsa.name().to_owned(),
            Self::Audiences => format!("http://load-{nth:04}.example/api/v2/"),
            Self::Origins => format!("https://app-{nth:04}.example"),
            Self::Prefixes => format!("/site-{nth:04}"),
        }
    }

    fn policy(self, count: usize, issuer: &Issuer) -> Attempt<Value> {
        let all: Vec<String> = (0..count).map(|nth| self.nth(nth)).collect();
        let of = |own: Self, usual: &str| {
            if own == self { all.clone() } else { vec![usual.to_owned()] }
        };
        let keys = issuer.eddsa_jwks(if self == Self::Keys { count - 1 } else { 0 })?;
        let audiences = of(Self::Audiences, AUDIENCE);
        let issuers = of(Self::Issuers, Issuer::NAME).into_iter().map(|name| {
            json!({
                "issuer": name, "audiences": audiences, "algorithms": ["EdDSA"],
                "secondary": { "algorithms": ["EdDSA"] }, "keys": { "jwks": keys },
            })
        });
        Ok(json!({
            "version": 1,
            "issuers": issuers.collect::<Vec<_>>(),
            "cors": { "origins": of(Self::Origins, "https://app.example") },
            "pass": of(Self::Prefixes, "/site"),
        }))
    }

    /// A request that is passed on, and one that is refused.
    fn asked(self, count: usize, issuer: &Issuer) -> Attempt<[Asked; 2]> {
        let last = self.nth(count - 1);
        if self == Self::Prefixes {
            let below = |prefix: &str| request("GET", &format!("{prefix}/a.js"), "", "");
            return Ok([Asked::one(below(&last), 200), Asked::one(below("/site-zzzz"), 404)]);
        }
        let name = if self == Self::Issuers { &last } else { Issuer::NAME };
        let audience = if self == Self::Audiences { &last } else { AUDIENCE };
        let token =
            issuer.access_of(Algorithm::EdDsa, [name, audience], "auth0|bench-0", "the same")?;
        let origin = if self == Self::Origins { &last } else { "https://app.example" };
        // A line behind the bearer's.
        let token = format!("{token}\r\norigin: {origin}");
        let of = |user| unlink(user, Some(&token));
        Ok([Asked::one(of(USER), 200), Asked::one(of(OTHER), 403)])
    }
}

/// All of them.
pub(super) async fn measure(stage: &Stage) -> Attempt<Vec<Many>> {
    let mut all = Vec::new();
    for thing in Thing::ALL {
        progress(thing.name());
        all.extend(measure_one(stage, thing).await?);
    }
    Ok(all)
}

/// The gateways of a thing run side by side, each round asks all of them: what else the machine does hits all alike.
async fn measure_one(stage: &Stage, thing: Thing) -> Attempt<Vec<Many>> {
    let mut gates = Vec::new();
    for count in thing.counts(stage.settings.most) {
        let gate = Gate::start(stage, &thing.policy(count, &stage.issuer)?, None)?;
        let asked = thing.asked(count, &stage.issuer)?;
        let many = Many {
            thing,
            count,
            passed_us: Vec::new(),
            refused_us: Vec::new(),
            resident_mib: String::new(),
            start_s: gate.start_s,
        };
        gates.push((gate, asked, many));
    }
    // The first does not count: each kind of request has code of its own.
    for round in 0..=stage.settings.rounds {
        for (gate, [passed, refused], many) in &mut gates {
            let passed = gate.round(&stage.settings, passed, CONNECTIONS, 0).await?;
            let refused = gate.round(&stage.settings, refused, CONNECTIONS, 0).await?;
            if round > 0 {
                many.passed_us.push(passed.us);
                many.refused_us.push(refused.us);
            }
        }
    }
    let measured = gates
        .into_iter()
        .map(|(gate, _asked, many)| Many { resident_mib: gate.resident_mib(), ..many });
    Ok(measured.collect())
}

pub(super) fn table(all: &[Many]) -> String {
    let title = [
        "of each",
        "count",
        "passed, CPU us",
        "from-to",
        "refused",
        "from-to",
        "MiB",
        "start, CPU s",
    ];
    let mut rows = vec![row(title)];
    for many in all {
        let mut cells = vec![many.thing.name().to_owned(), many.count.to_string()];
        for us in [&many.passed_us, &many.refused_us] {
            let spread = spread(us.clone());
            let cell = |cell: Option<String>| cell.unwrap_or_else(|| "-".to_owned());
            cells.push(cell(spread.map(|(median, _, _)| format!("{median:.1}"))));
            cells.push(cell(spread.map(|(_, least, most)| format!("{least:.0}-{most:.0}"))));
        }
        cells.extend([many.resident_mib.clone(), format!("{:.2}", many.start_s)]);
        rows.push(cells);
    }
    aligned(&rows)
}

#[cfg(test)]
impl Many {
    /// One that was measured in a round.
    pub(super) fn of(thing: Thing, count: usize, us: f64) -> Self {
        let resident_mib = "60".to_owned();
        Self { thing, count, passed_us: vec![us], refused_us: vec![us], resident_mib, start_s: 1.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_has_as_many_as_it_may() {
        assert_eq!(Thing::Origins.counts(1000), [1, 10, 100, 1000]);
        assert_eq!(Thing::Keys.counts(1000), [1, 10, MOST_KEYS]);
        let issuer = Issuer::new().unwrap();
        for (thing, place) in [
            (Thing::Issuers, "/issuers"),
            (Thing::Keys, "/issuers/0/keys/jwks/keys"),
            (Thing::Audiences, "/issuers/0/audiences"),
            (Thing::Origins, "/cors/origins"),
            (Thing::Prefixes, "/pass"),
        ] {
            let policy = thing.policy(10, &issuer).unwrap();
            let listed = policy.pointer(place).and_then(Value::as_array).map(Vec::len);
            assert_eq!(listed, Some(10), "{thing:?}");
        }
    }
}
