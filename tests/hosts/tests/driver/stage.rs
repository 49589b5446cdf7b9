//! `wasmtime serve` with the edition under test, between a client and an upstream that tests play.

use std::path::Path;
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use linkgate_cases::{Scene, Suite};
use linkgate_policy::LogLine;
use linkgate_tests::component;
use linkgate_tests::hosts::{
    PLAIN, Policy, Running as _, Serving, WasmtimeServe, environment, on_the_wire,
};
use linkgate_tests::peer::{Peer, Upstream};

pub(crate) struct Stage {
    pub(crate) upstream: Upstream,
    pub(crate) serving: Serving,
}

impl Stage {
    /// As an operator would start it.
    pub(crate) fn set() -> Self {
        Self::set_with(&[], &[])
    }

    /// The same with changes: members of the policy document, in JSON, and flags for the host.
    pub(crate) fn set_with(members: &[(&str, &str)], flags: &[&str]) -> Self {
        let upstream = Upstream::bind();
        let serving = serving(members, &format!("http://{}", upstream.address), flags);
        Self { upstream, serving }
    }

    /// A client that has connected.
    pub(crate) async fn client(&self) -> Peer {
        Peer::connect(self.serving.address()).await
    }

    /// The next decision record.
    pub(crate) fn record(&mut self) -> LogLine {
        record(&mut self.serving)
    }
}

/// The host in front of any upstream.
pub(crate) fn serving(members: &[(&str, &str)], upstream: &str, flags: &[&str]) -> Serving {
    let environment = environment(&policy(members), upstream);
    let flags = [PLAIN, flags].concat();
    host().serve(&environment, &flags).unwrap_or_else(|trouble| panic!("{trouble}"))
}

/// The next decision record of a host.
pub(crate) fn record(serving: &mut Serving) -> LogLine {
    let record = serving.record();
    record.unwrap_or_else(|| panic!("no decision record. The host said:\n{}", serving.output()))
}

/// The suite's policy that also passes `/app`, with changes.
pub(crate) fn policy(members: &[(&str, &str)]) -> Policy {
    let scene = scene("request: link");
    let mut document: serde_json::Value = serde_json::from_str(&scene.document).expect("JSON");
    for (name, value) in members {
        document[*name] = serde_json::from_str(value).expect("JSON");
    }
    Policy { document: document.to_string(), secrets: scene.secrets }
}

/// A request of the suite's, minted for the present, as bytes.
pub(crate) fn request(name: &str) -> Vec<u8> {
    on_the_wire(&scene(&format!("request: {name}")).request)
}

/// A scene of one's own: `lines` are those of a case that say what is sent.
pub(crate) fn scene(lines: &str) -> Scene {
    static SUITE: OnceLock<Suite> = OnceLock::new();
    let suite = SUITE.get_or_init(|| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        Suite::load(&folder).unwrap_or_else(|trouble| panic!("{trouble}"))
    });
    let text = format!(
        "title: a scene\npolicy: pass\n{lines}\nexpect: {{ outcome: '', cause: '', reason: '', reply: 200 }}"
    );
    let case = Suite::read_case(&text).unwrap_or_else(|trouble| panic!("{trouble}\n{text}"));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
    Scene::prepare_at(suite, &case, now.as_secs(), None)
        .unwrap_or_else(|trouble| panic!("{trouble}"))
}

/// The host, its component compiled once for all tests of this process.
pub(crate) fn host() -> &'static WasmtimeServe {
    static HOST: OnceLock<WasmtimeServe> = OnceLock::new();
    HOST.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let host = if IS_CHAIN {
            let middleware = component("linkgate-middleware.wasm");
            let next = component("linkgate-next-handler.wasm");
            WasmtimeServe::prepare_chain(binary(), &middleware, &next, folder)
        } else {
            WasmtimeServe::prepare(binary(), &component("linkgate-proxy.wasm"), folder)
        };
        host.unwrap_or_else(|trouble| panic!("{trouble}"))
    })
}

/// `wasmtime serve`.
pub(crate) fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_linkgate-wasmtime-serve"))
}

/// Whether this is the test of the middleware edition, which has a handler behind it. The same tests hold
/// for both editions; where they differ, the test says how.
pub(crate) const IS_CHAIN: bool = matches!(env!("CARGO_CRATE_NAME").as_bytes(), b"chain");

/// Outcome and cause of a passed request whose body breaks off. The middleware edition sees the next handler's failure alone.
pub(crate) const OF_A_BROKEN_BODY: (&str, &str) =
    if IS_CHAIN { ("failed", "upstream-unknown") } else { ("denied", "body-failed") };
