//! Whether a `:path` says what hyper will say it says, and is there at all.
//!
//! h2 gives a path as `http::Uri`, which drops a `#` and all after it without a word. A policy that
//! is to judge a path needs all of it, so a connection with such a path ends. A request without any
//! `:path` becomes one for `/` there; but for CONNECT, that ends it too. To see both, header
//! blocks are decoded once more (RFC 7541), for the names and lengths that this takes; whatever is
//! not understood ends the connection as well.

use std::collections::VecDeque;

use crate::huffman;

/// Follows the header blocks of one direction of a connection.
pub(crate) struct Paths {
    /// The dynamic table, newest first.
    table: VecDeque<Entry>,
    size: usize,
    max_size: usize,
}

/// A field's name, as far as it matters here.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Name {
    Method,
    Path,
    Other,
}

/// A header block that does not go on to h2.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refused;

#[derive(Clone, Copy)]
struct Entry {
    name: Name,
    /// Whether the value is `CONNECT`.
    connects: bool,
    name_length: usize,
    size: usize,
}

impl Paths {
    pub(crate) fn new() -> Self {
        Self { table: VecDeque::new(), size: 0, max_size: TABLE_BYTES }
    }

    /// Reads the next header block, whole.
    pub(crate) fn block(&mut self, mut block: &[u8]) -> Result<(), Refused> {
        let (mut needs_path, mut has_path) = (false, false);
        while let Some(first) = block.first() {
            let field = match first {
                0x80.. => {
                    let index = integer(&mut block, 7)?;
                    self.entry(index)?
                }
                0x40..0x80 => {
                    let entry = self.literal(&mut block, 6)?;
                    self.insert(entry);
                    entry
                }
                0x20..0x40 => {
                    self.max_size = integer(&mut block, 5)?;
                    if self.max_size > TABLE_BYTES {
                        return Err(Refused);
                    }
                    self.evict(0);
                    continue;
                }
                0x00..0x20 => self.literal(&mut block, 4)?,
            };
            has_path |= field.name == Name::Path;
            needs_path |= field.name == Name::Method && !field.connects;
        }
        if needs_path && !has_path { Err(Refused) } else { Ok(()) }
    }

    /// RFC 7541 section 6.2. Here is what all of this is for.
    fn literal(&self, block: &mut &[u8], bits: u32) -> Result<Entry, Refused> {
        let index = integer(block, bits)?;
        let (name, name_length) = if index == 0 {
            let name = string(block)?;
            let kind = match name.as_slice() {
                b":path" => Name::Path,
                b":method" => Name::Method,
                _ => Name::Other,
            };
            (kind, name.len())
        } else {
            let entry = self.entry(index)?;
            (entry.name, entry.name_length)
        };
        let value = string(block)?;
        if name == Name::Path && value.contains(&b'#') {
            return Err(Refused);
        }
        let size = name_length + value.len() + OVERHEAD;
        Ok(Entry { name, connects: value == b"CONNECT", name_length, size })
    }

    /// RFC 7541 section 2.3.3: the static table, then the dynamic one.
    fn entry(&self, index: usize) -> Result<Entry, Refused> {
        let at = index.checked_sub(1).ok_or(Refused)?;
        if let Some(length) = STATIC_NAMES.get(at) {
            let name = match index {
                2 | 3 => Name::Method,
                4 | 5 => Name::Path,
                _ => Name::Other,
            };
            let name_length = usize::from(*length);
            return Ok(Entry { name, connects: false, name_length, size: 0 });
        }
        self.table.get(at - STATIC_NAMES.len()).copied().ok_or(Refused)
    }

    fn insert(&mut self, entry: Entry) {
        self.evict(entry.size);
        if entry.size <= self.max_size {
            self.size += entry.size;
            self.table.push_front(entry);
        }
    }

    /// RFC 7541 section 4.4: the oldest make room.
    fn evict(&mut self, room: usize) {
        while self.size + room > self.max_size {
            let Some(oldest) = self.table.pop_back() else {
                return;
            };
            self.size -= oldest.size;
        }
    }
}

/// RFC 7541 section 5.1.
fn integer(block: &mut &[u8], bits: u32) -> Result<usize, Refused> {
    let mask = (1_usize << bits) - 1;
    let mut value = usize::from(byte(block)?) & mask;
    if value < mask {
        return Ok(value);
    }
    for shift in [0, 7, 14, 21] {
        let byte = byte(block)?;
        value += usize::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err(Refused)
}

/// RFC 7541 section 5.2.
fn string(block: &mut &[u8]) -> Result<Vec<u8>, Refused> {
    let coded = block.first().is_some_and(|first| first & 0x80 != 0);
    let length = integer(block, 7)?;
    let (text, rest) = block.split_at_checked(length).ok_or(Refused)?;
    *block = rest;
    if coded { huffman::decode(text).ok_or(Refused) } else { Ok(text.to_vec()) }
}

fn byte(block: &mut &[u8]) -> Result<u8, Refused> {
    let (first, rest) = block.split_first().ok_or(Refused)?;
    *block = rest;
    Ok(*first)
}

/// Bytes of the dynamic table: HTTP/2's default (RFC 9113 section 6.5.2), to which the server keeps.
const TABLE_BYTES: usize = 4096;

/// Bytes an entry counts beyond its texts: RFC 7541 section 4.1.
const OVERHEAD: usize = 32;

/// Lengths of the names of the static table: RFC 7541 appendix A.
#[rustfmt::skip]
const STATIC_NAMES: [u8; 61] = [
    10, 7, 7, 5, 5, 7, 7, 7, 7, 7, 7, 7, 7, 7, 14, 15, 15, 13, 6, 27, 3, 5, 13, 13, 19, 16, 16, 14, 16, 13,
    12, 6, 4, 4, 6, 7, 4, 4, 8, 17, 13, 8, 19, 13, 4, 8, 12, 18, 19, 5, 7, 7, 11, 6, 10, 25, 17, 10, 4, 3, 16,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fragment_in_a_path_is_refused_wherever_its_name_comes_from() {
        let rows: [(&str, &[u8], Result<(), Refused>); 13] = [
            ("indexed", b"\x84", Ok(())),
            ("static name", b"\x04\x04/a/b", Ok(())),
            ("static name, fragment", b"\x04\x04/a#b", Err(Refused)),
            ("literal name, fragment", b"\x00\x05:path\x02/#", Err(Refused)),
            ("another name", b"\x00\x01x\x02/#", Ok(())),
            ("dynamic name", b"\x44\x02/a\x7e\x02/b", Ok(())),
            ("dynamic name, fragment", b"\x44\x02/a\x7e\x02/#", Err(Refused)),
            ("evicted name", b"\x44\x02/a\x20\x7e\x02/#", Err(Refused)),
            ("no path", b"\x82\x86", Err(Refused)),
            ("no path, known name", b"\x42\x07CONNECT\x7e\x03GET", Err(Refused)),
            ("CONNECT has none", b"\x02\x07CONNECT", Ok(())),
            ("trailers have none", b"\x00\x01x\x01y", Ok(())),
            ("cut short", b"\x04\x04/a", Err(Refused)),
        ];
        for (name, block, expected) in rows {
            assert_eq!(Paths::new().block(block), expected, "{name}");
        }
    }
}
