//! A toggles file and the people who come. In: YAML. Out: who gets which variant.

use burgee::{
    config,
    engine::{
        Decisions, Snapshot,
        request::{EvaluationContext, Input},
        units::Second,
    },
};

/// A toggles file in force.
pub struct World(pub Snapshot, Decisions);

impl World {
    /// The features of a file, each a line of YAML, everything under one `features:`.
    pub fn of(features: &str) -> World {
        World::file(&format!("version: 1\nfeatures:\n{features}\n"))
    }

    /// A whole file.
    pub fn file(text: &str) -> World {
        let loaded = config::compile_texts(
            &[config::Text {
                name: "world.yaml".into(),
                bytes: text.into(),
            }],
            &|_| None,
            Second(0),
        );
        World(
            loaded
                .unwrap_or_else(|problems| panic!("{problems}\n{text}"))
                .0,
            Decisions::default(),
        )
    }

    /// The variant of every feature, in the order of the file, for this user.
    pub fn variants(&mut self, user: &str) -> Vec<&str> {
        self.at(user, Second(0))
    }

    /// The same at an instant.
    pub fn at(&mut self, user: &str, now: Second) -> Vec<&str> {
        let context = EvaluationContext {
            user: Some(user.to_owned()),
            ..EvaluationContext::default()
        };
        self.0
            .decide(Input::Context(&context), now, None, &mut self.1);
        self.0
            .features()
            .map(|(index, _, feature)| {
                self.1.by_feature[index]
                    .map_or("", |decision| &*feature.variant(decision.variant).name)
            })
            .collect()
    }
}

/// Ids as systems make them.
pub fn ids(kind: &str, count: u64) -> impl Iterator<Item = String> {
    let kind = kind.to_owned();
    (0..count).map(move |number| match &*kind {
        "sequential" => number.to_string(),
        "user-000000" => format!("user-{number:06}"),
        "uuid" => {
            // a fixed stream of 128 bits, in the shape of a version 4 UUID
            let (high, low) = (mix(2 * number), mix(2 * number + 1));
            let bits = u128::from(high) << 64 | u128::from(low);
            let hex = format!("{bits:032x}");
            format!(
                "{}-{}-4{}-a{}-{}",
                &hex[..8],
                &hex[8..12],
                &hex[13..16],
                &hex[17..20],
                &hex[20..]
            )
        }
        "e-mail" => format!(
            "{}.{}@example.com",
            ["ann", "bo", "carol", "dirk"][(number % 4) as usize],
            number
        ),
        "ip" => format!(
            "10.{}.{}.{}",
            number >> 16 & 255,
            number >> 8 & 255,
            number & 255
        ),
        other => panic!("no ids of kind {other}"),
    })
}

/// splitmix64: a fixed stream of bits that has nothing to do with the hash under test.
fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
