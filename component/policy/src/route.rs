//! What a request is for: one of the guarded routes, a preflight for one, or something to pass.

use crate::config::Rules;
use crate::denial::Flaw;
use crate::lax::{self, Reading};
use crate::path::{Segment, Target};

/// A request's place, with the ids decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// One of the guarded routes.
    Guarded(Guarded),
    /// `OPTIONS` with `Access-Control-Request-Method` on one of these, and that one's method.
    Preflight { method: &'static str },
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
    /// `GET {base}/users/{user_id}`
    Profile,
}

impl Action {
    /// The one method of the action's resource.
    fn method(&self) -> &'static str {
        match self {
            Self::Link => "POST",
            Self::Unlink { .. } => "DELETE",
            Self::Profile => "GET",
        }
    }
}

impl Guarded {
    /// Ids are one segment to every reader, and a provider is a plain name: the user's own id is
    /// compared with a token, these are compared with nothing.
    fn check_ids(&self) -> Result<(), Flaw> {
        lax::check_id(&self.user_id)?;
        let Action::Unlink { provider, secondary_id } = &self.action else { return Ok(()) };
        lax::check_id(secondary_id)?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if provider.bytes().all(plain) { Ok(()) } else { Err(Flaw::ProviderMalformed) }
    }
}

/// The name of the link route.
pub(crate) const LINK: &str = "link";

impl Route {
    /// The name in the decision record.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Guarded(Guarded { action: Action::Link, .. }) => LINK,
            Self::Guarded(Guarded { action: Action::Unlink { .. }, .. }) => "unlink",
            Self::Guarded(Guarded { action: Action::Profile, .. }) => "profile",
            Self::Preflight { .. } => "preflight",
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
        Some(rest) => guarded(rules, method, target, rest, preflight),
        None => open(rules, method, target),
    }
}

/// The segments after a prefix, if all of it is there.
fn after<'a>(segments: &'a [Segment], prefix: &[String]) -> Option<&'a [Segment]> {
    let (head, rest) = segments.split_at_checked(prefix.len())?;
    head.iter().zip(prefix).all(|(segment, name)| segment.text == *name).then_some(rest)
}

fn guarded(
    rules: &Rules,
    method: &str,
    target: &Target<'_>,
    rest: &[Segment],
    preflight: bool,
) -> Result<Route, Flaw> {
    // The first and the last of `{user_id}/identities/{provider}/{secondary_id}` are ids.
    let slash_allowed = |index: usize| rules.encoded_slashes_in_ids && matches!(index, 0 | 3);
    if rest.iter().enumerate().any(|(index, segment)| segment.slashed && !slash_allowed(index)) {
        return Err(Flaw::PathEncodedSlash);
    }
    if target.query.is_some() {
        return Err(Flaw::PathQuery);
    }
    let resource = resource(rest)?;
    resource.check_ids()?;
    let own_method = resource.action.method();
    if resource.action == Action::Profile && !rules.profile {
        return Err(Flaw::ProfileOff);
    }
    match method {
        "OPTIONS" if preflight && rules.cors.is_none() => Err(Flaw::PreflightOff),
        "OPTIONS" if preflight => Ok(Route::Preflight { method: own_method }),
        method if method == own_method => Ok(Route::Guarded(resource)),
        _ => Err(Flaw::RouteMethod),
    }
}

/// The resource behind `{base}/users`, and the one thing that may be done to it.
fn resource(rest: &[Segment]) -> Result<Guarded, Flaw> {
    let (id, below) = rest.split_first().ok_or(Flaw::RouteNeighbour)?;
    let action = match below {
        [] => Action::Profile,
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
    if target.segments.iter().any(|segment| segment.slashed) {
        return Err(Flaw::PathEncodedSlash);
    }
    for reading in lax::readings(target.raw_path)? {
        if reading.segments.starts_with(&rules.users_folded) {
            return Err(Flaw::PathDisguised);
        }
        if legacy(&reading, method, target.query) {
            return Err(Flaw::LegacyLinking);
        }
    }
    if rules.pass.iter().any(|prefix| after(&target.segments, prefix).is_some()) {
        Ok(Route::Pass)
    } else {
        Err(Flaw::RouteUnknown)
    }
}

/// The linking routes from before the Management API: no gate of ours could judge them.
fn legacy(reading: &Reading, method: &str, query: Option<&str>) -> bool {
    let mut last = reading.segments.iter().rev().map(String::as_str);
    match (last.next(), last.next()) {
        (Some("unlink"), Some("login")) => true,
        (Some("authorize"), _) => {
            // Parameters in a body would pass unseen (OIDC Core section 3.1.2.1 allows POST).
            let unseen = reading.cut || !matches!(method, "GET" | "HEAD");
            unseen || query.is_some_and(|query| lax::names_parameter(query, "access_token"))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path;

    fn found(method: &str, target: &str) -> Result<Route, Flaw> {
        let rules = Rules {
            users: ["api", "v2", "users"].map(str::to_owned).to_vec(),
            users_folded: ["api", "v2", "users"].map(str::to_owned).to_vec(),
            pass: vec![
                vec!["app".to_owned()],
                vec!["authorize".to_owned()],
                vec!["login".to_owned()],
            ],
            ..Rules::default()
        };
        find(&rules, method, &path::read(target.as_bytes())?, false)
    }

    #[test]
    fn every_request_under_users_is_guarded_or_refused() {
        for (row, method, target, expected) in [
            ("users itself", "GET", "/api/v2/users", Flaw::RouteNeighbour),
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
        assert_eq!(found("GET", "/authorize?client_id=1"), Ok(Route::Pass));
        assert_eq!(
            found("POST", "/api/v2/users/auth0%7Ca/identities"),
            Ok(Route::Guarded(Guarded { user_id: "auth0|a".to_owned(), action: Action::Link }))
        );
    }
}
