//! What an artifact says of itself, for `linkgate inspect` and `linkgate bake`: a custom section, which no host
//! looks at.

use std::borrow::Cow;

use wasm_encoder::{CustomSection, Encode as _, Section as _};

use crate::edition::{Arithmetic, Edition};

/// The section's name.
const NAME: &str = "linkgate";

/// What every edition's package is called before its own name.
const PREFIX: &str = "linkgate-";

/// Adds it at the end, where it moves nothing. Two builds of one source give the same bytes.
pub(crate) fn append(bytes: &mut Vec<u8>, edition: &Edition, arithmetic: Arithmetic) {
    let mut label = serde_json::json!({
        "edition": edition.package.trim_start_matches(PREFIX),
        "version": env!("CARGO_PKG_VERSION"),
        "world": edition.world,
    });
    if let (Some(label), needs @ [_, ..]) = (label.as_object_mut(), arithmetic.needs()) {
        label.insert("needs".to_owned(), needs.into());
    }
    let data = Cow::Owned(label.to_string().into_bytes());
    let section = CustomSection { name: Cow::Borrowed(NAME), data };
    bytes.push(section.id());
    section.encode(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edition::EDITIONS;

    #[test]
    fn a_component_is_still_one_with_its_label() {
        for edition in &EDITIONS {
            for arithmetic in edition.builds {
                let mut bytes = b"\0asm\x0d\0\x01\0".to_vec();
                append(&mut bytes, edition, *arithmetic);
                let text = String::from_utf8_lossy(&bytes).into_owned();
                assert!(text.contains(r#""version":"0."#), "{text}");
                assert!(!text.contains("linkgate-"), "{text}");
                let is_wide = *arithmetic == Arithmetic::Wide;
                assert_eq!(text.contains(r#""needs":["wide-arithmetic"]"#), is_wide, "{text}");
                wit_component::decode(&bytes).unwrap();
            }
        }
    }
}
