//! What a key of a set is, for people: its digest and its size are worked out when they are asked for, since an instance
//! that is made for one request reads its keys and shows them to no one.

use linkgate_signatures::base64url;

use super::algorithm;
use super::jwk;
use super::key::Key;
use super::thumbprint::Members;
use crate::text::json::Json;

/// What a key of a set is, for people: nothing in it is secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRow {
    /// `kid`, when it is a string or a whole number.
    pub kid: Option<String>,
    /// `kty`: `RSA`, `EC`, `OKP`, or what is there instead.
    pub kind: String,
    /// `2048 bits`, `P-256`, `Ed25519`.
    pub size: String,
    /// `use`, when it is a string.
    pub usage: Option<String>,
    /// The algorithms it is used with here.
    pub algorithms: Vec<&'static str>,
    /// Its SHA-256 thumbprint (RFC 7638), where its type has one.
    pub thumbprint: Option<String>,
    /// Whether it is the same key as one before it in the set.
    pub repeated: bool,
    /// Why it is not used, if it is not.
    pub refused: Option<String>,
}

/// A key of a set as it was published, and whether it is used.
pub(crate) struct Published {
    /// `kid`, when it is a string or a whole number.
    pub(crate) kid: Option<String>,
    pub(crate) members: Members,
    /// `use`, when it is a string.
    pub(crate) usage: Option<String>,
    /// The algorithms it is used with here.
    pub(crate) algorithms: Vec<&'static str>,
    /// Whether it is the same key as one before it in the set.
    pub(crate) repeated: bool,
    /// Why it is not used, if it is not.
    pub(crate) refused: Option<String>,
}

impl Published {
    /// A key, and what came of preparing it.
    pub(crate) fn new(value: &Json, keys: &[Key], refused: Option<String>) -> Self {
        Self {
            kid: jwk::kid(value).unwrap_or_default(),
            members: Members::of(value),
            usage: value.member("use").and_then(Json::as_text).map(str::to_owned),
            algorithms: keys.iter().map(|key| algorithm::name(key.algorithm)).collect(),
            repeated: false,
            refused,
        }
    }

    /// Whether tokens are verified with it. A repeated key is in use once.
    pub(crate) fn is_used(&self) -> bool {
        self.refused.is_none() && !self.repeated
    }

    /// For people.
    pub(crate) fn row(&self) -> KeyRow {
        KeyRow {
            kid: self.kid.clone(),
            kind: self.members.get("kty").unwrap_or_default().to_owned(),
            size: self.size().unwrap_or_default(),
            usage: self.usage.clone(),
            algorithms: self.algorithms.clone(),
            thumbprint: self.members.thumbprint(),
            repeated: self.repeated,
            refused: self.refused.clone(),
        }
    }

    fn size(&self) -> Option<String> {
        let curve = self.members.get("crv").map(str::to_owned);
        curve.or_else(|| Some(format!("{} bits", bits(&base64url(self.members.get("n")?)?))))
    }
}

/// Bits of a number, leading zeros left out.
fn bits(number: &[u8]) -> usize {
    let significant: Vec<u8> = number.iter().copied().skip_while(|byte| *byte == 0).collect();
    let first = significant.first().map_or(0, |byte| byte.leading_zeros() as usize);
    significant.len() * 8 - first
}

impl KeyRow {
    /// Whether tokens are verified with it. A repeated key is in use once.
    #[must_use]
    pub fn is_used(&self) -> bool {
        self.refused.is_none() && !self.repeated
    }
}
