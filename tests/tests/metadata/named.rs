//! Histories in which something was lost, or said that was not so, before the protocol was mended.

use crate::edit::Edit;
use crate::ending::{Effect, Ending, More, Refusal};
use crate::history::{Choices, Point};
use crate::run::{Budget, End, Gates, Run};
use crate::setup::{Mode, Rule, Setup};
use crate::table::Table;
use crate::walk::told;
use crate::world::{Holdings, World};

#[test]
fn a_200_of_something_on_the_way_is_no_write() {
    // Taken for done, the link destroyed what had never been written.
    let ends = run(keep(), &[At(3, Ending::Garbage(Effect::None))]);
    assert_eq!(ends, ["504 metadata-write-unknown unknown", "201 granted merged"]);
    let ends = run(keep(), &[At(3, Ending::NoBody(Effect::None, 200))]);
    assert_eq!(ends, ["504 metadata-write-unknown unknown", "201 granted merged"]);
}

#[test]
fn a_secondary_that_is_said_to_be_gone_is_not_linked() {
    // Forwarded for the upstream to refuse, the link took effect, and nothing had been read.
    let gone = Ending::Status(Effect::None, Refusal { status: 404, more: More::Inexistent });
    let ends = run(keep(), &[At(2, gone)]);
    assert_eq!(ends, ["409 secondary-gone none", "201 granted merged"]);
}

#[test]
fn an_undo_beside_the_same_link_of_another_gateway_loses_nothing() {
    // The other gateway found the keys in place, wrote none, and linked; then they were taken back.
    let ends = run(undo(), &[At(5, refused(403)), Before(8, Edit::SameLink)]);
    assert_eq!(ends, ["403 granted kept", "201 link-found none"]);
}

#[test]
fn nothing_is_undone_once_the_primary_lists_the_secondary() {
    let ends = run(undo(), &[At(5, refused(403)), Before(7, Edit::SameLink)]);
    assert_eq!(ends, ["201 link-found merged"]);
}

#[test]
fn an_undo_that_comes_after_the_retry_has_linked_loses_nothing() {
    // The retry found the keys in place and linked; then they were taken back.
    let undone_late = [At(5, refused(403)), At(8, Ending::Lost(Effect::Late))];
    let ends = run(undo(), &undone_late);
    assert_eq!(ends, ["403 granted kept", "201 granted merged"]);
}

#[test]
fn a_link_that_is_known_to_stand_needs_no_second_account() {
    // The primary listed the secondary, and the answer was that nothing had been linked.
    let ends = run(keep(), &[At(5, Ending::Lost(Effect::Now)), At(6, refused(500))]);
    assert_eq!(ends, ["504 link-outcome-unknown kept", "201 link-found none"]);
}

#[test]
fn what_is_staged_is_applied_by_whoever_finds_the_link() {
    // The link came between the two reads; what was staged stayed so.
    let setup = Setup { rule: Rule::Secondary, ..keep() };
    let ends = run(setup, &[At(5, Ending::Lost(Effect::Late)), Lands(8)]);
    assert_eq!(ends, ["504 link-outcome-unknown kept", "201 link-found merged"]);
}

use Event::{At, Before, Lands};

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
}

/// Runs a history, and says how each exchange ended.
fn run(setup: Setup, events: &[Event]) -> Vec<String> {
    let world = World::new(setup, &Holdings::of(setup));
    let budget = Budget { faults: 9, edits: 9, retries: 1 };
    let mut named = Named { events: events.to_vec(), request: 1 };
    let (gates, mut table) = (Gates::of(&world), Table::default());
    let run = Run::new(&world, &gates, &mut named, &mut table, budget);
    let (story, ends) = told(run);
    assert!(named.events.is_empty(), "the history is another one:\n{story}");
    assert!(!story.contains("broken: "), "under: {setup}\n{story}");
    ends.iter().map(End::to_string).collect()
}

struct Named {
    events: Vec<Event>,
    request: usize,
}

impl Choices for Named {
    fn choose(&mut self, point: Point<'_>) -> usize {
        let request = self.request;
        let found = self.events.iter().enumerate().find_map(|(nth, event)| {
            let way = match (point, event) {
                (Point::Meanwhile { late, .. }, Lands(at)) if *at == request && late > 0 => 1,
                (Point::Meanwhile { late, edits }, Before(at, edit)) if *at == request => {
                    1 + late + edits.iter().position(|one| one == edit)?
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
            self.events.remove(nth);
            way
        })
    }
}

const fn refused(status: u16) -> Ending {
    Ending::Status(Effect::None, Refusal { status, more: More::Nothing })
}

fn keep() -> Setup {
    let (rule, mode) = (Rule::Primary, Mode::Caller);
    Setup { rule, deep: false, mode, undo: false, serialised: true }
}

fn undo() -> Setup {
    Setup { undo: true, ..keep() }
}
