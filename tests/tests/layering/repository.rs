//! The repository under test: its folders, and cargo's account of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Nothing, as a list of strings to compare with.
pub(crate) const NOTHING: [String; 0] = [];

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    let suites = Path::new(env!("CARGO_MANIFEST_DIR"));
    suites.parent().expect("the suites are in a folder of the repository").to_owned()
}

/// Where cargo builds, by its own account.
pub(crate) fn target() -> PathBuf {
    let metadata = cargo(&["metadata", "--no-deps", "--format-version", "1"]);
    let metadata: serde_json::Value = serde_json::from_str(&metadata).expect("metadata is JSON");
    metadata["target_directory"].as_str().expect("metadata names the target folder").into()
}

/// What a cargo command prints.
pub(crate) fn cargo(arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO"));
    let output = command.args(arguments).current_dir(root()).output().expect("cargo starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo {}:\n{errors}", arguments.join(" "));
    String::from_utf8(output.stdout).expect("cargo prints UTF-8")
}

/// The files below a folder with that ending, in order.
pub(crate) fn files_below(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder);
    let entries = entries.unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut found = Vec::new();
    for path in entries.map(|entry| entry.expect("the folder can be listed").path()) {
        if path.is_dir() {
            found.extend(files_below(&path, ending));
        } else if path.extension().is_some_and(|extension| extension == ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The text of a file.
pub(crate) fn text_of(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}
