//! Every command explains itself: help with an example, its place in the documentation, completion.
#![cfg(test)]

use std::path::Path;
use std::process::{Command, Stdio};

fn output(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_linkgate")).args(arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{arguments:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The commands, as `linkgate --help` lists them.
fn commands() -> Vec<String> {
    let help = output(&["--help"]);
    let (_, list) = help.split_once("Commands:\n").unwrap();
    let (list, _) = list.split_once("\n\n").unwrap();
    let is_name = |line: &&str| line.starts_with("  ") && !line.starts_with("   ");
    let names = list.lines().filter(is_name).filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

#[test]
fn every_command_has_help_with_an_example() {
    let commands = commands();
    assert!(commands.len() >= 8, "{commands:?}");
    for command in commands {
        for flag in ["-h", "--help"] {
            let help = output(&[&command, flag]);
            assert!(help.contains("Example"), "{command} {flag}:\n{help}");
            assert!(help.contains(&format!("  linkgate {command}")), "{command} {flag}:\n{help}");
        }
    }
}

#[test]
fn every_command_is_documented() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let read = |file: &str| std::fs::read_to_string(root.join(file)).unwrap();
    let pages = ["README.md", "docs/commands.md", "docs/gateway.md", "docs/baked-components.md"];
    let pages = pages.map(read).concat();
    for command in commands() {
        let is_there = pages.contains(&format!("linkgate {command}"))
            || pages.contains(&format!("linkgate -- {command}"));
        assert!(is_there, "nothing is said of `linkgate {command}`");
    }
}

#[test]
fn every_shell_learns_every_command() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = output(&["completions", shell]);
        for command in commands() {
            assert!(script.contains(&command), "{shell}: no {command}");
        }
        assert!(script.contains("deny-warnings"), "{shell}");
    }
    let output =
        Command::new(env!("CARGO_BIN_EXE_linkgate")).args(["completions", "sh"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn every_command_has_a_manual_page() {
    let folder = std::env::temp_dir().join(format!("linkgate-{}-man", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    output(&["man", folder.to_str().unwrap()]);
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    assert!(read("linkgate.1").contains(".TH linkgate 1"));
    for command in commands() {
        let page = read(&format!("linkgate-{command}.1"));
        assert!(page.contains(".SH EXTRA") || page.contains("Example"), "{command}: {page}");
    }
    std::fs::remove_dir_all(&folder).unwrap();
    let missing = Command::new(env!("CARGO_BIN_EXE_linkgate"))
        .args(["man", folder.to_str().unwrap()])
        .output();
    assert_eq!(missing.unwrap().status.code(), Some(2));
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    for arguments in [["completions", "bash"].as_slice(), &["schema"]] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_linkgate"))
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), [].as_slice()));
    }
}
