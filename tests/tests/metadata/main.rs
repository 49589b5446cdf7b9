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
//! A history is a script of choices: before each request, whether a late effect comes, another gateway
//! takes its next step, or an outsider does something ([`edit`]); for each request, how it ends
//! ([`ending`]). Running the same script again gives the same history, so that all of them are walked
//! depth first; from a state that was met before, nothing is walked again. In the end nothing fails any
//! more, and one more retry has to find everything where it belongs ([`run`]). What must hold is kept
//! apart from the gate: what each exchange read and wrote ([`party`]), what has to be reachable since
//! ([`ledger`], [`pieces`]), and whether the answer says what is known ([`settle`]).
//!
//! An edit by an outsider between the last read that could have shown it and the write or the link that
//! lost it is unavoidable, with an API that has no `If-Match`. Such edits are counted, by their kind.
//! What another gateway does excuses nothing.

mod drive;
mod edit;
mod ending;
mod gate;
mod history;
mod jobs;
mod ledger;
mod memory;
mod network;
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
