//! The three operations, on the one user.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::profile::{Identity, Profile};

/// What is asked for, by its method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    Read,
    Link,
    Unlink,
    Other,
}

/// A status, and JSON.
pub(crate) fn answer(user: &mut Profile, call: Call, path: &str, body: &[u8]) -> (u16, Value) {
    let segments: Option<Vec<String>> = path.split('/').map(decoded).collect();
    let segments = segments.unwrap_or_default();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let ["", "api", "v2", "users", id, rest @ ..] = segments.as_slice() else {
        return problem(404, "Not Found", "There is no such path.");
    };
    if *id != user.user_id {
        return problem(404, "Not Found", "The user does not exist.");
    }
    match (call, rest) {
        (Call::Read, []) => (200, json!(user)),
        (Call::Link, ["identities"]) => link(user, body),
        (Call::Unlink, ["identities", provider, id]) => unlink(user, provider, id),
        _ => problem(404, "Not Found", "There is no such operation."),
    }
}

/// The body that the gate makes of every link, whatever form the client used.
#[derive(Deserialize)]
struct LinkBody {
    link_with: String,
}

/// Of the second account's ID token, which the gate has verified, its subject alone is read.
#[derive(Deserialize)]
struct Claims {
    sub: String,
}

fn link(user: &mut Profile, body: &[u8]) -> (u16, Value) {
    let identity = serde_json::from_slice(body).ok().and_then(|LinkBody { link_with }| {
        let claims = URL_SAFE_NO_PAD.decode(link_with.split('.').nth(1)?).ok()?;
        let Claims { sub } = serde_json::from_slice(&claims).ok()?;
        Identity::from_subject(&sub)
    });
    match identity {
        None => problem(400, "Bad Request", "Expected `link_with`, an ID token."),
        Some(identity) if user.identities.contains(&identity) => {
            problem(409, "Conflict", "The account is linked already.")
        }
        Some(identity) => {
            user.identities.push(identity);
            (201, json!(user.identities))
        }
    }
}

fn unlink(user: &mut Profile, provider: &str, id: &str) -> (u16, Value) {
    let is_it = |one: &Identity| one.provider == provider && one.user_id == id;
    match user.identities.iter().position(is_it) {
        None => problem(404, "Not Found", "There is no such identity."),
        Some(0) => problem(400, "Bad Request", "The main identity stays."),
        Some(at) => {
            user.identities.remove(at);
            (200, json!(user.identities))
        }
    }
}

/// An error in the form of the Management API.
fn problem(status: u16, error: &str, message: &str) -> (u16, Value) {
    (status, json!({ "statusCode": status, "error": error, "message": message }))
}

/// A segment without its percent-encoding (RFC 3986, section 2.1), if that gives text.
fn decoded(segment: &str) -> Option<String> {
    let mut pieces = segment.split('%');
    let mut bytes = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        let (digits, rest) = piece.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        bytes.extend(rest.bytes());
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALICE: &str = "/api/v2/users/auth0%7Calice-5f7c8ec7";

    fn link_with(subject: &str) -> Vec<u8> {
        let claims = URL_SAFE_NO_PAD.encode(json!({ "sub": subject }).to_string());
        json!({ "link_with": format!("e30.{claims}.c2ln") }).to_string().into_bytes()
    }

    #[test]
    fn an_account_is_linked_read_and_taken_off() {
        let mut user = Profile::alice();
        let identities = format!("{ALICE}/identities");
        let (bob, main) =
            (format!("{identities}/github/583231"), format!("{identities}/auth0/alice-5f7c8ec7"));
        for (what, call, path, body, status, count) in [
            ("read", Call::Read, ALICE, vec![], 200, 1),
            ("link", Call::Link, &identities, link_with("github|583231"), 201, 2),
            ("again", Call::Link, &identities, link_with("github|583231"), 409, 2),
            ("no token", Call::Link, &identities, b"{}".to_vec(), 400, 2),
            ("no subject", Call::Link, &identities, link_with("nothing"), 400, 2),
            ("the main one", Call::Unlink, &main, vec![], 400, 2),
            ("unlink", Call::Unlink, &bob, vec![], 200, 1),
            ("again", Call::Unlink, &bob, vec![], 404, 1),
            ("somebody else", Call::Read, "/api/v2/users/auth0%7Cbob", vec![], 404, 1),
            ("bad encoding", Call::Read, "/api/v2/users/auth0%7", vec![], 404, 1),
            ("elsewhere", Call::Read, "/", vec![], 404, 1),
            ("another method", Call::Other, ALICE, vec![], 404, 1),
        ] {
            let (answered, _) = answer(&mut user, call, path, &body);
            assert_eq!((answered, user.identities.len()), (status, count), "{what}");
        }
        let (_, read) = answer(&mut user, Call::Read, ALICE, &[]);
        let provider = read.pointer("/identities/0/provider").unwrap();
        assert_eq!(
            (provider, read.get("user_id").unwrap()),
            (&json!("auth0"), &json!("auth0|alice-5f7c8ec7"))
        );
    }
}
