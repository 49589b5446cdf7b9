//! Which keys of a policy a request can show.

/// How a change of a key shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// By requests that are generated.
    ByRequests,
    /// In words alone: it decides, but over what no request here has.
    InWords,
    /// It decides nothing.
    Nothing,
}

/// Keys that no request shows; what is below one is as it is. All others show.
const OTHERS: [(&str, Shown); 9] = [
    // The tokens of a run are signed with throw-away keys in the place of the issuer's own.
    ("issuers[].keys", Shown::InWords),
    // What is carried over hangs on what two accounts hold: `linkgate plan` and cases with `calls`.
    ("metadata", Shown::InWords),
    ("version", Shown::Nothing),
    ("allow", Shown::Nothing),
    ("verification", Shown::Nothing),
    ("upstream_timeout", Shown::Nothing),
    ("body_timeout", Shown::Nothing),
    ("log", Shown::Nothing),
    // Reported by itself.
    ("shadow", Shown::Nothing),
];

impl Shown {
    /// Of a key as `issuers[].scopes`.
    pub(crate) fn of(key: &str) -> Self {
        let is_at = |known: &str| {
            key.strip_prefix(known).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        OTHERS.iter().find(|(known, _)| is_at(known)).map_or(Self::ByRequests, |(_, shown)| *shown)
    }
}
