//! Where an issuer's keys come from: inline, at a URL, or where discovery says.

use jsonwebtoken::Algorithm;

use super::algorithms::Wanted;
use super::host::Secrets;
use super::remote;
use super::section::{Entry, Section};
use crate::jose::algorithm;
use crate::jose::jwks::{self, MAX_KEYS};
use crate::jose::key::{self, Key};
use crate::keys::rules::{IssuerKeys, SourceRules};
use crate::text::json::Json;

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
        // A mistake, noted at its place.
        Some(None) => (Vec::new(), None),
        None if wanted.public.is_empty() => (Vec::new(), None),
        None => (Vec::new(), remote::discovered(section, wanted, issuer)),
    };
    let mut published = Vec::new();
    for entry in inline {
        own.extend(entry.keys);
        published.push(entry.published);
    }
    Some(IssuerKeys { issuer: issuer?.to_owned(), own, written: published, remote })
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
    let place = remote::place(&mut source, issuer);
    let ways = [has_inline, source.has("file"), source.has("jwks_uri"), source.has("discovery")];
    if ways.into_iter().filter(|there| *there).count() > 1 {
        source.wrong("one of `jwks`, `file`, `jwks_uri` and `discovery`", "several");
    }
    if has_inline {
        source.end();
        return (inline.map(|set| public_keys(set, &wanted.public)).unwrap_or_default(), None);
    }
    let place = if ways.contains(&true) { place } else { remote::own_document(&source, issuer) };
    (Vec::new(), remote::read(source, place, wanted, issuer))
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
            "secrets come from the host: `linkgate serve` takes it from the environment variable `LINKGATE_SECRET_{name}`"
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
    let mut refusals = entries.iter().map(|entry| entry.published.refused.clone());
    list.filled_list(|entry| {
        let refused = refusals.next().flatten();
        refused.map_or(Some(()), |why| entry.mistaken(why, None))
    });
    // Other members of a key set are to be ignored (RFC 7517 section 5).
    let usable = || entries.iter().flat_map(|entry| &entry.keys);
    let unserved =
        algorithms.iter().find(|algorithm| !usable().any(|key| key.algorithm == **algorithm));
    if let (Some(algorithm), Some(_)) = (unserved, usable().next()) {
        let message = format!(
            "expected a key for each algorithm, found none for {}",
            algorithm::name(*algorithm)
        );
        let help = "secondary tokens are RS256 unless `secondary.algorithms` says otherwise";
        list.mistaken::<()>(message, Some(help.to_owned()));
    }
    entries
}
