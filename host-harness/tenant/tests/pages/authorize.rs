//! `/authorize`: what it refuses, and how the answer travels.

use super::*;
use serde_json::json;

#[test]
fn a_client_or_callback_that_is_not_registered_is_never_redirected_to() {
    for (row, change, status, phrase) in [
        ("an unknown client", ("client_id", "nobody"), 400, "Unknown client"),
        ("a machine", ("client_id", "machine"), 400, "Unknown client"),
        ("no client", ("client_id", ""), 400, "Missing required parameter: client_id"),
        ("no callback", ("redirect_uri", ""), 400, "Missing required parameter: redirect_uri"),
        (
            "a longer callback",
            ("redirect_uri", "http://localhost:3000/x"),
            403,
            "Callback URL mismatch",
        ),
        ("a shorter one", ("redirect_uri", "http://localhost:3000"), 403, "Callback URL mismatch"),
        ("another case", ("redirect_uri", "http://LOCALHOST:3000/"), 403, "Callback URL mismatch"),
        ("another port", ("redirect_uri", "http://localhost:3001/"), 403, "Callback URL mismatch"),
        ("another client's", ("client_id", "other-spa"), 403, "Callback URL mismatch"),
        ("an unknown mode", ("response_mode", "form_post"), 400, "Unsupported response mode"),
    ] {
        let answer = World::new().send(&get("/authorize", &implicit(&[change])));
        assert_eq!((answer.status, answer.header("location")), (status, None), "{row}");
        assert!(text(&answer).contains(phrase), "{row}: {}", text(&answer));
    }
    let twice = format!("{}&redirect_uri=http%3A%2F%2Fevil%2F", form(&implicit(&[])));
    let answer = World::new().send(&Request::new("GET", &format!("/authorize?{twice}")));
    assert_eq!((answer.status, answer.header("location")), (400, None), "a callback twice");
}

#[test]
fn other_errors_go_to_the_callback() {
    for (row, change, error) in [
        ("an unknown type", ("response_type", "magic"), "unsupported_response_type"),
        ("a code beside a token", ("response_type", "code token"), "unsupported_response_type"),
        ("tokens in a query", ("response_mode", "query"), "invalid_request"),
        ("another API", ("audience", "https://elsewhere/"), "access_denied"),
        ("an unknown prompt", ("prompt", "maybe"), "invalid_request"),
        ("an age that is none", ("max_age", "soon"), "invalid_request"),
        ("no session", ("prompt", "none"), "login_required"),
        ("a made-up ticket", ("login_ticket", "t"), "access_denied"),
    ] {
        let answer = World::new().send(&get("/authorize", &implicit(&[change])));
        let (_, members) = sent(&answer);
        assert_eq!((members["error"].as_str(), members["state"].as_str()), (error, "st"), "{row}");
        assert_eq!(answer.header("set-cookie"), None, "{row}");
    }
    for (row, change) in
        [("plain", ("code_challenge_method", "plain")), ("no challenge", ("code_challenge", ""))]
    {
        let (place, members) = sent(&World::new().send(&get("/authorize", &code(&[change]))));
        assert_eq!((place, members["error"].as_str()), ('?', "invalid_request"), "{row}");
    }
}

#[test]
fn a_password_on_the_login_page_leads_to_tokens_in_the_fragment() {
    let mut world = World::new();
    let params = implicit(&[]);
    let page = world.send(&get("/authorize", &params));
    assert_eq!((page.status, page.header("x-frame-options")), (200, Some("DENY")));
    assert!(text(&page).contains("action=/u/login"), "{}", text(&page));

    let answer = world.send(&entered(&params, ALICES_PASSWORD));
    let (place, members) = sent(&answer);
    assert_eq!(
        (place, members["state"].as_str(), members["token_type"].as_str()),
        ('#', "st", "Bearer")
    );
    assert_eq!(members["access_token"].split('.').count(), 1, "opaque: no API was asked for");
    let claims = claims_of(&members["id_token"]);
    assert_eq!(
        (&claims["sub"], &claims["aud"], &claims["nonce"]),
        (&json!(ALICE), &json!("spa"), &json!("no"))
    );
    assert_eq!((&claims["auth_time"], &claims["email_verified"]), (&json!(NOW), &json!(true)));
    assert_eq!(claims.get("name"), None, "`profile` was not asked for");
}

#[test]
fn a_wrong_password_shows_the_page_again() {
    let mut world = World::new();
    for fields in [
        &[("username", "alice@example.com"), ("password", "wrong")][..],
        &[("username", "\"><script>"), ("password", "x")],
        &[("username", ALICE_GOOGLE), ("password", "alice-google-pw")],
        &[("account", ALICE)],
        &[("account", "google-oauth2|nobody")],
        &[],
    ] {
        let answer = world.send(&entered(&implicit(&[]), fields));
        assert_eq!((answer.status, answer.header("set-cookie")), (200, None), "{fields:?}");
        assert!(text(&answer).contains("class=error"), "{fields:?}");
        assert!(!text(&answer).contains("<script>"), "{fields:?}");
    }
}

#[test]
fn an_account_of_a_social_network_signs_in_with_one_click() {
    let mut world = World::new();
    let params = implicit(&[("connection", "google-oauth2")]);
    let page = text(&world.send(&get("/authorize", &params)));
    assert!(page.contains(ALICE_GOOGLE) && !page.contains("password"), "{page}");
    let (_, members) = sent(&world.send(&entered(&params, &[("account", ALICE_GOOGLE)])));
    assert_eq!(claims_of(&members["id_token"])["sub"], ALICE_GOOGLE);
}

#[test]
fn an_access_token_for_the_api_is_for_userinfo_as_well() {
    let mut world = World::new();
    let audience = format!("{ISSUER}api/v2/");
    let scope = "openid email read:current_user update:users";
    let params = implicit(&[("audience", &audience), ("scope", scope)]);
    let (_, members) = sent(&world.send(&entered(&params, ALICES_PASSWORD)));
    assert_eq!(members["scope"], "openid email read:current_user");
    let token = &members["access_token"];
    let claims = claims_of(token);
    assert_eq!(claims["aud"], json!([audience, format!("{ISSUER}userinfo")]));
    assert_eq!((&claims["azp"], claims.get("gty")), (&json!("spa"), None));
    assert_eq!(world.send(&read(ALICE, token)).status, 200, "the API takes it");
    let info =
        world.send(&Request::new("GET", "/userinfo").with_bearer(token)).body_json().unwrap();
    assert_eq!(info, json!({"sub": ALICE, "email": "alice@example.com", "email_verified": true}));
    // With a third audience it is some other API's token, and not for here.
    let other = json!({"aud": [audience, format!("{ISSUER}userinfo"), "https://other/"]});
    let other = world.access_but(ALICE, &["read:current_user"], &other);
    assert_eq!(world.send(&read(ALICE, &other)).status, 401);
}

#[test]
fn a_code_is_exchanged_once_by_whoever_began() {
    let mut world = World::new();
    let begin = |world: &mut World| {
        let (place, members) = sent(&world.send(&entered(&code(&[]), ALICES_PASSWORD)));
        assert_eq!((place, members.len()), ('?', 2), "a code and the state, no token");
        members["code"].clone()
    };
    let exchange = |world: &mut World, code: &str, change: (&str, &str)| {
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("client_id", "spa"),
            ("code", code),
            ("code_verifier", VERIFIER),
            ("redirect_uri", PAGE),
        ];
        fields.retain(|(name, _)| *name != change.0);
        fields.push(change);
        let answer = world.send(&post("/oauth/token", &fields));
        (answer.status, answer.body_json().unwrap())
    };
    for (row, change, error) in [
        ("another verifier", ("code_verifier", "x"), "invalid_grant"),
        ("another client", ("client_id", "other-spa"), "invalid_grant"),
        ("another callback", ("redirect_uri", "http://evil/"), "invalid_grant"),
    ] {
        let code = begin(&mut world);
        assert_eq!(exchange(&mut world, &code, change).1["error"], error, "{row}");
        assert_eq!(exchange(&mut world, &code, ("x", "")).0, 403, "{row}: the code is used up");
    }
    let code = begin(&mut world);
    let (status, body) = exchange(&mut world, &code, ("x", ""));
    assert_eq!((status, &body["token_type"]), (200, &json!("Bearer")));
    let claims = claims_of(body["id_token"].as_str().unwrap());
    assert_eq!((&claims["nonce"], &claims["sub"]), (&json!("no"), &json!(ALICE)));
    assert_eq!(exchange(&mut world, &code, ("x", "")).1["error"], "invalid_grant", "twice");
    let late = begin(&mut world);
    let request = post(
        "/oauth/token",
        &[
            ("grant_type", "authorization_code"),
            ("client_id", "spa"),
            ("code", &late),
            ("code_verifier", VERIFIER),
        ],
    );
    assert_eq!(world.tenant.answer(&request, NOW + 61).status, 403, "too late");
}
