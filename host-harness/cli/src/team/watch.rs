//! Whether a file of cases, a policy or one of its key files changed, by its time and its length.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use serde_json::Value;

use super::files;
use crate::document::Document;

/// Files as they were at one moment.
#[derive(PartialEq, Eq)]
pub(crate) struct Watched(BTreeMap<PathBuf, Option<(SystemTime, u64)>>);

impl Watched {
    /// The files of cases below these paths, their policies, and the key files of these.
    pub(crate) fn of(paths: &[PathBuf]) -> Self {
        let mut all: Vec<PathBuf> = paths.to_vec();
        for candidate in files::find(paths).unwrap_or_default() {
            if let Some(policy) = beside(&candidate.path, |cases| cases.get("policy")) {
                all.extend(key_files(&policy));
                all.push(policy);
            }
            all.push(candidate.path);
        }
        Self(all.into_iter().map(|path| (path.clone(), stamp(&path))).collect())
    }

    /// Waits until a file is another than it was, or there are more or fewer: true; or until it `is_over`.
    pub(crate) fn changed(self, paths: &[PathBuf], is_over: impl Fn() -> bool) -> bool {
        while Self::of(paths) == self {
            if is_over() {
                return false;
            }
            std::thread::sleep(EVERY);
        }
        true
    }
}

/// Whether standard input has ended. A person at a terminal stops with Ctrl-C; a program that started this one closes the
/// pipe, and in a job of CI there is nothing to wait for.
pub(crate) struct InputEnd(Arc<AtomicBool>);

impl InputEnd {
    pub(crate) fn watched() -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let input = io::stdin();
        if !input.is_terminal() {
            let ended = Arc::clone(&over);
            std::thread::spawn(move || {
                let _ = io::copy(&mut input.lock(), &mut io::sink());
                ended.store(true, Ordering::Relaxed);
            });
        }
        Self(over)
    }

    pub(crate) fn is_over(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Soon enough for a person who saved a file; a folder of a thousand files is read in a few milliseconds.
const EVERY: Duration = Duration::from_millis(250);

fn stamp(path: &Path) -> Option<(SystemTime, u64)> {
    let found = std::fs::metadata(path).ok()?;
    Some((found.modified().ok()?, found.len()))
}

/// The file that a document names, from the document's own folder.
fn beside(path: &Path, name: impl Fn(&Value) -> Option<&Value>) -> Option<PathBuf> {
    let document = Document::open_plain(path).ok()?.value();
    let name = name(&document)?.as_str()?.to_owned();
    Some(path.parent().unwrap_or(Path::new("")).join(name))
}

fn key_files(policy: &Path) -> Vec<PathBuf> {
    let document = Document::open_plain(policy).map(|document| document.value());
    let document = document.unwrap_or_default();
    let issuers = document.get("issuers").and_then(Value::as_array);
    let names = issuers.into_iter().flatten().filter_map(|issuer| issuer.pointer("/keys/file"));
    let folder = policy.parent().unwrap_or(Path::new(""));
    names.filter_map(Value::as_str).map(|name| folder.join(name)).collect()
}
