//! Where an issuer's keys come from: inline, at a URL, or where discovery says.

use jsonwebtoken::Algorithm;

use super::advice;
use super::section::{Entry, Section};
use crate::discovery;
use crate::json::Json;
use crate::jwks::{self, KeyRow, MAX_KEYS};
use crate::key::{self, Key};
use crate::keyring::IssuerKeys;
use crate::protocol::Secrets;
use crate::source::{Place, SourceRules};
use crate::url::{Reach, Url};

/// The algorithms that keys are wanted for.
pub(super) struct Wanted {
    shared: Vec<Algorithm>,
    public: Vec<Algorithm>,
}

impl Wanted {
    /// Those of bearer and of secondary tokens, each once.
    pub(super) fn of(bearer: &[Algorithm], secondary: &[Algorithm]) -> Self {
        let other = secondary.iter().filter(|algorithm| !bearer.contains(algorithm));
        let (shared, public) =
            bearer.iter().chain(other).copied().partition(|algorithm| key::is_hmac(*algorithm));
        Self { shared, public }
    }
}

/// Reads `keys` and `hmac_secret` of an issuer. Without `keys`, discovery says where they are.
pub(super) fn read(
    section: &mut Section<'_>,
    wanted: &Wanted,
    issuer: Option<&str>,
    secrets: &Secrets,
) -> Option<IssuerKeys> {
    let mut own = shared_keys(section, &wanted.shared, secrets);
    let entry = section.optional("keys");
    let (inline, remote) = match entry.as_ref().map(Entry::section) {
        Some(Some(source)) => written(source, wanted, issuer),
        // A mistake, noted where it stands.
        Some(None) => (Vec::new(), None),
        None if wanted.public.is_empty() => (Vec::new(), None),
        None => (Vec::new(), discovered(section, wanted, issuer)),
    };
    let mut rows = Vec::new();
    for entry in inline {
        own.extend(entry.keys);
        rows.push(entry.row);
    }
    Some(IssuerKeys { issuer: issuer?.to_owned(), own, rows, remote })
}

/// `keys` as they are written down.
fn written(
    mut source: Section<'_>,
    wanted: &Wanted,
    issuer: Option<&str>,
) -> (Vec<jwks::Entry>, Option<SourceRules>) {
    let inline = source.optional("jwks").and_then(|entry| entry.section());
    let has_inline = source.has("jwks");
    if let Some(entry) = source.optional("file") {
        entry.mistaken::<()>(
            "expected the key set itself, found the name of a file".to_owned(),
            Some("the linkgate command line reads `file` and puts the set in its place; elsewhere write `jwks`".to_owned()),
        );
    }
    let place = place(&mut source, issuer);
    let ways = [has_inline, source.has("file"), source.has("jwks_uri"), source.has("discovery")];
    if source.is_empty() {
        source.wrong("`jwks`, `file`, `jwks_uri` or `discovery`", "nothing");
    }
    if ways.into_iter().filter(|there| *there).count() > 1 {
        source.wrong("one of `jwks`, `file`, `jwks_uri` and `discovery`", "several");
    }
    if has_inline {
        source.end();
        return (inline.map(|set| public_keys(set, &wanted.public)).unwrap_or_default(), None);
    }
    let place = if ways.contains(&true) { place } else { own_document(&source, issuer) };
    (Vec::new(), remote(source, place, wanted, issuer))
}

/// `jwks_uri`, or `discovery: true`.
fn place(source: &mut Section<'_>, issuer: Option<&str>) -> Option<Place> {
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
        return Some(Place::Jwks(url));
    }
    let entry = discovery?;
    if !entry.flag()? {
        return entry.wrong("`true`, or another source of keys", "`false`");
    }
    own_document(source, issuer)
}

/// The discovery document of the issuer itself.
fn own_document(source: &Section<'_>, issuer: Option<&str>) -> Option<Place> {
    let url = discovery::document_url(issuer?);
    if url.is_none() {
        source
            .wrong("an issuer that is a URL, or another source of keys than discovery", "another");
    }
    url.map(Place::Discovery)
}

/// No `keys` at all.
fn discovered(section: &Section<'_>, wanted: &Wanted, issuer: Option<&str>) -> Option<SourceRules> {
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
fn remote(
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
const HTTP_HELP: &str = "whoever is on the way could put keys of their own there; inside a network you trust, write `allow_http: true` under `keys`";

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

/// A host name or address, as it stands in a URL, without a port.
fn host(entry: &Entry<'_>) -> Option<String> {
    let text = entry.text()?;
    let url = Url::parse(&format!("https://{text}"));
    match url {
        Some(url) if url.host() == text => Some(text.to_owned()),
        Some(_) | None => entry.wrong("a host in lower case, without a port", &format!("`{text}`")),
    }
}

fn shared_keys(section: &mut Section<'_>, algorithms: &[Algorithm], secrets: &Secrets) -> Vec<Key> {
    if algorithms.is_empty() {
        if let Some(entry) = section.optional("hmac_secret") {
            entry.wrong::<()>("no `hmac_secret` without an HS algorithm", "one");
        }
        return Vec::new();
    }
    let Some(entry) = section.required("hmac_secret") else {
        return Vec::new();
    };
    let Some(secret) = named_secret(&entry, secrets) else {
        return Vec::new();
    };
    let prepare = |algorithm: &Algorithm| {
        key::prepare_secret(secret, *algorithm)
            .or_else(|message| entry.mistaken(message, None).ok_or(()))
    };
    algorithms.iter().filter_map(|algorithm| prepare(algorithm).ok()).collect()
}

/// A secret that the document names. The document never holds one itself.
pub(super) fn named_secret<'a>(entry: &Entry<'_>, secrets: &'a Secrets) -> Option<&'a [u8]> {
    let name = entry.text()?;
    // Somebody may have put the secret itself here: it is not repeated.
    if !name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
    {
        return entry.wrong(
            "the name of a secret, in capital letters, digits and `_`",
            "something else, which is not shown",
        );
    }
    secrets.find(name).or_else(|| {
        let help = format!(
            "the reference gateway takes it from the environment variable `LINKGATE_SECRET_{name}`"
        );
        entry.mistaken(
            format!("expected the name of a secret that the host has, found `{name}`"),
            Some(help),
        )
    })
}

/// An inline set. Who wrote it can mend it, so a key that cannot be used is a mistake here.
fn public_keys(mut set: Section<'_>, algorithms: &[Algorithm]) -> Vec<jwks::Entry> {
    let Some(list) = set.required("keys") else {
        return Vec::new();
    };
    let keys = if let Json::List(keys) = list.value() { keys.as_slice() } else { &[] };
    if keys.len() > MAX_KEYS {
        list.wrong::<()>(&format!("at most {MAX_KEYS} keys"), "more");
        return Vec::new();
    }
    let entries = jwks::read(keys, algorithms).unwrap_or_default();
    let mut rows = entries.iter().map(|entry| &entry.row);
    list.filled_list(|entry| {
        let refused = rows.next().and_then(|row: &KeyRow| row.refused.clone());
        refused.map_or(Some(()), |why| entry.mistaken(why, None))
    });
    // Other members of a key set are to be ignored (RFC 7517 section 5).
    let usable = || entries.iter().flat_map(|entry| &entry.keys);
    let unserved =
        algorithms.iter().find(|algorithm| !usable().any(|key| key.algorithm == **algorithm));
    if let (Some(algorithm), Some(_)) = (unserved, usable().next()) {
        let message =
            format!("expected a key for each algorithm, found none for {}", key::name(*algorithm));
        let help = "secondary tokens are RS256 unless `secondary.algorithms` says otherwise";
        list.mistaken::<()>(message, Some(help.to_owned()));
    }
    entries
}
