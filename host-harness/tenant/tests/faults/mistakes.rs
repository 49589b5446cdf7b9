//! Bad control bodies: each refused with 400, the mistake named, and nothing added.

use serde_json::json;

use crate::wire::*;

const HOLD: &str = r#""fault": {"hold": {"at": "before_effect"}}"#;

/// What is wrong, the document, and a part of what is said of it.
type Row = (&'static str, String, &'static str);

/// A document with one rule, for links.
fn rule(members: &str) -> String {
    format!(r#"{{"faults": [{{"operation": "link", {members}}}]}}"#)
}

/// A rule that holds, and says more.
fn hold(more: &str) -> String {
    rule(&format!("{HOLD}, {more}"))
}

fn status(members: &str) -> String {
    rule(&format!(r#""fault": {{"status": {{"at": "after_effect", {members}}}}}"#))
}

fn amend(members: &str) -> String {
    rule(&format!(r#""fault": {{"amend": {{{members}}}}}"#))
}

async fn refuses(rows: Vec<Row>) {
    let served = Served::new().await;
    for (name, document, part) in rows {
        let (status, answer) = served.ask("POST", "/__faults", &document).await;
        assert_eq!((status, &answer["statusCode"]), (400, &json!(400)), "{name}: {answer}");
        let message = answer["message"].as_str().unwrap();
        assert!(message.contains(part), "{name}: no `{part}` in `{message}`");
    }
    assert_eq!(served.handle.fault_counts(), []);
    assert_eq!(served.handle.received(), 0, "its own requests are not the tenant's");
}

#[tokio::test]
async fn mistakes_of_form() {
    let fault = |fault: &str| rule(&format!(r#""fault": {fault}"#));
    refuses(vec![
        ("nothing", String::new(), "EOF"),
        ("no JSON", "x".to_owned(), "expected value"),
        ("more than JSON", format!("{} x", rule(HOLD)), "trailing characters"),
        ("no list", "{}".to_owned(), "missing field `faults`"),
        ("one of two", rule(HOLD).replace("}]}", "}, {}]}"), "missing field `operation`"),
        ("no fault", rule(r#""times": 1"#), "missing field `fault`"),
        ("an unknown member", hold(r#""occurence": 1"#), "unknown field `occurence`"),
        ("a member twice", hold(HOLD), "duplicate field `fault`"),
        ("an unknown operation", rule(HOLD).replace("link", "links"), "unknown variant `links`"),
        ("an unknown fault", fault(r#"{"holt": {}}"#), "unknown variant `holt`"),
        ("an unknown point", fault(r#"{"hold": {"at": "before"}}"#), "unknown variant `before`"),
        ("no point", fault(r#"{"reset": {}}"#), "missing field `at`"),
        ("no pause", fault(r#"{"delay": {"at": "before_effect"}}"#), "missing field `ms`"),
        (
            "a negative pause",
            fault(r#"{"delay": {"at": "before_effect", "ms": -1}}"#),
            "invalid value: integer `-1`",
        ),
        (
            "a hang-up with a point",
            fault(r#"{"hang_up": {"at": "before_effect"}}"#),
            "unknown field",
        ),
        ("a drip without a pause", fault(r#"{"drip": {"bytes": 1}}"#), "missing field `every_ms`"),
        ("two faults", fault(r#"{"cut_body": {}, "hold": {"at": "after_effect"}}"#), "line 1"),
    ])
    .await;
}

#[tokio::test]
async fn mistakes_of_content() {
    let header = |header: &str| status(&format!(r#""status": 200, "headers": {{{header}}}"#));
    refuses(vec![
        ("the 0th", hold(r#""occurrence": 0"#), "faults[0].occurrence: expected at least 1"),
        ("0 times", hold(r#""times": 0"#), "faults[0].times: expected at least 1, found 0"),
        ("nth and times", hold(r#""occurrence": 1, "times": 2"#), "faults[0].times: not with"),
        ("nth by chance", hold(r#""occurrence": 1, "seed": 2"#), "faults[0].occurrence: not with"),
        ("no seed", hold(r#""probability": 0.5"#), "faults[0].probability: needs a `seed`"),
        ("a seed alone", hold(r#""seed": 5"#), "faults[0].seed: needs a `probability`"),
        ("too certain", hold(r#""probability": 1.5, "seed": 5"#), "from 0 to 1, found 1.5"),
        ("no final status", status(r#""status": 101"#), "expected 200 to 599, found 101"),
        ("a header's name", header(r#""a b": "c""#), "headers.a b: expected a header name"),
        ("a header's value", header(r#""a": "b\nc""#), "headers.a: expected a header value"),
        ("a header's type", header(r#""a": 1"#), "headers.a: expected a text"),
        (
            "a drip of nothing",
            rule(r#""fault": {"drip": {"bytes": 0, "every_ms": 1}}"#),
            "faults[0].fault.drip.bytes: expected at least 1, found 0",
        ),
        (
            "too much padding",
            amend(r#""pad_to_bytes": 67108865"#),
            "faults[0].fault.amend.pad_to_bytes: expected 67108864 at most, found 67108865",
        ),
        ("a header amended", amend(r#""headers": {"a b": null}"#), "amend.headers.a b: expected a"),
        ("framing amended", amend(r#""headers": {"Content-Length": null}"#), "the framing"),
        ("framing", header(r#""Content-Length": "1""#), "headers.Content-Length: the framing"),
    ])
    .await;
}

#[tokio::test]
async fn all_mistakes_of_content_are_told_at_once() {
    let served = Served::new().await;
    let document = hold(r#""occurrence": 0, "times": 0"#);
    let (_, answer) = served.ask("POST", "/__faults", &document).await;
    assert_eq!(
        answer["message"].as_str().unwrap().lines().collect::<Vec<_>>(),
        [
            "faults[0].occurrence: expected at least 1, found 0",
            "faults[0].times: expected at least 1, found 0",
            "faults[0].times: not with `occurrence`, which is a single request",
        ]
    );
}
