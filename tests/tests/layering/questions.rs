//! The core asks no clock, environment or randomness, nor anything else outside. Clippy refuses
//! the calls by name (`component/policy/clippy.toml`); this reads the text, macros included.

use std::path::Path;

use crate::repository::{NOTHING, files_below, root, text_of};

/// What a core that is driven never writes. `core::net` is not on the list: it has addresses and no
/// sockets.
const QUESTIONS: &str = "
    Instant::now SystemTime env:: fs:: std::net process:: thread:: thread_local! rand:: getrandom
    OsRng RandomState";

#[test]
fn the_core_asks_nothing_of_the_outside() {
    let sources = files_below(&root().join("component/policy/src"), "rs");
    assert!(!sources.is_empty(), "no sources of the core were found");
    let found: Vec<String> = sources.iter().flat_map(|file| asked_in(file)).collect();
    assert_eq!(found, NOTHING, "time, secrets and seeds are arguments of the core");
}

#[test]
fn a_question_is_found_where_it_is_code() {
    for (row, source, expected) in [
        ("plain", "let t = Instant::now();", &["Instant::now"][..]),
        ("imported", "use std::time::SystemTime;", &["SystemTime"]),
        ("in a list", "use std::{env, fmt};\nlet home = env::var(x);", &["env::"]),
        ("sockets", "use std::net::TcpStream;", &["std::net"]),
        ("addresses", "use core::net::Ipv4Addr;", &[]),
        ("indented", "    rand::random()", &["rand::"]),
        ("inside another word", "let operand = operand::of(wide_env);", &[]),
        ("in a comment", "// never Instant::now", &[]),
        ("in the tests", "fn a() {}\n#[cfg(test)]\nmod tests {\n    fs::read(x)\n}", &[]),
        ("below a test-only import", "#[cfg(test)]\nuse x::y;\nrand::random()", &["rand::"]),
    ] {
        assert_eq!(questions(source), expected, "{row}");
    }
}

fn asked_in(file: &Path) -> Vec<String> {
    let asked = questions(&text_of(file));
    asked.into_iter().map(|question| format!("{}: {question}", file.display())).collect()
}

/// The questions in the code, comments and the test module at the end left out.
fn questions(source: &str) -> Vec<&'static str> {
    let product = source.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let code = || product.lines().filter(|line| !line.trim_start().starts_with("//"));
    let asked = |question: &&str| code().any(|line| holds_word(line, question));
    QUESTIONS.split_whitespace().filter(asked).collect()
}

/// Whether `word` begins somewhere in the line, not in the middle of a longer name.
fn holds_word(line: &str, word: &str) -> bool {
    let in_a_name = |letter: char| letter.is_alphanumeric() || letter == '_';
    line.match_indices(word).any(|(at, _)| !line[..at].ends_with(in_a_name))
}
