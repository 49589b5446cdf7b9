//! Carrying the secondary's `user_metadata` over to the primary before the link destroys it.
//!
//! ```text
//!  acquire ─▶ read secondary ─▶ read primary ─▶ plan ─▶ write one entry ─▶ read secondary again ─▶ link, once
//!                                    ▲                                              │ changed: once more
//!                                    └──────────────────────────────────────────────┘
//!  once it is confirmed: read primary ─▶ apply what is staged, by the rules ─▶ relay
//! ```
//!
//! Losing nothing ranks above leaving no trace. Before the link is confirmed the primary gains one
//! reserved key, with all that is carried ([`reserved_entry`]), and no key of a person's own is touched. The
//! calls are the driver's to make; nothing here waits.

mod value;
mod reserved_entry;
mod account;
mod apply;
mod plan;
mod preview;
mod service_token;
mod replacing;
mod calls;
mod write_outcome;
mod before_link;
mod after_link;
mod given;
mod request;
mod ending;
mod merge;

#[cfg(test)]
mod plan_test;
#[cfg(test)]
mod merge_test;

pub(crate) use given::Given;
pub(crate) use merge::Merge;
pub(crate) use preview::preview;
pub use preview::{NoPreview, Preview, PreviewKey};
pub(crate) use replacing::Replacing;
pub(crate) use service_token::{Credentials, GrantRules, Granted, Service};
