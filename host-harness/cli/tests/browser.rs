//! Real pages in a real browser: each library that signs people in, then links, unlinks and is refused, through the gate.
//!
//! The pages and what drives them are in `tests/browser`. The libraries come by npm, pinned by a lock file, into a cache beside what cargo
//! builds. Where chromium, node or npm is missing the suite says that it did not run; it fails if [`FORBID_SKIPS`] is set.
#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::json;

/// The variable that turns a suite that cannot run into a failure. CI sets it.
const FORBID_SKIPS: &str = "LINKGATE_FORBID_SKIPS";

#[test]
fn people_link_their_accounts_with_each_library() {
    let cache = target().join("browser");
    let ready = chromium().and_then(|chromium| {
        fetch(&cache)?;
        bundle(&cache)?;
        Ok(chromium)
    });
    let chromium = match ready {
        Ok(chromium) => chromium,
        Err(why) if std::env::var_os(FORBID_SKIPS).is_some() => panic!("{why}"),
        Err(why) => return aloud(&format!("browser suite    NOT RUN: {why}")),
    };
    let (certificate, key) = pair(&cache);
    let input = json!({
        "cache": cache,
        "chromium": chromium,
        "linkgate": env!("CARGO_BIN_EXE_linkgate"),
        "component": target().join("components/linkgate-evaluator.wasm"),
        "certificate": certificate,
        "key": key,
        "shots": std::env::var("LINKGATE_BROWSER_SHOTS").ok(),
    });
    let mut node = Command::new("node");
    let run = node.arg(suite().join("run.mjs")).env("LINKGATE_BROWSER", input.to_string());
    let output = run.output().expect("node starts");
    aloud(&String::from_utf8_lossy(&output.stdout));
    assert!(output.status.success(), "not every cell is `ok`:\n{}", said(&output));
}

/// Says something on standard error, of a run that went well, too: libtest hides what `println!` says of it.
fn aloud(text: &str) {
    let _ = write!(std::io::stderr().lock(), "\n{text}\n");
}

/// The browser that the system has.
fn chromium() -> Result<PathBuf, String> {
    let asked = std::env::var_os("LINKGATE_CHROMIUM").map(PathBuf::from);
    let usual = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
    let mut candidates = asked.into_iter().chain(usual.map(PathBuf::from));
    candidates
        .find(|path| path.is_file())
        .ok_or_else(|| "there is no chromium: apt-get install chromium".to_owned())
}

/// Gets the libraries, unless those of this very lock file are there.
fn fetch(cache: &Path) -> Result<(), String> {
    let (lock, kept) = (suite().join("package-lock.json"), cache.join("fetched.json"));
    if fs::read(&lock).ok() == fs::read(&kept).ok() && kept.is_file() {
        return Ok(());
    }
    fs::create_dir_all(cache).map_err(|error| error.to_string())?;
    for file in ["package.json", "package-lock.json"] {
        fs::copy(suite().join(file), cache.join(file))
            .map_err(|error| format!("{file}: {error}"))?;
    }
    let quiet = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
    done(Command::new("npm").args(quiet).current_dir(cache))?;
    fs::copy(&lock, &kept).map(drop).map_err(|error| error.to_string())
}

/// Makes a script for a page of each.
fn bundle(cache: &Path) -> Result<(), String> {
    let script = suite().join("bundle.mjs");
    done(Command::new("node").arg(script).arg(cache).arg(cache.join("pages")))
}

/// A certificate for localhost that nothing trusts: this browser is told to ignore that.
fn pair(cache: &Path) -> (PathBuf, PathBuf) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a pair");
    let (certificate, key) = (cache.join("certificate.pem"), cache.join("key.pem"));
    fs::write(&certificate, made.cert.pem()).expect("a file");
    fs::write(&key, made.signing_key.serialize_pem()).expect("a file");
    (certificate, key)
}

fn done(command: &mut Command) -> Result<(), String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{program} ended with {}:\n{}", output.status, said(&output)))
}

fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

fn suite() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/browser")
}

/// Cargo's target directory: the binary is in `<target dir>/<profile>`.
fn target() -> PathBuf {
    let binary = Path::new(env!("CARGO_BIN_EXE_linkgate"));
    binary.ancestors().nth(2).expect("a binary is two levels deep").to_owned()
}
