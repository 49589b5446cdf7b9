//! The keys that a file of cases may have, and where. Their values are read in [`read`](super::read).

use linkgate_policy::{UNKNOWN_KEY, nearest};
use serde_json::Value;

/// An object of a file of cases.
pub(super) struct Form {
    keys: &'static [(&'static str, Inner)],
}

/// What is below a key.
enum Inner {
    /// Names of the team's own, or no object at all.
    Any,
    /// An object, or a word for one.
    One(&'static Form),
    /// Objects by a name of the team's own.
    Named(&'static Form),
    /// A list of objects.
    List(&'static Form),
}

use Inner::{Any, List, Named, One};

/// The whole file.
pub(super) const FILE: Form = Form {
    keys: &[
        ("policy", Any),
        ("clock", Any),
        ("names", Any),
        ("bearer", One(&TOKEN)),
        ("secondary", One(&TOKEN)),
        ("tokens", Named(&TOKEN)),
        ("requests", Named(&REQUEST)),
        ("upstream_requests", Named(&SENT)),
        ("upstream", One(&UPSTREAM)),
        ("cases", List(&CASE)),
    ],
};

const CASE: Form = Form {
    keys: &[
        ("title", Any),
        ("why", Any),
        ("clock", Any),
        ("bearer", One(&TOKEN)),
        ("secondary", One(&TOKEN)),
        ("tokens", Named(&TOKEN)),
        ("request", One(&REQUEST)),
        ("upstream", One(&UPSTREAM)),
        ("calls", List(&CALL)),
        ("expect", One(&EXPECT)),
    ],
};

const TOKEN: Form = Form {
    keys: &[
        ("like", Any),
        ("key", Any),
        ("sign_as", Any),
        ("header", Any),
        ("claims", Any),
        ("raw_header", Any),
        ("raw_claims", Any),
        ("signature", Any),
        ("compact", Any),
        ("replace", Any),
    ],
};

const REQUEST: Form = Form {
    keys: &[
        ("like", Any),
        ("method", Any),
        ("target", Any),
        ("headers", Any),
        ("drop", Any),
        ("add", Any),
        ("body", Any),
        ("body_breaks_off", Any),
    ],
};

const UPSTREAM: Form =
    Form { keys: &[("fails", Any), ("status", Any), ("headers", Any), ("body", Any)] };

const CALL: Form = Form {
    keys: &[
        ("reads", Any),
        ("writes", Any),
        ("metadata", Any),
        ("linked", Any),
        ("fails", Any),
        ("status", Any),
        ("headers", Any),
        ("body", Any),
    ],
};

const EXPECT: Form = Form {
    keys: &[
        ("outcome", Any),
        ("reason", Any),
        ("cause", Any),
        ("reply", One(&REPLY)),
        ("upstream_request", One(&SENT)),
        ("decision", Any),
    ],
};

const REPLY: Form =
    Form { keys: &[("status", Any), ("headers", Any), ("absent", Any), ("body", Any)] };

const SENT: Form = Form {
    keys: &[("like", Any), ("method", Any), ("path", Any), ("headers", Any), ("body", Any)],
};

/// A key that is not known: its pointer, what to say, and what to do.
pub(super) type Unknown = (String, String, String);

impl Form {
    /// Every key of a value that this form does not have, at any depth.
    pub(super) fn unknown(&self, pointer: &str, value: &Value) -> Vec<Unknown> {
        let Value::Object(members) = value else { return Vec::new() };
        let mut found = Vec::new();
        for (name, member) in members {
            let pointer = below(pointer, name);
            match self.keys.iter().find(|(known, _)| known == name) {
                Some((_, inner)) => found.extend(inner.unknown(&pointer, member)),
                None => {
                    found.push((
                        pointer,
                        format!("{UNKNOWN_KEY}, found `{name}`"),
                        self.help(name),
                    ));
                }
            }
        }
        found
    }

    fn help(&self, name: &str) -> String {
        let names = || self.keys.iter().map(|(known, _)| *known);
        nearest(name, names()).map_or_else(
            || format!("the keys here are: {}", names().collect::<Vec<_>>().join(", ")),
            |near| format!("did you mean `{near}`?"),
        )
    }
}

impl Inner {
    fn unknown(&self, pointer: &str, value: &Value) -> Vec<Unknown> {
        match (self, value) {
            (One(form), value) => form.unknown(pointer, value),
            (Named(form), Value::Object(members)) => members
                .iter()
                .flat_map(|(name, member)| form.unknown(&below(pointer, name), member))
                .collect(),
            (List(form), Value::Array(items)) => items
                .iter()
                .enumerate()
                .flat_map(|(index, item)| form.unknown(&format!("{pointer}/{index}"), item))
                .collect(),
            (Any | Named(_) | List(_), _) => Vec::new(),
        }
    }
}

/// The JSON Pointer of a member.
pub(super) fn below(pointer: &str, name: &str) -> String {
    format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"))
}
