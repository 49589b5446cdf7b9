//! Questions with known answers, for a host that offers to verify signatures: it is asked nothing else before it has
//! answered them all.
//!
//! For each algorithm one signature is good. Each other question differs from it in one way that a broken verifier has
//! been seen to overlook.

use std::sync::Arc;

use linkgate_signatures::base64url;
use zeroize::Zeroizing;

use super::jwk;
use super::spki;
use super::verification::{SignatureAlgorithm, SignatureAlgorithms, Verification, Verify};
use crate::text::json;

/// A question, and what is wrong with it.
pub(crate) struct Probe {
    flaw: Flaw,
    pub(crate) question: Verify,
}

/// What is wrong with a question.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flaw {
    /// Nothing: this signature is good.
    None,
    Message,
    OtherKey,
    EmptySignature,
    ZeroSignature,
    FlippedSignature,
    OtherHash,
    OtherPadding,
    SaltLength,
    GarbageKey,
}

impl Probe {
    /// Whether this is the answer of a verifier that works.
    fn is_answered_by(&self, answer: Verification) -> bool {
        match self.flaw {
            Flaw::None => answer == Verification::Yes,
            // No key at all: a host may also say that it can do nothing with it.
            Flaw::GarbageKey => answer != Verification::Yes,
            Flaw::Message
            | Flaw::OtherKey
            | Flaw::EmptySignature
            | Flaw::ZeroSignature
            | Flaw::FlippedSignature
            | Flaw::OtherHash
            | Flaw::OtherPadding
            | Flaw::SaltLength => answer == Verification::No,
        }
    }
}

impl Flaw {
    const fn name(self) -> &'static str {
        match self {
            Self::None => "a good signature",
            Self::Message => "a message that was changed",
            Self::OtherKey => "the signature of another key",
            Self::EmptySignature => "an empty signature",
            Self::ZeroSignature => "a signature of zeros",
            Self::FlippedSignature => "a signature that was changed",
            Self::OtherHash => "a signature over another hash",
            Self::OtherPadding => "a signature with another padding",
            Self::SaltLength => "a salt of another length",
            Self::GarbageKey => "a key that is none",
        }
    }
}

/// The questions for these algorithms, in their order.
pub(crate) fn probes(algorithms: SignatureAlgorithms) -> Vec<Probe> {
    algorithms.iter().flat_map(of).collect()
}

/// The algorithms of which every question was answered as it should be, and a line for the operator about each other.
pub(crate) fn passed(
    algorithms: SignatureAlgorithms,
    answers: &[Verification],
) -> (SignatureAlgorithms, Vec<String>) {
    let probes = probes(algorithms);
    if answers.len() != probes.len() {
        let (expected, found) = (probes.len(), answers.len());
        let notice = format!(
            "verification: expected {expected} answers of the host's verifier, found {found}; {OWN}"
        );
        return (SignatureAlgorithms::NONE, vec![notice]);
    }
    let (mut passed, mut notices) = (algorithms, Vec::new());
    for (probe, answer) in probes.iter().zip(answers) {
        let algorithm = probe.question.algorithm;
        if !probe.is_answered_by(*answer) && passed.has(algorithm) {
            passed = passed.without(algorithm);
            let (name, flaw, said) = (algorithm.name(), probe.flaw.name(), answer.name());
            notices.push(format!(
                "verification: the host's verifier of {name} said `{said}` to {flaw}; {OWN}"
            ));
        }
    }
    (passed, notices)
}

/// What follows from a wrong answer.
const OWN: &str = "the component verifies by itself";

fn of(algorithm: SignatureAlgorithm) -> Vec<Probe> {
    let Set { key, other_key, good, flawed } = set(algorithm);
    let signed = base64url(good).unwrap_or_default();
    let question = |flaw, key: &Arc<[u8]>, message: &[u8], signature: &[u8]| Probe {
        flaw,
        question: Verify {
            algorithm,
            key: Arc::clone(key),
            message: Zeroizing::new(message.to_vec()),
            signature: Zeroizing::new(signature.to_vec()),
        },
    };
    let (own, other, garbage) = (public(key), public(other_key), Arc::from(GARBAGE));
    let zeros = vec![0; signed.len()];
    let mut probes = vec![
        question(Flaw::None, &own, MESSAGE, &signed),
        question(Flaw::Message, &own, &flipped(MESSAGE), &signed),
        question(Flaw::OtherKey, &other, MESSAGE, &signed),
        question(Flaw::EmptySignature, &own, MESSAGE, &[]),
        question(Flaw::ZeroSignature, &own, MESSAGE, &zeros),
        question(Flaw::FlippedSignature, &own, MESSAGE, &flipped(&signed)),
        question(Flaw::GarbageKey, &garbage, MESSAGE, &signed),
    ];
    probes.extend(flawed.iter().map(|(flaw, signature)| {
        question(*flaw, &own, MESSAGE, &base64url(signature).unwrap_or_default())
    }));
    probes
}

/// The public key of a JWK.
fn public(key: &str) -> Arc<[u8]> {
    let value = json::parse(key.as_bytes()).ok();
    let spki = value.as_ref().and_then(|value| spki::of(&jwk::read(value).ok()?.material));
    // Never of these constants; and no verifier says yes under an empty key.
    spki.unwrap_or_default()
}

/// With the last bit changed.
fn flipped(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    if let Some(last) = bytes.last_mut() {
        *last ^= 1;
    }
    bytes
}

/// What the questions for an algorithm are made of.
struct Set {
    key: &'static str,
    other_key: &'static str,
    good: &'static str,
    /// Signatures by the same key that are none of this algorithm.
    flawed: &'static [(Flaw, &'static str)],
}

#[rustfmt::skip]
fn set(algorithm: SignatureAlgorithm) -> Set {
    let rsa = |good, flawed| Set { key: RSA, other_key: RSA_OTHER, good, flawed };
    match algorithm {
        SignatureAlgorithm::Rs256 => rsa(RS256, &[(Flaw::OtherHash, RS384), (Flaw::OtherPadding, PS256)]),
        SignatureAlgorithm::Rs384 => rsa(RS384, &[(Flaw::OtherHash, RS512), (Flaw::OtherPadding, PS384)]),
        SignatureAlgorithm::Rs512 => rsa(RS512, &[(Flaw::OtherHash, RS256), (Flaw::OtherPadding, PS512)]),
        SignatureAlgorithm::Ps256 => rsa(PS256, &[(Flaw::OtherHash, PS384), (Flaw::OtherPadding, RS256), (Flaw::SaltLength, PS256_SALT_20)]),
        SignatureAlgorithm::Ps384 => rsa(PS384, &[(Flaw::OtherHash, PS512), (Flaw::OtherPadding, RS384), (Flaw::SaltLength, PS384_SALT_20)]),
        SignatureAlgorithm::Ps512 => rsa(PS512, &[(Flaw::OtherHash, PS256), (Flaw::OtherPadding, RS512), (Flaw::SaltLength, PS512_SALT_20)]),
        SignatureAlgorithm::Es256 => Set { key: P256, other_key: P256_OTHER, good: P256_SHA256, flawed: &[(Flaw::OtherHash, P256_SHA384)] },
        SignatureAlgorithm::Es384 => Set { key: P384, other_key: P384_OTHER, good: P384_SHA384, flawed: &[(Flaw::OtherHash, P384_SHA256)] },
        SignatureAlgorithm::EdDsa => Set { key: ED25519, other_key: ED25519_OTHER, good: ED, flawed: &[] },
    }
}

/// Not 32 bytes: some libraries take those for a bare key of Ed25519.
const GARBAGE: &[u8] = b"linkgate: these bytes are not a key";

const MESSAGE: &[u8] = b"linkgate: a text that was signed, for the self-test of a verifier";

/// The public half of the key that signed; the private one was thrown away.
const RSA: &str = r#"{"kty":"RSA","n":"vdW3sESM24U27A1cr663jsC8jojlHgTHAICd9A4KeTbVCr9U-wiB_i16DnTPCyZjzx6uO_SWVTfAnfPuUIewh_5xoAo-QaD4xgWjt-1kmxwi-LEzRr5WJ9iwHXzKO9D-fgDTfBUOe2HSGmlP9yc_crC9r0fkdTu5Oi9fh_j2dNeoEIg1R2H0oG-Cc83tqin7O9oxnUoNHglYZFvvGQEluVNZIBXvnLnrhny_MpNDkdJvarToFm8ZN0n9v4FXZHJXaiQkXPUl8_M9T9fzqY0ASwBV5lM2i8Ag4CJbJ8dCdPhNhkvdqyfTAgWXTm9dyejsESatkS_zGb_zF-1FgOp8iw","e":"AQAB"}"#;

/// Another key of the same kind.
const RSA_OTHER: &str = r#"{"kty":"RSA","n":"wrettp3ZjsgIUs97Bb5ySUd7AlbJGP1XRQj67q2KZJJk0g5JZSwAZlaalVXd2xStJhq4U6UpoVfk-9OuOCiMDfeSfpqKZgkgSKgp3-VFhRhUcOGlmp0vKoF3Zy53vuYY15jD3anPi8gaJa8NMmJfnj7gp2qrOg2Zvovbs0dx7tSZ-jwr-VDrcT1prq4k4-fr2_rfQR-2dR0qOy1Z5uIgoJXofpJqNTgfTnpeXoAYpGXZ6MYFx6C7FXodG0OAETXm3zjKzfjZIsBM9dC6kAOy_l61VYaX5PL_xbx6tr4IzbU9Pf7m6D8anTFFGFDsh2HUvddY8SRDGtJLauMV0Gcm0Q","e":"AQAB"}"#;

/// The public half of the key that signed; the private one was thrown away.
const P256: &str = r#"{"kty":"EC","crv":"P-256","x":"02OcK6k1ojHjwwzMQgivHvYJFE5rL0xCeUGOpVwTWbI","y":"1cY3pC_ERPCBVvsCq1r6MbR26dueEjz3hXksix_H3mk"}"#;

/// Another key of the same kind.
const P256_OTHER: &str = r#"{"kty":"EC","crv":"P-256","x":"Oe9J2JfzrP-JIEYLKPg4BNdmcdlOPadchW9pwNzUJyg","y":"fxIc7epIwnv4wlg-AIYhEqr641hdIF3y0NAZDmjszQ0"}"#;

/// The public half of the key that signed; the private one was thrown away.
const P384: &str = r#"{"kty":"EC","crv":"P-384","x":"wKdqKvPuHIeeQJnCMQRjcpQSSkaSmnGGSlhST056LdgNqLokRQb3dgJnQqyhp17a","y":"DQRK70FRPqVpc6-kmyPNxFYp4kwsiR7rd_GSoCgqRbNv2TApV6CWzXGckTLBigVj"}"#;

/// Another key of the same kind.
const P384_OTHER: &str = r#"{"kty":"EC","crv":"P-384","x":"0_MhhhbxUN6HZLXIQ1p4_i8tG2OvBidWsEvmd2OkhiA7LIEypgCHVPMfMcDQOmIQ","y":"_MNGeV1WRZ979Wj4ULgXLox0Lw1qHR6Ie4IszHTbGuQD-gu0f13XGMQz2RfiYZGY"}"#;

/// The public half of the key that signed; the private one was thrown away.
const ED25519: &str =
    r#"{"kty":"OKP","crv":"Ed25519","x":"RwRZivqB-KXAXRWj1xQOpUTLFNrMovbTq33aLNvE0C8"}"#;

/// Another key of the same kind.
const ED25519_OTHER: &str =
    r#"{"kty":"OKP","crv":"Ed25519","x":"ea5uXoqz4hSwOO1TCt_Yoo-_isfrcy1TB0SiDMHdR6k"}"#;

// Signatures of MESSAGE, by algorithm: made once with Python's `cryptography`.
const RS256: &str = "p59K_D7H0YVQ_K2E-HNf1GmzZjMMCOb_ed4ymd47PiXVvQKyzNSPK4-Tp1zioKyTFPe5P_4Xl9UbltWsF6uKUQNGzdRpEjtnqIrrTA8ftvtzRKUsp-CHzQM62YqTvML2zhuYQxc96VDZuEiBBdvG-JGqNPE-SkhqJekFnU6dyAtVKAVLfkzbxl8wZ9eHLiuuGxPyTMVzT8-Gqfamf755-CN_MIRFKbD6Y7ycMcIaw7nXmfWC886OXOmrxZ1HI5ybyCc0HVRXoO5iF2duEkLtRklORuxjLSvuJrUZBC_8gl2P_eNSrJOclE8zMUlCNI7LttnYKdM7u0FhZYak10YURQ";
const PS256: &str = "VKYcFhYnF3ArLaB7wtzQgzJfcI90yj2mTVqj3QGunMWXoRKtxbLyJUbRwwv3DiLb3pcU9cuxd1av7cpcD3WIcxRqCzKOeVT8yhFUsZlrVSXgu5NqBW_qrZtlT9_xk0fKv42DphP7ItnO17QhJCTJJBYozdbUtUc2wbX7ABqh0abBWOp0pnmroWA7He5cSAeb2n7zljjiDLSix7StzG3KrVUz46DjBA0Y3xlJ0sj7_IrETWYmHtqM335PYkj__dSiY1W17RuWp20ZEO2UZ441GXus_uI5zGhgMZZ99KNmZ8a1ur25WsSp2SoKoCtcorJ4kyAIlKW3zE8tPs30h2DTeQ";
const RS384: &str = "JXF9TGGmVUZ-2koNfj75a3T1LJQAFWLuyz3OYCNI20LL0WX-Kb-9MaF8g2tR2GEL_b6eoACNRB2hDb2JzsapIYv2f5KCknjX_yxeCrTtbLSmM2VCHTq8nZ2D8U45TKIaGbZnxr4-ubKkegvChaq10j34QTXWxSO1SK49piTYSWTnd7Bgb28GhoEu5IXTdwjwnsExf_LKsuewllCCkl0eTxKsTR9byxIwgUuJI8CJTnJ9U8qFMBSJZ4EXAp7hFpvFHu1FkshnVnsGKiWN3iLVI0wnqqDlMrX3yOJjMjzsxxr3cVOt-MCDEiv6RvOPfHKIibI3Nbs4eJ52sXDRizJsUg";
const PS384: &str = "paehnRwDKJ4mTKHy88VLX8Yf8l0v2146jc1BBfLkKI8kTojBOEVhItMSWT1_uOcvS98I01U0nvvqNM8SqyXPfMd--YIhIx-08YNNS4WLANScx9TAwFlMdL6b9JV54rl2yh2jAUYirNC1DkstbpuuT8fffPAOKh01IWEMJPmRUK47wg9GRJPDN4gQv_RhclxsQb-YNV5rD_Qp0Ovba7QM4fyZTUPdDSljFLtgueqC2NKzlfqSd5vFMgVsqYbXVVqs6LrpP_0rTUjTurA9HAdqpcI4uuhhHT3qWl67q-hWhHz8qT_0NNrLKH-jp9fC57jHBH6vCUS2VsCzLqMvM7kTWw";
const RS512: &str = "WpcuFuEhb8ROMHY8cm4G32y-N4SBFrqj-JI4mR5HabugyonPj43rfn1rNQ255Jur4Iu8ADmReQefHqlxvuVhflIc3OL5BHoNQeBJxye0nBtuET18VCSrmdPvMhPrBp5ZSEEHmvBjI4UWSshw5ybHWtFo2HEKM7tfjvQRxVlU3h7QZ_swXTsq5cFn9BPjtQx0TtPkJ435V75mK2az95b0isx78H0GDbh_b2-49_acB-eex5_IPtReuFZYXvSz451KCq9dIRAvKFkv2YOpLpPIC_wvpTlnLHxzOoij351tPpW6p3CvwGBiiBYPv67zzIMtVh-PeBHx4c34dMac6fgxQg";
const PS512: &str = "PFoKugx41m-ji-DvoDRpLtO-YZQvDcTQqNPGPME71kR6VTejepvopGsMSXjNkqgU2Q1ntrDgJfwPs6hqX0MSDnQk9mPvLxRwppvZU8tRJlh75-a-HPu0ziCUPAlPRgL8xqg3-we37wd0pPpO1s_CBUh6NRqgC081ahonhV2kTFMxYXoK5dJG1s6mGtanwZWHOunhCzFAjNbZb_jA-wZpOx-3_QXrCwnuCNycgxe5Pi2hYGa5MHQ9DEbmtMSVtIGcEkV5XtXMghqfc-5HWuHBUUg_wR4xBIuPmXAhYJeF8ICGtypSzzujyZLh_JSbvDUqkDnFRwoHv1qaUvAkzzy2RA";
const PS256_SALT_20: &str = "Hb1KG7p6vnucYKV6k33Dx5mKbuPs4d1NU2sF8evn4D065OIBdURxKuW3fFbd7wKLpXkFC-ONo5o5mW39kyp2EIX0t0NSlcSCKa4KC2ZfqlLlb1vNHpHY_Ry9v7coNY77iAHGVis1R1tHAp_VIEsxpyHSbdFy-JmIN04zym1XF3pFtOVKdPOZPNSvPll7FFabkTXAIgsDs1yNaRVLxnelSCYAzL4O78bhap10SDWC6bIe8zAzaIqa0qtu5esB0iwjNcLxa5MWgGSm1I8FNwHTrWLqRQ1MrpKL-K7E_OtdSCbtU2_B8OXl7W2zFUxrr7lkhHpMvO1LKGK4BasH9_43fA";
const PS384_SALT_20: &str = "nNRpqx9CGnzBzF6MINuxkyoOBqMOpC-Xkqw9m1ppDzFnroqAPOL9g36lE6gtcd1PHm9VkgEEgTY091JtXRtq1mC8-b14X_h9cFUimsDPeZk4PhWDUkwMGLY49ln1_R3OAQo5avzNPpsg3SFMbD7Tp0WIVKgDGxBn432Q4rxjEDsaFUcw2ih7gPbnpMHTvAEwCG93ACgd-yjT3VAjgnk6wxJqihCfGv5Wk2lKvjKenzLVBO8lnqn3-CHLDWpHcM3UiV4XJwMSy_IMRP1VwUlynQkLdC1wdeVDDQkvB_xe8rahLEU9uyXKp-1r8WsfJHrc0JB0z0-S08VyG4eeK5dYIg";
const PS512_SALT_20: &str = "QiFONl48wW2TJEYCAt5wr0ivYnfqFRNDLLJp9gWqoWdpshY7wgS29i05HEE-kAhaz_WRJv2nNWMCbcR7WWu_dRubhEdY5dYN-BGMdfRB5XbEL8WgBOUf4N737OPzyV4Ywo5iCm9raXoC1ztt4mJMqYNNchjy-KCyi9T8hriGg0Bhy-nQSozG1oiA_Wwxjypv2cYV1bjlSvfqzBYlFH24P3SC_XAHAGO2laYQe5R3AgoPtAVUPmVA0NBnpTjKD4XzqAGff1jteIgGSGNsQ46A3Uggo3K6I7Vpo4IGY2tSCdqzd7iex3Q9c0LzTUwTryrbbJMktLjGEvHK2pKaWueskA";
const P256_SHA256: &str =
    "Mi5e0dEU20MhQ_VZpHPR2qFlL1dyyA4i2AVJf-b4P6_2ayC3O_sTz9cTYve0O6ugm_oIQUroLgkNWykadDY_oA";
const P384_SHA256: &str = "yVMpmG3CKA7KqEEdG8SCX_ClErkR7hWmF5sAkNAUEM-RPFaEKdahhLrpJHNFNPcoU5f5i2yYBs8lGXcC-ek5QAGSalosw3PqE-h0F8x4oSvKhgbrYqrk10ICokpiBJuz";
const P256_SHA384: &str =
    "0RhZEa2yMnp1q1E9GYfUjwv-RUWs_GPV_WVXfinZPo2Pyw-3eKo1sqk5-VIsTgirfVhZpjmqUWXE81gJU1RYkg";
const P384_SHA384: &str = "hOQij1uE0gv4a4kF6RUfwZeGsg4f66T1iMPsSP0h62OAUNZhIF63G0a8JQ_tnbAxzVjoB1-Xvcj9Qnq-I_LoDA1ReZCmOxb6JoPD1rOkS11wLLbBEMcDprVSqh4FyLZu";
const ED: &str =
    "saI8AfSrC0WFlACX66EiOm4t5Ksa04-Ty5NalAqAzza7_PLURj8GUZMStOz-oiVW-3hGIl6bOAWjRdqbf_0-AA";

#[cfg(test)]
mod tests {
    use p256::ecdsa::signature::hazmat::PrehashVerifier as _;
    use rsa::signature::Verifier as _;
    use rsa::{BoxedUint, RsaPublicKey, pss};
    use sha2::{Digest as _, Sha256, Sha384, Sha512};

    use super::*;
    use crate::jose::{algorithm, key};
    use linkgate_signatures::Material;

    /// The core's own verifier answers as every host has to.
    fn own(question: &Verify, key: &str) -> bool {
        let algorithm = algorithm::by_name(question.algorithm.name());
        let value = json::parse(key.as_bytes());
        let keys = key::prepare(&value.unwrap(), &[algorithm.unwrap()]).unwrap();
        keys.iter().all(|key| key.verifies(&question.message, &question.signature))
    }

    #[test]
    fn the_cores_own_verifier_passes() {
        for algorithm in SignatureAlgorithm::ALL {
            let Set { key, other_key, .. } = set(*algorithm);
            for probe in of(*algorithm) {
                if probe.flaw == Flaw::GarbageKey {
                    continue;
                }
                let key = if probe.flaw == Flaw::OtherKey { other_key } else { key };
                let holds = own(&probe.question, key);
                let (name, flaw) = (algorithm.name(), probe.flaw.name());
                assert_eq!(holds, probe.flaw == Flaw::None, "{name}: {flaw}");
                assert!(!probe.question.key.is_empty(), "{name}: {flaw}");
            }
        }
    }

    fn bytes(text: &str) -> Vec<u8> {
        base64url(text).unwrap()
    }

    /// The uncompressed point of a JWK (SEC 1 section 2.3.3).
    fn point(key: &str) -> Vec<u8> {
        let value = json::parse(key.as_bytes()).unwrap();
        let Material::Ec { x, y, .. } = jwk::read(&value).unwrap().material else { panic!() };
        [vec![4], bytes(x), bytes(y)].concat()
    }

    fn is_salted<D>(key: &RsaPublicKey, signature: &str) -> bool
    where
        D: sha2::Digest + sha2::digest::FixedOutputReset,
    {
        let signature = pss::Signature::try_from(bytes(signature).as_slice()).unwrap();
        let key = pss::VerifyingKey::<D>::new_with_salt_len(key.clone(), 20);
        key.verify(MESSAGE, &signature).is_ok()
    }

    /// To a signature that is none at all every verifier says no, whatever it overlooks. Those of other algorithms are
    /// good under their own name above; these have none.
    #[test]
    fn a_flawed_signature_is_good_as_what_it_is() {
        let value = json::parse(RSA.as_bytes()).unwrap();
        let Material::Rsa { n, .. } = jwk::read(&value).unwrap().material else { panic!() };
        let n = BoxedUint::from_be_slice_vartime(&bytes(n));
        let key = RsaPublicKey::new(n, BoxedUint::from(65537_u32)).unwrap();
        assert!(is_salted::<Sha256>(&key, PS256_SALT_20), "PS256");
        assert!(is_salted::<Sha384>(&key, PS384_SALT_20), "PS384");
        assert!(is_salted::<Sha512>(&key, PS512_SALT_20), "PS512");
        let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(&point(P256)).unwrap();
        let signature = p256::ecdsa::Signature::from_slice(&bytes(P256_SHA384)).unwrap();
        assert!(key.verify_prehash(&Sha384::digest(MESSAGE), &signature).is_ok(), "P-256");
        let key = p384::ecdsa::VerifyingKey::from_sec1_bytes(&point(P384)).unwrap();
        let signature = p384::ecdsa::Signature::from_slice(&bytes(P384_SHA256)).unwrap();
        assert!(key.verify_prehash(&Sha256::digest(MESSAGE), &signature).is_ok(), "P-384");
    }

    /// What a verifier that works answers.
    fn right(probe: &Probe) -> Verification {
        if probe.flaw == Flaw::None { Verification::Yes } else { Verification::No }
    }

    #[test]
    fn one_wrong_answer_costs_the_algorithm_and_no_other() {
        let probes = probes(SignatureAlgorithms::ALL);
        let right: Vec<Verification> = probes.iter().map(right).collect();
        assert_eq!(passed(SignatureAlgorithms::ALL, &right), (SignatureAlgorithms::ALL, vec![]));
        for (at, probe) in probes.iter().enumerate() {
            for wrong in [Verification::Yes, Verification::No, Verification::Unable] {
                if probe.is_answered_by(wrong) {
                    continue;
                }
                let mut answers = right.clone();
                answers[at] = wrong;
                let (passed, notices) = passed(SignatureAlgorithms::ALL, &answers);
                let algorithm = probe.question.algorithm;
                assert_eq!(passed, SignatureAlgorithms::ALL.without(algorithm));
                assert_eq!(notices.len(), 1, "{notices:?}");
                let named = format!(
                    "{} said `{}` to {}",
                    algorithm.name(),
                    wrong.name(),
                    probe.flaw.name()
                );
                assert!(notices[0].contains(&named), "{notices:?}");
            }
        }
    }

    /// Mutants of a verifier, each as somebody has shipped it.
    #[test]
    fn a_broken_verifier_is_found_by_name() {
        type Verifier = Box<dyn Fn(&Probe) -> Verification>;
        let says = |answer| move |_: &Probe| answer;
        let lenient = |flaw: Flaw| -> Verifier {
            Box::new(move |probe| if probe.flaw == flaw { Verification::Yes } else { right(probe) })
        };
        let mutants: [(&str, Verifier); 12] = [
            ("an error of the host for a yes", Box::new(says(Verification::Yes))),
            ("never yes", Box::new(says(Verification::No))),
            ("an error every time", Box::new(says(Verification::Unable))),
            ("yes to an empty signature", lenient(Flaw::EmptySignature)),
            ("yes to zeros (CVE-2022-21449)", lenient(Flaw::ZeroSignature)),
            ("yes to another key", lenient(Flaw::OtherKey)),
            ("yes to another message", lenient(Flaw::Message)),
            ("yes to another signature", lenient(Flaw::FlippedSignature)),
            ("yes to another hash", lenient(Flaw::OtherHash)),
            ("yes to another padding", lenient(Flaw::OtherPadding)),
            ("yes to a key that is none", lenient(Flaw::GarbageKey)),
            ("yes to another salt", lenient(Flaw::SaltLength)),
        ];
        for (row, verifier) in mutants {
            let mut found = 0;
            for algorithm in SignatureAlgorithm::ALL {
                let only = SignatureAlgorithms::NONE.with(*algorithm);
                let probes = probes(only);
                let answers: Vec<Verification> = probes.iter().map(&verifier).collect();
                let is_wrong =
                    probes.iter().zip(&answers).any(|(probe, answer)| right(probe) != *answer);
                found += usize::from(is_wrong);
                let expected = if is_wrong { SignatureAlgorithms::NONE } else { only };
                assert_eq!(passed(only, &answers).0, expected, "{row}: {}", algorithm.name());
            }
            assert!(found > 0, "{row}: no algorithm asks for it");
        }
    }

    #[test]
    fn too_few_or_too_many_answers_are_none() {
        let count = probes(SignatureAlgorithms::ALL).len();
        for found in [0, 1, count - 1, count + 1] {
            let (passed, notices) =
                passed(SignatureAlgorithms::ALL, &vec![Verification::No; found]);
            assert_eq!(passed, SignatureAlgorithms::NONE, "{found}");
            assert_eq!(notices.len(), 1, "{notices:?}");
        }
        assert_eq!(passed(SignatureAlgorithms::NONE, &[]), (SignatureAlgorithms::NONE, vec![]));
    }
}
