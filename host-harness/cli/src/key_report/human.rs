//! The report for people: a block an issuer, a row a key, and what it comes to.

use std::time::Duration;

use linkgate_policy::{KeyRow, KeySource, Time, escaped};

use super::{Origin, Report};
use crate::columns::{self, cut};
use crate::operation::key_origin::words;
use crate::paint::{Colour, Paint};

/// The report in words.
pub(crate) fn text(report: &Report, paint: Paint) -> String {
    let mut lines = Vec::new();
    for source in &report.sources {
        let heading = format!("{} {}", mark(source.usable, paint), paint.bold(&source.issuer));
        lines.push(heading);
        let line = |(name, text): (&str, String), colour| {
            format!("  {}{text}", paint.text(&format!("{name:NAME$}"), colour))
        };
        lines.extend(facts(report, source).map(|fact| line(fact, Colour::Grey)));
        lines.extend(trouble(source).map(|trouble| line(trouble, Colour::Red)));
        if !source.keys.is_empty() {
            lines.push(String::new());
            lines.extend(table(&source.keys, paint));
        }
        lines.push(String::new());
    }
    lines.push(sum(report));
    lines.join("\n") + "\n"
}

/// What is said of a secret that cannot be judged.
const UNSEEN: &str = "not in this environment";

/// Width of the names of facts, in characters.
const NAME: usize = 12;

/// Widest `kid` in a column: a SHA-256 in base64url, as many a `kid` is, has 43 characters.
const WIDEST_KID: usize = 44;

/// Widest of the other words of an issuer's: the longest that are known, such as `secp256k1`, have 9.
const WIDEST_WORD: usize = 12;

/// What is known of an issuer's keys, each with its name.
fn facts(report: &Report, source: &KeySource) -> impl Iterator<Item = (&'static str, String)> {
    let (document, keys) = match Origin::of(source) {
        Origin::Policy => (None, (!source.keys.is_empty()).then(|| "in the policy".to_owned())),
        Origin::Url(url) => (None, Some(url.to_owned())),
        Origin::Discovery(url) => (Some(url.to_owned()), source.jwks_uri.as_deref().map(escaped)),
    };
    let secret = (!source.secret_algorithms.is_empty()).then(|| {
        let algorithms = source.secret_algorithms.join(", ");
        let state = if report.sees_secret_of(source) { "not shown" } else { UNSEEN };
        format!("for {algorithms}, {state}")
    });
    let span = |ms| format!("for {}, until {}", words_of(ms), moment(report.after(ms)));
    let withdrawal = source.withdrawal_ms.map_or_else(
        || "a key works until it is taken out".to_owned(),
        |ms| format!("a withdrawn key stops working within {}", words_of(ms)),
    );
    let facts = [
        ("discovery", document),
        ("keys", keys),
        ("secret", secret),
        ("asked", source.age_ms.map(|_| moment(report.asked))),
        ("fresh", source.fresh_for_ms.map(span)),
        ("usable", source.expires_in_ms.map(span)),
        ("withdrawal", Some(withdrawal)),
        ("verified", Some(verified(source))),
    ];
    facts.into_iter().filter_map(|(name, fact)| Some((name, fact?)))
}

/// Who verifies signatures where `linkgate serve` is the host.
fn verified(source: &KeySource) -> String {
    match source.host_algorithms.as_slice() {
        [] => "by the component".to_owned(),
        algorithms => {
            let names: Vec<&str> = algorithms.iter().map(|one| one.name()).collect();
            format!("by the host: {}", names.join(", "))
        }
    }
}

/// What is amiss with an issuer.
fn trouble(source: &KeySource) -> impl Iterator<Item = (&'static str, String)> {
    let failed = source.last_failure.as_deref().map(escaped);
    let lacking = match source.algorithms_without_key.as_slice() {
        _ if failed.is_some() => None,
        [] if source.usable => None,
        _ if !source.usable => Some("a key that can be used".to_owned()),
        algorithms => Some(format!("a key for {}", algorithms.join(", "))),
    };
    let trouble = [("failed", failed), ("lacking", lacking)];
    trouble.into_iter().filter_map(|(name, why)| Some((name, why?)))
}

/// One row a key under the names of the columns; under a refused one, why.
pub(crate) fn table(keys: &[KeyRow], paint: Paint) -> Vec<String> {
    let names = ["kid", "type", "size", "use", "algorithms", "thumbprint"].map(str::to_owned);
    let rows = columns::aligned([names].into_iter().chain(keys.iter().map(cells)));
    let (names, rows) = rows.split_first().map_or(("", &[][..]), |(names, rows)| (names, rows));
    let mut lines = vec![paint.text(&format!("    {names}"), Colour::Grey)];
    for (key, row) in keys.iter().zip(rows) {
        lines.push(format!("  {} {row}", mark(key.refused.is_none(), paint)));
        let repeated = key.repeated.then_some("the same key as one before it");
        lines.extend(
            key.refused
                .as_deref()
                .or(repeated)
                .map(|why| format!("      {}", paint.text(why, Colour::Yellow))),
        );
    }
    lines
}

fn cells(key: &KeyRow) -> [String; 6] {
    let or_none = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
    let theirs = |text: Option<&str>, most| or_none(&cut(&escaped(text.unwrap_or_default()), most));
    [
        theirs(key.kid.as_deref(), WIDEST_KID),
        theirs(Some(&key.kind), WIDEST_WORD),
        theirs(Some(&key.size), WIDEST_WORD),
        theirs(key.usage.as_deref(), WIDEST_WORD),
        or_none(&key.algorithms.join(" ")),
        or_none(key.thumbprint.as_deref().unwrap_or_default()),
    ]
}

/// What it comes to.
fn sum(report: &Report) -> String {
    let issuers = report.sources.len();
    let keys = || report.sources.iter().flat_map(|source| &source.keys);
    let refused = keys().filter(|key| key.refused.is_some()).count();
    let used = count(keys().filter(|key| key.is_used()).count(), "key");
    let counted = format!("{}, {used} in use, {refused} refused", count(issuers, "issuer"));
    let verdict = match report.sources.iter().filter(|source| !source.usable).count() {
        0 if report.unseen_secrets.is_empty() => "every issuer has a usable key".to_owned(),
        0 => format!("every issuer has a usable key, if its secret, {UNSEEN}, is one"),
        1 => format!(
            "1 of {issuers} has no usable key, and requests with its tokens are answered 503"
        ),
        some => format!(
            "{some} of {issuers} have no usable key, and requests with their tokens are answered 503"
        ),
    };
    format!("{counted}: {verdict}")
}

fn count(number: usize, thing: &str) -> String {
    if number == 1 { format!("1 {thing}") } else { format!("{number} {thing}s") }
}

fn mark(good: bool, paint: Paint) -> String {
    if good { paint.text("✓", Colour::Green) } else { paint.text("✗", Colour::Red) }
}

pub(crate) fn words_of(ms: u64) -> String {
    words(Duration::from_millis(ms))
}

/// A moment to the second: `2026-11-25 14:30:05 UTC`.
pub(crate) fn moment(time: Time) -> String {
    let text = time.to_string();
    let seconds = text.split('.').next().unwrap_or_default();
    format!("{} UTC", seconds.replace('T', " "))
}
