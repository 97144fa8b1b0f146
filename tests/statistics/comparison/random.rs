//! Random numbers from a seed, so that every run is the same: uniform, lognormal, beta, Poisson.

/// SplitMix64 (Steele, Lea and Flood, 2014).
pub struct Random(pub u64);

impl Random {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to 1, neither included.
    pub fn uniform(&mut self) -> f64 {
        ((self.bits() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    /// Below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        ((self.uniform() * end as f64) as usize).min(end - 1)
    }

    /// Box and Muller.
    pub fn normal(&mut self) -> f64 {
        let (u, v) = (self.uniform(), self.uniform());
        (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
    }

    /// With mean `mean` and `a + b = 1`: Johnk's method.
    pub fn beta(&mut self, mean: f64) -> f64 {
        loop {
            let (x, y) = (
                self.uniform().powf(1.0 / mean),
                self.uniform().powf(1.0 / (1.0 - mean)),
            );
            if x + y <= 1.0 && x + y > 0.0 {
                return x / (x + y);
            }
        }
    }
}

/// Poisson numbers of a mean that seldom changes: what it takes an exponential to know is kept.
#[derive(Clone, Copy, Default)]
pub struct Poisson {
    mean: f64,
    /// how likely 0 is
    none: f64,
}

impl Poisson {
    /// By inversion; above 100 a rounded normal one, which differs by less than this simulation can see.
    pub fn draw(&mut self, mean: f64, random: &mut Random) -> u64 {
        if mean <= 0.0 {
            return 0;
        }
        if mean > 100.0 {
            return (mean + mean.sqrt() * random.normal()).round().max(0.0) as u64;
        }
        if mean != self.mean {
            (self.mean, self.none) = (mean, (-mean).exp());
        }
        let (mut k, mut p) = (0_u32, self.none);
        let mut left = random.uniform() - p;
        while left > 0.0 && k < 1_000 {
            k += 1;
            p *= mean / f64::from(k);
            left -= p;
        }
        u64::from(k)
    }
}

#[test]
fn means_and_variances_are_what_they_should_be() {
    let mut random = Random(7);
    let mut check =
        |what: &str, mean: f64, variance: f64, draw: &mut dyn FnMut(&mut Random) -> f64| {
            const N: usize = 40_000;
            let drawn: Vec<f64> = (0..N).map(|_| draw(&mut random)).collect();
            let found = drawn.iter().sum::<f64>() / N as f64;
            let spread = drawn.iter().map(|x| (x - found).powi(2)).sum::<f64>() / N as f64;
            assert!(
                (found - mean).abs() < 5.0 * (variance / N as f64).sqrt(),
                "{what}: {found}"
            );
            assert!((spread / variance - 1.0).abs() < 0.1, "{what}: {spread}");
        };
    for mean in [0.05, 3.0, 80.0, 300.0] {
        check("poisson", mean, mean, &mut |random| {
            Poisson::default().draw(mean, random) as f64
        });
    }
    check("normal", 0.0, 1.0, &mut Random::normal);
    check("uniform", 0.5, 1.0 / 12.0, &mut Random::uniform);
    check("beta", 0.1, 0.1 * 0.9 / 2.0, &mut |random| random.beta(0.1));
}
