//! Reports of calls, and their way into the store.

use std::sync::Arc;
use std::time::Duration;

use super::drive::{GRACE, bounded};
use super::reported::Reported;
use super::rotator::{Parts, Rotator};
use crate::error::{Error, ErrorKind, Result};
use crate::record::Record;
#[cfg(doc)]
use crate::record::RecordOutcome;
use crate::rotation::SendFailure;
use crate::store::AuthProfileStore;

/// A job that writes the queue. It never runs if there is no thread for it.
struct Writing {
    parts: Arc<Parts>,
    is_done: bool,
}

impl Writing {
    fn run(mut self, store: &dyn AuthProfileStore, all: bool) -> Result<()> {
        let settings = self.parts.current();
        let written = self.parts.outcomes.write(store, (settings.config.selector(), &*self.parts.clock), all);
        self.is_done = true;
        written
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        if !self.is_done {
            let error = Error::new(
                ErrorKind::Io,
                "the outcome was not written: there is no thread for the credential store, or it panicked",
            );
            drop(self.parts.outcomes.missed(error));
        }
    }
}

impl Rotator {
    /// Writes every outcome that was reported so far and is not in the store yet, including the times of successes that
    /// were not worth a separate write.
    ///
    /// Outcomes are written without this call too. It is for programs that need the result, or that end without
    /// dropping their runtime.
    ///
    /// # Errors
    ///
    /// Those of [`update`](AuthProfileStore::update), and [`Io`](ErrorKind::Io) if there is no thread for it. Outcomes
    /// that could not be written are kept, and tried again with the next outcome or call of this method.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), provider_auth::Error> {
    /// use std::sync::Arc;
    /// use provider_auth::{AuthProfileStore, AuthProfiles, Call, Failure, MemoryStore, Rotator};
    ///
    /// let store = Arc::new(MemoryStore::new(AuthProfiles::from_json(r#"{"version": 1, "profiles": {
    ///     "openai:a": {"type": "api_key", "provider": "openai", "key": "sk-a"}}}"#)?));
    /// let rotator = Rotator::builder(store.clone()).build()?;
    /// rotator.run(&Call::new("openai/gpt-5".parse()?), |_| async { Ok::<_, Failure>("Hello") }).await?;
    ///
    /// rotator.flush().await?;
    /// assert!(store.load()?.usage("openai:a").is_some_and(|usage| usage.last_used().is_some()));
    /// assert_eq!(rotator.unrecorded(), 0);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn flush(&self) -> Result<()> {
        self.written(true).await
    }

    /// Returns the number of outcomes that could not be written so far. Up to a thousand are kept, and tried again with
    /// the next outcome; [`flush`](Self::flush) tries at once and returns the error. Picks of this rotator take them
    /// into account.
    #[must_use]
    pub fn unrecorded(&self) -> usize {
        self.0.outcomes.unrecorded()
    }

    async fn written(&self, all: bool) -> Result<()> {
        let writing = Writing { parts: Arc::clone(&self.0), is_done: false };
        self.0.store.transact(move |store| writing.run(store, all)).await
    }

    /// Accepts an outcome and schedules its write without waiting.
    pub(super) fn report(&self, record: Record) -> Option<Arc<Reported>> {
        let settings = self.0.current();
        let reported = self.0.outcomes.add(record, settings.config.selector(), &*self.0.clock)?;
        if self.0.outcomes.queue() {
            let writing = Writing { parts: Arc::clone(&self.0), is_done: false };
            // Each outcome keeps its own result.
            self.0.store.post(move |store| drop(writing.run(store, false)));
        }
        Some(reported)
    }

    /// Records an outcome, and waits for it.
    ///
    /// # Errors
    ///
    /// Those of [`RecordOutcome::record`].
    pub(super) async fn record(&self, record: Record) -> Result<()> {
        let Some(reported) = self.report(record) else { return Ok(()) };
        if reported.is_waiting() {
            let tried = self.written(false).await;
            // Errors about other outcomes do not concern this one.
            if reported.is_waiting() {
                tried?;
            }
        }
        reported.written()
    }

    /// Does the same as [`record`](Self::record) for the end of a stream, after the call's own time limit.
    pub(super) async fn record_end(&self, record: Record) -> Result<()> {
        bounded(GRACE, self.record(record)).await
    }

    /// Returns the end of an unanswered call, once its outcomes are written or known to have failed.
    pub(super) async fn ended(
        &self,
        mut failure: SendFailure,
        reports: &[(usize, Arc<Reported>)],
        time: Duration,
    ) -> SendFailure {
        if reports.iter().any(|(_, reported)| reported.is_waiting()) {
            // Each outcome keeps its own result.
            let _ = bounded(time, self.written(false)).await;
        }
        for (attempt, reported) in reports {
            // An outcome that is not written within the call's time is still being written.
            let late = reported.is_waiting().then_some(ErrorKind::Locked);
            if let Some(kind) = reported.unrecorded().or(late) {
                failure.note_unrecorded(*attempt, kind);
            }
        }
        failure
    }
}
