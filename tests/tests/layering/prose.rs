//! Every path that a document names exists.

use std::path::Path;

use crate::repository::{NOTHING, files_below, root, text_of};

/// Endings of the files that prose names.
const ENDINGS: &[&str] = &["json", "md", "rs", "sh", "toml", "wat", "wit", "yaml", "yml"];

#[test]
fn every_path_named_in_prose_exists() {
    let mut documents = files_below(&root().join("docs"), "md");
    documents.push(root().join("README.md"));
    let missing: Vec<String> = documents.iter().flat_map(|file| missing_from(file)).collect();
    assert_eq!(missing, NOTHING, "named in prose, but not there");
}

#[test]
fn a_path_is_told_from_other_words() {
    for (text, expected) in [
        ("see `component/policy/src/lib.rs`", &["component/policy/src/lib.rs"][..]),
        ("see `no-such/x.md` and `docs/`", &["no-such/x.md", "docs/"]),
        ("`docs/none` has no ending, its folder is known", &["docs/none"]),
        ("all of `docs/*.md`", &["docs/"]),
        ("as [written](docs/why.md#speed) and [here](#below)", &["docs/why.md"]),
        ("an odd ` here\nand `docs/a.md` there", &["docs/a.md"]),
        ("`application/json`, `/api/v2`, `wasi:http/proxy`, `GET docs/x.md`", &[]),
        ("`target/components/linkgate-evaluator.wasm` is built", &[]),
        ("[elsewhere](https://example.com/a.md)", &[]),
        ("```sh\ncat `docs/gone.md`\n```", &[]),
    ] {
        assert_eq!(paths_in(text), expected, "{text}");
    }
}

/// The paths that a document names and that are not there, as `document: path`. A path is meant
/// from the root, or from the document's own folder.
fn missing_from(document: &Path) -> Vec<String> {
    let beside = document.parent().expect("a document is in a folder");
    let gone = |path: &String| !root().join(path).exists() && !beside.join(path).exists();
    let missing = paths_in(&text_of(document)).into_iter().filter(gone);
    missing.map(|path| format!("{}: {path}", document.display())).collect()
}

/// What looks like a path of this repository in a Markdown text, blocks of code left out. A
/// pattern counts as the folder that it begins with.
fn paths_in(markdown: &str) -> Vec<String> {
    let prose: String = markdown.split("```").step_by(2).collect();
    let quoted = prose.lines().flat_map(|line| line.split('`').skip(1).step_by(2));
    let linked = prose.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next());
    let named = quoted
        .filter(|text| is_path(text))
        .chain(linked.filter(|link| !link.is_empty() && !link.contains(':')));
    let fixed =
        |path: &str| path.split_inclusive('/').take_while(|part| !part.contains('*')).collect();
    named.map(fixed).collect()
}

/// Whether a text in backticks is a path: it has a folder, and an ending that we use or a first
/// folder that we have. The build folder is not the repository's.
fn is_path(text: &str) -> bool {
    let letters = |letter: char| letter.is_ascii_alphanumeric() || "/._-*".contains(letter);
    let first = text.split('/').next().unwrap_or_default();
    let ending = text.rsplit('.').next().unwrap_or_default();
    let ours = ENDINGS.contains(&ending) || root().join(first).is_dir();
    text.contains('/') && text.chars().all(letters) && ours && !["", "target"].contains(&first)
}
