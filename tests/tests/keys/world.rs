//! Tenants that publish keys, and a gateway in front of the first.

use std::fmt::Debug;
use std::future::Future;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use linkgate_gateway::{
    ComponentSource, Decision, DecisionSink, Gateway, Limits, Readiness, Reloader, Settings,
    Timings,
};
use linkgate_tests::{ALICES_PROFILE, Issuer, component};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Bounds a wait: a test that would hang fails instead, and says what it waited for.
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    let soon = tokio::time::timeout(Duration::from_secs(30), future).await;
    soon.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}

/// A gateway that serves.
pub(crate) struct Gate {
    pub(crate) address: SocketAddr,
    pub(crate) readiness: Readiness,
    reloader: Arc<Reloader>,
    notices: Mutex<UnboundedReceiver<String>>,
}

impl Gate {
    pub(crate) async fn serve(document: &Value, upstream: &Issuer) -> Self {
        Self::of(2, document, upstream).await
    }

    /// With so many instances.
    pub(crate) async fn of(instances: usize, document: &Value, upstream: &Issuer) -> Self {
        let settings = Settings {
            component: ComponentSource::File(component("linkgate-evaluator.wasm")),
            document: Some(document.to_string()),
            secrets: Vec::new(),
            seed: 1,
            upstream: upstream.origin.parse().unwrap(),
            instances: NonZeroUsize::new(instances).unwrap(),
            limits: Limits::default(),
        };
        let (sender, notices) = unbounded_channel();
        let built = tokio::task::spawn_blocking(move || Gateway::reloadable(settings, Ear(sender)));
        let (gateway, reloader) = built.await.unwrap().unwrap();
        let readiness = gateway.readiness();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(gateway.serve(listener, std::future::pending()));
        Self { address, readiness, reloader: Arc::new(reloader), notices: Mutex::new(notices) }
    }

    pub(crate) async fn reload(&self, document: &Value) {
        let (reloader, document) = (Arc::clone(&self.reloader), document.to_string());
        let reloaded = tokio::task::spawn_blocking(move || reloader.reload(document, vec![]));
        reloaded.await.unwrap().unwrap();
    }

    /// The next line for the operator.
    pub(crate) async fn notice(&self) -> String {
        soon("a notice", self.notices.lock().await.recv()).await.unwrap()
    }

    /// The lines for the operator that were not read yet.
    pub(crate) async fn notices(&self) -> Vec<String> {
        let mut notices = self.notices.lock().await;
        std::iter::from_fn(|| notices.try_recv().ok()).collect()
    }

    /// Waits until something is so, and looks at it again and again: whether keys are usable is a matter of
    /// time, which no line announces.
    pub(crate) async fn until(&self, what: &str, so: impl Fn(&Readiness) -> bool) {
        soon(what, async {
            while !so(&self.readiness) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
    }

    /// Reads Alice's profile with a token, on a connection of its own.
    pub(crate) async fn read(&self, token: &str) -> Read {
        Client::connect(self.address).await.read(token).await
    }
}

/// What a request came to: its status, and `Retry-After`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Read {
    pub(crate) status: u16,
    pub(crate) retry_after_s: Option<u64>,
}

/// Read, as it should be.
pub(crate) const GOOD: Read = Read { status: 200, retry_after_s: None };

impl Read {
    /// The gate could not decide, and the answer says when to come again.
    pub(crate) fn is_undecided(self) -> bool {
        self.status == 503 && self.retry_after_s.is_some_and(|seconds| seconds > 0)
    }
}

/// A client's connection.
pub(crate) struct Client(BufReader<TcpStream>);

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let stream = soon("a connection", TcpStream::connect(address)).await.unwrap();
        Self(BufReader::new(stream))
    }

    /// Reads Alice's profile with a token.
    pub(crate) async fn read(&mut self, token: &str) -> Read {
        let target = ALICES_PROFILE;
        let head =
            format!("GET {target} HTTP/1.1\r\nhost: gate\r\nauthorization: Bearer {token}\r\n\r\n");
        self.0.get_mut().write_all(head.as_bytes()).await.unwrap();
        soon("an answer", self.answer()).await
    }

    async fn answer(&mut self) -> Read {
        let first = self.line().await;
        let status = first.split(' ').nth(1).and_then(|status| status.parse().ok());
        let mut read =
            Read { status: status.unwrap_or_else(|| panic!("{first:?}")), retry_after_s: None };
        let mut length = 0;
        loop {
            let line = self.line().await.to_ascii_lowercase();
            match line.trim_end().split_once(": ") {
                Some(("retry-after", seconds)) => read.retry_after_s = seconds.parse().ok(),
                Some(("content-length", bytes)) => length = bytes.parse().unwrap(),
                Some(_) => {}
                None => break,
            }
        }
        self.0.read_exact(&mut vec![0; length]).await.unwrap();
        read
    }

    async fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).await.unwrap();
        line
    }
}

/// The same token with another `kid`: what an attacker makes up costs no user a key.
pub(crate) fn with_kid(token: &str, kid: &str) -> String {
    let (_, rest) = token.split_once('.').unwrap();
    let header = json!({ "alg": "RS256", "typ": "JWT", "kid": kid }).to_string();
    format!("{}.{rest}", URL_SAFE_NO_PAD.encode(header))
}

/// Runs all of them at once.
pub(crate) async fn at_once<T: Debug + Send + 'static>(
    all: impl IntoIterator<Item = impl Future<Output = T> + Send + 'static>,
) -> Vec<T> {
    let running: Vec<_> = all.into_iter().map(tokio::spawn).collect();
    let mut done = Vec::new();
    for one in running {
        done.push(one.await.unwrap());
    }
    done
}

/// Hears what is logged of keys.
struct Ear(UnboundedSender<String>);

impl DecisionSink for Ear {
    fn decided(&self, _: Decision, _: &Timings) {}

    fn notice(&self, notice: &str) {
        self.0.send(notice.to_owned()).ok();
    }
}
