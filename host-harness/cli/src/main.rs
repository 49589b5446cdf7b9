//! The `linkgate` binary.

/// What a crowd of clients has used goes back to the system within seconds: glibc keeps it until the end, since a live
/// allocation above it pins it. Elsewhere, and in a build without the feature, the system's own allocator serves.
#[cfg(all(feature = "jemalloc", target_os = "linux", target_env = "gnu"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> std::process::ExitCode {
    linkgate::command::run().into()
}
