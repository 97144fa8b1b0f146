//! Conditions of two files over one list of yes-or-no questions, so that an edit can be judged without a request.
//! In: conditions of the old and of the new file. Out: logic over numbered questions, and which answers can go together.

use crate::engine::{
    attributes::AttributeIndex,
    describe::canonical,
    model::{Condition, Toggles},
    operator::{Test, Texts, Unreadable},
    source::Source,
    units::Second,
};

/// A condition, where every question about the request has a number.
#[derive(Debug)]
pub enum Logic<'a> {
    /// holds when every one does
    All(Vec<Logic<'a>>),
    /// holds when any one does
    Any(Vec<Logic<'a>>),
    /// holds when the other does not
    Not(Box<Logic<'a>>),
    /// the answer to a question
    Question(usize),
    /// the variant of another feature of the same file
    Parent(&'a str, &'a Test),
    /// the clock
    Now(Option<Second>, Option<Second>),
}

/// What conditions ask of a request; the same question of both files is one.
#[derive(Debug, Default)]
pub struct Questions(Vec<Question>);

#[derive(Debug)]
struct Question {
    attribute: String,
    /// the test as text that is equal where it asks alike
    text: String,
    test: Test,
    /// whether the attribute never is a list
    is_single: bool,
}

impl Questions {
    /// The condition of a file as logic.
    pub fn logic<'a>(&mut self, condition: &'a Condition, toggles: &'a Toggles) -> Logic<'a> {
        let mut every = |conditions: &'a [Condition]| {
            let logic = conditions.iter().map(|one| self.logic(one, toggles));
            logic.collect::<Vec<_>>()
        };
        match condition {
            Condition::Segment(index) => {
                self.logic(&toggles.segments[usize::from(*index)], toggles)
            }
            Condition::All(all) => Logic::All(every(all)),
            Condition::Any(any) => Logic::Any(every(any)),
            Condition::Not(one) => Logic::Not(Box::new(self.logic(one, toggles))),
            Condition::Attribute(index, test) => self.ask(*index, test, toggles),
            Condition::Feature(index, test) => {
                Logic::Parent(&toggles.features[usize::from(*index)].name, test)
            }
            Condition::Now { from, until } => Logic::Now(*from, *until),
        }
    }

    /// One test of one attribute.
    pub fn ask(&mut self, index: AttributeIndex, test: &Test, toggles: &Toggles) -> Logic<'static> {
        let attribute = &toggles.attributes[usize::from(index)];
        let is_claim = |source: &Source| matches!(source, Source::Jwt(_));
        let is_single = attribute.split.is_none() && !attribute.sources.iter().any(is_claim);
        match test {
            Test::Not(test) => Logic::Not(Box::new(self.ask(index, test, toggles))),
            Test::Present(false) => {
                Logic::Not(Box::new(self.ask(index, &Test::Present(true), toggles)))
            }
            Test::All(all) if is_single => Logic::All(
                all.iter()
                    .map(|test| self.ask(index, test, toggles))
                    .collect(),
            ),
            test => {
                let attribute = canonical::attribute(index, toggles);
                let text = canonical::test(test);
                let same = |asked: &Question| asked.attribute == attribute && asked.text == text;
                let number = self.0.iter().position(same).unwrap_or_else(|| {
                    let test = test.clone();
                    self.0.push(Question {
                        attribute,
                        text,
                        test,
                        is_single,
                    });
                    self.0.len() - 1
                });
                Logic::Question(number)
            }
        }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Whether a request can give these answers about the attribute of `number`. In doubt it can.
    pub fn can_be(&self, number: usize, answers: &[Option<bool>]) -> bool {
        let attribute = &self.0[number].attribute;
        let answered = |answer: bool| {
            let all = self.0.iter().zip(answers);
            all.filter(move |(asked, given)| {
                asked.attribute == *attribute && **given == Some(answer)
            })
            .map(|(asked, _)| asked)
        };
        let is_absent = answered(false).any(|asked| matches!(asked.test, Test::Present(true)));
        if is_absent && answered(true).next().is_some() {
            return false;
        }
        let holds =
            |asked: &Question, value: &[u8]| asked.test.holds(Some(value), &Unreadable::default());
        let is_single = self.0[number].is_single;
        // a value that one answer names has to agree with all the others
        answered(true).all(|named| match &named.test {
            Test::Is(texts) => values(texts).any(|value| {
                !answered(false).any(|asked| holds(asked, value))
                    && (!is_single || answered(true).all(|asked| holds(asked, value)))
            }),
            _ => true,
        })
    }
}

fn values(texts: &Texts) -> Box<dyn Iterator<Item = &[u8]> + '_> {
    match texts {
        Texts::Few(few) => Box::new(few.iter().map(|text| text.as_bytes())),
        Texts::Many(many) => Box::new(many.iter().map(|text| &**text)),
    }
}
