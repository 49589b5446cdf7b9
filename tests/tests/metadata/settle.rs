//! What an exchange came to: whether its answer is right, and which rows of the failure table it was.

use linkgate_policy::{Decision, Fate};

use crate::drive::Process;
use crate::ending::Kind;
use crate::gate::Move;
use crate::history::Violation;
use crate::mutants::Mutation;
use crate::party::{Link, Party};
use crate::run::{End, Run};
use crate::table::Row;
use crate::world::{LEFT_OUT, PRIMARY};

/// What an exchange met on its way.
#[derive(Default)]
pub(crate) struct Last {
    pub(crate) waited: bool,
    pub(crate) client_left: bool,
    /// The last request before the link, and the status that came of it.
    before: Option<(Kind, Option<u16>)>,
}

impl Last {
    pub(crate) fn note(&mut self, kind: Kind, status: Option<u16>, party: &Party) {
        if party.link == Link::NotForwarded {
            self.before = Some((kind, status));
        }
    }
}

/// Checks the answer of an exchange that ran to its end.
pub(crate) fn ended(
    run: &mut Run<'_>,
    process: &Process,
    answer: &Move,
    decision: &Decision,
) -> Result<(), Violation> {
    let (party, last) = (&process.party, process.last());
    let status = decision.status.unwrap_or(0);
    let outcome = decision.metadata.as_ref().map_or("none", |record| record.outcome);
    let end = End { status, cause: decision.cause.name(), outcome };
    run.story.tell(|| format!("the exchange of {} ends: {end}", party.name));
    if process.is_first {
        run.ends.push(end);
    }
    if process.is_mutated(run) && answer_is_given(run) {
        return Ok(());
    }
    // The upstream's own answer, or none before the link went out.
    let is_relayed = matches!(answer, Move::Relay);
    let fine = party.may_be_answered(status)
        && (party.knows_link()
            || is_relayed == matches!(party.link, Link::Status(told) if told == status));
    let cause = decision.cause.name();
    let link = party.link;
    let what = format_args!("{status} {cause} after {link:?}");
    Violation::unless(fine, "the answer says what is known of the link", what)?;
    let is_linked = run.net.place.is_linked(party.secondary) || run.unlinked;
    let is_so = status != 201 || is_linked || run.net.place.metadata(PRIMARY).is_none();
    Violation::unless(is_so || party.is_primary_stale, "a 201 is a link", what)?;
    recorded(party, decision)?;
    for row in rows(party, decision, last) {
        run.table.count(row);
    }
    Ok(())
}

/// Of a gate that is broken on purpose, only an untrue 201 counts.
fn answer_is_given(run: &Run<'_>) -> bool {
    run.mutation != Some(Mutation::BelievesStatus)
}

/// The record agrees with what was seen.
fn recorded(party: &Party, decision: &Decision) -> Result<(), Violation> {
    let Some(record) = &decision.metadata else {
        return Violation::unless(party.calls == 0, "a merge is recorded", "no record");
    };
    let calls = record.calls;
    Violation::unless(calls == party.calls, "all calls are recorded", calls)?;
    let has_left_out = party.held().is_some_and(|held| held.contains_key(LEFT_OUT));
    let named = |(key, fate): &(String, Fate)| key == LEFT_OUT && *fate == Fate::LeftOut;
    let fine = party.writes == 0 || !has_left_out || record.keys.iter().any(named);
    Violation::unless(fine || party.knows_link(), "keys left out are named in the record", "none")
}

fn rows(party: &Party, decision: &Decision, last: &Last) -> Vec<Row> {
    let status = decision.status.unwrap_or(0);
    let outcome = decision.metadata.as_ref().map_or("none", |record| record.outcome);
    let mut rows = Vec::new();
    if last.client_left {
        rows.push(Row::ClientLeft);
    }
    if last.waited && party.link != Link::NotForwarded {
        rows.push(Row::WaitedOut);
    }
    if party.applies && outcome == "merged" {
        rows.push(Row::Applied);
    }
    rows.push(match (party.link, status) {
        (Link::NotForwarded, 201) => Row::SecondaryLinked,
        (Link::NotForwarded, 429) => Row::LimitedBefore,
        (Link::NotForwarded, 409) if party.primary_absent => Row::PrimaryGone,
        (Link::NotForwarded, 409) if party.secondary_absent => Row::SecondaryGone,
        (Link::NotForwarded, _) => before(last, decision),
        (Link::Status(201), 201) => Row::Merged,
        (Link::Status(201), _) => Row::Unconfirmed,
        (Link::Status(404 | 409), 201) => Row::AskedLinked,
        (Link::Status(404 | 409), _) => Row::AskedNot,
        (Link::NotSent | Link::Status(429), _) => Row::NotDone,
        (Link::Status(status), _) if (400..500).contains(&status) && status != 408 => {
            Row::RefusedKept
        }
        (Link::Unanswered | Link::Status(_) | Link::Forwarded, 201) => Row::UnknownLinked,
        (Link::Unanswered | Link::Status(_) | Link::Forwarded, _) => Row::UnknownNot,
    });
    rows
}

/// An exchange that ended before its link.
fn before(last: &Last, decision: &Decision) -> Row {
    let cause = decision.cause.name();
    match last.before {
        _ if cause == "links-busy" => Row::Busy,
        _ if cause == "metadata-conflict" => Row::Refused,
        _ if cause == "metadata-changing" => Row::Changing,
        Some((Kind::Write, _)) if decision.status == Some(504) => Row::WriteUnknown,
        Some((Kind::Write, _)) => Row::WriteFailed,
        Some((Kind::Read | Kind::Link, _)) | None => Row::ReadFailed,
    }
}
