//! `linkgate bake` and `linkgate inspect` as their users run them: what is refused and in which words, what is
//! shown, exit codes. What a baked component decides is shown on its hosts (`tests/hosts/tests/baked`).
#![cfg(test)]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};

use linkgate_policy::edition::slot::{MARKER, SLOT_BYTES};
use linkgate_policy::edition::{Baked, BakedKeys, BakedSet};
use sha2::{Digest as _, Sha256};

/// Exit code, standard output and standard error, in the folder `bake/`.
fn linkgate(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_linkgate"))
        .current_dir(folder())
        .env_remove("LINKGATE_SECRET_SESSION")
        .args(arguments)
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bake")
}

/// A file of `bake/`; with `LINKGATE_BLESS=1` it is written anew instead.
#[track_caller]
fn is_as_in(file: &str, found: &str) {
    let path = folder().join(file);
    if std::env::var_os("LINKGATE_BLESS").is_some() {
        std::fs::write(&path, found).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(found, expected, "{file}: is it better? LINKGATE_BLESS=1 writes it anew");
}

/// The version of every edition that this `linkgate` bakes into.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What was shown of a file, without what differs from run to run and from version to version.
fn of_any(output: &str, file: &Scratch) -> String {
    let digest = Sha256::digest(std::fs::read(&file.0).unwrap());
    let hex = digest.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    });
    assert!(output.contains(&hex), "its digest is not {hex}:\n{output}");
    output.replace(file.path(), "OUT.wasm").replace(&hex, "DIGEST").replace(VERSION, "VERSION")
}

/// A file that is gone when the test ends.
struct Scratch(PathBuf);

impl Scratch {
    /// A name of its own.
    fn new(name: &str) -> Self {
        static MADE: AtomicU64 = AtomicU64::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        Self(folder.join(format!("bake-{}-{number}-{name}", std::process::id())))
    }

    fn with(name: &str, bytes: &[u8]) -> Self {
        let file = Self::new(name);
        std::fs::write(&file.0, bytes).unwrap();
        file
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// A custom section: id 0, its size, its name, and what it holds.
fn section(name: &str, holds: &[u8]) -> Vec<u8> {
    let mut size = 1 + name.len() + holds.len();
    let mut bytes = vec![0];
    while size >= 128 {
        bytes.push(u8::try_from(size % 128).unwrap() | 128);
        size /= 128;
    }
    bytes.push(u8::try_from(size).unwrap());
    bytes.push(u8::try_from(name.len()).unwrap());
    bytes.extend(name.as_bytes());
    bytes.extend(holds);
    bytes
}

/// A component that imports a resource type named `a`, has a place for a policy and calls itself an edition:
/// the same bytes on every machine, as a built one's are not.
fn component(edition: &str, version: &str) -> Vec<u8> {
    let world =
        if edition == "proxy" { "wasi:http/proxy@0.2" } else { "wasi:http/middleware@0.3.0" };
    let label = format!(r#"{{"edition":"{edition}","version":"{version}","world":"{world}"}}"#);
    let slot = [&MARKER[..], &vec![0; SLOT_BYTES - MARKER.len()]].concat();
    let importing = b"\0asm\x0d\0\x01\0\x0a\x06\x01\0\x01a\x03\x01";
    [&importing[..], &section("data", &slot), &section("linkgate", label.as_bytes())].concat()
}

/// Bakes into such a component of the proxy edition.
fn bake(policy: &str, more: &[&str]) -> (Scratch, (Option<i32>, String, String)) {
    let own = Scratch::with("proxy.wasm", &component("proxy", VERSION));
    let out = Scratch::new("out.wasm");
    let arguments = ["bake", "--config", policy, "--component", own.path(), "-o", out.path()];
    let ended = linkgate(&[&arguments, more].concat());
    (out, ended)
}

#[test]
fn what_needs_a_secret_or_is_mistaken_is_told_in_its_line() {
    for policy in ["secrets", "mistaken", "undo"] {
        let (out, (code, output, complaints)) = bake(&format!("{policy}.yaml"), &[]);
        assert_eq!((code, output.as_str()), (Some(2), ""), "{policy}");
        assert!(!out.0.exists(), "{policy}: a file was written");
        is_as_in(&format!("{policy}.txt"), &complaints);
    }
}

#[test]
fn what_was_made_is_shown() {
    let (out, (code, output, complaints)) =
        bake("inline.yaml", &["--upstream", "https://api.example"]);
    assert_eq!((code, complaints.as_str()), (Some(0), ""), "{output}");
    is_as_in("inline.txt", &of_any(&output, &out));
    let (code, again, _) = linkgate(&["inspect", out.path()]);
    assert_eq!((code, again), (Some(0), output), "`bake` shows what `inspect` shows");
    let (code, output, _) = linkgate(&["inspect", "--format", "json", out.path()]);
    assert_eq!(code, Some(0));
    is_as_in("inline.json", &of_any(&output, &out));
    let (_, (code, json, _)) = bake("inline.yaml", &["--format", "json"]);
    assert_eq!(code, Some(0));
    assert!(json.starts_with(r#"{"schema":"linkgate.inspect/1""#), "{json}");
}

#[test]
fn the_same_policy_makes_the_same_bytes() {
    let (one, _) = bake("inline.yaml", &[]);
    let (other, _) = bake("inline.yaml", &[]);
    let read = |file: &Scratch| std::fs::read(&file.0).unwrap();
    assert_eq!(read(&one), read(&other));
    let own = component("proxy", VERSION);
    assert_eq!(read(&one).len(), own.len(), "nothing in the file has moved");
    assert_ne!(read(&one), own);
}

#[test]
fn keys_that_stand_in_the_policy_are_told_to_have_no_end() {
    let (_out, (code, _, complaints)) = bake("inline.yaml", &["--keys"]);
    assert_eq!(code, Some(0), "{complaints}");
    assert!(complaints.contains("none were fetched, and they have no end date"), "{complaints}");
}

/// A policy with keys that ended long ago.
fn ended() -> Vec<u8> {
    let jwks = std::fs::read_to_string(folder().join("inline-keys.json")).unwrap();
    let set = BakedSet {
        issuer: "https://tenant.example/".to_owned(),
        jwks: serde_json::value::RawValue::from_string(jwks.trim().to_owned()).unwrap(),
    };
    let keys = BakedKeys { until_unix_ms: 1_764_081_005_000, sets: vec![set] };
    let policy = r#"{"version":1,"issuers":[{"issuer":"https://tenant.example/","audiences":["a"],"algorithms":["EdDSA"],"secondary":{"algorithms":["EdDSA"]}}]}"#;
    let baked = Baked::new(policy, Some(keys), None).unwrap();
    let filled = linkgate_policy::edition::slot::filled(baked.text().as_bytes()).unwrap();
    let mut bytes = component("middleware", VERSION);
    let at = bytes.windows(32).position(|found| found == MARKER).unwrap();
    bytes[at..at + SLOT_BYTES].copy_from_slice(&filled);
    bytes
}

#[test]
fn keys_past_their_end_are_told_and_end_with_1() {
    let file = Scratch::with("ended.wasm", &ended());
    let (code, output, _) = linkgate(&["inspect", file.path()]);
    assert_eq!(code, Some(1));
    is_as_in("ended.txt", &of_any(&output, &file));
    let (code, output, _) = linkgate(&["inspect", "--format", "json", file.path()]);
    assert_eq!(code, Some(1));
    is_as_in("ended.json", &of_any(&output, &file));
}

#[test]
fn what_is_damaged_is_told_and_ends_with_1() {
    let mut bytes = ended();
    let at = bytes.windows(32).position(|found| found == MARKER).unwrap();
    bytes[at + 100] ^= 1;
    let file = Scratch::with("damaged.wasm", &bytes);
    let (code, output, _) = linkgate(&["inspect", file.path()]);
    assert_eq!(code, Some(1));
    assert!(output.contains("found it damaged: its digest differs"), "{output}");
    let (code, output, _) = linkgate(&["inspect", "--format", "json", file.path()]);
    let output: serde_json::Value = serde_json::from_str(&output).unwrap();
    assert_eq!((code, &output["well"], &output["baked"]), (Some(1), &false.into(), &().into()));
}

#[test]
fn other_files_are_looked_at_too() {
    let module = b"\0asm\x01\0\0\0";
    for (row, bytes, code, expected) in [
        ("a module", &module[..], 0, "  kind      module\n"),
        ("a component", &component("proxy", VERSION), 0, "none baked in: it is configured"),
        ("text", b"version: 1\n", 2, ""),
        ("cut off", &component("proxy", VERSION)[..500], 2, ""),
    ] {
        let file = Scratch::with("other.wasm", bytes);
        let (ended, output, complaints) = linkgate(&["inspect", file.path()]);
        assert_eq!(ended, Some(code), "{row}: {output}{complaints}");
        assert!(output.contains(expected), "{row}: {output}");
        assert_eq!(
            code == 2,
            complaints.contains("expected a WebAssembly file"),
            "{row}: {complaints}"
        );
    }
    let (code, output, complaints) = linkgate(&["inspect", "nowhere.wasm"]);
    assert_eq!((code, output.as_str()), (Some(2), ""));
    assert!(complaints.contains("`nowhere.wasm`: cannot read it"), "{complaints}");
}

#[test]
fn a_component_that_cannot_be_meant_is_refused() {
    let baked = ended();
    for (row, bytes, more, expected) in [
        (
            "another edition",
            component("middleware", VERSION),
            &["--edition", "proxy"][..],
            "expected the edition `proxy`, found `middleware`",
        ),
        (
            "an unknown one",
            component("other", VERSION),
            &[],
            "expected the edition `evaluator`, found `other`",
        ),
        (
            "another version",
            component("proxy", "0.0.9"),
            &[],
            "of the proxy edition, as this linkgate is, found 0.0.9",
        ),
        ("baked before", baked, &[], "expected a component without a policy, found one baked in"),
        (
            "no edition",
            b"\0asm\x0d\0\x01\0".to_vec(),
            &[],
            "its custom section `linkgate` is missing",
        ),
        ("no component", b"{}".to_vec(), &[], "expected a WebAssembly file, found something else"),
        (
            "an upstream that its host knows",
            component("middleware", VERSION),
            &["--upstream", "https://api.example"],
            "expected no `--upstream` for the middleware edition",
        ),
    ] {
        let file = Scratch::with("wrong.wasm", &bytes);
        let out = Scratch::new("none.wasm");
        let arguments =
            ["bake", "--config", "inline.yaml", "--component", file.path(), "-o", out.path()];
        let (code, output, complaints) = linkgate(&[&arguments, more].concat());
        assert_eq!((code, output.as_str()), (Some(2), ""), "{row}: {complaints}");
        assert!(complaints.contains(expected), "{row}: {complaints}");
        assert!(!out.0.exists(), "{row}: a file was written");
    }
}

#[test]
fn a_policy_that_is_too_large_is_refused() {
    let origins: Vec<String> = (0..4000).map(|n| format!("\"https://app-{n}.example\"")).collect();
    let text = std::fs::read_to_string(folder().join("inline.yaml")).unwrap();
    let keys = folder().join("inline-keys.json");
    let text = text
        .replace("inline-keys.json", keys.to_str().unwrap())
        .replace("[\"https://app.acme.test\"]", &format!("[{}]", origins.join(", ")));
    let policy = Scratch::with("large.yaml", text.as_bytes());
    let (_, (code, _, complaints)) = bake(policy.path(), &[]);
    assert_eq!(code, Some(2));
    assert!(complaints.contains("expected policy and keys of at most 65468 bytes"), "{complaints}");
}

#[test]
fn a_file_that_cannot_be_written_ends_with_1() {
    let own = Scratch::with("proxy.wasm", &component("proxy", VERSION));
    let arguments =
        ["bake", "--config", "inline.yaml", "--component", own.path(), "-o", "nowhere/out.wasm"];
    let (code, output, complaints) = linkgate(&arguments);
    assert_eq!((code, output.as_str()), (Some(1), ""));
    assert!(complaints.contains("cannot write `nowhere/out.wasm`"), "{complaints}");
}

/// What is read is not written over, and a device is no file.
#[test]
fn what_it_reads_or_is_no_file_is_not_written() {
    let policy = Scratch::new("own-policy");
    std::fs::copy(folder().join("inline.yaml"), &policy.0).unwrap();
    let before = std::fs::read(&policy.0).unwrap();
    for (output, expected) in [
        (policy.path(), "expected another file to write than what is read"),
        ("/dev/null", "is none"),
        (".", "is none"),
        ("-", "expected a file to write, found `-`"),
    ] {
        let (code, _, complaints) = linkgate(&["bake", "--config", policy.path(), "-o", output]);
        assert_eq!(code, Some(2), "{output}: {complaints}");
        assert!(complaints.contains(expected), "{output}: {complaints}");
    }
    assert_eq!(std::fs::read(&policy.0).unwrap(), before);
}
