//! Nothing is lost: the core, driven through histories of a merging link in which requests end in every
//! way there is, and others change the accounts meanwhile.
//!
//! ```text
//!             choices (every one in turn: walk · by name: named · by chance: random)
//!                │
//!  gate ◀─ drive ┴─▶ place (the simulated tenant, as a pure machine)
//!   │        │
//!   │        └─▶ ledger, party, settle: was it as it should be?
//!   └ memory of the native core, or a mutant around it
//! ```
//!
//! A history is a script of choices: before each request, whether a late effect comes or somebody does
//! something ([`edit`]); for each request, how it ends ([`ending`]). Running the same script again gives
//! the same history, so that all of them are walked depth first. What must hold is kept apart from the
//! gate: what each exchange read and wrote ([`party`]), what has to be reachable since ([`ledger`],
//! [`pieces`]), and whether the answer says what is known ([`settle`]).
//!
//! Edits by others to the same key between a read of an exchange and a write of it are unavoidable, with
//! an API that has no `If-Match`; they are counted, and are the only exception.

mod drive;
mod edit;
mod ending;
mod gate;
mod history;
mod jobs;
mod ledger;
mod memory;
mod party;
mod pieces;
mod place;
mod run;
mod settle;
mod setup;
mod table;
mod walk;
mod world;

mod enumeration;
mod mutants;
mod named;
mod random;
