//! A core module made a component, and what it reaches.

use std::path::Path;

use wasmparser::{Parser, Payload};
use wit_component::{ComponentEncoder, DecodedWasm};

use crate::exit::Failure;

/// The module under whose name std calls WASI, answered by the adapter.
const WASI: &str = "wasi_snapshot_preview1";

/// An adapter, of a WAT file.
pub(crate) fn answers(file: &Path) -> Result<Vec<u8>, Failure> {
    let place = file.display();
    wat::parse_file(file)
        .map_err(|error| Failure::new(error.to_string(), format!("mend `{place}`")))
}

/// Makes a component of a core module and an adapter, and validates it.
pub(crate) fn encode(module: &[u8], adapter: &[u8]) -> Result<Vec<u8>, Failure> {
    let bare = ComponentEncoder::default().validate(true).module(module);
    let encoded = bare.and_then(|encoder| encoder.adapter(WASI, adapter)?.encode());
    encoded.map_err(|error| {
        let what = format!("the module does not make a component: {error:#}");
        let todo = format!(
            "if it names a call of {WASI}: take what calls it out of the core, or decide on an \
             answer in `component/evaluator/src/wasi.wat`"
        );
        Failure::new(what, todo)
    })
}

/// The names that a component imports and exports.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Surface {
    pub(crate) imports: Vec<String>,
    pub(crate) exports: Vec<String>,
}

impl Surface {
    /// Reads the surface back from the finished bytes.
    pub(crate) fn of(component: &[u8]) -> Result<Self, Failure> {
        let unread = |what: String| {
            let todo = "compare the version of wit-component with that of wit-bindgen";
            Failure::new(format!("the component cannot be read back: {what}"), todo)
        };
        let decoded = wit_component::decode(component);
        match decoded.map_err(|error| unread(format!("{error:#}")))? {
            DecodedWasm::Component(resolve, world) => {
                let world = resolve.worlds.get(world);
                let world = world.ok_or_else(|| unread("it has no world".to_owned()))?;
                let name = |key| resolve.name_world_key(key);
                let imports = world.imports.keys().map(name).collect();
                Ok(Self { imports, exports: world.exports.keys().map(name).collect() })
            }
            DecodedWasm::WitPackage(..) => Err(unread("it is a WIT package".to_owned())),
        }
    }

    /// Reads the surface of a core module: imports as `module.name`, exports by name.
    pub(crate) fn of_module(module: &[u8]) -> Result<Self, Failure> {
        let unread = |error: wasmparser::BinaryReaderError| {
            Failure::new(format!("the module cannot be read back: {error}"), "compare versions")
        };
        let mut surface = Self { imports: Vec::new(), exports: Vec::new() };
        for payload in Parser::new(0).parse_all(module) {
            let payload = payload.map_err(unread)?;
            if let Payload::ImportSection(section) = payload {
                for import in section.into_imports() {
                    let import = import.map_err(unread)?;
                    surface.imports.push(format!("{}.{}", import.module, import.name));
                }
            } else if let Payload::ExportSection(section) = payload {
                for export in section {
                    surface.exports.push(export.map_err(unread)?.name.to_owned());
                }
            }
        }
        Ok(surface)
    }

    /// Demands that it imports none but these interfaces, named without a version.
    pub(crate) fn reaches_only(&self, allowed: &[&str]) -> Result<(), Failure> {
        let bare = |name: &str| name.split('@').next().unwrap_or_default().to_owned();
        let unasked = |name: &&String| !allowed.contains(&bare(name).as_str());
        let imports: Vec<&str> = self.imports.iter().filter(unasked).map(String::as_str).collect();
        if imports.is_empty() {
            return Ok(());
        }
        let what = format!("it imports {}", imports.join(", "));
        Err(Failure::new(what, "take out what calls it, or decide on it in `xtask/src/edition.rs`"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A component that imports a resource type named `a`.
    const IMPORTING: &[u8] = b"\0asm\x0d\0\x01\0\x0a\x06\x01\0\x01a\x03\x01";

    #[test]
    fn an_import_is_refused_by_name() {
        let surface = Surface::of(IMPORTING).unwrap();
        assert_eq!(surface.reaches_only(&["b"]).unwrap_err().what, "it imports a");
        assert_eq!(surface.reaches_only(&["a"]), Ok(()));
    }

    #[test]
    fn a_call_without_an_answer_is_refused_by_name() {
        let adapter =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../component/evaluator/src/wasi.wat");
        let module = wat::parse_str(
            r#"(module
                (import "wasi_snapshot_preview1" "random_get" (func (param i32 i32) (result i32)))
                (memory (export "memory") 1))"#,
        );
        let failure = encode(&module.unwrap(), &answers(&adapter).unwrap()).unwrap_err();
        assert!(failure.what.contains("random_get"), "{}", failure.what);
    }
}
