//! Values that no client can guess, from a state machine that asks for no randomness.

use serde_json::{Map, json};

use crate::key::KeyError;
use crate::tenant::Tenant;

/// A new value of 32 letters. It is a part of the tenant's signature over a counter: the same history makes the same values,
/// and who has not the key knows none of them.
pub(super) fn value(tenant: &mut Tenant) -> Result<String, KeyError> {
    let issued = tenant.issued_mut();
    issued.made = issued.made.saturating_add(1);
    let mut claims = Map::new();
    claims.insert("value".to_owned(), json!(issued.made));
    let signed = tenant.mint_claims(&claims)?;
    let signature = signed.rsplit('.').next().unwrap_or_default();
    Ok(signature.chars().take(LETTERS).collect())
}

/// A new value of six digits.
pub(super) fn digits(tenant: &mut Tenant) -> Result<String, KeyError> {
    let value = value(tenant)?;
    let number = value.bytes().fold(0, |sum, byte| (sum * 64 + u64::from(byte)) % 1_000_000);
    Ok(format!("{number:06}"))
}

/// Letters of base64url: 192 bits.
const LETTERS: usize = 32;

/// 24 letters that `name` and the tenant's key decide: the id of a new user.
pub(super) fn id_of(tenant: &Tenant, name: &str) -> Result<String, KeyError> {
    let mut claims = Map::new();
    claims.insert("id of".to_owned(), json!(name));
    let signed = tenant.mint_claims(&claims)?;
    let signature = signed.rsplit('.').next().unwrap_or_default();
    Ok(signature.chars().filter(char::is_ascii_alphanumeric).take(24).collect())
}
