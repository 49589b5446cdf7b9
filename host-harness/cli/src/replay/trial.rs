//! A policy on trial: the core, with keys that this run can sign for.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey};
use linkgate_policy::cause::Flaw;
use linkgate_policy::{
    Abilities, Cause, Denial, End, Event, Head, Header, Mistake, Now, Policy, Secrets, Step,
};
use serde_json::{Map, Value, json};

use super::Why;
use super::record::{Claims, Logged};
use crate::stand_in::one_name;

/// A policy whose tokens can be minted.
pub(crate) struct Trial {
    policy: Policy,
    key: EncodingKey,
    /// The algorithms of each issuer, of its bearers and of its secondary tokens.
    algorithms: BTreeMap<String, (Vec<String>, Vec<String>)>,
}

/// The name and the text of the secret that replaces all keys. It signs what this process itself
/// verifies, so it need not be one.
const STAND_IN: (&str, &str) =
    ("REPLAY", "it signs what this very process verifies, and guards nothing whatever");

/// What every token is signed with, and what the algorithm of one is called that the policy does not have.
const ALGORITHM: &str = "HS256";
const ANOTHER: &str = "HS384";

impl Trial {
    /// Of a document (JSON) that compiles.
    ///
    /// # Errors
    ///
    /// It does not compile with the keys stood in for.
    pub(crate) fn of(document: &str, now: Now) -> Result<Self, Vec<Mistake>> {
        let mut document: Value = serde_json::from_str(document).unwrap_or_default();
        let algorithms = stand_in(&mut document);
        let secrets: Secrets = [STAND_IN].into_iter().collect();
        let host = Abilities::ALL;
        let policy = Policy::compile(&document.to_string(), &secrets, host, 0, now)?;
        let key = EncodingKey::from_secret(STAND_IN.1.as_bytes());
        Ok(Self { policy, key, algorithms })
    }

    /// What would be decided, and which rules in shadow would fail.
    pub(super) fn decide(
        &mut self,
        logged: &Logged,
        was: Cause,
    ) -> Result<(Cause, Vec<Denial>), Why> {
        let head = self.head(logged)?;
        let secondary = match &logged.secondary {
            Some(claims) => Some((self.token(claims, |own| &own.1)?, claims.at()?)),
            None => None,
        };
        let mut now = at(logged.bearer.at()?);
        let (mut exchange, mut turn) = self.policy.open(head, now);
        loop {
            let decided = match turn.step {
                Step::ReadBody { .. } => match (&secondary, was) {
                    (Some((token, judged)), _) => {
                        now = at(*judged);
                        let body = json!({ "link_with": token }).to_string().into_bytes();
                        let (sequence, event) = (turn.sequence, Event::Body(body));
                        turn = self.policy.resume(&mut exchange, sequence, event, now);
                        continue;
                    }
                    // No policy makes anything else of the same body.
                    (None, Cause::Denied(Denial::Request(flaw))) if is_of_the_body(flaw) => {
                        Some(was)
                    }
                    (None, _) => return Err(Why::NoSecondary),
                },
                Step::Forward(_) => Some(Cause::Granted),
                Step::Respond(_) | Step::Relay(_) | Step::Pass { .. } => None,
                Step::Wait { .. } | Step::Verify(_) | Step::Acquire { .. } | Step::Call(_) => {
                    return Err(Why::Undecided);
                }
            };
            let decision = self.policy.close(exchange, End::ClientGone, now);
            let told = decision.shadow.unwrap_or(decision.cause);
            return Ok((decided.unwrap_or(told), decision.missed));
        }
    }

    fn head(&self, logged: &Logged) -> Result<Head, Why> {
        let bearer = self.token(&logged.bearer, |own| &own.0)?;
        Ok(Head {
            method: logged.line.method.clone(),
            target: logged.target()?,
            headers: vec![
                Header::new("authorization", &format!("Bearer {bearer}")),
                Header::new("content-type", "application/json"),
            ],
            peer: None,
        })
    }

    /// A token with these claims, for `kind` of the issuer's two kinds of tokens.
    fn token(
        &self,
        claims: &Claims,
        kind: impl Fn(&(Vec<String>, Vec<String>)) -> &Vec<String>,
    ) -> Result<String, Why> {
        let members = claims.members()?;
        let issuer = members.get("iss").and_then(Value::as_str).unwrap_or_default();
        let algorithm = claims.text("alg").ok_or(Why::NoRecord)?;
        let is_taken = self.algorithms.get(issuer).is_some_and(|own| {
            kind(own).iter().any(|taken| one_name(taken) == one_name(algorithm))
        });
        let mut header = Map::new();
        header.insert("alg".to_owned(), if is_taken { ALGORITHM } else { ANOTHER }.into());
        if let Some(typ) = claims.text("typ") {
            header.insert("typ".to_owned(), typ.into());
        }
        let part = |members: Map<String, Value>| {
            URL_SAFE_NO_PAD.encode(Value::Object(members).to_string())
        };
        let message = format!("{}.{}", part(header), part(members));
        let algorithm = if is_taken { Algorithm::HS256 } else { Algorithm::HS384 };
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &self.key, algorithm)
            .map_err(|_| Why::Undecided)?;
        Ok(format!("{message}.{signature}"))
    }
}

/// Puts the stand-in in the place of each issuer's keys, and takes out what comes after the decision. Gives
/// the algorithms that there were.
fn stand_in(document: &mut Value) -> BTreeMap<String, (Vec<String>, Vec<String>)> {
    let mut all = BTreeMap::new();
    if let Some(members) = document.as_object_mut() {
        members.remove("metadata");
    }
    let issuers = document.get_mut("issuers").and_then(Value::as_array_mut);
    for issuer in issuers.into_iter().flatten().filter_map(Value::as_object_mut) {
        issuer.remove("keys");
        issuer.insert("hmac_secret".to_owned(), STAND_IN.0.into());
        let bearer = issuer.insert("algorithms".to_owned(), json!([ALGORITHM]));
        let secondary = issuer.entry("secondary").or_insert_with(|| json!({}));
        let secondary = secondary
            .as_object_mut()
            .and_then(|secondary| secondary.insert("algorithms".to_owned(), json!([ALGORITHM])));
        let name = issuer.get("issuer").and_then(Value::as_str).unwrap_or_default().to_owned();
        all.insert(name, (names(bearer.as_ref()), names(secondary.as_ref())));
    }
    all
}

/// The names in a list of algorithms, or the one that is meant without a list.
fn names(list: Option<&Value>) -> Vec<String> {
    let items = list.and_then(Value::as_array);
    let names =
        |items: &Vec<Value>| items.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    items.map_or_else(|| vec!["RS256".to_owned()], names)
}

fn at(unix_ms: u64) -> Now {
    Now { unix_ms, mono_ms: 0 }
}

fn is_of_the_body(flaw: Flaw) -> bool {
    matches!(
        flaw,
        Flaw::BodyEncoded
            | Flaw::BodyType
            | Flaw::BodyTooLarge
            | Flaw::BodyFailed
            | Flaw::BodyMalformed
            | Flaw::BodyDuplicate
            | Flaw::BodyMembers
            | Flaw::LinkByUserId
    )
}
