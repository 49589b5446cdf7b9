//! One request on one connection, and what comes of the connection afterwards.

use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::http::response::Parts;
use hyper::{Request, Response, StatusCode};
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout, timeout_at};

use crate::answer_body::AnswerBody;
use crate::content::Content;
use crate::link::{Link, root};
use crate::no_answer::{NoAnswer, Unsent, copied};
use crate::reuse::{self, Dropped};
use crate::upstream_pool::{Place, UpstreamPool};

/// A connection that carries one request. Dropped, it is closed.
pub(crate) struct Lease {
    link: Link,
    place: Place,
    /// Whether it carried another request before.
    is_reused: bool,
    /// How long it may be idle afterwards, or why it is not kept.
    verdict: Result<Duration, Dropped>,
    account: Account,
}

/// Counts the end of a connection, unless it was kept. Dropped last.
struct Account {
    pool: Arc<UpstreamPool>,
    why: Option<Dropped>,
}

/// An answer of the upstream: its head, and its body unread behind an open connection.
pub(crate) struct Held {
    pub(crate) head: Parts,
    pub(crate) body: AnswerBody,
    /// Of a connection of its own. A stream's is in the body.
    pub(crate) lease: Option<Box<Lease>>,
}

impl Lease {
    pub(crate) fn of_fresh(pool: &Arc<UpstreamPool>, place: Place, link: Link) -> Self {
        let account = Account { pool: Arc::clone(pool), why: Some(Dropped::Failed) };
        Self { link, place, is_reused: false, verdict: Err(Dropped::Failed), account }
    }

    pub(crate) fn of_kept(pool: &Arc<UpstreamPool>, place: Place, link: Link) -> Self {
        Self { is_reused: true, ..Self::of_fresh(pool, place, link) }
    }

    /// Sends `request` and waits for the head of its answer.
    pub(crate) async fn send(
        mut self,
        request: Request<Content>,
        deadline: Instant,
    ) -> Result<Held, NoAnswer> {
        // hyper gives back what it has not begun with. With a copy, what it has not written can be had again, too.
        let copy = if self.is_reused { copied(&request) } else { None };
        let allows_another = reuse::allows_another(&request);
        self.link.progress.carry(request.body().health());
        let answer = self.link.sender.try_send_request(request);
        match timeout_at(deadline, answer).await {
            Ok(Ok(answer)) => self.hold(answer, allows_another),
            Ok(Err(mut refused)) => {
                let request = refused.take_message().or(copy);
                let why = format!("no answer: {}", root(&refused.into_error()));
                Err(self.give_up(request, why))
            }
            Err(_elapsed) => {
                // An upstream that vanished ends no connection: the others that are kept are as dead.
                if self.is_reused {
                    self.account.pool.forget();
                }
                Err(self.give_up(None, "no head of an answer in time".to_owned()))
            }
        }
    }

    fn hold(
        mut self,
        answer: Response<Incoming>,
        allows_another: Result<(), Dropped>,
    ) -> Result<Held, NoAnswer> {
        // The upstream was not asked to switch protocols, so this is no HTTP any more.
        if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
            self.account.why = Some(Dropped::SwitchedProtocols);
            return Err(NoAnswer::Unknown("it switched protocols, unasked".to_owned()));
        }
        let (head, body) = answer.into_parts();
        self.account.why = Some(Dropped::Unfinished);
        let longest = self.account.pool.limits().upstream_idle;
        self.verdict = allows_another.and_then(|()| reuse::idle_time(&head, longest));
        Ok(Held { head, body: AnswerBody::Alone(body), lease: Some(Box::new(self)) })
    }

    fn give_up(mut self, request: Option<Request<Content>>, why: String) -> NoAnswer {
        if self.link.progress.give_up() {
            return NoAnswer::Unknown(why);
        }
        if self.is_reused {
            self.account.why = Some(self.link.end());
        }
        NoAnswer::Unsent(Box::new(Unsent { request, place: self.place, why }))
    }

    /// The answer was read to its end: keeps the connection, if nothing speaks against it.
    pub(crate) fn finish(self) {
        let Self { mut link, place, verdict, account, .. } = self;
        let idle_time = match link.progress.in_turn().and(verdict) {
            Ok(idle_time) => idle_time,
            Err(why) => return account.close(why),
        };
        if link.sender.is_ready() {
            return account.keep(link, place, idle_time);
        }
        // hyper is about to see the end, too; or it sees more than that.
        let Ok(runtime) = Handle::try_current() else { return };
        runtime.spawn(async move {
            match timeout(SETTLE, link.settle()).await {
                Ok(true) => account.keep(link, place, idle_time),
                Ok(false) => account.close(link.end()),
                Err(_elapsed) => {}
            }
        });
    }
}

impl Account {
    fn keep(mut self, link: Link, place: Place, idle_time: Duration) {
        match link.progress.keep() {
            Ok(()) => {
                self.why = None;
                self.pool.keep(link, place, idle_time);
            }
            Err(why) => self.close(why),
        }
    }

    fn close(mut self, why: Dropped) {
        self.why = Some(why);
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        if let Some(why) = self.why {
            self.pool.count_dropped(why);
        }
    }
}

/// From the end of an answer as it was read until the connection is ready for another request: moments, in which
/// hyper flushes and looks for more bytes. Raised, one that never is holds its place for longer.
const SETTLE: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use std::io::{self, Write as _};
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
    use tokio::net::{TcpListener, TcpStream};

    use super::*;
    use crate::settings::Limits;
    use crate::upstream_pool::UpstreamPools;
    use crate::upstream_socket::UpstreamSocket;

    /// A connection whose other end says something at the last moment: hyper has looked for bytes and found none, and
    /// begins with the second request.
    struct LastMoment {
        socket: UpstreamSocket,
        server: std::net::TcpStream,
        writes: usize,
    }

    impl AsyncRead for LastMoment {
        fn poll_read(
            self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            out: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            Pin::new(&mut self.get_mut().socket).poll_read(cx, out)
        }
    }

    impl AsyncWrite for LastMoment {
        fn poll_write(
            self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            let this = self.get_mut();
            this.writes += 1;
            if this.writes == 2 {
                this.server.write_all(b"x").unwrap();
            }
            Pin::new(&mut this.socket).poll_write(cx, bytes)
        }

        fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.get_mut().socket).poll_flush(cx)
        }

        fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.get_mut().socket).poll_shutdown(cx)
        }
    }

    #[tokio::test]
    async fn a_request_that_hyper_had_begun_with_can_be_had_again_when_no_byte_left() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let upstream = format!("http://{address}").parse().unwrap();
        let pool = UpstreamPools::new(upstream, None, Limits::default()).passes;
        let socket = TcpStream::connect(address).await.unwrap();
        let (mut server, _) = listener.accept().await.unwrap();
        let (socket, progress) = UpstreamSocket::new(socket, false);
        let other_end = server.into_std().unwrap();
        let at_last = other_end.try_clone().unwrap();
        server = TcpStream::from_std(other_end).unwrap();
        let socket = LastMoment { socket, server: at_last, writes: 0 };
        let link = Link::on(socket, progress, &Limits::default()).await.unwrap();

        let deadline = Instant::now() + Duration::from_secs(20);
        let lease = Lease::of_fresh(&pool, pool.place().await.unwrap(), link);
        let answering = async {
            server.read_buf(&mut Vec::new()).await.unwrap();
            server.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
        };
        let (sent, ()) = tokio::join!(lease.send(request(), deadline), answering);
        sent.ok().unwrap().lease.unwrap().finish();
        let place = pool.place().await.unwrap();
        let kept = timeout_at(deadline, async {
            loop {
                match pool.take(false) {
                    Some(kept) => return kept,
                    None => tokio::task::yield_now().await,
                }
            }
        });
        let lease = Lease::of_kept(&pool, place, kept.await.unwrap());
        let Err(NoAnswer::Unsent(unsent)) = lease.send(request(), deadline).await else {
            panic!("no byte had left")
        };
        let (again, expected) = (unsent.request.expect("the request"), request());
        assert_eq!(again.method(), expected.method());
        assert_eq!(again.uri(), expected.uri());
        assert_eq!(again.headers(), expected.headers());
        let body = http_body_util::BodyExt::collect(again.into_body()).await.unwrap();
        assert_eq!(body.to_bytes(), "body");
    }

    fn request() -> Request<Content> {
        let request = Request::builder().method("POST").uri("/a").header("x-a", "1");
        request.body(Content::whole(b"body".to_vec())).unwrap()
    }
}
