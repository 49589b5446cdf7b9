//! Why a gateway cannot start.

use std::fmt;
use std::path::PathBuf;

use crate::contract::{Mistake, VERSION};
use crate::evaluator::Trap;

/// Why a gateway, or a fresh instance inside it, could not be made. Nothing listens yet.
#[derive(Debug)]
pub enum StartError {
    /// The component's file cannot be read.
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// The bytes are not a WebAssembly component that wasmtime can compile.
    NotAComponent(String),
    /// The component asks for something, and an evaluator may import nothing. The names.
    Imports(Vec<String>),
    /// The component does not export `linkgate:policy/evaluator` as this gateway knows it.
    Contract(String),
    /// The component exports `linkgate:policy/evaluator` of another version: which one.
    OtherVersion(String),
    /// The policy document does not compile: all of its mistakes, in the order of the document.
    Policy(Vec<Mistake>),
    /// No policy was given, and none is baked into the component.
    NoPolicy,
    /// The instance trapped while it was being made.
    Trapped(Trap),
    /// TLS to the upstream or to issuers has nothing to rest on: a phrase that says why.
    Trust(String),
    /// The host refused: no thread, or no memory for an instance.
    Host(String),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { path, error } => {
                write!(f, "cannot read the component `{}`: {error}", path.display())
            }
            Self::NotAComponent(why) => {
                // wasmtime lays some of its reasons out over many lines.
                let why: Vec<&str> = why.split_whitespace().collect();
                let why = why.join(" ");
                write!(f, "not a usable WebAssembly component: {why}")?;
                if why.contains("wide arithmetic") {
                    f.write_str("; take the portable `linkgate-evaluator.wasm`")?;
                }
                Ok(())
            }
            Self::Imports(names) => {
                write!(
                    f,
                    "the component imports `{}`, but an evaluator may import nothing",
                    names.join("`, `")
                )
            }
            Self::Contract(why) => {
                write!(f, "the component does not export `linkgate:policy/evaluator`: {why}")
            }
            Self::OtherVersion(found) => {
                write!(
                    f,
                    "expected a component with version {VERSION} of `linkgate:policy/evaluator`, found version {found}: take the component and the gateway of one release"
                )
            }
            Self::Policy(mistakes) => write_mistakes(f, mistakes),
            Self::NoPolicy => {
                f.write_str("expected a policy in the component where none is given, found none")
            }
            Self::Trapped(trap) => write!(f, "the evaluator trapped while starting: {trap}"),
            Self::Trust(why) => write!(f, "cannot speak TLS: {why}"),
            Self::Host(why) => write!(f, "the host cannot run the evaluator: {why}"),
        }
    }
}

impl std::error::Error for StartError {}

fn write_mistakes(f: &mut fmt::Formatter<'_>, mistakes: &[Mistake]) -> fmt::Result {
    f.write_str("the policy does not compile")?;
    for mistake in mistakes {
        write!(f, "\n  `{}`: {}", mistake.pointer, mistake.message)?;
        if let Some(help) = &mistake.help {
            write!(f, "\n    help: {help}")?;
        }
    }
    Ok(())
}
