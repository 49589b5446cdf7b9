//! The little of DER (X.690) that keys and signatures are written in.

/// A number, unsigned and in as few bytes as it takes.
pub(crate) fn integer(number: &[u8]) -> Vec<u8> {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    let significant = number.get(zeros..).unwrap_or_default();
    // The highest bit is that of a sign.
    let is_signed = significant.first().is_none_or(|byte| byte & 0x80 != 0);
    let sign: &[u8] = if is_signed { &[0] } else { &[] };
    tlv(INTEGER, &[sign, significant].concat())
}

/// Tag, length and content (X.690 section 8.1).
pub(crate) fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let significant: Vec<u8> = length.into_iter().skip_while(|byte| *byte == 0).collect();
    let mut encoded = Vec::with_capacity(content.len().saturating_add(LONGEST_HEAD));
    encoded.push(tag);
    match significant.as_slice() {
        [] => encoded.push(0),
        [short] if *short < 0x80 => encoded.push(*short),
        // At most eight bytes: the low bits have room for it.
        long => {
            encoded.push(0x80 | u8::try_from(long.len()).unwrap_or_default());
            encoded.extend_from_slice(long);
        }
    }
    encoded.extend_from_slice(content);
    encoded
}

/// Bytes of a tag and the longest length.
const LONGEST_HEAD: usize = 10;

const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const SEQUENCE: u8 = 0x30;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leading_zeros_of_a_number_are_no_part_of_it() {
        assert_eq!(integer(&[0, 0, 1, 0, 1]), [2, 3, 1, 0, 1]);
        assert_eq!(integer(&[0x80]), [2, 2, 0, 0x80], "and it is no negative one");
        assert_eq!(integer(&[]), [2, 1, 0]);
    }

    #[test]
    fn a_length_has_as_few_bytes_as_it_takes() {
        for (length, expected) in [
            (0, &[4, 0][..]),
            (127, &[4, 127]),
            (128, &[4, 0x81, 128]),
            (255, &[4, 0x81, 255]),
            (256, &[4, 0x82, 1, 0]),
        ] {
            assert!(tlv(4, &vec![0; length]).starts_with(expected), "{length}");
        }
    }
}
