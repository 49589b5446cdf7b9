//! A host's process. What it logs goes to a file, as a collector of logs has it: a pipe whose reader sleeps costs the
//! writer a wake-up for each line, which the price list has.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::host::Stage;
use crate::Attempt;
use crate::process::START_WITHIN;

/// One that runs. Dropped, it is killed.
pub(super) struct Server {
    name: &'static str,
    child: Child,
    log: PathBuf,
}

/// Where a host's errors, which are its log, go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Log {
    File,
    /// Into a pipe, and from there into the file: its reader sleeps between lines.
    Pipe,
}

/// Between two looks at the log of one that starts.
const PAUSE: Duration = Duration::from_millis(5);

/// Bytes at the end of a log that are shown with a failure.
const SHOWN: usize = 4096;

impl Server {
    /// Starts a command, whose output and errors go into one file of the run's folder.
    pub(super) fn start(
        name: &'static str,
        command: &mut Command,
        stage: &Stage<'_>,
        to: Log,
    ) -> Attempt<Self> {
        let log = stage.scratch.new_path("log");
        let failed = |error: std::io::Error| format!("{name}: {error}");
        let file = std::fs::File::create(&log).map_err(failed)?;
        let command = command.stdin(Stdio::null());
        let mut copy = file.try_clone().map_err(failed)?;
        command.stdout(file.try_clone().map_err(failed)?);
        command.stderr(if to == Log::Pipe { Stdio::piped() } else { file.into() });
        let mut child = command.spawn().map_err(failed)?;
        if let Some(mut errors) = child.stderr.take() {
            // It ends with the process.
            std::thread::spawn(move || std::io::copy(&mut errors, &mut copy));
        }
        Ok(Self { name, child, log })
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until `wanted` makes something of a line of its log.
    pub(super) fn hear<T>(&mut self, wanted: impl Fn(&str) -> Option<T>) -> Attempt<T> {
        let until = Instant::now() + START_WITHIN;
        loop {
            let has_ended = self.child.try_wait().is_ok_and(|ended| ended.is_some());
            if let Some(found) = text(&self.log).lines().find_map(&wanted) {
                return Ok(found);
            }
            if has_ended || Instant::now() > until {
                return Err(self.blame("it did not start as expected"));
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// A complaint about this process, with the end of its log.
    pub(super) fn blame(&self, what: &str) -> String {
        let log = text(&self.log);
        let mut from = log.len().saturating_sub(SHOWN);
        while !log.is_char_boundary(from) {
            from += 1;
        }
        format!("{}: {what}\n--- its log ends with\n{}", self.name, log.get(from..).unwrap_or(""))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        // A run writes hundreds of megabytes.
        let _ = std::fs::remove_file(&self.log);
    }
}

fn text(log: &Path) -> String {
    String::from_utf8_lossy(&std::fs::read(log).unwrap_or_default()).into_owned()
}
