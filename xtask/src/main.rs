//! `cargo xtask`: what a newcomer and CI type. Plain cargo underneath.
//!
//! ```text
//!  args ──▶ cli ──▶ demo | test | load | mutants | instructions | components | ci    a file per command
//!                            │
//!                            ▼
//!         guest ──▶ component ──▶ <target>/components/linkgate-<edition>.wasm
//! ```
//!
//! It does **not** hold a step that plain cargo could do by itself: what it adds is building the
//! guests by cargo calls of their own, and turning modules into components that import what they
//! may.

mod ci;
mod cli;
mod component;
mod components;
mod demo;
mod edition;
mod exit;
mod guest;
mod instructions;
mod label;
mod load;
mod machine;
mod mutants;
mod process;
mod progress;
mod table;
mod test;
mod workspace;

fn main() -> exit::Exit {
    cli::run(std::env::args_os().skip(1))
}
