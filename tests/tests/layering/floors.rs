//! The floors of the core and of the hosts: an arrow from one module to another points down, and the modules of a
//! floor have no circle.

use std::collections::{BTreeMap, BTreeSet};

use crate::modules::{Arrow, Modules, is_below};
use crate::repository::{NOTHING, root};

/// A crate and its floors, the ground first. A floor is a list of modules, each with everything inside of it.
struct House {
    sources: &'static str,
    floors: &'static [&'static str],
    /// Modules that use each other in a circle, and why they still do.
    circles: &'static [(&'static str, &'static str)],
    /// How deep a module is looked for a circle: each file, or a folder as a whole.
    by_file: bool,
}

const CORE: House = House {
    sources: "component/policy/src",
    floors: &[
        "text",
        "time",
        "verdict",
        "rules",
        "http",
        "jose",
        "keys",
        "audit",
        "access",
        "protocol",
        "metadata",
        "config",
        "exchange policy",
        "edition",
    ],
    circles: &[],
    by_file: true,
};

const GATEWAY: House = House {
    sources: "host-harness/gateway/src",
    floors: &[
        // The component, its contract, and what goes wrong with it.
        "contract evaluator error engine clock",
        "tls upstream settings verifier reuse",
        // Messages, and the way they take.
        "pace paced streams content hop intake request timings sink",
        // Connections to other servers.
        "upstream_socket link http2_link http2_links upstream_pool no_answer stream_lease answer_body lease outbound fetch",
        // Instances of the component.
        "accounts backoff lost sandbox exchange instance_handle instance_queue instance_task pool pool_keys shared_fetch",
        // One request.
        "answer steps drive",
        // The server.
        "client_tls preface connection descriptors serve readiness gateway",
    ],
    circles: &[
        (
            "exchange instance_handle instance_queue instance_task pool pool_keys shared_fetch",
            "the instances share keys with the fetches that they lead",
        ),
        ("drive steps", "a step is carried out with what drives the exchange"),
    ],
    by_file: false,
};

const CASES: House = House {
    sources: "host-harness/cases/src",
    floors: &[
        "trouble difference short text keys verifier",
        // A case as it is written.
        "form suite mint",
        "edition wire native evaluator",
        // A case as bytes, carried out and judged.
        "scene",
        "endpoint driver",
        "invariants check",
        "report",
    ],
    circles: &[],
    by_file: false,
};

const CLI: House = House {
    sources: "host-harness/cli/src",
    floors: &[
        "edition columns clock moment paint progress once key_file reference client exit",
        "document operation artifact component",
        "rules key_report reason_page check_report merge_report inspect_report stand_in baking",
        "demo explain init replay team",
        "diff",
        "command",
        "main",
    ],
    circles: &[],
    by_file: false,
};

const TENANT: House = House {
    sources: "host-harness/tenant/src",
    floors: &[
        "answer allowance key token request provider timestamp tls cut_body socket",
        "identity user token_response incoming directory users_document",
        "arrivals bearer body control discovery drip_body faults handle keys link link_with mint oauth_error permission \
         read_user refusal request_log respond route serve settings sign_in target tenant unlink update_user",
    ],
    circles: &[
        ("identity user", "a user is the identities that it has, and a linked identity was a user"),
        (
            "arrivals bearer body control discovery drip_body faults handle keys link link_with mint oauth_error permission \
             read_user refusal request_log respond route serve settings sign_in target tenant unlink update_user",
            "each endpoint is given the whole tenant, which starts them",
        ),
    ],
    by_file: false,
};

#[test]
fn every_arrow_of_the_core_points_down() {
    CORE.check();
}

#[test]
fn every_arrow_of_the_gateway_points_down() {
    GATEWAY.check();
}

#[test]
fn every_arrow_of_the_case_runner_points_down() {
    CASES.check();
}

#[test]
fn every_arrow_of_the_command_line_points_down() {
    CLI.check();
}

#[test]
fn every_arrow_of_the_simulated_tenant_points_down() {
    TENANT.check();
}

#[test]
fn an_arrow_up_and_a_circle_are_found() {
    const FLOORS: [&str; 2] = ["ground", "first attic"];
    for (row, first, ground, expected) in [
        ("down", "use crate::ground::A;\nstruct B;", "pub struct A;", ""),
        ("up", "pub struct B;", "use crate::first::B;\npub struct A;", "ground -> first"),
        (
            "up, in a list",
            "pub struct B;",
            "use crate::{first::{self, B}, attic};",
            "ground -> attic, ground -> first",
        ),
        ("up, written out", "pub struct B;", "fn a() -> crate::first::B {}", "ground -> first"),
        (
            "up, through a floor that hands it on",
            "pub use crate::ground::A;",
            "use crate::first::A;\npub struct A;",
            "",
        ),
        (
            "in the tests",
            "pub struct B;",
            "#[cfg(test)]\nmod tests {\n    use crate::first::B;\n}\n",
            "",
        ),
        (
            "in a comment and a text",
            "pub struct B;",
            "// use crate::first::B;\nconst A: &str = \"crate::first::B\";",
            "",
        ),
        ("a circle", "use crate::attic;\npub struct B;", "", "attic first"),
    ] {
        let attic = "use crate::first;\npub struct C(first::B);";
        let files = [("lib", ""), ("ground", ground), ("first", first), ("attic", attic)];
        let attic_needs_first = first.contains("struct B");
        let files = files.into_iter().filter(|(path, _)| attic_needs_first || *path != "attic");
        let modules = Modules::read(files.map(|(path, text)| (path.to_owned(), text.to_owned())));
        let arrows = modules.arrows();
        let found = [up(&arrows, &FLOORS), circles(&arrows)].concat().join(", ");
        assert_eq!(found, expected, "{row}");
    }
}

impl House {
    fn check(&self) {
        let modules = Modules::of(&root().join(self.sources));
        let homeless =
            modules.paths().filter(|path| floor(path, self.floors).is_none()).map(str::to_owned);
        assert_eq!(Vec::from_iter(homeless), NOTHING, "{}: modules without a floor", self.sources);
        let arrows = modules.arrows();
        assert_eq!(up(&arrows, self.floors), NOTHING, "{}: arrows that point up", self.sources);
        let arrows = if self.by_file { arrows } else { arrows.iter().map(whole).collect() };
        let known: BTreeSet<String> =
            self.circles.iter().map(|(modules, _)| (*modules).to_owned()).collect();
        let found = BTreeSet::from_iter(circles(&arrows));
        assert_eq!(found, known, "{}: circles, and those that are known", self.sources);
    }
}

/// The arrows that point up.
fn up(arrows: &BTreeSet<Arrow>, floors: &[&str]) -> Vec<String> {
    let is_up = |(from, to): &&Arrow| floor(from, floors) < floor(to, floors);
    arrows.iter().filter(is_up).map(|(from, to)| format!("{from} -> {to}")).collect()
}

/// The modules that use each other in a circle, those of a circle in a text.
fn circles(arrows: &BTreeSet<Arrow>) -> Vec<String> {
    let mut below: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (from, to) in arrows.iter().filter(|(from, to)| from != to) {
        below.entry(from).or_default().push(to);
    }
    let reached: BTreeMap<&str, BTreeSet<&str>> =
        below.keys().map(|module| (*module, reached(&below, module))).collect();
    let reaches =
        |from: &str, to: &str| reached.get(from).is_some_and(|reached| reached.contains(to));
    let circle = |module: &&str| -> Vec<&str> {
        reached
            .keys()
            .copied()
            .filter(|other| reaches(module, other) && reaches(other, module))
            .collect()
    };
    let found: BTreeSet<String> = reached
        .keys()
        .map(circle)
        .filter(|circle| !circle.is_empty())
        .map(|circle| circle.join(" "))
        .collect();
    found.into_iter().collect()
}

/// All modules that a module uses, and that those use.
fn reached<'a>(below: &BTreeMap<&'a str, Vec<&'a str>>, from: &str) -> BTreeSet<&'a str> {
    let mut next: Vec<&str> = below.get(from).into_iter().flatten().copied().collect();
    let mut seen = BTreeSet::new();
    while let Some(at) = next.pop() {
        if seen.insert(at) {
            next.extend(below.get(at).into_iter().flatten());
        }
    }
    seen
}

/// The floor of a module.
fn floor(path: &str, floors: &[&str]) -> Option<usize> {
    floors
        .iter()
        .position(|modules| modules.split_whitespace().any(|module| is_below(path, module)))
}

/// The arrow between the folders of two modules.
fn whole((from, to): &Arrow) -> Arrow {
    let folder = |path: &String| path.split("::").next().unwrap_or_default().to_owned();
    (folder(from), folder(to))
}
