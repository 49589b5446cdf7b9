//! The document itself, and its small sections.

use linkgate_policy::WARNINGS;

use super::Shape::{
    Duration, Moment, Object, ObjectOr, Objects, One, Text, Texts, Whole, Word, WordsAt,
};
use super::{HOUR, MINUTE, Section, otherwise, required, usually};

pub(super) const TOP: Section = Section {
    path: "",
    keys: &[
        required("version", One, "the version of this form"),
        required("issuers", Objects, "whose tokens are accepted, one entry each"),
        usually(
            "base_path",
            Text,
            "/api/v2",
            "where the Management API lies; the guarded routes are under `{base_path}/users`",
        ),
        usually(
            "profile",
            Word(&["off", "read-own"]),
            "off",
            "`read-own` opens `GET {base_path}/users/{user_id}` to the user's own token, with `fields` and `include_fields`",
        ),
        otherwise(
            "pass",
            Texts(0),
            "none",
            "path prefixes, of whole segments, that are passed on untouched but for `client_address` and `request_id`, WebSocket and gRPC excepted. They may not overlap each other or the guarded routes",
        ),
        otherwise("cors", Object, "no CORS", "which pages may call from a browser"),
        otherwise(
            "metadata",
            Object,
            "not carried over",
            "carries the second account's `user_metadata` over before it is linked",
        ),
        otherwise(
            "shadow",
            Object,
            "enforced",
            "lets every request pass until a date, whatever is decided: the decision is logged alone",
        ),
        otherwise(
            "allow",
            WordsAt(&WARNINGS),
            "none",
            "warnings of `linkgate check` that this policy accepts, by their [names](commands.md#warnings): everywhere, or at one place and below it, as `old-sign-ins at issuers[0]`; it decides nothing",
        ),
        otherwise(
            "forward_headers",
            Texts(0),
            "none",
            "headers that go upstream besides `accept`, `accept-language`, `user-agent`, `auth0-client`, `origin`, `traceparent`, `tracestate`",
        ),
        otherwise(
            "client_address",
            ObjectOr("connection"),
            "not looked for",
            "where the address of the client is found: `connection`, the peer of the connection, on hosts that say who that is; or a header that the proxies in front of the gate write. It is recorded, and put on what goes upstream",
        ),
        otherwise(
            "request_id",
            Object,
            "none",
            "gives each request an id, which is recorded, sent upstream, and put on replies of the gate's own; `{}` for the usual header",
        ),
        usually(
            "encoded_slashes",
            Word(&["refuse", "in-ids"]),
            "refuse",
            "`in-ids` lets `%2F` and `%5C` appear in user ids, URLs included; they stay encoded upstream",
        ),
        usually(
            "request_objects",
            Word(&["refuse", "pass"]),
            "refuse",
            "`pass` lets `/authorize` under a `pass` prefix carry `request` or `request_uri`: what is in these the gate does not see, legacy linking included",
        ),
        usually(
            "max_token_bytes",
            Whole(8192, 65_536),
            "8192",
            "the longest token, bearer or `link_with`; a link body may have four times as much. `linkgate check` says what heads hosts must take then",
        ),
        usually(
            "verification",
            Word(&["host", "component"]),
            "host",
            "who verifies signatures. `host`: the gateway, in native code, for the algorithms that it can and after it passed a test at its start; whatever it cannot, and all checks beside the signature, are the component's. `component`: nothing is asked of the gateway",
        ),
        usually(
            "upstream_timeout",
            Duration(100, 5 * MINUTE),
            "10s",
            "until the head of the upstream's answer",
        ),
        usually("body_timeout", Duration(100, 5 * MINUTE), "10s", "for the link body to arrive"),
        otherwise("log", Object, "see below", "what decision records show"),
    ],
};

pub(super) const SHADOW: Section = Section {
    path: "shadow",
    keys: &[required(
        "until",
        Moment,
        "the first moment at which the policy enforces: `2026-12-20`, which is its midnight in UTC, or `2026-12-20T09:00:00Z`. At most 30 days ahead when the policy is loaded",
    )],
};

pub(super) const LOG: Section = Section {
    path: "log",
    keys: &[
        usually(
            "subjects",
            Word(&["plain", "hashed"]),
            "plain",
            "how subjects stand in decision records",
        ),
        usually(
            "claims",
            Word(&["off", "redacted"]),
            "off",
            "`redacted` puts the claims of verified tokens into decision records, those that a policy looks at and no others, for `linkgate replay`",
        ),
    ],
};

pub(super) const CORS: Section = Section {
    path: "cors",
    keys: &[
        required(
            "origins",
            Texts(1),
            "exact origins, lower case; `capacitor://localhost` and `ionic://localhost` too; no `*`, no `null`",
        ),
        usually(
            "max_age",
            Duration(0, 24 * HOUR),
            "10m",
            "how long a browser may keep a preflight's answer",
        ),
    ],
};

pub(super) const CLIENT_ADDRESS: Section = Section {
    path: "client_address",
    keys: &[
        required(
            "header",
            Word(&["x-forwarded-for", "forwarded", "x-real-ip"]),
            "the header with the address; `x-real-ip` has one line with one address",
        ),
        usually(
            "trusted_hops",
            Whole(1, 16),
            "1",
            "which of its entries is the client's, counted from the right over all its lines: as many as there are proxies that append to it. `1` is the last one. With `x-real-ip` only `1`",
        ),
    ],
};

pub(super) const REQUEST_ID: Section = Section {
    path: "request_id",
    keys: &[usually("header", Text, "x-request-id", "the header of the id")],
};
