//! What wasmtime is asked to compile, and how.

use wasmtime::{Config, Engine, Module};

/// How a gateway has its component compiled. The case runner does the same, so that cases run on what is shipped.
#[must_use]
pub fn engine_config() -> Config {
    let mut config = Config::new();
    config.wasm_component_model(true).wasm_wide_arithmetic(true).epoch_interruption(true);
    // Calls overlap in no instance, and to be ready for it costs each of them.
    config.concurrency_support(false);
    config
}

/// Whether components with wide arithmetic run here.
#[must_use]
pub fn takes_wide_arithmetic() -> bool {
    takes(&engine_config())
}

fn takes(config: &Config) -> bool {
    Engine::new(config).is_ok_and(|engine| Module::validate(&engine, PRODUCT).is_ok())
}

/// A module with one function, which is one instruction of the proposal: `i64.mul_wide_u`.
const PRODUCT: &[u8] = b"\0asm\x01\0\0\0\
    \x01\x08\x01\x60\x02\x7e\x7e\x02\x7e\x7e\
    \x03\x02\x01\0\
    \x0a\x0a\x01\x08\0\x20\0\x20\x01\xfc\x16\x0b";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::StartError;

    #[test]
    fn an_engine_takes_wide_arithmetic_or_the_error_names_the_other_artifact() {
        assert!(takes_wide_arithmetic(), "what this gateway is built with");
        let mut without = engine_config();
        without.wasm_wide_arithmetic(false);
        assert!(!takes(&without));

        let engine = Engine::new(&without).expect("an engine");
        let refused = Module::new(&engine, PRODUCT).expect_err("it is refused");
        let text = StartError::NotAComponent(format!("{refused:#}")).to_string();
        assert!(text.contains("take the portable `linkgate-evaluator.wasm`"), "{text}");
        let other = StartError::NotAComponent("something else".to_owned()).to_string();
        assert!(!other.contains("portable"), "{other}");
    }
}
