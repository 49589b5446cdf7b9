//! Key sets in files of their own: `keys: { file: … }` of an issuer. The policy reads no files, so
//! the set is put in the place of the name.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use serde_json::{Map, Value};

use crate::once;

/// Largest file, in bytes: as much as a set may have that is fetched. Raised, a file that is no key
/// set is read into memory, once a second.
const MAX_FILE: u64 = 256 << 10;

/// The outcome of the files.
#[derive(Debug, Default)]
pub(crate) struct Inlined {
    /// JSON Pointers of the `keys` in which a set took the place of a file's name.
    pub(crate) read: Vec<String>,
    /// JSON Pointers of the names of files that cannot be read, or are no key set, or too large, and why.
    pub(crate) unread: Vec<(String, String)>,
}

/// Puts the sets in the place of their files' names. Relative names start at `folder`.
pub(crate) fn inline(document: &mut Value, folder: &Path) -> Inlined {
    let mut inlined = Inlined::default();
    let issuers = document.get_mut("issuers").and_then(Value::as_array_mut);
    for (position, issuer) in issuers.into_iter().flatten().enumerate() {
        let Some(keys) = issuer.get_mut("keys").and_then(Value::as_object_mut) else { continue };
        let Some(name) = name(keys) else { continue };
        match read(&folder.join(&name)) {
            Ok(set) => {
                keys.remove("file");
                keys.insert("jwks".to_owned(), set);
                inlined.read.push(format!("/issuers/{position}/keys"));
            }
            Err(why) => inlined
                .unread
                .push((format!("/issuers/{position}/keys/file"), format!("`{name}`: {why}"))),
        }
    }
    inlined
}

/// The file's name, where it is the one source of keys: of several, the policy says that they are
/// too many.
fn name(keys: &Map<String, Value>) -> Option<String> {
    let is_alone = !keys.contains_key("jwks");
    keys.get("file").filter(|_| is_alone).and_then(Value::as_str).map(str::to_owned)
}

fn read(path: &Path) -> Result<Value, String> {
    let unreadable = |error: std::io::Error| format!("cannot read it: {error}");
    let mut text = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(MAX_FILE + 1).read_to_end(&mut text).map_err(unreadable)?;
    if u64::try_from(text.len()).unwrap_or(u64::MAX) > MAX_FILE {
        return Err(format!("expected at most {MAX_FILE} bytes, found more"));
    }
    let set = once::read(&text)?;
    if !set.get("keys").is_some_and(Value::is_array) {
        return Err(
            "expected a JSON Web Key Set, an object with a list of `keys`, found none".to_owned()
        );
    }
    Ok(set)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document;
    use std::path::PathBuf;

    /// A folder of one test's own, gone when the test ends.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let folder =
                std::env::temp_dir().join(format!("linkgate-{}-{name}", std::process::id()));
            std::fs::create_dir_all(folder.join("keys")).unwrap();
            Self(folder)
        }

        fn write(&self, name: &str, text: &str) -> PathBuf {
            let file = self.0.join(name);
            std::fs::write(&file, text).unwrap();
            file
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    const SET: &str = r#"{"keys":[{"kty":"OKP","kid":"a"}]}"#;

    #[test]
    fn a_set_stands_in_the_place_of_its_file() {
        let folder = Folder::new("inlined");
        folder.write("keys/tenant.json", SET);
        let absolute = folder.0.join("keys/tenant.json");
        for (name, text) in [
            ("relative.yaml", "issuers: [{ keys: { file: keys/tenant.json } }]".to_owned()),
            ("relative.json", r#"{"issuers":[{"keys":{"file":"keys/tenant.json"}}]}"#.to_owned()),
            ("absolute.yaml", format!("issuers: [{{ keys: {{ file: {} }} }}]", absolute.display())),
        ] {
            let expected = format!(r#"{{"issuers":[{{"keys":{{"jwks":{SET}}}}}]}}"#);
            let found = document::read(&folder.write(name, &text)).unwrap();
            let parsed = |text: &str| serde_json::from_str::<Value>(text).unwrap();
            assert_eq!(parsed(found.json()), parsed(&expected), "{name}");
        }
        folder.write("keys/tenant.json", r#"{"keys":[]}"#);
        let changed = document::read(&folder.0.join("relative.yaml")).unwrap();
        assert!(
            changed.json().contains(r#"{"jwks":{"keys":[]}}"#),
            "a changed file is another document"
        );
    }

    #[test]
    fn what_is_no_key_file_is_told() {
        let folder = Folder::new("refused");
        folder.write("html.json", "<html>");
        folder.write("twice.json", r#"{"keys":[],"keys":[]}"#);
        folder.write("another.json", r#"{"keys":{}}"#);
        folder.write("single.json", r#"{"kty":"OKP","kid":"a"}"#);
        folder.write("large.json", &" ".repeat((256 << 10) + 1));
        folder.write("full.json", &format!("{SET}{}", " ".repeat((256 << 10) - SET.len())));
        let read = |file: &str| {
            let text = format!("issuers: [{{}}, {{ keys: {{ file: {file} }} }}]");
            document::read(&folder.write("policy.yaml", &text))
        };
        for (file, why) in [
            ("none.json", "cannot read it: "),
            ("keys", "cannot read it: "),
            ("html.json", "expected JSON: expected value at line 1 column 1"),
            ("twice.json", "expected JSON: `keys` is written twice"),
            (
                "another.json",
                "expected a JSON Web Key Set, an object with a list of `keys`, found none",
            ),
            (
                "single.json",
                "expected a JSON Web Key Set, an object with a list of `keys`, found none",
            ),
            ("large.json", "expected at most 262144 bytes, found more"),
        ] {
            let said = read(file).unwrap_err();
            let place = format!("policy.yaml:1:31: error: issuers[1].keys.file: `{file}`: {why}");
            assert!(said.contains(&place), "`{place}` is not in\n{said}");
        }
        assert!(read("full.json").is_ok(), "the largest there may be");
    }

    #[test]
    fn what_the_policy_refuses_is_left_to_it() {
        let folder = Folder::new("left");
        for (name, text) in [
            ("both.json", r#"{"issuers":[{"keys":{"file":"x","jwks":{}}}]}"#),
            ("number.json", r#"{"issuers":[{"keys":{"file":1}}]}"#),
            ("elsewhere.json", r#"{"file":"x","issuers":{"keys":{"file":"x"}}}"#),
        ] {
            let found = document::read(&folder.write(name, text)).unwrap();
            assert_eq!(found.json(), text, "{name}");
        }
        let twice = r#"{"version":1,"version":1,"issuers":[{"keys":{"file":"x"}}]}"#;
        let said = document::read(&folder.write("twice.json", twice)).unwrap_err();
        assert!(
            said.contains("twice.json:1:14: error: version: expected every key once"),
            "{said}"
        );
    }
}
