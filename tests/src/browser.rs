//! A real browser, and the certificate of the gate that its pages call.

use std::fs;
use std::path::{Path, PathBuf};

use linkgate_cases::Trouble;

/// The browser that the system has, or the one that `LINKGATE_CHROMIUM` names.
///
/// # Errors
/// There is none.
pub fn chromium() -> Result<PathBuf, Trouble> {
    let asked = std::env::var_os("LINKGATE_CHROMIUM").map(PathBuf::from);
    let usual = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
    let mut candidates = asked.into_iter().chain(usual.map(PathBuf::from));
    let found = candidates.find(|path| path.is_file());
    found.ok_or_else(|| Trouble::new("there is no chromium: apt-get install chromium".to_owned()))
}

/// Files with a certificate for localhost, and its key. Clients trust it by name, or look away.
///
/// # Panics
/// The folder cannot be written to.
#[must_use]
#[expect(clippy::expect_used, reason = "a suite without a certificate cannot run")]
pub fn certificate(folder: &Path) -> (PathBuf, PathBuf) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a pair");
    let (certificate, key) = (folder.join("certificate.pem"), folder.join("key.pem"));
    fs::write(&certificate, made.cert.pem()).expect("a file");
    fs::write(&key, made.signing_key.serialize_pem()).expect("a file");
    (certificate, key)
}
