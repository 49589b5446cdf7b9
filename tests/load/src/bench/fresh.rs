//! Whether a binary is that of its sources: a benchmark of yesterday's build misleads.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::Attempt;
use crate::process::beside;

/// A file that was named, else the one beside this binary, if it is not older than the sources that cargo made it from;
/// `dep_info` is cargo's list of them, from this binary's folder.
pub(super) fn built(named: Option<PathBuf>, name: &str, dep_info: &str) -> Attempt<PathBuf> {
    if named.is_some() {
        return beside(named, name);
    }
    let file = beside(None, name)?;
    is_fresh(&file, &beside(None, dep_info)?)?;
    Ok(file)
}

fn is_fresh(file: &Path, dep_info: &Path) -> Attempt<()> {
    let sources = std::fs::read_to_string(dep_info).map_err(|error| unknown(dep_info, &error))?;
    let made = modified(file)?;
    for source in sources_in(&sources) {
        if modified(Path::new(&source))? > made {
            return Err(format!("{} is older than {source}: {TODO}", file.display()));
        }
    }
    Ok(())
}

const TODO: &str = "`cargo xtask bench` builds it";

fn modified(file: &Path) -> Attempt<SystemTime> {
    let read = std::fs::metadata(file).and_then(|metadata| metadata.modified());
    read.map_err(|error| unknown(file, &error))
}

fn unknown(file: &Path, error: &std::io::Error) -> String {
    format!("whether what is measured is fresh is unknown: {}: {error}; {TODO}", file.display())
}

/// The paths behind the first colon, in which a backslash keeps a space within a path.
fn sources_in(dep_info: &str) -> Vec<String> {
    let line = dep_info.lines().next().unwrap_or_default();
    let sources = line.split_once(": ").map_or("", |(_, sources)| sources);
    let kept = sources.replace("\\ ", "\0");
    kept.split(' ').filter(|path| !path.is_empty()).map(|path| path.replace('\0', " ")).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn sources_are_those_of_the_binary() {
        let dep_info =
            "/t/release/linkgate: /a/src/main.rs /a/my\\ folder/lib.rs\n\n/a/src/main.rs:\n";
        assert_eq!(sources_in(dep_info), ["/a/src/main.rs", "/a/my folder/lib.rs"]);
    }

    #[test]
    fn a_file_that_is_named_is_taken_as_it_is() {
        let named = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
        assert_eq!(built(Some(named.clone()), "", ""), Ok(named));
    }

    #[test]
    fn a_file_that_is_older_than_a_source_is_refused() {
        let scratch = Scratch::new().unwrap();
        let file = scratch.write("binary", "").unwrap();
        let source = scratch.write("source", "").unwrap();
        let list = scratch.write("binary.d", format!("binary: {}", source.display())).unwrap();
        let age = |age_s| {
            let then = SystemTime::now() - Duration::from_secs(age_s);
            std::fs::File::open(&source).unwrap().set_modified(then).unwrap();
        };
        age(60);
        assert_eq!(is_fresh(&file, &list), Ok(()));
        std::fs::File::open(&file)
            .unwrap()
            .set_modified(SystemTime::now() - Duration::from_mins(2))
            .unwrap();
        let refused = is_fresh(&file, &list).unwrap_err();
        assert!(refused.contains("is older than") && refused.contains("xtask"), "{refused}");
        std::fs::remove_file(&source).unwrap();
        let refused = is_fresh(&file, &list).unwrap_err();
        assert!(refused.contains("unknown"), "its sources are gone: {refused}");
    }
}
