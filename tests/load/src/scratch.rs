//! A folder for the files of one run.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::Attempt;

/// A folder of this run's own, gone with it.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> Attempt<Self> {
        static RUNS: AtomicUsize = AtomicUsize::new(0);
        let run = RUNS.fetch_add(1, Ordering::Relaxed);
        let folder =
            std::env::temp_dir().join(format!("linkgate-load-{}-{run}", std::process::id()));
        std::fs::create_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        Ok(Self(folder))
    }

    /// The path of a file that no other file of the run has.
    pub(crate) fn new_path(&self, kind: &str) -> PathBuf {
        static FILES: AtomicUsize = AtomicUsize::new(0);
        self.path(&format!("{}.{kind}", FILES.fetch_add(1, Ordering::Relaxed)))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Writes a file whole or not at all: a process that reads it meanwhile sees the old one or the new one.
    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) -> Attempt<PathBuf> {
        let (file, partial) = (self.path(name), self.path(&format!("{name}.partial")));
        std::fs::write(&partial, text)
            .and_then(|()| std::fs::rename(&partial, &file))
            .map_err(|error| format!("{}: {error}", file.display()))?;
        Ok(file)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all::<&Path>(&self.0);
    }
}
