//! Which files hold cases: those that were named, and those below folders that were.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A file that may hold cases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub(crate) path: PathBuf,
    /// It was met in a folder, where policies may lie, too.
    pub(crate) met: bool,
}

/// The files, in the order of their names, each once. In folders, YAML counts, and JSON that has keys of ours; hidden files
/// and folders do not.
pub(crate) fn find(paths: &[PathBuf]) -> Result<Vec<Candidate>, String> {
    let mut found = Vec::new();
    for path in paths {
        if path.is_dir() {
            walk(path, 0, &mut |path| {
                if may_be_ours(&path) {
                    found.push(Candidate { path, met: true });
                }
            })?;
        } else {
            found.push(Candidate { path: path.clone(), met: false });
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    let mut seen = BTreeSet::new();
    found.retain(|candidate| seen.insert(same(&candidate.path)));
    Ok(found)
}

/// JSON in folders that begins like a policy, with a number as its `version`, and has none of its other keys: they may be
/// misspelt.
pub(crate) fn left_out(paths: &[PathBuf]) -> Result<Vec<PathBuf>, String> {
    let mut found = Vec::new();
    for path in paths.iter().filter(|path| path.is_dir()) {
        walk(path, 0, &mut |path| {
            if !may_be_ours(&path) && is_json(&path) && has_version(&path) {
                found.push(path);
            }
        })?;
    }
    found.sort();
    Ok(found)
}

fn has_version(path: &Path) -> bool {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let value: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    value.get("version").is_some_and(serde_json::Value::is_number)
}

/// One name for a file, however it is written. A file that is not there has the one that it was given.
pub(super) fn same(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// Folders in folders. More is a link that goes in circles.
const DEEPEST: usize = 32;

fn walk(folder: &Path, depth: usize, file: &mut impl FnMut(PathBuf)) -> Result<(), String> {
    let unreadable = |error: std::io::Error| format!("cannot read `{}`: {error}", folder.display());
    if depth > DEEPEST {
        return Err(format!(
            "expected at most {DEEPEST} folders in each other, found more: `{}`",
            folder.display()
        ));
    }
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let path = named(folder, &entry.file_name());
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        if path.is_dir() {
            walk(&path, depth + 1, file)?;
        } else {
            file(path);
        }
    }
    Ok(())
}

/// YAML, and JSON that has the keys of a policy or of a file of cases: other JSON lies in most folders.
fn may_be_ours(path: &Path) -> bool {
    let ending = path.extension().unwrap_or_default().to_ascii_lowercase();
    if ending == "yaml" || ending == "yml" {
        return true;
    }
    if !is_json(path) {
        return false;
    }
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let has = |key: &str| text.contains(&format!("\"{key}\""));
    has("issuers") || has("audiences") || (has("cases") && has("policy"))
}

/// Whether it is JSON that is looked into.
fn is_json(path: &Path) -> bool {
    let ending = path.extension().unwrap_or_default().to_ascii_lowercase();
    ending == "json" && path.metadata().is_ok_and(|file| file.len() <= LONGEST_JSON)
}

/// Bytes of a JSON file that is looked into: far more than a policy has. Raised, a folder with dumps is read for long.
const LONGEST_JSON: u64 = 4 << 20;

/// Without the dot of `linkgate test .`, so that a place reads as people write it.
fn named(folder: &Path, name: &std::ffi::OsStr) -> PathBuf {
    if folder == Path::new(".") { PathBuf::from(name) } else { folder.join(name) }
}
