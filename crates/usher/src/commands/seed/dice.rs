use usher_domain::Timestamp;
use uuid::{Builder, Uuid};

/// Numbers that look random and are the same each time: SplitMix64 (Steele, Lea and Flood, 2014).
pub(super) struct Dice(u64);

/// What is thrown for. Different things with the same number have nothing in common.
#[derive(Debug, Clone, Copy)]
pub(super) enum Of {
    Person = 0,
    Deed = 1,
    Crowd = 2,
}

impl Dice {
    pub(super) fn new(of: Of, number: u32) -> Self {
        // Far apart, so that one sequence is not another's rest.
        Self(u64::from(number) << 32 | of as u64)
    }

    pub(super) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.roll() % bound
    }

    pub(super) fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    #[expect(clippy::indexing_slicing, reason = "the remainder is below the length, which is not 0")]
    pub(super) fn pick<'a, T, const N: usize>(&mut self, items: &'a [T; N]) -> &'a T {
        const { assert!(N > 0, "there is something to pick") };
        &items[usize::try_from(self.roll() >> 32).unwrap_or_default() % N]
    }

    /// The moment of this number, of so many that follow each other and take that long from the beginning.
    pub(super) fn moment(&mut self, number: u32, of: u32, begin_micros: i64, micros: u64) -> Timestamp {
        let step = micros / u64::from(of.max(1));
        let after = u64::from(number.saturating_sub(1)) * step + self.below(step);
        Timestamp::from_micros(begin_micros + i64::try_from(after).unwrap_or_default())
    }

    /// A UUIDv7 of this moment.
    pub(super) fn uuid(&mut self, at: Timestamp) -> Uuid {
        let random = (u128::from(self.roll()) << 64 | u128::from(self.roll())).to_be_bytes();
        let [_, _, _, _, _, _, random @ ..] = random;
        let millis = u64::try_from(at.as_micros() / 1000).unwrap_or_default();
        Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    }
}
