//! What is written down about single requests, where that is asked for: access lines and exposures.
//! In: events. Out: lines; user ids in the form that was asked for, which is not at all unless somebody says so.

use super::{access, event, exposure::Exposures, line_writer::Lines};
use crate::engine::Decisions;
use sha2::{Digest as _, Sha256};
use std::{
    io,
    time::{Duration, SystemTime},
};
use time::{OffsetDateTime, format_description::BorrowedFormatItem, macros::format_description};

/// Nothing, unless it is told to.
#[derive(Debug, Default)]
pub struct Journal {
    access: Option<(Lines, access::Format)>,
    exposures: Option<Exposures>,
    naming: Naming,
}

/// How a user is named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Naming {
    /// not at all
    #[default]
    None,
    /// by a hash that the same id always gives: a pseudonym, which whoever knows the ids can look up
    Hash,
    /// by the id
    Plain,
}

/// As long as a stuck reader may hold up the end of the process.
const PATIENCE: Duration = Duration::from_millis(500);

impl Journal {
    /// `access` (standard error; the flag says JSON) and `exposures` (standard output) as they are asked for.
    pub fn start(access: Option<bool>, exposures: bool, naming: Naming) -> io::Result<Journal> {
        let format = |json| match json {
            true => access::Format::Json,
            false => access::Format::Text,
        };
        let access = access.map(|json| io::Result::Ok((Lines::to(io::stderr())?, format(json))));
        let exposures = exposures.then(|| io::Result::Ok(Exposures::to(Lines::to(io::stdout())?)));
        Ok(Journal {
            access: access.transpose()?,
            exposures: exposures.transpose()?,
            naming,
        })
    }

    /// Whether [`event::Answered`] needs to know what was asked.
    pub(super) fn wants_requests(&self) -> bool {
        self.access.is_some()
    }

    /// Whether decisions have to remember who asked.
    pub(super) fn wants_users(&self) -> bool {
        // exposures need it even unnamed, to tell the first of a user from the next
        self.exposures.is_some() || (self.access.is_some() && self.naming != Naming::None)
    }

    /// False where a line was dropped.
    pub(super) fn access(&self, event: &event::Answered<'_>) -> bool {
        let (Some((lines, format)), Some(asked)) = (&self.access, &event.asked) else {
            return true;
        };
        let user = event.decisions.users.iter().flatten().next();
        let user = user.and_then(|user| self.naming.name(user));
        lines.push(access::line(*format, &now(), asked, user, event))
    }

    /// False where a line was dropped.
    pub(super) fn exposures(&self, event: &event::Exposed<'_>) -> bool {
        let Some(exposures) = &self.exposures else {
            return true;
        };
        exposures.tell(event, &now(), self.naming)
    }

    pub(super) fn flush(&self) {
        let access = self.access.iter().map(|(lines, _)| lines);
        let exposures = self.exposures.iter().map(Exposures::lines);
        access
            .chain(exposures)
            .for_each(|lines| lines.flush(PATIENCE));
    }
}

impl Naming {
    /// What is written for this user.
    pub(super) fn name(self, user: &[u8]) -> Option<String> {
        match self {
            Naming::None => None,
            Naming::Hash => {
                let digest = Sha256::digest(user);
                Some(
                    digest[..8]
                        .iter()
                        .map(|byte| format!("{byte:02x}"))
                        .collect(),
                )
            }
            Naming::Plain => Some(String::from_utf8_lossy(user).into_owned()),
        }
    }
}

/// Who asked, for the file that this answer belongs to.
pub(super) fn user(decisions: &Decisions, file: usize) -> Option<&[u8]> {
    decisions.users.get(file)?.as_deref()
}

/// As the other log lines write it.
fn now() -> String {
    const FORMAT: &[BorrowedFormatItem<'_>] =
        format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:6]Z");
    // every instant of this clock can be written so
    OffsetDateTime::from(SystemTime::now())
        .format(FORMAT)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_named_only_as_it_was_asked_for() {
        for (naming, user, expected) in [
            (Naming::None, &b"mia"[..], None),
            // sha256("mia")
            (Naming::Hash, b"mia", Some("a6ae07ad556c5f93")),
            (Naming::Plain, b"mia", Some("mia")),
            (Naming::Plain, b"m\xffa", Some("m\u{fffd}a")),
        ] {
            assert_eq!(
                naming.name(user).as_deref(),
                expected,
                "{naming:?} {user:?}"
            );
        }
    }
}
