//! A child process: started, listened to, asked to stop, ended.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Read};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::Attempt;

/// A process of ours. Dropped, it is killed.
pub(crate) struct Process {
    name: &'static str,
    child: Child,
    complaints: Receiver<String>,
    said: Arc<Mutex<VecDeque<String>>>,
    /// Ends when stdout does.
    out: Receiver<()>,
}

/// Lines of stderr that are kept to be shown. More would hide what matters.
const KEPT_LINES: usize = 40;

/// Lines that wait to be heard: a server says where it listens among its first. Envoy lists a hundred of its parts
/// before, at once, and what finds no room is lost.
const HEARD_LINES: usize = 1024;

/// Longest wait for a server to say where it listens: a debug build compiles the component on a
/// machine that may be busy.
pub(crate) const START_WITHIN: Duration = Duration::from_mins(2);

impl Process {
    /// Starts a command. Each line of its stdout goes to `line`, on a thread of its own.
    pub(crate) fn start(
        name: &'static str,
        command: &mut Command,
        line: impl FnMut(String) + Send + 'static,
    ) -> Attempt<Self> {
        let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let program = PathBuf::from(command.get_program());
        let mut child =
            command.spawn().map_err(|error| format!("{}: {error}", program.display()))?;
        let (complain, complaints) = sync_channel(HEARD_LINES);
        let said = Arc::new(Mutex::new(VecDeque::new()));
        let (open, out) = channel();
        if let Some(stdout) = child.stdout.take() {
            read_lines(stdout, line, Some(open));
        }
        if let Some(stderr) = child.stderr.take() {
            let kept = Arc::clone(&said);
            let keep = move |line: String| {
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                kept.push_back(line.clone());
                if kept.len() > KEPT_LINES {
                    kept.pop_front();
                }
                // Nothing reads the channel once the process has started: what finds no room is for `said` alone.
                let _ = complain.try_send(line);
            };
            read_lines(stderr, keep, None);
        }
        Ok(Self { name, child, complaints, said, out })
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// What `wanted` makes of the first line of stderr that it makes something of.
    pub(crate) fn hear<T>(&self, wanted: impl Fn(&str) -> Option<T>) -> Attempt<T> {
        let until = Instant::now() + START_WITHIN;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let line = self
                .complaints
                .recv_timeout(left)
                .map_err(|_| self.blame("it did not start as expected"))?;
            if let Some(found) = wanted(&line) {
                return Ok(found);
            }
        }
    }

    /// Waits for its end, and for the last line of its stdout to be read.
    pub(crate) fn ended(&mut self, within: Duration) -> Attempt<ExitStatus> {
        // The thread that reads stdout sends nothing: it drops its end when stdout has ended.
        if self.out.recv_timeout(within) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
            return Err(self.blame(&format!("it has not ended within {} s", within.as_secs())));
        }
        self.child.wait().map_err(|error| self.blame(&error.to_string()))
    }

    /// A complaint about this process, with the last lines of what it said.
    pub(crate) fn blame(&self, what: &str) -> String {
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let lines: Vec<&str> = said.iter().map(String::as_str).collect();
        format!("{}: {what}\n--- it said last\n{}", self.name, lines.join("\n"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a process a signal by name, such as `TERM`.
pub(crate) fn signal(pid: u32, signal: &str) -> Attempt<()> {
    let sent = Command::new("kill").arg(format!("-{signal}")).arg(pid.to_string()).status();
    match sent {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`kill -{signal} {pid}` ended with {status}")),
        Err(error) => Err(format!("`kill`: {error}")),
    }
}

/// Reads lines until the stream ends, which it does with the process; then drops `open`.
fn read_lines(
    stream: impl Read + Send + 'static,
    mut line: impl FnMut(String) + Send + 'static,
    open: Option<Sender<()>>,
) {
    std::thread::spawn(move || {
        BufReader::new(stream).lines().map_while(Result::ok).for_each(&mut line);
        drop(line);
        drop(open);
    });
}

/// An address that was free a moment ago, for a program that cannot choose one by itself.
pub(crate) fn free_address() -> Attempt<SocketAddr> {
    let address = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr());
    address.map_err(|error| error.to_string())
}

/// Waits for a program that prints no line once it listens.
pub(crate) fn wait_for(address: SocketAddr) -> Attempt<()> {
    let until = Instant::now() + Duration::from_secs(10);
    while let Err(error) = TcpStream::connect(address) {
        if Instant::now() > until {
            return Err(format!("{address}: {error}"));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

/// A binary of ours: the one that was named, else the one beside this one.
pub(crate) fn beside(named: Option<PathBuf>, name: &str) -> Attempt<PathBuf> {
    let found = if let Some(path) = named {
        path
    } else {
        let me = std::env::current_exe().map_err(|error| error.to_string())?;
        me.parent().unwrap_or(Path::new(".")).join(name)
    };
    if found.is_file() {
        return Ok(found);
    }
    Err(format!("{} is not there: `cargo xtask load` builds it", found.display()))
}

/// The address behind these words.
pub(crate) fn address_in(line: &str, words: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once(words)?;
    rest.split(['/', ',']).next()?.trim().parse().ok()
}
