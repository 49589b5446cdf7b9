//! A public key as `SubjectPublicKeyInfo` in DER (RFC 5280 section 4.1.2.7): the form that every library of
//! cryptography reads, and the identity of a key where two are compared.

use std::sync::Arc;

use linkgate_signatures::{Curve, Material, base64url};

use super::der::{BIT_STRING, SEQUENCE, integer, tlv};

/// The key; nothing where its numbers are not base64url.
pub(crate) fn of(key: &Material<'_>) -> Option<Arc<[u8]>> {
    let (algorithm, bits): (&[u8], Vec<u8>) = match key {
        Material::Rsa { n, e } => {
            // RFC 8017 appendix A.1.1.
            let numbers = [integer(&base64url(n)?), integer(&base64url(e)?)].concat();
            (&RSA, tlv(SEQUENCE, &numbers))
        }
        Material::Ec { curve, x, y } => {
            let algorithm: &[u8] = match curve {
                Curve::P256 => &P256,
                Curve::P384 => &P384,
            };
            // SEC 1 section 2.3.3: an uncompressed point.
            (algorithm, [vec![4], base64url(x)?, base64url(y)?].concat())
        }
        Material::Ed25519 { x } => (&ED25519, base64url(x)?),
    };
    let bits = tlv(BIT_STRING, &[&[0], bits.as_slice()].concat());
    Some(Arc::from(tlv(SEQUENCE, &[algorithm, &bits].concat())))
}

/// `rsaEncryption` with its NULL (RFC 3279 section 2.3.1).
const RSA: [u8; 15] =
    [0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];

/// `id-ecPublicKey` on `secp256r1` (RFC 5480 section 2.1.1).
const P256: [u8; 21] = [
    0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
    0xce, 0x3d, 0x03, 0x01, 0x07,
];

/// `id-ecPublicKey` on `secp384r1`.
const P384: [u8; 18] = [
    0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b, 0x81, 0x04,
    0x00, 0x22,
];

/// `id-Ed25519` (RFC 8410 section 3).
const ED25519: [u8; 7] = [0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::jwk;
    use crate::text::json;

    fn spki(jwk: &str) -> Option<Vec<u8>> {
        let value = json::parse(jwk.as_bytes()).unwrap();
        of(&jwk::read(&value).unwrap().material).map(|spki| spki.to_vec())
    }

    /// What OpenSSL 3 writes for the same keys.
    #[test]
    fn it_is_what_others_write() {
        for (row, jwk, expected) in [
            (
                "RSA",
                r#"{"kty":"RSA","n":"vdW3sESM24U27A1cr663jsC8jojlHgTHAICd9A4KeTbVCr9U-wiB_i16DnTPCyZjzx6uO_SWVTfAnfPuUIewh_5xoAo-QaD4xgWjt-1kmxwi-LEzRr5WJ9iwHXzKO9D-fgDTfBUOe2HSGmlP9yc_crC9r0fkdTu5Oi9fh_j2dNeoEIg1R2H0oG-Cc83tqin7O9oxnUoNHglYZFvvGQEluVNZIBXvnLnrhny_MpNDkdJvarToFm8ZN0n9v4FXZHJXaiQkXPUl8_M9T9fzqY0ASwBV5lM2i8Ag4CJbJ8dCdPhNhkvdqyfTAgWXTm9dyejsESatkS_zGb_zF-1FgOp8iw","e":"AQAB"}"#,
                "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAvdW3sESM24U27A1cr663jsC8jojlHgTHAICd9A4KeTbVCr9U-wiB_i16DnTPCyZjzx6uO_SWVTfAnfPuUIewh_5xoAo-QaD4xgWjt-1kmxwi-LEzRr5WJ9iwHXzKO9D-fgDTfBUOe2HSGmlP9yc_crC9r0fkdTu5Oi9fh_j2dNeoEIg1R2H0oG-Cc83tqin7O9oxnUoNHglYZFvvGQEluVNZIBXvnLnrhny_MpNDkdJvarToFm8ZN0n9v4FXZHJXaiQkXPUl8_M9T9fzqY0ASwBV5lM2i8Ag4CJbJ8dCdPhNhkvdqyfTAgWXTm9dyejsESatkS_zGb_zF-1FgOp8iwIDAQAB",
            ),
            (
                "P-256",
                r#"{"kty":"EC","crv":"P-256","x":"02OcK6k1ojHjwwzMQgivHvYJFE5rL0xCeUGOpVwTWbI","y":"1cY3pC_ERPCBVvsCq1r6MbR26dueEjz3hXksix_H3mk"}"#,
                "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE02OcK6k1ojHjwwzMQgivHvYJFE5rL0xCeUGOpVwTWbLVxjekL8RE8IFW-wKrWvoxtHbp254SPPeFeSyLH8feaQ",
            ),
            (
                "P-384",
                r#"{"kty":"EC","crv":"P-384","x":"wKdqKvPuHIeeQJnCMQRjcpQSSkaSmnGGSlhST056LdgNqLokRQb3dgJnQqyhp17a","y":"DQRK70FRPqVpc6-kmyPNxFYp4kwsiR7rd_GSoCgqRbNv2TApV6CWzXGckTLBigVj"}"#,
                "MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEwKdqKvPuHIeeQJnCMQRjcpQSSkaSmnGGSlhST056LdgNqLokRQb3dgJnQqyhp17aDQRK70FRPqVpc6-kmyPNxFYp4kwsiR7rd_GSoCgqRbNv2TApV6CWzXGckTLBigVj",
            ),
            (
                "Ed25519",
                r#"{"kty":"OKP","crv":"Ed25519","x":"RwRZivqB-KXAXRWj1xQOpUTLFNrMovbTq33aLNvE0C8"}"#,
                "MCowBQYDK2VwAyEARwRZivqB-KXAXRWj1xQOpUTLFNrMovbTq33aLNvE0C8",
            ),
        ] {
            let expected = base64url(expected).unwrap();
            assert_eq!(spki(jwk).unwrap(), expected, "{row}");
        }
    }
}
