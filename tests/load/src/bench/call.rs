//! What each call of Envoy costs a proxy-wasm filter: the filter that does nothing, with the call made many times, less
//! the filter that does nothing.
//!
//! A filter in WAT has no allocator to speak of: what the edition's own memory costs is not in these prices.

use std::fmt::Write as _;

use super::host::{Host, Stage};
use super::row::Row;
use super::server::Log;
use super::work::Work;
use crate::Attempt;
use crate::issuer::{Algorithm, Issuer};

/// A call: its name, the instructions that make it once, and how often a request makes it, so that what it costs is
/// more than what a round is off by.
struct Call {
    name: &'static str,
    once: String,
    times: u32,
    log: Log,
}

/// What a call costs.
pub(super) struct Price {
    pub(super) name: &'static str,
    /// Microseconds: the median of the rounds, the least and the most.
    pub(super) us: (f64, f64, f64),
}

/// The filter that does nothing.
pub(super) const NOTHING: &str = include_str!("nothing.wat");

/// A request's head is where the calls are made.
const HEAD: &str = "(func (export \"proxy_on_request_headers\") (param $context i32) (param $count i32) (param $is_last i32) (result i32) i32.const 0)";

/// What the calls are imported as, and what they need in memory. Envoy writes from 32768 on; `4` and `8` take the
/// address and the size of what it wrote.
const IMPORTS: &str = r#"(module
  (import "env" "proxy_get_current_time_nanoseconds" (func $time (param i32) (result i32)))
  (import "env" "proxy_get_header_map_value" (func $line (param i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_get_header_map_pairs" (func $lines (param i32 i32 i32) (result i32)))
  (import "env" "proxy_set_header_map_pairs" (func $set_lines (param i32 i32 i32) (result i32)))
  (import "env" "proxy_replace_header_map_value" (func $set_line (param i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_remove_header_map_value" (func $remove_line (param i32 i32 i32) (result i32)))
  (import "env" "proxy_get_property" (func $attribute (param i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_set_property" (func $set_attribute (param i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_define_metric" (func $define (param i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_increment_metric" (func $count (param i32 i64) (result i32)))
  (import "env" "proxy_log" (func $log (param i32 i32 i32) (result i32)))
  (import "env" "proxy_call_foreign_function" (func $foreign (param i32 i32 i32 i32 i32 i32) (result i32)))
  (data (i32.const 64) ":authorityx-bench-linesource\00addresslinkgate_benchverify_signature")
"#;

/// Bytes of a line in the log, as long as a decision.
const LINE: i32 = 700;

/// Where the question about a signature is.
const QUESTION: i32 = 4096;

/// Not zero unless the answer is `08 01`: yes.
const IS_NO: &str = "(i32.ne (i32.load16_u (i32.load (i32.const 4))) (i32.const 264)) (i32.or)";

/// The calls that the edition makes, or could make.
fn all(question: usize) -> Vec<Call> {
    let verify = format!(
        "(call $foreign (i32.const 114) (i32.const 16) (i32.const {QUESTION}) (i32.const {question}) (i32.const 4) (i32.const 8)) {IS_NO}"
    );
    let log = |level| {
        format!("(call $log (i32.const {level}) (i32.const {QUESTION}) (i32.const {LINE}))")
    };
    let call =
        |name, once: &str, times| Call { name, once: once.to_owned(), times, log: Log::File };
    vec![
        call("the time", "(call $time (i32.const 16))", 200),
        call(
            "one header line by name",
            "(call $line (i32.const 0) (i32.const 64) (i32.const 10) (i32.const 4) (i32.const 8))",
            200,
        ),
        call("all header lines", "(call $lines (i32.const 0) (i32.const 4) (i32.const 8))", 100),
        call(
            "all header lines, and set them anew",
            "(call $lines (i32.const 0) (i32.const 4) (i32.const 8)) (drop) (call $set_lines (i32.const 0) (i32.load (i32.const 4)) (i32.load (i32.const 8)))",
            50,
        ),
        call(
            "set a header line",
            "(call $set_line (i32.const 0) (i32.const 74) (i32.const 12) (i32.const 64) (i32.const 10))",
            200,
        ),
        call(
            "remove a header line that is not there",
            "(call $remove_line (i32.const 0) (i32.const 75) (i32.const 11))",
            200,
        ),
        call(
            "an attribute of the stream",
            "(call $attribute (i32.const 86) (i32.const 14) (i32.const 4) (i32.const 8))",
            200,
        ),
        call(
            "set an attribute for the access log",
            "(call $set_attribute (i32.const 100) (i32.const 14) (i32.const 64) (i32.const 10))",
            50,
        ),
        call("count a metric", "(call $count (i32.load (i32.const 32)) (i64.const 1))", 200),
        call("a log line that the level leaves out", &log(0), 200),
        call("a log line of 700 bytes that is written", &log(2), 20),
        Call {
            log: Log::Pipe,
            ..call("the same into a pipe, whose reader is woken by it", &log(2), 1)
        },
        call("verify_signature, RS256-2048", &verify, 10),
    ]
}

/// Measures them, in rounds over all of them.
pub(super) async fn prices(stage: &Stage<'_>) -> Attempt<Vec<Price>> {
    let question = question(stage.issuer)?;
    let calls = all(question.len());
    let nothing = Host::of_module(stage, NOTHING, "nothing", Log::File)?;
    let hosts = calls
        .iter()
        .map(|call| Host::of_module(stage, &module(call, &question)?, call.name, call.log));
    let hosts: Vec<Host> = std::iter::once(Ok(nothing)).chain(hosts).collect::<Attempt<_>>()?;
    let rows = super::repeated(stage, &hosts, Work::Pass).await?;
    let (nothing, rows) = rows.split_first().ok_or("nothing was measured")?;
    let priced = calls.iter().zip(rows).filter_map(|(call, row)| price(call, row, nothing));
    Ok(priced.collect())
}

fn price(call: &Call, row: &Row, nothing: &Row) -> Option<Price> {
    let (median, least, most) = row.difference(nothing)?;
    let each = |us: f64| us / f64::from(call.times);
    Some(Price { name: call.name, us: (each(median), each(least), each(most)) })
}

/// A filter that makes a call when it gets a head.
fn module(call: &Call, question: &[u8]) -> Attempt<String> {
    // A call that fails ends the VM: the reply is a 503, and the run with it.
    let once = format!("{} (if (then unreachable)) ", call.once);
    let calls = once.repeat(usize::try_from(call.times).unwrap_or_default());
    let head = HEAD.replace("i32.const 0)", &format!("{calls}i32.const 0)"));
    let bytes = question.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "\\{byte:02x}");
        text
    });
    let metric = "(call $define (i32.const 0) (i32.const 100) (i32.const 14) (i32.const 32)) (drop) i32.const 1)";
    let configure = "(func (export \"proxy_on_configure\") (param $context i32) (param $bytes i32) (result i32) ";
    let module = NOTHING
        .replace("(module\n", &format!("{IMPORTS}  (data (i32.const {QUESTION}) \"{bytes}\")\n"))
        .replace("i32.const 1024)", "i32.const 32768)")
        .replace(&format!("{configure}i32.const 1)"), &format!("{configure}{metric}"))
        .replace(HEAD, &head);
    let is_whole =
        [once.trim(), metric, "i32.const 32768)"].iter().all(|part| module.contains(part));
    if is_whole { Ok(module) } else { Err("`nothing.wat` has changed: so must this".to_owned()) }
}

/// What Envoy's `verify_signature` is asked, in protobuf: hash, key, signature, message, all of them of a real token.
fn question(issuer: &Issuer) -> Attempt<Vec<u8>> {
    let token = issuer.access(Algorithm::Rs256, "auth0|bench-0", "a call")?;
    let (message, _) = token.rsplit_once('.').ok_or("a token has a signature")?;
    let fields = [
        b"sha256".to_vec(),
        issuer.der(Algorithm::Rs256)?,
        issuer.signature(Algorithm::Rs256, message.as_bytes())?,
        message.as_bytes().to_vec(),
    ];
    let mut bytes = Vec::new();
    for (number, field) in (1_u8..).zip(fields) {
        // Length-delimited; lengths are of one or two bytes here.
        let (low, high) = (field.len() & 0x7f, field.len() >> 7);
        bytes.push(number << 3 | 2);
        let length = if high == 0 { vec![low] } else { vec![low | 0x80, high] };
        bytes.extend(length.into_iter().map(|byte| u8::try_from(byte).unwrap_or(u8::MAX)));
        bytes.extend(field);
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_is_made_so_often() {
        let question = question(&Issuer::new().unwrap()).unwrap();
        for call in all(question.len()) {
            let text = module(&call, &question).unwrap();
            assert!(
                wat::parse_str(&text).is_ok(),
                "{}: {:?}",
                call.name,
                wat::parse_str(&text).err()
            );
            assert_eq!(text.matches(&call.once).count(), call.times as usize, "{}", call.name);
        }
    }
}
