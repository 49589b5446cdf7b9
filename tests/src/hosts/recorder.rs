//! An upstream that records what arrives and does what the case says.

use std::collections::VecDeque;
use std::io::{self, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};

use linkgate_cases::Response;
use tokio::net::TcpSocket;

use super::PATIENCE;
use super::message::{Message, Unframed};

/// A listener on loopback that records requests.
pub struct Recorder {
    pub(crate) address: SocketAddr,
    /// What it answers, one after another and the last for good; nothing, and the connection is closed
    /// on the request.
    answers: Arc<Mutex<VecDeque<Option<Response>>>>,
    requests: Receiver<Message>,
}

impl Recorder {
    /// Listens. Its thread ends with the process: it waits for connections and nothing else.
    ///
    /// # Errors
    /// Loopback has no port to give.
    ///
    /// # Panics
    /// Never: the lock is only held to take an answer.
    pub fn start() -> io::Result<Self> {
        Self::start_for(|_| true)
    }

    /// The same, for some requests alone: others get a 403.
    pub(crate) fn start_for(taken: fn(&Message) -> bool) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let answers = Arc::new(Mutex::new(VecDeque::new()));
        let next = Arc::clone(&answers);
        let (recorded, requests) = channel();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let Ok(request) = read(&stream) else { continue };
                let answer = if taken(&request) {
                    next_of(&mut next.lock().expect("no thread panics with it"))
                } else {
                    Some(Response { status: 403, headers: Vec::new(), body: Vec::new() })
                };
                let head_only = request.start.starts_with("HEAD ");
                if recorded.send(request).is_err() {
                    return;
                }
                if let Some(answer) = answer {
                    let _ = write(&stream, &answer, head_only);
                }
            }
        });
        Ok(Self { address, answers, requests })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Says what comes next, one after another and the last for good: an answer, or none.
    ///
    /// # Panics
    /// Never: the lock is only held to take an answer.
    pub fn expect(&self, answers: Vec<Option<Response>>) {
        *self.answers.lock().expect("no thread panics with it") = answers.into();
    }

    /// What arrived since this was asked last. A request is recorded before it is answered, so
    /// a test that has its answer finds it here.
    #[must_use]
    pub fn recorded(&self) -> Vec<Message> {
        self.requests.try_iter().collect()
    }
}

/// An address that refuses connections for as long as this lives: bound, and without a listener.
pub struct Refusing {
    /// The address.
    pub address: SocketAddr,
    _bound: TcpSocket,
}

impl Refusing {
    /// Takes an address.
    ///
    /// # Errors
    /// Loopback has none to give.
    pub fn bind() -> io::Result<Self> {
        let bound = TcpSocket::new_v4()?;
        bound.bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        Ok(Self { address: bound.local_addr()?, _bound: bound })
    }
}

fn next_of(answers: &mut VecDeque<Option<Response>>) -> Option<Response> {
    let next = answers.front().cloned().flatten();
    if answers.len() > 1 {
        answers.pop_front();
    }
    next
}

fn read(mut stream: &TcpStream) -> io::Result<Message> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Message::read(&mut stream, Unframed::Empty)
}

fn write(mut stream: &TcpStream, answer: &Response, head_only: bool) -> io::Result<()> {
    let mut bytes = format!("HTTP/1.1 {} Whatever\r\n", answer.status).into_bytes();
    for line in &answer.headers {
        bytes.extend([line.name.as_bytes(), b": ", &line.value, b"\r\n"].concat());
    }
    bytes.extend(
        format!("content-length: {}\r\nconnection: close\r\n\r\n", answer.body.len()).bytes(),
    );
    if !head_only {
        bytes.extend(&answer.body);
    }
    stream.write_all(&bytes)
}
