//! The library behind the `linkgate` binary: a file per command, the demo, and the case runner.

mod artifact;
mod baking;
mod check_report;
mod client;
mod clock;
mod columns;
pub mod command;
mod component;
mod demo;
mod diff;
mod document;
mod edition;
mod exit;
mod explain;
mod inspect_report;
mod init;
mod key_file;
mod key_report;
mod merge_report;
mod moment;
mod once;
mod operation;
mod paint;
mod progress;
pub mod reason_page;
pub mod reference;
mod replay;
mod rules;
mod stand_in;
mod team;

pub use exit::Exit;
