//! The tenant's own session with a browser.

use super::*;

fn with_session(world: &mut World) -> String {
    cookie(&world.send(&entered(&implicit(&[]), ALICES_PASSWORD)))
}

#[test]
fn a_session_answers_without_asking() {
    let mut world = World::new();
    let cookie = with_session(&mut world);
    for (row, params, answered) in [
        ("silently", implicit(&[("prompt", "none"), ("response_mode", "web_message")]), true),
        ("at all", implicit(&[]), true),
        ("young enough", implicit(&[("max_age", "60")]), true),
        (
            "the same connection",
            implicit(&[("connection", "Username-Password-Authentication")]),
            true,
        ),
        ("not when asked to ask", implicit(&[("prompt", "login")]), false),
        ("not when nothing is young enough", implicit(&[("max_age", "0")]), false),
        ("not by another connection", implicit(&[("connection", "google-oauth2")]), false),
    ] {
        let answer = world.send(&get("/authorize", &params).with_header("Cookie", &cookie));
        assert_eq!(!text(&answer).contains("/u/login"), answered, "{row}");
    }
    let silent = implicit(&[("prompt", "none"), ("response_mode", "web_message")]);
    let answer = world.send(&get("/authorize", &silent).with_header("Cookie", &cookie));
    assert_eq!(
        (answer.header("x-frame-options"), answer.header("content-security-policy")),
        (None, None)
    );
    assert_eq!(claims_of(message(&answer)["id_token"].as_str().unwrap())["sub"], ALICE);
    let aged = get("/authorize", &implicit(&[("max_age", "60")])).with_header("Cookie", &cookie);
    assert!(text(&world.tenant.answer(&aged, NOW + 61)).contains("/u/login"), "too old by then");
}

#[test]
fn without_a_session_silence_is_an_error_that_the_page_reads() {
    let silent = implicit(&[("prompt", "none"), ("response_mode", "web_message")]);
    let answer =
        World::new().send(&get("/authorize", &silent).with_header("Cookie", "linkgate_tenant=x"));
    let response = message(&answer);
    assert_eq!(
        (answer.status, &response["error"], &response["state"]),
        (200, &"login_required".into(), &"st".into())
    );
}

#[test]
fn signing_in_again_takes_the_earlier_sessions_place() {
    let mut world = World::new();
    let first = with_session(&mut world);
    let params = implicit(&[("connection", "google-oauth2")]);
    let second = entered(&params, &[("account", ALICE_GOOGLE)]).with_header("Cookie", &first);
    let second = cookie(&world.send(&second));
    assert_ne!(first, second);
    let who = |world: &mut World, cookie: &str| {
        let silent =
            get("/authorize", &implicit(&[("prompt", "none")])).with_header("Cookie", cookie);
        sent(&world.send(&silent)).1.get("id_token").map(|token| claims_of(token)["sub"].clone())
    };
    assert_eq!(
        (who(&mut world, &first), who(&mut world, &second)),
        (None, Some(ALICE_GOOGLE.into()))
    );

    // After linking, the account that signed in belongs to another user.
    let link = world.link(ALICE, ALICE_GOOGLE);
    assert_eq!(world.send(&link).status, 201);
    assert_eq!(who(&mut world, &second), Some(ALICE.into()));
}

#[test]
fn logging_out_ends_the_session_and_goes_back_to_a_registered_page() {
    let mut world = World::new();
    let cookie = with_session(&mut world);
    for (back, status) in [("http://evil/", 400), ("http://localhost:3000", 400), (PAGE, 302)] {
        let request = get("/v2/logout", &[("client_id", "spa"), ("returnTo", back)]);
        let answer = world.send(&request.with_header("Cookie", &cookie));
        assert_eq!(answer.status, status, "{back}");
        assert!(answer.header("set-cookie").unwrap().contains("Max-Age=0"), "{back}");
    }
    let silent = get("/authorize", &implicit(&[("prompt", "none")])).with_header("Cookie", &cookie);
    assert_eq!(sent(&world.send(&silent)).1["error"], "login_required");
}

#[test]
fn the_cookie_crosses_sites_over_tls_alone() {
    for (issuer, expected) in
        [("http://127.0.0.1:1/", "SameSite=Lax"), ("https://localhost/", "SameSite=None")]
    {
        let mut world = World::at(issuer);
        let answer = world.send(&entered(&implicit(&[]), ALICES_PASSWORD));
        let cookie = answer.header("set-cookie").unwrap();
        assert!(cookie.contains(expected) && cookie.contains("HttpOnly"), "{cookie}");
        assert_eq!(cookie.contains("Secure"), issuer.starts_with("https"), "{cookie}");
    }
}
