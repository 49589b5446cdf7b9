//! What is legal in a document but unwise: a sentence each, and what would be better.

use jsonwebtoken::Algorithm;

use super::section::Entry;
use super::vendor;
use crate::jose::algorithm;
use crate::rules::issuer::{IssuerRules, Kind};
use crate::time::clock::Now;
use crate::time::duration;
use crate::time::timestamp::Time;

/// Two minutes: clocks that keep time by NTP are within a second of each other.
const LONG_SKEW_MS: u64 = 120_000;

/// A day: a key that was withdrawn because it leaked is used for that long at worst.
const LONG_STALE_MS: u64 = 86_400_000;

/// A day since the sign-in to the second account: another person may have the browser by then.
const LONG_SIGN_IN_MS: u64 = LONG_STALE_MS;

pub(super) fn algorithm(entry: &Entry<'_>, algorithm: Algorithm) {
    if algorithm::is_hmac(algorithm) {
        entry.unwise(
            "secret-shared",
            &format!(
                "{} is symmetric: a party that can check a token can also make one",
                algorithm::name(algorithm)
            ),
            "use RS256 or another public-key algorithm where the issuer has one",
        );
    }
}

/// A longer token needs hosts that take the head of a request with it.
pub(super) fn max_token(entry: &Entry<'_>, bytes: u64) {
    let head_kib = bytes.div_ceil(1024) + OTHER_LINES_KIB;
    if bytes > 8192 {
        entry.unwise(
            "long-tokens",
            &format!("a request with such a token has a head of up to {head_kib} KiB, which its host has to take"),
            &format!(
                "Envoy: `max_request_headers_kb: {head_kib}` or more (60 unless set); `linkgate serve` takes 80 KiB; look at each proxy before them, too"
            ),
        );
    }
}

/// What else a head holds, in KiB: browsers send cookies and more beside a token.
const OTHER_LINES_KIB: u64 = 8;

pub(super) fn kind(entry: &Entry<'_>, kind: Kind) {
    if kind == Kind::IdToken {
        entry.unwise(
            "id-token-bearer",
            "an ID token tells a client who signed in, and is not meant to be sent to an API",
            "use `access-token` unless your tenant accepts nothing else here",
        );
    }
}

pub(super) fn scopes(entry: &Entry<'_>, scopes: &[String], kind: Kind) {
    let is_empty =
        matches!(entry.value(), crate::text::json::Json::List(items) if items.is_empty());
    if is_empty && scopes.is_empty() && kind == Kind::AccessToken {
        entry.unwise(
            "scopes-none",
            "any access token of a user may link and unlink, whatever it was issued for",
            "ask for a scope such as `update:current_user_identities`",
        );
    }
}

pub(super) fn clock_skew(entry: &Entry<'_>, ms: u64) {
    if ms > LONG_SKEW_MS {
        entry.unwise(
            "long-clock-skew",
            &format!("a token is accepted for {} after it expired", duration::show_ms(ms)),
            "keep the clocks in step (NTP) and the skew within 2m",
        );
    }
}

/// `None` is `off`.
pub(super) fn secondary_age(entry: &Entry<'_>, ms: Option<u64>) {
    if ms.is_some_and(|ms| ms <= LONG_SIGN_IN_MS) {
        return;
    }
    entry.unwise(
        "old-sign-ins",
        "an old token of the second account is enough to take that account over",
        "ask for a fresh sign-in, such as `1h`",
    );
}

pub(super) fn stale(entry: &Entry<'_>, ms: u64) {
    if ms == 0 {
        entry.unwise(
            "keys-stale",
            "an outage of the key endpoint is an outage of the gate",
            "allow a time that is longer than most outages, such as `1h`",
        );
    }
    if ms > LONG_STALE_MS {
        entry.unwise(
            "keys-stale",
            &format!("a withdrawn key may be used for {} longer", duration::show_ms(ms)),
            "keep it at what you can bear after a key has leaked, such as `1h`",
        );
    }
}

/// Reads `allow_http`.
pub(super) fn allow_http(entry: &Entry<'_>) -> Option<bool> {
    let allowed = entry.flag()?;
    if allowed {
        entry.unwise(
            "keys-by-http",
            "an attacker on the way can read and change what is fetched without TLS",
            "use `https`, with a CA of your own (`--ca`) if need be",
        );
    }
    Some(allowed)
}

pub(super) fn origin(entry: &Entry<'_>, origin: &str) {
    let Some(authority) = origin.strip_prefix("http://") else { return };
    let is_loopback = ["localhost", "127.0.0.1", "[::1]"].iter().any(|host| {
        authority.strip_prefix(host).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
    });
    if !is_loopback {
        entry.unwise(
            "page-by-http",
            "an attacker on the way to a page without TLS can act as that page",
            "serve the page by `https`, and allow that origin",
        );
    }
}

/// Where the gate acts with its own token.
pub(super) fn scopes_in_shadow(entry: &Entry<'_>, issuers: &[IssuerRules]) {
    if issuers.iter().any(|issuer| issuer.shadow.scopes) {
        entry.unwise(
            "scopes-in-shadow",
            "`scopes` is in shadow: a bearer without them has the gate write with its own token",
            "take `scopes` out of the list `shadow`, or do without `metadata` meanwhile",
        );
    }
}

pub(super) fn shadow(entry: &Entry<'_>, until: Time, now: Now) {
    if until.unix_ms > now.unix_ms {
        entry.unwise(
            "shadow",
            &format!(
                "nothing is enforced until {until}: every request passes, whatever is decided"
            ),
            "take `shadow` out once the decision log shows what you expect",
        );
    } else {
        entry.unwise(
            "shadow-over",
            "the shadow is over, and the policy enforces",
            "take `shadow` out",
        );
    }
}

pub(super) fn rule_in_shadow(entry: &Entry<'_>, rule: &str) {
    entry.unwise(
        "rule-in-shadow",
        &format!("`{rule}` is logged and not enforced"),
        "take it out of the list once the decision log shows what you expect",
    );
}

pub(super) fn every_metadata_key(entry: &Entry<'_>) {
    entry.unwise(
        "metadata-everything",
        "whatever the second account holds is carried over, also what was not foreseen",
        "list the keys that your applications use",
    );
}

/// A name in the place of another: the policy was copied, and not filled in.
pub(super) fn placeholder(entry: &Entry<'_>, text: &str) {
    if !entry.is_reviewed() {
        return;
    }
    if let Some(found) = vendor::placeholder(text) {
        entry.unwise(
            "placeholder",
            &format!("`{found}` is a placeholder for a name of yours: nothing is there"),
            "put your own name in its place; in a template, `allow: [placeholder]`",
        );
    }
}

/// An issuer that no token can name.
pub(super) fn issuer(entry: &Entry<'_>, issuer: &str, audiences: &[String]) {
    placeholder(entry, issuer);
    if let Some(written) = vendor::other_slash(issuer, audiences) {
        entry.unwise(
            "issuer-slash",
            &format!("such issuers write `{written}` as `iss`: no token names this one"),
            "compare it with `issuer` in the discovery document: to the byte, the slash included",
        );
    }
    if let Some(tenants) = vendor::of_any_tenant(issuer) {
        entry.unwise(
            "entra-tenant",
            &format!("tokens name the tenant that they are of, and none is called `{tenants}`"),
            "write the tenant's id: `https://login.microsoftonline.com/TENANT_ID/v2.0`, an issuer for each tenant",
        );
    }
}

/// An audience that no token names.
pub(super) fn audiences(entry: &Entry<'_>, audiences: &[String]) {
    if let Some(audience) = audiences.iter().find(|audience| vendor::lacks_slash(audience)) {
        entry.unwise(
            "audience-slash",
            &format!("Auth0 writes `{audience}/` as `aud`: no token names `{audience}`"),
            "write the slash at its end",
        );
    }
}

/// Scopes that an issuer never writes: every bearer would be refused. Without an entry, the usual scope is meant.
pub(super) fn foreign_scopes(entry: &Entry<'_>, issuer: &str, scopes: Option<&[String]>) {
    let Some((name, form)) = vendor::scopes_elsewhere(issuer) else { return };
    let Some(scopes) = scopes else {
        let message = format!(
            "without `scopes` a bearer needs `update:current_user_identities`, a scope of Auth0's, and this looks like {name}"
        );
        entry.unwise("scopes-foreign", &message, form);
        return;
    };
    if let Some(scope) = scopes.iter().find(|scope| !vendor::writes(issuer, scope)) {
        let message = format!("{name} does not write `{scope}` into an access token");
        entry.unwise("scopes-foreign", &message, form);
    }
}
