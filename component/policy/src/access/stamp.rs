//! What the gate writes on a request that goes on: the address of its client and its id, in the place of
//! whatever the client wrote there.
//!
//! Names are folded, as a server behind the gate may fold them: `X_Forwarded_For` goes as well.

use super::client_address;
use super::request_id::NewIds;
use crate::http::header_names::folded;
use crate::http::message::{Head, Header, HeaderEdits};
use crate::rules::Rules;
use crate::time::clock::Now;

/// What is written on one request; nothing, unless the policy says so.
#[derive(Default)]
pub(crate) struct Stamp {
    edits: HeaderEdits,
    /// The address of the client, where the policy has it found and it was.
    pub(crate) client_address: Option<String>,
    /// The line with the id of the request, where the policy has one.
    request_id: Option<Header>,
}

impl Stamp {
    pub(crate) fn of(head: &Head, rules: &Rules, ids: &mut NewIds, now: Now) -> Self {
        let mut stamp = Self::default();
        if let Some(wanted) = rules.client_address {
            for name in client_address::NAMES {
                stamp.displace(name, head);
            }
            let address = wanted.find(head);
            stamp.edits.append.extend(address.map(|address| wanted.line(address)));
            stamp.client_address = address.map(|address| address.to_string());
        }
        if let Some(name) = &rules.request_id {
            stamp.displace(name, head);
            let line = Header::new(name, &ids.of(head, name, now));
            stamp.edits.append.push(line.clone());
            stamp.request_id = Some(line);
        }
        stamp
    }

    /// Has the client's lines of that name removed, in every spelling that came.
    fn displace(&mut self, name: &str, head: &Head) {
        let spelt = head.headers.iter().map(|line| line.name.to_ascii_lowercase());
        let spelt = spelt.filter(|spelt| spelt != name && folded(spelt) == name);
        self.edits.remove.extend([name.to_owned()].into_iter().chain(spelt));
    }

    /// The edits to a request that passes.
    pub(crate) fn edits(&self) -> HeaderEdits {
        self.edits.clone()
    }

    /// The client's lines that go on with a guarded request, with ours.
    pub(crate) fn written(&self, lines: Vec<Header>) -> Vec<Header> {
        self.edits().applied(lines)
    }

    /// The id of the request.
    pub(crate) fn request_id(&self) -> Option<String> {
        let line = self.request_id.as_ref()?;
        Some(String::from_utf8_lossy(&line.value).into_owned())
    }

    /// What a reply of the gate's own carries of it.
    pub(crate) fn on_reply(&self) -> Option<Header> {
        self.request_id.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    use crate::config::{Abilities, Secrets};
    use crate::policy::Policy;
    use crate::protocol::Step;
    use crate::testing::{self, NOW};

    fn policy(members: &[(&str, serde_json::Value)]) -> Policy {
        let mut document = testing::document();
        for (name, value) in members {
            document[*name] = value.clone();
        }
        let host = Abilities { knows_peer: true, ..Abilities::default() };
        Policy::compile(&document.to_string(), &Secrets::default(), host, 1, NOW).unwrap()
    }

    fn head(target: &str) -> Head {
        let claims = [
            ("x-forwarded-for", "203.0.113.66"),
            ("x.real.ip", "203.0.113.66"),
            ("x-request-id", "a"),
        ];
        Head {
            method: "GET".to_owned(),
            target: target.as_bytes().to_vec(),
            headers: claims.map(|(name, value)| Header::new(name, value)).into(),
            peer: Some("[::ffff:192.0.2.7]:80".to_owned()),
        }
    }

    #[test]
    fn what_passes_in_shadow_is_edited_too() {
        let mut policy = policy(&[
            ("client_address", json!("connection")),
            ("request_id", json!({})),
            ("shadow", json!({ "until": "2023-11-20" })),
        ]);
        let (_, turn) = policy.open(head("/nowhere"), NOW);
        let Step::Pass { edits, .. } = turn.step else { panic!("{turn:?}") };
        let kept = edits.applied(head("/").headers.clone());
        assert_eq!(
            kept,
            [Header::new("x-forwarded-for", "192.0.2.7"), Header::new("x-request-id", "a")]
        );
    }

    #[test]
    fn the_peer_is_asked_for_where_it_counts() {
        for (row, address, expected) in [
            ("the peer is the client", json!("connection"), true),
            ("a header says it", json!({ "header": "x-forwarded-for" }), false),
            ("it is not wanted", json!(null), false),
        ] {
            let members = [("client_address", address)];
            let wanted = members.iter().filter(|(_, value)| !value.is_null());
            let wanted: Vec<_> = wanted.cloned().collect();
            assert_eq!(policy(&wanted).wants_peer(), expected, "{row}");
        }
    }

    #[test]
    fn nothing_changes_unless_the_policy_says_so() {
        let mut policy = policy(&[("pass", json!(["/app"]))]);
        let (exchange, turn) = policy.open(head("/app"), NOW);
        assert!(matches!(turn.step, Step::Pass { edits, .. } if edits.is_empty()));
        let decision = policy.close(exchange, crate::verdict::outcome::End::Finished, NOW);
        assert_eq!((decision.client_address, decision.request_id), (None, None));
        let (_, turn) = policy.open(head("/nowhere"), NOW);
        let Step::Respond(reply) = turn.step else { panic!("{turn:?}") };
        assert!(reply.headers.iter().all(|line| line.name != "x-request-id"));
    }
}
