//! The report for programs: one object in one line. `docs/baked-components.md` tells its members.

use linkgate_policy::{KeySource, Time, escaped};
use serde::Serialize;
use serde_json::Value;

use super::{BakedPolicy, Contents, Inspection, origin};
use crate::key_report::json::{Key, key};

/// Its name and version: a member that goes, or means something else, makes it another.
const SCHEMA: &str = "linkgate.inspect/1";

/// The report in its JSON form.
pub(crate) fn text(inspection: &Inspection<'_>) -> String {
    let Inspection { file, artifact, baked } = inspection;
    let surface = &artifact.surface;
    let label = surface.label.as_ref();
    let whole = Whole {
        schema: SCHEMA,
        file,
        kind: surface.kind.name(),
        edition: label.map(|label| label.edition.as_str()),
        version: label.map(|label| label.version.as_str()),
        world: label.map(|label| label.world.as_str()),
        needs: label.map_or(&[], |label| &label.needs),
        bytes: artifact.bytes().len(),
        sha256: artifact.digest(),
        imports: &surface.imports,
        exports: &surface.exports,
        bakeable: artifact.has_slot(),
        well: inspection.is_well(),
        problem: match baked {
            Contents::Unusable(why) => Some(why),
            Contents::Nothing | Contents::Policy(_) => None,
        },
        baked: match baked {
            Contents::Policy(policy) => Some(shown(policy)),
            Contents::Nothing | Contents::Unusable(_) => None,
        },
    };
    // Every member is text, a number, or made of them: there is nothing that JSON cannot say.
    serde_json::to_string(&whole).unwrap_or_default()
}

#[derive(Serialize)]
struct Whole<'a> {
    schema: &'static str,
    file: &'a str,
    kind: &'static str,
    edition: Option<&'a str>,
    version: Option<&'a str>,
    world: Option<&'a str>,
    needs: &'a [String],
    bytes: usize,
    sha256: String,
    imports: &'a [String],
    exports: &'a [String],
    bakeable: bool,
    well: bool,
    problem: Option<&'a String>,
    baked: Option<Shown<'a>>,
}

#[derive(Serialize)]
struct Shown<'a> {
    keys_until: Option<Time>,
    keys_ended: Option<bool>,
    upstream: Option<&'a str>,
    issuers: Vec<Issuer<'a>>,
    policy: &'a Value,
}

#[derive(Serialize)]
struct Issuer<'a> {
    #[serde(rename = "issuer")]
    name: String,
    source: &'static str,
    url: Option<&'a str>,
    keys: Vec<Key<'a>>,
}

fn shown(policy: &BakedPolicy) -> Shown<'_> {
    Shown {
        keys_until: policy.keys.map(|end| end.until),
        keys_ended: policy.keys.map(|end| end.left_ms.is_none()),
        upstream: policy.upstream.as_deref(),
        issuers: policy.sources.iter().map(issuer).collect(),
        policy: &policy.document,
    }
}

fn issuer(source: &KeySource) -> Issuer<'_> {
    Issuer {
        name: escaped(&source.issuer),
        source: origin(source),
        url: source.url.as_deref(),
        keys: source.keys.iter().map(key).collect(),
    }
}
