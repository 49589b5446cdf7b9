//! `algorithms` of a section, and which of them need a key of which kind.

use jsonwebtoken::Algorithm;

use super::advice;
use super::section::{Entry, Section};
use super::spelling;
use crate::jose::algorithm;

/// `algorithms`, RS256 unless said otherwise. `none` is not the name of one.
pub(super) fn algorithms(section: &mut Section<'_>) -> Vec<Algorithm> {
    let mut seen = Vec::new();
    let read = |entry: &Entry<'_>| {
        let text = entry.text()?;
        let Some(algorithm) = algorithm::by_name(text) else {
            let help = algorithm::unsupported(text).map(|what| format!("{what} is not supported"));
            return entry.mistaken(
                format!("expected {KNOWN}, found `{text}`"),
                help.or_else(|| {
                    spelling::nearest(text, KNOWN.split([',', ' '])).map(spelling::question)
                }),
            );
        };
        if seen.contains(&algorithm) {
            // `Ed25519` is `EdDSA` (RFC 9864).
            let first = Some(algorithm::name(algorithm)).filter(|name| *name != text);
            let first = first.map(|name| format!(", which is `{name}`,")).unwrap_or_default();
            return entry.wrong("every algorithm once", &format!("`{text}`{first} again"));
        }
        seen.push(algorithm);
        advice::algorithm(entry, algorithm);
        Some(algorithm)
    };
    section
        .optional("algorithms")
        .map_or_else(|| vec![Algorithm::RS256], |entry| entry.filled_list(read))
}

/// As messages name them.
const KNOWN: &str =
    "RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, EdDSA, Ed25519, HS256, HS384 or HS512";

/// The algorithms that keys are wanted for.
pub(super) struct Wanted {
    pub(super) shared: Vec<Algorithm>,
    pub(super) public: Vec<Algorithm>,
}

impl Wanted {
    /// Those of bearer and of secondary tokens, each once.
    pub(super) fn of(bearer: &[Algorithm], secondary: &[Algorithm]) -> Self {
        let other = secondary.iter().filter(|algorithm| !bearer.contains(algorithm));
        let (shared, public) = bearer
            .iter()
            .chain(other)
            .copied()
            .partition(|algorithm| algorithm::is_hmac(*algorithm));
        Self { shared, public }
    }
}
