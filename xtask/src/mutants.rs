//! `cargo xtask mutants`: each fix of the metadata protocol and each rule about remembered and verified tokens removed
//! again, one at a time, in a copy of the workspace. A test that is named beside it has to fail.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;

use crate::edition;
use crate::exit::Failure;
use crate::process;
use crate::progress::Progress;
use crate::workspace::Workspace;

/// Where the mutants are written down.
const LIST: &str = "tests/mutants.json";

/// What they are changes of.
const CODE: &str = "component/policy/src";

/// A fix, removed.
struct Mutant {
    /// What is no longer done.
    without: String,
    /// Below [`CODE`].
    file: String,
    /// A text that is there once, and what it becomes.
    from: String,
    to: String,
    /// `policy`, `metadata` or `cases`.
    suite: String,
    /// A part of the name of the test that fails; of `cases`, the name of the case.
    test: String,
}

impl Mutant {
    fn read(row: &Value) -> Option<Self> {
        let text = |name: &str| row.get(name).and_then(Value::as_str).map(str::to_owned);
        Some(Self {
            without: text("without")?,
            file: text("file")?,
            from: text("from")?,
            to: text("to")?,
            suite: text("suite")?,
            test: text("test")?,
        })
    }

    /// The code without the fix.
    fn applied(&self, code: &str) -> Result<String, Failure> {
        match code.matches(&self.from).count() {
            1 => Ok(code.replacen(&self.from, &self.to, 1)),
            found => Err(Failure::new(
                format!("`{}` is {found} times in {}, for: {}", self.from, self.file, self.without),
                format!("write the mutant anew, in {LIST}"),
            )),
        }
    }
}

/// Makes the mutants whose text or test has `asked` in it, and says which are not caught.
pub(crate) fn run(workspace: &Workspace, progress: &Progress, asked: &str) -> Result<(), Failure> {
    let mutants = list(&workspace.root)?;
    let wanted = |mutant: &&Mutant| mutant.without.contains(asked) || mutant.test.contains(asked);
    let wanted: Vec<&Mutant> = mutants.iter().filter(wanted).collect();
    if wanted.is_empty() {
        return Err(Failure::new(format!("no mutant has `{asked}`"), format!("look at {LIST}")));
    }
    let copy =
        Workspace { root: workspace.target.join("mutants"), target: workspace.target.clone() };
    copied(workspace, &copy.root)?;
    for mutant in &wanted {
        progress.step(&format!("with every fix: {}", mutant.test));
        if fails(&copy, mutant)? {
            let test = &mutant.test;
            return Err(Failure::new(format!("{test} fails with every fix"), "mend it first"));
        }
    }
    let (mut made, mut missed) = (0, Vec::new());
    for mutant in wanted {
        progress.step(&format!("without: {}", mutant.without));
        copied(workspace, &copy.root)?;
        let file = copy.root.join(CODE).join(&mutant.file);
        write(&file, &mutant.applied(&read(&file)?)?)?;
        made += 1;
        if fails(&copy, mutant)? {
            progress.step(&format!("caught by {}", mutant.test));
        } else {
            progress.step(&format!("NOT caught by {}", mutant.test));
            missed.push(mutant.without.as_str());
        }
    }
    progress.step(&format!("{} of {made} mutants are caught", made - missed.len()));
    if missed.is_empty() {
        return Ok(());
    }
    Err(Failure::new(missed.join("; "), "write a test that sees it"))
}

/// Whether the test that is named fails. A mutant that does not compile is a mistake in the list.
fn fails(copy: &Workspace, mutant: &Mutant) -> Result<bool, Failure> {
    let test = || {
        let mut test = copy.cargo("test --quiet");
        match mutant.suite.as_str() {
            "policy" => test.args(["--package", "linkgate-policy", "--lib"]),
            suite => test.arg("--workspace").args(edition::excluded()).args(["--test", suite]),
        };
        test.env("LINKGATE_CASE", &mutant.test);
        test
    };
    process::run(test().arg("--no-run"), &format!("mend the mutant in {LIST}"))?;
    let name = if mutant.suite == "cases" { "native_core" } else { &mutant.test };
    let mut run = test();
    let run = run.args(["--", name]).stdout(Stdio::null()).stderr(Stdio::null());
    Ok(process::run(run, "").is_err())
}

fn list(root: &Path) -> Result<Vec<Mutant>, Failure> {
    let todo = format!("look at {LIST}");
    let text = read(&root.join(LIST))?;
    let rows: Vec<Value> = serde_json::from_str(&text)
        .map_err(|error| Failure::new(format!("no list of mutants: {error}"), &todo))?;
    let mutants: Option<Vec<Mutant>> = rows.iter().map(Mutant::read).collect();
    mutants.ok_or_else(|| Failure::new("a mutant has a member too few", todo))
}

/// A copy of what git knows, so that a run that is stopped leaves nothing behind. Files that are the same
/// stay as they are: cargo compiles what changed.
fn copied(workspace: &Workspace, to: &Path) -> Result<(), Failure> {
    let mut files = std::process::Command::new("git");
    let files = process::capture(
        files.args(["ls-files", "-z"]).current_dir(&workspace.root),
        "run this inside a clone of linkgate",
    )?;
    let names: BTreeSet<&str> = files.split('\0').filter(|name| !name.is_empty()).collect();
    remove_others(to, to, &names)?;
    for name in names {
        let (from, to): (PathBuf, PathBuf) = (workspace.root.join(name), to.join(name));
        let bytes = fs::read(&from).map_err(|error| unreadable(&from, &error))?;
        if fs::read(&to).is_ok_and(|there| there == bytes) {
            continue;
        }
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder).map_err(|error| unreadable(folder, &error))?;
        }
        fs::write(&to, bytes).map_err(|error| unreadable(&to, &error))?;
    }
    Ok(())
}

/// Removes what is in an earlier copy and has another name or none by now.
fn remove_others(root: &Path, folder: &Path, names: &BTreeSet<&str>) -> Result<(), Failure> {
    // Before the first copy there is no folder.
    let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
    for path in entries.filter_map(Result::ok).map(|entry| entry.path()) {
        let name = path.strip_prefix(root).ok().and_then(Path::to_str).unwrap_or_default();
        if path.is_dir() {
            remove_others(root, &path, names)?;
        } else if !names.contains(name) {
            fs::remove_file(&path).map_err(|error| unreadable(&path, &error))?;
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|error| unreadable(path, &error))
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    fs::write(path, text).map_err(|error| unreadable(path, &error))
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(format!("{}: {error}", path.display()), "look at that file")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The list keeps up with the code, and names tests that there are.
    #[test]
    fn every_mutant_can_be_made() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let tests = |folder: &str| -> String {
            let files = fs::read_dir(root.join(folder)).unwrap();
            files.map(|file| fs::read_to_string(file.unwrap().path()).unwrap()).collect()
        };
        let policy: String = ["access", "jose", "metadata", "testing"]
            .map(|folder| tests(&format!("{CODE}/{folder}")))
            .concat();
        let metadata = tests("tests/tests/metadata");
        for mutant in list(root).unwrap() {
            let code = read(&root.join(CODE).join(&mutant.file)).unwrap();
            assert!(mutant.applied(&code).is_ok_and(|other| other != code), "{}", mutant.without);
            let name = format!("fn {}(", mutant.test);
            let is_there = match mutant.suite.as_str() {
                "policy" => policy.contains(&name),
                "metadata" => metadata.contains(&name),
                "cases" => root.join(format!("tests/cases/{}.yaml", mutant.test)).exists(),
                _ => false,
            };
            assert!(is_there, "{} in {}: {}", mutant.test, mutant.suite, mutant.without);
        }
    }
}
