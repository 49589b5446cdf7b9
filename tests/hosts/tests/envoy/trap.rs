//! A VM that traps: its exchanges end as if the process had died there, and nothing is let through.

use std::fs;
use std::path::Path;

use linkgate_tenant::Operation;
use linkgate_tests::component;
use linkgate_tests::peer::{Peer, soon};
use serde_json::{Value, json};
use wasmparser::{ExternalKind, Parser, Payload};

use crate::world::{World, envoy, plugin, status};

/// The module with one of its callbacks replaced by a trap.
#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_traps_lets_nothing_through() {
    for callback in ["proxy_on_request_headers", "proxy_on_response_headers"] {
        let Some(envoy) = envoy() else { return };
        let issuer = linkgate_tests::Issuer::listen().await;
        let module = trapping(callback);
        let world =
            World::changed(&envoy.workers(1), issuer, &json!({}), |configuration: &mut Value| {
                *plugin(configuration, "/vm_config/code/local/filename") = json!(module);
            });
        let token = world.issuer.token();
        let mut answers = Vec::new();
        for _ in 0..3 {
            let mut client = Peer::connect(world.address()).await;
            let head = format!(
                "GET {} HTTP/1.1\r\nhost: gate\r\nconnection: close\r\nauthorization: Bearer {token}\r\n\r\n",
                linkgate_tests::ALICES_PROFILE
            );
            client.send(head).await;
            let (reply, _) = soon("an end", client.rest()).await;
            answers.push((!reply.is_empty()).then(|| status(&reply)));
            assert!(!reply.contains("user_id"), "{callback}: the profile came through: {reply}");
        }
        assert_eq!(answers.last(), Some(&Some(503)), "{callback}: {answers:?}");
        assert!(answers.iter().all(|status| *status != Some(200)), "{callback}: {answers:?}");
        let asked = world.issuer.tenant.arrived(Operation::ReadUser);
        // Once at most: in the second row, by the exchange whose answer it trapped at.
        assert_eq!(asked, u64::from(callback == "proxy_on_response_headers"), "{callback}");
        fs::remove_file(module).expect("it was written");
    }
}

/// Writes the module with `unreachable` at the beginning of an exported function.
fn trapping(export: &str) -> std::path::PathBuf {
    let mut bytes = fs::read(component("linkgate-envoy.wasm")).expect("the module");
    let (mut imported, mut index, mut defined, mut body) = (0, None, 0, None);
    for payload in Parser::new(0).parse_all(&bytes) {
        #[expect(clippy::wildcard_enum_match_arm, reason = "the other sections stay as they are")]
        match payload.expect("a module") {
            Payload::ImportSection(section) => {
                imported = u32::try_from(section.into_imports().count()).expect("few imports");
            }
            Payload::ExportSection(section) => {
                let exports = section.into_iter().map(|export| export.expect("an export"));
                index = exports
                    .filter(|found| found.kind == ExternalKind::Func)
                    .find(|found| found.name == export)
                    .map(|found| found.index);
            }
            Payload::CodeSectionEntry(code) => {
                if index == Some(imported + defined) {
                    body = Some(code.range());
                }
                defined += 1;
            }
            _ => {}
        }
    }
    let body = body.unwrap_or_else(|| panic!("no function `{export}`"));
    // No locals, `unreachable`, and after it nothing that matters, up to `end`.
    let end = body.end - 1;
    bytes[body.start] = 0;
    bytes[body.start + 1] = 0x00;
    bytes[body.start + 2..end].fill(0x01);
    assert_eq!(bytes[end], 0x0b);
    let file = format!("trap-{export}-{}.wasm", std::process::id());
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(file);
    fs::write(&file, bytes).expect("a file to write");
    file
}
