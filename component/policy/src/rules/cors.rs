//! Which pages may call from a browser.

/// Which pages may call from a browser.
#[derive(Default)]
pub(crate) struct CorsRules {
    pub(crate) origins: Vec<String>,
    pub(crate) max_age_s: u64,
}
