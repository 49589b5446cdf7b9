//! What a client may learn of a refusal: a reason code, and everything that hangs on it.
//!
//! Two causes that share a reason look the same from outside. In particular all that is
//! refused about a token before its signature was verified is one reason: the gate is no oracle.

use crate::text::named_enum::named;

named! {
    /// What a client learns: the public reason codes.
    pub enum Reason {
        /// The request is not one a gateway can judge.
        RequestMalformed = "request-malformed",
        /// The path can be read in more than one way.
        PathRefused = "path-refused",
        /// An id holds an encoded slash, which the policy does not allow.
        EncodedSlash = "encoded-slash",
        /// The Management API is closed but for the guarded routes.
        RouteRefused = "route-refused",
        /// There is nothing at this path.
        RouteUnknown = "route-unknown",
        /// No bearer token was sent.
        BearerMissing = "bearer-missing",
        /// The bearer token was sent in a way that is not allowed.
        BearerMalformed = "bearer-malformed",
        /// The bearer token is longer than the policy allows.
        BearerTooLong = "bearer-too-long",
        /// The bearer token is encrypted.
        BearerEncrypted = "bearer-encrypted",
        /// The bearer token does not verify.
        BearerInvalid = "bearer-invalid",
        /// The bearer token is of a kind that this API does not take.
        BearerOfAnotherKind = "bearer-of-another-kind",
        /// The bearer token is a machine's.
        BearerOfMachine = "bearer-of-machine",
        /// The bearer token was issued to somebody who acts for the user.
        BearerOfActor = "bearer-of-actor",
        /// The bearer token is bound to a key, and bearers are taken without proof alone.
        BearerBound = "bearer-bound",
        /// The sign-in behind the bearer token is too weak, or too long ago.
        StepUpNeeded = "step-up-needed",
        /// The bearer token lacks a scope.
        ScopeInsufficient = "scope-insufficient",
        /// The application that the bearer token was issued to cannot be used here.
        ClientRefused = "client-refused",
        /// The user in the path is somebody else.
        SubjectMismatch = "subject-mismatch",
        /// The body has a type that is not understood.
        BodyTypeUnsupported = "body-type-unsupported",
        /// The body is too large.
        BodyTooLarge = "body-too-large",
        /// The body did not arrive whole.
        BodyFailed = "body-failed",
        /// The body is not a link request.
        BodyInvalid = "body-invalid",
        /// The secondary account was named instead of proved.
        LinkByUserIdRefused = "link-by-user-id-refused",
        /// The secondary token is longer than the policy allows.
        LinkWithTooLong = "link-with-too-long",
        /// The secondary token is encrypted.
        LinkWithEncrypted = "link-with-encrypted",
        /// The secondary token does not verify.
        LinkWithInvalid = "link-with-invalid",
        /// The secondary token was issued to somebody who acts for the user.
        LinkWithOfActor = "link-with-of-actor",
        /// The secondary sign-in was too long ago.
        LinkWithTooOld = "link-with-too-old",
        /// The secondary account's e-mail address is not verified.
        LinkWithEmailUnverified = "link-with-email-unverified",
        /// Both accounts are the same.
        SameAccount = "same-account",
        /// The primary account is gone.
        PrimaryGone = "primary-gone",
        /// The secondary account is gone, and not linked to the primary.
        SecondaryGone = "secondary-gone",
        /// Both accounts have a value for the same thing.
        MetadataConflict = "metadata-conflict",
        /// The accounts' metadata cannot become one.
        MetadataUnmergeable = "metadata-unmergeable",
        /// The second account's metadata keeps changing.
        MetadataChanging = "metadata-changing",
        /// The API does not know one of the accounts.
        AccountNotFound = "account-not-found",
        /// The API does not take the metadata of both accounts in one.
        MetadataNotTaken = "metadata-not-taken",
        /// The gate could not decide.
        GateUnavailable = "gate-unavailable",
        /// The gate has no keys to verify with.
        KeysUnavailable = "keys-unavailable",
        /// Another link on the same account is under way.
        LinksBusy = "links-busy",
        /// The accounts' metadata could not be had.
        MetadataUnavailable = "metadata-unavailable",
        /// The gate may not read or write the accounts' metadata.
        MetadataRefused = "metadata-refused",
        /// The Management API takes no calls at the moment.
        MetadataLimited = "metadata-limited",
        /// The upstream replaces metadata where it has to merge it.
        UpstreamReplaces = "upstream-replaces",
        /// Whether metadata was written is not known.
        MetadataOutcomeUnknown = "metadata-outcome-unknown",
        /// Whether the accounts are linked is not known.
        LinkOutcomeUnknown = "link-outcome-unknown",
        /// The upstream was not reached.
        UpstreamUnreachable = "upstream-unreachable",
        /// The upstream did not answer.
        UpstreamOutcomeUnknown = "upstream-outcome-unknown",
    }
}

/// The `error` attribute of a challenge (RFC 6750 section 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Challenge {
    /// No `WWW-Authenticate` at all.
    Unsaid,
    /// A bare `Bearer` challenge: no token was sent, so nothing is wrong with one.
    Bare,
    /// `Bearer` with this `error`.
    Error(&'static str),
    /// `Bearer` with `insufficient_user_authentication`, and what the policy asks for (RFC 9470 section 3).
    StepUp,
}

/// The `error` of a step-up challenge (RFC 9470 section 3).
pub const STEP_UP: &str = "insufficient_user_authentication";

/// What a reason means on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wire {
    /// HTTP status.
    pub status: u16,
    /// Challenge.
    pub challenge: Challenge,
    /// `errorCode`, as clients of the Auth0 Management API read it.
    pub error_code: &'static str,
    /// Fixed text for the client: what happened and what to do.
    pub text: &'static str,
    /// Seconds after which the same request may be sent again.
    pub retry_after_s: Option<u32>,
}

impl Wire {
    const fn new(status: u16, error_code: &'static str, text: &'static str) -> Self {
        Self { status, challenge: Challenge::Unsaid, error_code, text, retry_after_s: None }
    }

    const fn challenged(self, challenge: Challenge) -> Self {
        Self { challenge, ..self }
    }

    const fn retried_after(self, seconds: u32) -> Self {
        Self { retry_after_s: Some(seconds), ..self }
    }
}

impl Reason {
    /// Status, challenge and text: the one place where they are chosen.
    #[must_use]
    #[expect(clippy::too_many_lines, reason = "a table: one row a reason")]
    pub const fn wire(self) -> Wire {
        match self {
            Self::RequestMalformed => Wire::new(
                400,
                "request-malformed",
                "This request cannot be judged: check its target and its headers.",
            ),
            Self::PathRefused => Wire::new(
                400,
                "path-refused",
                "The path can be read in more than one way: send it without dot segments, doubled or encoded slashes, and without a query.",
            ),
            Self::EncodedSlash => Wire::new(
                400,
                "encoded-slash",
                "An encoded slash is refused here: where ids hold slashes, the policy of this gate needs encoded_slashes: in-ids.",
            ),
            Self::RouteRefused => Wire::new(
                403,
                "route-refused",
                "This route or method is closed here: only linking and unlinking own identities is open.",
            ),
            Self::RouteUnknown => Wire::new(404, "route-unknown", "There is nothing at this path."),
            Self::BearerMissing => {
                Wire::new(401, "bearer-missing", "Missing authentication: send a bearer token.")
                    .challenged(Challenge::Bare)
            }
            Self::BearerMalformed => Wire::new(
                400,
                "bearer-malformed",
                "Send exactly one Authorization header with exactly one bearer token.",
            )
            .challenged(Challenge::Error("invalid_request")),
            // RFC 6585 section 5. No 401: a new sign-in brings a token of the same length.
            Self::BearerTooLong => Wire::new(
                431,
                "bearer-too-long",
                "The bearer token is too long here: have the issuer put fewer claims into it.",
            ),
            Self::BearerEncrypted => Wire::new(
                400,
                "bearer-encrypted",
                "The bearer token is encrypted and cannot be read here: ask for a signed access token of this API.",
            )
            .challenged(Challenge::Error("invalid_request")),
            Self::BearerInvalid => Wire::new(
                401,
                "bearer-invalid",
                "The bearer token is invalid or expired: sign in again. If that does not help, it is no token for this API.",
            )
            .challenged(Challenge::Error("invalid_token")),
            // No 401: the page would sign in again, and send the same kind of token.
            Self::BearerOfAnotherKind => Wire::new(
                403,
                "bearer-of-another-kind",
                "The token is not of the kind that is accepted here: send the one that was issued for this API.",
            ),
            Self::BearerOfMachine => Wire::new(
                403,
                "bearer-of-machine",
                "A machine cannot link accounts for a user: send the user's own token.",
            ),
            Self::BearerOfActor => Wire::new(
                403,
                "bearer-of-actor",
                "The token was issued to somebody who acts for the user: send the user's own token.",
            ),
            // No 401: a user who signs in anew gets a bound token again.
            Self::BearerBound => Wire::new(
                403,
                "bearer-bound",
                "Tokens that are bound to a key (DPoP, mutual TLS) are not accepted here: ask for a plain bearer token.",
            ),
            // RFC 9470 section 3.
            Self::StepUpNeeded => Wire::new(
                401,
                STEP_UP,
                "This needs a fresh or a stronger sign-in: sign in again as the challenge says.",
            )
            .challenged(Challenge::StepUp),
            // RFC 6750 section 3.1; the code is the one the Management API itself answers with.
            Self::ScopeInsufficient => Wire::new(
                403,
                "insufficient_scope",
                "Insufficient scope: ask for the scopes of this route when signing in.",
            )
            .challenged(Challenge::Error("insufficient_scope")),
            Self::ClientRefused => Wire::new(
                403,
                "client-refused",
                "Tokens of this application cannot be used here: its operator has to change its settings.",
            ),
            // Text and code are the Management API's own.
            Self::SubjectMismatch => Wire::new(
                403,
                "unowned_resource",
                "User to be acted on does not match subject in bearer token.",
            ),
            Self::BodyTypeUnsupported => Wire::new(
                415,
                "body-type-unsupported",
                "Send link_with as JSON or as a form, without content encoding.",
            ),
            Self::BodyTooLarge => Wire::new(
                413,
                "body-too-large",
                "The body is too large: it holds one token and nothing else.",
            ),
            Self::BodyFailed => Wire::new(
                400,
                "body-failed",
                "The body broke off, came too slowly, or is not well-formed HTTP: send it whole.",
            ),
            Self::BodyInvalid => Wire::new(
                400,
                "body-invalid",
                "The body must be link_with and nothing else: one string, sent once.",
            ),
            Self::LinkByUserIdRefused => Wire::new(
                400,
                "link-by-user-id-refused",
                "The second account cannot be named by provider and user_id: sign in to it and send its ID token as link_with.",
            ),
            Self::LinkWithTooLong => Wire::new(
                413,
                "link-with-too-long",
                "The token (link_with) is too long here: have the issuer put fewer claims into it.",
            ),
            Self::LinkWithEncrypted => Wire::new(
                400,
                "link-with-encrypted",
                "The token (link_with) is encrypted and cannot be read here: send a signed ID token.",
            ),
            Self::LinkWithInvalid => Wire::new(
                400,
                "link-with-invalid",
                "Invalid token (link_with): sign in to the second account and send the ID token of that sign-in.",
            ),
            Self::LinkWithOfActor => Wire::new(
                400,
                "link-with-of-actor",
                "The token (link_with) was issued to somebody who acts for the user: send the ID token of the user's own sign-in.",
            ),
            Self::LinkWithTooOld => Wire::new(
                400,
                "link-with-too-old",
                "The sign-in to the second account was too long ago: sign in to it again.",
            ),
            Self::LinkWithEmailUnverified => Wire::new(
                400,
                "link-with-email-unverified",
                "The second account's e-mail address is not verified: verify it and sign in again.",
            ),
            Self::SameAccount => {
                Wire::new(400, "same-account", "Main identity and the new one are the same.")
            }
            Self::PrimaryGone => Wire::new(
                409,
                "primary-gone",
                "The account to link to does not exist any more: sign in again and look which account is left.",
            ),
            Self::SecondaryGone => Wire::new(
                409,
                "secondary-gone",
                "The second account does not exist any more, or belongs to another one: sign in to it again.",
            ),
            Self::MetadataConflict => Wire::new(
                409,
                "metadata-conflict",
                "Both accounts have different values for the same setting: make them equal on one of them, then link.",
            ),
            Self::MetadataUnmergeable => Wire::new(
                409,
                "metadata-unmergeable",
                "The metadata of both accounts does not fit into one, so no link was sent.",
            ),
            Self::MetadataChanging => Wire::new(
                409,
                "metadata-changing",
                "The second account was changed while it was being linked: try again.",
            ),
            Self::AccountNotFound => Wire::new(
                409,
                "account-not-found",
                "One of the accounts is not known upstream, so no link was sent: sign in to both again.",
            ),
            Self::MetadataNotTaken => Wire::new(
                409,
                "metadata-not-taken",
                "The first account cannot take the second one's metadata as well, so no link was sent.",
            ),
            Self::GateUnavailable => {
                Wire::new(503, "gate-unavailable", "The request could not be decided: try again.")
                    .retried_after(1)
            }
            Self::KeysUnavailable => Wire::new(
                503,
                "keys-unavailable",
                "Tokens cannot be verified at the moment: try again.",
            )
            .retried_after(5),
            Self::LinksBusy => Wire::new(
                503,
                "links-busy",
                "Another link on this account is under way: try again.",
            )
            .retried_after(1),
            Self::MetadataUnavailable => Wire::new(
                503,
                "metadata-unavailable",
                "The accounts' metadata cannot be read at the moment, so no link was sent: try again.",
            )
            .retried_after(1),
            Self::MetadataRefused => Wire::new(
                502,
                "metadata-refused",
                "The accounts' metadata may not be read or written here, so no link was sent.",
            ),
            Self::MetadataLimited => Wire::new(
                429,
                "metadata-limited",
                "Too many requests at the moment, so no link was sent: try again.",
            )
            .retried_after(1),
            Self::UpstreamReplaces => Wire::new(
                502,
                "upstream-replaces",
                "The upstream cannot take over metadata without losing some, so no link was sent.",
            ),
            Self::MetadataOutcomeUnknown => Wire::new(
                504,
                "metadata-outcome-unknown",
                "The upstream did not answer, and nothing was linked: try again.",
            ),
            Self::LinkOutcomeUnknown => Wire::new(
                504,
                "link-outcome-unknown",
                "The upstream did not answer and may have linked the accounts: look before trying again.",
            ),
            Self::UpstreamUnreachable => Wire::new(
                502,
                "upstream-unreachable",
                "The upstream was not reached and has done nothing: try again.",
            )
            .retried_after(1),
            Self::UpstreamOutcomeUnknown => Wire::new(
                504,
                "upstream-outcome-unknown",
                "The upstream did not answer and may have acted: look before trying again.",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_follow_rfc_6750() {
        for reason in Reason::ALL {
            let wire = reason.wire();
            match wire.challenge {
                Challenge::Unsaid => {
                    assert_ne!(wire.status, 401, "{}: RFC 9110 section 15.5.2", reason.name());
                }
                Challenge::Bare => assert_eq!(*reason, Reason::BearerMissing),
                Challenge::StepUp => assert_eq!(*reason, Reason::StepUpNeeded),
                Challenge::Error(_) => assert!(wire.status < 500, "{}", reason.name()),
            }
        }
    }
}
