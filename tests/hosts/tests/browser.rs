//! Real pages in a real browser: each library that signs people in, then links, unlinks and is refused, through the gate.
//!
//! The pages and what drives them are in `tests/browser`. The libraries come by npm, pinned by a lock file. Where chromium, node or
//! npm is missing the suite says that it did not run; it fails if skips are forbidden.
#![cfg(test)]

use std::path::{Path, PathBuf};
use std::process::Command;

use linkgate_cases::Trouble;
use linkgate_tests::browser::{certificate, chromium};
use linkgate_tests::optional::{aloud, done, said, unless_missing};
use linkgate_tests::{component, npm};
use serde_json::json;

#[test]
fn people_link_their_accounts_with_each_library() {
    let Some((chromium, home)) = unless_missing("browser suite", needed()) else { return };
    let (certificate, key) = certificate(&home);
    let input = json!({
        "cache": home,
        "libraries": libraries(&home),
        "chromium": chromium,
        "linkgate": env!("CARGO_BIN_EXE_linkgate-gateway-process"),
        "component": component("linkgate-evaluator.wasm"),
        "certificate": certificate,
        "key": key,
        "shots": std::env::var("LINKGATE_BROWSER_SHOTS").ok(),
    });
    let mut node = Command::new("node");
    let run = node.arg(sources().join("run.mjs")).env("LINKGATE_BROWSER", input.to_string());
    let output = run.output().expect("node starts");
    aloud(&String::from_utf8_lossy(&output.stdout));
    assert!(output.status.success(), "not every cell is `ok`:\n{}", said(&output));
}

/// A browser, and the folder with what npm brings; a script for a page is made of each library.
fn needed() -> Result<(PathBuf, PathBuf), Trouble> {
    let chromium = chromium()?;
    let home = npm::installed(&sources())?;
    let mut bundle = Command::new("node");
    done(bundle.arg(sources().join("bundle.mjs")).arg(&home).arg(libraries(&home)))?;
    Ok((chromium, home))
}

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../browser")
}

fn libraries(home: &Path) -> PathBuf {
    home.join("libraries")
}
