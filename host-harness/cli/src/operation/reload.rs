//! A changed policy document, taken over while the gateway serves.
//!
//! It is read on SIGHUP, and once a second for another content: that sees every way in which
//! files are replaced, renames and Kubernetes' links among them. A document that does not compile
//! leaves the old policy serving.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use linkgate_gateway::{Reloader, StartError};

use super::{Observer, ShadowNews};
use crate::document::{self, Document};

/// How often the file is read.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What is watched, and what gets the new policy.
pub(crate) struct Watch {
    pub(crate) config: PathBuf,
    /// The document that is being served.
    pub(crate) serving: Arc<Document>,
    pub(crate) secrets: fn() -> Vec<(String, String)>,
    pub(crate) reloader: Arc<Reloader>,
    pub(crate) observer: Observer,
    pub(crate) shadow: ShadowNews,
}

/// Watches for as long as the process lives.
pub(crate) async fn watch(mut watch: Watch) {
    let mut hangup = Hangup::new();
    // What was tried last: a document that does not compile is reported once.
    let mut tried = Ok(Arc::clone(&watch.serving));
    let mut seen = tried.clone();
    loop {
        let asked = tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => false,
            () = hangup.wait() => true,
        };
        if asked {
            watch.observer.log.reopen();
        }
        // An end that came is no change of any file.
        watch.shadow.tell();
        let found = document::read(&watch.config).map(Arc::new);
        let stands = found == seen;
        seen.clone_from(&found);
        match &found {
            Ok(document) if asked || found != tried => {
                let document = Arc::clone(document);
                tried = found;
                watch.take(document).await;
            }
            // A file that is being replaced is gone, or half there, for a moment.
            Err(error) if asked || (stands && found != tried) => {
                watch.refused(error);
                tried = found;
            }
            Ok(_) | Err(_) => {}
        }
    }
}

/// Where there is nothing to watch, SIGHUP has the log's file opened anew, and nothing more.
pub(crate) async fn reopen(observer: Observer) {
    let mut hangup = Hangup::new();
    loop {
        hangup.wait().await;
        observer.log.reopen();
    }
}

impl Watch {
    async fn take(&mut self, document: Arc<Document>) {
        let (reloader, secrets) = (Arc::clone(&self.reloader), (self.secrets)());
        let candidate = document.json().to_owned();
        let taken = tokio::task::spawn_blocking(move || reloader.reload(candidate, secrets)).await;
        match taken {
            Ok(Ok(())) => {
                self.serving = document;
                self.observer.metrics.reloaded(true);
                eprintln!("reloaded {}", self.config.display());
                self.shadow.tell();
            }
            Ok(Err(StartError::Policy(mistakes))) => {
                self.refused(&document.explain(&mistakes));
            }
            Ok(Err(error)) => self.refused(&error.to_string()),
            Err(error) => self.refused(&error.to_string()),
        }
    }

    fn refused(&self, why: &str) {
        self.observer.metrics.reloaded(false);
        eprintln!("linkgate: {why}");
        eprintln!("linkgate: not reloaded, the policy before it is still serving");
    }
}

/// SIGHUP, where there is one.
struct Hangup {
    #[cfg(unix)]
    signal: Option<tokio::signal::unix::Signal>,
}

impl Hangup {
    fn new() -> Self {
        Self {
            #[cfg(unix)]
            signal: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()).ok(),
        }
    }

    async fn wait(&mut self) {
        #[cfg(unix)]
        if let Some(signal) = &mut self.signal
            && signal.recv().await.is_some()
        {
            return;
        }
        std::future::pending::<()>().await;
    }
}
