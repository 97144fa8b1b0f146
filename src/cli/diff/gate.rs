//! The gate of `burgee diff`: the share that `--max-moved` is held against, and what is said where it is exceeded.
//! In: a row of the report. Out: its greatest share, and why that one.

use super::{part::Part, row::Row};
use crate::engine::{diff::ChangeKind, instant, units::Second};

/// Why a share is what the gate takes.
#[derive(Clone, Copy, Debug)]
pub enum Why {
    /// it is exact, or that of made-up users
    Moved,
    /// it is counted over the users of a file
    Counted,
    /// so many move of those whom the conditions reach
    Concerned,
    /// so many get something else from this instant on
    Later(Second),
}

/// The greatest share of a row. With a file of users only these count.
pub fn greatest(row: &Row<'_>, by_file: bool) -> (Part, Why) {
    let later = |later: Option<(Second, Part)>| later.map(|(at, part)| (part, Why::Later(at)));
    let (now, at) = match &row.counted {
        Some(counted) if by_file => {
            let now = vec![(counted.switched(), Why::Counted)];
            (now, later(counted.later()))
        }
        _ => {
            let concerned = (Part::of(row.change.concerned), Why::Concerned);
            let at = row.change.later.map(|(at, share)| (at, Part::of(share)));
            (vec![(row.moved, Why::Moved), concerned], later(at))
        }
    };
    // of equal shares the first, which needs the fewest words
    let first = (Part::default(), Why::Moved);
    now.into_iter()
        .chain(at)
        .fold(first, |most, one| match one.0 > most.0 {
            true => one,
            false => most,
        })
}

/// What is said of a row that moves more than it may.
pub fn refusal(row: &Row<'_>, (part, why): (Part, Why), most: Part) -> String {
    let (key, share, most) = (row.change.key, part.percent(), most.percent());
    let what = match row.change.kind {
        ChangeKind::Added => "get something else than the default of this new feature",
        ChangeKind::Removed => "had something else than the default of this removed feature",
        _ => "switch variant",
    };
    let who = match why {
        Why::Moved => "of users".into(),
        Why::Counted => "of the users in the file".into(),
        Why::Concerned => "of the users whom its conditions reach".into(),
        Why::Later(at) => format!("of users, from {} on,", instant::show(at)),
    };
    format!("{key}: {share} {who} {what}, more than --max-moved {most}")
}
