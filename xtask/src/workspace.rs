//! Where things are, by cargo's own account.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use crate::exit::Failure;
use crate::process;

/// The workspace that xtask was called in.
pub(crate) struct Workspace {
    /// The folder of the workspace's `Cargo.toml`.
    pub(crate) root: PathBuf,
    /// Where cargo builds: `CARGO_TARGET_DIR`, or what its configuration says.
    pub(crate) target: PathBuf,
}

impl Workspace {
    /// Asks `cargo metadata`.
    pub(crate) fn find() -> Result<Self, Failure> {
        let todo = "run this inside a clone of linkgate";
        let mut metadata = Command::new(cargo());
        let metadata = metadata.args(["metadata", "--no-deps", "--format-version", "1"]);
        let parsed: serde_json::Value = serde_json::from_str(&process::capture(metadata, todo)?)
            .map_err(|error| {
                Failure::new(format!("`cargo metadata` did not print JSON: {error}"), todo)
            })?;
        let folder = |key: &str| {
            let found = parsed.get(key).and_then(serde_json::Value::as_str).map(PathBuf::from);
            found.ok_or_else(|| {
                Failure::new(format!("`cargo metadata` does not name `{key}`"), todo)
            })
        };
        Ok(Self { root: folder("workspace_root")?, target: folder("target_directory")? })
    }

    /// A cargo call at the root, into the same target folder wherever xtask was called from. `line`
    /// holds words without spaces.
    pub(crate) fn cargo(&self, line: &str) -> Command {
        let mut command = Command::new(cargo());
        command.current_dir(&self.root).env("CARGO_TARGET_DIR", &self.target);
        command.args(line.split_whitespace());
        command
    }

    /// Where the guests are built, apart from the host's crates: features must not unify.
    pub(crate) fn guests(&self) -> PathBuf {
        self.target.join("guests")
    }

    /// Where the finished components go.
    pub(crate) fn components(&self) -> PathBuf {
        self.target.join("components")
    }
}

/// Cargo's home, where it unpacks the crates.
pub(crate) fn cargo_home() -> Option<PathBuf> {
    let named = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    named.or_else(|| std::env::home_dir().map(|home| home.join(".cargo")))
}

/// The cargo that runs us, so that every call is of one toolchain.
fn cargo() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}
