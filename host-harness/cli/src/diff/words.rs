//! The keys that differ, and how.

use serde_json::{Map, Value};

use crate::reference::{Section, Unless};

/// A key that differs.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Change {
    /// As the reference has it: `issuers[].scopes`.
    pub(crate) key: String,
    /// With the issuer's name: `issuers[https://tenant.example/].scopes`.
    pub(crate) place: String,
    pub(crate) text: String,
}

/// What differs between two documents. Issuers are compared by their names.
pub(crate) fn changes(old: &Value, new: &Value) -> Vec<Change> {
    let mut found = Found(Vec::new());
    found.object(("", ""), old.as_object(), new.as_object());
    found.0
}

struct Found(Vec<Change>);

impl Found {
    fn object(
        &mut self,
        (key, place): (&str, &str),
        old: Option<&Map<String, Value>>,
        new: Option<&Map<String, Value>>,
    ) {
        let mut names: Vec<&String> =
            [old, new].into_iter().flatten().flat_map(Map::keys).collect();
        names.sort();
        names.dedup();
        for name in names {
            let [old, new] =
                [old, new].map(|members| members.and_then(|members| members.get(name)));
            self.member((&joined(key, name), &joined(place, name)), old, new);
        }
    }

    fn member(&mut self, at: (&str, &str), old: Option<&Value>, new: Option<&Value>) {
        if old == new {
            return;
        }
        if at.0 == "issuers" {
            return self.issuers(old, new);
        }
        let is_section = Section::find(at.0).is_some();
        match (old, new) {
            (Some(Value::Object(old)), Some(Value::Object(new))) if is_section => {
                self.object(at, Some(old), Some(new));
            }
            (None, Some(Value::Object(new))) if is_section && !new.is_empty() => {
                self.object(at, None, Some(new));
            }
            (Some(Value::Object(old)), None) if is_section && !old.is_empty() => {
                self.object(at, Some(old), None);
            }
            (Some(Value::Array(old)), Some(Value::Array(new))) => self.list(at, old, new),
            _ => {
                let text = format!("{} → {}", shown(at.0, old), shown(at.0, new));
                self.add(at, text);
            }
        }
    }

    fn issuers(&mut self, old: Option<&Value>, new: Option<&Value>) {
        let items = |value: Option<&Value>| -> Vec<Value> {
            value.and_then(Value::as_array).cloned().unwrap_or_default()
        };
        let (old, new) = (items(old), items(new));
        let name = |issuer: &Value| {
            issuer.get("issuer").and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let named =
            |all: &[Value], wanted: &str| all.iter().find(|one| name(one) == wanted).cloned();
        for gone in old.iter().filter(|one| named(&new, &name(one)).is_none()) {
            self.add(("issuers[].issuer", "issuers"), format!("without `{}`", name(gone)));
        }
        for issuer in &new {
            let name = name(issuer);
            let Some(before) = named(&old, &name) else {
                self.add(("issuers[].issuer", "issuers"), format!("new: `{name}`"));
                continue;
            };
            let place = format!("issuers[{name}]");
            self.object(("issuers[]", &place), before.as_object(), issuer.as_object());
        }
    }

    fn list(&mut self, at: (&str, &str), old: &[Value], new: &[Value]) {
        let beside = |these: &[Value], those: &[Value], mark: &str| -> Vec<String> {
            let extra = these.iter().filter(|item| !those.contains(item));
            extra.map(|item| format!("{mark} {}", text(item))).collect()
        };
        let parts = [beside(old, new, "-"), beside(new, old, "+")].concat();
        let is_order = parts.is_empty();
        self.add(at, if is_order { "in another order".to_owned() } else { parts.join(", ") });
    }

    fn add(&mut self, (key, place): (&str, &str), text: String) {
        self.0.push(Change { key: key.to_owned(), place: place.to_owned(), text });
    }
}

fn joined(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// A value, or what is meant without one.
fn shown(key: &str, value: Option<&Value>) -> String {
    if let Some(value) = value {
        return text(value);
    }
    let (section, name) = key.rsplit_once('.').unwrap_or(("", key));
    let known = Section::find(section);
    let unless = known.and_then(|known| known.keys.iter().find(|key| key.name == name));
    match unless.map(|key| key.unless) {
        Some(Unless::Is(value)) => format!("not written (`{value}`)"),
        Some(Unless::Says("see below") | Unless::Required) | None => "not written".to_owned(),
        Some(Unless::Says(words)) => format!("not written ({words})"),
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => format!("`{}`", linkgate_policy::escaped(text)),
        Value::Array(items) if items.is_empty() => "an empty list".to_owned(),
        Value::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(", "),
        Value::Object(members) if members.contains_key("keys") => "a key set".to_owned(),
        Value::Object(_) | Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_key_that_differs_is_named_once() {
        let issuer = |name: &str, more: Value| {
            let mut issuer = json!({ "issuer": name, "audiences": ["a"] });
            issuer.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            issuer
        };
        let old = json!({ "version": 1, "pass": ["/a", "/b"], "issuers": [
            issuer("https://x/", json!({ "scopes": ["r", "s"], "keys": { "jwks": { "keys": [1] } } })),
            issuer("https://gone/", json!({})),
        ] });
        let new = json!({ "version": 1, "pass": ["/b", "/c"], "cors": { "origins": ["https://p"] }, "issuers": [
            issuer("https://new/", json!({})),
            issuer("https://x/", json!({ "clock_skew": "1m", "keys": { "jwks": { "keys": [2] } } })),
        ] });
        let found: Vec<String> = changes(&old, &new)
            .into_iter()
            .map(|change| format!("{}|{}: {}", change.key, change.place, change.text))
            .collect();
        assert_eq!(
            found,
            [
                "cors.origins|cors.origins: not written → `https://p`",
                "issuers[].issuer|issuers: without `https://gone/`",
                "issuers[].issuer|issuers: new: `https://new/`",
                "issuers[].clock_skew|issuers[https://x/].clock_skew: not written (`30s`) → `1m`",
                "issuers[].keys.jwks|issuers[https://x/].keys.jwks: a key set → a key set",
                "issuers[].scopes|issuers[https://x/].scopes: `r`, `s` → not written (`[update:current_user_identities]`, none for `id-token`)",
                "pass|pass: - `/a`, + `/c`",
            ]
        );
        assert_eq!(changes(&old, &old), []);
    }
}
