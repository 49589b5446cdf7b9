//! The fingerprint of RSA moduli whose private key can be computed: ROCA (CVE-2017-15361).
//!
//! The library of a chip maker made primes of the form `k * M + (65537^a mod M)`, with `M` the product
//! of the first primes. The product of two is a power of 65537 modulo each of these primes, which no
//! other modulus is but by a chance of 2^-169. Smart cards, TPMs and tokens that issue keys had it.

/// Whether a modulus, big-endian, has the fingerprint.
pub(crate) fn is_shaped(modulus: &[u8]) -> bool {
    // Nearly every other modulus fails within the first few, and each walk over it costs as much as all of these.
    let rest = remainder(modulus, FIRST);
    FACTORS.iter().all(|factor| {
        let rest = if FIRST.is_multiple_of(*factor) { rest } else { remainder(modulus, *factor) };
        is_power(rest % factor, *factor)
    })
}

/// The product of the first nine factors: one more, and it has no room in 32 bits.
const FIRST: u32 = 3 * 5 * 7 * 11 * 13 * 17 * 19 * 23 * 29;

fn remainder(number: &[u8], divisor: u32) -> u32 {
    let divisor = u64::from(divisor);
    // Words from the end on: the one in front may be short.
    let rest = number.rchunks(4).rev().fold(0, |rest, word| {
        let append = |rest: u64, byte: &u8| (rest << 8) | u64::from(*byte);
        word.iter().fold(rest, append) % divisor
    });
    u32::try_from(rest).unwrap_or_default()
}

/// Whether `number` is a power of 65537 modulo `factor`.
fn is_power(number: u32, factor: u32) -> bool {
    let generator = 65_537 % factor;
    let mut power = 1;
    for _ in 1..factor {
        if power == number {
            return true;
        }
        power = power * generator % factor;
    }
    false
}

/// The odd ones of the first 126 primes: `M` of moduli from 1984 bits on has at least these (Nemec et
/// al., "The Return of Coppersmith's Attack", 2017, table 1). Shorter moduli are refused anyway.
#[rustfmt::skip]
const FACTORS: [u32; 125] = [
    3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59,
    61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109, 113, 127, 131, 137,
    139, 149, 151, 157, 163, 167, 173, 179, 181, 191, 193, 197, 199, 211, 223, 227,
    229, 233, 239, 241, 251, 257, 263, 269, 271, 277, 281, 283, 293, 307, 311, 313,
    317, 331, 337, 347, 349, 353, 359, 367, 373, 379, 383, 389, 397, 401, 409, 419,
    421, 431, 433, 439, 443, 449, 457, 461, 463, 467, 479, 487, 491, 499, 503, 509,
    521, 523, 541, 547, 557, 563, 569, 571, 577, 587, 593, 599, 601, 607, 613, 617,
    619, 631, 641, 643, 647, 653, 659, 661, 673, 677, 683, 691, 701,
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base64url;

    /// The modulus of `tests/keys/roca-rs.pem`, whose primes were made as that library made them.
    const SHAPED: &str = include_str!("../../../tests/keys/roca-modulus.txt");

    #[test]
    fn the_fingerprint_is_of_every_prime() {
        let shaped = base64url(SHAPED).unwrap();
        assert!(is_shaped(&shaped));
        // Of 4096 odd neighbours none has it: each differs modulo the first primes at least.
        let (low, rest) = shaped.split_last_chunk::<2>().map(|(rest, low)| (low, rest)).unwrap();
        for other in (1..=u16::MAX).step_by(16).filter(|other| other.to_be_bytes() != *low) {
            let neighbour = [rest, &other.to_be_bytes()].concat();
            assert!(!is_shaped(&neighbour), "{other}");
        }
    }

    #[test]
    fn a_remainder_is_that_of_every_length() {
        let mut number = Vec::new();
        let mut value: u128 = 0;
        for byte in [0x00, 0xff, 0x9a, 0x01, 0x80, 0x7f, 0x00, 0xfe, 0x33, 0xc5, 0x11] {
            number.push(byte);
            value = (value << 8) | u128::from(byte);
            for divisor in [3, 11, 701, FIRST, u32::MAX] {
                let expected = u32::try_from(value % u128::from(divisor)).unwrap();
                assert_eq!(remainder(&number, divisor), expected, "{number:?} by {divisor}");
            }
        }
        let first: Vec<u32> =
            FACTORS.into_iter().filter(|factor| FIRST.is_multiple_of(*factor)).collect();
        assert_eq!(first, FACTORS[..9]);
    }

    #[test]
    fn powers_are_told_from_other_numbers() {
        // 65537 is 10 modulo 11, and its powers are 10 and 1.
        let powers: Vec<u32> = (0..11).filter(|number| is_power(*number, 11)).collect();
        assert_eq!(powers, [1, 10]);
        // 3 modulo 7 generates them all; 0 is never one.
        assert_eq!((0..7).filter(|number| is_power(*number, 7)).count(), 6);
    }
}
