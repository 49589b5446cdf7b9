//! A form in the page's own dress: `/co/authenticate`, tickets, the password-realm grant, signing up.

use super::*;
use serde_json::json;

fn cross_origin(body: &Value) -> Request {
    Request::new("POST", "/co/authenticate").with_header("Origin", ORIGIN).with_json(body)
}

fn alices() -> Value {
    json!({
        "client_id": "spa", "username": "alice@example.com", "password": "alice-pw",
        "realm": "Username-Password-Authentication",
        "credential_type": "http://auth0.com/oauth/grant-type/password-realm",
    })
}

fn but(change: &Value) -> Value {
    let mut body = alices();
    body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    body
}

#[test]
fn a_ticket_signs_in_once_and_without_a_cookie() {
    let mut world = World::new();
    let answer = world.send(&cross_origin(&alices()));
    assert_eq!(
        (answer.status, answer.header("access-control-allow-credentials")),
        (200, Some("true"))
    );
    let body = answer.body_json().unwrap();
    assert!(body["co_verifier"].is_string() && body["co_id"].is_string());
    let ticket = body["login_ticket"].as_str().unwrap();
    let silent =
        implicit(&[("prompt", "none"), ("response_mode", "web_message"), ("login_ticket", ticket)]);
    let answer = world.send(&get("/authorize", &silent));
    assert_eq!(claims_of(message(&answer)["id_token"].as_str().unwrap())["sub"], ALICE);
    let again = world.send(&get("/authorize", &silent));
    assert_eq!(message(&again)["error"], "access_denied");

    let body = world.send(&cross_origin(&alices())).body_json().unwrap();
    let params = implicit(&[("login_ticket", body["login_ticket"].as_str().unwrap())]);
    let late = world.tenant.answer(&get("/authorize", &params), NOW + 60);
    assert_eq!(sent(&late).1["error"], "access_denied", "too late");
}

#[test]
fn a_ticket_may_come_of_a_one_time_code() {
    let mut world = World::new();
    let body = json!({"client_id": "spa", "connection": "sms", "phone_number": "+15550100"});
    world.send(&Request::new("POST", "/passwordless/start").with_json(&body));
    let code = latest(&world);
    let answer = world.send(&cross_origin(&json!({
        "client_id": "spa", "username": "+15550100", "otp": code, "realm": "sms",
        "credential_type": "http://auth0.com/oauth/grant-type/passwordless/otp",
    })));
    assert_eq!(answer.status, 200, "{}", text(&answer));
}

#[test]
fn what_is_wrong_gets_no_ticket() {
    for (row, body, status, error) in [
        ("a password", but(&json!({"password": "x"})), 403, "access_denied"),
        ("a client", but(&json!({"client_id": "nobody"})), 401, "access_denied"),
        (
            "a client whose origin it is not",
            but(&json!({"client_id": "other-spa"})),
            403,
            "unauthorized_client",
        ),
        ("a connection", but(&json!({"realm": "google-oauth2"})), 400, "bad.connection"),
        ("a kind of credential", but(&json!({"credential_type": "x"})), 400, "invalid_request"),
        ("no password", but(&json!({"password": ""})), 400, "invalid_request"),
    ] {
        let answer = World::new().send(&cross_origin(&body));
        assert_eq!(
            (answer.status, &answer.body_json().unwrap()["error"]),
            (status, &json!(error)),
            "{row}"
        );
    }
    for origin in ["http://evil", "null", "http://localhost:3000/", "http://localhost"] {
        let request = Request::new("POST", "/co/authenticate")
            .with_header("Origin", origin)
            .with_json(&alices());
        let answer = World::new().send(&request);
        assert_eq!(
            (answer.status, answer.header("access-control-allow-origin")),
            (403, None),
            "{origin}"
        );
    }
}

#[test]
fn the_password_realm_grant_is_for_one_connection() {
    for (realm, status) in
        [("Username-Password-Authentication", 200), ("google-oauth2", 403), ("", 400)]
    {
        let answer = World::new().send(&Request::new("POST", "/oauth/token").with_json(&json!({
            "grant_type": "http://auth0.com/oauth/grant-type/password-realm", "client_id": "spa",
            "realm": realm, "username": "alice@example.com", "password": "alice-pw", "scope": "openid",
        })));
        assert_eq!(answer.status, status, "{realm}");
    }
}

#[test]
fn who_signs_up_signs_in_and_nobody_signs_up_twice() {
    let mut world = World::new();
    let mut sign_up = |email: &str| {
        let body = json!({
            "client_id": "spa", "connection": "Username-Password-Authentication", "email": email, "password": "pw",
        });
        let answer = world.send(&Request::new("POST", "/dbconnections/signup").with_json(&body));
        (answer.status, answer.body_json().unwrap())
    };
    let (status, body) = sign_up("new@example.com");
    assert_eq!((status, &body["email_verified"]), (200, &json!(false)));
    for email in ["new@example.com", "NEW@example.com", "alice@example.com", "none"] {
        assert_eq!(sign_up(email).1["code"], "invalid_signup", "{email}");
    }
    let fields = [("username", "new@example.com"), ("password", "pw")];
    let (_, members) = sent(&world.send(&entered(&implicit(&[]), &fields)));
    let claims = claims_of(&members["id_token"]);
    assert_eq!(claims["sub"], format!("auth0|{}", body["_id"].as_str().unwrap()));
    assert_eq!(claims["email_verified"], false);
}

#[test]
fn lock_learns_of_the_client() {
    let mut world = World::new();
    let script = world.send(&Request::new("GET", "/client/spa.js?t1750000000000"));
    let text = text(&script);
    let json = text.strip_prefix("Auth0.setClient(").unwrap().strip_suffix(");").unwrap();
    let client: Value = serde_json::from_str(json).unwrap();
    assert_eq!((&client["id"], &client["callback"]), (&json!("spa"), &json!(PAGE)));
    let names: Vec<&str> = client["strategies"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        ["auth0", "github", "google-oauth2", "linkedin", "siwe", "twitter", "sms", "email"]
    );
    for name in ["machine", "nobody"] {
        assert_eq!(
            world.send(&Request::new("GET", &format!("/client/{name}.js"))).status,
            404,
            "{name}"
        );
    }
}
