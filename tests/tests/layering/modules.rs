//! The modules of a crate and what each uses, read from the sources: which file defines an item, and which files
//! name it by a path. Tests and comments are left out.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::repository::{files_below, text_of};

/// The modules of a crate by their paths, `keys::remote`; the root of the crate is the empty path.
pub(crate) struct Modules(BTreeMap<String, Module>);

/// What one file holds.
struct Module {
    /// Names that are defined in it.
    defined: BTreeSet<String>,
    /// Every `use` outside of tests, a name each.
    imports: Vec<Import>,
    /// The code, without comments, texts, tests and `use`.
    code: String,
}

/// A name that a `use` brings in.
struct Import {
    path: Vec<String>,
    name: String,
    /// Whether others see it through this module.
    is_offered: bool,
}

/// An arrow: a module, and one whose item it uses.
pub(crate) type Arrow = (String, String);

impl Modules {
    /// Reads the sources below a folder.
    pub(crate) fn of(folder: &Path) -> Self {
        let files = files_below(folder, "rs").into_iter().map(|file| {
            let path = file.strip_prefix(folder).expect("below it").with_extension("");
            (path.to_string_lossy().replace('/', "::"), text_of(&file))
        });
        Self::read(files)
    }

    /// Reads files, each by its path without the ending.
    pub(crate) fn read(files: impl Iterator<Item = (String, String)>) -> Self {
        let texts: Vec<(String, String)> =
            files.map(|(path, text)| (module(&path), text)).collect();
        let tests: BTreeSet<String> =
            texts.iter().flat_map(|(path, text)| tests_of(path, text)).collect();
        let is_test = |path: &str| tests.iter().any(|test| is_below(path, test));
        let product = texts.into_iter().filter(|(path, _)| !is_test(path));
        Self(product.map(|(path, text)| (path, Module::read(&text))).collect())
    }

    /// The paths of all modules, without the root.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str).filter(|path| !path.is_empty())
    }

    /// Every arrow between two modules. The root only offers what others define, and has none.
    pub(crate) fn arrows(&self) -> BTreeSet<Arrow> {
        let all = self.0.iter().filter(|(path, _)| !path.is_empty());
        let arrows = all.flat_map(|(path, module)| {
            let used = module.paths().filter_map(|used| self.definer(path, &used));
            used.map(|to| (path.clone(), to))
        });
        arrows.filter(|(from, to)| from != to).collect()
    }

    /// The module that defines what a path names in a module; none for another crate's, and for what the module
    /// offers of its own children.
    fn definer(&self, from: &str, path: &[String]) -> Option<String> {
        let (first, rest) = path.split_first()?;
        let child = joined(from, first);
        let (mut at, rest) = match first.as_str() {
            "crate" => (String::new(), rest),
            "self" => (from.to_owned(), rest),
            "super" => (parent(from), rest),
            _ if self.0.contains_key(&child) => (child, rest),
            _ => return None,
        };
        let mut rest = rest.iter().peekable();
        while rest.next_if(|segment| *segment == "super").is_some() {
            at = parent(&at);
        }
        while let Some(name) = rest.next() {
            let below = joined(&at, name);
            let is_last = rest.peek().is_none();
            match self.offered(&at, name) {
                Some(definer) if is_last || !self.0.contains_key(&below) => return Some(definer),
                _ if self.0.contains_key(&below) => at = below,
                _ => {
                    panic!("`{from}` uses `{}`: `{name}` was not found in `{at}`", path.join("::"))
                }
            }
        }
        Some(at)
    }

    /// The module that defines a name which a module has or offers.
    fn offered(&self, at: &str, name: &str) -> Option<String> {
        let module = self.0.get(at)?;
        if module.defined.contains(name) {
            return Some(at.to_owned());
        }
        let import = module.imports.iter().find(|import| import.name == name)?;
        // What it takes from another crate, or from a module inside of it, is its own to offer.
        self.definer(at, &import.path).or_else(|| Some(at.to_owned()))
    }
}

impl Module {
    fn read(text: &str) -> Self {
        let code = without_words(&without_tests(text));
        let (mut imports, mut rest) = (Vec::new(), String::new());
        for statement in code.split_inclusive(';') {
            let start = statement.rfind("use ").filter(|at| is_statement(&statement[..*at]));
            let Some(at) = start else {
                rest.push_str(statement);
                continue;
            };
            let is_offered = statement[..at].trim_end().ends_with("pub")
                || statement[..at].trim_end().ends_with(')');
            rest.push_str(&statement[..at]);
            let tree = statement[at..].trim_start_matches("use ").trim_end_matches(';');
            imports.extend(leaves(&[], tree).into_iter().map(|(path, name)| Import {
                path,
                name,
                is_offered,
            }));
        }
        Self { defined: rest.lines().filter_map(defined).collect(), imports, code: rest }
    }

    /// Every path that is used: what is imported and not handed on, what is written out, and what is named through an
    /// imported module.
    fn paths(&self) -> impl Iterator<Item = Vec<String>> {
        let own = self
            .imports
            .iter()
            .filter(|import| !import.is_offered)
            .map(|import| import.path.clone());
        let written = paths_in(&self.code).filter_map(|path| {
            let (first, rest) = path.split_first()?;
            if matches!(first.as_str(), "crate" | "super") {
                return Some(items_of(&path));
            }
            let is_module = first.starts_with(char::is_lowercase);
            let import = self.imports.iter().find(|import| import.name == *first);
            let whole =
                import.map_or(path.clone(), |import| [import.path.as_slice(), rest].concat());
            is_module.then(|| items_of(&whole))
        });
        own.chain(written)
    }
}

/// A path up to its first item: what follows a type or a function is its own.
fn items_of(path: &[String]) -> Vec<String> {
    let modules = path.iter().take_while(|segment| segment.starts_with(char::is_lowercase)).count();
    path.iter().take(modules + 1).cloned().collect()
}

/// The module of a file, by its path without the ending.
fn module(file: &str) -> String {
    let path = file.strip_suffix("::mod").unwrap_or(file);
    if path == "lib" { String::new() } else { path.to_owned() }
}

fn joined(parent: &str, name: &str) -> String {
    if parent.is_empty() { name.to_owned() } else { format!("{parent}::{name}") }
}

fn parent(path: &str) -> String {
    path.rsplit_once("::").map_or_else(String::new, |(parent, _)| parent.to_owned())
}

/// Whether a module is another one or inside of it.
pub(crate) fn is_below(path: &str, other: &str) -> bool {
    path.strip_prefix(other).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// The modules that a file declares for tests alone.
fn tests_of(path: &str, text: &str) -> Vec<String> {
    let declared = text.split("#[cfg(test)]\n").skip(1).filter_map(|rest| rest.lines().next());
    let names = declared.filter_map(|line| line.split_once("mod ")?.1.strip_suffix(';'));
    names.map(|name| joined(path, name)).collect()
}

/// The text without its test modules.
fn without_tests(text: &str) -> String {
    let mut parts = text.split("#[cfg(test)]\n");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |kept, part| {
        let is_block =
            part.lines().next().is_some_and(|line| line.contains("mod ") && line.ends_with('{'));
        let rest =
            if is_block { part.split_once("\n}\n").map_or("", |(_, rest)| rest) } else { part };
        kept + rest
    })
}

/// The code without comments, and with empty texts.
fn without_words(text: &str) -> String {
    let (mut code, mut rest) = (String::new(), text);
    while let Some(at) = rest.find(['/', '"', '\'']) {
        let (before, here) = rest.split_at(at);
        code.push_str(before);
        let raw = before.len() - before.trim_end_matches('#').len();
        let is_raw = before.trim_end_matches('#').ends_with('r');
        let length = match here.as_bytes() {
            [b'/', b'/', ..] => here.find('\n').unwrap_or(here.len()),
            [b'"', ..] if is_raw => 1 + end_of(&here[1..], &format!("\"{}", "#".repeat(raw))),
            [b'"', ..] => 1 + end_of_text(&here[1..], '"'),
            [b'\'', b'\\', ..] => 1 + end_of_text(&here[1..], '\''),
            _ if here.starts_with('\'') && here.chars().nth(2) == Some('\'') => {
                here.chars().take(3).map(char::len_utf8).sum()
            }
            _ => {
                code.push_str(&here[..1]);
                1
            }
        };
        rest = &here[length..];
    }
    code + rest
}

fn end_of(text: &str, mark: &str) -> usize {
    text.find(mark).map_or(text.len(), |at| at + mark.len())
}

/// Where a text ends whose quotes may be escaped.
fn end_of_text(text: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (at, letter) in text.char_indices() {
        match letter {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            letter if letter == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Whether a statement begins after this.
fn is_statement(before: &str) -> bool {
    let before = before.trim_end();
    let before =
        before.strip_suffix("pub(crate)").or(before.strip_suffix("pub(super)")).unwrap_or(before);
    let before = before.strip_suffix("pub").unwrap_or(before).trim_end();
    before.is_empty() || before.ends_with(['}', ';', ']', '{'])
}

/// The paths of a `use`, each with the name it brings in.
fn leaves(prefix: &[String], tree: &str) -> Vec<(Vec<String>, String)> {
    let tree = tree.trim();
    let segments = |text: &str| -> Vec<String> {
        let own = text.split("::").map(str::trim).filter(|segment| !segment.is_empty());
        prefix.iter().cloned().chain(own.map(str::to_owned)).collect()
    };
    if let Some((head, rest)) = tree.split_once('{') {
        let inner = rest.trim_end().strip_suffix('}').expect("a closed list");
        return branches(inner).iter().flat_map(|branch| leaves(&segments(head), branch)).collect();
    }
    if tree.is_empty() {
        return Vec::new();
    }
    let (path, alias) =
        tree.split_once(" as ").map_or((tree, None), |(path, alias)| (path, Some(alias)));
    let mut path = segments(path);
    if path.last().is_some_and(|last| last == "self") && path.len() > 1 {
        path.pop();
    }
    let name = alias.map_or_else(|| path.last().cloned(), |alias| Some(alias.trim().to_owned()));
    name.map(|name| (path, name)).into_iter().collect()
}

/// The parts of a list, lists inside of it left whole.
fn branches(list: &str) -> Vec<String> {
    let (mut parts, mut depth) = (vec![String::new()], 0);
    for letter in list.chars() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        parts.last_mut().expect("one").push(letter);
    }
    parts
}

/// What a line defines that others can name.
fn defined(line: &str) -> Option<String> {
    const KINDS: [&str; 9] =
        ["struct", "enum", "trait", "type", "fn", "const", "static", "mod", "macro_rules!"];
    let mut words = line
        .split_whitespace()
        .filter(|word| !matches!(*word, "pub" | "pub(crate)" | "pub(super)" | "async"))
        .peekable();
    let kind = words.next().filter(|word| KINDS.contains(word))?;
    let name = if kind == "const" { words.find(|word| *word != "fn") } else { words.next() };
    if kind == "mod" && line.ends_with(';') {
        return None;
    }
    let letters = |letter: char| letter.is_alphanumeric() || letter == '_';
    name.map(|name| name.chars().take_while(|letter| letters(*letter)).collect())
}

/// Every path of two segments or more in a piece of code.
fn paths_in(code: &str) -> impl Iterator<Item = Vec<String>> {
    let in_a_path = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == ':';
    let words =
        code.split(move |letter: char| !in_a_path(letter)).filter(|word| word.contains("::"));
    words.filter(|word| !word.starts_with("::")).map(|word| {
        word.split("::")
            .filter(|segment| !segment.is_empty())
            .map(|segment| segment.trim_matches(':').to_owned())
            .collect()
    })
}
