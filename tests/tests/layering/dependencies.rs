//! Who may depend on whom, by `cargo tree`.

use std::collections::BTreeSet;

use crate::repository::{NOTHING, cargo};

/// Crates that reach a clock, a network, a file system, randomness or a runtime, or that come with
/// what does.
const REACHES_OUT: &str = "
    async-std aws-lc-rs chrono getrandom hyper jiff mio rand reqwest ring rustix smol socket2 time
    tokio ureq waki wasi wasip2 wasip3 wasmtime web-time wit-bindgen";

#[test]
fn the_core_depends_on_nothing_that_reaches_out() {
    let here = tree("linkgate-policy", PRODUCT, &[]);
    assert_eq!(here.reaching_out(), NOTHING, "built for this machine");
}

/// For wasm, jsonwebtoken declares getrandom and calls it nowhere, so what comes with jsonwebtoken
/// is left out here. That the guest draws no randomness shows in the artifact all the same:
/// `component/evaluator/src/wasi.wat` has no answer to `random_get`, and the component is built.
#[test]
fn the_core_in_the_guest_depends_on_nothing_that_reaches_out() {
    let wasm = ["--target", "wasm32-wasip1", "--prune", "jsonwebtoken"];
    assert_eq!(tree("linkgate-policy", PRODUCT, &wasm).reaching_out(), NOTHING);
}

#[test]
fn the_parts_depend_on_each_other_in_one_direction() {
    for (package, allowed) in [
        ("linkgate-signatures", &[][..]),
        ("linkgate-policy", &["linkgate-signatures"]),
        ("linkgate-tenant", &[]),
        ("linkgate-evaluator", &["linkgate-policy", "linkgate-signatures"]),
        ("linkgate-proxy", &["linkgate-policy", "linkgate-signatures"]),
        ("linkgate-middleware", &["linkgate-policy", "linkgate-signatures"]),
        ("linkgate-next-handler", &[]),
        // Natively it is empty.
        ("linkgate-verifier", &[]),
        ("linkgate-profile-api", &[]),
        ("linkgate-envoy", &["linkgate-policy", "linkgate-signatures"]),
        ("xtask", &[]),
    ] {
        let below = tree(package, ALL, &[]);
        assert_eq!(below.ours(), allowed, "{package} may depend on these of ours and no others");
    }
}

/// What its suites use is left out: a suite may compare with the core.
#[test]
fn the_gateway_meets_the_policy_through_the_component_alone() {
    let gateway = tree("linkgate-gateway", PRODUCT, &[]);
    assert!(gateway.0.contains("wasmtime"), "the tree was not read: {:?}", gateway.0);
    assert_eq!(gateway.ours(), NOTHING, "a way to a decision besides the .wasm");
}

/// A suite that plays cases needs no command line.
#[test]
fn the_case_runner_and_its_suites_go_without_the_binary() {
    for package in ["linkgate-cases", "linkgate-tests"] {
        let below = tree(package, ALL, &[]);
        assert!(below.0.contains("linkgate-policy"), "the tree was not read: {:?}", below.0);
        assert!(!below.0.contains("linkgate"), "{package} needs the binary");
    }
}

/// The suites' own hosts may bring another; the binary that is shipped has one.
#[test]
fn the_shipped_binary_has_one_native_crypto_stack() {
    let binary = tree("linkgate", PRODUCT, &[]);
    assert!(binary.0.contains("aws-lc-rs"), "the tree was not read: {:?}", binary.0);
    let others: Vec<&str> = ["native-tls", "openssl-sys", "ring"]
        .into_iter()
        .filter(|name| binary.0.contains(*name))
        .collect();
    assert_eq!(others, NOTHING, "a second stack beside aws-lc-rs");
}

/// What goes into the product.
const PRODUCT: &str = "normal,build";

/// That, and what the suites beside it use.
const ALL: &str = "normal,build,dev";

/// The names of the packages below a package.
struct Tree(BTreeSet<String>);

impl Tree {
    fn ours(&self) -> Vec<&str> {
        self.0.iter().map(String::as_str).filter(|name| name.starts_with("linkgate")).collect()
    }

    fn reaching_out(&self) -> Vec<&str> {
        REACHES_OUT.split_whitespace().filter(|name| self.0.contains(*name)).collect()
    }
}

fn tree(package: &str, edges: &str, more: &[&str]) -> Tree {
    let plain = ["tree", "--offline", "--prefix", "none", "--format", "{p}"];
    let asked = ["--package", package, "--edges", edges];
    let listing = cargo(&[&plain[..], &asked, more].concat());
    let first_words = listing.lines().filter_map(|line| line.split_whitespace().next());
    let mut names: BTreeSet<String> = first_words.map(str::to_owned).collect();
    assert!(names.remove(package), "cargo tree does not list {package} itself:\n{listing}");
    Tree(names)
}
