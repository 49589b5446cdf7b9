//! `issuers`: whose tokens are accepted, and what they must be.

use super::Shape::{
    Duration, DurationOr, Flag, KeySet, Object, SecretName, Text, Texts, True, Word, Words,
};
use super::{HOUR, MINUTE, SECOND, Section, YEAR, otherwise, required, usually};

/// JWS algorithms (RFC 7518 section 3.1, RFC 8037, RFC 9864). `none` is not one.
const ALGORITHMS: &[&str] = &[
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA", "Ed25519",
    "HS256", "HS384", "HS512",
];

pub(super) const ISSUER: Section = Section {
    path: "issuers[]",
    keys: &[
        required("issuer", Text, "`iss`, compared exactly, trailing slash included"),
        otherwise(
            "audiences",
            Texts(1),
            "required; see `token_use`",
            "the accepted `aud`. Where a token has several, one of them has to be accepted, and every other one too unless it is known to be harmless: an access token may name the issuer's own `userinfo` (`{issuer}/userinfo`) besides",
        ),
        otherwise(
            "audiences_beside",
            Texts(1),
            "none",
            "what an access token may name beside an accepted `aud`, and is not accepted alone: `account` of Keycloak, `https://TENANT.auth0.com/userinfo` of an Auth0 tenant with a custom domain",
        ),
        otherwise("keys", Object, "by discovery", "where the issuer's keys come from"),
        usually(
            "kind",
            Word(&["access-token", "id-token"]),
            "access-token",
            "`id-token` for tenants that still accept ID tokens as bearer",
        ),
        usually("algorithms", Words(ALGORITHMS), "[RS256]", "how its tokens may be signed"),
        otherwise(
            "hmac_secret",
            SecretName,
            "needed for HS algorithms alone",
            "name of a secret of the host's, at least as long as the hash",
        ),
        usually(
            "client_claim",
            Word(&["azp", "client_id", "cid", "appid", "none"]),
            "azp",
            "where an access token names its client. It is asked for where a rule needs it: by `clients`, and to link unless `secondary.audiences` is there. `none`: nowhere, which takes `secondary.audiences`, and `scopes` or `type: at+jwt`",
        ),
        otherwise("clients", Texts(1), "any", "the clients whose access tokens are accepted"),
        otherwise(
            "scopes",
            Texts(0),
            "`[update:current_user_identities]`, none for `id-token`",
            "all are needed to link and unlink. Reading the profile asks for none here: the upstream has its own word on it",
        ),
        otherwise(
            "scope_claim",
            Word(&["scope", "scp", "permissions"]),
            "`scope` or `scp`, whichever is there",
            "where an access token has its scopes: a text with spaces, or a list whose entries are a scope each. Unless set, a token that has both `scope` and `scp` must have the same in them",
        ),
        otherwise(
            "id_token_scopes",
            Words(&["scope", "scp"]),
            "none",
            "scope claims that ID tokens of this issuer may have. Any other ID token with one is taken for an access token, and refused",
        ),
        usually("clock_skew", Duration(0, 5 * MINUTE), "30s", "for `exp`, `nbf`, `iat` and ages"),
        otherwise("max_token_age", Duration(SECOND, YEAR), "none", "since `iat`"),
        otherwise(
            "type",
            Text,
            "`JWT`, `at+jwt` or none; of an ID token `JWT` or none",
            "the header `typ` that a token must have, such as `at+jwt` (RFC 9068)",
        ),
        otherwise(
            "token_use",
            Word(&["access"]),
            "any but `id`",
            "`access`: the claim `token_use` must say so (Amazon Cognito). With it and `clients`, `audiences` may be left out: access tokens are then accepted that have no `aud` at all. That takes `scopes` or `type: at+jwt`",
        ),
        otherwise(
            "actors",
            Texts(1),
            "no one",
            "who may act for a user: the `sub` in `act` (RFC 8693), of this issuer. A token with any other `act` is refused",
        ),
        usually(
            "proof_of_possession",
            Word(&["refuse", "off"]),
            "refuse",
            "a bearer that is bound to a key (`cnf`) is refused, since no proof of it is checked here; `off`: taken as if it were not bound",
        ),
        otherwise(
            "step_up",
            Object,
            "none",
            "how strong and fresh a sign-in linking and unlinking ask for",
        ),
        otherwise("secondary", Object, "see below", "what `link_with` must be"),
        otherwise(
            "shadow",
            Words(&["scopes", "max_token_age", "step_up"]),
            "none",
            "rules of this entry that are logged and not enforced; each must ask for something",
        ),
    ],
};

pub(super) const STEP_UP: Section = Section {
    path: "issuers[].step_up",
    keys: &[
        otherwise("acr", Texts(1), "any", "accepted `acr` (OIDC Core section 2)"),
        otherwise(
            "amr",
            Texts(1),
            "any",
            "accepted in the list `amr` (RFC 8176). With `acr`, one of either is enough",
        ),
        otherwise(
            "max_age",
            Duration(SECOND, YEAR),
            "any",
            "since `auth_time`; a token without it is too old",
        ),
    ],
};

pub(super) const KEYS: Section = Section {
    path: "issuers[].keys",
    keys: &[
        otherwise("jwks", KeySet, "-", "the set itself. A key that cannot be used is a mistake"),
        otherwise(
            "file",
            Text,
            "-",
            "a JSON file that holds such a set, at most 256 KiB, named from the policy's folder; the command line reads it and puts it in the place of `jwks`. A changed one reloads the policy",
        ),
        otherwise("jwks_uri", Text, "-", "the URL of a set"),
        otherwise(
            "discovery",
            True,
            "-",
            "the set that `{issuer}/.well-known/openid-configuration` names. Its `issuer` must be this one, to the byte",
        ),
        otherwise(
            "hosts",
            Texts(0),
            "none",
            "further hosts that the keys may be fetched from, such as `www.googleapis.com`",
        ),
        usually(
            "allow_http",
            Flag,
            "false",
            "`http` beyond loopback. An attacker on the way can then put keys there",
        ),
        usually(
            "refresh",
            Duration(MINUTE, 24 * HOUR),
            "10m",
            "the longest a set is fresh; also for a set that does not say",
        ),
        usually(
            "refresh_min",
            Duration(SECOND, HOUR),
            "1m",
            "the shortest, whatever `Cache-Control: max-age` says; at most `refresh`",
        ),
        usually(
            "stale",
            Duration(0, 168 * HOUR),
            "1h",
            "how much longer a set is used while no other can be fetched",
        ),
        usually(
            "cooldown",
            Duration(SECOND, HOUR),
            "30s",
            "the least between two fetches that tokens with an unknown `kid` ask for",
        ),
        usually("timeout", Duration(100, 30 * SECOND), "5s", "for one fetch"),
    ],
};

pub(super) const SECONDARY: Section = Section {
    path: "issuers[].secondary",
    keys: &[
        usually("algorithms", Words(ALGORITHMS), "[RS256]", "how the token may be signed"),
        otherwise(
            "audiences",
            Texts(1),
            "the bearer's client",
            "accepted `aud`. Of several, each has to be accepted, and `azp` too where it is there. Unless set, it is the bearer's client claim, or with `kind: id-token` the bearer's own `aud` (of several, its `azp`); a client that has the name of an API may not link then",
        ),
        usually(
            "max_age",
            DurationOr(SECOND, YEAR, "off"),
            "1h",
            "since `auth_time`, else `iat`; `off` must be written",
        ),
        otherwise(
            "require",
            Word(&["auth_time"]),
            "nothing",
            "`auth_time`: the token must have it, and `iat` does not replace it. For issuers that write `auth_time`: a token that was renewed without a sign-in has a new `iat`",
        ),
        usually(
            "email_verified",
            Flag,
            "false",
            "whether `email_verified` has to be `true`, or the text `\"true\"` as Apple writes it",
        ),
        otherwise(
            "actors",
            Texts(1),
            "no one",
            "who may act for the user of the second account, as for bearers",
        ),
        otherwise(
            "shadow",
            Words(&["max_age", "email_verified"]),
            "none",
            "rules of this entry that are logged and not enforced; each must ask for something",
        ),
    ],
};
