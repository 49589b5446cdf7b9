//! A host that is a process: started, listened to, ended.

use std::io::{BufRead as _, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use linkgate::cases::Trouble;

/// A child process whose lines, of stdout and stderr, are read as they come.
pub(crate) struct Process {
    child: Child,
    lines: Receiver<String>,
    said: Vec<String>,
}

impl Process {
    /// Starts it.
    pub(crate) fn start(command: &mut Command) -> Result<Self, Trouble> {
        let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let program = command.get_program().to_string_lossy().into_owned();
        let mut child =
            command.spawn().map_err(|error| Trouble::new(format!("{program}: {error}")))?;
        let (sender, lines) = channel();
        if let Some(out) = child.stdout.take() {
            listen(out, sender.clone());
        }
        if let Some(out) = child.stderr.take() {
            listen(out, sender);
        }
        Ok(Self { child, lines, said: Vec::new() })
    }

    /// The first line from now on that `wanted` makes something of, if it comes in time.
    pub(crate) fn line<T>(
        &mut self,
        within: Duration,
        wanted: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let until = Instant::now() + within;
        loop {
            let line =
                self.lines.recv_timeout(until.saturating_duration_since(Instant::now())).ok()?;
            let found = wanted(&line);
            self.said.push(line);
            if found.is_some() {
                return found;
            }
        }
    }

    /// All lines that were looked at, the latest last.
    pub(crate) fn said(&self) -> String {
        self.said.join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads lines until the stream ends, which it does with the process.
fn listen(out: impl Read + Send + 'static, lines: Sender<String>) {
    std::thread::spawn(move || {
        for line in BufReader::new(out).lines().map_while(Result::ok) {
            if lines.send(line).is_err() {
                return;
            }
        }
    });
}
