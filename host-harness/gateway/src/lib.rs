//! The reference gateway: hyper and wasmtime around the evaluator component.
//!
//! It shows a gateway's authors how little there is to do, and serves as one. All of it is carrying:
//!
//! ```text
//!  client ─▶ serve ─▶ connection ─▶ (client_tls) ─▶ intake (HTTP/1.1), streams (HTTP/2) ─▶ drive
//!
//!                               drive ──▶ exchange ─▶ pool ─▶ instance_handle ─▶ instance_queue ─▶ instance_task ─▶ sandbox (wasm) : what next?
//!                                 │  ▲
//!                                 │  └── event
//!                                 ├────▶ verifier  verify, in the task of the instance
//!                                 ├────▶ content   read-body
//!                                 ├────▶ accounts  acquire
//!                                 ├────▶ request ─▶ outbound ─▶ upstream_pool ─▶ lease, link (HTTP/1.1) ───────────────▶ upstream   call, forward, pass
//!                                 │                                            └▶ stream_lease, http2_link (HTTP/2) ─▶
//!  client ◀───────────────────────┴────▶ answer    relay, respond
//! ```
//!
//! ```no_run
//! use std::num::NonZeroUsize;
//! use linkgate_gateway::{ComponentSource, Decision, Gateway, Limits, Settings, Timings};
//!
//! # async fn run(document: String) -> Result<(), Box<dyn std::error::Error>> {
//! let settings = Settings {
//!     component: ComponentSource::File("linkgate-evaluator.wasm".into()),
//!     document: Some(document),
//!     secrets: vec![],
//!     seed: 0x5eed,
//!     upstream: "http://127.0.0.1:3000".parse()?,
//!     instances: NonZeroUsize::MIN,
//!     limits: Limits::default(),
//! };
//! let gateway = Gateway::build(settings, |decision: Decision, _: &Timings| println!("{}", decision.cause))?;
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
//! gateway.serve(listener, std::future::pending()).await;
//! # Ok(())
//! # }
//! ```
//!
//! # What it does not do
//!
//! - Decide. No header, path, status or claim is judged here: every answer but two comes from the
//!   component. The two are a 503 when the component is lost, and a 400 when a request's bytes are
//!   in doubt. Whatever goes wrong, nothing passes.
//! - Send anything twice, or follow a redirect.
//! - Speak HTTP/2 with an upstream that does not choose it over TLS. `CONNECT` and `Upgrade` lead nowhere.
//! - Hold a log. A [`DecisionSink`] gets the records.

mod settings;
mod upstream;
mod gateway;
mod readiness;
mod descriptors;
mod serve;
mod connection;
mod client_tls;
mod preface;
mod intake;
mod streams;
mod pace;
mod paced;
mod timings;
mod drive;
mod steps;
mod accounts;
mod exchange;
mod pool;
mod instance_handle;
mod instance_queue;
mod instance_task;
mod lost;
mod backoff;
mod evaluator;
mod verifier;
mod engine;
mod sandbox;
mod contract;
mod request;
mod content;
mod hop;
mod outbound;
mod lease;
mod answer_body;
mod stream_lease;
mod no_answer;
mod upstream_pool;
mod reuse;
mod link;
mod http2_links;
mod http2_link;
mod upstream_socket;
mod shared_fetch;
mod pool_keys;
mod fetch;
mod tls;
mod answer;
mod clock;
mod sink;
mod error;

pub use client_tls::{ClientTls, TlsPair, TlsPairError};
pub use contract::{
    Abilities, Acquire, Acquired, Answer, AnswerHead, Call, CallFailure, Decision, End, Event,
    Failure, Fetch, Forward, Gate, Head, Header, HeaderEdits, KeySource, MergeRecord, Mistake, Now,
    Opened, Outcome, Pass, ReadBody, Reply, Secret, Shadow, ShadowDecision, SignatureAlgorithm,
    Step, Turn, Verification, Verify,
};
pub use descriptors::TooFewDescriptors;
pub use engine::{engine_config, takes_wide_arithmetic};
pub use error::StartError;
pub use evaluator::{Evaluator, Keys, Trap};
pub use fetch::Fetcher;
pub use gateway::{Gateway, Reloader};
pub use readiness::{NotReady, Readiness};
pub use reuse::Dropped;
pub use settings::{ComponentSource, Limits, Settings};
pub use sink::{DecisionSink, Fault};
pub use timings::{Phase, Timings};
pub use tls::CaSource;
pub use upstream::{Upstream, UpstreamError};
pub use upstream_pool::UpstreamConnections;
pub use verifier::Verifier;
