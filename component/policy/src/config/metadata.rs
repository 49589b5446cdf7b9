//! `metadata`: how the secondary's metadata is carried over, and with whose token.

use std::collections::BTreeSet;

use zeroize::Zeroizing;

use super::advice;
use super::host::Around;
use super::section::{Entry, Section};
use crate::http::url::{Reach, Url};
use crate::metadata::{Credentials, GrantRules, Granted, Service};
use crate::rules::issuer::{IssuerRules, Kind};
use crate::rules::metadata::{Conflicts, MergeRules, MetadataRules};
use crate::text::grown::grown;

/// 8 KiB: Auth0 limits a profile to 10 KB, `app_metadata` and all else included.
const MAX_BYTES: u64 = 8192;

/// 512 KiB: an account may have 10 KB of profile, and dozens of identities. Raised, a broken upstream
/// costs memory.
const MAX_ANSWER_BYTES: u64 = 512 << 10;

/// Taking back was once designed, and a policy may still ask for it.
const ON_REFUSAL: &str = "remove it: what was carried over stays when a link is refused, since to take it back \
     may take the last copy beside another gateway's link; `show_outcome: true` names it to the client";

/// For everything before the link: four calls of a tenant that is far away, and a 429 in between.
const TIMEOUT_MS: u64 = 20_000;

pub(super) fn read(
    mut section: Section<'_>,
    issuers: &[IssuerRules],
    around: &Around<'_>,
) -> Option<(MetadataRules, Credentials)> {
    let credentials = credentials(&mut section, issuers, around);
    let is_service = matches!(credentials, Some(Credentials::Service(_)));
    let include = include(&mut section, is_service);
    let exclude = section.optional("exclude").map(|entry| entry.list(key)).unwrap_or_default();
    let exclude: BTreeSet<String> = grown(exclude);
    let conflicts = section
        .optional("conflicts")
        .and_then(|entry| {
            entry.one_of(&[
                ("primary", Conflicts::Primary),
                ("secondary", Conflicts::Secondary),
                ("keep-both", Conflicts::KeepBoth),
                ("refuse", Conflicts::Refuse),
            ])
        })
        .unwrap_or(Conflicts::Primary);
    let deep = section
        .optional("depth")
        .and_then(|entry| entry.one_of(&[("first-level", false), ("deep", true)]))
        .unwrap_or(false);
    let unite_lists = section
        .optional("arrays")
        .and_then(|entry| entry.one_of(&[("keep", false), ("union", true)]))
        .unwrap_or(false);
    let max_bytes = section
        .optional("max_bytes")
        .and_then(|entry| entry.whole_number(256..=1_048_576))
        .unwrap_or(MAX_BYTES);
    section.former("on_refusal", ON_REFUSAL);
    let upstream_merges = section
        .optional("patch")
        .and_then(|entry| entry.one_of(&[("observe", false), ("merges", true)]))
        .unwrap_or(false);
    let max_answer_bytes = section
        .optional("max_answer_bytes")
        .and_then(|entry| entry.whole_number(65_536..=33_554_432))
        .unwrap_or(MAX_ANSWER_BYTES);
    let timeout_ms = section
        .optional("timeout")
        .and_then(|entry| entry.duration_ms(1000..=120_000))
        .unwrap_or(TIMEOUT_MS);
    let show_outcome =
        section.optional("show_outcome").and_then(|entry| entry.flag()).unwrap_or(false);
    section.end();
    let max_bytes = usize::try_from(max_bytes).unwrap_or(usize::MAX);
    let merge = MergeRules { include: include?, exclude, conflicts, deep, unite_lists, max_bytes };
    let max_answer_bytes = u32::try_from(max_answer_bytes).unwrap_or(u32::MAX);
    let rules =
        MetadataRules { merge, upstream_merges, timeout_ms, max_answer_bytes, show_outcome };
    Some((rules, credentials?))
}

/// `caller` or `service`: never guessed, since one of the two is a power of its own.
fn credentials(
    section: &mut Section<'_>,
    issuers: &[IssuerRules],
    around: &Around<'_>,
) -> Option<Credentials> {
    let service = section.optional("service");
    let entry = section.required("credentials")?;
    if entry.one_of(&[("caller", false), ("service", true)])? {
        advice::scopes_in_shadow(&entry, issuers);
        let Some(service) = service else {
            section.wrong("the key `service`", "none");
            return None;
        };
        for issuer in issuers.iter().filter(|issuer| issuer.scopes.is_empty()) {
            section.wrong(
                "every issuer to ask for `scopes` where the gate acts with its own token",
                &format!("none at `{}`", issuer.issuer),
            );
        }
        return read_service(service.section()?, issuers, around).map(Credentials::Service);
    }
    if let Some(service) = service {
        return service.wrong("no `service` beside `credentials: caller`", "one");
    }
    if issuers.iter().any(|issuer| issuer.kind != Kind::IdToken) {
        let help = "the API takes ID tokens as bearers from tenants in legacy mode alone; else use `credentials: service`";
        return entry.mistaken(
            "expected `kind: id-token` at every issuer beside `caller`, found `access-token`"
                .to_owned(),
            Some(help.to_owned()),
        );
    }
    Some(Credentials::Caller)
}

/// A fixed token, or client credentials.
fn read_service(
    mut service: Section<'_>,
    issuers: &[IssuerRules],
    around: &Around<'_>,
) -> Option<Service> {
    if let Some(entry) = service.optional("token") {
        let token = secret(&entry, around);
        service.end();
        return token.map(Service::Fixed);
    }
    if !around.host.remembers {
        service.mistaken(
            "expected a `token` on a host that does not remember between requests, found client credentials".to_owned(),
            Some("such a host would ask for a token at every link".to_owned()),
        );
    }
    let sole = if let [sole] = issuers { Some(sole) } else { None };
    let client_id = service.required("client_id").and_then(|entry| entry.text().map(str::to_owned));
    let client_secret = service.required("client_secret").and_then(|entry| secret(&entry, around));
    let url = service.optional("token_url").map_or_else(
        || sole.map(|issuer| format!("{}/oauth/token", issuer.issuer.trim_end_matches('/'))),
        |entry| entry.text().map(str::to_owned),
    );
    let audience = service.optional("audience").map_or_else(
        || sole.and_then(|issuer| issuer.audiences.first().cloned()),
        |entry| entry.text().map(str::to_owned),
    );
    if url.is_none() || audience.is_none() {
        service.wrong("`token_url` and `audience` where there are several issuers", "none");
    }
    let allow_http = service.optional("allow_http").and_then(|entry| advice::allow_http(&entry));
    let url = url.as_deref().and_then(Url::parse).filter(|url| {
        let reach =
            Reach { hosts: vec![url.host().to_owned()], allow_http: allow_http.unwrap_or(false) };
        url.check("", &reach).is_ok()
    });
    if url.is_none() {
        service.wrong("an absolute `https` URL as `token_url`", "another");
    }
    service.end();
    let rules = GrantRules {
        url: url?,
        client_id: client_id?,
        client_secret: client_secret?,
        audience: audience?,
    };
    Some(Service::Granted(Box::new(Granted::new(rules, around.seed))))
}

/// A secret of the host's, by its name.
fn secret(entry: &Entry<'_>, around: &Around<'_>) -> Option<Zeroizing<String>> {
    let bytes = crate::config::keys::named_secret(entry, around.secrets)?;
    let text = std::str::from_utf8(bytes)
        .ok()
        .filter(|text| text.bytes().all(|byte| byte.is_ascii_graphic()));
    match text {
        Some(text) if !text.is_empty() => Some(Zeroizing::new(text.to_owned())),
        Some(_) | None => entry.wrong("a secret of printable ASCII", "another, which is not shown"),
    }
}

/// The keys to carry. The gate's own token reads and writes everything, so there they are listed.
#[expect(clippy::option_option, reason = "none for a mistake; in it, none for all keys")]
fn include(section: &mut Section<'_>, is_service: bool) -> Option<Option<BTreeSet<String>>> {
    let entry = if is_service {
        section.required("include")?
    } else {
        let Some(entry) = section.optional("include") else { return Some(None) };
        entry
    };
    if entry.value().as_text() == Some("*") {
        if is_service {
            advice::every_metadata_key(&entry);
        }
        return Some(None);
    }
    Some(Some(grown(entry.filled_list(key))))
}

fn key(entry: &Entry<'_>) -> Option<String> {
    let text = entry.text()?;
    if text.contains(['.', '$']) || text.starts_with("linkgate_") {
        return entry.wrong(
            "a key of metadata, without `.`, `$` and the prefix `linkgate_`",
            &format!("`{text}`"),
        );
    }
    Some(text.to_owned())
}
