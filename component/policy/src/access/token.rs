//! A token on its way to its verified claims: read, checked, its key looked up, its signature verified. Whatever is
//! refused is recorded here, by length and digest.

use zeroize::Zeroizing;

use crate::audit::record::Record;
use crate::jose::jws::{Expected, Unverified, Verified};
use crate::keys::keyring::Keyring;
use crate::keys::lookup::Lookup;
use crate::time::clock::Now;
use crate::verdict::cause::{Denial, TokenFlaw};
use crate::verdict::stop::Stop;

/// Why a token is not verified now.
pub(crate) enum Halt {
    /// It is refused, or its key cannot be had.
    Stop(Stop),
    /// Its key is being fetched until this monotonic time: here the token is back.
    Wait(Unverified, u64),
}

impl<T: Into<Denial>> From<T> for Halt {
    fn from(denial: T) -> Self {
        Self::Stop(denial.into().into())
    }
}

/// Reads a token's form. `limit` is the longest that is looked at, in bytes.
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

/// Verifies a token. While its key is being fetched it comes back, to be verified again later.
pub(crate) fn verify(
    token: Unverified,
    expected: &Expected<'_>,
    denial: fn(TokenFlaw) -> Denial,
    keyring: &mut Keyring,
    now: Now,
    record: &mut Record,
) -> Result<Verified, Halt> {
    let hint = match token.check(expected, now) {
        Ok(hint) => hint,
        Err(refusal) => {
            let denial = denial(record.refused(refusal));
            return Err(refused(&token, denial, record));
        }
    };
    match keyring.find(expected.issuer, &hint, now) {
        Err(flaw) => Err(refused(&token, denial(flaw), record)),
        Ok(Lookup::Found(key)) => token
            .verified_with(key)
            .map_err(|token| refused(&token, denial(TokenFlaw::SignatureInvalid), record)),
        Ok(Lookup::Later { until_mono_ms }) => Err(Halt::Wait(token.waiting(now), until_mono_ms)),
        Ok(Lookup::Unavailable(stop)) => {
            record.unverified(token.bytes());
            Err(Halt::Stop(stop))
        }
    }
}

/// Refuses a token that was not verified.
pub(crate) fn refused(token: &Unverified, denial: Denial, record: &mut Record) -> Halt {
    record.unverified(token.bytes());
    Halt::from(denial)
}
