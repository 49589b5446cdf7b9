//! A soak of some seconds, so that it cannot rot: `tests/load` has it whole, `cargo xtask load soak`
//! runs it at length.

use std::io::Write as _;
use std::time::Duration;

use linkgate_load::{Soak, soak};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_is_right_while_the_tenant_fails_and_the_policy_is_replaced() {
    let settings = Soak {
        linkgate: env!("CARGO_BIN_EXE_linkgate").into(),
        connections: 16,
        length: Duration::from_secs(6),
        seed: 1,
    };
    let report = soak(settings).await.unwrap_or_else(|trouble| panic!("{trouble}"));
    // Straight to stderr: libtest hides what `println!` says of a test that passes.
    let _ = write!(std::io::stderr().lock(), "\n{report}");
}
