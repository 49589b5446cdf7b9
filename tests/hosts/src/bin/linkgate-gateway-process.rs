//! `linkgate` once more, as a binary of this crate: cargo gives a suite the binaries of its own crate
//! alone, built afresh.

fn main() -> std::process::ExitCode {
    linkgate::command::run().into()
}
