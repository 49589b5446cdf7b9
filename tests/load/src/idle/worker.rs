//! A client that works while others do not.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use hyper::Method;
use hyper::header::AUTHORIZATION;
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

use crate::Attempt;
use crate::client::{Call, Client, Spoken};
use crate::mint::Mint;
use crate::quantile::Durations;

/// Unlinks, again and again, at an even pace.
pub(super) struct Worker {
    client: Mutex<Client>,
    call: Call,
}

/// Between the beginnings of two requests.
const PACE: Duration = Duration::from_millis(5);

impl Worker {
    pub(super) fn new(address: SocketAddr, mint: &Mint) -> Attempt<Self> {
        let token = mint.access("auth0|worker", &Value::Null)?;
        let call = Call {
            method: Method::DELETE,
            target: "/api/v2/users/auth0%7Cworker/identities/google-oauth2/1".to_owned(),
            headers: vec![(AUTHORIZATION, format!("Bearer {token}"))],
            body: Bytes::new(),
        };
        Ok(Self { client: Mutex::new(Client::new(address, Spoken::Http1)), call })
    }

    /// Works until then: every answer must be the upstream's.
    pub(super) async fn work(&self, until: Instant) -> Attempt<Durations> {
        let mut client = self.client.lock().await;
        let mut answers = Durations::default();
        while Instant::now() < until {
            let began = Instant::now();
            let reply = client.exchange(&self.call).await.answered(200)?;
            if reply.body != b"[]" {
                return Err(format!("expected the upstream's answer, found {reply:?}"));
            }
            answers.add(began.elapsed());
            sleep_until(began + PACE).await;
        }
        Ok(answers)
    }

    /// The head of a request to link, with a body to come.
    pub(super) fn link_head(&self) -> String {
        let headers = self.call.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n"));
        format!(
            "POST /api/v2/users/auth0%7Cworker/identities HTTP/1.1\r\nhost: x\r\n{}content-type: application/json\r\ncontent-length: 4096\r\n\r\n",
            headers.collect::<String>()
        )
    }
}
