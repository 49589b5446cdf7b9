//! A policy on trial: the core, with keys that this run can sign for.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey};
use linkgate_policy::cause::{Flaw, TokenFlaw};
use linkgate_policy::{
    Abilities, Cause, Denial, End, Event, Head, Header, Mistake, Now, Policy, Secrets, Step,
};
use serde_json::{Map, Value, json};

use super::head::{self, Place};
use super::record::{Claims, Logged};
use super::{Why, WouldBe};
use crate::stand_in::one_name;

/// A policy whose tokens can be minted.
pub(crate) struct Trial {
    policy: Policy,
    key: EncodingKey,
    /// The algorithms of each issuer, of its bearers and of its secondary tokens.
    algorithms: BTreeMap<String, (Vec<String>, Vec<String>)>,
    /// Longest token of the policy, in bytes.
    limit: u64,
}

/// What `max_token_bytes` is at least, and unless it is set.
const SHORTEST_LIMIT: u64 = 8192;

/// What it is at most. A token of this run has another length than the one that was sent, so the policy on trial takes
/// every one, and the length in the log is compared.
const LONGEST_LIMIT: u64 = 65_536;

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
        let limit = document.get("max_token_bytes").and_then(Value::as_u64);
        let algorithms = stand_in(&mut document);
        let secrets: Secrets = [STAND_IN].into_iter().collect();
        let host = Abilities::ALL;
        let policy = Policy::compile(&document.to_string(), &secrets, host, 0, now)?;
        let key = EncodingKey::from_secret(STAND_IN.1.as_bytes());
        Ok(Self { policy, key, algorithms, limit: limit.unwrap_or(SHORTEST_LIMIT) })
    }

    /// What would be decided, and which rules in shadow would fail.
    pub(super) fn decide(
        &mut self,
        logged: &Logged,
        was: Cause,
    ) -> Result<(WouldBe, Vec<Denial>), Why> {
        let place = self.place(logged, was)?;
        let by_token = match place {
            Place::Decided(cause) => return Ok((WouldBe::Decided(cause), Vec::new())),
            Place::Token if Place::of(was) != Place::Token => {
                return Ok((WouldBe::Token, Vec::new()));
            }
            Place::Token => match &logged.bearer {
                Some(bearer) => self.by_claims(logged, bearer, was),
                None => self.by_form(logged, was).map(|cause| (cause, Vec::new())),
            },
        };
        by_token.map(|(cause, missed)| (WouldBe::Decided(cause), missed))
    }

    /// How far the head alone brings it.
    fn place(&mut self, logged: &Logged, was: Cause) -> Result<Place, Why> {
        if head::is_of_any_policy(was, &logged.line.method) {
            return Ok(Place::Decided(was));
        }
        let heads = head::heads(logged, was)?;
        let places: Vec<Place> = heads.into_iter().map(|head| self.tried(head)).collect();
        let own = Place::of(was);
        if places.contains(&own) && places.iter().any(|place| *place != own) {
            return Err(Why::Head);
        }
        places.into_iter().max_by_key(|place| place.openness()).ok_or(Why::Head)
    }

    fn tried(&mut self, head: Head) -> Place {
        let now = at(0);
        let (exchange, turn) = self.policy.open(head, now);
        let passes = matches!(turn.step, Step::Pass { .. });
        let decision = self.policy.close(exchange, End::ClientGone, now);
        // A policy in shadow passes all there is, and says what it decided.
        let cause = match decision.shadow {
            None if passes => Cause::Passed,
            decided => decided.unwrap_or(decision.cause),
        };
        Place::tried(cause)
    }

    /// What is decided of a token that was not verified: its claims are not known.
    fn by_form(&self, logged: &Logged, was: Cause) -> Result<Cause, Why> {
        let is_of_the_line = head::flaw_of(was).is_some_and(|flaw| {
            matches!(
                flaw,
                Flaw::BearerMissing | Flaw::BearerSeveral | Flaw::BearerDpop | Flaw::BearerSyntax
            )
        });
        if is_of_the_line {
            return Ok(was);
        }
        if let Cause::Denied(Denial::Bearer(flaw)) = was {
            return self.form(flaw, logged).map(|flaw| Cause::Denied(Denial::Bearer(flaw)));
        }
        Err(if matches!(was, Cause::Failed(_)) { Why::Undecided } else { Why::NoClaims })
    }

    /// The flaw of a token that no policy can read in another way, if it is one.
    fn form(&self, flaw: TokenFlaw, logged: &Logged) -> Result<TokenFlaw, Why> {
        let is_of_form = matches!(
            flaw,
            TokenFlaw::NotCompactJws
                | TokenFlaw::HeaderNotJson
                | TokenFlaw::HeaderDuplicate
                | TokenFlaw::HeaderType
                | TokenFlaw::HeaderCrit
                | TokenFlaw::ClaimsNotJson
                | TokenFlaw::ClaimsDuplicate
        );
        match logged.unverified_bytes() {
            // Found before its length is checked.
            _ if flaw == TokenFlaw::Encrypted => Ok(flaw),
            Some(bytes) if bytes > self.limit => Ok(TokenFlaw::TooLong),
            Some(_) if is_of_form => Ok(flaw),
            Some(_) | None => Err(Why::NoClaims),
        }
    }

    /// What is decided by the claims of the tokens.
    fn by_claims(
        &mut self,
        logged: &Logged,
        bearer: &Claims,
        was: Cause,
    ) -> Result<(Cause, Vec<Denial>), Why> {
        if matches!(was, Cause::Failed(_)) {
            return Err(Why::Undecided);
        }
        if self.is_too_long(bearer)? {
            return Ok((Cause::Denied(Denial::Bearer(TokenFlaw::TooLong)), Vec::new()));
        }
        let head = self.head(logged, bearer)?;
        let mut now = at(bearer.at()?);
        let (mut exchange, mut turn) = self.policy.open(head, now);
        let mut decided = None;
        if matches!(turn.step, Step::ReadBody { .. }) {
            match self.body(logged, was)? {
                Body::Decided(cause) => decided = Some(cause),
                Body::Read(body, judged) => {
                    now = judged;
                    let sequence = turn.sequence;
                    turn = self.policy.resume(&mut exchange, sequence, Event::Body(body), now);
                }
            }
        }
        match turn.step {
            Step::Forward(_) => decided = Some(Cause::Granted),
            Step::ReadBody { .. } if decided.is_some() => {}
            Step::Respond(_) | Step::Relay(_) | Step::Pass { .. } => {}
            Step::ReadBody { .. }
            | Step::Wait { .. }
            | Step::Verify(_)
            | Step::Acquire { .. }
            | Step::Call(_) => return Err(Why::Undecided),
        }
        let decision = self.policy.close(exchange, End::ClientGone, now);
        let found = decision.shadow.unwrap_or(decision.cause);
        Ok((decided.unwrap_or(found), decision.missed))
    }

    /// Whether the token is longer than the policy takes. No policy takes longer ones than the longest limit.
    fn is_too_long(&self, claims: &Claims) -> Result<bool, Why> {
        match claims.bytes() {
            Some(bytes) => Ok(bytes > self.limit),
            None if self.limit >= LONGEST_LIMIT => Ok(false),
            None => Err(Why::Length),
        }
    }

    /// The body of a link, or what is decided of it.
    fn body(&self, logged: &Logged, was: Cause) -> Result<Body, Why> {
        let Some(claims) = &logged.secondary else {
            return self.by_body(logged, was).map(Body::Decided);
        };
        if self.is_too_long(claims)? {
            return Ok(Body::Decided(Cause::Denied(Denial::Secondary(TokenFlaw::TooLong))));
        }
        let token = self.token(claims, |own| &own.1)?;
        let body = json!({ "link_with": token }).to_string().into_bytes();
        Ok(Body::Read(body, at(claims.at()?)))
    }

    /// What is decided of a link whose second token was not verified.
    fn by_body(&self, logged: &Logged, was: Cause) -> Result<Cause, Why> {
        let flaw = head::flaw_of(was);
        // How long it was is not in the log: more than the shortest limit takes.
        if flaw == Some(Flaw::BodyTooLarge) && self.limit > SHORTEST_LIMIT {
            return Err(Why::NoSecondary);
        }
        // No policy makes anything else of the same body.
        if flaw.is_some_and(is_of_the_body) {
            return Ok(was);
        }
        let Cause::Denied(Denial::Secondary(flaw)) = was else { return Err(Why::NoSecondary) };
        let formed = self.form(flaw, logged).map_err(|_| Why::NoSecondary)?;
        Ok(Cause::Denied(Denial::Secondary(formed)))
    }

    fn head(&self, logged: &Logged, bearer: &Claims) -> Result<Head, Why> {
        let bearer = self.token(bearer, |own| &own.0)?;
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

/// What there is of a link's body.
enum Body {
    /// Its bytes, and when its token was judged.
    Read(Vec<u8>, Now),
    /// What is decided of it.
    Decided(Cause),
}

/// Puts the stand-in in the place of each issuer's keys, and takes out what comes after the decision. Gives
/// the algorithms that there were.
fn stand_in(document: &mut Value) -> BTreeMap<String, (Vec<String>, Vec<String>)> {
    let mut all = BTreeMap::new();
    if let Some(members) = document.as_object_mut() {
        members.remove("metadata");
        members.insert("max_token_bytes".to_owned(), LONGEST_LIMIT.into());
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
