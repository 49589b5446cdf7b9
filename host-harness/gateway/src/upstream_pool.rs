//! Connections to the upstream, kept for the requests that follow.
//!
//! ```text
//!  place ─▶ one with room for a stream (HTTP/2) ─▶ Slot
//!    │      or an idle one, used last ──▶ Lease ─▶ the answer is whole, and nothing speaks against it ─▶ idle
//!    │        └─ none fit: a fresh one ─┘  └──▶ anything else: closed
//!    └─ at most so many at once: the next waits
//! ```
//!
//! There are three pools, which never mix. Who can choose bytes of what is passed on, and of its answers, can at
//! most confuse what else is passed on: no guarded request and no call of the policy's own is on such a connection.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep, timeout_at};

use crate::http2_link::{Http2Link, OLDEST};
use crate::http2_links::Http2Links;
use crate::link::Link;
use crate::reuse::{Dropped, DroppedCounts};
use crate::settings::Limits;
use crate::tls::{Tls, is_http2};
use crate::upstream::Upstream;
use crate::upstream_socket::UpstreamSocket;

/// The pools of an upstream, by what is sent.
pub(crate) struct UpstreamPools {
    /// Guarded requests.
    pub(crate) forwards: Arc<UpstreamPool>,
    /// The policy's own calls.
    pub(crate) calls: Arc<UpstreamPool>,
    /// Requests that are passed on.
    pub(crate) passes: Arc<UpstreamPool>,
    round: Arc<Round>,
}

/// When idle connections are looked through next, to close those that were idle for too long.
struct Round {
    began: Instant,
    /// Milliseconds since then; the largest number while it is not known.
    next: AtomicU64,
    /// One is kept that may be idle for less.
    sooner: Notify,
}

/// Where connections lead, and how they are made.
struct Route {
    upstream: Upstream,
    tls: Option<Tls>,
    limits: Limits,
}

/// One of the pools.
pub(crate) struct UpstreamPool {
    route: Arc<Route>,
    /// For connections in use. With the idle ones they are never more than may be open.
    places: Arc<Semaphore>,
    /// The one used last is at the end.
    idle: Mutex<Vec<Idle>>,
    /// Of HTTP/2, in use or idle.
    http2: Http2Links,
    round: Arc<Round>,
    /// One is idle now: for a request that waits for a fresh one.
    returned: Notify,
    is_closed: AtomicBool,
    counts: Counts,
}

struct Idle {
    link: Link,
    since: Instant,
    until: Instant,
}

#[derive(Default)]
struct Counts {
    opened: AtomicU64,
    opened_http2: AtomicU64,
    reused: AtomicU64,
    dropped: DroppedCounts,
}

/// What is known of the connections of one pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpstreamConnections {
    /// What is sent on them: `forward`, `call` or `pass`.
    pub kind: &'static str,
    /// Now with a request on them.
    pub in_use: usize,
    /// Now without.
    pub idle: usize,
    /// Connections that were made.
    pub opened: u64,
    /// Of these, the ones over HTTP/2.
    pub opened_http2: u64,
    /// Requests that were given a connection that had carried another.
    pub reused: u64,
    /// Connections that ended, by why.
    pub dropped: Vec<(Dropped, u64)>,
}

impl UpstreamPools {
    pub(crate) fn new(upstream: Upstream, tls: Option<Tls>, limits: Limits) -> Self {
        let route = Arc::new(Route { upstream, tls, limits });
        let round = Arc::new(Round::new());
        let pool = || Arc::new(UpstreamPool::new(Arc::clone(&route), Arc::clone(&round)));
        Self { forwards: pool(), calls: pool(), passes: pool(), round }
    }

    /// Closes what was idle for too long, for as long as it is polled.
    pub(crate) async fn tend(&self) {
        loop {
            self.round.look();
            let next = self.each().into_iter().filter_map(|(_, pool)| pool.expire()).min();
            self.round.wait(next).await;
        }
    }

    /// Closes all that are idle, and keeps no more.
    pub(crate) fn close(&self) {
        for (_, pool) in self.each() {
            pool.is_closed.store(true, Ordering::Release);
            for _idle in pool.idle().drain(..) {
                pool.counts.dropped.add(Dropped::Stopped);
            }
            // The requests on them keep them open until they end.
            pool.http2.retire_all(Dropped::Stopped, &pool.counts.dropped);
        }
    }

    pub(crate) fn by_kind(&self) -> Vec<UpstreamConnections> {
        self.each().map(|(kind, pool)| pool.counted(kind)).to_vec()
    }

    fn each(&self) -> [(&'static str, &UpstreamPool); 3] {
        [("forward", &self.forwards), ("call", &self.calls), ("pass", &self.passes)]
    }
}

impl Round {
    fn new() -> Self {
        Self { began: Instant::now(), next: AtomicU64::new(u64::MAX), sooner: Notify::new() }
    }

    /// The connections are about to be looked through: what is kept from here on may come too late for that.
    fn look(&self) {
        self.next.store(u64::MAX, Ordering::SeqCst);
    }

    /// Waits until then, or until one is kept that may be idle for less.
    async fn wait(&self, next: Option<Instant>) {
        let Some(next) = next else { return self.sooner.notified().await };
        self.next.store(self.since_began(next), Ordering::SeqCst);
        let _sooner = timeout_at(next, self.sooner.notified()).await;
    }

    /// One is kept until then. As a rule those before it end earlier, and nothing has to be woken.
    fn kept(&self, until: Instant) {
        if self.since_began(until) < self.next.load(Ordering::SeqCst) {
            self.sooner.notify_one();
        }
    }

    fn since_began(&self, moment: Instant) -> u64 {
        let since = moment.saturating_duration_since(self.began);
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }
}

impl UpstreamPool {
    fn new(route: Arc<Route>, round: Arc<Round>) -> Self {
        let places = Arc::new(Semaphore::new(route.limits.upstream_connections.get()));
        let (is_closed, counts) = (AtomicBool::new(false), Counts::default());
        let (idle, http2, returned) = (Mutex::default(), Http2Links::default(), Notify::new());
        Self { route, places, idle, http2, round, returned, is_closed, counts }
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.route.limits
    }

    /// Waits until one more connection may be in use.
    pub(crate) async fn place(&self) -> io::Result<Place> {
        let permit = Arc::clone(&self.places).acquire_owned().await.map_err(io::Error::other)?;
        Ok(Place { _permit: permit })
    }

    /// A connection that was kept.
    pub(crate) fn kept(self: &Arc<Self>, wanted: Wanted) -> Option<Connection> {
        let slot = self.slot(wanted).map(Connection::Http2);
        slot.or_else(|| self.take(wanted.recent).map(Connection::Kept))
    }

    /// A kept connection of HTTP/2.
    fn slot(self: &Arc<Self>, wanted: Wanted) -> Option<Slot> {
        if wanted.alone {
            return None;
        }
        let link = self.http2.begin(wanted.recent, self.limits(), &self.counts.dropped)?;
        self.counts.reused.fetch_add(1, Ordering::Relaxed);
        Some(Slot::new(self, &link, false))
    }

    /// A connection takes no further request.
    pub(crate) fn retire(&self, link: &Arc<Http2Link>, why: Dropped) {
        self.http2.retire(link, why, &self.counts.dropped);
    }

    /// A request has left its connection to the next.
    pub(crate) fn left(&self) {
        self.round.kept(Instant::now() + self.limits().upstream_idle);
        self.returned.notify_one();
    }

    /// The idle connection that was used last, unless it is `recent` that is wanted and that is not.
    pub(crate) fn take(&self, recent: bool) -> Option<Link> {
        let now = Instant::now();
        let mut idle = self.idle();
        while let Some(last) = idle.pop() {
            if let Some(why) = last.refused(now) {
                self.counts.dropped.add(why);
                continue;
            }
            if recent && now - last.since > self.limits().upstream_recent {
                idle.push(last);
                break;
            }
            last.link.progress.ask();
            self.counts.reused.fetch_add(1, Ordering::Relaxed);
            return Some(last.link);
        }
        None
    }

    /// The next that another request leaves behind, once a fresh one takes long. An upstream that accepts fewer than may be open here leaves a request
    /// without a fresh one for as long as those are kept.
    pub(crate) async fn left_behind(self: &Arc<Self>, wanted: Wanted) -> Connection {
        sleep(PATIENCE).await;
        loop {
            self.returned.notified().await;
            if let Some(connection) = self.kept(wanted) {
                return connection;
            }
        }
    }

    /// A fresh connection.
    pub(crate) async fn open(self: &Arc<Self>, wanted: Wanted) -> io::Result<Connection> {
        self.make_room();
        let connection = self.connect(wanted).await?;
        self.counts.opened.fetch_add(1, Ordering::Relaxed);
        Ok(connection)
    }

    async fn connect(self: &Arc<Self>, wanted: Wanted) -> io::Result<Connection> {
        let Route { upstream, tls, limits } = &*self.route;
        let socket = TcpStream::connect((upstream.host(), upstream.port())).await?;
        let Some(tls) = tls else {
            return Link::open(socket, None, limits).await.map(Connection::Fresh);
        };
        socket.set_nodelay(true)?;
        let (socket, progress) = UpstreamSocket::new(socket, true);
        let stream = tls.connect(socket).await?;
        if !is_http2(&stream) {
            return Link::on(stream, progress, limits).await.map(Connection::Fresh);
        }
        let link = Arc::new(Http2Link::on(stream, progress, limits).await?);
        self.counts.opened_http2.fetch_add(1, Ordering::Relaxed);
        Ok(Connection::Http2(self.first(&link, wanted)))
    }

    /// The first request on a connection of HTTP/2. Signed in by it, or with no time to be idle, it is the last.
    fn first(self: &Arc<Self>, link: &Arc<Http2Link>, wanted: Wanted) -> Slot {
        link.try_begin();
        let is_closed = self.is_closed.load(Ordering::Acquire);
        match (wanted.alone, self.limits().upstream_idle.is_zero(), is_closed) {
            (true, _, _) => self.counts.dropped.add(Dropped::SignsIn),
            (false, true, _) => self.counts.dropped.add(Dropped::Idle),
            (false, false, true) => self.counts.dropped.add(Dropped::Stopped),
            (false, false, false) => self.http2.keep(link),
        }
        Slot::new(self, link, true)
    }

    /// Closes idle connections, the oldest first, as far as one more has no room.
    fn make_room(&self) {
        let unused = self.http2.idle();
        let mut idle = self.idle();
        // Under the lock, so that one which is being kept is counted once.
        let room = self.route.limits.upstream_connections.get().saturating_sub(self.in_use());
        let excess = (idle.len() + unused).saturating_sub(room);
        let alone = excess.min(idle.len());
        for _idle in idle.drain(..alone) {
            self.counts.dropped.add(Dropped::Replaced);
        }
        drop(idle);
        self.http2.close_unused(excess - alone, Dropped::Replaced, &self.counts.dropped);
    }

    /// Keeps a connection that is ready for another request.
    pub(crate) fn keep(&self, link: Link, place: Place, idle_time: Duration) {
        let since = Instant::now();
        let until = since + idle_time;
        let idle = Idle { link, since, until };
        let mut kept = self.idle();
        let refused = match idle.refused(since) {
            None if self.is_closed.load(Ordering::Acquire) => Some(Dropped::Stopped),
            refused => refused,
        };
        match refused {
            Some(why) => self.counts.dropped.add(why),
            None => kept.push(idle),
        }
        // Once it is in, so that a request which waited for the place finds the connection; and under the lock.
        drop(place);
        drop(kept);
        self.round.kept(until);
        self.returned.notify_one();
    }

    /// Closes all that are idle.
    pub(crate) fn forget(&self) {
        for _idle in self.idle().drain(..) {
            self.counts.dropped.add(Dropped::Failed);
        }
        self.http2.close_unused(usize::MAX, Dropped::Failed, &self.counts.dropped);
    }

    /// Closes what may be kept no longer. Says when the next is.
    fn expire(&self) -> Option<Instant> {
        let now = Instant::now();
        let unused = self.http2.expire(self.limits(), &self.counts.dropped);
        let mut idle = self.idle();
        idle.retain(|idle| {
            let refused = idle.refused(now);
            refused.inspect(|why| self.counts.dropped.add(*why)).is_none()
        });
        idle.iter().map(|idle| idle.until).chain(unused).min()
    }

    fn counted(&self, kind: &'static str) -> UpstreamConnections {
        self.expire();
        let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
        UpstreamConnections {
            kind,
            in_use: self.in_use(),
            idle: self.idle().len() + self.http2.idle(),
            opened: count(&self.counts.opened),
            opened_http2: count(&self.counts.opened_http2),
            reused: count(&self.counts.reused),
            dropped: self.counts.dropped.all(),
        }
    }

    /// A connection ended that was in use.
    pub(crate) fn count_dropped(&self, why: Dropped) {
        self.counts.dropped.add(why);
    }

    /// Requests on connections, or about to be.
    fn in_use(&self) -> usize {
        let most = self.route.limits.upstream_connections.get();
        most.saturating_sub(self.places.available_permits())
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Idle {
    /// Why it carries no request any more. The system is asked once more when one is written.
    fn refused(&self, now: Instant) -> Option<Dropped> {
        if !self.link.sender.is_ready() {
            return Some(self.link.end());
        }
        if self.until <= now {
            return Some(Dropped::Idle);
        }
        (now - self.link.opened > OLDEST).then_some(Dropped::Old)
    }
}

/// A connection for one request.
pub(crate) enum Connection {
    /// HTTP/1.1: it has carried others, and carries none meanwhile.
    Kept(Link),
    /// The same, and it was opened for this request.
    Fresh(Link),
    /// HTTP/2: a place on it.
    Http2(Slot),
}

impl Connection {
    /// Whether it was opened for this request.
    pub(crate) fn is_fresh(&self) -> bool {
        match self {
            Self::Kept(_) => false,
            Self::Fresh(_) => true,
            Self::Http2(slot) => slot.is_first,
        }
    }
}

/// One request's place on a connection, from before it is sent until its answer has ended.
pub(crate) struct Slot {
    pub(crate) link: Arc<Http2Link>,
    pub(crate) pool: Arc<UpstreamPool>,
    /// Whether the connection was opened for this request.
    is_first: bool,
    /// Whether the request was sent and the answer read, both to their ends.
    pub(crate) is_whole: bool,
}

impl Slot {
    fn new(pool: &Arc<UpstreamPool>, link: &Arc<Http2Link>, is_first: bool) -> Self {
        Self { link: Arc::clone(link), pool: Arc::clone(pool), is_first, is_whole: false }
    }

    /// Its connection takes no further request.
    pub(crate) fn retire(&self) {
        let why = if self.link.is_open() { Dropped::Failed } else { Dropped::Ended };
        self.pool.retire(&self.link, why);
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.link.end(self.is_whole);
        self.pool.left();
    }
}

/// What a request asks of its connection.
#[derive(Clone, Copy)]
pub(crate) struct Wanted {
    /// It must not be sent twice: a connection that was used a moment ago, or a fresh one.
    pub(crate) recent: bool,
    /// It signs its connection in: on HTTP/2, one that carries no other.
    pub(crate) alone: bool,
}

/// One of the connections that may be in use at once.
pub(crate) struct Place {
    _permit: OwnedSemaphorePermit,
}

/// For a connection to be made. Lowered, some are given up that were nearly made, and the upstream sees more of them.
const PATIENCE: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    /// A pool with an idle connection, which was used so long ago and made so long ago, and its other end.
    async fn pool(used: Duration, made: Duration) -> (Arc<UpstreamPool>, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let upstream = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let pools = UpstreamPools::new(upstream, None, Limits::default());
        let pool = pools.forwards;
        let socket = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let mut link = Link::open(socket, None, &Limits::default()).await.unwrap();
        let (server, _) = listener.accept().await.unwrap();
        assert!(link.settle().await, "a fresh connection");
        let now = Instant::now();
        link.opened = now.checked_sub(made).unwrap();
        let since = now.checked_sub(used).unwrap();
        pool.idle().push(Idle { link, since, until: since + Duration::from_secs(4) });
        (pool, server)
    }

    #[tokio::test]
    async fn a_request_that_must_not_go_twice_takes_no_connection_that_was_idle_for_long() {
        let seconds = Duration::from_secs;
        for (row, used, made, recent, taken, dropped) in [
            ("just used", seconds(0), seconds(9), true, true, None),
            ("a while ago", seconds(2), seconds(9), true, false, None),
            ("a while ago, for a read", seconds(2), seconds(9), false, true, None),
            ("too long ago", seconds(5), seconds(9), false, false, Some(Dropped::Idle)),
            ("old", seconds(0), seconds(301), false, false, Some(Dropped::Old)),
        ] {
            let (pool, _server) = pool(used, made).await;
            assert_eq!(pool.take(recent).is_some(), taken, "{row}");
            let left = usize::from(!taken && dropped.is_none());
            assert_eq!(pool.idle().len(), left, "{row}");
            let counted = pool.counted("forward").dropped;
            let counted = counted.iter().find(|(_, count)| *count > 0).map(|(why, _)| *why);
            assert_eq!(counted, dropped, "{row}");
        }
    }

    #[tokio::test]
    async fn a_fresh_connection_takes_the_room_of_the_one_that_was_idle_for_longest() {
        let (pool, _server) = pool(Duration::from_secs(2), Duration::ZERO).await;
        let most = Limits::default().upstream_connections.get();
        let mut places = Vec::new();
        for _ in 1..most {
            places.push(pool.place().await.unwrap());
        }
        pool.make_room();
        assert_eq!(pool.idle().len(), 1, "there is room for one");
        places.push(pool.place().await.unwrap());
        pool.make_room();
        assert_eq!(pool.idle().len(), 0);
    }

    #[tokio::test]
    async fn nothing_is_kept_once_it_is_closed() {
        let (pool, _server) = pool(Duration::ZERO, Duration::ZERO).await;
        let place = pool.place().await.unwrap();
        let idle = pool.idle().pop().unwrap();
        pool.is_closed.store(true, Ordering::Release);
        pool.keep(idle.link, place, Duration::from_secs(4));
        assert_eq!(pool.idle().len(), 0);
        assert_eq!(pool.in_use(), 0);
    }
}
