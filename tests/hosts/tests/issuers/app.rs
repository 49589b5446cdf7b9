//! The app behind the gate: a policy for the provider, a host that enforces it, an upstream that records.

use linkgate_cases::{Request, Response};
use linkgate_policy::Header;
use linkgate_tests::hosts::{Host, Policy, Recorder, Running, exchange};
use serde_json::json;

use crate::provider::Provider;

pub(crate) struct App<'a> {
    pub(crate) algorithm: &'a str,
    host: Box<dyn Running>,
    upstream: Recorder,
}

/// What a request came to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    status: u16,
    cause: String,
    /// How many requests arrived upstream.
    sent: usize,
}

impl Seen {
    /// Granted, sent once, and answered by the upstream.
    pub(crate) fn sent(status: u16) -> Self {
        Self { status, cause: "granted".to_owned(), sent: 1 }
    }

    /// Not sent, with this status, and a cause that begins like this.
    pub(crate) fn is_refused(&self, status: u16, cause: &str) -> bool {
        self.sent == 0 && self.status == status && self.cause.starts_with(cause)
    }
}

impl<'a> App<'a> {
    pub(crate) fn serve(host: &dyn Host, provider: &Provider, algorithm: &'a str) -> Self {
        let document = json!({
            "version": 1,
            "issuers": [{
                "issuer": provider.issuer,
                "audiences": ["https://api.example/"],
                "algorithms": [algorithm],
                "client_claim": "client_id",
                "type": "at+jwt",
                "keys": { "discovery": true, "cooldown": "1s" },
                "secondary": { "algorithms": [algorithm] },
            }],
        });
        let policy = Policy { document: document.to_string(), secrets: Vec::new() };
        let upstream = Recorder::start().expect("an upstream");
        let host = host.start(&policy, upstream.address()).expect("a host");
        Self { algorithm, host, upstream }
    }

    pub(crate) fn link(&mut self, user: &str, bearer: &str, link_with: &str) -> Seen {
        let body = json!({ "link_with": link_with }).to_string();
        self.ask(201, "POST", &identities(user), bearer, &body)
    }

    pub(crate) fn unlink(&mut self, user: &str, bearer: &str) -> Seen {
        self.ask(200, "DELETE", &format!("{}/sms/bob", identities(user)), bearer, "")
    }

    fn ask(&mut self, answer: u16, method: &str, target: &str, bearer: &str, body: &str) -> Seen {
        let json = Header::new("content-type", "application/json");
        let answer = Response { status: answer, headers: vec![json.clone()], body: b"[]".to_vec() };
        self.upstream.expect(vec![Some(answer)]);
        let request = Request {
            method: method.to_owned(),
            target: target.as_bytes().to_vec(),
            headers: vec![Header::new("authorization", &format!("Bearer {bearer}")), json],
            body: body.as_bytes().to_vec(),
            body_breaks_off: false,
        };
        let reply = exchange(self.host.address(), &request)
            .unwrap_or_else(|error| panic!("{error}\n{}", self.host.output()));
        let record = self.host.record().expect("a decision record");
        Seen { status: reply.status, cause: record.cause, sent: self.upstream.recorded().len() }
    }
}

fn identities(user: &str) -> String {
    format!("/api/v2/users/{}/identities", user.replace('|', "%7C"))
}
