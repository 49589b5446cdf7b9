//! Whether an answer is what its request deserves.

use serde_json::Value;

use crate::client::{Reply, Seen};

use super::faults::{AFTER, BEFORE, Injected};
use super::kind::{Deserved, Kind, Refusal};
use super::people::{Member, People};

/// Whether the member's second account is linked, as far as the member can know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Apart,
    Linked,
    /// The tenant broke off, before the effect or after it.
    Unknown,
}

/// What is to be said of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// As its request deserves.
    Right,
    /// The tenant's fault answered in the tenant's place.
    Injected,
    /// The tenant gave no answer, and the gate says so.
    Unanswered,
    /// The tenant's answer broke off, and so did the gate's.
    Cut,
    /// No answer at all.
    Nothing,
    /// Not even a connection.
    NotConnected,
    /// Not what its request deserves, nor what a fault can bring about.
    Wrong,
}

/// A fate, what the member knows now, and why it is wrong, if it is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) fate: Fate,
    pub(super) standing: Standing,
    pub(super) why: Option<String>,
}

/// Judges what `member` saw, whose second account stood so before.
pub(super) fn judge(
    kind: Kind,
    people: &People,
    member: &Member,
    standing: Standing,
    seen: &Seen,
) -> Verdict {
    let (reply, is_whole) = match seen {
        Seen::Whole(reply) => (reply, true),
        Seen::Cut(reply) => (reply, false),
        Seen::Reset if matches!(kind.deserved(), Deserved::Upstream(_)) => {
            return unseen(Fate::Cut, after_silence(kind, standing));
        }
        Seen::Reset | Seen::Nothing { .. } => {
            return unseen(Fate::Nothing, after_silence(kind, standing));
        }
        Seen::NotConnected(_) => return unseen(Fate::NotConnected, standing),
    };
    let judged = match kind.deserved() {
        Deserved::Refusal(refusal) if is_whole => {
            refused(refusal, reply).map(|()| (Fate::Right, standing))
        }
        Deserved::Answer(status, _) if is_whole => {
            answered(status, reply).map(|()| (Fate::Right, standing))
        }
        Deserved::Refusal(_) | Deserved::Answer(..) => {
            Err("an answer of the gate's own broke off".to_owned())
        }
        Deserved::Upstream(_) => relayed(kind, people, member, standing, reply, is_whole),
    };
    let judged = judged.and_then(|judged| strangers(member, reply).map(|()| judged));
    match judged {
        Ok((fate, standing)) => Verdict { fate, standing, why: None },
        Err(why) => {
            let why = format!("{why}; answered {}", shown(reply));
            Verdict { fate: Fate::Wrong, standing: Standing::Unknown, why: Some(why) }
        }
    }
}

fn unseen(fate: Fate, standing: Standing) -> Verdict {
    Verdict { fate, standing, why: None }
}

fn refused(refusal: Refusal, reply: &Reply) -> Result<(), String> {
    let Refusal { status, reason, challenge, .. } = refusal;
    if reply.status != status || reason_in(reply).as_deref() != Some(reason) {
        return Err(format!("expected the refusal {status} `{reason}`"));
    }
    if reply.headers.contains_key("www-authenticate") != challenge {
        return Err(format!("expected a challenge: {challenge}"));
    }
    Ok(())
}

fn answered(status: u16, reply: &Reply) -> Result<(), String> {
    if reply.status == status { Ok(()) } else { Err(format!("expected {status}")) }
}

/// The tenant's answer, a fault's, or the gate's word that there was none.
fn relayed(
    kind: Kind,
    people: &People,
    member: &Member,
    standing: Standing,
    reply: &Reply,
    is_whole: bool,
) -> Result<(Fate, Standing), String> {
    if reply.status == 504
        && is_whole
        && reason_in(reply).as_deref() == Some("upstream-outcome-unknown")
    {
        return Ok((Fate::Unanswered, after_silence(kind, standing)));
    }
    let usual = expected(kind, standing).iter().find(|(status, _)| *status == reply.status);
    let injected = if reply.status == BEFORE.status {
        Some((BEFORE, standing))
    } else if reply.status == AFTER.status {
        Some((AFTER, effect(kind, standing)))
    } else {
        None
    };
    match (usual, injected) {
        (Some((_, after)), _) if is_whole => {
            let after = body_fits(kind, people, member, *after, reply)?;
            Ok((Fate::Right, after))
        }
        (Some((_, after)), _) => Ok((Fate::Cut, *after)),
        (None, Some((_, after))) if !is_whole => Ok((Fate::Cut, after)),
        (None, Some((injected, after))) if is_injected(injected, reply) => {
            Ok((Fate::Injected, after))
        }
        (None, _) => {
            Err(format!("not what the tenant says where the second account is {standing:?}"))
        }
    }
}

/// The statuses that the tenant answers with, and where the second account is then.
fn expected(kind: Kind, standing: Standing) -> &'static [(u16, Standing)] {
    use Standing::{Apart, Linked, Unknown};
    match (kind == Kind::Link, kind == Kind::Unlink, standing) {
        (true, _, Apart) => &[(201, Linked)],
        (true, _, Linked) => &[(409, Linked)],
        (true, _, Unknown) => &[(201, Linked), (409, Linked)],
        (_, true, Apart) => &[(400, Apart)],
        (_, true, Unknown) => &[(400, Apart), (200, Apart)],
        (_, true, Linked) | (false, false, Apart) => &[(200, Apart)],
        (false, false, Linked) => &[(200, Linked)],
        (false, false, Unknown) => &[(200, Unknown)],
    }
}

/// Where the second account is once a request had its effect.
fn effect(kind: Kind, standing: Standing) -> Standing {
    if kind == Kind::Link {
        Standing::Linked
    } else if kind == Kind::Unlink {
        Standing::Apart
    } else {
        standing
    }
}

fn after_silence(kind: Kind, standing: Standing) -> Standing {
    if effect(kind, standing) == standing { standing } else { Standing::Unknown }
}

/// Looks into the body of a success; a profile shows where the second account is.
fn body_fits(
    kind: Kind,
    people: &People,
    member: &Member,
    after: Standing,
    reply: &Reply,
) -> Result<Standing, String> {
    if reply.status >= 400 {
        return Ok(after);
    }
    if kind == Kind::Keys {
        let same = reply.body == people.keys;
        return if same { Ok(after) } else { Err("other keys than the tenant's".to_owned()) };
    }
    let mark = format!("second-{:05}", member.number);
    let found =
        if holds(&reply.body, mark.as_bytes()) { Standing::Linked } else { Standing::Apart };
    if after == Standing::Unknown || after == found {
        return Ok(found);
    }
    Err(format!("expected the second account to be {after:?}, found {found:?}"))
}

fn is_injected(injected: Injected, reply: &Reply) -> bool {
    holds(&reply.body, injected.mark.as_bytes())
}

/// Nothing of another member may stand in an answer.
fn strangers(member: &Member, reply: &Reply) -> Result<(), String> {
    let own = format!("{:05}", member.number);
    for mark in ["member-", "second-"] {
        let mut rest = reply.body.as_slice();
        while let Some(at) = position(rest, mark.as_bytes()) {
            rest = rest.get(at + mark.len()..).unwrap_or_default();
            if !rest.starts_with(own.as_bytes()) {
                return Err("the answer holds what is another member's".to_owned());
            }
        }
    }
    Ok(())
}

fn reason_in(reply: &Reply) -> Option<String> {
    let media_type = reply.headers.get("content-type")?.to_str().ok()?;
    if !media_type.starts_with("application/problem+json") {
        return None;
    }
    let body: Value = serde_json::from_slice(&reply.body).ok()?;
    Some(body.get("reason")?.as_str()?.to_owned())
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    position(bytes, part).is_some()
}

fn position(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}

/// Bytes of a body that are shown of a wrong answer.
const SHOWN: usize = 300;

fn shown(reply: &Reply) -> String {
    let body = reply.body.get(..SHOWN).unwrap_or(&reply.body);
    format!("{} {}", reply.status, String::from_utf8_lossy(body))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use hyper::header::HeaderMap;

    fn reply(status: u16, body: &str) -> Reply {
        let mut headers = HeaderMap::new();
        if body.contains("reason") {
            headers.insert("content-type", "application/problem+json".parse().unwrap());
        }
        Reply { status, headers, body: body.as_bytes().to_vec() }
    }

    fn verdict(kind: Kind, standing: Standing, seen: &Seen) -> (Fate, Standing) {
        let member = Member { number: 7, access: String::new(), second: String::new() };
        let people = People {
            members: vec![],
            barred: vec![],
            machine: String::new(),
            keys: Bytes::from_static(b"keys"),
        };
        let Verdict { fate, standing, why } = judge(kind, &people, &member, standing, seen);
        assert_eq!(fate == Fate::Wrong, why.is_some(), "{why:?}");
        (fate, standing)
    }

    #[test]
    #[rustfmt::skip]
    fn an_answer_is_judged_by_what_its_request_deserves() {
        use Standing::{Apart, Linked, Unknown};
        let linked = r#"[{"user_id":"second-00007"}]"#;
        let stranger = r#"[{"user_id":"second-00007"},{"user_id":"second-00008"}]"#;
        let unknown = r#"{"reason":"upstream-outcome-unknown"}"#;
        let mismatch = r#"{"reason":"subject-mismatch"}"#;
        let whole = |status, body| Seen::Whole(reply(status, body));
        for (row, kind, standing, seen, fate, after) in [
            ("linked", Kind::Link, Apart, whole(201, linked), Fate::Right, Linked),
            ("linked, says the status alone", Kind::Link, Apart, whole(201, "[]"), Fate::Wrong, Unknown),
            ("linked twice", Kind::Link, Linked, whole(201, linked), Fate::Wrong, Unknown),
            ("linked already", Kind::Link, Linked, whole(409, "{}"), Fate::Right, Linked),
            ("linked already, unnoticed", Kind::Link, Unknown, whole(409, "{}"), Fate::Right, Linked),
            ("not linked, they say", Kind::Link, Apart, whole(409, "{}"), Fate::Wrong, Unknown),
            ("another's", Kind::Link, Apart, whole(201, stranger), Fate::Wrong, Unknown),
            ("taken off", Kind::Unlink, Linked, whole(200, "[]"), Fate::Right, Apart),
            ("still there", Kind::Unlink, Linked, whole(200, linked), Fate::Wrong, Unknown),
            ("the profile tells", Kind::Profile, Unknown, whole(200, linked), Fate::Right, Linked),
            ("the profile is another", Kind::Profile, Apart, whole(200, linked), Fate::Wrong, Unknown),
            ("the keys", Kind::Keys, Apart, whole(200, "keys"), Fate::Right, Apart),
            ("other keys", Kind::Keys, Apart, whole(200, "kegs"), Fate::Wrong, Unknown),
            ("no answer upstream", Kind::Link, Apart, whole(504, unknown), Fate::Unanswered, Unknown),
            ("no answer upstream, nothing new", Kind::Unlink, Apart, whole(504, unknown), Fate::Unanswered, Apart),
            ("a fault before", Kind::Link, Apart, whole(429, BEFORE.mark), Fate::Injected, Apart),
            ("a fault after", Kind::Link, Apart, whole(502, AFTER.mark), Fate::Injected, Linked),
            ("the gate's own 502", Kind::Link, Apart, whole(502, unknown), Fate::Wrong, Unknown),
            ("cut off", Kind::Link, Apart, Seen::Cut(reply(201, "[{")), Fate::Cut, Linked),
            ("a fault cut off", Kind::Link, Apart, Seen::Cut(reply(429, "{")), Fate::Cut, Apart),
            ("refused", Kind::LinkOther, Apart, whole(403, mismatch), Fate::Right, Apart),
            ("refused otherwise", Kind::LinkOther, Apart, whole(403, unknown), Fate::Wrong, Unknown),
            ("not refused", Kind::LinkOther, Apart, whole(201, linked), Fate::Wrong, Unknown),
            ("a fault must not show here", Kind::LinkOther, Apart, whole(429, BEFORE.mark), Fate::Wrong, Unknown),
            ("without its challenge", Kind::Bare, Apart, whole(401, r#"{"reason":"bearer-missing"}"#), Fate::Wrong, Unknown),
            ("a refusal cut off", Kind::LinkOther, Apart, Seen::Cut(reply(403, "{")), Fate::Wrong, Unknown),
            ("a preflight", Kind::Preflight, Linked, whole(204, ""), Fate::Right, Linked),
            ("reset", Kind::Link, Apart, Seen::Reset, Fate::Cut, Unknown),
            ("a refusal reset", Kind::LinkOther, Apart, Seen::Reset, Fate::Nothing, Apart),
            ("nothing", Kind::Unlink, Linked, Seen::Nothing { begun: false, why: String::new() }, Fate::Nothing, Unknown),
        ] {
            assert_eq!(verdict(kind, standing, &seen), (fate, after), "{row}");
        }
    }
}
