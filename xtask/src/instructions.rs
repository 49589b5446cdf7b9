//! `cargo xtask instructions`: how many instructions the core's operations take, against the numbers in the repository.
//!
//! ```text
//!  linkgate-prices ─▶ valgrind --tool=callgrind ─▶ counts ─▶ tests/prices/instructions.txt, ±15 %
//! ```
//!
//! A count does not depend on what else the machine does. It is native code's: wasm takes others, and moves with them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::exit::Failure;
use crate::process;
use crate::progress::Progress;
use crate::table;
use crate::workspace::Workspace;

/// The numbers of the last change that was meant.
const FILE: &str = "tests/prices/instructions.txt";

/// How far a count may be from its number, in percent. Processors differ by what `memcpy` picks, and by some
/// digests: a few percent. What a change costs or saves beyond it has to be meant.
const MARGIN_PERCENT: u64 = 15;

/// Plays of each operation: enough that the first, which fills caches, does not count.
const PLAYS: u64 = 200;

/// Set to 1, the counts become the numbers.
const BLESS: &str = "LINKGATE_BLESS";

/// What is subtracted from all others: the fixture.
const EMPTY: &str = "empty";

/// Counts by the name of the operation.
type Counts = BTreeMap<String, u64>;

/// Whether it can be counted here.
pub(crate) fn is_possible() -> bool {
    let mut version = Command::new("valgrind");
    let version = version.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    version.status().is_ok_and(|status| status.success())
}

/// Counts, prints, and compares with the file, or writes it.
pub(crate) fn run(workspace: &Workspace, progress: &Progress) -> Result<(), Failure> {
    if !is_possible() {
        return Err(Failure::new("valgrind is not installed", "apt-get install valgrind"));
    }
    let mut build = workspace.cargo("build --release --package linkgate-prices");
    progress.step(&process::line(&build));
    process::run(&mut build, "look for the first `error` above")?;
    let counts = counted(workspace, progress)?;
    let file = workspace.root.join(FILE);
    if std::env::var_os(BLESS).is_some_and(|value| value == "1") {
        return fs::write(&file, written(&counts)).map_err(|error| unusable(&file, &error));
    }
    let text = fs::read_to_string(&file).map_err(|error| unusable(&file, &error))?;
    let (rows, moved) = compared(&read(&text)?, &counts);
    print!("{}", table::aligned(&rows));
    if moved.is_empty() {
        return Ok(());
    }
    let what = format!("instructions moved by more than {MARGIN_PERCENT} %: {}", moved.join(", "));
    let todo = format!(
        "find what costs or saves them; if it is meant, `{BLESS}=1 cargo xtask instructions` writes {FILE}"
    );
    Err(Failure::new(what, todo))
}

/// What each operation takes, without the fixture.
fn counted(workspace: &Workspace, progress: &Progress) -> Result<Counts, Failure> {
    let binary = workspace.target.join("release").join("linkgate-prices");
    let names = process::capture(Command::new(&binary).arg("list"), "run it by hand")?;
    progress.step("valgrind --tool=callgrind linkgate-prices run …");
    let mut counts = Counts::new();
    for name in names.lines() {
        counts.insert(name.to_owned(), count(workspace, &binary, name)?);
    }
    let empty = counts.remove(EMPTY).unwrap_or_default();
    Ok(counts.into_iter().map(|(name, all)| (name, all.saturating_sub(empty) / PLAYS)).collect())
}

/// What callgrind counts while an operation is played [`PLAYS`] times.
fn count(workspace: &Workspace, binary: &Path, name: &str) -> Result<u64, Failure> {
    let out = workspace.target.join("tmp").join(format!("callgrind.{name}"));
    let folder = out.parent().map_or(Ok(()), fs::create_dir_all);
    folder.map_err(|error| unusable(&out, &error))?;
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["-q", "--tool=callgrind", "--toggle-collect=*linkgate_prices*counted*"]);
    valgrind.arg(format!("--callgrind-out-file={}", out.display()));
    valgrind.arg(binary).args(["run", name, &PLAYS.to_string()]);
    process::run(&mut valgrind, "run it by hand: its output is above")?;
    let text = fs::read_to_string(&out).map_err(|error| unusable(&out, &error))?;
    let line = text.lines().find_map(|line| line.strip_prefix("summary: "));
    line.and_then(|count| count.trim().parse().ok()).filter(|count| *count > 0).ok_or_else(|| {
        let todo = "does the release binary still have a function `counted`?";
        Failure::new(format!("callgrind counted nothing of `{name}`"), todo)
    })
}

/// Rows for people, and the operations that moved.
fn compared(numbers: &Counts, counts: &Counts) -> (Vec<Vec<String>>, Vec<String>) {
    let mut rows =
        vec![["operation", "in the file", "counted", "change"].map(str::to_owned).to_vec()];
    let mut moved = Vec::new();
    let names: std::collections::BTreeSet<&String> = numbers.keys().chain(counts.keys()).collect();
    for name in names {
        let (number, count) = (numbers.get(name), counts.get(name));
        let cell = |count: Option<&u64>| count.map_or("-".to_owned(), u64::to_string);
        let (change, is_near) = match (number, count) {
            (Some(number), Some(count)) => change(*number, *count),
            (None | Some(_), None) | (None, Some(_)) => ("-".to_owned(), false),
        };
        if !is_near {
            moved.push(format!("{name} {} -> {}", cell(number), cell(count)));
        }
        rows.push(vec![name.clone(), cell(number), cell(count), change]);
    }
    (rows, moved)
}

/// The change in percent, and whether it is within the margin.
fn change(number: u64, count: u64) -> (String, bool) {
    let sign = if count < number { "-" } else { "+" };
    let permille = count.abs_diff(number) * 1000 / number.max(1);
    let text = format!("{sign}{}.{} %", permille / 10, permille % 10);
    (text, permille <= MARGIN_PERCENT * 10)
}

fn written(counts: &Counts) -> String {
    let mut text = "# Instructions of each operation of the core, by callgrind, native release build on x86-64.\n\
                    # `cargo xtask instructions` compares with them; LINKGATE_BLESS=1 writes them.\n"
        .to_owned();
    for (name, count) in counts {
        let _ = writeln!(text, "{name} {count}");
    }
    text
}

fn read(text: &str) -> Result<Counts, Failure> {
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let count = |line: &str| {
        let (name, count) = line.split_once(' ')?;
        Some((name.to_owned(), count.parse().ok()?))
    };
    let counts = lines.map(|line| {
        let todo = format!("a line is a name and a number; {BLESS}=1 writes the file anew");
        count(line).ok_or_else(|| Failure::new(format!("{FILE}: `{line}` is no count"), todo))
    });
    counts.collect()
}

fn unusable(file: &Path, error: &std::io::Error) -> Failure {
    Failure::new(format!("`{}`: {error}", file.display()), "check the file and its folder")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(counts: &[(&str, u64)]) -> Counts {
        counts.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
    }

    #[test]
    fn a_count_that_moved_is_named() {
        let numbers = counts(&[("near", 1000), ("up", 1000), ("down", 1000), ("gone", 5)]);
        let now = counts(&[("near", 1150), ("up", 1151), ("down", 849), ("new", 7)]);
        let (rows, moved) = compared(&numbers, &now);
        let expected = ["down 1000 -> 849", "gone 5 -> -", "new - -> 7", "up 1000 -> 1151"];
        assert_eq!(moved, expected);
        assert!(rows.iter().any(|row| row.join(" ") == "near 1000 1150 +15.0 %"), "{rows:?}");
    }

    #[test]
    fn the_file_is_read_as_it_is_written() {
        let all = counts(&[("a", 1), ("b", 20)]);
        assert_eq!(read(&written(&all)), Ok(all));
        assert!(read("a one\n").unwrap_err().what.contains("is no count"));
    }
}
