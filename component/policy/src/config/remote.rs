//! Keys that are fetched: from a URL, or from where discovery says.

use super::advice;
use super::algorithms::Wanted;
use super::section::{Entry, Section};
use crate::http::url::{Reach, Url};
use crate::keys::discovery;
use crate::keys::rules::{Place, SourceRules};

/// `jwks_uri`, or `discovery: true`.
pub(super) fn place(source: &mut Section<'_>, issuer: Option<&str>) -> Option<Place> {
    let uri = source.optional("jwks_uri");
    let discovery = source.optional("discovery");
    if let Some(entry) = uri {
        let text = entry.text()?;
        let Some(url) = Url::parse(text) else {
            return entry.wrong(
                "an absolute URL without user information or fragment",
                &format!("`{text}`"),
            );
        };
        advice::placeholder(&entry, text);
        return Some(Place::Jwks(url));
    }
    let entry = discovery?;
    if !entry.flag()? {
        return entry.wrong("`true`, or another source of keys", "`false`");
    }
    own_document(source, issuer)
}

/// The discovery document of the issuer itself.
pub(super) fn own_document(source: &Section<'_>, issuer: Option<&str>) -> Option<Place> {
    let issuer = issuer?;
    let url = discovery::document_url(issuer);
    if url.is_none() {
        let message = format!(
            "expected an issuer that is a URL, or another source of keys than discovery, found `{issuer}`"
        );
        source.mistaken_at("issuer", message, None);
    }
    url.map(Place::Discovery)
}

/// No `keys` at all.
pub(super) fn discovered(
    section: &Section<'_>,
    wanted: &Wanted,
    issuer: Option<&str>,
) -> Option<SourceRules> {
    let place = own_document(section, issuer)?;
    let reach = Reach { hosts: Vec::new(), allow_http: false };
    if let (Place::Discovery(url), Some(issuer)) = (&place, issuer)
        && let Err(why) = url.check(issuer, &reach)
    {
        let message = format!("keys by discovery: {why}");
        section.mistaken_at("issuer", message, Some(HTTP_HELP.to_owned()));
        return None;
    }
    Some(SourceRules {
        issuer: issuer?.to_owned(),
        place,
        reach,
        algorithms: wanted.public.clone(),
        refresh_ms: REFRESH_MS,
        refresh_min_ms: REFRESH_MIN_MS,
        stale_ms: STALE_MS,
        cooldown_ms: COOLDOWN_MS,
        timeout_ms: TIMEOUT_MS,
    })
}

/// The rest of `keys` where they are fetched.
pub(super) fn read(
    mut source: Section<'_>,
    place: Option<Place>,
    wanted: &Wanted,
    issuer: Option<&str>,
) -> Option<SourceRules> {
    let hosts = source.optional("hosts").map(|entry| entry.list(host)).unwrap_or_default();
    let allow_http = source.optional("allow_http").and_then(|entry| advice::allow_http(&entry));
    let reach = Reach { hosts, allow_http: allow_http.unwrap_or(false) };
    let stale_ms = source
        .optional("stale")
        .and_then(|entry| {
            entry.duration_ms(0..=604_800_000).inspect(|ms| advice::stale(&entry, *ms))
        })
        .unwrap_or(STALE_MS);
    let mut duration = |name, range, default| {
        source.optional(name).and_then(|entry| entry.duration_ms(range)).unwrap_or(default)
    };
    let refresh_ms = duration("refresh", 60_000..=86_400_000, REFRESH_MS);
    let refresh_min_ms = duration("refresh_min", 1000..=3_600_000, REFRESH_MIN_MS.min(refresh_ms));
    let cooldown_ms = duration("cooldown", 1000..=3_600_000, COOLDOWN_MS);
    let timeout_ms = duration("timeout", 100..=30_000, TIMEOUT_MS.into());
    if refresh_min_ms > refresh_ms {
        let message = "expected at most `refresh`, found a longer one";
        source.mistaken_at("refresh_min", message.to_owned(), None);
    }
    if let (Some(Place::Jwks(url) | Place::Discovery(url)), Some(issuer)) = (&place, issuer)
        && let Err(why) = url.check(issuer, &reach)
    {
        let help = if why.contains("https") {
            HTTP_HELP.to_owned()
        } else {
            format!("when the issuer's keys are really there, write `hosts: [{}]`", url.host())
        };
        source.mistaken_at("jwks_uri", why, Some(help));
    }
    source.end();
    Some(SourceRules {
        issuer: issuer?.to_owned(),
        place: place?,
        reach,
        algorithms: wanted.public.clone(),
        refresh_ms,
        refresh_min_ms,
        stale_ms,
        cooldown_ms,
        // In range: capped at 30 000.
        timeout_ms: u32::try_from(timeout_ms).unwrap_or(TIMEOUT_MS),
    })
}

/// What to do about keys that would travel in the clear.
const HTTP_HELP: &str = "an attacker on the way could put keys of their own there; inside a network you trust, write `allow_http: true` under `keys`";

/// Ten minutes, as Envoy and Auth0's own libraries have it: the longest a key stays in use after it
/// was withdrawn is this and `stale`.
const REFRESH_MS: u64 = 600_000;

/// A minute: an issuer that says `max-age=0` is not asked at every request.
const REFRESH_MIN_MS: u64 = 60_000;

/// An hour: longer than most outages, shorter than most would bear a withdrawn key.
const STALE_MS: u64 = 3_600_000;

/// Half a minute: the least between two fetches that tokens with an unknown `kid` ask for.
const COOLDOWN_MS: u64 = 30_000;

/// Five seconds: a key set is a small static document.
const TIMEOUT_MS: u32 = 5000;

/// A host name or address, as a URL has it, without a port.
fn host(entry: &Entry<'_>) -> Option<String> {
    let text = entry.text()?;
    let url = Url::parse(&format!("https://{text}"));
    match url {
        Some(url) if url.host() == text => Some(text.to_owned()),
        Some(_) | None => entry.wrong("a host in lower case, without a port", &format!("`{text}`")),
    }
}
