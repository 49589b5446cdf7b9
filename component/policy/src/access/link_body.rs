//! The body of a link request: `link_with` and nothing else, as JSON or as a form.

use zeroize::Zeroizing;

use crate::http::message::Lines;
use crate::text::json::{self, Json, NotStrict};
use crate::verdict::cause::Flaw;

/// Largest link body, in bytes: a token of the largest size that is read, every byte of it
/// percent-encoded, and its name.
pub(crate) fn max_body(max_token_bytes: usize) -> u32 {
    u32::try_from(max_token_bytes.saturating_mul(4)).unwrap_or(u32::MAX)
}

/// Members of a form that are read, to say what is wrong with it. The API knows four. Without
/// a limit, thousands of them would be compared with each other.
const MAX_MEMBERS: usize = 8;

/// How a link body is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyType {
    Json,
    Form,
}

/// Tells the body's type from the head, before any of it is read.
pub(crate) fn body_type(lines: Lines<'_>) -> Result<BodyType, Flaw> {
    if lines.has("content-encoding") {
        return Err(Flaw::BodyEncoded);
    }
    let value = lines
        .sole("content-type")
        .and_then(|value| std::str::from_utf8(value).ok())
        .ok_or(Flaw::BodyType)?;
    let mut parts = value.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default();
    // The one parameter is `charset=utf-8`, which both types have without saying so. Any other
    // charset would make the same bytes another text.
    let utf8 = |parameter: &str| parameter.replace('"', "").eq_ignore_ascii_case("charset=utf-8");
    if !parts.all(|parameter| parameter.is_empty() || utf8(parameter)) {
        return Err(Flaw::BodyType);
    }
    if essence.eq_ignore_ascii_case("application/json") {
        Ok(BodyType::Json)
    } else if essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        Ok(BodyType::Form)
    } else {
        Err(Flaw::BodyType)
    }
}

/// Reads the secondary token out of a body.
pub(crate) fn read(body_type: BodyType, body: &[u8]) -> Result<Zeroizing<String>, Flaw> {
    let mut members = match body_type {
        BodyType::Json => json_members(body)?,
        BodyType::Form => form_members(body)?,
    };
    if members
        .iter()
        .any(|(name, _)| matches!(name.as_str(), "provider" | "user_id" | "connection_id"))
    {
        return Err(Flaw::LinkByUserId);
    }
    match (members.pop(), members.pop()) {
        (Some((name, Some(token))), None) if name == "link_with" => Ok(token),
        _ => Err(Flaw::BodyMembers),
    }
}

/// The members of a body, with their text where they are text.
type Members = Vec<(String, Option<Zeroizing<String>>)>;

fn json_members(body: &[u8]) -> Result<Members, Flaw> {
    let value = json::parse(body).map_err(|flaw| match flaw {
        NotStrict::Duplicate => Flaw::BodyDuplicate,
        NotStrict::Malformed | NotStrict::TooDeep => Flaw::BodyMalformed,
    })?;
    let text = |value: Json| {
        if let Json::Text(text) = value { Some(Zeroizing::new(text)) } else { None }
    };
    Ok(value
        .into_object()
        .ok_or(Flaw::BodyMembers)?
        .into_iter()
        .map(|(name, value)| (name, text(value)))
        .collect())
}

fn form_members(body: &[u8]) -> Result<Members, Flaw> {
    let text = std::str::from_utf8(body).map_err(|_| Flaw::BodyMalformed)?;
    // A form parser reads anything as something; `{"link_with":…}` would be one odd name.
    if text.bytes().any(|byte| byte <= b' ' || byte >= 0x7f) || text.starts_with('{') {
        return Err(Flaw::BodyMalformed);
    }
    let mut members = Members::new();
    for (name, value) in form_urlencoded::parse(body) {
        if members.len() == MAX_MEMBERS {
            return Err(Flaw::BodyMembers);
        }
        if members.iter().any(|(seen, _)| *seen == name) {
            return Err(Flaw::BodyDuplicate);
        }
        members.push((name.into_owned(), Some(Zeroizing::new(value.into_owned()))));
    }
    Ok(members)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::message::{Head, Header};

    #[test]
    fn one_member_and_no_other() {
        use BodyType::{Form, Json};
        for (row, kind, body, expected) in [
            ("JSON", Json, r#"{"link_with":"t"}"#, Ok("t")),
            ("JSON with spaces", Json, "{ \"link_with\" : \"t\" }\n", Ok("t")),
            ("form", Form, "link_with=t", Ok("t")),
            ("form with an encoded name", Form, "link%5Fwith=t", Ok("t")),
            ("form with an encoded value", Form, "link_with=a%2Eb", Ok("a.b")),
            ("no member", Json, "{}", Err(Flaw::BodyMembers)),
            ("two members", Json, r#"{"link_with":"t","x":1}"#, Err(Flaw::BodyMembers)),
            ("not a string", Json, r#"{"link_with":1}"#, Err(Flaw::BodyMembers)),
            ("a list", Json, r#"["link_with"]"#, Err(Flaw::BodyMembers)),
            ("twice", Json, r#"{"link_with":"t","link_with":"u"}"#, Err(Flaw::BodyDuplicate)),
            ("twice in a form", Form, "link_with=t&link_with=u", Err(Flaw::BodyDuplicate)),
            (
                "twice in a form, disguised",
                Form,
                "link_with=t&link%5fwith=u",
                Err(Flaw::BodyDuplicate),
            ),
            ("an array of PHP", Form, "link_with[]=t", Err(Flaw::BodyMembers)),
            ("by user id", Json, r#"{"provider":"auth0","user_id":"x"}"#, Err(Flaw::LinkByUserId)),
            ("by user id as well", Form, "link_with=t&user_id=x", Err(Flaw::LinkByUserId)),
            ("JSON said to be a form", Form, r#"{"link_with":"t"}"#, Err(Flaw::BodyMalformed)),
            ("a form said to be JSON", Json, "link_with=t", Err(Flaw::BodyMalformed)),
            ("trailing bytes", Json, r#"{"link_with":"t"}x"#, Err(Flaw::BodyMalformed)),
            ("byte order mark", Json, "\u{feff}{\"link_with\":\"t\"}", Err(Flaw::BodyMalformed)),
            ("empty", Form, "", Err(Flaw::BodyMembers)),
            ("too many", Form, "a&b&c&d&e&f&g&h&i&a", Err(Flaw::BodyMembers)),
        ] {
            assert_eq!(
                read(kind, body.as_bytes()).as_deref().map(String::as_str),
                expected.as_ref().copied(),
                "{row}"
            );
        }
    }

    #[test]
    fn types() {
        for (value, expected) in [
            ("application/json", Ok(BodyType::Json)),
            ("Application/JSON; charset=UTF-8", Ok(BodyType::Json)),
            ("application/x-www-form-urlencoded; charset=\"utf-8\"", Ok(BodyType::Form)),
            ("application/json; charset=utf-16", Err(Flaw::BodyType)),
            ("application/json, text/plain", Err(Flaw::BodyType)),
            ("text/json", Err(Flaw::BodyType)),
            ("", Err(Flaw::BodyType)),
        ] {
            let head = Head {
                method: "POST".to_owned(),
                target: Vec::new(),
                headers: vec![Header::new("Content-Type", value)],
                peer: None,
            };
            assert_eq!(body_type(Lines::of(&head)), expected, "{value}");
        }
    }
}
