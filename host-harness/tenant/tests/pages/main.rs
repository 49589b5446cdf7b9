//! Signing in as pages and their libraries do it: each answer in the shape that they read.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "../world/mod.rs"]
mod world;

mod authorize;
mod codes;
mod in_page;
mod legacy;
mod origins;
mod sessions;

use std::collections::BTreeMap;

use linkgate_tenant::{Answer, Request};
use serde_json::Value;

use world::*;

/// Where the registered page is.
const PAGE: &str = "http://localhost:3000/";
const ORIGIN: &str = "http://localhost:3000";

/// RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// `GET` with these parameters.
fn get(path: &str, params: &[(&str, &str)]) -> Request {
    Request::new("GET", &format!("{path}?{}", form(params)))
}

/// `POST` of a form.
fn post(path: &str, params: &[(&str, &str)]) -> Request {
    Request::new("POST", path).with_body("application/x-www-form-urlencoded", form(params))
}

fn form(params: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish()
}

/// A request for both tokens in the fragment, with more parameters, or others in their place.
fn implicit<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut params: BTreeMap<&str, &str> = BTreeMap::from([
        ("client_id", "spa"),
        ("response_type", "token id_token"),
        ("redirect_uri", PAGE),
        ("scope", "openid email"),
        ("state", "st"),
        ("nonce", "no"),
    ]);
    params.extend(more.iter().copied());
    params.into_iter().collect()
}

/// A request for a code, likewise.
fn code<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut params = implicit(&[
        ("response_type", "code"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ]);
    params.retain(|(name, _)| more.iter().all(|(other, _)| name != other));
    params.extend(more);
    params
}

/// What the login page sends back for the request that it was shown for.
fn entered(params: &[(&str, &str)], fields: &[(&str, &str)]) -> Request {
    let query = form(params);
    let mut all = vec![("request", query.as_str())];
    all.extend(fields);
    post("/u/login", &all)
}

const ALICES_PASSWORD: &[(&str, &str)] =
    &[("username", "alice@example.com"), ("password", "alice-pw")];

/// The members of a redirect's query or fragment, by which of the two it is.
fn sent(answer: &Answer) -> (char, BTreeMap<String, String>) {
    assert_eq!(answer.status, 302, "{}", text(answer));
    let location = answer.header("location").unwrap();
    let mark = location.chars().find(|letter| ['#', '?'].contains(letter)).unwrap();
    let (page, members) = location.split_once(mark).unwrap();
    assert_eq!(page, PAGE);
    (mark, form_urlencoded::parse(members.as_bytes()).into_owned().collect())
}

/// The response in a page that posts a message.
fn message(answer: &Answer) -> Value {
    let page = text(answer);
    let (_, rest) = page.split_once("postMessage(").unwrap();
    let (message, target) = rest.rsplit_once(", ").unwrap();
    assert_eq!(target, format!("\"{ORIGIN}\");</script>"), "{page}");
    serde_json::from_str::<Value>(message).unwrap()["response"].clone()
}

/// The cookie of an answer, as a browser sends it back.
fn cookie(answer: &Answer) -> String {
    let cookie = answer.header("set-cookie").expect("the answer begins a session");
    cookie.split(';').next().unwrap().to_owned()
}

fn text(answer: &Answer) -> String {
    String::from_utf8(answer.body.clone()).unwrap()
}

/// The latest one-time code.
fn latest(world: &World) -> String {
    world.tenant.latest_code(NOW).expect("a code is good").code
}
