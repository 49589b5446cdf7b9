//! A token on its way to its verified claims: read, checked, its key looked up, its signature verified. Whatever is
//! refused is recorded here, by length and digest.
//!
//! ```text
//!  parse ─▶ check ─▶ key ─▶ signature ─▶ Verified
//!             ▲       │         │
//!             │       ▼         ▼
//!             └── Pending::Key, Pending::Signature: begins anew with what came
//! ```

use zeroize::Zeroizing;

use crate::audit::record::Record;
use crate::jose::jws::{Asked, Expected, Signed, Unverified, Verified};
use crate::jose::key::Key;
use crate::jose::verification::SignatureAlgorithms;
use crate::keys::keyring::Keyring;
use crate::keys::lookup::Lookup;
use crate::time::clock::Now;
use crate::verdict::cause::{Denial, TokenFlaw};
use crate::verdict::stop::Stop;

/// Why a token is not verified now.
pub(crate) enum Halt {
    /// It is refused, or its key cannot be had.
    Stop(Stop),
    /// It waits.
    Wait(Box<Pending>),
}

/// A token that waits, and what for.
pub(crate) enum Pending {
    /// Its key is being fetched until this monotonic time.
    Key(Unverified, u64),
    /// The host verifies its signature.
    Signature(Asked),
}

/// What a token is verified with.
pub(crate) struct Means<'a> {
    pub(crate) keyring: &'a mut Keyring,
    /// The algorithms whose signatures the host verifies.
    pub(crate) host: SignatureAlgorithms,
    pub(crate) record: &'a mut Record,
    pub(crate) now: Now,
}

impl<T: Into<Denial>> From<T> for Halt {
    fn from(denial: T) -> Self {
        Self::Stop(denial.into().into())
    }
}

/// Reads a token's form. `limit` is the longest that is read, in bytes.
pub(crate) fn parse(
    text: Zeroizing<String>,
    limit: usize,
    denial: fn(TokenFlaw) -> Denial,
    record: &mut Record,
) -> Result<Unverified, Denial> {
    Unverified::read(text, limit).map_err(|(text, refusal)| {
        record.unverified(text.as_bytes());
        denial(record.refused(refusal))
    })
}

/// Verifies a token. While it waits for its key or for the host it comes back, to be verified again with what came:
/// dates, audience and key are checked anew, so that an answer counts for nothing but the signature.
pub(crate) fn verify(
    token: Unverified,
    expected: &Expected<'_>,
    denial: fn(TokenFlaw) -> Denial,
    means: &mut Means<'_>,
) -> Result<Verified, Halt> {
    let Means { keyring, host, record, now } = means;
    let hint = match token.check(expected, *now) {
        Ok(hint) => hint,
        Err(refusal) => {
            let denial = denial(record.refused(refusal));
            return Err(refused(&token, denial, record));
        }
    };
    match keyring.find(expected.issuer, &hint, *now) {
        Err(flaw) => Err(refused(&token, denial(flaw), record)),
        Ok(Lookup::Found(key)) => signature(token, key, *host, denial, record),
        Ok(Lookup::Later { until_mono_ms }) => {
            let pending = Pending::Key(token.waiting(*now), until_mono_ms);
            Err(Halt::Wait(Box::new(pending)))
        }
        Ok(Lookup::Unavailable(stop)) => {
            record.unverified(token.bytes());
            Err(Halt::Stop(stop))
        }
    }
}

/// The one place where a token becomes verified: its signature is known to be good, from before or from now, under the
/// key that its issuer has for it now.
fn signature(
    token: Unverified,
    key: &Key,
    host: SignatureAlgorithms,
    denial: fn(TokenFlaw) -> Denial,
    record: &mut Record,
) -> Result<Verified, Halt> {
    match token.signed_with(key, host) {
        Signed::Holds(verified, by) => {
            record.signature(by);
            Ok(verified)
        }
        Signed::Fails(token, by) => {
            record.signature(by);
            Err(refused(&token, denial(TokenFlaw::SignatureInvalid), record))
        }
        Signed::Asked(asked) => Err(Halt::Wait(Box::new(Pending::Signature(asked)))),
    }
}

/// Refuses a token that was not verified.
pub(crate) fn refused(token: &Unverified, denial: Denial, record: &mut Record) -> Halt {
    record.unverified(token.bytes());
    Halt::from(denial)
}
