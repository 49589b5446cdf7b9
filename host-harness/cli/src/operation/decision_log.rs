//! The decision log: a line an exchange, written by a thread of its own.
//!
//! The server's threads never wait for a disk or a pipe: a line that finds no place is dropped, and
//! the count of dropped lines is a metric and, once there is place again, a line on standard error.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
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

/// Lines that may wait to be written: at 400 bytes each, 6 MiB. Raised, a stalled pipe costs more
/// memory before lines are lost.
const WAITING_LINES: usize = 16 * 1024;

/// How long written lines may stay in the buffer.
const FLUSH_AFTER: Duration = Duration::from_millis(200);

/// The log, as its callers see it.
pub(crate) struct DecisionLog {
    format: Format,
    paint: Paint,
    entries: Mutex<Option<SyncSender<Entry>>>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

enum Entry {
    Line(String),
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
        let (sender, receiver) = sync_channel(WAITING_LINES);
        let writer = std::thread::Builder::new()
            .name("decision-log".to_owned())
            .spawn(move || write_all(&receiver, sink))?;
        Ok(Self {
            format,
            paint: Paint::of_stdout(),
            entries: Mutex::new(Some(sender)),
            writer: Mutex::new(Some(writer)),
        })
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
        self.send(Entry::Line(line))
    }

    /// Begins a new file under the same name, after the old one was moved away.
    pub(crate) fn reopen(&self) {
        self.send(Entry::Reopen);
    }

    /// Writes what waits, and ends.
    pub(crate) fn close(&self) {
        if let Ok(mut entries) = self.entries.lock() {
            *entries = None;
        }
        let writer = self.writer.lock().ok().and_then(|mut writer| writer.take());
        if let Some(writer) = writer {
            let _ = writer.join();
        }
    }

    fn send(&self, entry: Entry) -> bool {
        let Ok(entries) = self.entries.lock() else { return false };
        entries.as_ref().is_some_and(|entries| entries.try_send(entry).is_ok())
    }
}

/// Where lines go.
struct Sink {
    file: Option<PathBuf>,
    out: io::BufWriter<Box<dyn Write + Send>>,
}

impl Sink {
    fn open(file: Option<PathBuf>) -> io::Result<Self> {
        let out: Box<dyn Write + Send> = match &file {
            Some(path) => Box::new(append(path)?),
            None => Box::new(io::stdout()),
        };
        Ok(Self { file, out: io::BufWriter::new(out) })
    }

    fn reopen(&mut self) -> io::Result<()> {
        self.out.flush()?;
        if let Some(path) = &self.file {
            self.out = io::BufWriter::new(Box::new(append(path)?));
        }
        Ok(())
    }
}

fn append(path: &Path) -> io::Result<std::fs::File> {
    OpenOptions::new().create(true).append(true).open(path)
}

/// Writes until the log is closed. A line that cannot be written is reported on standard error, once
/// for each run of failures.
fn write_all(entries: &Receiver<Entry>, mut sink: Sink) {
    let mut failing = false;
    loop {
        let written = match entries.recv_timeout(FLUSH_AFTER) {
            Ok(Entry::Line(line)) => writeln!(sink.out, "{line}"),
            Ok(Entry::Reopen) => sink.reopen(),
            Err(RecvTimeoutError::Timeout) => sink.out.flush(),
            Err(RecvTimeoutError::Disconnected) => {
                let _ = sink.out.flush();
                return;
            }
        };
        if let Err(error) = &written
            && !failing
        {
            eprintln!("linkgate: the decision log cannot be written: {error}");
        }
        failing = written.is_err();
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
        assert!(log.send(Entry::Line("one".to_owned())));
        // The writer takes entries in order: when the new file is there, the old one is whole.
        std::fs::rename(&file, &moved).unwrap();
        log.reopen();
        assert!(log.send(Entry::Line("two".to_owned())));
        log.close();
        assert!(!log.send(Entry::Line("three".to_owned())), "it is closed");
        assert_eq!(std::fs::read_to_string(&moved).unwrap(), "one\n");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "two\n");
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
