//! Why a request is decided as it is, step by step: `linkgate explain`.
//!
//! ```text
//!  curl, raw HTTP, HAR, flags ─▶ asked ─▶ exchange ─────────▶ steps ─▶ report
//!                                    (the core decides)  (where in the order its cause
//!                                                         is, and what was to be seen)
//! ```
//!
//! The core decides; nothing here does. Its order is fixed, so the cause says which steps went before it and held. What
//! a step saw is read from the request for show alone.
//!
//! What it does not do: send anything to the API, show a signature or a secret, or say that a token is good whose
//! signature that was not checked.

mod input;
mod shell;
mod curl;
mod har;
mod exchange;
mod order;
mod presented;
mod report;
mod steps;
mod unverified;
mod view;
mod explanations;

pub(crate) use exchange::{KeySupply, run};
pub(crate) use input::{Input, MAX_REQUEST, header};
pub(crate) use order::{is_of_a_merge, is_of_the_route};
pub(crate) use report::{human, json};
pub(crate) use steps::Explanation;
pub(crate) use unverified::with_keys_of_our_own;
