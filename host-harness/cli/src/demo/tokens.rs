//! The tokens of the story.

use linkgate_tenant::{SigningKey, Validity};
use serde_json::Value;

use super::Stage;
use super::calls::sign_in;
use super::story::{ALICE, ALICE_ELSEWHERE, BOB, CLIENT, LINKING};
use crate::client;

/// What everybody holds, and what attackers would.
pub(crate) struct Tokens {
    /// Alice's access token.
    pub(crate) alice: String,
    /// The ID token of Alice's sign-in to her second account.
    pub(crate) elsewhere: String,
    pub(crate) bob: String,
    pub(crate) expired: String,
    pub(crate) forged: String,
    pub(crate) machine: String,
    pub(crate) other_client: String,
    pub(crate) same_account: String,
}

impl Tokens {
    /// What a browser would get is asked for; what only an attacker would have is made.
    pub(crate) async fn of(stage: &Stage) -> Result<Self, String> {
        let signed_in = async |username, password, token: &str| {
            let answer =
                client::send(stage.tenant_address, &sign_in(stage, username, password)).await?;
            let body: Value =
                serde_json::from_slice(&answer.body).map_err(|error| error.to_string())?;
            body.get(token)
                .and_then(Value::as_str)
                .map(str::to_owned)
                .ok_or_else(|| format!("no `{token}` for {username}: {}", answer.status))
        };
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        let hour = Validity::new(now, 3600);
        let alice = signed_in(ALICE, "alice-pw", "access_token").await?;
        let elsewhere = signed_in(ALICE_ELSEWHERE, "alice-google-pw", "id_token").await?;
        let bob = signed_in(BOB, "bob-pw", "access_token").await?;
        let other_key = SigningKey::generate().map_err(|error| error.to_string())?;
        let forged = forged(&alice, &other_key)?;
        let tenant = stage.tenant.tenant();
        let minted = || {
            Ok(Self {
                expired: tenant.mint_access_token(
                    ALICE,
                    CLIENT,
                    &LINKING,
                    Validity::expired(now),
                )?,
                machine: tenant.mint_machine_token("machine", &["update:users"], hour)?,
                other_client: tenant.mint_id_token(BOB, "other-spa", hour)?,
                same_account: tenant.mint_id_token(ALICE, CLIENT, hour)?,
                alice,
                elsewhere,
                bob,
                forged,
            })
        };
        minted().map_err(|error: linkgate_tenant::KeyError| error.to_string())
    }
}

/// The same header and claims with the signature of another key.
fn forged(token: &str, key: &SigningKey) -> Result<String, String> {
    let other = key.sign(&serde_json::Map::new()).map_err(|error| error.to_string())?;
    let signature = other.rsplit('.').next().unwrap_or_default();
    let (signed, _) = token.rsplit_once('.').ok_or("a token without a signature")?;
    Ok(format!("{signed}.{signature}"))
}
