//! The place in a component where a policy is baked in: bytes that are set aside when it is built, and
//! overwritten in its file.
//!
//! ```text
//!  ┌ MARKER 32 ┬ length 4 ┬ SHA-256 32 ┬ what is baked in, JSON ┬ zeros ┐
//!  └───────────┴──────────┴────────────┴────────────────────────┴───────┘
//! ```
//!
//! No section of the file moves, so a component that holds a policy is as valid as the one without, and
//! so is one that was chained with others before. The digest tells a file that was damaged or edited by
//! hand; it is no signature.

use std::sync::atomic::{AtomicU8, Ordering};

use sha2::{Digest as _, Sha256};

/// What a slot begins with, in every file. Its number is that of what is said here: a component and a tool of
/// different ones do not know each other.
pub const MARKER: [u8; 32] = *b"linkgate/1 baked policy slot \x1f\x9d\x8b";

/// Bytes of a slot. A policy with the keys of an issuer takes 2 to 4 KiB; raised, every component grows
/// by as much, and every instance's memory.
pub const SLOT_BYTES: usize = 64 << 10;

/// Bytes before what is baked in.
const HEAD_BYTES: usize = MARKER.len() + 4 + 32;

/// The most that can be baked in, in bytes.
pub const MAX_BAKED_BYTES: usize = SLOT_BYTES - HEAD_BYTES;

/// The slot of this component. `bake` writes to the file, never this program. Atomics, and `used`, because
/// the compiler must not take the bytes for the ones that it sees here.
#[used]
static SLOT: [AtomicU8; SLOT_BYTES] = {
    let mut slot = [const { AtomicU8::new(0) }; SLOT_BYTES];
    let mut at = 0;
    while at < MARKER.len() {
        #[expect(
            clippy::indexing_slicing,
            reason = "a constant: out of range, it does not compile"
        )]
        let byte = MARKER[at];
        #[expect(clippy::indexing_slicing, reason = "likewise")]
        let place = &mut slot[at];
        *place = AtomicU8::new(byte);
        at += 1;
    }
    slot
};

/// What is wrong with a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// It says that there is more in it than there is room.
    Length,
    /// What is in it is not what was put there.
    Digest,
}

/// What is in the slot of this component.
pub(super) fn own() -> Result<Option<Vec<u8>>, Damage> {
    let bytes = |most| SLOT.iter().take(most).map(|byte| byte.load(Ordering::Relaxed)).collect();
    let head: Vec<u8> = bytes(HEAD_BYTES);
    let length = Head::of(&head).ok_or(Damage::Length)?.length;
    let whole: Vec<u8> = bytes(HEAD_BYTES.saturating_add(length));
    contents(&whole).map(|contents| contents.map(<[u8]>::to_vec))
}

/// What is in a slot, if anything.
///
/// # Errors
///
/// It is damaged.
pub fn contents(slot: &[u8]) -> Result<Option<&[u8]>, Damage> {
    let head = Head::of(slot).ok_or(Damage::Length)?;
    let baked = slot.get(HEAD_BYTES..).and_then(|rest| rest.get(..head.length));
    let baked = baked.filter(|_| head.length <= MAX_BAKED_BYTES).ok_or(Damage::Length)?;
    match baked {
        [] if head.digest == [0; 32] => Ok(None),
        baked if head.digest == *Sha256::digest(baked) => Ok(Some(baked)),
        _ => Err(Damage::Digest),
    }
}

/// A slot with this in it; nothing when there is not room enough.
#[must_use]
pub fn filled(baked: &[u8]) -> Option<Vec<u8>> {
    let length = u32::try_from(baked.len()).ok()?;
    let digest = Sha256::digest(baked);
    let mut slot = [MARKER.as_slice(), &length.to_le_bytes(), &digest, baked].concat();
    (slot.len() <= SLOT_BYTES).then(|| {
        slot.resize(SLOT_BYTES, 0);
        slot
    })
}

/// What a slot says of itself.
struct Head {
    length: usize,
    digest: [u8; 32],
}

impl Head {
    fn of(slot: &[u8]) -> Option<Self> {
        let rest = slot.get(MARKER.len()..)?;
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let digest = *rest.first_chunk::<32>()?;
        Some(Self { length: usize::try_from(u32::from_le_bytes(*length)).ok()?, digest })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_in_comes_out() {
        for baked in [b"{}".to_vec(), vec![b'x'; MAX_BAKED_BYTES]] {
            let slot = filled(&baked).unwrap();
            assert_eq!(slot.len(), SLOT_BYTES);
            assert_eq!(contents(&slot), Ok(Some(baked.as_slice())));
        }
        assert_eq!(filled(&vec![b'x'; MAX_BAKED_BYTES + 1]), None);
    }

    #[test]
    fn the_slot_of_a_fresh_build_is_empty() {
        assert_eq!(own(), Ok(None));
        let bytes: Vec<u8> = SLOT.iter().map(|byte| byte.load(Ordering::Relaxed)).collect();
        assert_eq!(bytes.get(..32), Some(MARKER.as_slice()));
        assert_eq!(contents(&bytes), Ok(None));
    }

    /// Any single byte that differs, but for the zeros that fill it up.
    #[test]
    fn a_byte_that_differs_is_seen() {
        let slot = filled(br#"{"policy":{"version":1}}"#).unwrap();
        let used = HEAD_BYTES + 24;
        for at in MARKER.len()..used {
            let mut damaged = slot.clone();
            damaged[at] ^= 1;
            assert!(contents(&damaged).is_err(), "byte {at}");
        }
        let mut emptied = slot.clone();
        emptied[32..36].fill(0);
        assert_eq!(contents(&emptied), Err(Damage::Digest), "a length of zero is no empty slot");
        assert_eq!(contents(&slot[..HEAD_BYTES + 3]), Err(Damage::Length), "cut off");
        assert_eq!(contents(&[]), Err(Damage::Length));
    }
}
