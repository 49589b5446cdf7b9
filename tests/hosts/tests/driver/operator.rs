//! What an operator gets to see: a log that a machine can read, and mistakes by name.

use std::process::Command;

use linkgate_tests::component;
use linkgate_tests::hosts::{PATIENCE, PLAIN, Running as _, Serving, Stream, environment};
use linkgate_tests::peer::{Peer, Upstream};
use serde_json::Value;

use crate::stage::{IS_CHAIN, Stage, binary, host, policy, request};

#[tokio::test]
async fn the_log_is_json_on_standard_output_and_nothing_else_is() {
    let mut stage = Stage::set();
    for name in ["link", "page"] {
        let mut client = stage.client().await;
        client.send(request(name)).await;
        let mut upstream = stage.upstream.accept().await;
        upstream.message().await;
        upstream.send("HTTP/1.1 204 No Content\r\n\r\n").await;
        client.message().await;
        stage.record();
    }
    let lines = stage.serving.process.said_on(Stream::Out);
    assert_eq!(lines.len(), 2, "a line an exchange: {lines:#?}");
    for (line, route) in lines.iter().zip(["link", "pass"]) {
        let line: Value =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert_eq!(line["schema"], "linkgate.decision/1");
        assert_eq!((&line["route"], &line["status"]), (&route.into(), &204.into()));
        assert!(line["duration_us"].as_u64().is_some_and(|taken| taken > 0), "{line}");
    }
}

/// Of the proxy edition: a host of WASI 0.3 links the environment by itself. `-S cli` is what links `wasi:cli/environment`.
#[test]
fn without_a_flag_of_the_host_the_proxy_edition_does_not_start() {
    let mut command = Command::new(binary());
    command.args(["serve", "--addr", "127.0.0.1:0"]).arg(component("linkgate-proxy.wasm"));
    let output = command.output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{said}");
    assert!(said.contains("wasi:cli/environment"), "{said}");
}

#[tokio::test]
async fn what_is_missing_or_wrong_is_named_at_the_first_request() {
    let pair = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    let usable = environment(&policy(&[]), "http://127.0.0.1:9");
    let with = |name: &str, value: &str| {
        let mut environment = usable.clone();
        environment.iter_mut().filter(|pair| pair.0 == name).for_each(|pair| pair.1 = value.into());
        environment
    };
    for (row, environment, mistakes) in [
        (
            "nothing",
            vec![],
            &["LINKGATE_POLICY: expected a policy document", "LINKGATE_UPSTREAM: expected"][..],
        ),
        (
            "a name misspelt",
            vec![
                pair(("LINKGATE_POLICIES", "{}")),
                pair(("LINKGATE_UPSTREAM", "http://127.0.0.1")),
            ],
            &["LINKGATE_POLICY: expected a policy document, found nothing"],
        ),
        (
            "an upstream without a scheme",
            with("LINKGATE_UPSTREAM", "127.0.0.1:9"),
            &["LINKGATE_UPSTREAM: expected `http[s]://host[:port]`"],
        ),
        (
            "a file's name for the policy",
            with("LINKGATE_POLICY", "policy.json"),
            &["LINKGATE_POLICY: /: expected"],
        ),
        (
            "YAML",
            with("LINKGATE_POLICY", "version: 1\nissuers: []"),
            &["LINKGATE_POLICY: /: expected"],
        ),
        (
            "two mistakes in the policy and one in the upstream",
            vec![
                pair(("LINKGATE_POLICY", r#"{"version":2,"isuers":[]}"#)),
                pair(("LINKGATE_UPSTREAM", "x")),
            ],
            &["LINKGATE_POLICY: /version: ", "LINKGATE_POLICY: /isuers: ", "LINKGATE_UPSTREAM: "],
        ),
    ] {
        // The middleware edition has no upstream to be mistaken about.
        let counts = |mistake: &&&str| !(IS_CHAIN && mistake.starts_with("LINKGATE_UPSTREAM"));
        let mistakes: Vec<&&str> = mistakes.iter().filter(counts).collect();
        if mistakes.is_empty() {
            continue;
        }
        let mut serving =
            host().serve(&environment, PLAIN).unwrap_or_else(|trouble| panic!("{trouble}"));
        unavailable(&serving, row).await;
        for mistake in mistakes {
            let expected = format!("linkgate is unavailable: {mistake}");
            let line = serving
                .process
                .line(PATIENCE, |line| line.starts_with(&expected).then(|| line.to_owned()));
            assert!(line.is_some(), "{row}: no `{expected}` in\n{}", serving.output());
        }
        assert!(serving.process.said_on(Stream::Out).is_empty(), "{row}: no decision was made");
    }
}

/// The answer is the host's own then. Half a megabyte of secrets does not fit into what the component
/// leaves of this much memory.
#[tokio::test]
async fn an_instance_that_traps_passes_nothing() {
    let upstream = Upstream::bind();
    let mut policy = policy(&[]);
    let secret = |number: u32| (format!("UNUSED_{number}"), "x".repeat(100_000));
    policy.secrets.extend((0..5).map(secret));
    let environment = environment(&policy, &format!("http://{}", upstream.address));
    let flags = [PLAIN, &["-W", "max-memory-size=1310720"]].concat();
    let serving = host().serve(&environment, &flags).unwrap_or_else(|trouble| panic!("{trouble}"));
    for name in ["link", "page"] {
        let mut client = Peer::connect(serving.address()).await;
        client.send(request(name)).await;
        let reply = client.message().await;
        assert!(reply.starts_with("HTTP/1.1 500 "), "{name}: {reply}");
        upstream.has_no_more(name);
    }
}

/// Every request: there is no configuration in which it fails open.
async fn unavailable(serving: &Serving, row: &str) {
    for name in ["link", "page"] {
        let mut client = Peer::connect(serving.address()).await;
        client.send(request(name)).await;
        let reply = client.message().await;
        assert!(reply.starts_with("HTTP/1.1 503 "), "{row}, {name}: {reply}");
        assert!(reply.contains("gate-unavailable"), "{row}, {name}: {reply}");
    }
}
