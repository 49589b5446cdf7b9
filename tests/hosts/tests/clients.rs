//! The SDKs that call the Management API, as they are installed: through the gate and without it, with ids of all kinds, refused
//! and in outages. `docs/clients.md` is the page that this prints.
//!
//! What drives the clients is in `tests/clients`. They come by npm and pip, pinned by `package-lock.json` and `constraints.txt`.
//! Where chromium, node, npm or pip is missing the suite says that it did not run; it fails if skips are forbidden.
//!
//! `LINKGATE_BLESS=1` writes the page anew.
#![cfg(test)]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use linkgate_cases::Trouble;
use linkgate_tests::browser::{certificate, chromium};
use linkgate_tests::optional::{aloud, done, unless_missing};
use linkgate_tests::{component, fetched, npm, pypi};
use serde_json::{Value, json};

/// Versions of `auth0-python`: the last of 4, the last of 5, and the newest.
const PYTHON: [&str; 3] = ["4.13.0", "5.8.0", "6.8.0"];

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/clients.md");

#[test]
fn clients_work_through_the_gate_as_they_do_without_it() {
    let Some(needed) = unless_missing("clients suite", Needed::find()) else { return };
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("clients");
    std::fs::create_dir_all(&folder).expect("a folder");
    let (certificate, key) = certificate(&folder);
    let input = json!({
        "packages": needed.packages,
        "python": needed.python,
        "chromium": needed.chromium,
        "linkgate": env!("CARGO_BIN_EXE_linkgate-gateway-process"),
        "component": component("linkgate-evaluator.wasm"),
        "certificate": certificate,
        "key": key,
    });
    let mut node = Command::new("node");
    let run = node.arg(sources().join("run.mjs")).env("LINKGATE_CLIENTS", input.to_string());
    let output = run.stdin(Stdio::null()).output().expect("node starts");
    let seen = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    aloud(&seen);
    assert!(output.status.success(), "{errors}");
    if std::env::var_os("LINKGATE_BLESS").is_some() {
        std::fs::write(PAGE, &seen).expect("the page is written");
    }
    let written = std::fs::read_to_string(PAGE).unwrap_or_default();
    assert!(
        written == seen,
        "docs/clients.md is stale, `LINKGATE_BLESS=1` writes it anew. {}",
        difference(&written, &seen)
    );
}

/// The first line that differs.
fn difference(written: &str, seen: &str) -> String {
    let mut pairs = written.lines().chain([""]).zip(seen.lines().chain([""]));
    let pair = pairs.find(|(one, other)| one != other).unwrap_or_default();
    format!("It has:\n{}\nand this was seen:\n{}", pair.0, pair.1)
}

/// What the system has and the registries bring.
struct Needed {
    chromium: PathBuf,
    packages: PathBuf,
    python: Vec<Value>,
}

impl Needed {
    fn find() -> Result<Self, Trouble> {
        let chromium = chromium()?;
        done(Command::new("node").arg("--version"))?;
        let packages = npm::installed(&sources())?;
        let python = PYTHON.into_iter().map(python).collect::<Result<_, _>>()?;
        Ok(Self { chromium, packages, python })
    }
}

/// A version of Python's client, in a folder of its own.
fn python(version: &str) -> Result<Value, Trouble> {
    let constraints = sources().join("constraints.txt");
    let folder = fetched::place("pypi", &format!("auth0-python-{version}"), &constraints)?;
    pypi::installed(&format!("auth0-python=={version}"), Some(&constraints), &folder)?;
    Ok(json!({ "version": version, "folder": folder }))
}

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../clients")
}
