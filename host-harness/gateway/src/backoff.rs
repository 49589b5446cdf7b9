//! How long a place rests before a dead instance is replaced.

use std::time::Duration;

/// Rests that double with every early death, so that an instance which traps at will costs little.
pub(crate) struct Backoff {
    deaths: u32,
}

impl Backoff {
    pub(crate) fn new() -> Self {
        Self { deaths: 0 }
    }

    /// An instance died after `age`. One that grew old is forgiven all deaths before.
    pub(crate) fn lived(&mut self, age: Duration) {
        if age >= OLD {
            self.deaths = 0;
        }
    }

    /// How long to rest before the next try: nothing after the first death.
    pub(crate) fn rest(&mut self) -> Duration {
        let deaths = self.deaths;
        self.deaths = deaths.saturating_add(1);
        match deaths.checked_sub(1) {
            None => Duration::ZERO,
            Some(doublings) => FIRST.saturating_mul(2_u32.saturating_pow(doublings)).min(LONGEST),
        }
    }
}

/// The first rest. Making an instance takes about a millisecond; raised, one bug costs more requests.
const FIRST: Duration = Duration::from_millis(50);

/// The longest rest: a guest that always traps is started this often, at well under one percent of a
/// core. Raised, a gateway recovers later from what made its instances die.
const LONGEST: Duration = Duration::from_secs(5);

/// The age from which a death says nothing about the next instance. Lowered to `LONGEST` or less, a
/// guest that always traps would now and then be restarted at once.
const OLD: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rests_double_up_to_a_bound_and_an_old_instance_resets_them() {
        let mut backoff = Backoff::new();
        let mut rests = |age: u64| {
            backoff.lived(Duration::from_secs(age));
            u64::try_from(backoff.rest().as_millis()).unwrap()
        };
        let young: Vec<u64> = (0..10).map(|_| rests(0)).collect();
        assert_eq!(young, [0, 50, 100, 200, 400, 800, 1600, 3200, 5000, 5000]);
        assert_eq!((rests(29), rests(30), rests(0)), (5000, 0, 50));
        backoff.deaths = u32::MAX;
        assert_eq!(backoff.rest(), LONGEST, "no overflow");
    }
}
