//! Words that only this project uses make its texts hard to read. A test counts them, and their number may only fall.
#![cfg(test)]

use std::fs;
use std::path::{Path, PathBuf};

/// Private words and phrases, and what to write in their place. Where a word has a plain use as well ("a file holds
/// two keys"), the list has the phrase that is ours alone.
const PRIVATE: [(&str, &str); 10] = [
    ("told", "reported, logged, answered"),
    ("nobody", "no client, no operator, no process"),
    ("whoever", "the client, the operator, a process that"),
    ("stands", "appears, is written, is"),
    ("what became of", "the outcome of"),
    ("as it came", "unchanged"),
    ("what is not so", "otherwise"),
    ("is due", "is scheduled"),
    ("not hold", "fail, not pass"),
    ("looked at", "checked, read"),
];

/// How many there may be. Lower the number whenever a change removes some; never raise it.
const MOST: usize = 6;

/// Folders with texts of ours. Changes of the past are quoted in the change log, so it is not among them.
const FOLDERS: [&str; 7] =
    ["component", "docs", "examples", "host-harness", "tests", "wit", "xtask"];

#[test]
fn private_words_become_fewer() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = vec![root.join("README.md")];
    FOLDERS.iter().for_each(|folder| collect(&root.join(folder), &mut files));
    let mut found: Vec<(usize, PathBuf)> =
        files.into_iter().map(|file| (count_in(&file), file)).filter(|(n, _)| *n > 0).collect();
    found.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    let all: usize = found.iter().map(|(n, _)| n).sum();
    let shown: Vec<String> =
        found.iter().map(|(n, file)| format!("{n:5}  {}", file.display())).collect();
    assert!(
        all <= MOST,
        "{all} private words, {MOST} were there before; write as the list has it:\n{PRIVATE:#?}\n{}",
        shown.join("\n")
    );
}

#[test]
fn words_are_counted_in_prose_and_not_in_code() {
    for (row, ending, text, expected) in [
        ("a word", "md", "Nobody is told.", 2),
        ("inside another word", "md", "He retold it to a bystander's understandstand.", 0),
        ("a phrase over two lines", "md", "It says what became\nof it.", 1),
        ("a name in backticks", "md", "The key `told` and `stands`.", 0),
        ("a block of code", "md", "```sh\necho told\n```\ntold", 2),
        ("a comment", "rs", "let told = 1; // whoever\n/// stands", 2),
        ("a phrase over two comments", "rs", "/// what became\n/// of it", 1),
        ("a block comment", "rs", "/* nobody */ fn told() {}", 1),
        ("a sentence in a string", "rs", "print(\"nobody is \\\"told\\\"\")", 2),
        ("one word in a string is a name", "rs", "get(\"told\"), told(b\"told\")", 0),
        ("a raw string", "rs", "r#\"a \"told\" x\"# told", 1),
        ("a slash in a string", "rs", "\"http://told/\" + told; // told", 1),
        ("quotes in characters", "rs", "['\"', '\\'', 'a'] told 'a: loop { told } \"is told\"", 1),
        ("a contract", "wit", "/// whoever\nstands: func();", 2),
    ] {
        assert_eq!(count(&prose(ending, text)), expected, "{row}");
    }
}

/// Files with text of ours below a folder. This file has the list itself.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        let name = entry.file_name().into_string().unwrap_or_default();
        if entry.file_type().unwrap().is_dir() {
            if !["target", "node_modules"].contains(&name.as_str()) {
                collect(&path, files);
            }
        } else if ["md", "rs", "wit"].contains(&ending(&path)) && name != "words.rs" {
            files.push(path);
        }
    }
}

fn ending(file: &Path) -> &str {
    file.extension().and_then(|ending| ending.to_str()).unwrap_or_default()
}

fn count_in(file: &Path) -> usize {
    let text =
        fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    count(&prose(ending(file), &text))
}

/// The words of a file in a row, in lower case, without names in backticks.
fn prose(ending: &str, text: &str) -> String {
    let text = if ending == "rs" { rust_prose(text) } else { text.to_owned() };
    let fenced = text.replace("```", " ");
    let plain: Vec<&str> = fenced.lines().flat_map(|line| line.split('`').step_by(2)).collect();
    plain.join(" ").to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
}

fn count(prose: &str) -> usize {
    PRIVATE.iter().map(|(word, _)| occurrences(prose, word)).sum()
}

/// How often a word or phrase is there, not as a part of a longer word.
fn occurrences(prose: &str, word: &str) -> usize {
    let letter = |character: char| character.is_alphanumeric() || character == '_';
    let alone =
        |at: usize| !prose[..at].ends_with(letter) && !prose[at + word.len()..].starts_with(letter);
    prose.match_indices(word).filter(|(at, _)| alone(*at)).count()
}

/// The comments of a Rust file, and its strings of more than one word.
fn rust_prose(source: &str) -> String {
    let (mut prose, mut rest) = (String::new(), source);
    while !rest.is_empty() {
        let (part, length) = next(rest);
        if let Part::Prose(text) = part {
            prose.push_str(text.trim_start_matches(['/', '!', '*']));
            prose.push(' ');
        }
        rest = &rest[length..];
    }
    prose
}

enum Part<'a> {
    Prose(&'a str),
    Code,
}

/// What a text begins with, and how many bytes that takes.
fn next(rest: &str) -> (Part<'_>, usize) {
    let until = |from: usize, end: &str| {
        rest[from..]
            .find(end)
            .map_or((rest.len(), rest.len()), |at| (from + at, from + at + end.len()))
    };
    let sentence = |text| if str::contains(text, ' ') { Part::Prose(text) } else { Part::Code };
    if rest.starts_with("//") {
        let (end, _) = until(2, "\n");
        (Part::Prose(&rest[2..end]), end)
    } else if rest.starts_with("/*") {
        let (end, after) = until(2, "*/");
        (Part::Prose(&rest[2..end]), after)
    } else if let Some(hashes) = raw_string(rest) {
        let begin = hashes + 2;
        let (end, after) = until(begin, &format!("\"{}", "#".repeat(hashes)));
        (sentence(&rest[begin..end]), after)
    } else if rest.starts_with('"') {
        let end = end_of_string(rest);
        (sentence(&rest[1..end]), (end + 1).min(rest.len()))
    } else {
        (Part::Code, code(rest))
    }
}

/// With how many `#` a raw string begins here, if one does.
fn raw_string(rest: &str) -> Option<usize> {
    let after = rest.strip_prefix('r')?;
    let hashes = after.len() - after.trim_start_matches('#').len();
    after[hashes..].starts_with('"').then_some(hashes)
}

/// Where the closing quote of a string is.
fn end_of_string(rest: &str) -> usize {
    let mut escaped = false;
    let end = rest.char_indices().skip(1).find(|(_, character)| {
        let closes = *character == '"' && !escaped;
        escaped = *character == '\\' && !escaped;
        closes
    });
    end.map_or(rest.len(), |(at, _)| at)
}

/// A character, a whole name, or a character literal: neither may be taken for the begin of a string.
fn code(rest: &str) -> usize {
    let name = rest.find(|character: char| !character.is_alphanumeric() && character != '_');
    let name = name.unwrap_or(rest.len());
    if name > 0 {
        return name;
    }
    let literal = rest.strip_prefix('\'').and_then(|inner| {
        let escaped = inner.starts_with('\\');
        let content = inner.chars().take(if escaped { 2 } else { 1 }).map(char::len_utf8).sum();
        inner.get(content..)?.starts_with('\'').then_some(content + 2)
    });
    literal.or_else(|| rest.chars().next().map(char::len_utf8)).unwrap_or(1)
}
