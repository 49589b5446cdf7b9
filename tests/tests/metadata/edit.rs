//! What others do to the accounts meanwhile.

use std::fmt;

use linkgate_tenant::Tenant;
use serde_json::{Value, json};

use crate::world::{PRIMARY, SECONDARY, THIRD};

/// Something that somebody else does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Edit {
    /// Writes a key of an account: a value, or null to remove it.
    Key(&'static str, &'static str, Wanted),
    /// Links the same secondary to the same primary through another gateway.
    SameLink,
    /// Links another account to the same primary through another gateway.
    ThirdLink,
    /// Links the primary to the secondary, by the API itself.
    Reverse,
    /// Takes the link apart again: the secondary is an account of its own, without metadata.
    Unlink,
}

/// What somebody wants a key to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    Text(&'static str),
    Nothing,
}

impl Wanted {
    pub(crate) fn value(self) -> Value {
        match self {
            Self::Text(text) => json!(text),
            Self::Nothing => Value::Null,
        }
    }
}

const ALL: [Edit; 11] = [
    Edit::Key(PRIMARY, "added", Wanted::Text("mine")),
    Edit::Key(PRIMARY, "theme", Wanted::Text("grey")),
    Edit::Key(PRIMARY, "theme", Wanted::Nothing),
    Edit::Key(PRIMARY, "same", Wanted::Nothing),
    Edit::Key(SECONDARY, "late", Wanted::Text("new")),
    Edit::Key(SECONDARY, "added", Wanted::Text("newer")),
    Edit::Key(SECONDARY, "theme", Wanted::Text("darker")),
    Edit::SameLink,
    Edit::ThirdLink,
    Edit::Reverse,
    Edit::Unlink,
];

impl Edit {
    /// What can be done to the accounts as they stand.
    pub(crate) fn possible(tenant: &Tenant) -> Vec<Self> {
        ALL.into_iter().filter(|edit| edit.changes(tenant)).collect()
    }

    fn changes(self, tenant: &Tenant) -> bool {
        let there = |account: &str| tenant.user(account).is_some();
        match self {
            Self::Key(account, key, wanted) => tenant.user(account).is_some_and(|user| {
                let wanted = Some(wanted.value()).filter(|value| !value.is_null());
                user.user_metadata().and_then(|metadata| metadata.get(key)) != wanted.as_ref()
            }),
            Self::SameLink | Self::Reverse => there(PRIMARY) && there(SECONDARY),
            Self::ThirdLink => there(PRIMARY) && there(THIRD),
            Self::Unlink => tenant
                .user(PRIMARY)
                .is_some_and(|user| user.linked_ids().iter().any(|id| id == SECONDARY)),
        }
    }
}

impl fmt::Display for Edit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(account, key, wanted) => {
                let account = if *account == PRIMARY { "primary" } else { "secondary" };
                match wanted {
                    Wanted::Text(text) => {
                        write!(f, "somebody sets `{key}` of the {account} to `{text}`")
                    }
                    Wanted::Nothing => write!(f, "somebody removes `{key}` of the {account}"),
                }
            }
            Self::SameLink => f.write_str("another gateway begins the same link"),
            Self::ThirdLink => f.write_str("another gateway begins to link a third account"),
            Self::Unlink => f.write_str("somebody unlinks the secondary"),
            Self::Reverse => {
                f.write_str("somebody links the primary to the secondary, without a gate")
            }
        }
    }
}
