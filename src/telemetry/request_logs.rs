//! The access log and the exposure log, where the flags want them.
//! In: events. Out: lines; user ids as `--log-user` says, by default none.

use super::{
    access, event,
    exposure::ExposureLog,
    line_writer::LineWriter,
    log_fields::{UserNames, show},
};
use crate::engine::decision::Ids;
use std::{
    fs::OpenOptions,
    io,
    path::Path,
    time::{Duration, SystemTime},
};

/// Writes nothing by default.
#[derive(Debug, Default)]
pub struct RequestLogs {
    access: Option<(LineWriter, access::Format)>,
    exposures: Option<ExposureLog>,
    names: UserNames,
}

/// Where the exposure log goes.
#[derive(Clone, Copy, Debug)]
pub enum ExposuresTo<'a> {
    /// standard output
    Stdout,
    /// the end of this file
    File(&'a Path),
}

/// As long as a stuck reader may hold up the end of the process.
const PATIENCE: Duration = Duration::from_millis(500);

impl RequestLogs {
    /// `access` (standard error; the flag says JSON) and `exposures` as the flags say.
    pub fn start(
        access: Option<bool>,
        exposures: Option<ExposuresTo<'_>>,
        names: UserNames,
    ) -> io::Result<RequestLogs> {
        let format = |json| match json {
            true => access::Format::Json,
            false => access::Format::Text,
        };
        let access =
            access.map(|json| io::Result::Ok((LineWriter::to(io::stderr())?, format(json))));
        let exposures = exposures.map(|to| match to {
            ExposuresTo::Stdout => LineWriter::to(io::stdout()),
            ExposuresTo::File(path) => {
                let file = OpenOptions::new().append(true).create(true).open(path);
                LineWriter::to(file?)
            }
        });
        Ok(RequestLogs {
            access: access.transpose()?,
            exposures: exposures.transpose()?.map(ExposureLog::to),
            names,
        })
    }

    /// Whether events need the [`event::RequestLine`].
    pub(super) fn wants_requests(&self) -> bool {
        self.access.is_some() || self.exposures.is_some()
    }

    /// Whether lines say which method and path it was.
    pub(super) fn wants_targets(&self) -> bool {
        self.access.is_some()
    }

    /// Whether decisions have to remember the users.
    pub(super) fn wants_users(&self) -> bool {
        // exposures need the id even where it is not written: a user counts once a day
        self.exposures.is_some() || (self.access.is_some() && self.names.name_anybody())
    }

    /// Whether decisions have to remember who is one person by two ids.
    pub(super) fn wants_pairs(&self) -> bool {
        self.exposures.is_some() && self.names.name_anybody()
    }

    /// False where a line was dropped.
    pub(super) fn access(&self, event: &event::RequestEvent<'_>) -> bool {
        let Some((lines, format)) = &self.access else {
            return true;
        };
        let user = event.decisions.users.iter().flatten().next();
        let user = user.and_then(|user| self.names.name(user));
        let now = show(SystemTime::now().into());
        lines.push(access::line(*format, &now, user, event))
    }

    /// False where a line was dropped.
    pub(super) fn exposures(&self, event: &event::ExposureEvent<'_>) -> bool {
        let Some(exposures) = &self.exposures else {
            return true;
        };
        exposures.write(event, SystemTime::now().into(), &self.names)
    }

    /// False where a line was dropped.
    pub(super) fn people(&self, event: &event::RequestEvent<'_>) -> bool {
        let (Some(exposures), Some(both)) = (&self.exposures, &event.decisions.signed_in) else {
            return true;
        };
        let now = SystemTime::now().into();
        let of = (&*event.snapshot.revision, event.request);
        let write = |ids: &&Ids| exposures.write_person(ids, of, now, &self.names);
        both.ids.iter().filter(write).count() == both.ids.len()
    }

    pub(super) fn flush(&self) {
        let access = self.access.iter().map(|(lines, _)| lines);
        let exposures = self.exposures.iter().map(ExposureLog::lines);
        access
            .chain(exposures)
            .for_each(|lines| lines.flush(PATIENCE));
    }
}
