//! A signed token (JWS compact serialization, RFC 7515 section 7.1), from text to verified claims.
//!
//! One fixed order: form, issuer, algorithm, dates, audience, key, signature. What is not yet
//! verified may only refuse; only [`Verified`] gives claims away, and only a signature makes one.
//!
//! ```text
//!  Unverified ── signed_with(key) ──▶ Signed::Known, Signed::Holds(Verified) | Signed::Fails(Unverified)
//!      ▲                 │
//!      └── answered ── Asked: the host verifies
//! ```

use std::sync::Arc;

use jsonwebtoken::Algorithm;
use linkgate_signatures::base64url;
use zeroize::Zeroizing;

use super::algorithm;
use super::audience::Audience;
use super::claims::Claims;
use super::key::Key;
use super::refusal::Refusal;
use super::verification::{
    HostAnswer, SignatureAlgorithm, SignatureAlgorithms, Verification, VerifiedBy, Verify,
};
use crate::text::json::{self, Json, NotStrict, Object};
use crate::time::clock::Now;
use crate::verdict::cause::TokenFlaw;

/// Longest `kid`, in bytes.
const MAX_KID: usize = 256;

/// A token that has the right form and nothing more.
pub(crate) struct Unverified {
    text: Zeroizing<String>,
    form: Arc<Form>,
    /// SHA-256 of the text, where it is to be known again.
    id: Option<TokenId>,
    /// The key that this very text was verified with before, in DER.
    known_key: Option<Arc<[u8]>>,
    /// Since when it waits for its key, in monotonic milliseconds.
    waits_since: Option<u64>,
    /// What the host said of its signature.
    host: HostAnswer,
}

/// What a token says of its key, and since when it waits for it.
pub(crate) struct KeyHint<'a> {
    pub(crate) algorithm: Algorithm,
    pub(crate) kid: Option<&'a str>,
    pub(crate) waits_since: Option<u64>,
}

/// What a token says.
pub(crate) struct Form {
    /// `alg` as written: an algorithm or anything else.
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
    claims: Claims,
}

/// What a token must be, apart from being signed.
pub(crate) struct Expected<'a> {
    /// The issuer's place in the policy document: its keys are the only ones tried.
    pub(crate) issuer: usize,
    pub(crate) algorithms: &'a [Algorithm],
    pub(crate) audience: Audience<'a>,
    pub(crate) skew_ms: u64,
}

/// The SHA-256 of a token.
pub(crate) type TokenId = [u8; 32];

/// A token that was verified before: what it says, and its key in DER.
#[derive(Clone)]
pub(crate) struct Known {
    pub(crate) form: Arc<Form>,
    pub(crate) key: Arc<[u8]>,
}

/// The outcome of the look at a token's signature.
pub(crate) enum Signed {
    /// It was made with the key.
    Holds(Verified, VerifiedBy),
    /// It was not: the token is back.
    Fails(Unverified, VerifiedBy),
    /// The host is to say.
    Asked(Asked),
}

/// A token whose signature the host verifies.
pub(crate) struct Asked {
    token: Unverified,
    algorithm: SignatureAlgorithm,
    spki: Arc<[u8]>,
}

/// A token whose form, dates, audience and signature hold.
pub(crate) struct Verified {
    text: Zeroizing<String>,
    form: Arc<Form>,
    /// Its SHA-256, and the public key that its signature was verified with just now, in DER.
    new: Option<(TokenId, Arc<[u8]>)>,
}

impl Form {
    fn read(text: &str, limit: usize) -> Result<Self, Refusal> {
        // RFC 7516 section 9: five parts, where a signed token has three. Before the length: no limit would do.
        if text.bytes().filter(|byte| *byte == b'.').count() == 4 {
            return Err(TokenFlaw::Encrypted.into());
        }
        if text.len() > limit {
            return Err(TokenFlaw::TooLong.into());
        }
        let mut parts = text.split('.');
        let (Some(header), Some(claims), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(TokenFlaw::NotCompactJws.into());
        };
        let header = decoded(header)?;
        let claims = Zeroizing::new(decoded(claims)?);
        decoded(signature)?;
        let (alg, kid, typ) = read_header(&header)?;
        let claims = Claims::parse(&claims)?;
        Ok(Self { alg, kid, typ, claims })
    }

    /// Whose token it says it is: issuer and subject.
    pub(crate) fn subject(&self) -> (String, String) {
        let claim = |name| self.claims.known(name).unwrap_or_default().to_owned();
        (claim("iss"), claim("sub"))
    }

    /// The memory that it takes, in bytes; a generous estimate.
    pub(crate) fn size(&self) -> usize {
        let header = [Some(&self.alg), self.kid.as_ref(), self.typ.as_ref()];
        let header: usize = header.into_iter().flatten().map(String::len).sum();
        size_of::<Self>() + header + self.claims.size()
    }
}

impl Unverified {
    /// Reads a token's form. `limit` is the longest that is read, in bytes. A text that has no such form comes
    /// back with what is wrong with it.
    pub(crate) fn read(
        text: Zeroizing<String>,
        limit: usize,
    ) -> Result<Self, (Zeroizing<String>, Refusal)> {
        match Form::read(&text, limit) {
            Ok(form) => Ok(Self {
                text,
                form: Arc::new(form),
                id: None,
                known_key: None,
                waits_since: None,
                host: HostAnswer::None,
            }),
            Err(refusal) => Err((text, refusal)),
        }
    }

    /// The same of a text that was verified before. What is known of it was read from this very text.
    pub(crate) fn known(text: Zeroizing<String>, Known { form, key }: Known) -> Self {
        let (waits_since, host) = (None, HostAnswer::None);
        Self { text, form, id: None, known_key: Some(key), waits_since, host }
    }

    /// The token, to be known again by its SHA-256 once it is verified.
    pub(crate) fn identified(self, id: TokenId) -> Self {
        Self { id: Some(id), ..self }
    }

    /// `iss`, to look up or compare what the token must be. Not to be believed.
    pub(crate) fn issuer(&self) -> Result<&str, TokenFlaw> {
        self.form.claims.known("iss").ok_or(TokenFlaw::IssuerMissing)
    }

    /// Whether all that is expected holds, in the fixed order, the signature left out: it says which key it needs.
    pub(crate) fn check(&self, expected: &Expected<'_>, now: Now) -> Result<KeyHint<'_>, Refusal> {
        let algorithm = algorithm::by_name(&self.form.alg)
            .filter(|alg| expected.algorithms.contains(alg))
            .ok_or(TokenFlaw::AlgorithmRefused)?;
        self.check_dates(expected.skew_ms, now)?;
        expected.audience.check(&self.form.claims)?;
        let kid = self.form.kid.as_deref();
        Ok(KeyHint { algorithm, kid, waits_since: self.waits_since })
    }

    /// Whether it was signed with this key: known from before, or by the host's word for exactly this key, else by the
    /// host where it verifies such signatures, else by the key's own verifier.
    pub(crate) fn signed_with(self, key: &Key, host: SignatureAlgorithms) -> Signed {
        if self.known_key.is_some() && self.known_key == key.spki {
            let known = Verified { text: self.text, form: self.form, new: None };
            return Signed::Holds(known, VerifiedBy::Cache);
        }
        let algorithm = SignatureAlgorithm::of(key.algorithm).filter(|one| host.has(*one));
        let answer = self.host.under(key.spki.as_ref()).filter(|_| algorithm.is_some());
        if let Some(holds) = answer {
            return self.decided(holds, key, VerifiedBy::Host);
        }
        // A key that was replaced while the host verified with the other: nothing is asked twice, the component verifies.
        let asks = matches!(self.host, HostAnswer::None);
        let algorithm = algorithm.filter(|_| asks);
        let signature = self.signature();
        match (algorithm, &key.spki) {
            (Some(algorithm), Some(spki)) if key.fits(&signature) => {
                Signed::Asked(Asked { token: self, algorithm, spki: Arc::clone(spki) })
            }
            _ => {
                let holds = key.verifies(self.message(), &signature);
                self.decided(holds, key, VerifiedBy::Component)
            }
        }
    }

    fn decided(self, holds: bool, key: &Key, by: VerifiedBy) -> Signed {
        if !holds {
            return Signed::Fails(self, by);
        }
        let new = self.id.zip(key.spki.clone());
        Signed::Holds(Verified { text: self.text, form: self.form, new }, by)
    }

    /// What is signed (RFC 7515 section 5.2 step 8).
    fn message(&self) -> &[u8] {
        self.text.rsplit_once('.').map_or(&[], |(message, _)| message.as_bytes())
    }

    /// The signature. It was seen to be base64url; what is empty is no signature of any algorithm.
    fn signature(&self) -> Vec<u8> {
        let signature = self.text.rsplit_once('.').map(|(_, signature)| decoded(signature));
        signature.and_then(Result::ok).unwrap_or_default()
    }

    /// The token, waiting for its key since now or since it first did.
    pub(crate) fn waiting(mut self, now: Now) -> Self {
        self.waits_since.get_or_insert(now.mono_ms);
        self
    }

    /// What was presented, for its length and digest.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.text.as_bytes()
    }

    /// `exp` is required (RFC 7519 section 4.1.4); `nbf` and `iat` must not lie ahead.
    fn check_dates(&self, skew_ms: u64, now: Now) -> Result<(), TokenFlaw> {
        let expires_ms = self.form.claims.expires_ms.ok_or(TokenFlaw::ExpiryMissing)?;
        if now.unix_ms >= expires_ms.saturating_add(skew_ms) {
            return Err(TokenFlaw::Expired);
        }
        let ahead =
            |date: Option<u64>| date.is_some_and(|date| date > now.unix_ms.saturating_add(skew_ms));
        if ahead(self.form.claims.not_before_ms) {
            return Err(TokenFlaw::NotYetValid);
        }
        if ahead(self.form.claims.issued_ms) {
            return Err(TokenFlaw::IssuedAhead);
        }
        Ok(())
    }
}

impl Asked {
    /// What the host is asked.
    pub(crate) fn question(&self) -> Verify {
        Verify {
            algorithm: self.algorithm,
            key: Arc::clone(&self.spki),
            message: Zeroizing::new(self.token.message().to_vec()),
            signature: Zeroizing::new(self.token.signature()),
        }
    }

    /// The token with the host's answer. It is no more verified than before.
    pub(crate) fn answered(self, answer: Verification) -> Unverified {
        let Self { token, spki, .. } = self;
        let host = match answer {
            Verification::Yes => HostAnswer::Key { spki, holds: true },
            Verification::No => HostAnswer::Key { spki, holds: false },
            Verification::Unable => HostAnswer::Unable,
        };
        Unverified { host, ..token }
    }
}

impl Verified {
    /// Length of the token, in bytes.
    pub(crate) fn length(&self) -> usize {
        self.text.len()
    }

    pub(crate) fn claims(&self) -> &Claims {
        &self.form.claims
    }

    /// What is to be remembered of it, under its SHA-256, if its signature was verified just now with a public key.
    pub(crate) fn newly_verified(&self) -> Option<(TokenId, Known)> {
        let (id, key) = self.new.clone()?;
        Some((id, Known { form: Arc::clone(&self.form), key }))
    }

    /// The token, to be sent on.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// `alg`, as the header has it.
    pub(crate) fn algorithm(&self) -> &str {
        &self.form.alg
    }

    /// `typ`, likewise, if it is there.
    pub(crate) fn token_type(&self) -> Option<&str> {
        self.form.typ.as_deref()
    }

    /// Whether `typ` is this one; a media type may leave out `application/` (RFC 7515 section 4.1.9).
    pub(crate) fn is_of_type(&self, wanted: &str) -> bool {
        let full = |name: &str| {
            let name = name.to_ascii_lowercase();
            if name.contains('/') { name } else { format!("application/{name}") }
        };
        self.form.typ.as_deref().is_some_and(|typ| full(typ) == full(wanted))
    }
}

fn decoded(part: &str) -> Result<Vec<u8>, TokenFlaw> {
    base64url(part).filter(|bytes| !bytes.is_empty()).ok_or(TokenFlaw::NotCompactJws)
}

/// `alg`, `kid` and `typ`. `jku`, `jwk`, `x5u` and `x5c` are not read: keys come from the
/// policy, never from the token (RFC 8725 section 3.10).
fn read_header(text: &[u8]) -> Result<(String, Option<String>, Option<String>), TokenFlaw> {
    let members = json::parse(text)
        .map_err(|flaw| match flaw {
            NotStrict::Duplicate => TokenFlaw::HeaderDuplicate,
            NotStrict::Malformed | NotStrict::TooDeep => TokenFlaw::HeaderNotJson,
        })?
        .into_object()
        .ok_or(TokenFlaw::HeaderNotJson)?;
    if members.contains_key("crit") {
        return Err(TokenFlaw::HeaderCrit);
    }
    let text = |name: &str, members: &Object| match members.get(name) {
        None | Some(Json::Null) => Ok(None),
        Some(Json::Text(text)) => Ok(Some(text.clone())),
        Some(_) => Err(TokenFlaw::HeaderType),
    };
    let alg = text("alg", &members)?.ok_or(TokenFlaw::HeaderType)?;
    // RFC 7515 section 4.1.4 has a string; issuers whose keys have numbers write one here, too.
    let kid = match members.get("kid") {
        Some(Json::Number(kid)) if kid.is_whole() => Some(kid.to_string()),
        _ => text("kid", &members)?,
    };
    if kid.as_ref().is_some_and(|kid| kid.len() > MAX_KID) {
        return Err(TokenFlaw::KeyUnknown);
    }
    Ok((alg, kid, text("typ", &members)?))
}
