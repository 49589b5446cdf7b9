//! What `linkgate demo --stay` offers to try works as it says: the printed lines are run as they are, by a shell.
#![cfg(test)]

use std::process::Command;

use linkgate_tests::component;
use linkgate_tests::hosts::{PATIENCE, Process, Stream};
use linkgate_tests::optional::{done, unless_missing};

#[test]
fn each_line_that_the_demo_offers_is_answered_as_it_says() {
    let curl = done(Command::new("curl").arg("--version"));
    if unless_missing("demo       curl", curl).is_none() {
        return;
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_linkgate-gateway-process"));
    command.args(["demo", "--stay", "--component"]).arg(component("linkgate-evaluator.wasm"));
    let mut demo = Process::start(&mut command).expect("the demo");
    let ready = demo.line(PATIENCE, |line| line.starts_with("stop with").then_some(()));
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
