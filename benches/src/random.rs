//! Numbers that look random and are the same in every run.

/// A generator of 64 bits at a time (xorshift with a multiplication).
pub struct Random(u64);

impl Random {
    /// A generator that begins with `seed`.
    pub fn new(seed: u64) -> Self {
        Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// A number from 0 to 1.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Shuffles a slice.
    pub fn shuffle<T>(&mut self, slice: &mut [T]) {
        for end in (1..slice.len()).rev() {
            slice.swap(end, (self.bits() % (end as u64 + 1)) as usize);
        }
    }
}

/// Numbers below `count`, of which the one of rank `r` is drawn with a probability in proportion to `1 / r^exponent`.
pub struct Zipf {
    cumulated: Vec<f64>,
}

impl Zipf {
    /// The distribution over `count` numbers.
    pub fn new(count: usize, exponent: f64) -> Self {
        let weights = (1..=count).scan(0.0, |sum, rank| {
            *sum += (rank as f64).powf(-exponent);
            Some(*sum)
        });
        Zipf {
            cumulated: weights.collect(),
        }
    }

    /// Draws a number.
    pub fn draw(&self, random: &mut Random) -> u64 {
        let total = self.cumulated.last().copied().unwrap_or_default();
        let place = random.unit() * total;
        self.cumulated.partition_point(|&sum| sum <= place) as u64
    }
}
