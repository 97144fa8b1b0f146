//! How another system drew: `draw`, and what may be written under it.
//! In: `draw`, and `serve` and `buckets` beside it. Out: draws whose numbers are proved to be in their range, and whose arms they are.

use super::compiler::Compiler;
use crate::config::{
    file, map,
    phrases::{did_you_mean, one_of, quote},
    tree::{Entry, Kind, Node, Position},
};
use crate::engine::{
    imported::{Hash, ImportedDraw, ImportedDraws},
    model::{Allocation, FeatureIndex, Serve},
    schedule::Rollout,
    units::Share,
};

/// Stands for what is drawn by.
const UNIT: &str = "{unit}";
/// How long a text may be: it is hashed for every request.
const LONGEST_TEXT: usize = 1_024;
/// How many arms a list may have.
const MOST_ARMS: usize = 1_000;

impl<'t> Compiler<'t, '_> {
    /// One draw for both, or one for each.
    pub(super) fn draws(&mut self, entry: &'t Entry<'t>) -> Option<ImportedDraws> {
        let keys = map::entries(&entry.value, "`draw`", self.problems)?;
        let is_pair = |entry: &Entry<'_>| matches!(&*entry.key, "rollout" | "serve");
        if !keys.iter().any(is_pair) {
            let draw = self.one_draw(entry)?;
            return Some(ImportedDraws {
                rollout: draw.clone(),
                serve: draw,
            });
        }
        let pair = file::Draws::read(&entry.value, self.problems)?;
        if pair.rollout.is_none() || pair.serve.is_none() {
            self.problems.error(
                entry.key_at,
                "a draw for each needs both `rollout` and `serve`",
                "write both, or one draw: `draw: {hash: sha1, text: \"checkout.{unit}\", bits: 60}`",
            );
        }
        let [rollout, serve] =
            [pair.rollout, pair.serve].map(|entry| entry.and_then(|entry| self.one_draw(entry)));
        Some(ImportedDraws {
            rollout: rollout?,
            serve: serve?,
        })
    }

    fn one_draw(&mut self, entry: &'t Entry<'t>) -> Option<ImportedDraw> {
        let draw = file::Draw::read(&entry.value, self.problems)?;
        let before = self.problems.errors();
        let example = "write `{hash: sha1, text: \"checkout.{unit}\", bits: 60}`";
        for (name, found) in [("hash", draw.hash), ("text", draw.text)] {
            if found.is_none() {
                let message = format!("the draw has no {}", quote(name));
                self.problems.error(entry.key_at, message, example);
            }
        }
        let hash = draw.hash.and_then(|entry| self.hash(entry));
        let text = draw.text.and_then(|entry| self.draw_text(entry));
        let seed = draw.seed.and_then(|entry| self.seed(entry, hash));
        let width = hash.map_or(256, Hash::width);
        let bits = draw.bits.and_then(|entry| {
            let bits = self.whole_number(entry, 1..=u64::from(width), "bits")?;
            u16::try_from(bits).ok()
        });
        let little = draw
            .order
            .and_then(|entry| self.choice(entry, &["big", "little"]))
            == Some("little");
        let signed = draw.signed.and_then(|entry| self.boolean(entry)) == Some(true);
        let bits = bits.unwrap_or(width);
        if little && bits % 8 != 0 {
            let at = draw.bits.map_or(entry.key_at, |entry| entry.value.at);
            self.problems.error(
                at,
                "`order: little` is of whole bytes",
                "write `bits` as a multiple of 8",
            );
        }
        if let (true, Some(at)) = (signed, draw.signed.map(|entry| entry.key_at)) {
            if width != 32 {
                self.problems
                    .error(at, "only a hash of 32 bits can be `signed`", "leave it out");
            } else if draw.bits.is_some() || draw.order.is_some() {
                self.problems.error(
                    at,
                    "`signed` does not go with `bits` or `order`",
                    "the whole hash is the number",
                );
            }
        }
        let largest = match (signed, bits) {
            (true, _) => 1 << 31,
            (false, 63..) => i64::MAX as u64,
            (false, bits) => 1 << bits,
        };
        let out_of = draw
            .out_of
            .and_then(|entry| self.whole_number(entry, 1..=largest, "out-of"));
        if self.problems.errors() > before {
            return None;
        }
        let (front, back) = text?.split_once(UNIT)?;
        Some(ImportedDraw {
            hash: hash?,
            before: front.into(),
            after: back.into(),
            seed: seed.unwrap_or(0),
            bits,
            little,
            signed,
            out_of,
        })
    }

    fn hash(&mut self, entry: &'t Entry<'t>) -> Option<Hash> {
        let known = || Hash::ALL.into_iter().map(Hash::name);
        let text = self.text(entry, &one_of(known()))?;
        let hash = Hash::ALL.into_iter().find(|hash| hash.name() == text);
        if hash.is_none() {
            let plain = text.to_ascii_lowercase().replace(['-', '_', ' '], "");
            let hint = match &*plain {
                "murmurhash3" | "murmur332" | "murmur3x8632" | "murmur" => {
                    "write `murmur3`".to_owned()
                }
                "murmurhash2" => "write `murmur2`".to_owned(),
                "fnv" | "fnv1a32" | "fnv32a" => "write `fnv1a`".to_owned(),
                "xxhash32" => "write `xxh32`".to_owned(),
                "murmur3signed" => "write `hash: murmur3` and `signed: true`".to_owned(),
                plain => did_you_mean(plain, known()),
            };
            let message = format!("{} is not one of {}", quote(text), one_of(known()));
            self.problems.error(entry.value.at, message, hint);
        }
        hash
    }

    fn draw_text(&mut self, entry: &'t Entry<'t>) -> Option<&'t str> {
        let text = self.text(entry, "a text with `{unit}` in it")?;
        let (message, hint) = match text.matches(UNIT).count() {
            1 if text.len() > LONGEST_TEXT => (
                format!("the text is longer than {LONGEST_TEXT} bytes"),
                "it is hashed for every request: make it shorter",
            ),
            1 => return Some(text),
            0 => (
                format!("there is no `{UNIT}` in {}", quote(text)),
                "it stands for the user, or for what `by` names: `checkout.{unit}`",
            ),
            _ => (
                format!("`{UNIT}` is more than once in {}", quote(text)),
                "keep one of them",
            ),
        };
        self.problems.error(entry.value.at, message, hint);
        None
    }

    fn seed(&mut self, entry: &'t Entry<'t>, hash: Option<Hash>) -> Option<u32> {
        if let Some(hash) = hash.filter(|hash| !hash.has_seed()) {
            self.problems.error(
                entry.key_at,
                format!("{} has no seed", quote(hash.name())),
                "leave it out, or put it into `text` where the other system does so",
            );
            return None;
        }
        if let Some(negative) = entry.value.text().and_then(|text| text.parse::<i32>().ok())
            && negative < 0
        {
            self.problems.error(
                entry.value.at,
                format!("the seed {negative} is negative"),
                format!("write it without a sign: {}", negative as u32),
            );
            return None;
        }
        let seed = self.whole_number(entry, 0..=u64::from(u32::MAX), "a seed")?;
        u32::try_from(seed).ok()
    }

    fn whole_number(
        &mut self,
        entry: &'t Entry<'t>,
        range: std::ops::RangeInclusive<u64>,
        what: &str,
    ) -> Option<u64> {
        let (least, most) = (range.start(), range.end());
        let wanted = format!("a whole number from {least} to {most}");
        let text = self.text(entry, &wanted)?;
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text
            .parse()
            .ok()
            .filter(|number| digits && range.contains(number));
        if number.is_none() {
            let message = format!("{} is no number for {}", quote(text), quote(what));
            self.problems
                .error(entry.value.at, message, format!("write {wanted}"));
        }
        number
    }

    /// `serve` under a draw: one variant, or a list in whose order the shares are laid.
    pub(super) fn arms(&mut self, entry: &'t Entry<'t>, feature: FeatureIndex) -> Option<Serve> {
        let items = match &entry.value.kind {
            Kind::List(items) if !items.is_empty() => items,
            Kind::Map(_) => {
                self.problems.error(
                    entry.value.at,
                    "under a `draw` the order of the shares decides, and a map has none",
                    "write a list: `serve: [{control: 50%}, {treatment: 50%}]`",
                );
                return None;
            }
            Kind::Text(..) => return self.serve(entry, feature, ""),
            _ => {
                self.expected(
                    &entry.value,
                    "a variant or a list of shares",
                    "write `serve: treatment` or `serve: [{control: 50%}, {treatment: 50%}]`",
                );
                return None;
            }
        };
        if items.len() > MOST_ARMS {
            let message = format!("{} shares: at most {MOST_ARMS} are allowed", items.len());
            self.problems.error(
                entry.key_at,
                message,
                "put those together that are of one variant",
            );
            return None;
        }
        let arms: Vec<(u8, Share)> = items
            .iter()
            .filter_map(|item| self.arm(item, feature))
            .collect();
        if arms.len() < items.len() {
            return None;
        }
        self.add_up(entry, &arms)?;
        if let Some((variant, _)) = arms.iter().find(|(_, share)| *share == Share::EVERYBODY) {
            return Some(Serve::One(*variant));
        }
        let mut end = 0;
        let arm = |(variant, share): (u8, Share)| {
            end += share.millionths();
            (end, variant)
        };
        Some(Serve::Arms(arms.into_iter().map(arm).collect()))
    }

    fn arm(&mut self, item: &'t Node<'t>, feature: FeatureIndex) -> Option<(u8, Share)> {
        let Kind::Map(entries) = &item.kind else {
            self.expected(item, "a variant and its share", "write `- {control: 50%}`");
            return None;
        };
        let [arm] = &entries[..] else {
            self.problems.error(
                item.at,
                "an item of this list is one variant and its share",
                "write `- {control: 50%}`, and a `-` for each",
            );
            return None;
        };
        let variant = self.one_variant(&arm.key, arm.key_at, feature);
        let share = self.share(&arm.value);
        Some((variant?, share?))
    }

    /// `buckets` under a draw: `[0%, 40%]`, or a list of such, the end not included.
    pub(super) fn ranges(&mut self, entry: &'t Entry<'t>, feature: FeatureIndex) -> Option<Serve> {
        let variants = map::entries(&entry.value, "`buckets`", self.problems)?;
        if variants.is_empty() {
            self.problems.error(
                entry.key_at,
                "`buckets` is empty",
                "write `{control: [0%, 40%], treatment: [40%, 80%]}`",
            );
        }
        let (before, mut ranges) = (self.problems.errors(), Vec::new());
        for variant in variants {
            let index = self.one_variant(&variant.key, variant.key_at, feature);
            let items = match &variant.value.kind {
                Kind::List(items)
                    if matches!(items.first().map(|item| &item.kind), Some(Kind::List(_))) =>
                {
                    &items[..]
                }
                _ => std::slice::from_ref(&variant.value),
            };
            for item in items {
                if let (Some((start, end)), Some(index)) = (self.range_of_shares(item), index) {
                    ranges.push((start, end, index, item.at));
                }
            }
        }
        ranges.sort_by_key(|(start, ..)| *start);
        for pair in ranges.windows(2) {
            let ((_, end, a, _), (begin, _, b, at)) = (pair[0], pair[1]);
            if begin < end {
                let [a, b] = [a, b].map(|variant| quote(self.variant_name(feature, variant)));
                let message = format!("what begins at {begin} is given to {a} and to {b}");
                self.problems.error(
                    at,
                    message,
                    "the end of a range is not in it: `[0%, 40%]` and `[40%, 80%]` do not overlap",
                );
            }
        }
        let ranges = ranges
            .into_iter()
            .map(|(start, end, variant, _)| (start.millionths(), end.millionths(), variant));
        (self.problems.errors() == before).then(|| Serve::Ranges(ranges.collect()))
    }

    fn range_of_shares(&mut self, node: &'t Node<'t>) -> Option<(Share, Share)> {
        let hint = "write `[0%, 40%]`: from 0% up to 40%, which is not in it";
        let Kind::List(items) = &node.kind else {
            self.expected(
                node,
                "a range of percents, as everywhere under a `draw`",
                hint,
            );
            return None;
        };
        let [start, end] = &items[..] else {
            self.problems
                .error(node.at, "a range has a beginning and an end", hint);
            return None;
        };
        let (start, end) = (self.share(start), self.share(end));
        let (start, end) = (start?, end?);
        if start >= end {
            self.problems.error(
                node.at,
                format!("nothing lies from {start} up to {end}"),
                hint,
            );
            return None;
        }
        Some((start, end))
    }

    /// Whether a share may decide now or later.
    pub(super) fn still_draws(&self, allocation: &Allocation) -> bool {
        let is_open = |share: Share| share != Share::NOBODY && share != Share::EVERYBODY;
        let rollout = match &allocation.rollout {
            Rollout::Fixed(share) => is_open(*share),
            Rollout::Steps(steps) => {
                let later = steps.iter().any(|(at, _)| *at > self.now);
                later || is_open(allocation.rollout.at(self.now))
            }
            Rollout::Glide { to, end, .. } => *end > self.now || is_open(*to),
        };
        let reaches = rollout || allocation.rollout.at(self.now) == Share::EVERYBODY;
        rollout || reaches && !matches!(allocation.serve, Serve::One(_))
    }

    /// A hint: the draw has done its work.
    pub(super) fn draws_nothing(&mut self, entry: &Entry<'_>, who: &str) {
        let message =
            format!("this draw says nothing any more: no share of {who} is between 0% and 100%");
        self.problems.warn(
            entry.key_at,
            message,
            "take it out: what comes next is drawn by burgee's own contract",
        );
    }

    /// What a feature's own draw does not go with, and whether it is still needed.
    pub(super) fn beside_draw(
        &mut self,
        entry: &Entry<'_>,
        salt: Option<&Entry<'_>>,
        draws: bool,
        before: usize,
    ) {
        if let Some(salt) = salt {
            self.problems.error(
                salt.key_at,
                "`salt` and `draw` do not go together",
                "the text of the draw says where people fall: keep the draw",
            );
        }
        // what is broken may have been a share
        if !draws && self.problems.errors() == before {
            self.draws_nothing(entry, "the feature");
        }
    }

    /// Weighted subjects are laid end to end; another system drew them.
    pub(super) fn weights_beside_draw(&mut self, at: Position) {
        self.problems.error(
            at,
            "`weights` and `draw` do not go together",
            "name another attribute with `by`, one without weights",
        );
    }
}
