//! The policies under which histories are walked.

use std::fmt;

use serde_json::{Value, json};

use crate::world::{Holdings, LEFT_OUT, Metadata};

/// A policy, and whether the host serialises links.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Setup {
    pub(crate) rule: Rule,
    /// Objects on both sides are merged member by member, lists become one.
    pub(crate) deep: bool,
    pub(crate) mode: Mode,
    pub(crate) serialised: bool,
    /// The rule of other gateways, where it is another one: a rolling restart.
    pub(crate) other: Option<Rule>,
}

/// Whose value a key has that both accounts have, with different ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    Primary,
    Secondary,
    KeepBoth,
    Refuse,
}

/// Whose tokens the gate's calls carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Caller,
    Service,
}

impl Setup {
    /// Every rule × depth × credentials × whether the host serialises.
    pub(crate) fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for rule in [Rule::Primary, Rule::Secondary, Rule::KeepBoth, Rule::Refuse] {
            for deep in [false, true] {
                for mode in [Mode::Caller, Mode::Service] {
                    for serialised in [true, false] {
                        all.push(Self { rule, deep, mode, serialised, other: None });
                    }
                }
            }
        }
        all
    }

    /// As gateways have it that run the other policy already.
    pub(crate) fn of_others(self) -> Self {
        Self { rule: self.other.unwrap_or(self.rule), ..self }
    }

    /// The policy document.
    pub(crate) fn document(self, issuer: &str) -> Value {
        let (kind, audience) = match self.mode {
            Mode::Caller => ("id-token", "spa".to_owned()),
            Mode::Service => ("access-token", format!("{issuer}api/v2/")),
        };
        let mut metadata = json!({
            "conflicts": self.rule.name(),
            "depth": if self.deep { "deep" } else { "first-level" },
            "arrays": if self.deep { "union" } else { "keep" },
            "exclude": [LEFT_OUT],
            "show_outcome": true,
        });
        match self.mode {
            Mode::Caller => metadata["credentials"] = json!("caller"),
            Mode::Service => {
                metadata["credentials"] = json!("service");
                metadata["service"] = json!({ "token": "SERVICE" });
                metadata["include"] = json!("*");
            }
        }
        json!({
            "version": 1,
            "issuers": [{
                "issuer": issuer,
                "kind": kind,
                "algorithms": ["HS256"],
                "audiences": [audience],
                "hmac_secret": "HMAC",
                "secondary": { "algorithms": ["HS256"] },
            }],
            "metadata": metadata,
        })
    }
}

impl Rule {
    const fn name(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::Secondary => "secondary",
            Self::KeepBoth => "keep-both",
            Self::Refuse => "refuse",
        }
    }
}

impl fmt::Display for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}, {}, {}, {}",
            self.rule.name(),
            if self.deep { "deep" } else { "first level" },
            if self.mode == Mode::Caller { "caller" } else { "service" },
            if self.serialised { "serialised" } else { "unserialised" },
        )?;
        self.other.map_or(Ok(()), |other| write!(f, ", beside {}", other.name()))
    }
}

impl Holdings {
    /// A key of each sort: on one side, on both with the same value, in conflict, left out, reserved.
    /// With `refuse` nothing is in conflict, or nothing would ever be linked.
    pub(crate) fn of(setup: Setup) -> Self {
        let mut primary = object(json!({
            "own": 1.5, "same": "x", "theme": "light",
            "nest": { "a": 1, "b": 2 }, "list": ["p", "x"],
        }));
        let secondary = object(json!({
            "added": "s", "same": "x", "theme": "dark", "none": null,
            "nest": { "b": 3, "c": null }, "list": ["x", "s"], LEFT_OUT: 1,
            "linkgate_00000000000000000000000000000000": { "kept": { "old": [1] } },
        }));
        if setup.rule == Rule::Refuse {
            primary.remove("theme");
            primary["nest"] =
                if setup.deep { json!({ "a": 1 }) } else { secondary["nest"].clone() };
            if !setup.deep {
                primary["list"] = secondary["list"].clone();
            }
        }
        // One value equals the secondary's, the others are in conflict or can be combined.
        let third = match setup.rule {
            Rule::Refuse => json!({ "added": "t", "third": true }),
            _ => json!({
                "added": "s", "theme": "blue", "third": true, "late": "t",
                "nest": { "d": 4 }, "list": ["t"],
            }),
        };
        let third = object(third);
        Self { primary: Some(primary), secondary: Some(secondary), third: Some(third) }
    }
}

pub(crate) fn object(value: Value) -> Metadata {
    match value {
        Value::Object(members) => members,
        other => panic!("{other} is no object"),
    }
}
