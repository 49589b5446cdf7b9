//! RSA signatures (RFC 8017): `crypto-bigint` computes, and the encodings are here.
//!
//! ```text
//!  RsaKey::read ─▶ fits ─▶ opened (RSAVP1) ─┬▶ is_pkcs1_v1_5
//!                                           └▶ is_pss
//! ```
//!
//! It makes no signatures and has no private keys: nothing here is secret, so nothing has to take constant time.

use std::sync::OnceLock;

use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};
use crypto_bigint::{BoxedUint, MontyForm, MontyMultiplier, Odd};
use sha2::Digest;
use sha2::digest::const_oid::AssociatedOid;

use crate::base64url::base64url;
use crate::roca;

/// Smallest and largest RSA modulus, in bits: NIST SP 800-131A asks for 2048; beyond 8192 one
/// signature costs as much as a hundred.
const BITS: std::ops::RangeInclusive<u32> = 2048..=8192;

/// The exponent that every RSA key in use has. Smaller ones have a history of forgeries.
const MIN_EXPONENT: u64 = 65537;

/// Bits of an exponent. A longer one costs as much as many signatures.
const MAX_EXPONENT_BITS: u32 = 33;

/// The numbers of an RSA key that may be used.
pub struct RsaKey {
    /// The modulus as signatures are written: without leading zeros.
    modulus: Vec<u8>,
    exponent: u64,
    /// What speeds up the arithmetic costs a good part of a policy's compilation: it is made with the first
    /// signature, which never comes to an instance that only passes, or whose host verifies.
    arithmetic: OnceLock<Option<BoxedMontyParams>>,
}

impl RsaKey {
    /// Reads a modulus and an exponent in base64url (RFC 7518 section 6.3.1).
    ///
    /// # Errors
    ///
    /// Why the key is not used, in a phrase.
    pub(crate) fn read(n: &str, e: &str) -> Result<Self, String> {
        let (modulus, exponent) = (number(n, "n")?, number(e, "e")?);
        let bits = bits(&modulus);
        if !BITS.contains(&bits) {
            return Err(format!(
                "expected an RSA modulus of {} to {} bits, found {bits}",
                BITS.start(),
                BITS.end(),
            ));
        }
        let value = exponent
            .iter()
            .try_fold(0_u64, |value, byte| Some(value.checked_mul(256)? | u64::from(*byte)));
        if value.is_some_and(|value| value < MIN_EXPONENT) {
            return Err(format!(
                "expected an RSA exponent of at least {MIN_EXPONENT}, found a smaller one"
            ));
        }
        if roca::is_shaped(&modulus) {
            return Err("expected a sound RSA modulus, found one whose private key can be computed (ROCA, CVE-2017-15361)".to_owned());
        }
        let is_odd = modulus.last().is_some_and(|last| last % 2 == 1);
        let fits = |value: &u64| value % 2 == 1 && value.ilog2() < MAX_EXPONENT_BITS;
        match value.filter(fits) {
            Some(exponent) if is_odd => Ok(Self { modulus, exponent, arithmetic: OnceLock::new() }),
            Some(_) | None => {
                Err("expected an odd modulus and an odd exponent below 2^33, found others"
                    .to_owned())
            }
        }
    }

    /// Whether these bytes are a number as long as the modulus and smaller than it (RFC 8017 section 8.2.2 step 1,
    /// section 5.2.2 step 1).
    pub(crate) fn fits(&self, signature: &[u8]) -> bool {
        signature.len() == self.modulus.len() && *signature < *self.modulus
    }

    /// Whether it is a signature of this message by RSASSA-PKCS1-v1_5 (RFC 8017 section 8.2.2).
    pub(crate) fn holds_pkcs1_v1_5<D: Digest + AssociatedOid>(
        &self,
        message: &[u8],
        signature: &[u8],
    ) -> bool {
        let encoded = pkcs1_v1_5::<D>(message, self.modulus.len());
        encoded.is_some() && self.opened(signature) == encoded
    }

    /// Whether it is a signature of this message by RSASSA-PSS (RFC 8017 section 8.1.2), with MGF1 on the same hash and
    /// a salt as long as the hash (RFC 7518 section 3.5).
    pub(crate) fn holds_pss<D: Digest>(&self, message: &[u8], signature: &[u8]) -> bool {
        let encoded = self.opened(signature);
        encoded.is_some_and(|encoded| {
            is_pss::<D>(&encoded, bits(&self.modulus), message).unwrap_or(false)
        })
    }

    /// RSAVP1 (RFC 8017 section 5.2.2): the signature to the power of the exponent, as long as the modulus. Square and
    /// multiply from the exponent's highest bit: 16 squares and a product for 65537. Nothing, where it does not fit.
    fn opened(&self, signature: &[u8]) -> Option<Vec<u8>> {
        let parameters = self.arithmetic.get_or_init(|| self.arithmetic()).as_ref()?;
        if !self.fits(signature) {
            return None;
        }
        let number = BoxedUint::from_be_slice(signature, parameters.bits_precision()).ok()?;
        let base = BoxedMontyForm::new(number, parameters);
        let mut multiplier = <BoxedMontyForm as MontyForm>::Multiplier::from(parameters);
        let mut power = base.clone();
        for bit in (0..self.exponent.ilog2()).rev() {
            multiplier.square_assign(&mut power);
            if self.exponent >> bit & 1 == 1 {
                multiplier.mul_assign(&mut power, &base);
            }
        }
        // The precision is whole words: in front of the modulus's own length there are zeros.
        let bytes = power.retrieve().to_be_bytes();
        let zeros = bytes.len().checked_sub(self.modulus.len())?;
        bytes.get(zeros..).map(<[u8]>::to_vec)
    }

    fn arithmetic(&self) -> Option<BoxedMontyParams> {
        let modulus = BoxedUint::from_be_slice_vartime(&self.modulus);
        Odd::new(modulus).into_option().map(BoxedMontyParams::new_vartime)
    }
}

/// A number that has at least a byte, its leading zeros removed.
fn number(text: &str, member: &str) -> Result<Vec<u8>, String> {
    let bytes = base64url(text)
        .filter(|bytes| !bytes.is_empty())
        .ok_or_else(|| format!("expected `{member}` in base64url, found something else"))?;
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    Ok(if zeros == 0 { bytes } else { bytes.get(zeros..).unwrap_or_default().to_vec() })
}

/// The length of a number without leading zeros.
fn bits(number: &[u8]) -> u32 {
    let bytes = u32::try_from(number.len()).unwrap_or(u32::MAX);
    bytes.saturating_mul(8) - number.first().map_or(0, |first| first.leading_zeros())
}

/// EMSA-PKCS1-v1_5 (RFC 8017 section 9.2): the one encoding of a message. The whole of it is compared, so that there is
/// no form of padding to be lenient about.
fn pkcs1_v1_5<D: Digest + AssociatedOid>(message: &[u8], length: usize) -> Option<Vec<u8>> {
    let (hash, oid) = (D::digest(message), D::OID.as_bytes());
    let (hash_length, oid_length) = (u8::try_from(hash.len()).ok()?, u8::try_from(oid.len()).ok()?);
    // DigestInfo in DER: the algorithm with NULL for its parameters, and the hash (appendix A.2.4).
    let outer = oid_length.checked_add(hash_length)?.checked_add(8)?;
    let mut info = vec![0x30, outer, 0x30, oid_length.checked_add(4)?, 0x06, oid_length];
    info.extend_from_slice(oid);
    info.extend_from_slice(&[0x05, 0x00, 0x04, hash_length]);
    info.extend_from_slice(&hash);
    let padding = length.checked_sub(info.len())?.checked_sub(3)?;
    if padding < 8 {
        return None;
    }
    Some([&[0, 1][..], &vec![0xff; padding], &[0], &info].concat())
}

/// EMSA-PSS-VERIFY (RFC 8017 section 9.1.2) of an encoding as long as the modulus, with the steps' numbers. Nothing and
/// false both mean *inconsistent*.
fn is_pss<D: Digest>(encoded: &[u8], modulus_bits: u32, message: &[u8]) -> Option<bool> {
    let bits = usize::try_from(modulus_bits).ok()?.checked_sub(1)?;
    // Section 8.1.2 step 2c: where the encoding is a byte shorter than the modulus, that byte has to be zero.
    let encoded = match bits % 8 {
        0 => encoded.strip_prefix(&[0])?,
        _ => encoded,
    };
    let hash_length = <D as Digest>::output_size();
    // 3, 5.
    let (masked, end) =
        encoded.split_at_checked(encoded.len().checked_sub(hash_length)?.checked_sub(1)?)?;
    // 4.
    let hash = end.strip_suffix(&[0xbc])?;
    // 6: bits of the first byte beyond the encoding's.
    let beyond = !(0xff_u8.checked_shr(u32::try_from((8 - bits % 8) % 8).ok()?)?);
    if masked.first()? & beyond != 0 {
        return None;
    }
    // 7, 8.
    let mut block: Vec<u8> = mgf1::<D>(hash).zip(masked).map(|(mask, byte)| mask ^ byte).collect();
    // 9.
    *block.first_mut()? &= !beyond;
    // 10, 11.
    let (padding, salt) = block.split_at_checked(block.len().checked_sub(hash_length)?)?;
    let (one, zeros) = padding.split_last()?;
    if *one != 1 || zeros.iter().any(|byte| *byte != 0) {
        return None;
    }
    // 2, 12, 13, 14.
    let again = D::new().chain_update([0; 8]).chain_update(D::digest(message)).chain_update(salt);
    Some(*again.finalize() == *hash)
}

/// The mask that a hash generates (RFC 8017 appendix B.2.1), without end.
fn mgf1<D: Digest>(seed: &[u8]) -> impl Iterator<Item = u8> {
    (0_u32..).flat_map(move |counter| {
        D::new().chain_update(seed).chain_update(counter.to_be_bytes()).finalize()
    })
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    fn text(bytes: &[u8]) -> String {
        URL_SAFE_NO_PAD.encode(bytes)
    }

    #[test]
    fn every_key_that_is_taken_can_be_prepared() {
        let modulus = |bits: usize| vec![0xff; bits / 8];
        let padded = [vec![0, 0], modulus(2048)].concat();
        let odd_length = [vec![1], modulus(2048)].concat();
        for bytes in [modulus(2048), modulus(4096), modulus(8192), padded, odd_length] {
            // 65537, and the longest below 2^33, with a zero before it, too.
            for exponent in [&[1, 0, 1][..], &[1, 255, 255, 255, 255], &[0, 1, 0, 1]] {
                let key = RsaKey::read(&text(&bytes), &text(exponent)).unwrap();
                let row = format!("{} {exponent:?}", bytes.len());
                let signature = [vec![0; key.modulus.len() - 1], vec![1]].concat();
                assert_eq!(key.opened(&signature), Some(signature), "1 to any power is 1: {row}");
                assert_eq!(key.opened(&key.modulus), None, "{row}");
                assert_eq!(key.opened(&key.modulus[1..]), None, "{row}");
            }
        }
    }

    /// The same power as the crate `rsa` computes, which has another way to it.
    #[test]
    fn the_power_is_that_of_another_implementation() {
        use ::rsa::hazmat::rsa_encrypt;
        use ::rsa::{BoxedUint, RsaPublicKey};
        let bytes = |seed: u8, length: usize| -> Vec<u8> {
            mgf1::<sha2::Sha256>(&[seed]).take(length).collect()
        };
        for (seed, length, exponent) in [
            (1, 256, 65537),
            (2, 256, 0x1_ffff_ffff),
            (3, 257, 65539),
            (4, 384, 65537),
            (5, 512, 65537),
        ] {
            let mut modulus = bytes(seed, length);
            modulus[0] = if length == 257 { 1 } else { modulus[0] | 0x80 };
            modulus[length - 1] |= 1;
            let mut signature = bytes(seed + 100, length);
            signature[0] = 0;
            let e = u64::to_be_bytes(exponent);
            let key = RsaKey::read(&text(&modulus), &text(&e)).unwrap();
            let number = BoxedUint::from_be_slice_vartime(&modulus);
            let precision = number.bits_precision();
            let other = RsaPublicKey::new(number, BoxedUint::from(exponent)).unwrap();
            let signed = BoxedUint::from_be_slice(&signature, precision).unwrap();
            let expected = rsa_encrypt(&other, &signed).unwrap().to_be_bytes();
            let zeros = expected.len() - length;
            assert_eq!(key.opened(&signature).as_deref(), Some(&expected[zeros..]), "{seed}");
        }
    }

    /// Each bit of an encoding counts. Wycheproof has the rest of what can be wrong with one.
    #[test]
    fn an_encoding_for_pss_holds_whole_or_not_at_all() {
        for modulus_bits in [2048_u32, 2049, 2050, 2055, 2056, 2057] {
            let encoded = pss(modulus_bits);
            let holds = |encoded: &[u8]| {
                is_pss::<sha2::Sha256>(encoded, modulus_bits, b"text") == Some(true)
            };
            assert!(holds(&encoded), "{modulus_bits}");
            for at in 0..encoded.len() {
                for bit in 0..8 {
                    let mut wrong = encoded.clone();
                    wrong[at] ^= 1 << bit;
                    assert!(!holds(&wrong), "{modulus_bits} {at} {bit}");
                }
            }
            assert_ne!(is_pss::<sha2::Sha256>(&encoded, modulus_bits, b"texts"), Some(true));
            assert_ne!(is_pss::<sha2::Sha256>(&[], modulus_bits, b"text"), Some(true));
        }
    }

    /// EMSA-PSS-ENCODE (RFC 8017 section 9.1.1) of `text`, as long as the modulus.
    fn pss(modulus_bits: u32) -> Vec<u8> {
        use sha2::Sha256;
        let (bits, salt) = (modulus_bits as usize - 1, [7; 32]);
        let length = bits.div_ceil(8);
        let hash = Sha256::new()
            .chain_update([0; 8])
            .chain_update(Sha256::digest(b"text"))
            .chain_update(salt)
            .finalize();
        let block = [&vec![0; length - 66][..], &[1], &salt].concat();
        let mut masked: Vec<u8> =
            mgf1::<Sha256>(&hash).zip(&block).map(|(mask, byte)| mask ^ byte).collect();
        masked[0] &= 0xff >> (8 * length - bits);
        let front = vec![0; (modulus_bits as usize).div_ceil(8) - length];
        [&front[..], &masked, &hash, &[0xbc]].concat()
    }
}
