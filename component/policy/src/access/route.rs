//! What a request is for: one of the guarded routes, a preflight for one, or something to pass.

use std::borrow::Cow;

use super::profile_query::ProfileQuery;
use crate::audit::record::LINK;
use crate::http::path::{self, Segment, Target};
use crate::http::path_readings::{self, Reading};
use crate::rules::Rules;
use crate::verdict::cause::Flaw;

/// A request's place, with the ids decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// One of the guarded routes.
    Guarded(Guarded),
    /// `OPTIONS` with `Access-Control-Request-Method` on anything under `{base}/users`.
    Preflight,
    /// Under a configured `pass` prefix.
    Pass,
}

/// An action on a user's account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Guarded {
    /// Whose account, by the path.
    pub(crate) user_id: String,
    pub(crate) action: Action,
}

/// What is to be done to the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// `POST {base}/users/{user_id}/identities`
    Link,
    /// `DELETE {base}/users/{user_id}/identities/{provider}/{secondary_id}`
    Unlink { provider: String, secondary_id: String },
    /// `GET {base}/users/{user_id}`, and which of its members are asked for.
    Profile(ProfileQuery),
}

impl Action {
    /// The one method of the action's resource.
    fn method(&self) -> &'static str {
        match self {
            Self::Link => "POST",
            Self::Unlink { .. } => "DELETE",
            Self::Profile(_) => "GET",
        }
    }
}

impl Guarded {
    /// The path, with every id as it is shown: the user's, and the one of an identity as the subject it belongs to.
    pub(crate) fn path_with(&self, users: &[String], shown: &dyn Fn(&str) -> String) -> String {
        let ids = match &self.action {
            Action::Profile(_) => vec![],
            Action::Link => vec!["identities".to_owned()],
            Action::Unlink { provider, secondary_id } => {
                // A subject is `provider|id`: hashed so, both places read the same.
                let secondary = format!("{provider}|{secondary_id}");
                vec!["identities".to_owned(), provider.clone(), shown(&secondary)]
            }
        };
        let whole = users.iter().cloned().chain([shown(&self.user_id)]).chain(ids);
        whole.fold(String::new(), |path, segment| path + "/" + &segment)
    }

    /// Ids are one segment to every reader, and a provider is a plain name: the user's own id is
    /// compared with a token, these are compared with nothing.
    fn check_ids(&self) -> Result<(), Flaw> {
        path_readings::check_id(&self.user_id)?;
        let Action::Unlink { provider, secondary_id } = &self.action else { return Ok(()) };
        path_readings::check_id(secondary_id)?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if provider.bytes().all(plain) { Ok(()) } else { Err(Flaw::ProviderMalformed) }
    }
}

impl Route {
    /// The name in the decision record.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Guarded(Guarded { action: Action::Link, .. }) => LINK,
            Self::Guarded(Guarded { action: Action::Unlink { .. }, .. }) => "unlink",
            Self::Guarded(Guarded { action: Action::Profile(_), .. }) => "profile",
            Self::Preflight => "preflight",
            Self::Pass => "pass",
        }
    }
}

/// Finds the route of a request. `preflight` says whether `Access-Control-Request-Method` was sent.
pub(crate) fn find(
    rules: &Rules,
    method: &str,
    target: &Target<'_>,
    preflight: bool,
) -> Result<Route, Flaw> {
    match after(&target.segments, &rules.users) {
        // Of any resource, guarded or closed: a page can read a denial only of a request that its browser
        // sends.
        Some(_) if preflight && method == "OPTIONS" => {
            if rules.cors.is_some() {
                Ok(Route::Preflight)
            } else {
                Err(Flaw::PreflightOff)
            }
        }
        Some(rest) => guarded(rules, method, target, rest),
        None => open(rules, method, target),
    }
}

/// Whether a target that cannot be read is under `{base}/users` as it is written.
pub(crate) fn is_written_below(rules: &Rules, target: &[u8]) -> bool {
    let users = path::encode(rules.users.iter().map(String::as_str));
    let rest = target.strip_prefix(users.as_bytes());
    rest.is_some_and(|rest| matches!(rest.first(), None | Some(b'/' | b'?')))
}

/// Whether the unlink route of this policy takes an account, by its subject, off a user: its path is written
/// and read back as the request would be. A subject without a `|` is all id, of whatever provider.
pub(crate) fn is_unlinkable(rules: &Rules, user_id: &str, subject: &str) -> bool {
    let (provider, id) = subject.split_once('|').unwrap_or(("any", subject));
    let users = rules.users.iter().map(String::as_str);
    let path = path::encode(users.chain([user_id, "identities", provider, id]));
    let route = path::read(path.as_bytes()).and_then(|path| find(rules, "DELETE", &path, false));
    let is_unlink = |guarded: &Guarded| matches!(guarded.action, Action::Unlink { .. });
    matches!(route, Ok(Route::Guarded(guarded)) if is_unlink(&guarded))
}

/// The segments after a prefix, if all of it is there.
fn after<'a>(segments: &'a [Segment], prefix: &[String]) -> Option<&'a [Segment]> {
    let (head, rest) = segments.split_at_checked(prefix.len())?;
    head.iter().zip(prefix).all(|(segment, name)| segment.text == *name).then_some(rest)
}

fn begins_with(segments: &[Cow<'_, str>], prefix: &[String]) -> bool {
    segments.len() >= prefix.len() && segments.iter().zip(prefix).all(|(one, name)| one == name)
}

fn guarded(
    rules: &Rules,
    method: &str,
    target: &Target<'_>,
    rest: &[Segment],
) -> Result<Route, Flaw> {
    if target.has_empty_segment() {
        return Err(Flaw::PathEmptySegment);
    }
    // The first and the last of `{user_id}/identities/{provider}/{secondary_id}` are ids.
    let slash_allowed = |index: usize| rules.encoded_slashes_in_ids && matches!(index, 0 | 3);
    if rest.iter().enumerate().any(|(index, segment)| segment.slashed && !slash_allowed(index)) {
        return Err(Flaw::PathEncodedSlash);
    }
    let query = match target.query {
        None => ProfileQuery::default(),
        Some(query) if rules.profile && rest.len() == 1 => ProfileQuery::read(query)?,
        Some(_) => return Err(Flaw::PathQuery),
    };
    let resource = resource(rest, query)?;
    resource.check_ids()?;
    if matches!(resource.action, Action::Profile(_)) && !rules.profile {
        return Err(Flaw::ProfileOff);
    }
    if method == resource.action.method() {
        Ok(Route::Guarded(resource))
    } else {
        Err(Flaw::RouteMethod)
    }
}

/// The resource behind `{base}/users`, and the one thing that may be done to it.
fn resource(rest: &[Segment], query: ProfileQuery) -> Result<Guarded, Flaw> {
    let (id, below) = rest.split_first().ok_or(Flaw::RouteNeighbour)?;
    let action = match below {
        [] => Action::Profile(query),
        [word] if word.text == "identities" => Action::Link,
        [word, provider, secondary] if word.text == "identities" => {
            Action::Unlink { provider: provider.text.clone(), secondary_id: secondary.text.clone() }
        }
        _ => return Err(Flaw::RouteNeighbour),
    };
    Ok(Guarded { user_id: id.text.clone(), action })
}

/// What lies outside the guarded resources, for every reader: passed when configured, else unknown.
fn open(rules: &Rules, method: &str, target: &Target<'_>) -> Result<Route, Flaw> {
    // Behind a prefix empty segments are the upstream's to read: no lax reader, which leaves them out,
    // finds a guarded path there. In front of it they would hide the prefix.
    let passes = rules.pass.cover(&target.segments);
    if !passes && target.has_empty_segment() {
        return Err(Flaw::PathEmptySegment);
    }
    if target.segments.iter().any(|segment| segment.slashed) {
        return Err(Flaw::PathEncodedSlash);
    }
    for text in path_readings::texts(target.raw_path)? {
        let reading = path_readings::read(&text);
        if begins_with(&reading.segments, &rules.users_folded) {
            return Err(Flaw::PathDisguised);
        }
        legacy(&reading, method, target.query, rules.request_objects)?;
    }
    if passes { Ok(Route::Pass) } else { Err(Flaw::RouteUnknown) }
}

/// The linking routes from before the Management API: no gate of ours could judge them. A request object
/// (RFC 9101) may hold what makes one of `/authorize`, out of sight.
fn legacy(
    reading: &Reading<'_>,
    method: &str,
    query: Option<&str>,
    request_objects: bool,
) -> Result<(), Flaw> {
    let mut last = reading.segments.iter().rev().map(AsRef::as_ref);
    match (last.next(), last.next()) {
        (Some("unlink"), Some("login")) => return Err(Flaw::LegacyLinking),
        (Some("authorize"), _) => {}
        _ => return Ok(()),
    }
    // Parameters in a body would pass unseen (OIDC Core section 3.1.2.1 allows POST).
    if reading.cut || !matches!(method, "GET" | "HEAD") {
        return Err(Flaw::LegacyLinking);
    }
    let has = |name| query.is_some_and(|query| path_readings::names_parameter(query, name));
    if has("access_token") {
        return Err(Flaw::LegacyLinking);
    }
    // RFC 9101 section 5; RFC 9126 section 4 has `request_uri` name a request that was pushed.
    if !request_objects && (has("request") || has("request_uri")) {
        return Err(Flaw::RequestObject);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> Rules {
        Rules {
            users: ["api", "v2", "users"].map(str::to_owned).to_vec(),
            users_folded: ["api", "v2", "users"].map(str::to_owned).to_vec(),
            pass: ["app", "authorize", "login"]
                .map(|name| vec![name.to_owned()])
                .into_iter()
                .collect(),
            ..Rules::default()
        }
    }

    fn found(method: &str, target: &str) -> Result<Route, Flaw> {
        find(&rules(), method, &path::read(target.as_bytes())?, false)
    }

    #[test]
    fn an_account_is_unlinkable_when_its_own_path_is_read() {
        let in_ids = Rules { encoded_slashes_in_ids: true, ..rules() };
        let long = format!("github|{}", "x".repeat(9000));
        for (row, subject, refused, slashes_in_ids) in [
            ("an id", "github|583231", true, true),
            ("bars", "samlp|corp|a.b@c.example", true, true),
            ("no provider", "00u1", true, true),
            ("a URL", "oidc|https://a.example/b", false, true),
            ("a backslash", "ad|CORP\\bob", false, true),
            ("dots", "oidc|..", false, false),
            ("dots between slashes", "oidc|a/../b", false, false),
            ("a control", "oidc|a\u{1}b", false, false),
            ("an odd provider", "a;b|1", false, false),
            ("no id", "github|", false, false),
            ("too long", &long, false, false),
        ] {
            assert_eq!(is_unlinkable(&rules(), "auth0|a", subject), refused, "{row}");
            assert_eq!(is_unlinkable(&in_ids, "auth0|a", subject), slashes_in_ids, "{row}");
        }
    }

    #[test]
    fn every_request_under_users_is_guarded_or_refused() {
        for (row, method, target, expected) in [
            ("users itself", "GET", "/api/v2/users", Flaw::RouteNeighbour),
            ("behind a doubled slash", "GET", "/api/v2//users/a", Flaw::PathEmptySegment),
            ("legacy unlink with a slash", "POST", "/login//unlink/", Flaw::LegacyLinking),
            ("collapsed by the client", "DELETE", "/api/v2/users/", Flaw::PathEmptySegment),
            ("profile when off", "GET", "/api/v2/users/a", Flaw::ProfileOff),
            ("neighbour", "POST", "/api/v2/users/a/roles", Flaw::RouteNeighbour),
            (
                "half of an unlink",
                "DELETE",
                "/api/v2/users/a/identities/google",
                Flaw::RouteNeighbour,
            ),
            ("too long", "DELETE", "/api/v2/users/a/identities/google/1/2", Flaw::RouteNeighbour),
            ("method in lower case", "post", "/api/v2/users/a/identities", Flaw::RouteMethod),
            ("other method", "PUT", "/api/v2/users/a/identities", Flaw::RouteMethod),
            ("query", "POST", "/api/v2/users/a/identities?x", Flaw::PathQuery),
            ("empty query", "POST", "/api/v2/users/a/identities?", Flaw::PathQuery),
            ("slash in an id", "POST", "/api/v2/users/a%2Fb/identities", Flaw::PathEncodedSlash),
            ("case", "POST", "/API/v2/users/a/identities", Flaw::PathDisguised),
            ("nowhere", "GET", "/", Flaw::RouteUnknown),
            ("a prefix is whole segments", "GET", "/apple", Flaw::RouteUnknown),
            ("slash on a pass path", "GET", "/app/a%2fb", Flaw::PathEncodedSlash),
            ("legacy unlink", "POST", "/login/unlink", Flaw::LegacyLinking),
            ("legacy link", "GET", "/authorize?x=1&access_token=t", Flaw::LegacyLinking),
            ("legacy link, encoded", "GET", "/authorize?%2561ccess_token=t", Flaw::LegacyLinking),
            ("request object", "GET", "/authorize?request=e30.e30.", Flaw::RequestObject),
            ("request object, encoded", "GET", "/authorize?%72equest=x", Flaw::RequestObject),
            ("pushed request", "GET", "/authorize/?x=1&request_uri=urn:x", Flaw::RequestObject),
            ("legacy link in a body", "POST", "/authorize", Flaw::LegacyLinking),
            ("legacy link in the path", "GET", "/authorize%3Faccess_token=t", Flaw::LegacyLinking),
            ("legacy unlink, cut", "GET", "/login/unlink%3Fx", Flaw::LegacyLinking),
            ("climbs out", "GET", "/app/%252e%252e/api/v2/users/a/1%25", Flaw::PathDotSegment),
            (
                "dots in an id",
                "DELETE",
                "/api/v2/users/a/identities/p/%252e%252e",
                Flaw::PathDotSegment,
            ),
            ("odd provider", "DELETE", "/api/v2/users/a/identities/p;x/1", Flaw::ProviderMalformed),
        ] {
            assert_eq!(found(method, target), Err(expected), "{row}");
        }
        assert_eq!(found("GET", "/app/x?access_token=1"), Ok(Route::Pass));
        assert_eq!(found("GET", "/authorize?client_id=1&request_id=2"), Ok(Route::Pass));
        for passes in ["/app/", "/app//x", "/app/x/", "/app///", "/authorize/?x"] {
            assert_eq!(found("GET", passes), Ok(Route::Pass), "{passes}");
        }
        for refused in ["//app", "/app/../x", "//", "/nowhere/", "/api//v2/users/x"] {
            assert!(found("GET", refused).is_err(), "{refused}");
        }
        assert_eq!(
            found("POST", "/api/v2/users/auth0%7Ca/identities"),
            Ok(Route::Guarded(Guarded { user_id: "auth0|a".to_owned(), action: Action::Link }))
        );
    }
}
