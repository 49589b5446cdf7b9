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
                if is_private || is_named_secret(name, member) {
                    hide(&pointer);
                } else {
                    walk(member, &pointer, hide);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Whether a secret itself stands where its name belongs, also under a key that is misspelt.
fn is_named_secret(name: &str, value: &Value) -> bool {
    let name = name.to_lowercase();
    let is_name = |text: &str| {
        text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
    };
    ENDINGS.iter().any(|ending| name.ends_with(ending)) && !value.as_str().is_some_and(is_name)
}

/// What the names of keys end with that hold the name of a secret.
const ENDINGS: [&str; 3] = ["secret", "token", "password"];

/// Private and symmetric members of a JSON Web Key (RFC 7518 section 6).
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
