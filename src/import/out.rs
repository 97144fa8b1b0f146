//! The toggles file as it will be written: what an importer fills in.
//! In: flags of another system, understood. Out: types that [`super::write`] makes text of.

use serde_json::Value;

/// 100% in millionths of a percent.
pub(crate) const WHOLE: u32 = 100_000_000;

/// A toggles file.
#[derive(Debug, Default)]
pub(crate) struct OutFile {
    pub(crate) namespace: Option<String>,
    /// where the user's id comes from, where the other system says so
    pub(crate) user: Vec<String>,
    pub(crate) attributes: Vec<OutAttribute>,
    pub(crate) segments: Vec<(String, When)>,
    pub(crate) features: Vec<OutFeature>,
}

/// An attribute, and where it may come from.
#[derive(Debug)]
pub(crate) struct OutAttribute {
    pub(crate) name: String,
    pub(crate) source: String,
    /// what divides its elements, where it is a list
    pub(crate) split: Option<&'static str>,
    /// a proposal: the other system does not say which header carries it
    pub(crate) to_settle: bool,
}

/// A feature.
#[derive(Debug, Default)]
pub(crate) struct OutFeature {
    pub(crate) name: String,
    /// what a person must look at, a line each
    pub(crate) comments: Vec<String>,
    pub(crate) description: Option<String>,
    pub(crate) metadata: Option<Value>,
    pub(crate) status: Option<&'static str>,
    /// names with values; a name alone where the value is what the name says
    pub(crate) variants: Vec<(String, Option<Value>)>,
    pub(crate) default: String,
    pub(crate) when: Option<When>,
    pub(crate) rules: Vec<OutRule>,
    pub(crate) own: Option<Give>,
    pub(crate) by: Option<String>,
}

/// A rule.
#[derive(Debug)]
pub(crate) struct OutRule {
    pub(crate) name: Option<String>,
    pub(crate) when: Option<When>,
    pub(crate) give: Give,
}

/// Whom something reaches, and what they get.
#[derive(Clone, Debug)]
pub(crate) struct Give {
    pub(crate) rollout: Reach,
    pub(crate) serve: Arms,
    /// none: burgee's own, or nothing is drawn
    pub(crate) draws: Option<OutDraws>,
}

/// How far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    Share(u32),
    /// `rollout` as text that follows the clock
    Clock(String),
}

/// What they get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Arms {
    One(String),
    /// in their order, with shares that add up to 100%
    List(Vec<(String, u32)>),
    /// from, and up to
    Ranges(Vec<(String, u32, u32)>),
    /// burgee's own split
    Map(Vec<(String, u32)>),
}

/// A draw for in or out, and one for which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OutDraws {
    pub(crate) rollout: OutDraw,
    pub(crate) serve: OutDraw,
}

/// `draw`
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OutDraw {
    pub(crate) hash: &'static str,
    pub(crate) before: String,
    pub(crate) after: String,
    pub(crate) seed: u32,
    pub(crate) bits: Option<u16>,
    pub(crate) little: bool,
    pub(crate) signed: bool,
    pub(crate) out_of: Option<u64>,
}

/// A condition.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum When {
    Segment(String),
    All(Vec<When>),
    Any(Vec<When>),
    Not(Box<When>),
    /// an attribute is one of these
    Is(String, Vec<String>),
    /// an attribute under one operator, with one value or several
    Op(String, &'static str, Vec<String>),
    Present(String, bool),
    /// a feature has one of these variants
    Feature(String, Vec<String>),
    /// from, until
    Now(Option<String>, Option<String>),
}

impl OutFeature {
    /// Every share that it gives: of its rules, and its own.
    pub(crate) fn gives(&self) -> impl Iterator<Item = &Give> {
        let rules = self.rules.iter().map(|rule| &rule.give);
        rules.chain(&self.own)
    }

    /// One more way: a rule, or what all others get. Whether others are left.
    #[inline(never)]
    pub(crate) fn add(&mut self, when: Option<When>, give: Give) -> bool {
        match when {
            None => self.own = Some(give),
            when => self.rules.push(OutRule {
                name: None,
                when,
                give,
            }),
        }
        self.own.is_none()
    }

    /// Whether a draw of the other system decides.
    pub(crate) fn is_drawn(&self) -> bool {
        self.gives().any(|give| give.draws.is_some())
    }

    /// Whether burgee's own split decides.
    pub(crate) fn is_split(&self) -> bool {
        self.gives().any(|give| matches!(give.serve, Arms::Map(_)))
    }
}

impl OutDraw {
    pub(crate) fn new(
        hash: &'static str,
        before: impl Into<String>,
        after: impl Into<String>,
    ) -> OutDraw {
        OutDraw {
            hash,
            before: before.into(),
            after: after.into(),
            seed: 0,
            bits: None,
            little: false,
            signed: false,
            out_of: None,
        }
    }

    pub(crate) fn out_of(self, out_of: u64) -> OutDraw {
        OutDraw {
            out_of: Some(out_of),
            ..self
        }
    }

    pub(crate) fn bits(self, bits: u16) -> OutDraw {
        OutDraw {
            bits: Some(bits),
            ..self
        }
    }
}

impl Give {
    /// This variant, to everybody.
    pub(crate) fn one(variant: impl Into<String>) -> Give {
        Give {
            rollout: Reach::Share(WHOLE),
            serve: Arms::One(variant.into()),
            draws: None,
        }
    }

    /// A share gets this variant; at 0% and at 100% nothing is drawn.
    #[inline(never)]
    pub(crate) fn share(share: u32, variant: &str, default: &str, draw: OutDraw) -> Give {
        match share {
            0 => Give::one(default),
            WHOLE => Give::one(variant),
            share => Give {
                rollout: Reach::Share(share),
                serve: Arms::One(variant.into()),
                draws: Some(OutDraws {
                    rollout: draw.clone(),
                    serve: draw,
                }),
            },
        }
    }

    /// Arms that end at these shares, in their order; what is left is the last one's.
    #[inline(never)]
    pub(crate) fn arms(ends: &[(String, u32)], draw: OutDraw) -> Give {
        let mut at = 0;
        let mut arms: Vec<(String, u32)> = Vec::new();
        for (variant, end) in ends {
            let end = (*end).max(at);
            arms.push((variant.clone(), end - at));
            at = end;
        }
        if let Some((_, share)) = arms.last_mut() {
            *share += WHOLE - at;
        }
        if let Some((only, _)) = arms.iter().find(|(_, share)| *share == WHOLE) {
            return Give::one(only.clone());
        }
        arms.retain(|(_, share)| *share > 0);
        Give {
            rollout: Reach::Share(WHOLE),
            serve: Arms::List(arms),
            draws: Some(OutDraws {
                rollout: draw.clone(),
                serve: draw,
            }),
        }
    }

    /// Half-open ranges; what is in none gets the default.
    #[inline(never)]
    pub(crate) fn ranges(ranges: Vec<(String, u32, u32)>, draw: OutDraw) -> Give {
        if let [(variant, 0, WHOLE)] = &ranges[..] {
            return Give::one(variant.clone());
        }
        Give {
            rollout: Reach::Share(WHOLE),
            serve: Arms::Ranges(ranges),
            draws: Some(OutDraws {
                rollout: draw.clone(),
                serve: draw,
            }),
        }
    }

    /// The variants that it may give.
    #[inline(never)]
    pub(crate) fn variants(&self) -> Vec<&str> {
        match &self.serve {
            Arms::One(one) => vec![one],
            Arms::List(arms) | Arms::Map(arms) => arms.iter().map(|(name, _)| &**name).collect(),
            Arms::Ranges(ranges) => ranges.iter().map(|(name, ..)| &**name).collect(),
        }
    }
}

impl When {
    #[inline(never)]
    pub(crate) fn not(self) -> When {
        match self {
            When::Not(one) => *one,
            When::Present(name, is) => When::Present(name, !is),
            one => When::Not(Box::new(one)),
        }
    }

    /// Every one; none where there is nothing to ask.
    #[inline(never)]
    pub(crate) fn all(mut some: Vec<When>) -> Option<When> {
        match some.len() {
            0 => None,
            1 => some.pop(),
            _ => Some(When::All(some)),
        }
    }

    /// Any of them; there is at least one.
    #[inline(never)]
    pub(crate) fn any(mut some: Vec<When>) -> When {
        match some.len() {
            1 => some.remove(0),
            _ => When::Any(some),
        }
    }

    /// Both, where both are there.
    #[inline(never)]
    pub(crate) fn and(one: Option<When>, other: Option<When>) -> Option<When> {
        When::all(one.into_iter().chain(other).collect())
    }
}
