//! The part before the link: what was read and planned, and what comes next.
//!
//! ```text
//!  read secondary ─▶ read primary ─▶ plan ─▶ write the entry ─▶ read secondary again ─▶ link
//!        ▲                │                        │                     │
//!        │                ├─ lists it, it is gone ─┼─▶ found             │
//!        └── lists it, it is not gone: once        └─ not shown: look    └ changed: once more
//! ```
//!
//! Planning again adds another entry and removes none: somebody else may count on what is there.

use super::account::{Account, Read};
use super::calls::Ask;
use super::plan::{self, Plan, Terms};
use super::reserved_entry::Entry;
use super::write_outcome::Written;
use crate::audit::merge::Fate;
use crate::text::json::{Json as Value, Object as Members};
use crate::verdict::cause::{Fault, Flaw};
use crate::verdict::stop::Stop;

/// What comes next.
pub(super) enum Next {
    Ask(Ask),
    /// Everything is where it has to be: the link may be sent.
    Link,
    /// The secondary is gone, and the primary lists it.
    Found(Account),
    /// The upstream's own answer goes to the client.
    Relay(u16),
    /// The link is confirmed, and nothing is left to be done.
    End,
}

/// What a merge knows before its link.
#[derive(Default)]
pub(super) struct Before {
    /// The secondary's metadata as last read; none when it is not there.
    held: Option<Members>,
    /// The primary as last read, or as the answer of the write showed it.
    pub(super) primary: Account,
    pub(super) entry: Option<Entry>,
    pub(super) rows: Vec<(String, Fate)>,
    /// Times that the secondary was found changed.
    changes: u8,
    /// Whether the secondary was read once more because the primary lists it.
    looked_again: bool,
    /// What the exchange ends with whatever comes: after a write that may have removed what the primary
    /// had, all that is left is to write it back.
    pub(super) ends: Option<Fault>,
    /// The call that was answered by an error of the API's that may mean that there is no such account.
    missing: Option<Ask>,
}

/// How often the secondary may be found changed. Raised, one that keeps changing keeps an exchange.
const MAX_CHANGES: u8 = 2;

impl Before {
    /// A read before the link.
    pub(super) fn read(&mut self, ask: Ask, read: Read, terms: Terms<'_>) -> Result<Next, Stop> {
        let account = match read {
            Read::There(account) => Some(account),
            Read::Absent => None,
            _ if ask == Ask::Look => {
                return Err(self.ends.unwrap_or(Fault::MetadataWriteUnknown).into());
            }
            Read::Missing if self.missing == Some(ask) => return Err(Flaw::AccountNotFound.into()),
            Read::Missing => {
                self.missing = Some(ask);
                return Ok(Next::Ask(ask));
            }
            Read::Refused { .. } => return Err(Fault::MetadataRefused.into()),
            Read::NotSent => return Err(Fault::UpstreamUnreachable.into()),
            Read::TooDeep => return Err(Flaw::MetadataTooDeep.into()),
            Read::NoText => return Err(Flaw::MetadataNotText.into()),
            Read::Failed | Read::Limited { .. } => return Err(Fault::MetadataReadFailed.into()),
        };
        match (ask, account) {
            (Ask::Again, Some(secondary)) => self.read_again(secondary.metadata, terms),
            (Ask::Look, Some(primary)) => self.looked(&primary),
            // Somebody linked the other way round first.
            (Ask::Primary | Ask::Look, None) => Err(Flaw::PrimaryGone.into()),
            (Ask::Primary, Some(primary)) => {
                self.primary = primary;
                self.read_primary(terms)
            }
            (_, secondary) => {
                self.held = secondary.map(|secondary| secondary.metadata);
                Ok(Next::Ask(Ask::Primary))
            }
        }
    }

    fn read_primary(&mut self, terms: Terms<'_>) -> Result<Next, Stop> {
        match (&self.held, self.primary.lists(&terms.pair.secondary_id)) {
            // Somebody was here before: a client that sends again. There is nothing to save.
            (None, true) => Ok(Next::Found(std::mem::take(&mut self.primary))),
            // The upstream would refuse it, if it is so. If it is not, the link would destroy what was
            // never read.
            (None, false) => Err(Flaw::SecondaryGone.into()),
            // It was linked between the two reads, or the primary's answer is older than an unlink.
            (Some(_), true) if !self.looked_again => {
                self.looked_again = true;
                Ok(Next::Ask(Ask::Secondary))
            }
            (Some(held), _) => {
                let Plan { entry, rows, .. } = plan::plan(held, &self.primary.metadata, terms)
                    .map_err(|unplannable| unplannable.flaw())?;
                self.rows = rows;
                self.entry = entry;
                let to_write =
                    self.entry.as_ref().filter(|entry| !entry.is_in(&self.primary.metadata));
                Ok(Next::Ask(if to_write.is_some() { Ask::Write } else { Ask::Again }))
            }
        }
    }

    /// The write before the link.
    pub(super) fn wrote(&mut self, written: Written, terms: Terms<'_>) -> Result<Next, Stop> {
        match written {
            Written::Shown(after) if self.seems_replaced(&after.metadata) => {
                Ok(Next::Ask(Ask::Look))
            }
            Written::Shown(after) => {
                // `refuse` holds for what the primary has by now.
                if let Some(held) = &self.held {
                    plan::plan(held, &after.metadata, terms)
                        .map_err(|unplannable| unplannable.flaw())?;
                }
                Ok(Next::Ask(Ask::Again))
            }
            Written::Unshown => Ok(Next::Ask(Ask::Look)),
            // All else about the write is known to be as the API wants it.
            Written::Refused { status: 400 | 413 | 422 } => Err(Flaw::MetadataNotTaken.into()),
            Written::Refused { .. } => Err(Fault::MetadataRefused.into()),
            Written::NotSent => Err(Fault::UpstreamUnreachable.into()),
            // A retry would find the entry, write nothing, and never see what the write removed.
            Written::Unknown if self.removed().next().is_some() => {
                self.ends = Some(Fault::MetadataWriteUnknown);
                Ok(Next::Ask(Ask::Look))
            }
            Written::Unknown | Written::Limited { .. } => Err(Fault::MetadataWriteUnknown.into()),
        }
    }

    /// The primary, where the answer of the write was not what it should be.
    fn looked(&mut self, primary: &Account) -> Result<Next, Stop> {
        let is_there = self.entry.as_ref().is_some_and(|entry| entry.is_in(&primary.metadata));
        if is_there && self.seems_replaced(&primary.metadata) {
            self.ends = Some(Fault::MetadataReplaced);
            return Ok(Next::Ask(Ask::WriteBack));
        }
        match self.ends {
            None if is_there => Ok(Next::Ask(Ask::Again)),
            ends => Err(ends.unwrap_or(Fault::MetadataWriteUnknown).into()),
        }
    }

    /// Whether metadata is what was written and nothing else, although there was more. An edit by
    /// somebody else does not make it so.
    fn seems_replaced(&self, metadata: &Members) -> bool {
        let is_only = metadata.len() == 1
            && self.entry.as_ref().is_some_and(|entry| metadata.contains_key(&entry.key));
        is_only && self.removed().next().is_some()
    }

    /// What a write that replaces has removed, as it is written back.
    pub(super) fn removed(&self) -> impl Iterator<Item = (String, Value)> {
        let ours = self.entry.as_ref().map(|entry| entry.key.as_str());
        let others =
            self.primary.metadata.iter().filter(move |(key, _)| Some(key.as_str()) != ours);
        others.map(|(key, value)| (key.clone(), value.clone()))
    }

    /// The secondary, after the write.
    fn read_again(&mut self, now_held: Members, terms: Terms<'_>) -> Result<Next, Stop> {
        let primary = &self.primary.metadata;
        let carried = |held: &Members| plan::carried(held, primary, terms);
        let unchanged = self.held.as_ref().is_some_and(|held| carried(held) == carried(&now_held));
        if unchanged {
            return Ok(Next::Link);
        }
        self.changes += 1;
        if self.changes >= MAX_CHANGES {
            return Err(Flaw::MetadataChanging.into());
        }
        self.held = Some(now_held);
        Ok(Next::Ask(Ask::Primary))
    }
}
