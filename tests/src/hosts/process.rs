//! A host that is a process: started, listened to, ended.

use std::io::{BufRead as _, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use linkgate_cases::Trouble;

/// A child process whose lines, of stdout and stderr, are read as they come.
pub struct Process {
    child: Child,
    lines: Receiver<(Stream, String)>,
    said: Vec<(Stream, String)>,
}

/// Where a process writes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

impl Process {
    /// Starts it.
    ///
    /// # Errors
    /// There is no such program.
    pub fn start(command: &mut Command) -> Result<Self, Trouble> {
        let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let program = command.get_program().to_string_lossy().into_owned();
        let mut child =
            command.spawn().map_err(|error| Trouble::new(format!("{program}: {error}")))?;
        let (sender, lines) = channel();
        if let Some(out) = child.stdout.take() {
            listen(Stream::Out, out, sender.clone());
        }
        if let Some(out) = child.stderr.take() {
            listen(Stream::Err, out, sender);
        }
        Ok(Self { child, lines, said: Vec::new() })
    }

    /// The first line from now on that `wanted` makes something of, if it comes in time.
    pub fn line<T>(&mut self, within: Duration, wanted: impl Fn(&str) -> Option<T>) -> Option<T> {
        let until = Instant::now() + within;
        loop {
            let (stream, line) =
                self.lines.recv_timeout(until.saturating_duration_since(Instant::now())).ok()?;
            let found = wanted(&line);
            self.said.push((stream, line));
            if found.is_some() {
                return found;
            }
        }
    }

    /// All lines that were read, the latest last.
    #[must_use]
    pub fn said(&self) -> String {
        let lines: Vec<&str> = self.said.iter().map(|(_, line)| line.as_str()).collect();
        lines.join("\n")
    }

    /// Those of one stream.
    #[must_use]
    pub fn said_on(&self, stream: Stream) -> Vec<&str> {
        let of_it = self.said.iter().filter(|(from, _)| *from == stream);
        of_it.map(|(_, line)| line.as_str()).collect()
    }

    /// The number that the system knows it by.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads lines until the stream ends, which it does with the process.
fn listen(stream: Stream, out: impl Read + Send + 'static, lines: Sender<(Stream, String)>) {
    std::thread::spawn(move || {
        for line in BufReader::new(out).lines().map_while(Result::ok) {
            if lines.send((stream, line)).is_err() {
                return;
            }
        }
    });
}
