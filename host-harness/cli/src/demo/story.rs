//! The story: who asks for what, and how it has to end.

use linkgate_tenant::{SigningKey, Validity};
use serde_json::{Value, json};

use super::Stage;
use crate::client::{self, Call};

/// A request, and how it has to end.
pub(crate) struct Scene {
    pub(crate) title: &'static str,
    pub(crate) call: Call,
    pub(crate) status: u16,
    pub(crate) reason: &'static str,
    pub(crate) upstream_called: bool,
}

const ALICE: &str = "auth0|alice-5f7c8ec7";
const ALICE_ELSEWHERE: &str = "google-oauth2|115015401343387192604";
const BOB: &str = "auth0|bob-60d1f2a4";

/// The application that everybody signs in to.
const CLIENT: &str = "spa";
const LINKING: [&str; 1] = ["update:current_user_identities"];

/// All scenes, in the order in which they build on each other.
///
/// # Errors
///
/// A sign-in or a token did not work.
pub(crate) async fn scenes(stage: &Stage) -> Result<Vec<Scene>, String> {
    let tokens = Tokens::of(stage).await?;
    let mut scenes = sign_ins(stage);
    scenes.extend(own_account(&tokens));
    scenes.extend(refused(&tokens));
    scenes.extend(taken_off(&tokens));
    Ok(scenes)
}

/// Sign-ins are nothing to the gate: they pass.
fn sign_ins(stage: &Stage) -> Vec<Scene> {
    let passed = |title, username, password| Scene {
        title,
        call: sign_in(stage, username, password),
        status: 200,
        reason: "passed",
        upstream_called: true,
    };
    vec![
        passed("Alice signs in", ALICE, "alice-pw"),
        passed("… and to her second account", ALICE_ELSEWHERE, "alice-google-pw"),
    ]
}

/// What Alice may do.
fn own_account(tokens: &Tokens) -> Vec<Scene> {
    let granted = |title, call, status| Scene {
        title,
        call,
        status,
        reason: "granted",
        upstream_called: true,
    };
    vec![
        granted(
            "she links it, as a form",
            link_form(ALICE, Some(&tokens.alice), &tokens.elsewhere),
            201,
        ),
        granted("she reads her identities", get(ALICE, &tokens.alice), 200),
        granted(
            "she unlinks it",
            unlink(ALICE, &tokens.alice, "google-oauth2/115015401343387192604"),
            200,
        ),
        granted(
            "she links it, as JSON",
            link_json(ALICE, Some(&tokens.alice), &tokens.elsewhere),
            201,
        ),
        granted(
            "… once more: upstream objects",
            link_json(ALICE, Some(&tokens.alice), &tokens.elsewhere),
            409,
        ),
    ]
}

/// What nobody may do.
fn refused(tokens: &Tokens) -> Vec<Scene> {
    let denied =
        |title, call, status, reason| Scene { title, call, status, reason, upstream_called: false };
    let alice = Some(&tokens.alice);
    vec![
        denied(
            "Bob links to Alice's account",
            link_json(ALICE, Some(&tokens.bob), &tokens.elsewhere),
            403,
            "subject-mismatch",
        ),
        denied(
            "Bob unlinks from Alice's",
            unlink(ALICE, &tokens.bob, "google-oauth2/115015401343387192604"),
            403,
            "subject-mismatch",
        ),
        denied("no token", link_json(ALICE, None, &tokens.elsewhere), 401, "bearer-missing"),
        denied(
            "an expired token",
            link_json(ALICE, Some(&tokens.expired), &tokens.elsewhere),
            401,
            "bearer-invalid",
        ),
        denied(
            "a forged token",
            link_json(ALICE, Some(&tokens.forged), &tokens.elsewhere),
            401,
            "bearer-invalid",
        ),
        denied(
            "a machine's token",
            link_json(ALICE, Some(&tokens.machine), &tokens.elsewhere),
            403,
            "bearer-of-machine",
        ),
        denied(
            "link_with from another app",
            link_json(ALICE, alice, &tokens.other_client),
            400,
            "link-with-invalid",
        ),
        denied(
            "link_with of the same account",
            link_json(ALICE, alice, &tokens.same_account),
            400,
            "same-account",
        ),
        denied(
            "second account by user_id",
            json_call(ALICE, alice, &json!({ "provider": "auth0", "user_id": BOB })),
            400,
            "link-by-user-id-refused",
        ),
        denied("a disguised path", disguised(&tokens.alice), 400, "path-refused"),
        denied(
            "another user endpoint",
            get("auth0%7Calice-5f7c8ec7/roles", &tokens.alice),
            403,
            "route-refused",
        ),
    ]
}

/// Unlinking, to the end.
fn taken_off(tokens: &Tokens) -> Vec<Scene> {
    let granted = |title, call, status| Scene {
        title,
        call,
        status,
        reason: "granted",
        upstream_called: true,
    };
    vec![
        granted(
            "Alice unlinks it again",
            unlink(ALICE, &tokens.alice, "google-oauth2/115015401343387192604"),
            200,
        ),
        granted(
            "… and the primary: upstream objects",
            unlink(ALICE, &tokens.alice, "auth0/alice-5f7c8ec7"),
            400,
        ),
    ]
}

/// The tokens of the story.
struct Tokens {
    /// Alice's access token.
    alice: String,
    /// The ID token of Alice's sign-in to her second account.
    elsewhere: String,
    bob: String,
    expired: String,
    forged: String,
    machine: String,
    other_client: String,
    same_account: String,
}

impl Tokens {
    /// What a browser would get is asked for; what only an attacker would have is made.
    async fn of(stage: &Stage) -> Result<Self, String> {
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

fn sign_in(stage: &Stage, username: &str, password: &str) -> Call {
    let audience = stage.tenant.tenant().settings().management_audience();
    let scope = "openid profile email read:current_user update:current_user_identities";
    let body = json!({
        "grant_type": "password", "client_id": CLIENT, "username": username, "password": password,
        "audience": audience, "scope": scope,
    });
    Call {
        method: "POST",
        target: "/oauth/token".to_owned(),
        headers: vec![("content-type", "application/json".to_owned())],
        body: body.to_string(),
    }
}

fn authorization(token: &str) -> (&'static str, String) {
    ("authorization", format!("Bearer {token}"))
}

fn link_json(user_id: &str, token: Option<&String>, secondary: &str) -> Call {
    json_call(user_id, token, &json!({ "link_with": secondary }))
}

fn json_call(user_id: &str, token: Option<&String>, body: &Value) -> Call {
    let mut headers = vec![("content-type", "application/json".to_owned())];
    headers.extend(token.map(|token| authorization(token)));
    Call {
        method: "POST",
        target: format!("/api/v2/users/{user_id}/identities"),
        headers,
        body: body.to_string(),
    }
}

/// As jQuery sends it: a raw `|` in the path, and a form.
fn link_form(user_id: &str, token: Option<&String>, secondary: &str) -> Call {
    let mut call = json_call(user_id, token, &Value::Null);
    call.headers.retain(|(name, _)| *name != "content-type");
    call.headers
        .push(("content-type", "application/x-www-form-urlencoded; charset=UTF-8".to_owned()));
    call.body = format!("link_with={secondary}");
    call
}

fn unlink(user_id: &str, token: &str, identity: &str) -> Call {
    Call {
        method: "DELETE",
        target: format!("/api/v2/users/{user_id}/identities/{identity}"),
        headers: vec![authorization(token)],
        body: String::new(),
    }
}

fn get(user_id: &str, token: &str) -> Call {
    Call {
        method: "GET",
        target: format!("/api/v2/users/{user_id}"),
        headers: vec![authorization(token)],
        body: String::new(),
    }
}

/// A path that climbs out of a passed prefix, for whoever decodes it twice.
fn disguised(token: &str) -> Call {
    let mut call = unlink(BOB, token, "auth0/x");
    call.target = format!("/.well-known/%252e%252e{}", call.target);
    call
}

/// What to type while the demo stays.
///
/// # Errors
///
/// A sign-in did not work.
pub(crate) async fn curl_lines(stage: &Stage) -> Result<String, String> {
    let tokens = Tokens::of(stage).await?;
    let users = format!("http://{}/api/v2/users", stage.gateway);
    let alice = "auth0%7Calice-5f7c8ec7";
    Ok(format!(
        "\nstill running; try, and stop with Ctrl-C:\n\n\
         ALICE={}\nBOB={}\nSECOND={}\n\n\
         # link, as the form that a browser sends\n\
         curl -i '{users}/{alice}/identities' -H \"authorization: Bearer $ALICE\" -d \"link_with=$SECOND\"\n\n\
         # look\n\
         curl -i '{users}/{alice}' -H \"authorization: Bearer $ALICE\"\n\n\
         # unlink\n\
         curl -i -X DELETE '{users}/{alice}/identities/google-oauth2/115015401343387192604' -H \"authorization: Bearer $ALICE\"\n\n\
         # somebody else's account\n\
         curl -i '{users}/{alice}/identities' -H \"authorization: Bearer $BOB\" -d \"link_with=$SECOND\"",
        tokens.alice, tokens.bob, tokens.elsewhere,
    ))
}
