//! What is fetched once and kept in the target folder.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use linkgate_cases::Trouble;

use crate::target_dir;

/// Where something is kept that depends on what a file pins: a change of the file is another place.
///
/// # Errors
/// The file cannot be read.
pub fn place(kind: &str, name: &str, pins: &Path) -> Result<PathBuf, Trouble> {
    let io = |error: std::io::Error| Trouble::new(error.to_string()).at(pins.display());
    let mut hasher = DefaultHasher::new();
    fs::read(pins).map_err(io)?.hash(&mut hasher);
    Ok(target_dir().join(kind).join(format!("{name}-{:016x}", hasher.finish())))
}

/// Tests of one process fetch one after another: what one brings, the next one need not.
static FETCHING: Mutex<()> = Mutex::new(());

/// Fills a folder that is not there yet. It is put in its place whole or not at all: a run that ends in between leaves nothing
/// that the next one takes for whole.
///
/// # Errors
/// It cannot be filled; with why.
pub fn whole(home: &Path, fill: impl FnOnce(&Path) -> Result<(), Trouble>) -> Result<(), Trouble> {
    let io = |error: std::io::Error| Trouble::new(error.to_string()).at(home.display());
    let _one = FETCHING.lock().unwrap_or_else(PoisonError::into_inner);
    if home.is_dir() {
        return Ok(());
    }
    let mut partial = home.as_os_str().to_owned();
    partial.push(format!(".partial-{}", std::process::id()));
    let partial = Path::new(&partial);
    fs::create_dir_all(partial).map_err(io)?;
    fill(partial)?;
    match fs::rename(partial, home) {
        // Another suite was faster.
        Err(_) if home.is_dir() => fs::remove_dir_all(partial).map_err(io),
        renamed => renamed.map_err(io),
    }
}
