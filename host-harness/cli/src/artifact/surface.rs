//! What a WebAssembly file imports, exports and says of itself.

use serde::Deserialize;
use wasmparser::{Encoding, Parser, Payload};

use crate::edition::Edition;

/// Component or module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Component,
    /// A core module, such as a proxy-wasm filter.
    Module,
}

impl Kind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Component => "component",
            Self::Module => "module",
        }
    }
}

/// What `cargo xtask components` writes at the end of an edition.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Label {
    pub(crate) edition: String,
    pub(crate) version: String,
    pub(crate) world: String,
    /// Proposals of WebAssembly that its host has to know; most need none.
    #[serde(default)]
    pub(crate) needs: Vec<String>,
}

impl Label {
    /// Whether it is an edition's, and not that of something else of ours.
    fn is_edition(&self) -> bool {
        Edition::named(&self.edition).is_some()
    }
}

/// The custom section that holds a label.
const LABEL: &str = "linkgate";

/// The outside of a file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Surface {
    pub(crate) kind: Kind,
    /// The one of an edition of linkgate, which may be inside of another component.
    pub(crate) label: Option<Label>,
    pub(crate) imports: Vec<String>,
    pub(crate) exports: Vec<String>,
}

impl Surface {
    /// Reads it.
    ///
    /// # Errors
    ///
    /// The file is no WebAssembly, or breaks off: a phrase says what was found.
    pub(crate) fn of(bytes: &[u8]) -> Result<Self, String> {
        if !bytes.starts_with(b"\0asm") {
            return Err(format!("expected a WebAssembly file, found {}", found(bytes)));
        }
        Self::read(bytes).map_err(|error| {
            format!("expected a WebAssembly file, found one that is broken: {error}")
        })
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "of some thirty kinds of payload a few are of interest, and new ones come"
    )]
    fn read(bytes: &[u8]) -> Result<Self, wasmparser::BinaryReaderError> {
        let mut surface =
            Self { kind: Kind::Module, label: None, imports: Vec::new(), exports: Vec::new() };
        let mut depth = 0_usize;
        for payload in Parser::new(0).parse_all(bytes) {
            let payload = payload?;
            match &payload {
                Payload::Version { encoding: Encoding::Component, .. } if depth == 0 => {
                    surface.kind = Kind::Component;
                }
                Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
                Payload::End(_) => depth = depth.saturating_sub(1),
                Payload::CustomSection(section) if section.name() == LABEL => {
                    // In a chain each part may have one, in any order; the edition's is what counts.
                    let found: Option<Label> = serde_json::from_slice(section.data()).ok();
                    let is_first = surface.label.is_none();
                    let has_edition = surface.label.as_ref().is_some_and(Label::is_edition);
                    if is_first || (!has_edition && found.as_ref().is_some_and(Label::is_edition)) {
                        surface.label = found;
                    }
                }
                _ => {}
            }
            if depth == 0 {
                surface.note(payload)?;
            }
        }
        Ok(surface)
    }

    /// The names of a file's own imports and exports, those of its parts left out.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "of some thirty kinds of payload a few are of interest, and new ones come"
    )]
    fn note(&mut self, payload: Payload<'_>) -> Result<(), wasmparser::BinaryReaderError> {
        match payload {
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import?;
                    self.imports.push(format!("{}.{}", import.module, import.name));
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    self.exports.push(export?.name.to_owned());
                }
            }
            Payload::ComponentImportSection(section) => {
                for import in section {
                    self.imports.push(import?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) => {
                for export in section {
                    self.exports.push(export?.name.name.to_owned());
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// What is there instead, as far as people often mistake it.
fn found(bytes: &[u8]) -> &'static str {
    match bytes {
        [] => "an empty file",
        [0x7f, b'E', b'L', b'F', ..] => {
            "a native one, as `wasmtime compile` writes: look at the file it was made of"
        }
        [b'(', ..] => "text: `wasm-tools parse` makes a file of it",
        [0x1f, 0x8b, ..] => "a compressed one",
        _ => "something else",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_core_module_is_told_from_a_component() {
        // (import "env" "log" (func)) (export "run" (func 0)), and labels.
        let mut module = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x02\x0b\x01\x03env\x03log\0\0\x07\x07\x01\x03run\0\0".to_vec();
        // In any order, the label of an edition is the one that counts.
        for edition in ["next-handler", "envoy", "next-handler"] {
            let label =
                format!(r#"{{"edition":"{edition}","version":"9.9.9","world":"w","new":1}}"#);
            module.extend([0, u8::try_from(label.len() + 9).unwrap(), 8]);
            module.extend(b"linkgate");
            module.extend(label.as_bytes());
        }
        let surface = Surface::of(&module).unwrap();
        assert_eq!(surface.kind, Kind::Module);
        assert_eq!(
            (surface.imports, surface.exports),
            (vec!["env.log".into()], vec!["run".into()])
        );
        assert_eq!(surface.label.map(|label| label.edition).as_deref(), Some("envoy"));

        let empty = Surface::of(b"\0asm\x0d\0\x01\0").unwrap();
        assert_eq!((empty.kind, empty.label), (Kind::Component, None));
    }

    #[test]
    fn what_is_no_webassembly_is_named() {
        for (bytes, expected) in [
            (&b""[..], "expected a WebAssembly file, found an empty file"),
            (
                b"\x7fELF\x02",
                "expected a WebAssembly file, found a native one, as `wasmtime compile`",
            ),
            (b"(module)", "expected a WebAssembly file, found text"),
            (b"version: 1", "expected a WebAssembly file, found something else"),
            (b"\0asm", "expected a WebAssembly file, found one that is broken: "),
            (
                b"\0asm\x0d\0\x01\0\x01\xff",
                "expected a WebAssembly file, found one that is broken: ",
            ),
        ] {
            let told = Surface::of(bytes).unwrap_err();
            assert!(told.starts_with(expected), "{told}");
        }
    }
}
