//! The first minutes: what `linkgate demo --stay` offers to try, and the quick start of the README, work as they say. The lines
//! are run as they are, by a shell; of the quick start the addresses alone are others.
#![cfg(test)]

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use linkgate_tests::component;
use linkgate_tests::hosts::{PATIENCE, Process, Stream};
use linkgate_tests::optional::{done, unless_missing};

/// Longest wait for a start: it compiles the component, and the machine may be busy.
const START_WITHIN: Duration = Duration::from_mins(2);

#[test]
fn each_line_that_the_demo_offers_is_answered_as_it_says() {
    let curl = done(Command::new("curl").arg("--version"));
    if unless_missing("demo       curl", curl).is_none() {
        return;
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_linkgate-gateway-process"));
    command.args(["demo", "--stay", "--component"]).arg(component("linkgate-evaluator.wasm"));
    let mut demo = Process::start(&mut command).expect("the demo");
    let ready = demo.line(START_WITHIN, |line| line.starts_with("stop with").then_some(()));
    assert!(ready.is_some(), "{}", demo.said());
    let said = demo.said_on(Stream::Out);
    let tokens: Vec<&str> = said.iter().filter(|line| line.contains("=ey")).copied().collect();
    let offered: Vec<(&str, &str)> = said
        .windows(2)
        .filter_map(|pair| Some((pair.first()?.strip_prefix("# ")?, *pair.get(1)?)))
        .collect();
    assert_eq!((tokens.len(), offered.len()), (3, 6), "{}", said.join("\n"));
    for (offer, line) in offered {
        let (what, expected) = offer.split_once(": answers ").expect("an answer to expect");
        let (status, holds) = expected.split_once(", with `").expect("a status and a phrase");
        let script = format!("{}\n{line}", tokens.join("\n"));
        let output = Command::new("sh").args(["-c", &script]).output().expect("a shell");
        let answer = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{what}: {answer}");
        assert!(answer.contains(holds.trim_end_matches('`')), "{what}: {answer}");
    }
}

const README: &str = include_str!("../../../README.md");

#[test]
fn the_quick_start_answers_as_it_says() {
    let curl = done(Command::new("curl").arg("--version"));
    if unless_missing("quick start curl", curl).is_none() {
        return;
    }
    let [tenant, serve, calls] = blocks("Quick start", "sh").try_into().expect("three for a shell");
    let [answer] = blocks("Quick start", "text").try_into().expect("one with an answer");

    let policy = Path::new(env!("CARGO_TARGET_TMPDIR")).join("quick-start.json");
    let here = |text: &str| text.replace("/tmp/policy.json", &policy.display().to_string());
    let mut tenant = linkgate(&here(tenant).replace(":4000", ":0"), &[]);
    let issuer =
        tenant.line(PATIENCE, |line| Some(line.split_once("listening on http://")?.1.to_owned()));
    let issuer = issuer.expect("a tenant").trim_end_matches('/').to_owned();
    tenant.line(PATIENCE, |line| line.contains("policy  ").then_some(())).expect("a policy");
    for who in ["alice@example.com, password alice-pw", "mallory@example.com, password mallory-pw"]
    {
        assert!(tenant.said().contains(who), "{}", tenant.said());
    }
    let evaluator = component("linkgate-evaluator.wasm").display().to_string();
    let serve = here(serve).replace("127.0.0.1:4000", &issuer);
    let mut gate = linkgate(&serve, &["--listen", "127.0.0.1:0", "--component", &evaluator]);
    let address = gate.line(START_WITHIN, |line| {
        Some(line.split_once("listening on http://")?.1.split_once(',')?.0.to_owned())
    });
    let address = address.unwrap_or_else(|| panic!("{}", gate.said()));

    let script = calls.replace("127.0.0.1:8080", &address).replace("127.0.0.1:4000", &issuer);
    let output = Command::new("sh").args(["-c", &script]).output().expect("a shell");
    let answers = String::from_utf8_lossy(&output.stdout).into_owned();
    let (linked, refused) = answers.split_once("HTTP/1.1 403").expect(&answers);
    assert!(linked.starts_with("HTTP/1.1 201 Created"), "{linked}");
    assert!(linked.contains("google-oauth2"), "{linked}");
    for part in answer.trim_end().split(['\n', '…']).map(|part| part.trim_matches([' ', ','])) {
        assert!(format!("HTTP/1.1 403{refused}").contains(part), "`{part}` is not in {refused}");
    }
}

#[test]
fn the_policy_to_begin_with_has_no_mistake() {
    let [policy] = blocks("Your own policy", "yaml").try_into().expect("one policy");
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("your-own.yaml");
    std::fs::write(&file, policy).expect("a file");
    let mut check = Command::new(env!("CARGO_BIN_EXE_linkgate-gateway-process"));
    done(check.arg("check").arg(&file)).expect("no mistake");
}

/// What is in the fenced blocks of a language, below a heading of the README.
fn blocks(heading: &str, language: &str) -> Vec<&'static str> {
    let (_, rest) = README.split_once(&format!("\n## {heading}\n")).expect("the heading");
    let section = rest.split("\n## ").next().unwrap_or_default();
    let blocks = section.split("```").skip(1).step_by(2);
    blocks.filter_map(|block| block.strip_prefix(language)?.strip_prefix('\n')).collect()
}

/// Starts the command of a block that cargo runs there, with more arguments.
fn linkgate(block: &str, more: &[&str]) -> Process {
    let lines = block.lines().find_map(|line| line.strip_prefix("cargo run -p linkgate -- "));
    let arguments = lines.expect("a command").split(' ');
    let mut command = Command::new(env!("CARGO_BIN_EXE_linkgate-gateway-process"));
    Process::start(command.args(arguments).args(more)).expect("it starts")
}
