//! One-time codes: made, shown, good once.

use super::*;
use serde_json::json;

const PHONE: &str = "+15550100";

fn start(world: &mut World, connection: &str, member: &str, name: &str) -> (u16, Value) {
    let body = json!({"client_id": "spa", "connection": connection, member: name, "send": "code"});
    let answer = world.send(&Request::new("POST", "/passwordless/start").with_json(&body));
    (answer.status, answer.body_json().unwrap())
}

fn resource_owner(world: &mut World, code: &str) -> (u16, Value) {
    let answer = world.send(&post(
        "/oauth/ro",
        &[
            ("client_id", "spa"),
            ("connection", "sms"),
            ("username", PHONE),
            ("password", code),
            ("grant_type", "password"),
            ("scope", "openid phone"),
            ("sso", "false"),
        ],
    ));
    (answer.status, answer.body_json().unwrap())
}

#[test]
fn a_code_signs_a_new_phone_in_and_makes_one_user_of_it() {
    let mut world = World::new();
    let mut subjects = Vec::new();
    for _ in 0..2 {
        let (status, body) = start(&mut world, "sms", "phone_number", PHONE);
        assert_eq!(
            (status, &body["phone_number"], &body["phone_verified"]),
            (200, &json!(PHONE), &json!(false))
        );
        let code = latest(&world);
        assert!(!body.to_string().contains(&code), "the code is not in the answer");
        let (status, body) = resource_owner(&mut world, &code);
        assert_eq!(status, 200, "{body}");
        let claims = claims_of(body["id_token"].as_str().unwrap());
        assert_eq!(
            (&claims["phone_number"], &claims["phone_number_verified"]),
            (&json!(PHONE), &json!(true))
        );
        subjects.push(claims["sub"].as_str().unwrap().to_owned());
        assert_eq!(resource_owner(&mut world, &code).0, 403, "a code is good once");
    }
    assert!(subjects[0].starts_with("sms|") && subjects[0] == subjects[1], "{subjects:?}");
    assert_eq!(world.tenant.users().filter(|user| user.user_id().starts_with("sms|")).count(), 1);
}

#[test]
fn three_wrong_codes_are_enough() {
    let mut world = World::new();
    start(&mut world, "sms", "phone_number", PHONE);
    let code = latest(&world);
    let wrong = if code == "000000" { "000001" } else { "000000" };
    for _ in 0..3 {
        let (status, body) = resource_owner(&mut world, wrong);
        assert_eq!(
            (status, &body["error_description"]),
            (403, &json!("Wrong phone number or verification code."))
        );
    }
    assert_eq!(resource_owner(&mut world, &code).0, 403, "the right one is no good any more");
    start(&mut world, "sms", "phone_number", PHONE);
    let code = latest(&world);
    assert_eq!(resource_owner(&mut world, &code).0, 200, "a new one is");
}

#[test]
fn a_code_is_shown_and_ends_after_three_minutes() {
    let mut world = World::new();
    start(&mut world, "email", "email", "ada@example.com");
    let code = latest(&world);
    let page = text(&world.send(&Request::new("GET", "/__codes")));
    assert!(page.contains(&code) && page.contains("ada@example.com"), "{page}");
    assert!(world.tenant.latest_code(NOW + 180).is_none());
    let later = world.tenant.answer(&Request::new("GET", "/__codes"), NOW + 180);
    assert!(!text(&later).contains(&code));
    assert!(!format!("{:?}", world.tenant.latest_code(NOW)).contains(&code), "Debug hides it");
}

#[test]
fn what_is_no_name_gets_no_code() {
    for (connection, member, name, error) in [
        ("sms", "phone_number", "15550100", "bad.phone_number"),
        ("sms", "email", PHONE, "invalid_request"),
        ("email", "email", "ada", "bad.email"),
        ("google-oauth2", "email", "ada@example.com", "bad.connection"),
    ] {
        let (status, body) = start(&mut World::new(), connection, member, name);
        assert_eq!((status, &body["error"]), (400, &json!(error)), "{connection} {name}");
    }
}

#[test]
fn the_page_may_verify_and_then_navigate() {
    let mut world = World::new();
    start(&mut world, "sms", "phone_number", PHONE);
    let code = latest(&world);
    let verify = [
        ("client_id", "spa"),
        ("connection", "sms"),
        ("phone_number", PHONE),
        ("verification_code", code.as_str()),
    ];
    assert_eq!(world.send(&post("/passwordless/verify", &verify)).status, 200);
    let params = implicit(&verify);
    let (_, members) = sent(&world.send(&get("/passwordless/verify_redirect", &params)));
    assert!(claims_of(&members["id_token"])["sub"].as_str().unwrap().starts_with("sms|"));
    let (_, members) = sent(&world.send(&get("/passwordless/verify_redirect", &params)));
    assert_eq!(members["error"], "access_denied", "it was used");
}

#[test]
fn the_login_page_asks_for_a_code() {
    let mut world = World::new();
    let params = implicit(&[("connection", "sms")]);
    let name = [("connection", "sms"), ("name", PHONE)];
    let page = text(&world.send(&entered(&params, &name)));
    let code = latest(&world);
    assert!(page.contains("one-time-code") && !page.contains(&code), "{page}");
    let with_code = |code| [name[0], name[1], ("code", code)];
    assert!(text(&world.send(&entered(&params, &with_code("x")))).contains("class=error"));
    let answer = world.send(&entered(&params, &with_code(&code)));
    assert!(claims_of(&sent(&answer).1["id_token"])["sub"].as_str().unwrap().starts_with("sms|"));
}
