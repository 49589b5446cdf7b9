//! Real pages in a real browser: each library that signs people in, then links, unlinks and is refused, through the gate.
//!
//! The pages and what drives them are in `tests/browser`. The libraries come by npm, pinned by a lock file. Where chromium, node or
//! npm is missing the suite says that it did not run; it fails if skips are forbidden.
#![cfg(test)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use linkgate_cases::Trouble;
use linkgate_tests::optional::{aloud, done, said, unless_missing};
use linkgate_tests::{component, npm};
use serde_json::json;

#[test]
fn people_link_their_accounts_with_each_library() {
    let Some((chromium, home)) = unless_missing("browser suite", needed()) else { return };
    let (certificate, key) = pair(&home);
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
    let run = node.arg(home.join("run.mjs")).env("LINKGATE_BROWSER", input.to_string());
    let output = run.output().expect("node starts");
    aloud(&String::from_utf8_lossy(&output.stdout));
    assert!(output.status.success(), "not every cell is `ok`:\n{}", said(&output));
}

/// A browser, and the folder of the suite's files with what npm brings; a script for a page is made of each library.
fn needed() -> Result<(PathBuf, PathBuf), Trouble> {
    let chromium = chromium()?;
    let home = npm::installed(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../browser"))?;
    let mut bundle = Command::new("node");
    done(bundle.arg(home.join("bundle.mjs")).arg(&home).arg(libraries(&home)))?;
    Ok((chromium, home))
}

fn libraries(home: &Path) -> PathBuf {
    home.join("libraries")
}

/// The browser that the system has.
fn chromium() -> Result<PathBuf, Trouble> {
    let asked = std::env::var_os("LINKGATE_CHROMIUM").map(PathBuf::from);
    let usual = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
    let mut candidates = asked.into_iter().chain(usual.map(PathBuf::from));
    let found = candidates.find(|path| path.is_file());
    found.ok_or_else(|| Trouble::new("there is no chromium: apt-get install chromium".to_owned()))
}

/// A certificate for localhost that nothing trusts: this browser is started so that it ignores that.
fn pair(home: &Path) -> (PathBuf, PathBuf) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a pair");
    let (certificate, key) = (home.join("certificate.pem"), home.join("key.pem"));
    fs::write(&certificate, made.cert.pem()).expect("a file");
    fs::write(&key, made.signing_key.serialize_pem()).expect("a file");
    (certificate, key)
}
