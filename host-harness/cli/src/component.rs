//! Where the components lie.

use std::path::{Path, PathBuf};

use linkgate_policy::escaped;

use crate::artifact::Artifact;

/// The edition that a gateway of ours runs.
pub(crate) const EVALUATOR: &str = "evaluator";

/// The same, built for hosts with wide arithmetic.
const WIDE_EVALUATOR: &str = "evaluator-wide";

/// The evaluator for a gateway: the one asked for, else the one with wide arithmetic where there is one of this version and wasmtime
/// takes it, else the portable one.
///
/// # Errors
///
/// Those of [`find`].
pub(crate) fn find_evaluator(asked: Option<&Path>) -> Result<PathBuf, String> {
    if asked.is_none() && linkgate_gateway::takes_wide_arithmetic() {
        // One that an upgrade left behind decides by the rules of its time.
        let of_now = find(None, WIDE_EVALUATOR).ok().filter(|path| is_of_now(path));
        if let Some(path) = of_now {
            return Ok(path);
        }
    }
    find(asked, EVALUATOR)
}

fn is_of_now(path: &Path) -> bool {
    let label = Artifact::read(path).ok().and_then(|artifact| artifact.surface.label);
    label.is_some_and(|label| label.version == env!("CARGO_PKG_VERSION"))
}

/// The start line about a component: which one it is.
pub(crate) fn line(path: &Path) -> String {
    let file = path.display();
    match Artifact::read(path).ok().and_then(|artifact| artifact.surface.label) {
        None => format!("component {file}"),
        Some(label) if label.needs.is_empty() => format!("component {file}, portable"),
        Some(label) => format!("component {file}, with {}", escaped(&label.needs.join(", "))),
    }
}

/// The file of an edition, as `cargo xtask components` writes it: the one asked for, else the one beside the binary, else the one that
/// cargo's target directory has for a binary in `target/debug` or `target/release`.
///
/// # Errors
///
/// There is none: the text says where it was looked for and what builds it.
pub(crate) fn find(asked: Option<&Path>, edition: &str) -> Result<PathBuf, String> {
    if let Some(path) = asked {
        return Ok(path.to_owned());
    }
    let binary = std::env::current_exe()
        .map_err(|error| format!("the binary's own place is unknown: {error}"))?;
    let folder = binary.parent().unwrap_or(Path::new("."));
    let file = format!("linkgate-{edition}.wasm");
    let places = [folder.join(&file), folder.join("../components").join(&file)];
    places.iter().find(|place| place.is_file()).cloned().ok_or_else(|| {
        let looked: Vec<String> = places.iter().map(|place| format!("  {}", place.display())).collect();
        format!("found no component at\n{}\nbuild it with `cargo xtask components`, or name one with `--component FILE`", looked.join("\n"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A component that holds nothing but its label.
    fn labelled(label: &str) -> Vec<u8> {
        let mut bytes = b"\0asm\x0d\0\x01\0\0".to_vec();
        bytes.push(u8::try_from(label.len() + 9).unwrap());
        bytes.push(8);
        bytes.extend(b"linkgate");
        bytes.extend(label.as_bytes());
        bytes
    }

    #[test]
    fn the_start_line_says_what_a_component_needs() {
        let folder =
            std::env::temp_dir().join(format!("linkgate-component-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let version = env!("CARGO_PKG_VERSION");
        for (row, needs, version, line_ends, is_now) in [
            ("portable", "", version, ".wasm, portable", true),
            (
                "wide",
                r#","needs":["wide-arithmetic"]"#,
                version,
                ".wasm, with wide-arithmetic",
                true,
            ),
            (
                "old",
                r#","needs":["wide-arithmetic"]"#,
                "0.0.1",
                ".wasm, with wide-arithmetic",
                false,
            ),
        ] {
            let path = folder.join(row).with_extension("wasm");
            let label =
                format!(r#"{{"edition":"evaluator","version":"{version}","world":"w"{needs}}}"#);
            std::fs::write(&path, labelled(&label)).unwrap();
            assert!(line(&path).ends_with(line_ends), "{row}: {}", line(&path));
            assert_eq!(is_of_now(&path), is_now, "{row}");
        }
        let foreign = folder.join("foreign.wasm");
        std::fs::write(&foreign, b"\0asm\x0d\0\x01\0").unwrap();
        assert!(line(&foreign).ends_with("foreign.wasm") && !is_of_now(&foreign));
        let absent = folder.join("absent.wasm");
        assert!(line(&absent).ends_with("absent.wasm") && !is_of_now(&absent));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
