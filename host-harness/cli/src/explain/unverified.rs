//! Explaining without keys: the tokens are signed anew with keys of our own, and the policy gets those keys. All that the
//! tokens say stays to the byte; only of the signatures nothing is known then.

use linkgate_cases::{Keys, Trouble};
use serde_json::Value;

use super::input::Input;
use super::presented::Presented;
use crate::stand_in;

/// A policy and a request whose signatures are ours.
pub(crate) struct Replaced {
    pub(crate) policy: Value,
    pub(crate) asked: Input,
    pub(crate) secrets: Vec<(String, String)>,
}

/// The policy with throw-away keys, the request with tokens that they signed, and the secrets.
pub(crate) fn with_keys_of_our_own(
    mut policy: Value,
    asked: &Input,
    secret_names: &[String],
) -> Result<Replaced, Trouble> {
    let mut keys = Keys::default();
    for name in secret_names {
        stand_in::add_secret(name, &mut keys)?;
    }
    let tokens = [Presented::bearer(asked), Presented::link_with(asked)];
    let mut asked = asked.clone();
    let issuers = policy.get_mut("issuers").and_then(Value::as_array_mut);
    for (index, issuer) in issuers.into_iter().flatten().enumerate() {
        let algorithms = stand_in::algorithms_of(issuer);
        stand_in::replace_keys(issuer, index + 1, &algorithms, &mut keys)?;
        let name = issuer.get("issuer").and_then(Value::as_str).map(str::to_owned);
        let secret = issuer.get("hmac_secret").and_then(Value::as_str).map(str::to_owned);
        let own = tokens.iter().flatten().filter(|token| token.claim("iss") == name.as_deref());
        for token in own {
            let Some(algorithm) = token.header.get("alg").and_then(Value::as_str) else { continue };
            let is_it = |known: &String| stand_in::one_name(known) == stand_in::one_name(algorithm);
            if !algorithms.iter().any(is_it) {
                continue;
            }
            let key = stand_in::key_name(index + 1, algorithm, secret.as_deref());
            if let Some(kid) = token.header.get("kid") {
                publish_as(issuer, &key, kid);
            }
            let signed = signed_anew(&token.text, &key, algorithm, &keys)?;
            asked.replace(&token.text, &signed);
        }
    }
    let secrets = secret_names
        .iter()
        .map(|name| Ok((name.clone(), keys.secret(&stand_in::secret_key(name))?)))
        .collect::<Result<_, Trouble>>()?;
    Ok(Replaced { policy, asked, secrets })
}

/// Publishes a key under the `kid` that a token names.
fn publish_as(issuer: &mut Value, key: &str, kid: &Value) {
    let Some(set) = issuer.pointer_mut("/keys/jwks/keys").and_then(Value::as_array_mut) else {
        return;
    };
    if set.iter().any(|jwk| jwk.get("kid") == Some(kid)) {
        return;
    }
    let Some(mut jwk) =
        set.iter().find(|jwk| jwk.get("kid").and_then(Value::as_str) == Some(key)).cloned()
    else {
        return;
    };
    if let Some(members) = jwk.as_object_mut() {
        members.insert("kid".to_owned(), kid.clone());
    }
    set.push(jwk);
}

fn signed_anew(token: &str, key: &str, algorithm: &str, keys: &Keys) -> Result<String, Trouble> {
    let Some((message, _)) = token.rsplit_once('.') else { return Ok(token.to_owned()) };
    let signature = keys.sign(key, algorithm.parse().ok(), message)?;
    Ok(format!("{message}.{signature}"))
}

impl Input {
    /// Puts one token in another's place, everywhere.
    fn replace(&mut self, token: &str, by: &str) {
        let replaced = |bytes: &[u8]| {
            let text = std::str::from_utf8(bytes).ok()?;
            Some(text.replace(token, by).into_bytes())
        };
        for line in self.headers.iter_mut().filter(|line| line.name == "authorization") {
            if let Some(value) = replaced(&line.value) {
                line.value = value;
            }
        }
        if let Some(body) = replaced(&self.body) {
            self.body = body;
        }
    }
}
