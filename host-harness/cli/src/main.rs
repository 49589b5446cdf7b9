//! The `linkgate` binary.

fn main() -> std::process::ExitCode {
    linkgate::command::run().into()
}
