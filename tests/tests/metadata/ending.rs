//! The ways in which a request of the gate's can end.

use std::fmt;

/// How a request ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// As the tenant answers it.
    Answered,
    /// No byte left the gateway.
    NotSent,
    /// No answer came.
    Lost(Effect),
    /// Somebody answered with this status, the tenant or a server before it.
    Status(Effect, Refusal),
    /// 200, and a body that is not the API's.
    Garbage(Effect),
    /// The head came, and then nothing.
    NoBody(Effect, u16),
    /// The gateway's process died.
    Died(Effect),
    /// The client went away meanwhile.
    ClientLeft,
    /// Answered with what the account held before its last change.
    Stale,
    /// Answered, and something on the way will send it once more.
    Twice,
    /// It has its effect, and the answer shows what was there before.
    OldState,
}

/// The outcome of a request at the tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// It never gets there.
    None,
    /// It has its effect, and then the rest happens.
    Now,
    /// It will have it at some point, or never.
    Late,
}

/// An answer that is not the tenant's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) more: More,
}

/// What comes with a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum More {
    Nothing,
    /// `inexistent_user`, though the user is there.
    Inexistent,
    /// `Retry-After`, in seconds.
    RetryAfter(u32),
    /// `X-RateLimit-Reset`, so many seconds from now.
    Reset(u32),
}

/// What is being asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Read,
    Write,
    Link,
}

impl Ending {
    /// Every way a request of this kind can end but for the one without a fault.
    pub(crate) fn faults(kind: Kind) -> &'static [Ending] {
        match kind {
            Kind::Read => &READ,
            Kind::Write => &WRITE,
            Kind::Link => &LINK,
        }
    }

    /// The same for a gateway beside the one whose history it is.
    pub(crate) fn faults_of_others(kind: Kind) -> &'static [Ending] {
        match kind {
            Kind::Read => &OTHERS_READ,
            Kind::Write => &OTHERS_WRITE,
            Kind::Link => &OTHERS_LINK,
        }
    }
}

const fn status(effect: Effect, status: u16) -> Ending {
    Ending::Status(effect, Refusal { status, more: More::Nothing })
}

const fn with(status: u16, more: More) -> Ending {
    Ending::Status(Effect::None, Refusal { status, more })
}

/// What a server may say that has done nothing.
const fn refused(nth: usize) -> Ending {
    match nth {
        0 => status(Effect::None, 400),
        1 => status(Effect::None, 401),
        2 => status(Effect::None, 403),
        3 => status(Effect::None, 404),
        4 => with(404, More::Inexistent),
        5 => status(Effect::None, 408),
        6 => status(Effect::None, 409),
        7 => status(Effect::None, 413),
        8 => status(Effect::None, 422),
        9 => status(Effect::None, 429),
        10 => with(429, More::RetryAfter(2)),
        11 => with(429, More::RetryAfter(3600)),
        12 => with(429, More::Reset(2)),
        13 => status(Effect::None, 500),
        14 => status(Effect::None, 302),
        _ => status(Effect::None, 202),
    }
}

const REFUSALS: usize = 16;

/// The refusals, and then `more`.
const fn and<const N: usize>(more: &[Ending]) -> [Ending; N] {
    assert!(N == REFUSALS + more.len(), "an ending is left out");
    let mut all = [Ending::NotSent; N];
    let mut nth = 0;
    while nth < N {
        all[nth] = if nth < REFUSALS { refused(nth) } else { more[nth - REFUSALS] };
        nth += 1;
    }
    all
}

static READ: [Ending; REFUSALS + 8] = and(&[
    Ending::Stale,
    Ending::NotSent,
    Ending::Lost(Effect::None),
    Ending::Garbage(Effect::None),
    Ending::NoBody(Effect::None, 200),
    Ending::NoBody(Effect::None, 500),
    Ending::Died(Effect::None),
    Ending::ClientLeft,
]);

static WRITE: [Ending; REFUSALS + 19] = and(&[
    Ending::Twice,
    Ending::OldState,
    Ending::NotSent,
    Ending::Lost(Effect::None),
    Ending::Lost(Effect::Now),
    Ending::Lost(Effect::Late),
    status(Effect::Now, 500),
    status(Effect::Late, 500),
    status(Effect::Now, 408),
    status(Effect::Now, 302),
    status(Effect::Now, 202),
    Ending::Garbage(Effect::None),
    Ending::Garbage(Effect::Now),
    Ending::NoBody(Effect::None, 200),
    Ending::NoBody(Effect::Now, 200),
    Ending::NoBody(Effect::Late, 500),
    Ending::Died(Effect::None),
    Ending::Died(Effect::Now),
    Ending::ClientLeft,
]);

/// What other gateways meet: as much as matters to those beside them.
static OTHERS_READ: [Ending; 1] = [Ending::Died(Effect::None)];
static OTHERS_WRITE: [Ending; 3] =
    [Ending::Lost(Effect::Late), Ending::Twice, Ending::Died(Effect::Now)];
static OTHERS_LINK: [Ending; 4] = [
    status(Effect::None, 403),
    Ending::Lost(Effect::Now),
    Ending::Lost(Effect::Late),
    Ending::Died(Effect::Now),
];

static LINK: [Ending; REFUSALS + 19] = and(&[
    // Something on the way says so, and nothing was linked.
    status(Effect::None, 201),
    status(Effect::Late, 201),
    Ending::Twice,
    Ending::NotSent,
    Ending::Lost(Effect::None),
    Ending::Lost(Effect::Now),
    Ending::Lost(Effect::Late),
    status(Effect::Now, 500),
    status(Effect::Late, 500),
    status(Effect::Now, 408),
    status(Effect::Now, 302),
    status(Effect::Now, 202),
    // A proxy sent it twice, and this is the second answer.
    status(Effect::Now, 409),
    status(Effect::Now, 404),
    Ending::Garbage(Effect::None),
    Ending::Garbage(Effect::Now),
    Ending::Died(Effect::None),
    Ending::Died(Effect::Now),
    Ending::ClientLeft,
]);

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answered => f.write_str("answered"),
            Self::NotSent => f.write_str("not sent"),
            Self::Lost(effect) => write!(f, "no answer, {effect}"),
            Self::Status(effect, refusal) => {
                write!(f, "{}", refusal.status)?;
                match refusal.more {
                    More::Nothing => {}
                    More::Inexistent => f.write_str(" inexistent_user, which is not so")?,
                    More::RetryAfter(seconds) => write!(f, " with Retry-After {seconds}")?,
                    More::Reset(seconds) => write!(f, " with X-RateLimit-Reset in {seconds} s")?,
                }
                write!(f, ", {effect}")
            }
            Self::Garbage(effect) => write!(f, "200 and garbage, {effect}"),
            Self::NoBody(effect, status) => write!(f, "{status} without its body, {effect}"),
            Self::Died(effect) => write!(f, "the gateway died, {effect}"),
            Self::ClientLeft => f.write_str("answered, and the client has left"),
            Self::Stale => f.write_str("answered with what was there before"),
            Self::Twice => f.write_str("answered, and it comes once more later"),
            Self::OldState => f.write_str("the effect, and an answer from before it"),
        }
    }
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "without effect",
            Self::Now => "after the effect",
            Self::Late => "the effect is still to come",
        })
    }
}
