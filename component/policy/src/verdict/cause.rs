//! Why a request is refused, as logs and tests have it: fine-grained, and never on the wire.
//!
//! ```text
//!  cause (fine: log, tests) ──▶ reason (coarse: client, metrics) ──▶ status, challenge, text
//! ```
//!
//! [`crate::verdict::reason`] has what a client may learn.

use super::reason::Reason;
use crate::text::named_enum::named;

named! {
    /// What is wrong with a token, in the order in which it is checked.
    pub enum TokenFlaw {
        /// Five parts: it is encrypted (JWE, RFC 7516 section 3.1), and only its recipient can read it.
        Encrypted = "encrypted",
        /// Longer than the limit.
        TooLong = "too-long",
        /// Not three non-empty parts of canonical base64url without padding (RFC 7515 section 7.1).
        NotCompactJws = "not-compact-jws",
        /// The header is not a JSON object, or nested more than 32 levels deep.
        HeaderNotJson = "header-not-json",
        /// A member is in the header twice (RFC 7515 section 4).
        HeaderDuplicate = "header-duplicate",
        /// `alg`, `kid` or `typ` is not a string, or `alg` is missing.
        HeaderType = "header-type",
        /// `crit` asks for extensions that are not understood here (RFC 7515 section 4.1.11).
        HeaderCrit = "header-crit",
        /// The claims are not a JSON object, or nested more than 32 levels deep.
        ClaimsNotJson = "claims-not-json",
        /// A member is in the claims twice (RFC 7519 section 4).
        ClaimsDuplicate = "claims-duplicate",
        /// A claim that a rule reads has a type that the rule cannot read.
        ClaimType = "claim-type",
        /// `iss` is missing.
        IssuerMissing = "issuer-missing",
        /// `iss` is not a configured issuer.
        IssuerUnknown = "issuer-unknown",
        /// `iss` is not the issuer of the bearer token.
        IssuerMismatch = "issuer-mismatch",
        /// `alg` is not a configured algorithm of the issuer; `none` never is.
        AlgorithmRefused = "algorithm-refused",
        /// `exp` is missing.
        ExpiryMissing = "expiry-missing",
        /// `exp` is past.
        Expired = "expired",
        /// `nbf` is ahead.
        NotYetValid = "not-yet-valid",
        /// `iat` is ahead.
        IssuedAhead = "issued-ahead",
        /// `aud` is missing or empty.
        AudienceMissing = "audience-missing",
        /// One `aud` is accepted, and another beside it is not.
        AudienceSeveral = "audience-several",
        /// No `aud` is an accepted one.
        AudienceMismatch = "audience-mismatch",
        /// `azp` of an ID token is not an accepted client (OIDC Core section 3.1.3.7).
        PartyMismatch = "party-mismatch",
        /// No key of the issuer has this `kid`, or none fits the algorithm.
        KeyUnknown = "key-unknown",
        /// No `kid`, and several keys fit.
        KeyAmbiguous = "key-ambiguous",
        /// The signature does not verify.
        SignatureInvalid = "signature-invalid",
        /// Verified, but it reports an event (`events`, RFC 8417), such as a logout, not a sign-in.
        EventToken = "event-token",
        /// Verified, but the header `typ` is that of another kind of token (RFC 8725 section 3.11).
        TypeMismatch = "type-mismatch",
        /// Verified, but a claim says that it is another kind of token.
        KindMismatch = "kind-mismatch",
        /// Verified, but without a `sub`.
        SubjectMissing = "subject-missing",
        /// Verified, but without the client claim, where a rule needs it.
        ClientMissing = "client-missing",
        /// Verified, but issued to a client that is none of the configured ones.
        ClientMismatch = "client-mismatch",
        /// Verified, but without the `iat` (or `auth_time`) that its age is counted from.
        AgeUnknown = "age-unknown",
        /// Verified, but `scope` and `scp` say different things.
        ScopesDiffer = "scopes-differ",
    }
}

named! {
    /// What the caller did wrong, but for the tokens themselves.
    pub enum Flaw {
        /// CONNECT (RFC 9110 section 9.3.6).
        Connect = "connect",
        /// An `Upgrade` header (RFC 9110 section 7.8), but for an offer of `h2c` alone.
        Upgrade = "upgrade",
        /// `Connection` names an end-to-end header (RFC 9110 section 7.6.1).
        ConnectionNamesHeader = "connection-names-header",
        /// A header value holds a control character.
        HeaderMalformed = "header-malformed",
        /// The request target is not in origin-form (RFC 9112 section 3.2.1).
        TargetForm = "target-form",
        /// The request target is longer than the limit.
        TargetTooLong = "target-too-long",
        /// A `#` in the request target.
        PathFragment = "path-fragment",
        /// A raw control character or space in the request target.
        PathRawControl = "path-raw-control",
        /// A raw `\` in the path.
        PathBackslash = "path-backslash",
        /// A `%` without two hex digits after it.
        PathEscapeMalformed = "path-escape-malformed",
        /// An empty segment: `//`, or a trailing `/`.
        PathEmptySegment = "path-empty-segment",
        /// A `.` or `..` segment, raw or encoded, however often.
        PathDotSegment = "path-dot-segment",
        /// `%2F` or `%5C` where it is not opted in.
        PathEncodedSlash = "path-encoded-slash",
        /// A segment that decodes to a control character.
        PathControl = "path-control",
        /// A segment that does not decode to UTF-8.
        PathNotUtf8 = "path-not-utf8",
        /// A query on a guarded route.
        PathQuery = "path-query",
        /// A path that a laxer reader would take for a guarded one.
        PathDisguised = "path-disguised",
        /// A provider that is not a plain name.
        ProviderMalformed = "provider-malformed",
        /// A header that makes some servers take another path than the one sent.
        PathOverride = "path-override",
        /// `/authorize` with an `access_token`, or `/login/unlink`: linking without a gate.
        LegacyLinking = "legacy-linking",
        /// `/authorize` with a request object, or the address of one: it may hold an `access_token`.
        RequestObject = "request-object",
        /// A resource under `{base}/users` that is none of the guarded routes.
        RouteNeighbour = "route-neighbour",
        /// A guarded resource with another method.
        RouteMethod = "route-method",
        /// Reading a profile, which is not configured.
        ProfileOff = "profile-off",
        /// A preflight, and CORS is not configured.
        PreflightOff = "preflight-off",
        /// Neither guarded nor under a `pass` prefix.
        RouteUnknown = "route-unknown",
        /// No bearer token.
        BearerMissing = "bearer-missing",
        /// Several `Authorization` headers, or several tokens in one.
        BearerSeveral = "bearer-several",
        /// `Authorization: DPoP` (RFC 9449 section 7.1).
        BearerDpop = "bearer-dpop",
        /// An `Authorization: Bearer` that is not RFC 6750 section 2.1.
        BearerSyntax = "bearer-syntax",
        /// A verified bearer older than the configured age.
        BearerTooOld = "bearer-too-old",
        /// A verified bearer of a machine.
        BearerOfMachine = "bearer-of-machine",
        /// A verified bearer that somebody got who acts for the user, and is not listed (`act`, RFC 8693).
        BearerOfActor = "bearer-of-actor",
        /// A verified bearer whose subject is no user, as its `sub_profile` says.
        BearerNotOfUser = "bearer-not-of-user",
        /// A verified bearer that is bound to a key (`cnf`), sent without proof of it.
        BearerBound = "bearer-bound",
        /// A verified bearer without a configured scope.
        BearerScope = "bearer-scope",
        /// A verified bearer whose client has the name of an API: tokens for that API would pass for sign-ins.
        BearerClientIsAudience = "bearer-client-is-audience",
        /// A verified bearer of a sign-in that is too weak or too long ago (RFC 9470).
        BearerStepUp = "bearer-step-up",
        /// A verified bearer whose subject is not the user in the path.
        SubjectMismatch = "subject-mismatch",
        /// A link body with a `Content-Encoding`.
        BodyEncoded = "body-encoded",
        /// A link body that is neither JSON nor a form, or says so twice.
        BodyType = "body-type",
        /// A link body beyond the limit.
        BodyTooLarge = "body-too-large",
        /// A link body, or a body on its way through, that broke off, was late or is badly framed.
        BodyFailed = "body-failed",
        /// A link body that is not what its type says.
        BodyMalformed = "body-malformed",
        /// A member is in the link body twice.
        BodyDuplicate = "body-duplicate",
        /// The link body is not `link_with` alone, a string.
        BodyMembers = "body-members",
        /// The link body names the secondary by `provider` and `user_id`.
        LinkByUserId = "link-by-user-id",
        /// A verified secondary token of a machine.
        SecondaryOfMachine = "secondary-of-machine",
        /// A verified secondary token that somebody got who acts for the user, and is not listed.
        SecondaryOfActor = "secondary-of-actor",
        /// A verified secondary token whose subject is no user, as its `sub_profile` says.
        SecondaryNotOfUser = "secondary-not-of-user",
        /// A verified secondary token from a sign-in too long ago.
        SecondaryTooOld = "secondary-too-old",
        /// A verified secondary token whose e-mail address is not verified.
        SecondaryEmail = "secondary-email",
        /// A verified secondary token with an `email_verified` that is neither true nor false.
        SecondaryEmailUnclear = "secondary-email-unclear",
        /// The secondary is the primary.
        SameAccount = "same-account",
        /// The primary account does not exist any more: somebody linked the other way round.
        PrimaryGone = "primary-gone",
        /// The secondary account does not exist, and the primary does not list it.
        SecondaryGone = "secondary-gone",
        /// A key has different values on both accounts, and the policy says `refuse`.
        MetadataConflict = "metadata-conflict",
        /// A key of the secondary's metadata that the API does not take.
        MetadataKeyForbidden = "metadata-key-forbidden",
        /// The merged metadata would be larger than the policy allows.
        MetadataTooLarge = "metadata-too-large",
        /// The metadata of an account, or of both together, is nested too deeply to be read.
        MetadataTooDeep = "metadata-too-deep",
        /// The secondary's metadata kept changing while it was carried over.
        MetadataChanging = "metadata-changing",
        /// The API answers that there is no such account, in words of its own, twice.
        AccountNotFound = "account-not-found",
        /// A text of an account's metadata holds half of a surrogate pair.
        MetadataNotText = "metadata-not-text",
        /// The API does not take what was to be carried over: the profile would be too large for it.
        MetadataNotTaken = "metadata-not-taken",
    }
}

named! {
    /// What is ours or the upstream's doing.
    pub enum Fault {
        /// An event that does not answer the last step.
        OutOfOrder = "out-of-order",
        /// No key to verify with, and none arrived in time.
        KeysUnavailable = "keys-unavailable",
        /// The `kid` is not known, and the issuer was asked too short a while ago to be asked again.
        KeyUndecided = "key-undecided",
        /// Too many requests wait for the issuer's keys.
        KeysBusy = "keys-busy",
        /// Other links on the same accounts took too long.
        LinksBusy = "links-busy",
        /// The gate's own token for the API could not be had.
        ServiceTokenUnavailable = "service-token-unavailable",
        /// An account could not be read before the link.
        MetadataReadFailed = "metadata-read-failed",
        /// The API refused a read or a write of metadata: nothing was linked.
        MetadataRefused = "metadata-refused",
        /// The API takes no calls for longer than the exchange may take.
        MetadataLimited = "metadata-limited",
        /// The time or the calls of the exchange were used up before the link.
        MetadataLate = "metadata-late",
        /// Whether metadata was written is not known: nothing was linked.
        MetadataWriteUnknown = "metadata-write-unknown",
        /// The API's write replaced all metadata instead of merging. It was written back, and nothing was
        /// linked.
        MetadataReplaced = "metadata-replaced",
        /// The API was seen to replace metadata on several accounts: no merging link is tried for a while.
        MergingSuspended = "merging-suspended",
        /// Whether the link was made is not known. What was carried over is kept.
        LinkOutcomeUnknown = "link-outcome-unknown",
        /// The upstream was not reached: it cannot have acted.
        UpstreamUnreachable = "upstream-unreachable",
        /// The upstream did not answer: it may have acted.
        UpstreamUnknown = "upstream-unknown",
    }
}

/// A refusal, with its cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Denial {
    /// Of the request, its route, its body, or of a token that did verify.
    Request(Flaw),
    /// Of the bearer token.
    Bearer(TokenFlaw),
    /// Of the secondary token.
    Secondary(TokenFlaw),
}

impl From<Flaw> for Denial {
    fn from(flaw: Flaw) -> Self {
        Self::Request(flaw)
    }
}

/// Why an exchange went as it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// Permitted, and sent on.
    Granted,
    /// The link is there, as the account shows: it was made before, or its answer was lost.
    LinkFound,
    /// A preflight, answered.
    Preflight,
    /// Outside the guarded routes, passed on.
    Passed,
    /// Let through by a policy in shadow, whatever was decided.
    Shadowed,
    /// Refused.
    Denied(Denial),
    /// Not decided, or not carried out.
    Failed(Fault),
    /// Closed before it was decided.
    Unfinished,
}

impl Cause {
    /// Every cause there is, in the order of the flow.
    pub fn all() -> impl Iterator<Item = Self> {
        let plain = [
            Self::Granted,
            Self::LinkFound,
            Self::Preflight,
            Self::Passed,
            Self::Shadowed,
            Self::Unfinished,
        ];
        plain
            .into_iter()
            .chain(Flaw::ALL.iter().map(|flaw| Self::Denied(Denial::Request(*flaw))))
            .chain(
                TokenFlaw::ALL
                    .iter()
                    .filter(|flaw| flaw.of_bearer())
                    .map(|flaw| Self::Denied(Denial::Bearer(*flaw))),
            )
            .chain(
                TokenFlaw::ALL
                    .iter()
                    .filter(|flaw| flaw.of_secondary())
                    .map(|flaw| Self::Denied(Denial::Secondary(*flaw))),
            )
            .chain(Fault::ALL.iter().map(|fault| Self::Failed(*fault)))
    }

    /// The name in logs and tests: `granted`, `subject-mismatch`, `bearer-expired`, …
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Granted => "granted".to_owned(),
            Self::LinkFound => "link-found".to_owned(),
            Self::Preflight => "preflight".to_owned(),
            Self::Passed => "passed".to_owned(),
            Self::Shadowed => "shadowed".to_owned(),
            Self::Unfinished => "unfinished".to_owned(),
            Self::Denied(Denial::Request(flaw)) => flaw.name().to_owned(),
            Self::Denied(Denial::Bearer(flaw)) => format!("bearer-{}", flaw.name()),
            Self::Denied(Denial::Secondary(flaw)) => format!("secondary-{}", flaw.name()),
            Self::Failed(fault) => fault.name().to_owned(),
        }
    }

    /// The public reason code; a cause that refuses nothing is its own.
    #[must_use]
    pub fn reason_code(self) -> &'static str {
        match self {
            Self::Granted => "granted",
            Self::LinkFound => "link-found",
            Self::Preflight => "preflight",
            Self::Passed => "passed",
            Self::Shadowed => "shadowed",
            Self::Unfinished => "unfinished",
            Self::Denied(denial) => denial.reason().name(),
            Self::Failed(fault) => fault.reason().name(),
        }
    }
}

impl TokenFlaw {
    /// Whether a bearer token can have it: its issuer is looked up, not compared.
    const fn of_bearer(self) -> bool {
        !matches!(self, Self::IssuerMismatch)
    }

    /// Whether a secondary token can have it: its issuer is compared, and it needs no client claim and no scope.
    const fn of_secondary(self) -> bool {
        !matches!(
            self,
            Self::IssuerUnknown | Self::ClientMissing | Self::ClientMismatch | Self::ScopesDiffer
        )
    }

    /// Whether it is of a verified token whose application or issuer is at fault, and no sign-in helps.
    const fn of_application(self) -> bool {
        matches!(
            self,
            Self::SubjectMissing
                | Self::ClientMissing
                | Self::ClientMismatch
                | Self::AgeUnknown
                | Self::ScopesDiffer
        )
    }

    /// Whether it is of a verified token that is none for this API, whatever it was issued for. A page that is
    /// sent to sign in again comes back with the same.
    const fn of_kind(self) -> bool {
        matches!(self, Self::EventToken | Self::TypeMismatch | Self::KindMismatch)
    }
}

impl Denial {
    /// What the client learns.
    #[must_use]
    pub fn reason(self) -> Reason {
        match self {
            Self::Request(flaw) => flaw.reason(),
            Self::Bearer(flaw) if flaw.of_application() => Reason::ClientRefused,
            Self::Bearer(flaw) if flaw.of_kind() => Reason::BearerOfAnotherKind,
            // Neither tells more than the caller sees, and no sign-in helps.
            Self::Bearer(TokenFlaw::TooLong) => Reason::BearerTooLong,
            Self::Bearer(TokenFlaw::Encrypted) => Reason::BearerEncrypted,
            Self::Bearer(_) => Reason::BearerInvalid,
            Self::Secondary(TokenFlaw::TooLong) => Reason::LinkWithTooLong,
            Self::Secondary(TokenFlaw::Encrypted) => Reason::LinkWithEncrypted,
            Self::Secondary(_) => Reason::LinkWithInvalid,
        }
    }
}

impl Flaw {
    /// What the client learns.
    #[must_use]
    pub fn reason(self) -> Reason {
        match self {
            Self::Connect
            | Self::Upgrade
            | Self::ConnectionNamesHeader
            | Self::HeaderMalformed
            | Self::TargetForm => Reason::RequestMalformed,
            Self::TargetTooLong
            | Self::PathFragment
            | Self::PathRawControl
            | Self::PathBackslash
            | Self::PathEscapeMalformed
            | Self::PathEmptySegment
            | Self::PathDotSegment
            | Self::PathControl
            | Self::PathNotUtf8
            | Self::PathQuery
            | Self::PathDisguised
            | Self::ProviderMalformed
            | Self::PathOverride => Reason::PathRefused,
            Self::PathEncodedSlash => Reason::EncodedSlash,
            Self::LegacyLinking
            | Self::RequestObject
            | Self::RouteNeighbour
            | Self::RouteMethod
            | Self::ProfileOff
            | Self::PreflightOff => Reason::RouteRefused,
            Self::RouteUnknown => Reason::RouteUnknown,
            Self::BearerMissing => Reason::BearerMissing,
            Self::BearerSeveral | Self::BearerSyntax => Reason::BearerMalformed,
            Self::BearerTooOld => Reason::BearerInvalid,
            Self::BearerOfMachine => Reason::BearerOfMachine,
            Self::BearerOfActor | Self::BearerNotOfUser => Reason::BearerOfActor,
            Self::BearerDpop | Self::BearerBound => Reason::BearerBound,
            Self::BearerStepUp => Reason::StepUpNeeded,
            Self::BearerScope => Reason::ScopeInsufficient,
            Self::BearerClientIsAudience => Reason::ClientRefused,
            Self::SubjectMismatch => Reason::SubjectMismatch,
            Self::BodyEncoded | Self::BodyType => Reason::BodyTypeUnsupported,
            Self::BodyTooLarge => Reason::BodyTooLarge,
            Self::BodyFailed => Reason::BodyFailed,
            Self::BodyMalformed | Self::BodyDuplicate | Self::BodyMembers => Reason::BodyInvalid,
            Self::LinkByUserId => Reason::LinkByUserIdRefused,
            Self::SecondaryOfMachine => Reason::LinkWithInvalid,
            Self::SecondaryOfActor | Self::SecondaryNotOfUser => Reason::LinkWithOfActor,
            Self::SecondaryTooOld => Reason::LinkWithTooOld,
            Self::SecondaryEmail | Self::SecondaryEmailUnclear => Reason::LinkWithEmailUnverified,
            Self::SameAccount => Reason::SameAccount,
            Self::PrimaryGone => Reason::PrimaryGone,
            Self::SecondaryGone => Reason::SecondaryGone,
            Self::MetadataConflict => Reason::MetadataConflict,
            Self::MetadataKeyForbidden | Self::MetadataTooLarge | Self::MetadataTooDeep => {
                Reason::MetadataUnmergeable
            }
            Self::MetadataChanging => Reason::MetadataChanging,
            Self::AccountNotFound => Reason::AccountNotFound,
            Self::MetadataNotText => Reason::MetadataUnmergeable,
            Self::MetadataNotTaken => Reason::MetadataNotTaken,
        }
    }
}

impl Fault {
    /// What the client learns.
    #[must_use]
    pub fn reason(self) -> Reason {
        match self {
            Self::OutOfOrder => Reason::GateUnavailable,
            Self::KeysUnavailable | Self::KeyUndecided | Self::KeysBusy => Reason::KeysUnavailable,
            Self::LinksBusy => Reason::LinksBusy,
            Self::ServiceTokenUnavailable | Self::MetadataReadFailed | Self::MetadataLate => {
                Reason::MetadataUnavailable
            }
            Self::MetadataRefused => Reason::MetadataRefused,
            Self::MetadataLimited => Reason::MetadataLimited,
            Self::MetadataWriteUnknown => Reason::MetadataOutcomeUnknown,
            Self::MetadataReplaced | Self::MergingSuspended => Reason::UpstreamReplaces,
            Self::LinkOutcomeUnknown => Reason::LinkOutcomeUnknown,
            Self::UpstreamUnreachable => Reason::UpstreamUnreachable,
            Self::UpstreamUnknown => Reason::UpstreamOutcomeUnknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_unique_and_every_reason_has_a_cause() {
        let names: BTreeSet<String> = Cause::all().map(Cause::name).collect();
        assert_eq!(names.len(), Cause::all().count(), "two causes share a name");
        let told: BTreeSet<&str> = Cause::all().map(Cause::reason_code).collect();
        for reason in Reason::ALL {
            assert!(told.contains(reason.name()), "no cause leads to `{}`", reason.name());
        }
    }

    #[test]
    fn what_is_not_verified_is_told_in_one_way() {
        let told: BTreeSet<Reason> = TokenFlaw::ALL
            .iter()
            .filter(|flaw| !flaw.of_application() && !flaw.of_kind())
            .filter(|flaw| !matches!(flaw, TokenFlaw::TooLong | TokenFlaw::Encrypted))
            .map(|flaw| Denial::Bearer(*flaw).reason())
            .collect();
        assert_eq!(told.len(), 1);
    }
}
