//! What cargo and `cargo xtask components` leave, found from a test's own binary.

use std::path::PathBuf;

/// Cargo's target directory: test binaries lie in `<target dir>/<profile>/deps`, benches likewise.
///
/// # Panics
/// The binary lies elsewhere.
#[must_use]
#[expect(clippy::expect_used, reason = "a suite that is not where cargo puts it cannot run")]
pub fn target_dir() -> PathBuf {
    let binary = std::env::current_exe().expect("the test binary has a path");
    binary.ancestors().nth(3).expect("a test binary lies three levels deep").to_owned()
}

/// A component, by the name of its file.
///
/// # Panics
/// It is not there: `cargo xtask components` was not run.
#[must_use]
pub fn component(file: &str) -> PathBuf {
    let path = target_dir().join("components").join(file);
    assert!(path.is_file(), "{} is not there: cargo xtask components", path.display());
    path
}
