//! What reached the tenant, by the lines that it prints: `200 DELETE /api/v2/users/…`.

use std::collections::BTreeMap;

use super::kind::Kind;
use super::people::BARRED;

/// Requests that reached the tenant.
#[derive(Debug, Default)]
pub(super) struct Arrivals {
    by_kind: BTreeMap<Kind, u64>,
    /// What must never arrive.
    pub(super) barred: Vec<String>,
}

impl Arrivals {
    pub(super) fn take(&mut self, line: &str) {
        if line.contains(BARRED) {
            self.barred.push(line.to_owned());
        }
        if let Some(kind) = kind(line) {
            *self.by_kind.entry(kind).or_default() += 1;
        }
    }

    pub(super) fn count(&self, kind: Kind) -> u64 {
        self.by_kind.get(&kind).copied().unwrap_or_default()
    }
}

/// Sign-ins did not come through the gateway, and the address of faults leaves no line.
fn kind(line: &str) -> Option<Kind> {
    let mut words = line.split(' ').skip(1);
    let (method, target) = (words.next()?, words.next()?);
    match method {
        "POST" if target.starts_with("/api/") => Some(Kind::Link),
        "DELETE" => Some(Kind::Unlink),
        "GET" if target.starts_with("/api/") => Some(Kind::Profile),
        "GET" if target.ends_with("/jwks.json") => Some(Kind::Keys),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_told_apart() {
        let mut arrivals = Arrivals::default();
        for line in [
            "200 POST /oauth/token",
            "201 POST /api/v2/users/auth0%7Cmember-00001/identities",
            "0 DELETE /api/v2/users/auth0%7Cmember-00001/identities/google-oauth2/second-00001",
            "200 GET /api/v2/users/auth0%7Cbarred-1",
            "429 GET /.well-known/jwks.json",
        ] {
            arrivals.take(line);
        }
        let counts =
            [Kind::Link, Kind::Unlink, Kind::Profile, Kind::Keys].map(|kind| arrivals.count(kind));
        assert_eq!((counts, arrivals.barred.len()), ([1, 1, 1, 1], 1));
    }
}
