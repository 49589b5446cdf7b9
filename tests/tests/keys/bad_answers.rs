//! Key endpoints that answer with what is no key set.

use std::time::Duration;

use linkgate_tenant::Answer;
use linkgate_tenant::faults::{Amendment, Drip, Fault, Point};
use linkgate_tests::{Issuer, policy};
use serde_json::json;

use crate::world::Gate;

/// What an endpoint does, and what is logged.
fn endpoints() -> Vec<(&'static str, Fault, &'static str)> {
    let answer = |status, header: (&str, &str), body: &[u8]| Fault::Status {
        at: Point::BeforeEffect,
        answer: Answer {
            status,
            headers: vec![(header.0.to_owned(), header.1.to_owned())],
            body: body.to_vec(),
        },
    };
    let html = ("content-type", "text/html");
    let elsewhere = ("location", "http://127.0.0.1:1/keys");
    vec![
        ("HTML", answer(200, html, b"<!doctype html>"), "expected JSON, found something else"),
        ("no JSON", answer(200, html, b"{\"keys\": ["), "expected JSON, found something else"),
        ("redirect", answer(302, elsewhere, b""), "expected status 200, found 302"),
        ("error", answer(500, html, b"no"), "expected status 200, found 500"),
        (
            "10 MB",
            Fault::Amend(Amendment { pad_to_bytes: Some(10 << 20), ..Amendment::default() }),
            "expected at most 262144 bytes, found more",
        ),
        (
            "slow",
            Fault::Drip(Drip { bytes: 1, every: Duration::from_mins(60) }),
            "expected the whole body within 0.5 s, found none",
        ),
        ("silent", Fault::Hold { at: Point::BeforeEffect }, "expected an answer within 0.5 s"),
        (
            "cut off",
            Fault::CutBody { after_bytes: Some(20) },
            "expected the whole body, found it cut off",
        ),
        ("reset", Fault::Reset { at: Point::BeforeEffect }, "expected an answer"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_key_set_is_told_with_issuer_and_cause_and_answered_503() {
    let mut rows = Vec::new();
    for (name, fault, cause) in endpoints() {
        let issuer = Issuer::listen().await;
        issuer.fault(fault);
        rows.push((name, issuer, cause));
    }
    let rules = json!({ "timeout": "500ms", "cooldown": "1s" });
    let entries: Vec<_> =
        rows.iter().map(|(_, issuer, _)| issuer.entry(&issuer.by_url(&rules))).collect();
    let gate = Gate::serve(&policy(&entries), &rows[0].1).await;

    let mut told = Vec::new();
    let is_told = |told: &[String], issuer: &Issuer| {
        told.iter()
            .find(|notice| notice.starts_with(&format!("keys of {}/: ", issuer.origin)))
            .cloned()
    };
    while rows.iter().any(|(_, issuer, _)| is_told(&told, issuer).is_none()) {
        told.push(gate.notice().await);
    }
    for (name, issuer, cause) in &rows {
        let notice = is_told(&told, issuer).unwrap();
        let uri = format!("{}/.well-known/jwks.json", issuer.origin);
        assert!(notice.contains(&format!("{uri}: {cause}")), "{name}: {notice}");
        assert!(!notice.contains('\n'), "{name}: one line");
        let read = gate.read(&issuer.token()).await;
        assert!(read.is_undecided(), "{name}: {read:?}");
    }

    for (_, issuer, _) in &rows {
        issuer.tenant.clear_faults();
        issuer.tenant.release_all().await;
    }
    gate.until("all keys", |ready| ready.check().is_ok()).await;
}
