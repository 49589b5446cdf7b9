//! The JSON Schemas beside the suites: ours, written from what the Management API v2 describes.

use std::path::Path;

use jsonschema::{Registry, Validator};
use serde_json::Value;

/// Every schema in `tests/schemas`, by file name.
pub(crate) struct Schemas(Vec<(String, Validator)>);

impl Schemas {
    /// Reads and compiles them all; each is itself checked against draft 2020-12.
    pub(crate) fn load() -> Self {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schemas");
        let files = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
        let documents: Vec<(String, Value)> =
            files.map(|file| (name_of(&file), read(&file))).collect();
        let mut registry = Registry::new();
        for (_, document) in &documents {
            jsonschema::meta::validate(document).unwrap();
            registry = registry.add(document["$id"].as_str().unwrap(), document).unwrap();
        }
        let registry = registry.prepare().unwrap();
        let compile = |document: &Value| {
            jsonschema::options().with_registry(&registry).build(document).unwrap()
        };
        Self(documents.iter().map(|(name, document)| (name.clone(), compile(document))).collect())
    }

    /// Fails, with every error, unless `body` is what the schema `name` describes.
    pub(crate) fn check(&self, name: &str, body: &Value, row: &str) {
        let errors = self.errors(name, body);
        assert!(errors.is_empty(), "{row}: not as {name} has it: {errors:#?}\nin {body:#}");
    }

    /// What `body` has against the schema `name`.
    pub(crate) fn errors(&self, name: &str, body: &Value) -> Vec<String> {
        let found = self.0.iter().find(|(held, _)| held == name);
        let (_, schema) = found.unwrap_or_else(|| panic!("no schema {name}"));
        schema
            .iter_errors(body)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect()
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }
}

fn name_of(file: &Path) -> String {
    file.file_name().unwrap().to_string_lossy().into_owned()
}

fn read(file: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
}
