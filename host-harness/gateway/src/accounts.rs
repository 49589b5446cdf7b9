//! Accounts that exchanges hold, one exchange each at a time: whichever policy they are under.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Mutex as Turn, OwnedMutexGuard};
use tokio::time::{sleep_until, timeout};

/// All accounts that are held or waited for, by their opaque names.
#[derive(Default)]
pub(crate) struct Accounts {
    turns: Mutex<HashMap<String, Arc<Turn<()>>>>,
    /// Until when each of these stays held, although its exchange was closed.
    lingering: Mutex<HashMap<String, Instant>>,
}

/// Others hold an account, or wait for it, for too long.
pub(crate) struct Busy;

/// Accounts that are held until this is dropped.
pub(crate) struct Hold {
    places: [Place; 2],
}

impl Hold {
    /// Stays for so long after its exchange was closed.
    pub(crate) fn linger(self, time: Duration) {
        let [one, other] = &self.places;
        one.accounts.linger([&one.name, &other.name], time);
    }
}

impl Accounts {
    /// Takes both in the order given, which has to be the same for everybody.
    pub(crate) async fn hold(
        self: &Arc<Self>,
        names: [String; 2],
        limit: Duration,
    ) -> Result<Hold, Busy> {
        let [one, other] = names;
        let take = async {
            let one = self.join(one)?.taken().await;
            let other = self.join(other)?.taken().await;
            Ok(Hold { places: [one, other] })
        };
        timeout(limit, take).await.unwrap_or(Err(Busy))
    }

    /// A place in the queue for an account.
    fn join(self: &Arc<Self>, name: String) -> Result<Place, Busy> {
        let mut turns = self.turns();
        let turn = Arc::clone(turns.entry(name.clone()).or_default());
        // The map's, and one or two of each who holds it or waits.
        if Arc::strong_count(&turn) > MOST_HANDLES {
            return Err(Busy);
        }
        Ok(Place { accounts: Arc::clone(self), name, turn: Some(turn), guard: None })
    }

    fn linger(&self, names: [&String; 2], time: Duration) {
        let now = Instant::now();
        let mut lingering = locked(&self.lingering);
        lingering.retain(|_, until| *until > now);
        if !time.is_zero() && lingering.len() + names.len() <= MOST_LINGERING {
            lingering.extend(names.map(|name| (name.clone(), now + time)));
        }
    }

    /// Waits for what lingers.
    async fn rested(&self, name: &str) {
        let until = locked(&self.lingering).get(name).copied();
        if let Some(until) = until {
            sleep_until(until.into()).await;
        }
    }

    fn turns(&self) -> MutexGuard<'_, HashMap<String, Arc<Turn<()>>>> {
        locked(&self.turns)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Somebody who waits for an account, or holds it.
struct Place {
    accounts: Arc<Accounts>,
    name: String,
    turn: Option<Arc<Turn<()>>>,
    guard: Option<OwnedMutexGuard<()>>,
}

impl Place {
    async fn taken(mut self) -> Self {
        if let Some(turn) = &self.turn {
            self.guard = Some(Arc::clone(turn).lock_owned().await);
        }
        self.accounts.rested(&self.name).await;
        self
    }
}

impl Drop for Place {
    /// Who is last forgets the account. Handles are made under the same lock, or from one that a place
    /// has, so that no exchange can be on the way to what is forgotten.
    fn drop(&mut self) {
        let mut turns = self.accounts.turns();
        self.guard = None;
        let last = self.turn.take().is_some_and(|turn| Arc::strong_count(&turn) == 2);
        if last {
            turns.remove(&self.name);
        }
    }
}

/// Of one account: five or more that wait behind the one that holds it. Raised, somebody who links one
/// account many times at once takes more of the places of requests in flight.
const MOST_HANDLES: usize = 12;

/// Accounts that stay held after their exchange. Beyond it none does, as beside another gateway; raised, an
/// upstream that answers no write has the gateway remember more names.
const MOST_LINGERING: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_millis(20);
    const LONG: Duration = Duration::from_secs(20);

    fn names(one: &str, other: &str) -> [String; 2] {
        [one.to_owned(), other.to_owned()]
    }

    #[tokio::test]
    async fn an_account_has_one_holder() {
        let accounts = Arc::new(Accounts::default());
        let held = accounts.hold(names("a", "b"), SOON).await;
        assert!(held.is_ok());
        for (row, taken) in [("both", ("a", "b")), ("first", ("a", "c")), ("second", ("0", "a"))] {
            assert!(accounts.hold(names(taken.0, taken.1), SOON).await.is_err(), "{row}");
        }
        let others = accounts.hold(names("c", "d"), SOON).await;
        assert!(others.is_ok(), "others are free");
        drop((held, others));
        assert!(accounts.hold(names("a", "b"), SOON).await.is_ok(), "free again");
        assert!(accounts.turns().is_empty(), "and forgotten");
    }

    #[tokio::test]
    async fn an_account_may_stay_held_after_its_exchange() {
        let accounts = Arc::new(Accounts::default());
        let hold = || accounts.hold(names("a", "b"), SOON);
        hold().await.ok().unwrap().linger(LONG);
        assert!(hold().await.is_err(), "a write may still have its effect");
        assert!(accounts.hold(names("c", "d"), SOON).await.is_ok(), "others are free");
        assert!(accounts.turns().is_empty(), "all are forgotten");
        let brief = || accounts.hold(names("c", "d"), LONG);
        brief().await.ok().unwrap().linger(SOON);
        assert!(brief().await.is_ok(), "until its time is over");
        brief().await.ok().unwrap().linger(Duration::ZERO);
        assert_eq!(locked(&accounts.lingering).len(), 2, "what is over is forgotten");
        for nth in 0..MOST_LINGERING {
            accounts.linger([&nth.to_string(), &format!("{nth}+")], LONG);
        }
        assert_eq!(locked(&accounts.lingering).len(), MOST_LINGERING, "their number is bounded");
    }

    #[tokio::test]
    async fn who_waits_gets_it_in_turn_and_a_crowd_is_turned_away() {
        let accounts = Arc::new(Accounts::default());
        let held = accounts.hold(names("a", "b"), SOON).await.ok();
        let wait = || {
            let accounts = Arc::clone(&accounts);
            async move { accounts.hold(names("a", "c"), LONG).await.map(drop) }
        };
        let waiting: Vec<_> = (0..20).map(|_| tokio::spawn(wait())).collect();
        // Each has run up to its wait, or to its refusal.
        tokio::task::yield_now().await;
        drop(held);
        let mut served = 0;
        for waiter in waiting {
            served += usize::from(waiter.await.is_ok_and(|taken| taken.is_ok()));
        }
        assert!((4..=10).contains(&served), "{served} of 20 were served");
        assert!(accounts.turns().is_empty(), "all are forgotten");
    }
}
