//! The certificate and key that clients are served with, taken over again when their files change.
//!
//! The files are read once a second, which sees every way in which files are replaced. A pair that cannot be used leaves the
//! one before it serving, and is reported once it has stayed the same for a second: of two files, one is replaced first.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use linkgate_gateway::{ClientTls, TlsPair};

/// How often the files are read.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Where certificate and key are.
#[derive(Clone)]
pub(crate) struct TlsFiles {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

impl TlsFiles {
    /// What the files hold.
    ///
    /// # Errors
    ///
    /// One cannot be read; with which, and why.
    pub(crate) fn read(&self) -> Result<TlsPair, String> {
        let read = |path: &PathBuf| {
            std::fs::read(path)
                .map_err(|error| format!("cannot read `{}`: {error}", path.display()))
        };
        Ok(TlsPair { certificate: read(&self.certificate)?, key: read(&self.key)? })
    }

    /// What is wrong with the pair, with its files.
    pub(crate) fn named(&self, why: &str) -> String {
        format!("`{}` with `{}`: {why}", self.certificate.display(), self.key.display())
    }
}

/// Watches for as long as the process lives. `serving` is the pair in use.
pub(crate) async fn watch(files: TlsFiles, serving: TlsPair, tls: Arc<ClientTls>) {
    let mut seen = Ok(serving);
    let mut reported = None;
    let mut tried = seen.clone();
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let found = files.read();
        let stayed = found == seen;
        seen.clone_from(&found);
        if found == tried {
            continue;
        }
        let replaced = found
            .clone()
            .and_then(|pair| tls.replace(&pair).map_err(|error| files.named(&error.to_string())));
        match replaced {
            Ok(()) => {
                eprintln!("reloaded {}", files.certificate.display());
                reported = None;
            }
            Err(_) if !stayed => continue,
            Err(why) if reported.as_ref() != Some(&why) => {
                eprintln!("linkgate: {why}");
                eprintln!("linkgate: not reloaded, the certificate before it is still serving");
                reported = Some(why);
            }
            Err(_) => {}
        }
        tried = found;
    }
}
