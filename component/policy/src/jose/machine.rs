//! The signs of a machine that acts for itself, and not for a user.

use super::claims::Claims;
use crate::text::json::Json;

/// Claims that name the client. A token whose subject is its client is the client's own (RFC 9068 section 2.2).
const CLIENTS: [&str; 4] = ["azp", "client_id", "cid", "appid"];

/// The grant of client credentials, as Auth0 writes it and as others do.
const GRANTS: [&str; 2] = ["client-credentials", "client_credentials"];

impl Claims {
    /// Whether this is a machine's own token. Auth0 says so in `gty` and in a `sub` that ends in `@clients`, Entra in
    /// `idtyp`; elsewhere `sub` is the client.
    ///
    /// It never refuses for a type: every text within a claim counts, so that no odd shape hides a sign.
    pub(crate) fn of_machine(&self) -> bool {
        let says = |name: &str, is_sign: &dyn Fn(&str) -> bool| {
            self.member(name).is_some_and(|value| any_text(value, is_sign))
        };
        if says("gty", &|grant| GRANTS.contains(&grant)) || says("idtyp", &|kind| kind == "app") {
            return true;
        }
        let Some(subject) = self.known("sub") else { return false };
        CLIENTS.iter().any(|name| says(name, &|client| client == subject))
            || self.audiences.iter().any(|audience| audience == subject)
            || subject.ends_with("@clients")
    }
}

/// Whether a text within a value is like this. The reader of tokens bounds how deep a value is.
fn any_text(value: &Json, is_like: &dyn Fn(&str) -> bool) -> bool {
    match value {
        Json::Text(text) => is_like(text),
        Json::List(items) => items.iter().any(|item| any_text(item, is_like)),
        Json::Object(members) => members.values().any(|member| any_text(member, is_like)),
        Json::Null | Json::Bool(_) | Json::Number(_) => false,
    }
}
