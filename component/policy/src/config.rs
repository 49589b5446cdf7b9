//! The policy document, from text to compiled rules.
//!
//! All mistakes of a document are found in one run; an unknown key is a mistake everywhere.

mod host;
mod notes;
mod allow;
mod spelling;
mod section;
mod vendor;
mod advice;
mod algorithms;
mod headers;
mod client;
mod step_up;
mod shadow;
mod secondary;
mod parties;
mod remote;
mod keys;
mod issuer;
mod metadata;
mod document;
mod review;

#[cfg(test)]
mod advice_test;
#[cfg(test)]
mod mistakes_test;

pub use allow::{ALLOW_UNUSED, WARNINGS};
pub(crate) use document::Compiled;
pub use host::{Abilities, Secrets};
pub use notes::{Mistake, UNKNOWN_KEY, Warning, key_path};
pub(crate) use review::compile;
pub use review::{Review, review};
pub use spelling::nearest;
