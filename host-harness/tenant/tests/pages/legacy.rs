//! Lock 9 and 10: a form that becomes a form, and what their `getProfile` asks.

use super::*;
use serde_json::json;

fn login(password: &str) -> Request {
    login_for(&[("response_type", "token")], password)
}

fn login_for(wanted: &[(&str, &str)], password: &str) -> Request {
    let usual = [
        ("client_id", "spa"),
        ("redirect_uri", PAGE),
        ("scope", "openid"),
        ("connection", "Username-Password-Authentication"),
        ("username", "alice@example.com"),
        ("password", password),
        ("tenant", "t"),
        ("sso", "true"),
        ("state", "st"),
    ];
    post("/usernamepassword/login", &[&usual, wanted].concat())
}

/// What the form that came back is submitted as.
fn submitted(html: &str) -> Request {
    let result = html.split("name=\"wresult\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    post("/login/callback", &[("wa", "wsignin1.0"), ("wresult", result), ("wctx", "{}")])
}

#[test]
fn tokens_never_go_into_a_query() {
    let mut world = World::legacy();
    let code =
        [("response_type", "code"), ("code_challenge_method", "S256"), ("code_challenge", "x")];
    let html = text(&world.send(&login_for(&code, "alice-pw")));
    let answer = world.send(&submitted(&html));
    let (place, members) = sent(&answer);
    assert!(place == '#' && members.contains_key("id_token"), "{answer:?}");
}

#[test]
fn a_form_leads_to_both_tokens() {
    let mut world = World::legacy();
    let answer = world.send(&login("alice-pw"));
    let html = text(&answer);
    assert!(
        answer.status == 200 && html.starts_with("<form method=\"post\""),
        "the form is the first element: {html}"
    );
    assert!(html.contains(&format!("action=\"{ISSUER}login/callback\"")), "{html}");
    let callback = submitted(&html);
    let answer = world.send(&callback);
    cookie(&answer);
    let (place, members) = sent(&answer);
    assert_eq!((place, members["state"].as_str()), ('#', "st"));
    assert!(members.contains_key("access_token"), "the library looks for it");
    assert_eq!(world.send(&callback).status, 400, "a result is good once");

    let info = world.send(&post("/tokeninfo", &[("id_token", &members["id_token"])]));
    let info = info.body_json().unwrap();
    assert_eq!((&info["user_id"], &info["clientID"]), (&json!(ALICE), &json!("spa")));
    assert!(info["identities"].is_array() && info.get("app_metadata").is_none());

    // The seed links with this token as its bearer.
    let google = world.id_token(ALICE_GOOGLE);
    let link = post(&format!("{}/identities", path(ALICE)), &[("link_with", &google)]);
    assert_eq!(world.send(&link.with_bearer(&members["id_token"])).status, 201);
}

#[test]
fn a_wrong_password_is_worded_as_the_library_shows_it() {
    let answer = World::new().send(&login("wrong"));
    let body = answer.body_json().unwrap();
    assert_eq!((answer.status, &body["code"]), (401, &json!("invalid_user_password")));
    assert_eq!(body["description"], "Wrong email or password.");
}

#[test]
fn what_is_no_token_of_the_tenants_has_no_info() {
    let mut world = World::new();
    let expired = world.id_token_but(ALICE, &json!({"exp": NOW}));
    let stranger = world.id_token_but(ALICE, &json!({"aud": "nobody"}));
    let access = world.access(ALICE, LINK);
    for (row, token) in [
        ("garbage", "a.b.c"),
        ("expired", &expired),
        ("an unknown client's", &stranger),
        ("an access token", &access),
    ] {
        let answer = world.send(&post("/tokeninfo", &[("id_token", token)]));
        assert_eq!((answer.status, text(&answer).as_str()), (401, "Unauthorized"), "{row}");
    }
    for (row, token) in [("garbage", "x"), ("an access token for the API alone", &access)] {
        let answer = world.send(&Request::new("GET", "/userinfo").with_bearer(token));
        assert_eq!(answer.status, 401, "{row}");
    }
}

#[test]
fn small_questions_have_small_answers() {
    for (method, path, expected) in [
        ("GET", "/user/ssodata", json!({"sso": false})),
        ("GET", "/user/ssodata/", json!({"sso": false})),
        ("GET", "/user/geoloc/country", json!({"country_code": "US"})),
        ("POST", "/usernamepassword/challenge", json!({"required": false})),
        ("POST", "/passwordless/challenge", json!({"required": false})),
        ("POST", "/dbconnections/signup/challenge", json!({"required": false})),
    ] {
        let answer = World::new().send(&Request::new(method, path));
        assert_eq!((answer.status, answer.body_json().unwrap()), (200, expected), "{path}");
    }
}
