//! Folders of this machine, which have no business in an artifact.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::edition::Arithmetic;
use crate::exit::Failure;
use crate::guest;
use crate::process;
use crate::workspace::{Workspace, cargo_home};

/// A folder, and the name that an artifact has for it instead.
pub(crate) struct Folder {
    path: PathBuf,
    name: &'static str,
}

/// All folders that could end up in an artifact. rustc takes the last that fits, so the narrow ones
/// come last.
pub(crate) fn folders(workspace: &Workspace) -> Result<Vec<Folder>, Failure> {
    let todo = "check that `rustc` and `cargo` work here";
    let sysroot = process::capture(Command::new("rustc").args(["--print", "sysroot"]), todo)?;
    let folder = |path, name| Folder { path, name };
    let mut folders = Vec::new();
    folders.extend(std::env::home_dir().map(|home| folder(home, "home")));
    folders.push(folder(workspace.root.clone(), "linkgate"));
    folders.push(folder(workspace.target.clone(), "target"));
    folders.push(folder(PathBuf::from(sysroot.trim()), "rust"));
    if let Some(home) = cargo_home() {
        // Unpacks the crates, a folder for each registry. Its name tells which: a mirror's must
        // not show.
        let mut fetch = workspace.cargo(&format!("fetch --quiet --target {}", guest::TARGET));
        process::run(&mut fetch, "check the network: crates are missing")?;
        let registries = listed(&home.join("registry").join("src"));
        folders.push(folder(home, "cargo"));
        folders.extend(registries.into_iter().map(|registry| folder(registry, "crates")));
    }
    Ok(folders)
}

/// The flags of a guest, encoded for cargo: they have rustc write the names in place of the folders, and compute as the
/// artifact's hosts do.
pub(crate) fn flags(folders: &[Folder], arithmetic: Arithmetic) -> OsString {
    let mut flags = OsString::from(arithmetic.flags().join(SEPARATOR));
    for Folder { path, name } in folders {
        if !flags.is_empty() {
            flags.push(SEPARATOR);
        }
        flags.push("--remap-path-prefix=");
        flags.push(path);
        flags.push("=");
        flags.push(name);
    }
    flags
}

/// The first folder that the bytes name a path below, if any.
pub(crate) fn shown<'a>(folders: &'a [Folder], bytes: &[u8]) -> Option<&'a Path> {
    let paths = folders.iter().map(|folder| folder.path.as_path());
    paths.into_iter().find(|path| {
        let below = path.join("");
        let needle = below.as_os_str().as_encoded_bytes();
        // A home of `/` appears in any text.
        needle.len() > 1 && bytes.windows(needle.len()).any(|window| window == needle)
    })
}

/// Between two flags in `CARGO_ENCODED_RUSTFLAGS`, so that a folder may hold spaces.
const SEPARATOR: &str = "\u{1f}";

/// What is in a folder, in order; nothing when there is none.
fn listed(folder: &Path) -> Vec<PathBuf> {
    let entries = folder.read_dir().into_iter().flatten().flatten();
    let mut paths: Vec<_> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home(path: &str) -> Folder {
        Folder { path: path.into(), name: "home" }
    }

    #[test]
    fn every_folder_is_renamed_spaces_and_all() {
        assert_eq!(
            flags(&[home("/home/a b"), home("/b")], Arithmetic::Portable),
            "--cfg=cpubits=\"32\"\u{1f}--remap-path-prefix=/home/a b=home\u{1f}--remap-path-prefix=/b=home"
        );
    }

    #[test]
    fn a_path_below_a_folder_is_seen() {
        let folders = [home("/"), home("/home/alice")];
        for (bytes, seen) in [
            (&b"..home/x.rs.."[..], None),
            (b"../home/alicent/x.rs..", None),
            (b"../home/alice/x.rs..", Some(Path::new("/home/alice"))),
        ] {
            assert_eq!(shown(&folders, bytes), seen, "{}", String::from_utf8_lossy(bytes));
        }
    }
}
