//! Policy documents as people write them, and what is wrong with them.

use std::path::Path;

use linkgate_gateway::Mistake;
use serde_json::Value;

use crate::key_file;
use crate::once;

/// Reads a policy document, JSON or YAML, as JSON. Key sets that it names by file stand in it afterwards.
///
/// JSON (`.json`) that names no file is handed on as it is written, so that the policy itself sees a key
/// that stands twice. Elsewhere that is an error here.
///
/// # Errors
///
/// The file, or one that it names, cannot be read, or is no JSON or YAML: the text says where.
pub(crate) fn read(path: &Path) -> Result<String, String> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("cannot read the policy `{}`: {error}", path.display()))?;
    let is_json = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
    let at = |why: String| format!("{}: {why}", path.display());
    let mut document: Value = if is_json {
        serde_json::from_str(&text).map_err(|error| at(format!("expected JSON: {error}")))?
    } else {
        from_yaml(&text).map_err(at)?
    };
    if is_json {
        if !key_file::is_named(&document) {
            return Ok(text);
        }
        document = once::read(text.as_bytes()).map_err(at)?;
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    key_file::inline(&mut document, folder).map_err(at)?;
    Ok(document.to_string())
}

/// YAML 1.2: `off` is a word, not a boolean.
fn from_yaml(text: &str) -> Result<Value, String> {
    let options = serde_saphyr::options! { strict_booleans: true };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| error.to_string())
}

/// Every mistake of a document, a line each, and what to do about it; their count last.
pub(crate) fn explain(path: &Path, mistakes: &[Mistake]) -> String {
    let mut lines = Vec::new();
    for mistake in mistakes {
        let place = if mistake.pointer.is_empty() { "/" } else { &mistake.pointer };
        lines.push(format!("{}: {place}: {}", path.display(), mistake.message));
        lines.extend(mistake.help.iter().map(|help| format!("  help: {help}")));
    }
    let count = mistakes.len();
    let mistakes = if count == 1 { "mistake" } else { "mistakes" };
    lines.push(format!("{count} {mistakes}"));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yaml_keeps_its_words() {
        let json = from_yaml(
            "profile: off\nsecondary: { max_age: off, email_verified: true }\nversion: 1\n",
        )
        .unwrap();
        assert_eq!(
            json.to_string(),
            r#"{"profile":"off","secondary":{"email_verified":true,"max_age":"off"},"version":1}"#
        );
    }

    #[test]
    fn a_key_that_stands_twice_is_an_error() {
        assert!(from_yaml("version: 1\nversion: 2\n").is_err());
    }
}
