//! The simulated tenant on both sides of the gate: it publishes keys, and it is the upstream.

use std::collections::BTreeSet;

use linkgate_policy::LogLine;
use linkgate_tests::hosts::{PATIENCE, Policy, Running as _, Serving, Stream, environment};
use linkgate_tests::peer::Peer;
use linkgate_tests::{ALICES_PROFILE, Issuer, policy};
use serde_json::Value;

use crate::stage::host;

/// A host that makes an instance for each request.
pub(crate) const FRESH: &[&str] = &["-S", "cli", "--max-instance-reuse-count", "1"];

/// A host that keeps instances. In a second some tests make more than a thousand requests.
pub(crate) const KEPT: &[&str] =
    &["-S", "cli", "--max-instance-reuse-count", "1000000", "--idle-instance-timeout", "60s"];

/// A tenant, and `wasmtime serve` in front of it. Lines of the host begin with the number of the
/// instance.
pub(crate) struct World {
    pub(crate) issuer: Issuer,
    pub(crate) serving: Serving,
    /// Those that had an exchange.
    pub(crate) instances: BTreeSet<String>,
}

/// How a request ended.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) status: u16,
    pub(crate) retry_after_s: Option<u64>,
    pub(crate) record: LogLine,
    pub(crate) instance: String,
}

impl World {
    /// With the `keys` of the tenant's origin as the policy has them, on a host with these flags.
    pub(crate) async fn begin(keys: impl Fn(&str) -> Value, flags: &[&str]) -> Self {
        let issuer = Issuer::listen().await;
        let document = policy(&[issuer.entry(&keys(&issuer.origin))]);
        let policy = Policy { document: document.to_string(), secrets: Vec::new() };
        let serving = host().serve(&environment(&policy, &issuer.origin), flags);
        let serving = serving.unwrap_or_else(|trouble| panic!("{trouble}"));
        Self { issuer, serving, instances: BTreeSet::new() }
    }

    pub(crate) async fn client(&self) -> Peer {
        Peer::connect(self.serving.address()).await
    }

    /// Reads Alice's profile with a token, on a connection of its own.
    pub(crate) async fn read(&mut self, token: &str) -> Read {
        let mut client = self.client().await;
        self.read_on(&mut client, token).await
    }

    /// The same on a connection that is there.
    pub(crate) async fn read_on(&mut self, client: &mut Peer, token: &str) -> Read {
        let authorization = format!("authorization: Bearer {token}\r\n");
        self.ask(client, ALICES_PROFILE, &authorization).await
    }

    /// Asks for what is refused before a key is needed.
    pub(crate) async fn ask_for_nothing(&mut self, client: &mut Peer) -> Read {
        self.ask(client, "/nowhere", "").await
    }

    async fn ask(&mut self, client: &mut Peer, target: &str, lines: &str) -> Read {
        client.send(format!("GET {target} HTTP/1.1\r\nhost: gate\r\n{lines}\r\n")).await;
        let reply = client.message().await.to_ascii_lowercase();
        let status = reply.split(' ').nth(1).and_then(|status| status.parse().ok());
        let retry_after = reply.lines().find_map(|line| line.strip_prefix("retry-after: "));
        let (instance, record) = self.record();
        self.instances.insert(instance.clone());
        Read {
            status: status.unwrap_or_else(|| panic!("no status in {reply}")),
            retry_after_s: retry_after.and_then(|seconds| seconds.trim().parse().ok()),
            record,
            instance,
        }
    }

    /// The next decision record, and the instance it is from.
    fn record(&mut self) -> (String, LogLine) {
        let record = self.serving.process.line(PATIENCE, |line| {
            let (instance, line) = line.strip_prefix("stdout [")?.split_once("] :: ")?;
            Some((instance.to_owned(), LogLine::read(line.as_bytes())?))
        });
        record.unwrap_or_else(|| panic!("no record. The host said:\n{}", self.serving.output()))
    }

    /// Waits for a line of the component's on standard error. The two streams come in any order, so
    /// it may have been read on the way to a record.
    pub(crate) fn logged(&mut self, row: &str, expected: &str) {
        let logged = self.said().iter().any(|line| line.starts_with(expected))
            || self
                .serving
                .process
                .line(PATIENCE, |line| of_the_component(line)?.starts_with(expected).then_some(()))
                .is_some();
        assert!(logged, "{row}: no `{expected}` in\n{}", self.serving.output());
    }

    /// What the component has said on standard error, as far as it was read.
    pub(crate) fn said(&self) -> Vec<&str> {
        let lines = self.serving.process.said_on(Stream::Err);
        lines.into_iter().filter_map(of_the_component).collect()
    }
}

/// A line of the component's on standard error, without the host's prefix.
fn of_the_component(line: &str) -> Option<&str> {
    Some(line.strip_prefix("stderr [")?.split_once("] :: ")?.1)
}
