//! `metadata`: how the second account's metadata is carried over.

use super::Shape::{Duration, Flag, Object, SecretName, Text, Texts, TextsOr, Whole, Word};
use super::{MINUTE, SECOND, Section, otherwise, required, usually};

pub(super) const METADATA: Section = Section {
    path: "metadata",
    keys: &[
        required(
            "credentials",
            Word(&["service", "caller"]),
            "`service`: a token of the gate's own. `caller`: the two tokens of the request; only tenants in legacy mode accept ID tokens as bearers, so every issuer must be `kind: id-token`",
        ),
        otherwise(
            "service",
            Object,
            "required with `credentials: service`",
            "where the gate's own token comes from",
        ),
        otherwise(
            "include",
            TextsOr("*"),
            "required with `credentials: service`, else all",
            "keys to carry, or `\"*\"` for all of them",
        ),
        otherwise(
            "exclude",
            Texts(0),
            "none",
            "keys not to carry. They are named in the log, and lost",
        ),
        usually(
            "conflicts",
            Word(&["primary", "secondary", "keep-both", "refuse"]),
            "primary",
            "whose value a key has that both have, with different ones",
        ),
        usually(
            "depth",
            Word(&["first-level", "deep"]),
            "first-level",
            "`deep`: objects on both sides are merged member by member",
        ),
        usually(
            "arrays",
            Word(&["keep", "union"]),
            "keep",
            "the primary's, or `union`: the primary's items, then what the secondary has besides",
        ),
        usually(
            "max_bytes",
            Whole(256, 1_048_576),
            "8192",
            "the primary's `user_metadata` as compact JSON, at most; Auth0 limits a whole profile to 10 KB",
        ),
        usually("timeout", Duration(SECOND, 2 * MINUTE), "20s", "for everything before the link"),
        usually(
            "max_answer_bytes",
            Whole(65_536, 33_554_432),
            "524288",
            "the largest answer of the API that is read; a larger account is not linked",
        ),
        usually(
            "patch",
            Word(&["observe", "merges"]),
            "observe",
            "an upstream whose PATCH was seen to replace the metadata of two accounts is sent no merging link for a while, or `merges`: that it merges is known, and no account's behaviour suspends the links of all",
        ),
        usually(
            "show_outcome",
            Flag,
            "false",
            "`linkgate-metadata` on the answer: the outcome of each key, by name",
        ),
    ],
};

pub(super) const SERVICE: Section = Section {
    path: "metadata.service",
    keys: &[
        otherwise(
            "token",
            SecretName,
            "-",
            "name of a secret that holds a token, instead of all the others here",
        ),
        otherwise(
            "client_id",
            Text,
            "required without `token`",
            "client credentials (RFC 6749 section 4.4). The token is asked for once, kept until a minute before its end, and shared by all instances. Needs a host that remembers between requests: the reference gateway",
        ),
        otherwise(
            "client_secret",
            SecretName,
            "required without `token`",
            "name of the secret that goes with it",
        ),
        otherwise(
            "token_url",
            Text,
            "`{issuer}/oauth/token`",
            "where the token is asked for; needed with several issuers",
        ),
        otherwise("audience", Text, "the issuer's first", "likewise"),
        usually(
            "allow_http",
            Flag,
            "false",
            "`http` beyond loopback: an attacker on the way reads the client secret",
        ),
    ],
};
