//! Lines for the operator: records on the host's stdout, what is wrong on its stderr.

use linkgate_policy::{Decision, LogLine, Time};
use wasi::cli::{stderr, stdout};
use wasi::io::streams::{OutputStream, StreamError};

/// Writes the record of an exchange, `duration_us` long and closed at `time`.
pub(crate) fn decision(decision: Decision, time: Time, duration_us: u64) {
    write(&stdout::get_stdout(), LogLine::of(decision, time, duration_us).json());
}

/// Writes what is wrong with the configuration.
pub(crate) fn mistakes(mistakes: &[String]) {
    for mistake in mistakes {
        write(&stderr::get_stderr(), format!("linkgate is unavailable: {mistake}"));
    }
}

/// Writes what the operator should know.
pub(crate) fn notice(notice: &str) {
    write(&stderr::get_stderr(), format!("linkgate: {notice}"));
}

/// Writes a line. What cannot be written is lost: no request fails for its log.
fn write(to: &OutputStream, mut line: String) {
    line.push('\n');
    let _ = write_all(to, line.as_bytes());
}

/// Bytes that `wasi:io` takes in one call that waits until they are written: all of nearly every line.
const AT_ONCE: usize = 4096;

/// Writes as much at once as the host takes. A line that goes in one piece is not cut in two by the
/// line of another instance.
fn write_all(to: &OutputStream, mut bytes: &[u8]) -> Result<(), StreamError> {
    if bytes.len() <= AT_ONCE {
        return to.blocking_write_and_flush(bytes);
    }
    while !bytes.is_empty() {
        let room = usize::try_from(to.check_write()?).unwrap_or(usize::MAX);
        if room == 0 {
            to.subscribe().block();
            continue;
        }
        let (now, later) = bytes.split_at(room.min(bytes.len()));
        to.write(now)?;
        bytes = later;
    }
    to.blocking_flush()
}
