//! The library behind the `linkgate` binary: a file per command, the demo, and the case runner.

mod artifact;
mod baking;
pub mod cases;
pub mod command;
mod check_report;
mod client;
mod clock;
mod columns;
mod component;
mod demo;
mod document;
mod exit;
mod inspect_report;
mod key_file;
mod key_report;
mod merge_report;
mod moment;
mod once;
mod operation;
mod paint;
mod rules;
mod stand_in;
mod explain;
pub mod reason_page;
pub mod reference;
mod replay;
mod team;

pub use exit::Exit;
