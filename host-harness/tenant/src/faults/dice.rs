//! Chance that repeats itself.

/// A sequence of numbers that its seed decides: `SplitMix64` (Steele, Lea and Flood, 2014). Good enough for faults, and for
/// nothing that must not be guessed.
#[derive(Debug, Clone, Copy)]
pub struct Dice {
    state: u64,
}

impl Dice {
    /// The sequence of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// Whether the next throw is a hit, at this probability.
    pub fn hits(&mut self, probability: f64) -> bool {
        // The upper half alone: every u32 is exact as an f64.
        let upper = u32::try_from(self.next() >> 32).unwrap_or(u32::MAX);
        f64::from(upper) / TWO_TO_THE_32 < probability
    }

    /// A number below `bound`; 0 when there is none.
    pub fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.next() % bound).unwrap_or_default()
    }

    /// Whether it is the one in so many.
    pub fn one_in(&mut self, many: usize) -> bool {
        self.below(many) == 0
    }

    /// One of these, where there are any.
    pub fn of<T: Copy>(&mut self, all: &[T]) -> Option<T> {
        let at = self.below(all.len());
        all.get(at).copied()
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

/// One more than the largest throw, so that a probability of 1 always hits.
const TWO_TO_THE_32: f64 = 4_294_967_296.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_splitmix64() {
        let mut dice = Dice::new(1_234_567);
        assert_eq!(
            [dice.next(), dice.next(), dice.next()],
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423],
            "the published sequence of seed 1234567"
        );
    }

    #[test]
    fn a_probability_is_about_kept() {
        for (probability, at_least, at_most) in [
            (-1.0, 0, 0),
            (0.0, 0, 0),
            (0.1, 900, 1_100),
            (1.0, 10_000, 10_000),
            (2.0, 10_000, 10_000),
        ] {
            let mut dice = Dice::new(7);
            let hits = (0..10_000).filter(|_| dice.hits(probability)).count();
            assert!((at_least..=at_most).contains(&hits), "{probability}: {hits}");
        }
    }
}
