//! Which pages may call from a browser.

use super::names::Names;

/// Which pages may call from a browser.
#[derive(Default)]
pub(crate) struct CorsRules {
    pub(crate) origins: Names,
    pub(crate) max_age_s: u64,
}
