//! Lines for the operator: records on the host's stdout, what is wrong on its stderr.

use std::cell::RefCell;
use std::collections::VecDeque;

use linkgate_policy::{Decision, LogLine, Time};

use crate::bindings::{stderr, stdout, wit_stream};

/// Where a line goes.
#[derive(Clone, Copy)]
enum Place {
    Records,
    Notices,
}

thread_local! {
    /// Lines not yet written. To write is to wait, and there are moments when a task cannot wait: when
    /// it is taken down. The next one that can writes its line.
    static LINES: RefCell<VecDeque<(Place, String)>> = const { RefCell::new(VecDeque::new()) };
}

/// Says the record of an exchange, `duration_us` long and closed at `time`.
pub(crate) fn decision(decision: Decision, time: Time, duration_us: u64) {
    say(Place::Records, LogLine::of(decision, time, duration_us).json());
}

/// Says what is wrong with the configuration.
pub(crate) fn mistakes(mistakes: &[String]) {
    for mistake in mistakes {
        say(Place::Notices, format!("linkgate is unavailable: {mistake}"));
    }
}

/// Says what the operator should know.
pub(crate) fn notice(notice: &str) {
    say(Place::Notices, format!("linkgate: {notice}"));
}

fn say(place: Place, mut line: String) {
    line.push('\n');
    LINES.with_borrow_mut(|lines| lines.push_back((place, line)));
}

/// Writes what was said, a line at once. What cannot be written is lost: no request fails for its log.
pub(crate) async fn flush() {
    while let Some((place, line)) = LINES.with_borrow_mut(VecDeque::pop_front) {
        let (mut writer, reader) = wit_stream::new();
        let written = match place {
            Place::Records => stdout::write_via_stream(reader),
            Place::Notices => stderr::write_via_stream(reader),
        };
        let _unwritten = writer.write_all(line.into_bytes()).await;
        drop(writer);
        let _ = written.await;
    }
}
