//! Commits, retried after conflicts.

use std::sync::Arc;
use std::time::Duration;

use super::core::Core;
use super::engine::{Commit, Committed, Condition, Engine};
use super::snapshot::{CREDENTIALS, Change, Changes, Snapshot, usage_name};
use super::stamp::{jitter, pause};
use super::turn::{self, Turn};
use crate::error::{Error, ErrorKind, Result};
use crate::id::ProfileId;
use crate::profile::{AuthProfiles, DirtyState, UsageStats};
use crate::secret::Secret;

const ATTEMPTS: u32 = 100;
/// After how many conflicts an update takes a turn: an update of everything, and one of a profile's statistics, which
/// is quick and rarely has many competitors.
const PATIENCE: (u32, u32) = (6, 24);
/// The longest first pause after a conflict, doubled each time, and the longest pause of all.
const PAUSES: (Duration, Duration) = (Duration::from_micros(100), Duration::from_millis(25));

/// The outcome of trying to commit changes, with the current state.
enum Attempt {
    Done(Arc<Snapshot>),
    /// The changes were written, but the requested replicas did not confirm them; with the error that says why.
    Unconfirmed(Arc<Snapshot>, fn() -> Error),
    Late(Arc<Snapshot>),
}

enum Run {
    /// Changes to commit, and the condition for it.
    Changed(Condition, Changes),
    /// No changes, or an error. It is final if the closure's document is still current.
    Unchanged(Result<()>),
}

impl<E: Engine> Core<E> {
    pub(super) fn update(&self, change: &mut dyn FnMut(&mut AuthProfiles) -> Result<()>) -> Result<Arc<AuthProfiles>> {
        let is_same = |one: &Snapshot, two: &Snapshot| one.known.revision == two.known.revision;
        self.commit(None, is_same, |base| {
            let mut draft = AuthProfiles::clone(&base.document);
            let result = change(&mut draft);
            if result.is_err() || draft.dirty_state() == DirtyState::None {
                return Ok(Run::Unchanged(result));
            }
            base.document.check_writable()?;
            draft.check_writable()?;
            match base.changes(&draft) {
                changes if changes.is_empty() => Ok(Run::Unchanged(Ok(()))),
                values => {
                    let changes = Changes { values, document: None };
                    Ok(Run::Changed(Condition::Revision(base.known.revision.clone()), changes))
                }
            }
        })
    }

    pub(super) fn update_usage(
        &self,
        profile: &ProfileId,
        change: &mut dyn FnMut(&AuthProfiles, &mut UsageStats),
    ) -> Result<Arc<AuthProfiles>> {
        let name = usage_name(profile);
        let mut names = turn::names(Some(profile));
        names.extend([CREDENTIALS.to_owned(), name.clone()]);
        let is_same = |one: &Snapshot, two: &Snapshot| {
            names.iter().all(|name| one.known.version(name) == two.known.version(name))
        };
        self.commit(Some(profile), is_same, |base| {
            let mut draft = AuthProfiles::clone(&base.document);
            let before = draft.usage(profile.as_str()).cloned().unwrap_or_default();
            let mut usage = before.clone();
            change(&draft, &mut usage);
            if usage == before {
                return Ok(Run::Unchanged(Ok(())));
            }
            draft.check_writable()?;
            draft.set_usage(profile, usage)?;
            let version = |name: &String| (name.clone(), base.known.version(name).map(str::to_owned));
            let values = draft.usage_text(profile).map(|text| (name.clone(), Some(text.clone())));
            draft.committed();
            let changes = Changes { values: values.into_iter().collect(), document: Some(Arc::new(draft)) };
            Ok(Run::Changed(Condition::Versions(names.iter().map(version).collect()), changes))
        })
    }

    /// Writes one value if it has not changed since a snapshot; returns `None` if it has.
    pub(super) fn put(&self, base: &Arc<Snapshot>, name: &str, text: Option<Secret>) -> Result<Option<Arc<Snapshot>>> {
        self.put_if(base, &[name], name, text)
    }

    /// Writes one value if none of these values has changed since a snapshot; returns `None` if one has.
    pub(super) fn put_if(
        &self,
        base: &Arc<Snapshot>,
        same: &[&str],
        name: &str,
        text: Option<Secret>,
    ) -> Result<Option<Arc<Snapshot>>> {
        let version = |name: &&str| ((*name).to_owned(), base.known.version(name).map(str::to_owned));
        let condition = Condition::Versions(same.iter().map(version).collect());
        let changes = Changes { values: vec![(name.to_owned(), text)], document: None };
        Ok(match self.attempt(base, condition, &changes)? {
            // This value was not acknowledged to anyone, so the server may lose it.
            Attempt::Done(after) | Attempt::Unconfirmed(after, _) => Some(after),
            Attempt::Late(_) => None,
        })
    }

    /// Runs a closure, starting on the last state read, until its changes are committed or it makes none.
    fn commit(
        &self,
        profile: Option<&ProfileId>,
        is_same: impl Fn(&Snapshot, &Snapshot) -> bool,
        mut run: impl FnMut(&Snapshot) -> Result<Run>,
    ) -> Result<Arc<AuthProfiles>> {
        let _inside = self.enter()?;
        let _lane = self.lane(profile);
        let mut base = self.newest();
        if base.number == 0 {
            base = self.read(&base)?;
        }
        let patience = if profile.is_none() { PATIENCE.0 } else { PATIENCE.1 };
        let mut turn = Turn::of_nobody(self, profile);
        for attempt in 0..ATTEMPTS {
            base = turn.wait(base)?;
            match run(&base) {
                Ok(Run::Changed(condition, mut changes)) => {
                    // The commit also ends the turn.
                    changes.values.extend(turn.held().map(|name| (name.to_owned(), None)));
                    match self.attempt(&base, condition, &changes)? {
                        Attempt::Done(after) => {
                            turn.ended();
                            return Ok(Arc::clone(&after.document));
                        }
                        Attempt::Unconfirmed(after, why) => {
                            turn.ended();
                            // An error would make the caller keep the outcome and count it again later.
                            return if profile.is_some() { Ok(Arc::clone(&after.document)) } else { Err(why()) };
                        }
                        Attempt::Late(newer) => base = newer,
                    }
                }
                unchanged => {
                    let newer = self.read(&base)?;
                    if is_same(&newer, &base) {
                        return match unchanged? {
                            Run::Unchanged(Err(error)) => Err(error),
                            _ => Ok(Arc::clone(&newer.document)),
                        };
                    }
                    base = newer;
                }
            }
            if attempt >= patience {
                base = turn.take(&base)?;
            } else if attempt % 2 == 1 {
                // What a conflict told is new now, and old after a pause: it is used at once, and a pause comes after that.
                let (first, longest) = PAUSES;
                pause(jitter(first.saturating_mul(1 << attempt.min(16)).min(longest)));
            }
        }
        let message = format!("other updates were faster, {ATTEMPTS} times in a row");
        Err(Error::new(ErrorKind::Locked, message))
    }

    /// Tries to commit changes once. If the answer is lost, looks for the commit by its stamp.
    fn attempt(&self, base: &Arc<Snapshot>, condition: Condition, changes: &Changes) -> Result<Attempt> {
        let seal = |(name, text): &Change| {
            let value = text.as_ref().map(|text| self.settings.seal.seal(name, text)).transpose()?;
            Ok((name.clone(), value))
        };
        let writes = changes.values.iter().map(seal).collect::<Result<Vec<_>>>()?;
        let commit = Commit { stamp: self.stamps.next(), condition, writes };
        let is_ours = |state: &Snapshot| {
            let written = |name: &String| state.known.version(name) == Some(&commit.stamp);
            state.known.revision == commit.stamp || changes.values.iter().any(|(name, _)| written(name))
        };
        let mut sent_before = None;
        loop {
            match self.asked(self.engine.commit(&commit)) {
                Ok(Committed::Done { before }) => {
                    self.refuses(false);
                    return Ok(Attempt::Done(self.keep(&commit.stamp, changes, base, &before)?));
                }
                Ok(Committed::Unconfirmed { before }) => {
                    return Ok(Attempt::Unconfirmed(self.keep(&commit.stamp, changes, base, &before)?, unconfirmed));
                }
                Ok(Committed::Unasked { before }) => {
                    return Ok(Attempt::Unconfirmed(self.keep(&commit.stamp, changes, base, &before)?, unasked));
                }
                Ok(Committed::Refused) => {
                    self.refuses(true);
                    return Err(refused());
                }
                Ok(Committed::ConflictWith(now))
                    if sent_before.is_none()
                        && !now.is_empty()
                        // Another credential comes with other statistics of its profile, which are not in the answer.
                        && now.iter().all(|entry| entry.version != commit.stamp && entry.name != CREDENTIALS) =>
                {
                    return Ok(Attempt::Late(self.amend(base, now)?));
                }
                Ok(Committed::Conflict | Committed::ConflictWith(_)) => {
                    let newer = self.read(base)?;
                    // The conflict may be with the same commit, sent before by this loop or by the engine.
                    return match sent_before {
                        _ if is_ours(&newer) => Ok(self.found(newer)),
                        Some(error) => Err(unknown(error)),
                        None => Ok(Attempt::Late(newer)),
                    };
                }
                Err(error) if error.kind() == ErrorKind::StoreUnavailable => {
                    if sent_before.is_some() {
                        return Err(unknown(error));
                    }
                    match self.read(base) {
                        Ok(newer) if is_ours(&newer) => return Ok(self.found(newer)),
                        Ok(_) => sent_before = Some(error),
                        Err(_) => return Err(unknown(error)),
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Returns the outcome of a commit that was found after its answer was lost.
    fn found(&self, after: Arc<Snapshot>) -> Attempt {
        match self.asked(self.engine.confirm()) {
            Ok(true) => Attempt::Done(after),
            Err(error) if error.kind() == ErrorKind::PermissionDenied => Attempt::Unconfirmed(after, unasked),
            _ => Attempt::Unconfirmed(after, unconfirmed),
        }
    }
}

fn unconfirmed() -> Error {
    let message = "the update was written, but fewer replicas than requested have confirmed it";
    Error::new(ErrorKind::StoreUnavailable, message)
}

fn unasked() -> Error {
    let message = "the update was written, but the server does not let this user wait for its replicas";
    let help = "Give the user of the server the permission to call `WAIT`, or do not wait for replicas.";
    Error::new(ErrorKind::PermissionDenied, message).with_help(help)
}

fn refused() -> Error {
    let message = "the server that keeps the credentials accepts no writes at the moment; nothing was written";
    Error::new(ErrorKind::StoreUnavailable, message)
}

fn unknown(error: Error) -> Error {
    let message = "the server did not answer; the update may have been written nevertheless";
    Error::new(ErrorKind::StoreUnavailable, message).with_source(error)
}
