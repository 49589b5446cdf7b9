//! Huffman-coded strings of HPACK (RFC 7541 section 5.2), decoded to the byte.
//!
//! The code of appendix B is canonical: codes of one length count up in the order of their symbols,
//! and each length goes on where the one before left off. So the lengths tell the whole of it.

/// The string that `coded` stands for; `None` when it is none.
pub(crate) fn decode(coded: &[u8]) -> Option<Vec<u8>> {
    let mut text = Vec::with_capacity(coded.len() * 2);
    let (mut code, mut length) = (0_u32, 0_usize);
    for byte in coded {
        for shift in (0..8).rev() {
            code = (code << 1) | u32::from((byte >> shift) & 1);
            length += 1;
            // The code of 30 ones is no symbol but the end of the string, which may not occur.
            if length > LONGEST {
                return None;
            }
            if let Some(symbol) = CODE.symbol(code, length) {
                text.push(symbol);
                (code, length) = (0, 0);
            }
        }
    }
    // What is left is padding: less than a byte of ones.
    (length < 8 && code == (1 << length) - 1).then_some(text)
}

/// The code, by length: its first code, and where its symbols begin.
struct Code {
    first: [u32; LONGEST + 1],
    begin: [usize; LONGEST + 2],
    symbols: [u8; 256],
}

impl Code {
    /// The symbol whose code is `code` of `length` bits, if there is one.
    fn symbol(&self, code: u32, length: usize) -> Option<u8> {
        let first = *self.first.get(length)?;
        let (begin, end) = (*self.begin.get(length)?, *self.begin.get(length + 1)?);
        let at = begin + usize::try_from(code.checked_sub(first)?).ok()?;
        if at < end { self.symbols.get(at).copied() } else { None }
    }

    #[expect(
        clippy::indexing_slicing,
        reason = "computed by the compiler: a bad index is an error"
    )]
    #[expect(clippy::cast_possible_truncation, reason = "a symbol is below 256")]
    const fn from_lengths(lengths: &[u8; 256]) -> Self {
        let mut code = Self { first: [0; LONGEST + 1], begin: [0; LONGEST + 2], symbols: [0; 256] };
        let (mut next, mut filled, mut length) = (0_u32, 0, 0);
        while length <= LONGEST {
            next <<= 1;
            code.first[length] = next;
            code.begin[length] = filled;
            let mut symbol = 0;
            while symbol < lengths.len() {
                if lengths[symbol] as usize == length {
                    code.symbols[filled] = symbol as u8;
                    filled += 1;
                    next += 1;
                }
                symbol += 1;
            }
            length += 1;
        }
        code.begin[LONGEST + 1] = filled;
        code
    }
}

static CODE: Code = Code::from_lengths(&LENGTHS);

/// Bits of the longest code.
const LONGEST: usize = 30;

/// Bits of each symbol's code: RFC 7541 appendix B.
#[rustfmt::skip]
const LENGTHS: [u8; 256] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
    6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
    13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
    15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
    20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
    20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_of_the_rfc() {
        for (coded, expected) in [
            (&[][..], Some(&b""[..])),
            // RFC 7541 sections C.4.1 and C.4.3.
            (
                &[0xf1, 0xe3, 0xc2, 0xe5, 0xf2, 0x3a, 0x6b, 0xa0, 0xab, 0x90, 0xf4, 0xff],
                Some(b"www.example.com"),
            ),
            (&[0xa8, 0xeb, 0x10, 0x64, 0x9c, 0xbf], Some(b"no-cache")),
            (&[0x25, 0xa8, 0x49, 0xe9, 0x5b, 0xa9, 0x7d, 0x7f], Some(b"custom-key")),
            (&[0xff], None),
            (&[0xa8, 0xeb, 0x10, 0x64, 0x9c, 0xb0], None),
            (&[0xff, 0xff, 0xff, 0xff], None),
        ] {
            assert_eq!(decode(coded).as_deref(), expected, "{coded:x?}");
        }
    }
}
