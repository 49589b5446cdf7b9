//! Packages from PyPI, fetched once into the target folder by pip as it is set up here.

use std::path::Path;
use std::process::Command;

use linkgate_cases::Trouble;

use crate::fetched;
use crate::optional::done;

/// Installs a package, such as `auth0-python==6.8.0`, into a folder that is for it alone, if it is not there. `PYTHONPATH` names
/// the folder to those who want it. What it depends on has the versions of a constraints file; without one it stays out.
///
/// # Errors
/// There is no pip, or it does not bring it; with why.
pub fn installed(package: &str, constraints: Option<&Path>, home: &Path) -> Result<(), Trouble> {
    fetched::whole(home, |partial| {
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "install", "--quiet", "--no-compile", package, "--target"]);
        pip.arg(partial);
        match constraints {
            Some(file) => pip.arg("--constraint").arg(file),
            None => pip.arg("--no-deps"),
        };
        done(&mut pip)
    })
}
