//! The provider, a process of node's.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use linkgate_cases::{Request, Trouble};
use linkgate_tests::hosts::{Process, exchange};
use linkgate_tests::{npm, optional};
use serde_json::Value;

/// Longest wait for its start: it makes keys, and the machine may be busy.
const START_WITHIN: Duration = Duration::from_mins(1);

/// A provider that listens. Dropped, it is ended.
pub(crate) struct Provider {
    /// Its issuer, exactly.
    pub(crate) issuer: String,
    address: SocketAddr,
    _process: Process,
}

/// What a sign-in gives the app.
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) id: String,
}

impl Provider {
    /// Fetches it by npm if need be, and starts it. Where it cannot be had: nothing, said aloud.
    pub(crate) fn start() -> Option<Self> {
        optional::unless_missing("issuers    oidc-provider", Self::begin())
    }

    fn begin() -> Result<Self, Trouble> {
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../issuers/oidc-provider");
        let folder = npm::installed(&sources)?;
        let mut process =
            Process::start(Command::new("node").arg("server.mjs").current_dir(folder))?;
        let issuer = process.line(START_WITHIN, |line| {
            let line: Value = serde_json::from_str(line).ok()?;
            Some(line["issuer"].as_str()?.to_owned())
        });
        let said = || Trouble::new(format!("it does not serve. It said:\n{}", process.said()));
        let issuer = issuer.ok_or_else(said)?;
        let address = issuer.trim_start_matches("http://").parse().expect("an address");
        Ok(Self { issuer, address, _process: process })
    }

    /// Signs somebody in to an app whose tokens are signed like that.
    pub(crate) fn sign_in(&self, account: &str, app: &str, algorithm: &str) -> Tokens {
        let account = account.replace('|', "%7C");
        let query = format!("account={account}&client={app}&algorithm={algorithm}");
        let tokens = self.control("sign-in", &query);
        let text = |name: &str| tokens[name].as_str().expect("a token").to_owned();
        Tokens { access: text("access_token"), id: text("id_token") }
    }

    /// Makes it sign with other keys from now on.
    pub(crate) fn rotate(&self, overlap: bool) {
        self.control("rotate", &format!("overlap={overlap}"));
    }

    fn control(&self, what: &str, query: &str) -> Value {
        let request = Request {
            method: "GET".to_owned(),
            target: format!("/test/{what}?{query}").into_bytes(),
            headers: Vec::new(),
            body: Vec::new(),
            body_breaks_off: false,
        };
        let answer = exchange(self.address, &request).expect("an answer");
        let body = String::from_utf8_lossy(&answer.body).into_owned();
        assert_eq!(answer.status, 200, "{what}: {body}");
        serde_json::from_str(&body).expect("JSON")
    }
}
