//! Where the components lie.

use std::path::{Path, PathBuf};

/// The edition that a gateway of ours runs.
pub(crate) const EVALUATOR: &str = "evaluator";

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
