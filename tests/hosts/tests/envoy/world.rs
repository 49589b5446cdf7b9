//! A tenant, Envoy in front of it, and clients.

use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;

use linkgate_tests::hosts::{Envoy, PLUGIN, Policy, Running as _, ServingEnvoy, part};
use linkgate_tests::peer::Peer;
use linkgate_tests::{ALICES_PROFILE, Issuer, policy};
use serde_json::Value;

/// Worker threads. Each has an instance with a memory of its own.
pub(crate) const WORKERS: u32 = 2;

/// Clients enough for every worker to get some: the kernel deals connections out by chance, and one
/// worker goes without in one of 2³¹ runs.
pub(crate) const CLIENTS: usize = 32;

/// Envoy with so many workers; nothing where there is none, which it then says.
pub(crate) fn envoy() -> Option<Envoy> {
    Some(Envoy::of_suite(Path::new(env!("CARGO_TARGET_TMPDIR")))?.workers(WORKERS))
}

pub(crate) struct World {
    pub(crate) issuer: Issuer,
    pub(crate) serving: ServingEnvoy,
}

impl World {
    /// With `rules` for the keys, which are at a URL.
    pub(crate) async fn begin(envoy: &Envoy, rules: &Value) -> Self {
        Self::of(envoy, Issuer::listen().await, rules)
    }

    /// With an issuer that is there already.
    pub(crate) fn of(envoy: &Envoy, issuer: Issuer, rules: &Value) -> Self {
        Self::changed(envoy, issuer, rules, |_| ())
    }

    /// With changes to the configuration.
    pub(crate) fn changed(
        envoy: &Envoy,
        issuer: Issuer,
        rules: &Value,
        change: impl FnOnce(&mut Value),
    ) -> Self {
        let mut configuration = configuration(envoy, &issuer, rules);
        change(&mut configuration);
        Self::with(envoy, issuer, &configuration)
    }

    /// With this very configuration.
    pub(crate) fn with(envoy: &Envoy, issuer: Issuer, configuration: &Value) -> Self {
        let serving = envoy.serve(configuration).unwrap_or_else(|trouble| panic!("{trouble}"));
        Self { issuer, serving }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.serving.address()
    }

    /// Asks for Alice's profile, on a connection of its own for each of so many clients. Gives the
    /// statuses once all are answered.
    pub(crate) async fn read_by(&self, clients: usize, token: &str) -> Vec<u16> {
        let address = self.address();
        at_once((0..clients).map(|_| {
            let token = token.to_owned();
            async move { read(&mut Peer::connect(address).await, &token).await }
        }))
        .await
    }

    /// A number of Envoy's, from `/stats`.
    pub(crate) fn stat(&self, name: &str) -> u64 {
        let stats = self.serving.admin(&format!("/stats?filter={name}"));
        let numbers =
            stats.lines().filter_map(|line| line.rsplit_once(": ")?.1.parse::<u64>().ok());
        numbers.sum()
    }

    /// Demands that every worker had connections.
    pub(crate) fn all_workers_served(&self) {
        for worker in 0..WORKERS {
            let name = format!("worker_{worker}.downstream_cx_total");
            assert!(self.stat(&name) > 0, "no connection on {name}");
        }
    }

    /// How often such a thing was logged.
    pub(crate) fn logged(&self, what: &str) -> usize {
        self.serving.process.said().lines().filter(|line| line.contains(what)).count()
    }

    /// Waits until such a thing is logged.
    pub(crate) fn until_logged(&mut self, what: &str) {
        let logged = self
            .serving
            .process
            .line(linkgate_tests::hosts::PATIENCE, |line| line.contains(what).then_some(()));
        assert!(logged.is_some(), "never logged `{what}`. It said:\n{}", self.serving.output());
    }
}

/// The example's configuration, of a policy for this issuer.
pub(crate) fn configuration(envoy: &Envoy, issuer: &Issuer, rules: &Value) -> Value {
    of_policy(envoy, issuer, &policy(&[issuer.entry(&issuer.by_url(rules))]))
}

/// The same of any policy document.
pub(crate) fn of_policy(envoy: &Envoy, issuer: &Issuer, document: &Value) -> Value {
    let policy = Policy { document: document.to_string(), secrets: Vec::new() };
    let upstream = issuer.origin.trim_start_matches("http://").parse().expect("an address");
    envoy.configuration(&policy, upstream).unwrap_or_else(|trouble| panic!("{trouble}"))
}

/// A part of a configuration.
pub(crate) fn at<'v>(configuration: &'v mut Value, path: &str) -> &'v mut Value {
    part(configuration, path).unwrap_or_else(|trouble| panic!("{trouble}"))
}

/// The filter's own part.
pub(crate) fn plugin<'v>(configuration: &'v mut Value, path: &str) -> &'v mut Value {
    at(configuration, &format!("{PLUGIN}{path}"))
}

/// Asks for Alice's profile; gives the status.
pub(crate) async fn read(client: &mut Peer, token: &str) -> u16 {
    let head = format!(
        "GET {ALICES_PROFILE} HTTP/1.1\r\nhost: gate\r\nauthorization: Bearer {token}\r\n\r\n"
    );
    client.send(head).await;
    status(&client.message().await)
}

/// The status of a reply.
pub(crate) fn status(reply: &str) -> u16 {
    let status = reply.split(' ').nth(1).and_then(|status| status.parse().ok());
    status.unwrap_or_else(|| panic!("no status in {reply}"))
}

/// Runs them beside each other, and gives what comes of each.
pub(crate) async fn at_once<F>(all: impl IntoIterator<Item = F>) -> Vec<F::Output>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    let tasks: Vec<_> = all.into_iter().map(tokio::spawn).collect();
    let mut outputs = Vec::new();
    for task in tasks {
        outputs.push(task.await.expect("it ends"));
    }
    outputs
}
