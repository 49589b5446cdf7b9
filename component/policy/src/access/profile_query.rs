//! The query of a profile: which members of the account the caller asks for.

use crate::http::path;
use crate::verdict::cause::Flaw;

/// `fields` and `include_fields` of `GET {base}/users/{user_id}`, each at most once: every SDK sends them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ProfileQuery {
    /// Names of members, plain.
    fields: Vec<String>,
    /// Whether these are the ones wanted, or the ones left out.
    include: Option<bool>,
}

/// Most names. A user has about 25 members; raised, a caller buys a longer request to the upstream.
const MAX_FIELDS: usize = 32;

impl ProfileQuery {
    /// Reads a query. What is not on the allow-list is a flaw, not left out: the answer would be
    /// another than was asked for.
    pub(crate) fn read(query: &str) -> Result<Self, Flaw> {
        let mut read = Self::default();
        for pair in query.split('&') {
            match pair.split_once('=') {
                Some(("fields", value)) if read.fields.is_empty() => read.fields = fields(value)?,
                Some(("include_fields", "true")) if read.include.is_none() => {
                    read.include = Some(true);
                }
                Some(("include_fields", "false")) if read.include.is_none() => {
                    read.include = Some(false);
                }
                _ => return Err(Flaw::PathQuery),
            }
        }
        Ok(read)
    }

    /// The query as it goes on, with its `?`; nothing where nothing was asked for.
    pub(crate) fn written(&self) -> String {
        let fields = (!self.fields.is_empty()).then(|| format!("fields={}", self.fields.join(",")));
        let include = self.include.map(|include| format!("include_fields={include}"));
        let pairs: Vec<String> = fields.into_iter().chain(include).collect();
        if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) }
    }
}

/// The names of a list, its commas raw or encoded.
fn fields(value: &str) -> Result<Vec<String>, Flaw> {
    let decoded = path::decode(value.as_bytes()).ok_or(Flaw::PathQuery)?;
    let text = String::from_utf8(decoded).map_err(|_| Flaw::PathQuery)?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.');
    let is_name = |name: &str| !name.is_empty() && name.bytes().all(plain);
    let names: Vec<String> = text.split(',').map(str::to_owned).collect();
    if names.len() <= MAX_FIELDS && names.iter().all(|name| is_name(name)) {
        Ok(names)
    } else {
        Err(Flaw::PathQuery)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_sdks_send_is_written_in_one_spelling() {
        for (query, written) in [
            (
                "fields=user_metadata&include_fields=true",
                "?fields=user_metadata&include_fields=true",
            ),
            ("include_fields=true&fields=a,b.c", "?fields=a,b.c&include_fields=true"),
            ("fields=user_id%2Cemail", "?fields=user_id,email"),
            ("fields=%75ser_id", "?fields=user_id"),
            ("include_fields=false", "?include_fields=false"),
        ] {
            assert_eq!(ProfileQuery::read(query).map(|query| query.written()), Ok(written.into()));
        }
        assert_eq!(ProfileQuery::default().written(), "");
    }

    #[test]
    fn all_else_is_refused() {
        let many = |count: usize| format!("fields={}", vec!["a"; count].join(","));
        assert!(ProfileQuery::read(&many(MAX_FIELDS)).is_ok());
        for query in [
            "",
            "fields",
            "fields=",
            "fields=a,",
            "fields=a&fields=b",
            "include_fields=true&include_fields=true",
            "include_fields=yes",
            "include_fields=TRUE",
            "include_fields=",
            "Fields=a",
            "%66ields=a",
            "fields[]=a",
            "fields=a%26b",
            "fields=a%2526b",
            "fields=a%20b",
            "fields=a+b",
            "fields=%zz",
            "fields=%ff",
            "fields=a;include_fields=true",
            "fields=a&access_token=t",
            "fields=a&",
            "&fields=a",
            "q=1",
            &many(MAX_FIELDS + 1),
        ] {
            assert_eq!(ProfileQuery::read(query), Err(Flaw::PathQuery), "{query}");
        }
    }
}
