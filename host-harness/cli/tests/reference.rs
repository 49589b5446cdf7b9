//! What the documentation says of each key, and what the core does with it, are the same.
#![cfg(test)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use linkgate::reference::{SECTIONS, Section, Shape, Unless, schema, tables};
use linkgate_policy::{Abilities, Mistake, Now, Review, Secrets, review};
use serde_json::{Value, json};

const HOST: Abilities = Abilities::ALL;

/// 2026-11-25, midnight.
const NOW: Now = Now { unix_ms: 1_795_564_800_000, mono_ms: 0 };

fn reviewed(document: &Value) -> Review {
    review(&document.to_string(), &Secrets::stand_in(), HOST, NOW)
}

/// A document with every section in it, as it may be.
fn full() -> Value {
    json!({
        "version": 1,
        "issuers": [{
            "issuer": "https://tenant.example/",
            "audiences": ["https://tenant.example/api/v2/"],
            "algorithms": ["RS256", "HS256"],
            "hmac_secret": "SESSION",
            // As long as may be, so that every `refresh_min` is at most that.
            "keys": { "discovery": true, "refresh": "24h" },
            "max_token_age": "1h",
            "step_up": { "max_age": "1h" },
            "shadow": ["scopes"],
            // What `client_claim: none` takes.
            "type": "at+jwt",
            "secondary": { "audiences": ["app"], "email_verified": true, "shadow": ["max_age"] },
        }],
        "shadow": { "until": "2026-12-20" },
        "client_address": { "header": "x-forwarded-for" },
        "request_id": {},
        "cors": { "origins": ["https://app.example"] },
        "log": {},
        "metadata": {
            "credentials": "service",
            "include": ["language"],
            "service": { "client_id": "linkgate", "client_secret": "LINKGATE" },
        },
    })
}

/// The same, with an inline key set.
fn inline() -> Value {
    let mut document = full();
    document["issuers"][0]["algorithms"] = json!(["EdDSA"]);
    document["issuers"][0]["secondary"] = json!({ "algorithms": ["EdDSA"] });
    document["issuers"][0].as_object_mut().unwrap().remove("hmac_secret");
    document["issuers"][0]["keys"] = json!({ "jwks": { "keys": [{
        "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
    }] } });
    document
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[test]
fn every_key_that_the_core_looks_for_is_described_and_no_other() {
    let mut asked = BTreeSet::new();
    for document in [full(), inline()] {
        let review = reviewed(&document);
        assert_eq!(review.mistakes, [], "{document}");
        asked.extend(review.keys);
    }
    // What a key set is made of is not ours to describe (RFC 7517).
    asked.remove("issuers[].keys.jwks.keys");
    let described: BTreeSet<String> = SECTIONS
        .iter()
        .flat_map(|section| section.keys.iter().map(|key| section.key_path(key.name)))
        .collect();
    let undescribed: Vec<_> = asked.difference(&described).collect();
    assert!(undescribed.is_empty(), "not described: {undescribed:?}");
    let unknown: Vec<_> = described.difference(&asked).collect();
    assert!(unknown.is_empty(), "the core does not look for {unknown:?}");
}

#[test]
fn every_section_hangs_at_a_key() {
    for section in SECTIONS.iter().filter(|section| !section.path.is_empty()) {
        let (parent, name) = section.path.rsplit_once('.').unwrap_or(("", section.path));
        let parent = Section::find(parent).unwrap();
        let key = parent.keys.iter().find(|key| key.name == name.trim_end_matches("[]")).unwrap();
        let is_list = matches!(key.shape, Shape::Objects);
        let is_one = matches!(key.shape, Shape::Object | Shape::ObjectOr(_));
        assert!(is_list || is_one, "{}", section.path);
        assert_eq!(is_list, name.ends_with("[]"), "{}", section.path);
    }
}

/// What the core says of one key with this value, in a document that is good but for that.
fn said_of(path: &str, value: Value) -> Vec<Mistake> {
    let pointer = format!("/{}", path.replace("[]", "/0").replace('.', "/"));
    let mut document = full();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    document.pointer_mut(parent).unwrap()[name] = value;
    let is_about = |mistake: &Mistake| mistake.pointer.starts_with(&pointer);
    reviewed(&document).mistakes.into_iter().filter(is_about).collect()
}

#[test]
fn words_ranges_and_defaults_are_the_cores() {
    for section in SECTIONS {
        for key in section.keys {
            let path = section.key_path(key.name);
            for (value, is_good) in values(&key.shape) {
                let said = said_of(&path, value.clone());
                assert_eq!(said.is_empty(), is_good, "`{path}: {value}`: {said:?}");
            }
            if let Unless::Is(default) = key.unless {
                let value = serde_json::from_str(default).unwrap_or_else(|_word| match default {
                    list if list.starts_with('[') => json!([list.trim_matches(['[', ']'])]),
                    word => json!(word),
                });
                assert_eq!(said_of(&path, value), [], "the default of `{path}`");
            }
        }
    }
}

/// Values at the edge of what may stand there, and beyond it.
fn values(shape: &Shape) -> Vec<(Value, bool)> {
    let ms = |ms: u64| json!(format!("{ms}ms"));
    match *shape {
        Shape::Word(words) => {
            let good = words.iter().map(|word| (json!(word), true));
            // These need more than the word: ID tokens at every issuer.
            let good = good.filter(|(word, _)| word != "caller");
            good.chain([(json!("no-such-word"), false), (json!(true), false)]).collect()
        }
        Shape::Words(words) => {
            let good = words.iter().map(|word| (json!([word]), true));
            good.chain([(json!(["none"]), false), (json!([]), false)]).collect()
        }
        Shape::WordsAt(words) => {
            let at = |word: &str| json!([word, format!("{word} at issuers[0]")]);
            let good = words.iter().map(|word| (at(word), true));
            good.chain([
                (json!(["none"]), false),
                (json!(["none at x"]), false),
                (json!([]), false),
            ])
            .collect()
        }
        Shape::Duration(from, to) => edges(from, to).map(|(at, good)| (ms(at), good)).collect(),
        Shape::DurationOr(from, to, word) => {
            let edges = edges(from, to).map(|(at, good)| (ms(at), good));
            edges.chain([(json!(word), true), (json!("on"), false)]).collect()
        }
        Shape::Whole(from, to) => edges(from, to).map(|(at, good)| (json!(at), good)).collect(),
        Shape::Flag => vec![(json!(true), true), (json!(false), true), (json!("yes"), false)],
        Shape::True => vec![(json!(true), true), (json!(false), false)],
        Shape::Moment => vec![
            (json!("2026-12-20"), true),
            (json!("2026-12-20T09:30:00Z"), true),
            (json!("20.12.2026"), false),
            (json!("2026-12-20T09:30:00+01:00"), false),
            (json!(20_261_220), false),
        ],
        Shape::One => vec![(json!(1), true), (json!(2), false), (json!("1"), false)],
        Shape::Text | Shape::SecretName => vec![(json!(""), false), (json!(1), false)],
        Shape::Texts(least) => vec![(json!([]), least == 0), (json!("one"), false)],
        Shape::TextsOr(word) => vec![(json!(word), true), (json!([]), false), (json!("x"), false)],
        Shape::ObjectOr(word) => {
            vec![(json!(word), true), (json!("no-such-word"), false), (json!([]), false)]
        }
        Shape::Object | Shape::KeySet => vec![(json!([]), false)],
        Shape::Objects => vec![(json!([]), false), (json!({}), false)],
    }
}

fn edges(from: u64, to: u64) -> impl Iterator<Item = (u64, bool)> {
    let below = from.checked_sub(1).map(|below| (below, false));
    below.into_iter().chain([(from, true), (to, true), (to + 1, false)])
}

#[test]
fn the_tables_of_the_documentation_are_as_described() {
    let path = root().join("docs/configuration.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let renewed = tables::renewed(&page).unwrap();
    if std::env::var_os("LINKGATE_BLESS").is_some() {
        std::fs::write(&path, &renewed).unwrap();
    }
    let page = std::fs::read_to_string(&path).unwrap();
    assert!(
        page == renewed,
        "docs/configuration.md is stale: write it anew with `LINKGATE_BLESS=1 cargo test -p linkgate --test reference`"
    );
}

fn validator() -> jsonschema::Validator {
    let schema = schema::schema();
    assert!(jsonschema::meta::is_valid(&schema), "it is a schema");
    jsonschema::options().with_draft(jsonschema::Draft::Draft202012).build(&schema).unwrap()
}

#[test]
fn the_schema_takes_what_the_core_takes() {
    let validator = validator();
    for document in [full(), inline()] {
        let errors: Vec<String> =
            validator.iter_errors(&document).map(|error| error.to_string()).collect();
        assert_eq!(errors, [""; 0], "{document}");
    }
    for section in SECTIONS {
        for key in section.keys {
            let path = section.key_path(key.name);
            let pointer = format!("/{}", path.replace("[]", "/0").replace('.', "/"));
            let (parent, name) = pointer.rsplit_once('/').unwrap();
            for (value, is_good) in values(&key.shape) {
                let mut document = full();
                document.pointer_mut(parent).unwrap()[name] = value.clone();
                let fits = validator.is_valid(&document);
                assert!(fits || !is_good, "`{path}: {value}` does not fit");
                // Ranges of durations are left to the core.
                let is_duration = matches!(key.shape, Shape::Duration(..) | Shape::DurationOr(..));
                assert!(!fits || is_good || is_duration, "`{path}: {value}` fits");
            }
            let mut document = full();
            document.pointer_mut(parent).unwrap()["misspelt"] = json!(1);
            assert!(!validator.is_valid(&document), "an unknown key beside `{path}`");
        }
    }
}

/// Everything below a schema that is described as a key.
fn properties<'s>(schema: &'s Value, path: &str, found: &mut Vec<(String, &'s Value)>) {
    if let Some(members) = schema.get("properties").and_then(Value::as_object) {
        for (name, property) in members {
            let path = format!("{path}.{name}");
            found.push((path.clone(), property));
            if name != "jwks" {
                properties(property, &path, found);
            }
        }
    }
    for inner in ["items"].iter().filter_map(|name| schema.get(name)) {
        properties(inner, path, found);
    }
    for inner in schema.get("anyOf").and_then(Value::as_array).into_iter().flatten() {
        properties(inner, path, found);
    }
}

/// What an editor shows: what a key means, what may be there, its range, and what holds without it.
#[test]
fn an_editor_is_given_all_that_is_known_of_each_key() {
    let schema = schema::schema();
    let mut found = Vec::new();
    properties(&schema, "", &mut found);
    let count: usize = SECTIONS.iter().map(|section| section.keys.len()).sum();
    assert_eq!(found.len(), count);
    for (path, property) in &found {
        let text = property["description"].as_str().unwrap_or_else(|| panic!("{path}"));
        assert!(text.ends_with("; required.") || text.contains("; default: "), "{path}: {text}");
        let is = |name: &str| property.get(name).is_some();
        let is_typed = ["type", "enum", "const", "anyOf"].into_iter().any(is);
        assert!(is_typed, "{path}: {property}");
    }
    for (path, part) in [
        (".issuers.clock_skew", "duration, 0s to 5m; default: `30s`."),
        (".issuers.secondary.max_age", "duration, 1s to 8760h, or `off`; default: `1h`."),
        (".max_token_bytes", "whole number, 8192 to 65536; default: `8192`."),
        (".issuers.hmac_secret", "name of a secret; default: "),
        (".version", "`1`; required."),
    ] {
        let (_, property) = found.iter().find(|(known, _)| known == path).unwrap();
        assert!(property["description"].as_str().unwrap().contains(part), "{path}: {property}");
    }
}

fn examples() -> Vec<PathBuf> {
    let folder = root().join("examples/policies");
    let mut examples: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    examples.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    examples.sort();
    examples
}

#[test]
fn ready_examples_hold_with_and_without_what_they_offer() {
    let validator = validator();
    let examples = examples();
    assert_eq!(examples.len(), 7, "{examples:?}");
    for path in examples {
        let name = path.file_name().unwrap().to_str().unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        // Lines that begin with `#|` are offered, and not in use.
        for text in [text.clone(), text.replace("#| ", "")] {
            let options = serde_saphyr::options! { strict_booleans: true };
            let document: Value = serde_saphyr::from_str_with_options(&text, options).unwrap();
            let review = reviewed(&document);
            assert_eq!(review.mistakes, [], "{name}");
            assert_eq!(review.warnings, [], "{name}");
            let misfits: Vec<String> =
                validator.iter_errors(&document).map(|error| error.to_string()).collect();
            assert_eq!(misfits, [""; 0], "{name}");
        }
    }
}

#[test]
fn auth0_takes_fewer_than_ten_lines() {
    let text = std::fs::read_to_string(root().join("examples/policies/auth0.yaml")).unwrap();
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).count();
    assert!(lines < 10, "{lines}");
}

#[test]
fn the_command_prints_the_schema() {
    let output = Command::new(env!("CARGO_BIN_EXE_linkgate")).arg("schema").output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), [].as_slice()));
    assert_eq!(serde_json::from_slice::<Value>(&output.stdout).unwrap(), schema::schema());
}
