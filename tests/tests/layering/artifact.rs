//! The built components reach what they may, and offer their contract alone.

use std::collections::BTreeSet;
use std::fs;

use wasmparser::{Operator, Parser, Payload};

use crate::repository::{NOTHING, target};

#[test]
fn the_evaluator_imports_nothing_and_exports_the_contract_alone() {
    for artifact in ["linkgate-evaluator.wasm", "linkgate-evaluator-wide.wasm"] {
        let surface = shipped(artifact);
        assert_eq!(surface.imports, NOTHING, "{artifact} must not be able to reach anything");
        assert_eq!(
            surface.exports,
            ["linkgate:policy/evaluator@0.2.0"],
            "the contract is wit/evaluator.wit and nothing else: {artifact}"
        );
    }
}

/// Every host of WebAssembly takes the artifacts but one, which says so in its name.
#[test]
fn only_the_wide_artifact_asks_for_wide_arithmetic() {
    for (artifact, is_wide) in [
        ("linkgate-evaluator.wasm", false),
        ("linkgate-evaluator-wide.wasm", true),
        ("linkgate-proxy.wasm", false),
        ("linkgate-middleware.wasm", false),
        ("linkgate-envoy.wasm", false),
    ] {
        let wide = wide_instructions(&bytes(artifact));
        assert_eq!(wide > 0, is_wide, "{artifact} has {wide} instructions of wide arithmetic");
    }
}

fn wide_instructions(artifact: &[u8]) -> usize {
    let bodies = Parser::new(0).parse_all(artifact).filter_map(|payload| {
        match payload.expect("the artifact parses") {
            Payload::CodeSectionEntry(body) => Some(body),
            _ => None,
        }
    });
    let instructions =
        bodies.flat_map(|body| body.get_operators_reader().expect("a body").into_iter());
    let is_wide = |operator: &Operator<'_>| {
        matches!(
            operator,
            Operator::I64MulWideS
                | Operator::I64MulWideU
                | Operator::I64Add128
                | Operator::I64Sub128
        )
    };
    instructions.filter(|operator| is_wide(operator.as_ref().expect("it parses"))).count()
}

/// What `wasmtime serve -S cli` links, and no more: `wasi:config` and what belongs to files, sockets
/// and terminals is not among it. A host that lacks one of these refuses the component.
#[test]
fn the_proxy_imports_what_stock_hosts_link() {
    let surface = shipped("linkgate-proxy.wasm");
    let bare = |name: &String| name.split('@').next().unwrap_or_default().to_owned();
    let mut imports: Vec<String> = surface.imports.iter().map(bare).collect();
    imports.sort_unstable();
    assert_eq!(
        imports,
        [
            "wasi:cli/environment",
            "wasi:cli/stderr",
            "wasi:cli/stdout",
            "wasi:clocks/monotonic-clock",
            "wasi:clocks/wall-clock",
            "wasi:http/outgoing-handler",
            "wasi:http/types",
            "wasi:io/error",
            "wasi:io/poll",
            "wasi:io/streams",
            "wasi:random/random",
        ]
    );
    let exports: Vec<String> = surface.exports.iter().map(bare).collect();
    assert_eq!(exports, ["wasi:http/incoming-handler"]);
}

/// What `wasmtime serve` links for WASI 0.3, and the handler that it is chained with.
#[test]
fn the_middleware_imports_what_hosts_of_wasi_0_3_link() {
    let surface = shipped("linkgate-middleware.wasm");
    let mut imports = surface.imports;
    imports.sort_unstable();
    assert_eq!(
        imports,
        [
            "wasi:cli/environment@0.3.0",
            "wasi:cli/stderr@0.3.0",
            "wasi:cli/stdout@0.3.0",
            "wasi:cli/types@0.3.0",
            "wasi:clocks/monotonic-clock@0.3.0",
            "wasi:clocks/system-clock@0.3.0",
            "wasi:clocks/types@0.3.0",
            "wasi:http/client@0.3.0",
            "wasi:http/handler@0.3.0",
            "wasi:http/types@0.3.0",
            "wasi:random/random@0.3.0",
        ]
    );
    assert_eq!(surface.exports, ["wasi:http/handler@0.3.0"]);
}

/// What Envoy offers a filter, and of WASI what it answers: no file, no socket.
#[test]
fn the_envoy_edition_imports_what_filters_get() {
    let bytes = bytes("linkgate-envoy.wasm");
    let (mut modules, mut wasi, mut exports) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
    for payload in Parser::new(0).parse_all(&bytes) {
        match payload.expect("the artifact parses") {
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import.expect("it parses");
                    modules.insert(import.module.to_owned());
                    if import.module != "env" {
                        wasi.insert(import.name.to_owned());
                    }
                }
            }
            Payload::ExportSection(section) => {
                exports.extend(section.into_iter().map(|e| e.expect("it parses").name.to_owned()));
            }
            _ => {}
        }
    }
    assert_eq!(Vec::from_iter(modules), ["env", "wasi_snapshot_preview1"]);
    assert_eq!(
        Vec::from_iter(wasi),
        [
            "clock_time_get",
            "environ_get",
            "environ_sizes_get",
            "fd_write",
            "proc_exit",
            "random_get"
        ]
    );
    assert!(exports.iter().any(|name| name == "proxy_abi_version_0_2_1"), "{exports:?}");
}

#[test]
fn an_import_is_seen_in_the_bytes() {
    // A component that imports a resource type named `a`, encoded by hand.
    let surface = Surface::of(b"\0asm\x0d\0\x01\0\x0a\x06\x01\0\x01a\x03\x01");
    assert_eq!(surface, Surface { imports: vec!["a".to_owned()], exports: vec![] });
}

fn shipped(name: &str) -> Surface {
    Surface::of(&bytes(name))
}

fn bytes(name: &str) -> Vec<u8> {
    let file = target().join("components").join(name);
    fs::read(&file).unwrap_or_else(|error| {
        panic!("{}: {error}\nbuild it: cargo xtask components", file.display())
    })
}

/// The names of a component's own imports and exports, those of its parts left out.
#[derive(Debug, Default, PartialEq, Eq)]
struct Surface {
    imports: Vec<String>,
    exports: Vec<String>,
}

impl Surface {
    fn of(component: &[u8]) -> Self {
        let mut surface = Self::default();
        let mut depth = 0;
        for payload in Parser::new(0).parse_all(component) {
            match payload.expect("the artifact parses") {
                Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
                Payload::End(_) => depth -= 1,
                Payload::ComponentImportSection(section) if depth == 0 => {
                    let names = section.into_iter().map(|import| import.expect("it parses").name);
                    surface.imports.extend(names.map(|name| name.name.to_owned()));
                }
                Payload::ComponentExportSection(section) if depth == 0 => {
                    let names = section.into_iter().map(|export| export.expect("it parses").name);
                    surface.exports.extend(names.map(|name| name.name.to_owned()));
                }
                _ => {}
            }
        }
        surface
    }
}
