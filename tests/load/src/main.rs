//! The `linkgate-load` binary.

fn main() -> std::process::ExitCode {
    linkgate_load::command::run()
}
