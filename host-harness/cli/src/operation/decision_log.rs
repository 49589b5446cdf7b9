//! The decision log: a line an exchange, written by a thread of its own.
//!
//! The server's threads never wait for a disk or a pipe: a line that finds no place is dropped, and
//! the count of dropped lines is a metric and, once there is place again, a line on standard error.
//!
//! ```text
//!  decided ─▶ waiting ─▶ the writer, some milliseconds after the first: all that waits, in one write
//! ```
//!
//! To wake a thread costs more than to make a line, so the writer is woken once for all lines of those milliseconds.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use linkgate_policy::LogLine;

use super::line;
use crate::paint::Paint;

/// How a line is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// Words, for a terminal
    Human,
    /// JSON, one object a line
    Json,
}

/// Lines that may wait to be written, those included that are being written: at 400 bytes each, 6 MiB. Raised, a stalled
/// pipe costs more memory before lines are lost.
const WAITING_LINES: usize = 16 * 1024;

/// How long a line waits for others to be written with. Raised, a process that is killed loses more of them; lowered, the
/// writer is woken more often.
const GATHER: Duration = Duration::from_millis(5);

/// The log, as its callers see it.
pub(crate) struct DecisionLog {
    format: Format,
    paint: Paint,
    queue: Arc<Queue>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

/// What waits to be written.
#[derive(Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    /// For the writer, where it rests.
    something: Condvar,
}

#[derive(Default)]
struct Waiting {
    entries: Vec<Entry>,
    /// Lines in them, and in those that are being written.
    lines: usize,
    /// Whether the writer waits for an entry.
    writer_rests: bool,
    is_closed: bool,
}

enum Entry {
    /// Lines, each with its end, and how many.
    Lines(String, usize),
    /// The file was moved away: begin a new one.
    Reopen,
}

impl DecisionLog {
    /// A log to a file, appended to, or to standard output.
    ///
    /// # Errors
    ///
    /// The file cannot be opened.
    pub(crate) fn open(file: Option<PathBuf>, format: Format) -> io::Result<Self> {
        let sink = Sink::open(file)?;
        let queue = Arc::new(Queue::default());
        let taken = Arc::clone(&queue);
        let writer = std::thread::Builder::new()
            .name("decision-log".to_owned())
            .spawn(move || write_all(&taken, sink))?;
        Ok(Self { format, paint: Paint::of_stdout(), queue, writer: Mutex::new(Some(writer)) })
    }

    /// How its lines are written.
    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// Logs a decision; false when there was no place for its line.
    pub(crate) fn decided(&self, line: &LogLine) -> bool {
        let line = match self.format {
            Format::Human => line::human(line, self.paint),
            Format::Json => line.json(),
        };
        self.queue.line(&line)
    }

    /// Begins a new file under the same name, after the old one was moved away.
    pub(crate) fn reopen(&self) {
        self.queue.reopen();
    }

    /// Writes what waits, and ends.
    pub(crate) fn close(&self) {
        self.queue.close();
        let writer = self.writer.lock().ok().and_then(|mut writer| writer.take());
        if let Some(writer) = writer {
            let _ = writer.join();
        }
    }
}

impl Queue {
    /// Puts a line at the end; false when there is no place for it.
    fn line(&self, line: &str) -> bool {
        let mut waiting = self.lock();
        if waiting.is_closed || waiting.lines == WAITING_LINES {
            return false;
        }
        waiting.lines += 1;
        if let Some(Entry::Lines(lines, count)) = waiting.entries.last_mut() {
            lines.push_str(line);
            lines.push('\n');
            *count += 1;
        } else {
            waiting.entries.push(Entry::Lines(format!("{line}\n"), 1));
        }
        self.wake(waiting);
        true
    }

    fn reopen(&self) {
        let mut waiting = self.lock();
        if !waiting.is_closed && !matches!(waiting.entries.last(), Some(Entry::Reopen)) {
            waiting.entries.push(Entry::Reopen);
            self.wake(waiting);
        }
    }

    fn close(&self) {
        self.lock().is_closed = true;
        self.something.notify_all();
    }

    fn wake(&self, mut waiting: MutexGuard<'_, Waiting>) {
        let rests = std::mem::take(&mut waiting.writer_rests);
        drop(waiting);
        if rests {
            self.something.notify_one();
        }
    }

    /// All that waits, some time after the first of it; nothing once the log is closed and all was written.
    fn next(&self) -> Option<Vec<Entry>> {
        let mut waiting = self.lock();
        while waiting.entries.is_empty() {
            if waiting.is_closed {
                return None;
            }
            waiting.writer_rests = true;
            waiting = self.something.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        let gathered = self.something.wait_timeout_while(waiting, GATHER, |one| !one.is_closed);
        let (mut waiting, _late) = gathered.unwrap_or_else(PoisonError::into_inner);
        Some(std::mem::take(&mut waiting.entries))
    }

    /// Entries were written, with so many lines.
    fn written(&self, lines: usize) {
        let mut waiting = self.lock();
        waiting.lines = waiting.lines.saturating_sub(lines);
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where lines go.
struct Sink {
    file: Option<PathBuf>,
    out: Box<dyn Write + Send>,
}

impl Sink {
    fn open(file: Option<PathBuf>) -> io::Result<Self> {
        let out: Box<dyn Write + Send> = match &file {
            Some(path) => Box::new(append(path)?),
            None => Box::new(io::stdout()),
        };
        Ok(Self { file, out })
    }

    fn reopen(&mut self) -> io::Result<()> {
        if let Some(path) = &self.file {
            self.out = Box::new(append(path)?);
        }
        Ok(())
    }

    fn write(&mut self, entry: &Entry) -> io::Result<()> {
        match entry {
            Entry::Lines(lines, _) => {
                self.out.write_all(lines.as_bytes())?;
                self.out.flush()
            }
            Entry::Reopen => self.reopen(),
        }
    }
}

fn append(path: &Path) -> io::Result<std::fs::File> {
    OpenOptions::new().create(true).append(true).open(path)
}

/// Writes until the log is closed. A line that cannot be written is reported on standard error, once
/// for each run of failures.
fn write_all(queue: &Queue, mut sink: Sink) {
    let mut failing = false;
    while let Some(entries) = queue.next() {
        for entry in entries {
            let written = sink.write(&entry);
            if let Err(error) = &written
                && !failing
            {
                eprintln!("linkgate: the decision log cannot be written: {error}");
            }
            failing = written.is_err();
            if let Entry::Lines(_, count) = entry {
                queue.written(count);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moved_file_is_begun_anew() {
        let folder = std::env::temp_dir().join(format!("linkgate-log-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let (file, moved) = (folder.join("log"), folder.join("log.1"));
        let log = DecisionLog::open(Some(file.clone()), Format::Json).unwrap();
        assert!(log.queue.line("one"));
        // The writer takes entries in order: when the new file is there, the old one is whole.
        std::fs::rename(&file, &moved).unwrap();
        log.reopen();
        assert!(log.queue.line("two"));
        log.close();
        assert!(!log.queue.line("three"), "it is closed");
        assert_eq!(std::fs::read_to_string(&moved).unwrap(), "one\n");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "two\n");
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
