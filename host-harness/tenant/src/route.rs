//! Which of the tenant's operations a request asks for.

use serde::de::IntoDeserializer;
use serde::de::value::{Error as ValueError, StrDeserializer};
use serde::{Deserialize, Serialize};

use crate::refusal::Refusal;
use crate::request::Request;
use crate::sign_in::Endpoint;
use crate::target;

/// An operation of the tenant, by name: what a request log counts. In JSON it is in snake case: `read_user`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// `GET /.well-known/openid-configuration`
    Discovery,
    /// `GET /.well-known/jwks.json`
    Jwks,
    /// `POST /oauth/token`
    SignIn,
    /// Any other endpoint of signing in, `/authorize` among them, and preflights.
    Login,
    /// `GET /api/v2/users/{id}`
    ReadUser,
    /// `PATCH /api/v2/users/{id}`
    UpdateUser,
    /// `POST /api/v2/users/{id}/identities`
    Link,
    /// `DELETE /api/v2/users/{id}/identities/{provider}/{user_id}`
    Unlink,
    /// Anything else; answered 404, or 400 when the target cannot be read.
    Unrouted,
}

impl Operation {
    /// Every operation, in the order in which a sign-in, a read and a link ask for them.
    pub const ALL: [Self; 9] = [
        Self::Discovery,
        Self::Jwks,
        Self::SignIn,
        Self::Login,
        Self::ReadUser,
        Self::UpdateUser,
        Self::Link,
        Self::Unlink,
        Self::Unrouted,
    ];

    /// The operation that JSON calls `name`.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let name: StrDeserializer<'_, ValueError> = name.into_deserializer();
        Self::deserialize(name).ok()
    }

    /// The operation that `request` asks for.
    #[must_use]
    pub fn of(request: &Request) -> Self {
        match Route::of(request) {
            Ok(Route::Discovery) => Self::Discovery,
            Ok(Route::Jwks) => Self::Jwks,
            Ok(Route::SignIn) => Self::SignIn,
            Ok(Route::Login(_) | Route::Preflight { .. }) => Self::Login,
            Ok(Route::ReadUser { .. }) => Self::ReadUser,
            Ok(Route::UpdateUser { .. }) => Self::UpdateUser,
            Ok(Route::Link { .. }) => Self::Link,
            Ok(Route::Unlink { .. }) => Self::Unlink,
            Err(_) => Self::Unrouted,
        }
    }

    /// Whether this is one of the Management API's.
    #[must_use]
    pub fn is_management(self) -> bool {
        matches!(self, Self::ReadUser | Self::UpdateUser | Self::Link | Self::Unlink)
    }
}

/// An operation with what its path says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Route {
    Discovery,
    Jwks,
    SignIn,
    Login(Endpoint),
    /// Of a page, before it asks for what it may read.
    Preflight {
        credentials: bool,
    },
    ReadUser {
        id: String,
        query: String,
    },
    UpdateUser {
        id: String,
    },
    Link {
        id: String,
    },
    Unlink {
        id: String,
        provider: String,
        user_id: String,
    },
}

impl Route {
    pub(crate) fn of(request: &Request) -> Result<Self, Refusal> {
        let target = target::parse(&request.target)?;
        let segments: Vec<&str> = target.segments.iter().map(String::as_str).collect();
        match (request.method.as_str(), segments.as_slice()) {
            ("GET", [".well-known", "openid-configuration"]) => Ok(Self::Discovery),
            ("GET", [".well-known", "jwks.json"]) => Ok(Self::Jwks),
            ("POST", ["oauth", "token"]) => Ok(Self::SignIn),
            (method, ["api", "v2", "users", id, rest @ ..]) if !id.is_empty() => {
                Self::of_user(method, (*id).to_owned(), rest, target.query)
            }
            ("OPTIONS", segments) => {
                let credentials = preflighted(segments).ok_or(Refusal::NoSuchRoute)?;
                Ok(Self::Preflight { credentials })
            }
            (method, segments) => {
                Endpoint::of(method, segments).map(Self::Login).ok_or(Refusal::NoSuchRoute)
            }
        }
    }

    fn of_user(method: &str, id: String, rest: &[&str], query: &str) -> Result<Self, Refusal> {
        match (method, rest) {
            ("GET", []) => Ok(Self::ReadUser { id, query: query.to_owned() }),
            ("PATCH", []) => Ok(Self::UpdateUser { id }),
            ("POST", ["identities"]) => Ok(Self::Link { id }),
            ("DELETE", ["identities", provider, user_id]) => Ok(Self::Unlink {
                id,
                provider: (*provider).to_owned(),
                user_id: (*user_id).to_owned(),
            }),
            _ => Err(Refusal::NoSuchRoute),
        }
    }
}

/// Whether the endpoint there takes cookies of pages that may ask for it; `None` when scripts have no business there.
fn preflighted(segments: &[&str]) -> Option<bool> {
    let well_known = [".well-known", "openid-configuration"];
    if segments == ["oauth", "token"]
        || segments == [".well-known", "jwks.json"]
        || segments == well_known
    {
        return Some(false);
    }
    let endpoint = Endpoint::of("POST", segments).or_else(|| Endpoint::of("GET", segments))?;
    endpoint.is_for_scripts().then(|| endpoint.takes_credentials())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_of_the_routes_are_no_routes() {
        let rows = [
            ("GET", "/api/v2/users"),
            ("GET", "/api/v2/users/"),
            ("DELETE", "/api/v2/users/auth0|a"),
            ("POST", "/api/v2/users/auth0|a/identities/"),
            ("POST", "/api/v2/users/auth0|a/Identities"),
            ("DELETE", "/api/v2/users/auth0|a/identities/github"),
            ("DELETE", "/api/v2/users/auth0|a/identities/github/1/"),
            ("post", "/oauth/token"),
            ("GET", "//api/v2/users/auth0|a"),
            ("PATCH", "/api/v2/x/../users/auth0|a"),
        ];
        for (method, target) in rows {
            assert_eq!(
                Operation::of(&Request::new(method, target)),
                Operation::Unrouted,
                "{method} {target}"
            );
        }
    }
}
