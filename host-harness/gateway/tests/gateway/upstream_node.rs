//! An upstream of HTTP/2 that other people wrote: node's, which is nghttp2.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use linkgate_gateway::{CaSource, Event, Head, Step, Trap, Upstream};

use crate::frames::stage;
use crate::script::{forward_then_relay, pass_then_relay};
use crate::tls::Ca;
use crate::wire::{last, say};

/// Answers with the number of its session, and what it saw. After five requests a session goes away, as with many servers.
const SERVER: &str = r"
const { createSecureServer } = require('node:http2');
let sessions = 0;
const { KEY: key, CERTIFICATE: cert } = process.env;
const server = createSecureServer({ key, cert });
server.on('session', session => { session.number = ++sessions; session.asked = 0; });
server.on('stream', (stream, head) => {
  const { session } = stream;
  let length = 0;
  stream.on('data', data => { length += data.length; });
  stream.on('end', () => {
    stream.respond({ ':status': 200, 'x-session': session.number });
    stream.end(`${head[':method']} ${head[':path']} ${head[':authority']} ${length}`);
    if (++session.asked === 5) session.close();
  });
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
";

#[expect(clippy::unnecessary_wraps, reason = "the form of a script that may trap")]
fn play(head: &Head, events: &[Event]) -> Result<Step, Trap> {
    let is_forward = head.target == b"/forward";
    Ok(if is_forward { forward_then_relay(head, events) } else { pass_then_relay(head, events) })
}

struct Node(Child);

impl Node {
    /// Where it listens: what it says first.
    fn port(&mut self) -> u16 {
        let mut line = String::new();
        let output = self.0.stdout.take().expect("its output");
        BufReader::new(output).read_line(&mut line).expect("a line");
        line.trim().parse().expect("a port")
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Without node there is nothing to see, except in CI.
fn start(ca: &Ca) -> Option<Node> {
    let pair = ca.pair("127.0.0.1");
    let text = |pem| String::from_utf8(pem).expect("PEM");
    let started = Command::new("node")
        .args(["-e", SERVER])
        .env("KEY", text(pair.key))
        .env("CERTIFICATE", text(pair.certificate))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn();
    if let Err(error) = &started {
        assert!(std::env::var_os("LINKGATE_FORBID_SKIPS").is_none(), "node: {error}");
        eprintln!("upstream_node NOT RUN: {error}");
    }
    started.ok().map(Node)
}

#[tokio::test]
async fn requests_go_to_the_server_of_node_each_once() {
    let ca = Ca::new();
    let Some(mut node) = start(&ca) else { return };
    let port = node.port();
    let upstream: Upstream = format!("https://127.0.0.1:{port}").parse().expect("an upstream");
    let stage = stage(upstream.trusting(CaSource::Pem(ca.pem.into_bytes())), play).await;
    for (target, seen) in [
        ("/forward", "POST /api/v2/users/auth0%7C1/identities"),
        ("/pass?a=%2F", "POST /pass?a=%2F"),
    ] {
        let length = if target == "/forward" { 22 } else { 0 };
        for _ in 0..20 {
            let answer = say(stage.address, last("POST", target)).await;
            let expected = format!("{seen} 127.0.0.1:{port} {length}");
            assert!(answer.contains(&expected), "{answer}");
        }
    }
    // Five requests on each connection, and none was left without an answer.
    let kinds = stage.readiness.upstream_connections();
    let counts: Vec<_> = kinds.iter().map(|kind| (kind.opened_http2, kind.reused)).collect();
    assert_eq!(counts, [(4, 16), (0, 0), (4, 16)]);
}
