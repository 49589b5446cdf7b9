//! The requests, by kind.

use bytes::Bytes;
use hyper::Method;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, ORIGIN};
use serde_json::{Value, json};

use crate::client::Call;
use crate::policy;

use super::kind::Kind;
use super::people::{BARRED, Barred, Member, People};
use super::tag::Tag;

/// A request of `member`, which may be after the account `barred`.
pub(super) fn call(tag: Tag, people: &People, member: &Member, barred: &Barred) -> Call {
    let mut call = untagged(tag.kind, people, member, barred);
    call.headers.push((HeaderName::from_static("traceparent"), tag.traceparent()));
    call
}

fn untagged(kind: Kind, people: &People, member: &Member, barred: &Barred) -> Call {
    let proved = |token: &str| json!({ "link_with": token }).to_string();
    let link = |bearer: &str, body: String| with_bearer(link(&barred_path(barred), body), bearer);
    let (own, other) = (member_path(member), barred_path(barred));
    match kind {
        Kind::Link => own_link(member),
        Kind::Unlink => {
            let target = format!("{own}/identities/google-oauth2/second-{:05}", member.number);
            with_bearer(plain(Method::DELETE, target), &member.access)
        }
        Kind::Profile => with_bearer(plain(Method::GET, own), &member.access),
        Kind::Keys => plain(Method::GET, format!("{}/jwks.json", policy::PASS)),
        Kind::Preflight => preflight(&own),
        Kind::Bare => self::link(&other, proved(&barred.second)),
        Kind::BareUnlink => unlink(barred),
        Kind::Twice => with_bearer(with_bearer(unlink(barred), &barred.access), &member.access),
        Kind::Expired => with_bearer(unlink(barred), &barred.expired),
        Kind::Forged => link(&barred.forged, proved(&barred.second)),
        Kind::Machine => with_bearer(unlink(barred), &people.machine),
        Kind::Scopeless => link(&barred.scopeless, proved(&barred.second)),
        Kind::LinkOther => link(&member.access, proved(&member.second)),
        Kind::UnlinkOther => with_bearer(unlink(barred), &member.access),
        Kind::ProfileOther => with_bearer(plain(Method::GET, other), &member.access),
        Kind::ByUserId => {
            let named = json!({ "provider": "google-oauth2", "user_id": format!("{BARRED}1") });
            link(&barred.access, named.to_string())
        }
        Kind::SecondForged => link(&barred.access, proved(&barred.second_forged)),
        Kind::SecondExpired => link(&barred.access, proved(&barred.second_expired)),
        Kind::SecondElsewhere => link(&barred.access, proved(&barred.second_elsewhere)),
        Kind::SameAccount => link(&barred.access, proved(&barred.itself)),
        Kind::BodyTwice => {
            let token = Value::from(barred.second.as_str());
            link(&barred.access, format!(r#"{{"link_with":{token},"link_with":{token}}}"#))
        }
        Kind::BodyLarge => link(&barred.access, proved(&"x".repeat(LARGE))),
        Kind::Dots => disguised(&format!("/api/v2/users/x/..{}", tail(&other)), barred),
        Kind::Climbing => disguised(&format!("{}/%252e%252e{other}", policy::PASS), barred),
        Kind::Query => disguised(&format!("{other}/identities/auth0/x?a=1"), barred),
        Kind::Neighbour => {
            with_bearer(plain(Method::GET, format!("{other}/roles")), &barred.access)
        }
        Kind::Method => with_bearer(plain(Method::PATCH, other), &barred.access),
        Kind::Nowhere => plain(Method::GET, format!("/{BARRED}nothing")),
    }
}

/// Bytes of a token that make a body larger than the gate reads.
const LARGE: usize = 40 << 10;

/// Every other member sends what a browser does: `|` as it is, and a form.
fn own_link(member: &Member) -> Call {
    let path = member_path(member);
    if member.number.is_multiple_of(2) {
        return with_bearer(
            link(&path, json!({ "link_with": member.second }).to_string()),
            &member.access,
        );
    }
    let mut call = link(&path, format!("link_with={}", member.second));
    call.headers = vec![(CONTENT_TYPE, "application/x-www-form-urlencoded".to_owned())];
    with_bearer(call, &member.access)
}

fn member_path(member: &Member) -> String {
    let bar = if member.number.is_multiple_of(2) { "%7C" } else { "|" };
    format!("/api/v2/users/auth0{bar}member-{:05}", member.number)
}

fn barred_path(barred: &Barred) -> String {
    format!("/api/v2/users/auth0%7C{BARRED}{}", barred.number)
}

fn tail(path: &str) -> &str {
    path.strip_prefix("/api/v2/users").unwrap_or(path)
}

fn plain(method: Method, target: String) -> Call {
    Call { method, target, headers: Vec::new(), body: Bytes::new() }
}

fn with_bearer(mut call: Call, token: &str) -> Call {
    call.headers.push((AUTHORIZATION, format!("Bearer {token}")));
    call
}

fn link(path: &str, body: String) -> Call {
    Call {
        method: Method::POST,
        target: format!("{path}/identities"),
        headers: vec![(CONTENT_TYPE, "application/json".to_owned())],
        body: body.into(),
    }
}

fn unlink(barred: &Barred) -> Call {
    let target = format!("{}/identities/google-oauth2/{BARRED}second", barred_path(barred));
    plain(Method::DELETE, target)
}

fn disguised(target: &str, barred: &Barred) -> Call {
    with_bearer(plain(Method::DELETE, target.to_owned()), &barred.access)
}

fn preflight(path: &str) -> Call {
    let mut call = plain(Method::OPTIONS, format!("{path}/identities"));
    let header = HeaderName::from_static;
    call.headers = vec![
        (ORIGIN, policy::ORIGIN.to_owned()),
        (header("access-control-request-method"), "POST".to_owned()),
        (header("access-control-request-headers"), "authorization,content-type".to_owned()),
    ];
    call
}

#[cfg(test)]
mod tests {
    use super::super::kind::Deserved;
    use super::*;

    /// What the tenant's arrivals are held against.
    #[test]
    fn the_target_tells_what_may_arrive() {
        let member = Member { number: 1, access: "a".to_owned(), second: "b".to_owned() };
        let text = String::new;
        let barred = Barred {
            number: 1,
            access: text(),
            second: text(),
            expired: text(),
            forged: text(),
            scopeless: text(),
            second_forged: text(),
            second_expired: text(),
            second_elsewhere: text(),
            itself: text(),
        };
        let people =
            People { members: vec![], barred: vec![], machine: text(), keys: Bytes::new() };
        for kind in Kind::ALL {
            let call = call(Tag { kind, number: 1 }, &people, &member, &barred);
            let is_refused = matches!(kind.deserved(), Deserved::Refusal(_));
            assert_eq!(call.target.contains(BARRED), is_refused, "{kind:?}: {}", call.target);
        }
    }
}
