//! Minting: tokens are made when a case runs, so that nothing in the suite expires.
//!
//! ```text
//!  like, like, … ─▶ one form ─▶ header, claims ─▶ sign ─▶ mangle ─▶ compact text
//! ```
//!
//! The signatures come from aws-lc, which the gate does not use: the two cannot be wrong together.

use std::collections::BTreeMap;
use std::str::FromStr as _;

use base64::Engine as _;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use jsonwebtoken::Algorithm;
use serde_json::{Map, Value};

use crate::form::{SignatureForm, TokenForm};
use crate::keys::Keys;
use crate::text;
use crate::trouble::Trouble;

/// A minted token.
#[derive(Clone, Debug)]
pub(crate) struct Minted {
    pub(crate) header: String,
    pub(crate) claims: String,
    pub(crate) signature: String,
    pub(crate) compact: String,
}

/// Mints the tokens of one case.
pub(crate) struct Mint<'a> {
    pub(crate) keys: &'a Keys,
    pub(crate) shared: &'a BTreeMap<String, TokenForm>,
    pub(crate) own: &'a BTreeMap<String, TokenForm>,
    pub(crate) now_s: u64,
    /// Names that placeholders in raw JSON may use.
    pub(crate) names: &'a BTreeMap<String, String>,
}

/// Longest chain of `like`: more is a circle.
const MAX_CHAIN: usize = 12;

impl Mint<'_> {
    /// Whether there is a token of that name.
    pub(crate) fn knows(&self, name: &str) -> bool {
        self.own.contains_key(name) || self.shared.contains_key(name)
    }

    /// The token of that name.
    pub(crate) fn token(&self, name: &str) -> Result<Minted, Trouble> {
        let chain = self.chain(name).map_err(|trouble| trouble.at(format!("token `{name}`")))?;
        self.minted(&chain).map_err(|trouble| trouble.at(format!("token `{name}`")))
    }

    /// The forms that make up a token, the token's own first.
    fn chain(&self, name: &str) -> Result<Vec<&TokenForm>, Trouble> {
        let mut chain = Vec::new();
        let (mut name, mut own) = (name, true);
        while chain.len() < MAX_CHAIN {
            let found = if own { self.own.get(name) } else { None };
            own = found.is_some();
            let form = found.or_else(|| self.shared.get(name)).ok_or_else(|| {
                Trouble::unknown("token", name, self.own.keys().chain(self.shared.keys()))
            })?;
            chain.push(form);
            match &form.like {
                // A token that is like its own name builds on the shared one of that name.
                Some(like) => (name, own) = (like, own && like != name),
                None => return Ok(chain),
            }
        }
        Err(Trouble::new("`like` goes in circles"))
    }

    fn minted(&self, chain: &[&TokenForm]) -> Result<Minted, Trouble> {
        let key = first(chain, |form| form.key.as_deref())
            .ok_or_else(|| Trouble::new("no `key` to sign with"))?;
        let usual = self.keys.usual_algorithm(key)?;
        let mut header = Map::from_iter([
            ("alg".to_owned(), name_of(usual)),
            ("kid".to_owned(), key.into()),
            ("typ".to_owned(), "JWT".into()),
        ]);
        let mut claims = Map::new();
        for form in chain.iter().rev() {
            overlay(&mut header, &form.header);
            overlay(&mut claims, &form.claims);
        }
        for (name, value) in header.iter_mut().chain(claims.iter_mut()) {
            self.fill_in(name, value)?;
        }
        let stated = first(chain, |form| form.sign_as.as_deref())
            .or_else(|| header.get("alg").and_then(Value::as_str));
        let algorithm = stated.and_then(|name| Algorithm::from_str(name).ok());
        let header = self.json(&header, first(chain, |form| form.raw_header.as_deref()))?;
        let claims = self.json(&claims, first(chain, |form| form.raw_claims.as_deref()))?;
        let signature = self.keys.sign(key, algorithm, &format!("{header}.{claims}"))?;
        self.mangled(chain, header, claims, signature)
    }

    /// Fills in times, names and public keys: `now-61s`, `{{alice}}`, `{{jwk other-rs}}`.
    fn fill_in(&self, claim: &str, value: &mut Value) -> Result<(), Trouble> {
        match value {
            Value::Array(items) => {
                return items.iter_mut().try_for_each(|item| self.fill_in(claim, item));
            }
            Value::Object(members) => {
                return members
                    .iter_mut()
                    .try_for_each(|(name, member)| self.fill_in(name, member));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
        self.keys.fill_in(value)?;
        let Value::String(text) = &*value else { return Ok(()) };
        *value = match text::moment(text, self.now_s) {
            Some(moment) => moment.into(),
            None => match text::moment_mistake(claim, text) {
                Some(mistake) => return Err(Trouble::new(mistake).at(claim)),
                None => text::render_text(text, self.now_s, &|name| self.named(name))?.into(),
            },
        };
        Ok(())
    }

    fn named(&self, name: &str) -> Result<String, Trouble> {
        self.names
            .get(name)
            .cloned()
            .ok_or_else(|| Trouble::new(format!("nothing is called `{name}` here")))
    }

    /// A part of the token: the members as they are, or inside the raw text.
    fn json(&self, members: &Map<String, Value>, raw: Option<&str>) -> Result<String, Trouble> {
        let json = Value::Object(members.clone()).to_string();
        let Some(raw) = raw else { return Ok(URL_SAFE_NO_PAD.encode(json)) };
        let inner =
            json.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or_default();
        let bytes = text::render(raw, self.now_s, &|name| match name {
            "members" => Ok(inner.to_owned()),
            name => self.named(name),
        })?;
        Ok(URL_SAFE_NO_PAD.encode(bytes))
    }

    fn mangled(
        &self,
        chain: &[&TokenForm],
        header: String,
        claims: String,
        signature: String,
    ) -> Result<Minted, Trouble> {
        let signature = match first(chain, |form| form.signature.as_ref()) {
            None => signature,
            Some(SignatureForm::Flip) => flipped(&signature)?,
            Some(SignatureForm::LooseBits) => with_loose_bits(&signature)?,
            Some(SignatureForm::OfOriginal) => {
                self.minted(chain.get(1..).unwrap_or_default())?.signature
            }
        };
        let mut compact = format!("{header}.{claims}.{signature}");
        if let Some(form) = first(chain, |form| form.compact.as_deref()) {
            compact = text::render_text(form, self.now_s, &|name| match name {
                "header" => Ok(header.clone()),
                "claims" => Ok(claims.clone()),
                "signature" => Ok(signature.clone()),
                other => Err(Trouble::new(format!("no part of a token is called `{other}`"))),
            })?;
        }
        for (from, to) in chain.iter().rev().flat_map(|form| &form.replace) {
            if !compact.contains(from.as_str()) {
                return Err(Trouble::new(format!("nothing to replace: no `{from}` in it")));
            }
            compact = compact.replace(from.as_str(), to);
        }
        Ok(Minted { header, claims, signature, compact })
    }
}

/// The first form that says something.
fn first<'c, T: 'c>(
    chain: &[&'c TokenForm],
    said: impl Fn(&'c TokenForm) -> Option<T>,
) -> Option<T> {
    chain.iter().copied().find_map(said)
}

pub(crate) fn overlay(base: &mut Map<String, Value>, changes: &Map<String, Value>) {
    for (name, value) in changes {
        if value.is_null() {
            base.remove(name);
        } else {
            base.insert(name.clone(), value.clone());
        }
    }
}

fn name_of(algorithm: Algorithm) -> Value {
    format!("{algorithm:?}").into()
}

fn flipped(signature: &str) -> Result<String, Trouble> {
    let mut bytes =
        URL_SAFE_NO_PAD.decode(signature).map_err(|error| Trouble::new(error.to_string()))?;
    if let Some(byte) = bytes.last_mut() {
        *byte ^= 1;
    }
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// The last character has bits that no byte takes; canonical text has zeros there (RFC 4648
/// section 3.5). The next character of the alphabet has a one.
fn with_loose_bits(signature: &str) -> Result<String, Trouble> {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let padded = URL_SAFE.encode(
        URL_SAFE_NO_PAD.decode(signature).map_err(|error| Trouble::new(error.to_string()))?,
    );
    let loose = if padded.ends_with('=') { signature.chars().last() } else { None };
    let next = loose.and_then(|last| ALPHABET.chars().skip_while(|c| *c != last).nth(1));
    let next = next.ok_or_else(|| Trouble::new("this signature has no unused bits"))?;
    let kept = signature.len().saturating_sub(1);
    Ok(signature.chars().take(kept).chain([next]).collect())
}
