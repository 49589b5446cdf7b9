//! Histories in which something was lost, or said that was not so, before the protocol was mended.

use crate::edit::{Edit, Wanted};
use crate::ending::{Effect, Ending, More, Refusal};
use crate::history::{Choices, Point};
use crate::run::{Budget, End, Gates, Run};
use crate::setup::{Mode, Rule, Setup};
use crate::table::Table;
use crate::walk::told;
use crate::world::{Holdings, PRIMARY, SECONDARY, World};

#[test]
fn a_200_of_something_on_the_way_is_no_write() {
    // Taken for done, the link destroyed what had never been written. Now the primary is read.
    let ends = run(plain(), &[At(3, Ending::Garbage(Effect::None))]);
    assert_eq!(ends, ["504 metadata-write-unknown unknown", "201 granted merged"]);
    let ends = run(plain(), &[At(3, Ending::NoBody(Effect::Now, 200))]);
    assert_eq!(ends, ["201 granted merged"]);
}

#[test]
fn an_answer_from_before_the_write_is_looked_into() {
    let ends = run(plain(), &[At(3, Ending::OldState)]);
    assert_eq!(ends, ["201 granted merged"]);
}

#[test]
fn a_secondary_that_is_said_to_be_gone_is_not_linked() {
    // Forwarded for the upstream to refuse, the link took effect, and nothing had been read.
    let gone = Ending::Status(Effect::None, Refusal { status: 404, more: More::Inexistent });
    let ends = run(plain(), &[At(1, gone)]);
    assert_eq!(ends, ["409 secondary-gone none", "201 granted merged"]);
}

#[test]
fn a_refused_link_beside_the_same_link_of_another_gateway_loses_nothing() {
    // Both had sent the same write; the refused one took it back, and the other one linked.
    let ends = run(
        plain(),
        &[
            Before(1, Edit::SameLink),
            Other(2),
            Other(2),
            Other(4),
            Other(4),
            At(5, refused(403)),
            Other(6),
        ],
    );
    assert_eq!(ends, ["403 granted kept", "201 link-found merged"]);
}

#[test]
fn planted_values_do_not_win_over_what_the_owner_wrote_later() {
    // The first exchange wrote the older value of a key that the primary never had, and gave up; the
    // retry took it for the primary's own.
    let edited = Edit::Key(SECONDARY, "added", Wanted::Text("newer"));
    let ends = run(plain(), &[Before(3, edited), At(4, refused(500))]);
    assert_eq!(ends, ["503 metadata-read-failed kept", "201 granted merged"]);
}

#[test]
fn an_older_plan_does_not_replace_a_newer_one() {
    // The other gateway reads the secondary before it is edited, and writes after this one has.
    for rule in [Rule::Primary, Rule::Secondary, Rule::KeepBoth] {
        let edited = Edit::Key(SECONDARY, "theme", Wanted::Text("darker"));
        let ends = run(
            Setup { rule, ..plain() },
            &[Before(1, Edit::SameLink), Other(1), Other(1), Before(1, edited), Other(4)],
        );
        assert_eq!(ends, ["201 granted merged"], "{rule:?}");
    }
}

#[test]
fn values_of_an_account_that_was_never_linked_are_no_conflict() {
    // The other gateway wrote a third account's values and died.
    let ends = run(
        plain(),
        &[Before(1, Edit::ThirdLink), Other(1), Other(1), OtherAt(1, Ending::Died(Effect::Now))],
    );
    assert_eq!(ends, ["201 granted merged"]);
}

#[test]
fn two_accounts_into_one_lose_nothing_whoever_applies_last() {
    // The other gateway reads the primary once its link is made, before or after this one's link, and writes last.
    for (setup, at) in Setup::all().into_iter().flat_map(|setup| [(setup, 5), (setup, 7)]) {
        let mut events = vec![Before(1, Edit::ThirdLink)];
        events.extend([Other(1); 5]);
        events.extend([Other(at), Other(8)]);
        let ends = run(setup, &events);
        assert!(ends[0].starts_with("201 granted"), "{setup}: {ends:?}");
    }
}

#[test]
fn a_201_of_something_on_the_way_is_no_link() {
    // What was staged was applied, and the client learnt that it was linked.
    let ends = run(plain(), &[At(5, refused(201))]);
    assert_eq!(ends, ["504 link-outcome-unknown kept", "201 granted merged"]);
}

#[test]
fn an_old_answer_of_the_primary_makes_no_link() {
    // Linked, then unlinked: the primary's old answer still lists it, and it was answered 201.
    let ends = run(
        plain(),
        &[
            At(5, Ending::Lost(Effect::Now)),
            At(6, refused(500)),
            Before(7, Edit::Unlink),
            At(8, Ending::Stale),
        ],
    );
    assert_eq!(ends, ["504 link-outcome-unknown kept", "201 granted merged"]);
}

#[test]
fn what_was_waited_out_is_read_again() {
    let limited = Ending::Status(Effect::None, Refusal { status: 429, more: More::RetryAfter(2) });
    let edited = Edit::Key(SECONDARY, "theme", Wanted::Text("darker"));
    let ends = run(plain(), &[At(3, limited), Before(4, edited)]);
    assert_eq!(ends, ["201 granted merged"]);
}

#[test]
fn what_was_waited_out_before_the_rule_is_applied_is_read_again() {
    // The write waits for the API, and the owner sets a key that it would have added.
    let limited = Ending::Status(Effect::None, Refusal { status: 429, more: More::RetryAfter(2) });
    let edited = Edit::Key(PRIMARY, "added", Wanted::Text("mine"));
    for at in [7, 8] {
        let ends = run(plain(), &[At(7, limited), Before(at, edited)]);
        assert_eq!(ends, ["201 granted merged"], "{at}");
    }
}

#[test]
fn what_its_owner_removes_meanwhile_is_not_written_back() {
    // An upstream that replaces removes all at once. One key that is missing is somebody's edit.
    let ends = run(plain(), &[Before(3, Edit::Key(PRIMARY, "theme", Wanted::Nothing))]);
    assert_eq!(ends, ["201 granted merged"]);
}

#[test]
fn an_entry_of_an_earlier_plan_may_be_the_last_copy() {
    // The link was made late and taken apart again while it was tried once more: the secondary is empty by
    // then, and the entry that was planned with its values goes back to the link before.
    let late = Ending::Status(Effect::Late, Refusal { status: 201, more: More::Nothing });
    let ends = run(plain(), &[At(5, late), Lands(10), Before(10, Edit::Unlink)]);
    assert_eq!(ends, ["504 link-outcome-unknown kept", "201 granted merged"]);
}

#[test]
fn a_secondary_that_keeps_changing_is_not_linked() {
    let edited = |key, text| Edit::Key(SECONDARY, key, Wanted::Text(text));
    let events = [Before(4, edited("theme", "darker")), Before(7, edited("added", "newer"))];
    let ends = run(plain(), &events);
    assert_eq!(ends, ["409 metadata-changing kept", "201 granted merged"]);
}

#[test]
fn a_write_that_comes_once_more_loses_nothing() {
    for nth in [3, 7] {
        let ends = run(plain(), &[At(nth, Ending::Twice)]);
        assert_eq!(ends, ["201 granted merged"], "{nth}");
    }
}

#[test]
fn a_link_the_other_way_round_comes_first() {
    let ends = run(plain(), &[Before(5, Edit::Reverse)]);
    assert_eq!(ends, ["404 granted kept", "409 primary-gone none"]);
}

#[test]
fn what_is_staged_is_applied_by_whoever_finds_the_link() {
    let setup = Setup { rule: Rule::Secondary, ..plain() };
    let ends = run(setup, &[At(5, Ending::Lost(Effect::Late)), Lands(8)]);
    assert_eq!(ends, ["504 link-outcome-unknown kept", "201 link-found merged"]);
}

use Event::{At, Before, Lands, Other, OtherAt};

/// What happens in a history, by the number of the request it happens at: the gate's own from 1, of
/// the first exchange and of the retry after it.
#[derive(Clone, Copy)]
enum Event {
    /// A request ends like this.
    At(usize, Ending),
    /// Somebody does something before it.
    Before(usize, Edit),
    /// A late effect comes before it.
    Lands(usize),
    /// Another gateway makes its next request before it.
    Other(usize),
    /// The same, and that request ends like this.
    OtherAt(usize, Ending),
}

/// Runs a history, and says how each exchange ended.
fn run(setup: Setup, events: &[Event]) -> Vec<String> {
    let world = World::new(setup, &Holdings::of(setup));
    let budget = Budget { faults: 9, edits: 9, retries: 1 };
    let mut named = Named { events: events.to_vec(), request: 1, other: None };
    let (gates, mut table) = (Gates::of(&world), Table::default());
    let run = Run::new(&world, &gates, &mut named, &mut table, budget);
    let (story, ends) = told(run);
    assert!(named.events.is_empty(), "the history is another one:\n{story}");
    assert!(!story.contains("broken: "), "under: {setup}\n{story}");
    // But for the last retry, which has to find everything where it belongs.
    ends.iter().rev().skip(1).rev().map(End::to_string).collect()
}

struct Named {
    events: Vec<Event>,
    request: usize,
    /// How the next request of another gateway ends, once it was chosen.
    other: Option<Option<Ending>>,
}

impl Choices for Named {
    fn choose(&mut self, point: Point<'_>) -> usize {
        if let (Point::Ending(faults), Some(ending)) = (point, self.other.take()) {
            let place = ending.and_then(|ending| faults.iter().position(|one| *one == ending));
            return place.map_or(0, |place| place + 1);
        }
        let request = self.request;
        let found = self.events.iter().enumerate().find_map(|(nth, event)| {
            let way = match (point, event) {
                (Point::Meanwhile { late, .. }, Lands(at)) if *at == request && late > 0 => 1,
                (Point::Meanwhile { late, others, .. }, Other(at) | OtherAt(at, _))
                    if *at == request && others > 0 =>
                {
                    1 + late
                }
                (Point::Meanwhile { late, others, edits }, Before(at, edit)) if *at == request => {
                    1 + late + others + edits.iter().position(|one| one == edit)?
                }
                (Point::Ending(faults), At(at, ending)) if *at == request => {
                    1 + faults.iter().position(|one| one == ending)?
                }
                _ => return None,
            };
            Some((nth, way))
        });
        self.request += usize::from(matches!(point, Point::Ending(_)));
        found.map_or(0, |(nth, way)| {
            match self.events.remove(nth) {
                Other(_) => self.other = Some(None),
                OtherAt(_, ending) => self.other = Some(Some(ending)),
                At(..) | Before(..) | Lands(_) => {}
            }
            way
        })
    }
}

const fn refused(status: u16) -> Ending {
    Ending::Status(Effect::None, Refusal { status, more: More::Nothing })
}

fn plain() -> Setup {
    let (rule, mode) = (Rule::Primary, Mode::Caller);
    Setup { rule, deep: false, mode, serialised: true, other: None }
}
