//! What of two accounts' metadata has to be there after a link, worked out apart from the gate.

use serde_json::Value;

use crate::setup::{Rule, Setup};
use crate::world::{LEFT_OUT, Metadata};

/// What every reserved key begins with.
pub(crate) const RESERVED: &str = "linkgate_";

/// A value that must not be lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    /// From the top-level key down.
    pub(crate) path: Vec<String>,
    pub(crate) value: Value,
    /// Whether it is an item of the list there.
    pub(crate) is_item: bool,
}

/// What must be reachable after a link, of a primary and a secondary that were read like this. With
/// `refuse`, a conflict is an error.
pub(crate) fn pieces(
    primary: &Metadata,
    secondary: &Metadata,
    setup: Setup,
) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    for (key, own) in primary {
        let other = secondary.get(key).filter(|value| is_carried(key, value));
        let staged = staged(key, primary);
        match (other, staged) {
            // Whatever it holds must go on being there, applied or not.
            _ if key.starts_with(RESERVED) => of_entry(key, own, primary, setup, &mut pieces),
            (Some(other), _) if staged.is_none() || own != other => {
                combine(std::slice::from_ref(key), own, other, setup, &mut pieces)?;
            }
            (_, Some(staged)) => pieces.extend(of_staged(key, staged, primary, setup)),
            (_, None) => pieces.push(Piece::whole(std::slice::from_ref(key), own)),
        }
    }
    for (key, value) in secondary {
        if is_carried(key, value) && (key.starts_with(RESERVED) || !primary.contains_key(key)) {
            pieces.push(Piece::whole(std::slice::from_ref(key), value));
        }
    }
    Ok(pieces)
}

fn is_carried(key: &str, value: &Value) -> bool {
    key.starts_with(RESERVED) || (key != LEFT_OUT && !value.is_null())
}

/// The values inside a reserved key of the primary, by the keys they belong to.
fn of_entry(
    reserved: &str,
    entry: &Value,
    primary: &Metadata,
    setup: Setup,
    pieces: &mut Vec<Piece>,
) {
    let Some(parts) = entry.as_object() else {
        pieces.push(Piece::whole(&[reserved.to_owned()], entry));
        return;
    };
    for (name, part) in parts {
        match (name.as_str(), part.as_object()) {
            ("staged", Some(members)) => {
                for (key, value) in members {
                    pieces.extend(of_staged(key, value, primary, setup));
                }
            }
            // Digests of the primary's own values.
            ("against", _) => {}
            // Copies of what a secondary holds; if it is linked, that link has its own pieces.
            ("undone", _) => {}
            ("earlier", _) => of_entry(reserved, part, primary, setup, pieces),
            (_, Some(members)) => {
                let whole = |(key, value): (&String, &Value)| {
                    Piece::whole(std::slice::from_ref(key), value)
                };
                pieces.extend(members.iter().map(whole));
            }
            (_, None) => pieces.push(Piece::whole(std::slice::from_ref(name), part)),
        }
    }
}

/// What waits to be applied to a key.
pub(crate) fn staged<'a>(key: &str, primary: &'a Metadata) -> Option<&'a Value> {
    let entries = primary.iter().filter(|(name, _)| name.starts_with(RESERVED));
    entries.filter_map(|(_, entry)| entry.get("staged")?.get(key)).next()
}

/// A staged value may be applied, by the rule.
pub(crate) fn of_staged(key: &str, value: &Value, primary: &Metadata, setup: Setup) -> Vec<Piece> {
    let path = [key.to_owned()];
    let mut pieces = Vec::new();
    let combined =
        primary.get(key).map(|own| combine(&path, own, value, setup, &mut pieces).is_ok());
    if combined == Some(true) { pieces } else { vec![Piece::whole(&path, value)] }
}

fn combine(
    path: &[String],
    own: &Value,
    other: &Value,
    setup: Setup,
    pieces: &mut Vec<Piece>,
) -> Result<(), String> {
    match (own, other) {
        (own, other) if own == other => pieces.push(Piece::whole(path, own)),
        (Value::Object(own), Value::Object(other)) if setup.deep => {
            for (name, value) in own {
                let path: Vec<String> = path.iter().chain([name]).cloned().collect();
                match other.get(name) {
                    Some(other) => combine(&path, value, other, setup, pieces)?,
                    None => pieces.push(Piece::whole(&path, value)),
                }
            }
            for (name, value) in other.iter().filter(|(name, _)| !own.contains_key(*name)) {
                let path: Vec<String> = path.iter().chain([name]).cloned().collect();
                pieces.push(Piece::whole(&path, value));
            }
        }
        (Value::Array(own), Value::Array(other)) if setup.deep => {
            let item =
                |value: &Value| Piece { path: path.to_vec(), value: value.clone(), is_item: true };
            pieces.extend(own.iter().chain(other).map(item));
        }
        (own, other) => match setup.rule {
            Rule::Primary => pieces.push(Piece::whole(path, own)),
            Rule::Secondary => pieces.push(Piece::whole(path, other)),
            Rule::KeepBoth => {
                pieces.extend([own, other].map(|value| Piece::whole(path, value)));
            }
            Rule::Refuse => return Err(format!("`{}` is in conflict", path.join("."))),
        },
    }
    Ok(())
}

impl Piece {
    fn whole(path: &[String], value: &Value) -> Self {
        Self { path: path.to_vec(), value: value.clone(), is_item: false }
    }

    /// The top-level key it belongs to.
    pub(crate) fn key(&self) -> &str {
        &self.path[0]
    }

    /// Whether it can be read on an account: under its key, or anywhere inside a reserved key.
    pub(crate) fn is_reachable(&self, metadata: &Metadata) -> bool {
        self.stands_in(metadata)
            || metadata
                .iter()
                .filter(|(key, _)| key.starts_with(RESERVED))
                .any(|(_, value)| self.is_inside(value))
    }

    fn is_inside(&self, value: &Value) -> bool {
        value.as_object().is_some_and(|members| {
            self.stands_in(members) || members.values().any(|value| self.is_inside(value))
        })
    }

    fn stands_in(&self, members: &Metadata) -> bool {
        let first = members.get(self.key());
        let found =
            self.path[1..].iter().try_fold(first, |at, name| at.map(|value| value.get(name)));
        match found.flatten() {
            Some(Value::Array(items)) if self.is_item => items.contains(&self.value),
            Some(found) => !self.is_item && *found == self.value,
            None => false,
        }
    }
}
