//! Who asks: members, each with two accounts at the tenant, and the accounts that no member may touch.

use std::sync::Arc;

use bytes::Bytes;
use hyper::Method;
use hyper::header::CONTENT_TYPE;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::Attempt;
use crate::client::{Call, Client, Reply, Spoken};
use crate::mint::{CLIENT, Mint, forged, now_s};

use super::stage::Stage;

/// Everybody, with their tokens.
pub(super) struct People {
    pub(super) members: Vec<Arc<Member>>,
    pub(super) barred: Vec<Barred>,
    pub(super) machine: String,
    /// What the tenant answers when it is asked for its keys.
    pub(super) keys: Bytes,
}

/// Somebody with an account, and a second one.
pub(super) struct Member {
    pub(super) number: usize,
    pub(super) access: String,
    /// The ID token of the second account.
    pub(super) second: String,
}

/// An account that nothing may reach. Everything about it would be in order but for one thing.
pub(super) struct Barred {
    pub(super) number: usize,
    pub(super) access: String,
    pub(super) second: String,
    pub(super) expired: String,
    pub(super) forged: String,
    pub(super) scopeless: String,
    pub(super) second_forged: String,
    pub(super) second_expired: String,
    pub(super) second_elsewhere: String,
    pub(super) itself: String,
}

/// What the targets of such accounts hold, and no others.
pub(super) const BARRED: &str = "barred-";

/// Accounts that are barred: a few, so that the same tokens come again.
const BARRED_COUNT: usize = 8;

/// Sign-ins at once: the tenant signs two tokens for each.
const SIGN_INS: usize = 16;

/// The members' accounts, as `linkgate tenant --users` reads them.
pub(super) fn users_document(count: usize) -> String {
    let accounts = (0..count).flat_map(|number| [member(number), second(number)]);
    let users: Vec<Value> =
        accounts.map(|id| json!({ "user_id": id, "password": id, "email": format!("{}@a.example", id.replace('|', "-")) })).collect();
    json!({ "users": users }).to_string()
}

pub(super) fn member(number: usize) -> String {
    format!("auth0|member-{number:05}")
}

pub(super) fn second(number: usize) -> String {
    format!("google-oauth2|second-{number:05}")
}

impl People {
    /// Signs everybody in, and mints what a tenant does not hand out.
    pub(super) async fn sign_in(stage: &Stage, count: usize) -> Attempt<Self> {
        let (address, audience) = (stage.tenant_address, stage.mint.audience());
        let mut tasks = JoinSet::new();
        for first in 0..SIGN_INS.min(count) {
            let audience = audience.clone();
            tasks.spawn(async move {
                let mut client = Client::new(address, Spoken::Http1);
                let mut members = Vec::new();
                for number in (first..count).step_by(SIGN_INS) {
                    let mut signed_in = async |account: String, token| {
                        let answer = client.exchange(&sign_in(&account, &audience)).await;
                        token_in(&answer.answered(200)?, token)
                            .ok_or_else(|| format!("no {token} for {account}"))
                    };
                    members.push(Arc::new(Member {
                        number,
                        access: signed_in(member(number), "access_token").await?,
                        second: signed_in(second(number), "id_token").await?,
                    }));
                }
                Ok::<_, String>(members)
            });
        }
        let mut members = Vec::new();
        for signed_in in tasks.join_all().await {
            members.extend(signed_in?);
        }
        members.sort_by_key(|member| member.number);
        let barred = (0..BARRED_COUNT).map(|number| Barred::mint(&stage.mint, number));
        Ok(Self {
            members,
            barred: barred.collect::<Attempt<_>>()?,
            machine: machine(&stage.mint)?,
            keys: keys(stage).await?,
        })
    }
}

impl Barred {
    fn mint(mint: &Mint, number: usize) -> Attempt<Self> {
        let id = format!("auth0|{BARRED}{number}");
        let second_id = format!("google-oauth2|{BARRED}second-{number}");
        let usual = Value::Null;
        let past = json!({ "iat": now_s() - 7200, "exp": now_s() - 3600 });
        let (access, second) = (mint.access(&id, &usual)?, mint.id(&second_id, &usual)?);
        let signature_of_another = mint.id("auth0|another", &usual)?;
        Ok(Self {
            number,
            forged: forged(&access, &signature_of_another),
            expired: mint.access(&id, &past)?,
            scopeless: mint.access(&id, &json!({ "scope": "read:current_user" }))?,
            second_forged: forged(&second, &signature_of_another),
            second_expired: mint.id(&second_id, &past)?,
            second_elsewhere: mint.id(&second_id, &json!({ "aud": "other-spa" }))?,
            itself: mint.id(&id, &usual)?,
            access,
            second,
        })
    }
}

fn machine(mint: &Mint) -> Attempt<String> {
    let machine = json!({ "gty": "client-credentials", "azp": "machine", "scope": "update:current_user_identities" });
    mint.access("machine@clients", &machine)
}

async fn keys(stage: &Stage) -> Attempt<Bytes> {
    let call = Call {
        method: Method::GET,
        // With a query, so that it is not taken for one that came through the gateway.
        target: "/.well-known/jwks.json?directly".to_owned(),
        headers: Vec::new(),
        body: Bytes::new(),
    };
    let mut client = Client::new(stage.tenant_address, Spoken::Http1);
    Ok(client.exchange(&call).await.answered(200)?.body.into())
}

fn sign_in(account: &str, audience: &str) -> Call {
    let body = json!({
        "grant_type": "password", "client_id": CLIENT, "username": account, "password": account,
        "audience": audience, "scope": "openid read:current_user update:current_user_identities",
    });
    Call {
        method: Method::POST,
        target: "/oauth/token".to_owned(),
        headers: vec![(CONTENT_TYPE, "application/json".to_owned())],
        body: body.to_string().into(),
    }
}

fn token_in(reply: &Reply, name: &str) -> Option<String> {
    let body: Value = serde_json::from_slice(&reply.body).ok()?;
    Some(body.get(name)?.as_str()?.to_owned())
}
