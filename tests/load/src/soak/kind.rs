//! What is asked for, and what each request deserves.

/// A request of a run. Those from `Bare` on are of somebody who must not get through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Kind {
    /// Link the second account of one's own.
    Link,
    /// Take it off again.
    Unlink,
    /// Read one's own profile.
    Profile,
    /// Read the tenant's keys, which is passed on unseen.
    Keys,
    /// A browser asks before it links.
    Preflight,
    /// Link without a token.
    Bare,
    /// Unlink without a token.
    BareUnlink,
    /// Two `Authorization` headers.
    Twice,
    /// A token that has expired.
    Expired,
    /// The signature of another token.
    Forged,
    /// The token of a machine.
    Machine,
    /// A token without the scope.
    Scopeless,
    /// Link to the account of somebody else.
    LinkOther,
    /// Take an account off somebody else.
    UnlinkOther,
    /// Read the profile of somebody else.
    ProfileOther,
    /// Name the second account instead of proving it.
    ByUserId,
    /// A `link_with` with the signature of another token.
    SecondForged,
    /// A `link_with` that has expired.
    SecondExpired,
    /// A `link_with` that was issued to another client.
    SecondElsewhere,
    /// A `link_with` of the same account.
    SameAccount,
    /// `link_with` twice.
    BodyTwice,
    /// A body of more than 32 KiB.
    BodyLarge,
    /// A path with dot segments.
    Dots,
    /// A path that climbs out of the passed prefix, for a server that decodes it twice.
    Climbing,
    /// A query on a guarded route.
    Query,
    /// Another endpoint of the account.
    Neighbour,
    /// Another method.
    Method,
    /// A path with nothing behind it.
    Nowhere,
}

/// What a request deserves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deserved {
    /// The tenant's own answer; the decision has this cause.
    Upstream(&'static str),
    /// An answer of the gate with this status; the decision has this cause.
    Answer(u16, &'static str),
    /// A refusal, whatever else goes wrong.
    Refusal(Refusal),
}

/// A refusal, as `docs/denials.md` has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) reason: &'static str,
    pub(super) cause: &'static str,
    /// Whether it comes with a challenge.
    pub(super) challenge: bool,
}

impl Kind {
    pub(super) const ALL: [Self; 28] = [
        Self::Link,
        Self::Unlink,
        Self::Profile,
        Self::Keys,
        Self::Preflight,
        Self::Bare,
        Self::BareUnlink,
        Self::Twice,
        Self::Expired,
        Self::Forged,
        Self::Machine,
        Self::Scopeless,
        Self::LinkOther,
        Self::UnlinkOther,
        Self::ProfileOther,
        Self::ByUserId,
        Self::SecondForged,
        Self::SecondExpired,
        Self::SecondElsewhere,
        Self::SameAccount,
        Self::BodyTwice,
        Self::BodyLarge,
        Self::Dots,
        Self::Climbing,
        Self::Query,
        Self::Neighbour,
        Self::Method,
        Self::Nowhere,
    ];

    /// Its place in [`Kind::ALL`], which a trace id carries.
    pub(super) fn index(self) -> usize {
        Self::ALL.iter().position(|kind| *kind == self).unwrap_or_default()
    }

    /// How many in 100 are of this kind: half may get through.
    pub(super) fn share(self) -> usize {
        match self {
            Self::Link | Self::Unlink => 16,
            Self::Profile => 12,
            Self::Keys => 6,
            Self::Preflight => 4,
            Self::Bare
            | Self::BareUnlink
            | Self::Twice
            | Self::Expired
            | Self::Forged
            | Self::Machine
            | Self::Scopeless
            | Self::LinkOther
            | Self::UnlinkOther
            | Self::ProfileOther
            | Self::ByUserId
            | Self::SecondForged
            | Self::SecondExpired
            | Self::SecondElsewhere
            | Self::SameAccount
            | Self::BodyTwice
            | Self::BodyLarge
            | Self::Dots
            | Self::Climbing
            | Self::Query
            | Self::Neighbour
            | Self::Method
            | Self::Nowhere => 2,
        }
    }

    pub(super) fn deserved(self) -> Deserved {
        let refusal = |status, reason, cause| {
            Deserved::Refusal(Refusal { status, reason, cause, challenge: false })
        };
        let challenged = |status, reason, cause| {
            Deserved::Refusal(Refusal { status, reason, cause, challenge: true })
        };
        match self {
            Self::Link | Self::Unlink | Self::Profile => Deserved::Upstream("granted"),
            Self::Keys => Deserved::Upstream("passed"),
            Self::Preflight => Deserved::Answer(204, "preflight"),
            Self::Bare | Self::BareUnlink => challenged(401, "bearer-missing", "bearer-missing"),
            Self::Twice => challenged(400, "bearer-malformed", "bearer-several"),
            Self::Expired => challenged(401, "bearer-invalid", "bearer-expired"),
            Self::Forged => challenged(401, "bearer-invalid", "bearer-signature-invalid"),
            Self::Machine => refusal(403, "bearer-of-machine", "bearer-of-machine"),
            Self::Scopeless => challenged(403, "scope-insufficient", "bearer-scope"),
            Self::LinkOther | Self::UnlinkOther | Self::ProfileOther => {
                refusal(403, "subject-mismatch", "subject-mismatch")
            }
            Self::ByUserId => refusal(400, "link-by-user-id-refused", "link-by-user-id"),
            Self::SecondForged => refusal(400, "link-with-invalid", "secondary-signature-invalid"),
            Self::SecondExpired => refusal(400, "link-with-invalid", "secondary-expired"),
            Self::SecondElsewhere => {
                refusal(400, "link-with-invalid", "secondary-audience-mismatch")
            }
            Self::SameAccount => refusal(400, "same-account", "same-account"),
            Self::BodyTwice => refusal(400, "body-invalid", "body-duplicate"),
            Self::BodyLarge => refusal(413, "body-too-large", "body-too-large"),
            Self::Dots | Self::Climbing => refusal(400, "path-refused", "path-dot-segment"),
            Self::Query => refusal(400, "path-refused", "path-query"),
            Self::Neighbour => refusal(403, "route-refused", "route-neighbour"),
            Self::Method => refusal(403, "route-refused", "route-method"),
            Self::Nowhere => refusal(404, "route-unknown", "route-unknown"),
        }
    }

    /// What it is called in the report.
    pub(super) fn name(self) -> String {
        let mut name = String::new();
        for letter in format!("{self:?}").chars() {
            if letter.is_uppercase() && !name.is_empty() {
                name.push(' ');
            }
            name.extend(letter.to_lowercase());
        }
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_listed_once_and_the_shares_are_of_a_hundred() {
        for (place, kind) in Kind::ALL.into_iter().enumerate() {
            assert_eq!(kind.index(), place, "{kind:?} is there twice");
            assert_eq!(
                kind as usize, place,
                "{kind:?} is out of order, or one before it is missing"
            );
        }
        assert_eq!(Kind::ALL.last(), Some(&Kind::Nowhere), "the last one");
        assert_eq!(Kind::ALL.into_iter().map(Kind::share).sum::<usize>(), 100);
    }

    /// The page is written from the code, so this holds the rows against the code.
    #[test]
    fn the_refusals_are_those_of_the_page() {
        let page = include_str!("../../../../docs/denials.md");
        for kind in Kind::ALL {
            let Deserved::Refusal(refusal) = kind.deserved() else { continue };
            let Refusal { status, reason, cause, challenge } = refusal;
            let row = format!("| `{cause}` | `{reason}` | {status} |");
            assert!(page.contains(&row), "{kind:?}: {row}");
            let challenge = if challenge { "`Bearer" } else { "none" };
            let row = format!("| [`{reason}`](reasons/{reason}.md) | {status} | {challenge}");
            assert!(page.contains(&row), "{kind:?}: {row}");
        }
    }
}
