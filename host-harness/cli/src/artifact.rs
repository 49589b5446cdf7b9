//! A built artifact, read: what it is, what it says of itself, and what is baked into it.

mod surface;

use std::fmt::Write as _;
use std::ops::Range;
use std::path::Path;

use linkgate_policy::edition::Baked;
use linkgate_policy::edition::slot::{self, Damage, MARKER, SLOT_BYTES};
use sha2::{Digest as _, Sha256};

pub(crate) use surface::Surface;

/// A WebAssembly file.
pub(crate) struct Artifact {
    bytes: Vec<u8>,
    pub(crate) surface: Surface,
    slot: Slot,
}

/// Where a policy can be baked in.
enum Slot {
    None,
    At(Range<usize>),
    /// Several editions in one file, as after chaining them.
    Several,
}

impl Artifact {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// It cannot be read, or is no WebAssembly: a phrase says which.
    pub(crate) fn read(path: &Path) -> Result<Self, String> {
        let bytes = std::fs::read(path).map_err(|error| format!("cannot read it: {error}"))?;
        Self::of(bytes)
    }

    /// Reads what would be a file.
    ///
    /// # Errors
    ///
    /// It is no WebAssembly: a phrase says what was found.
    pub(crate) fn of(bytes: Vec<u8>) -> Result<Self, String> {
        let surface = Surface::of(&bytes)?;
        let slot = find(&bytes);
        Ok(Self { bytes, surface, slot })
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// SHA-256 of the file, in hexadecimal.
    pub(crate) fn digest(&self) -> String {
        Sha256::digest(&self.bytes).iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }

    /// Whether a policy can be baked in, or is.
    pub(crate) fn has_slot(&self) -> bool {
        matches!(self.slot, Slot::At(_))
    }

    /// What is baked in, if anything.
    ///
    /// # Errors
    ///
    /// Something is, and it cannot be used: a phrase says why.
    pub(crate) fn baked(&self) -> Result<Option<Baked>, String> {
        let place = match &self.slot {
            Slot::None => return Ok(None),
            Slot::Several => return Err(SEVERAL.to_owned()),
            Slot::At(place) => place.clone(),
        };
        match slot::contents(self.bytes.get(place).unwrap_or_default()) {
            Ok(contents) => contents.map(Baked::read).transpose(),
            Err(Damage::Digest) => {
                Err("expected what was baked in, found it damaged: its digest differs".to_owned())
            }
            Err(Damage::Length) => {
                Err("expected what was baked in, found it damaged: it is cut off".to_owned())
            }
        }
    }

    /// The same file with this baked in.
    ///
    /// # Errors
    ///
    /// There is no place for it, something else is in it, or it is too large: a phrase says which.
    pub(crate) fn with(&self, baked: &Baked) -> Result<Self, String> {
        let place = match &self.slot {
            Slot::None => return Err(NO_SLOT.to_owned()),
            Slot::Several => return Err(SEVERAL.to_owned()),
            Slot::At(place) => place.clone(),
        };
        if self.baked()?.is_some() {
            return Err("expected a component without a policy, found one baked in".to_owned());
        }
        let text = baked.text();
        let filled = slot::filled(text.as_bytes()).ok_or_else(|| {
            let most = slot::MAX_BAKED_BYTES;
            format!("expected policy and keys of at most {most} bytes, found {}", text.len())
        })?;
        let mut bytes = self.bytes.clone();
        bytes.get_mut(place).ok_or(NO_SLOT)?.copy_from_slice(&filled);
        Self::of(bytes)
    }
}

const NO_SLOT: &str = "expected an edition of linkgate, found a file with no place for a policy";

const SEVERAL: &str = "expected one edition of linkgate, found several in one file";

fn find(bytes: &[u8]) -> Slot {
    let mut places = bytes.windows(MARKER.len()).enumerate().filter(|(_, found)| *found == MARKER);
    match (places.next(), places.next()) {
        (None, _) => Slot::None,
        (Some(_), Some(_)) => Slot::Several,
        (Some((at, _)), None) => match at.checked_add(SLOT_BYTES) {
            Some(end) if end <= bytes.len() => Slot::At(at..end),
            Some(_) | None => Slot::None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";

    /// A component whose one section, which no host reads, is a slot.
    fn component(slots: usize) -> Vec<u8> {
        let slot = [&MARKER[..], &vec![0; SLOT_BYTES - MARKER.len()]].concat();
        let mut bytes = EMPTY.to_vec();
        for _ in 0..slots {
            let mut size = slot.len() + 2;
            bytes.push(0);
            while size >= 128 {
                bytes.push(u8::try_from(size % 128).unwrap() | 128);
                size /= 128;
            }
            bytes.extend([u8::try_from(size).unwrap(), 1, b'x']);
            bytes.extend(&slot);
        }
        bytes
    }

    fn baked(document: &str) -> Baked {
        Baked::new(document, None, None).unwrap()
    }

    #[test]
    fn the_same_policy_makes_the_same_file() {
        let artifact = Artifact::of(component(1)).unwrap();
        let one = artifact.with(&baked(r#"{"version":1}"#)).unwrap();
        assert_eq!(one.bytes().len(), artifact.bytes().len());
        assert_eq!(one.bytes(), artifact.with(&baked(r#"{"version":1}"#)).unwrap().bytes());
        assert_eq!(one.baked().unwrap().unwrap().document(), r#"{"version":1}"#);
        assert_ne!(one.digest(), artifact.digest());
        let told = one.with(&baked("{}")).err().unwrap();
        assert_eq!(told, "expected a component without a policy, found one baked in");
    }

    #[test]
    fn what_has_no_place_for_a_policy_is_told() {
        for (row, bytes, expected) in
            [("foreign", EMPTY.to_vec(), NO_SLOT), ("several", component(2), SEVERAL)]
        {
            let artifact = Artifact::of(bytes).unwrap();
            assert!(!artifact.has_slot(), "{row}");
            assert_eq!(artifact.with(&baked("{}")).err().as_deref(), Some(expected), "{row}");
        }
        let large = format!("\"{}\"", "x".repeat(SLOT_BYTES));
        let told = Artifact::of(component(1)).unwrap().with(&baked(&large)).err().unwrap();
        assert!(
            told.starts_with("expected policy and keys of at most 65468 bytes, found "),
            "{told}"
        );
    }

    #[test]
    fn damage_is_told() {
        let artifact = Artifact::of(component(1)).unwrap().with(&baked("{}")).unwrap();
        let Slot::At(place) = &artifact.slot else { panic!("no slot") };
        for (offset, expected) in [(68, "its digest differs"), (35, "it is cut off")] {
            let mut bytes = artifact.bytes.clone();
            bytes[place.start + offset] ^= 1;
            let told = Artifact::of(bytes).unwrap().baked().err().unwrap();
            assert!(told.contains(expected), "{told}");
        }
    }
}
