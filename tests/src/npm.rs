//! Packages from npm, as a folder beside this one pins them with `package.json` and `package-lock.json`.
//!
//! They are fetched once into the target folder, by npm as it is set up here, and run no scripts of their own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use linkgate_cases::Trouble;

use crate::fetched;
use crate::optional::done;

/// Tests of one process copy one after another: none runs a file that another one is writing.
static COPYING: Mutex<()> = Mutex::new(());

/// Copies the files of `sources` beside their packages, which are fetched if they are not there. Returns the folder.
///
/// # Errors
/// There is no npm, or it does not bring them; with why.
pub fn installed(sources: &Path) -> Result<PathBuf, Trouble> {
    let io = |error: std::io::Error| Trouble::new(error.to_string()).at(sources.display());
    let _one = COPYING.lock().unwrap_or_else(PoisonError::into_inner);
    let name = sources.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let home = fetched::place("npm", &name, &sources.join("package-lock.json"))?;
    fetched::whole(&home, |partial| {
        copy(sources, partial).map_err(io)?;
        let mut npm = Command::new("npm");
        npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(partial);
        done(&mut npm)
    })?;
    copy(sources, &home).map_err(io)?;
    Ok(home)
}

/// Copies the files of a folder, and of folders in it, over what is there. One that is the same stays: another suite may be
/// reading it.
fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type()?.is_file() {
            let wanted = fs::read(&from)?;
            if fs::read(&to).ok().as_ref() != Some(&wanted) {
                fs::write(&to, wanted)?;
            }
        } else if entry.file_name() != "node_modules" {
            fs::create_dir_all(&to)?;
            copy(&from, &to)?;
        }
    }
    Ok(())
}
