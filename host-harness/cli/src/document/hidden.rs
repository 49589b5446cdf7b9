//! What is not shown of a text: secrets that somebody wrote into it by mistake. A line is shown where a mistake
//! is marked, and reports go to logs that many read.

use serde_json::Value;

use super::places::{self, Place, Places};

/// The places of what looks like a secret.
pub(super) fn places(value: &Value, places: &Places) -> Vec<Place> {
    let mut hidden = Vec::new();
    walk(value, "", &mut |pointer| hidden.extend(places.own(pointer)));
    hidden
}

/// Whether a text that could not be read may hold one in this line.
pub(super) fn may_be_in(line: &str) -> bool {
    let line = line.to_lowercase();
    ENDINGS.iter().any(|ending| line.contains(ending))
}

/// The line with stars in the place of what is hidden.
pub(super) fn masked(line: &str, number: usize, hidden: &[Place]) -> String {
    let is_hidden = |column: usize| {
        hidden.iter().filter(|place| place.line == number).any(|place| {
            // Of a text over several lines only the first is known.
            column >= place.column && (place.width == 0 || column < place.column + place.width)
        })
    };
    line.chars().enumerate().map(|(index, c)| if is_hidden(index + 1) { '*' } else { c }).collect()
}

fn walk(value: &Value, pointer: &str, hide: &mut impl FnMut(&str)) {
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                walk(item, &places::item(pointer, index), hide);
            }
        }
        Value::Object(members) => {
            let is_key = members.contains_key("kty");
            for (name, member) in members {
                let pointer = places::member(pointer, name);
                let is_private = is_key && PRIVATE.contains(&name.as_str());
                if is_private || is_of_a_secret(&pointer) {
                    whole(member, &pointer, hide);
                } else {
                    walk(member, &pointer, hide);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Hides all of a value but names of secrets, which is what belongs there.
fn whole(value: &Value, pointer: &str, hide: &mut impl FnMut(&str)) {
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                whole(item, &places::item(pointer, index), hide);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                let pointer = places::member(pointer, name);
                if !PLAIN.contains(&name.as_str()) {
                    whole(member, &pointer, hide);
                }
            }
        }
        Value::String(text) if is_name(text) => {}
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => hide(pointer),
    }
}

/// Whether the value at a pointer may be a secret in the place of its name: by what its key ends
/// with, and wherever credentials are, also under a key that is misspelt.
pub(super) fn is_of_a_secret(pointer: &str) -> bool {
    let name = pointer.rsplit('/').next().unwrap_or_default().to_lowercase();
    let is_below = pointer
        .strip_prefix(CREDENTIALS)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    ENDINGS.iter().any(|ending| name.ends_with(ending))
        || (is_below && !PLAIN.contains(&name.as_str()))
}

/// Secrets have names of this form.
fn is_name(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

/// Where the gate's own credentials stand.
const CREDENTIALS: &str = "/metadata/service";

/// What is beside them and is no secret.
const PLAIN: [&str; 4] = ["client_id", "token_url", "audience", "allow_http"];

/// What the names of keys end with that hold the name of a secret.
const ENDINGS: [&str; 3] = ["secret", "token", "password"];

/// Private and symmetric members of a JSON Web Key (RFC 7518 section 6).
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
