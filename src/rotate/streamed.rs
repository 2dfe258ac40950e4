//! Streams that another client reads.

use super::call::Call;
use super::rotator::Rotator;
use crate::error::Result;
use crate::failure::Failure;
use crate::record::Record;
#[cfg(doc)]
use crate::record::RecordOutcome;
use crate::rotation::{Answered, Attempt, AttemptError, SendFailure, leaves_a_mark};
use crate::select::Receipt;

impl Rotator {
    /// Makes attempts with your own client as [`run`](Self::run) does, for answers that are streams: the function
    /// returns as soon as the stream has begun, which is not a success yet.
    ///
    /// The reader of the stream reports its end on the receipt of [`Answered::attempt`]: with [`finish`](Self::finish)
    /// if it is complete, with [`fail`](Self::fail) if it is not. A stream without either leaves the profile unchanged.
    ///
    /// # Errors
    ///
    /// Same as [`run`](Self::run).
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), provider_auth::Error> {
    /// use std::sync::Arc;
    /// use provider_auth::{AuthProfiles, Call, Failure, FailureReason, MemoryStore, Rotator};
    ///
    /// let store = Arc::new(MemoryStore::new(AuthProfiles::from_json(r#"{"version": 1, "profiles": {
    ///     "openai:a": {"type": "api_key", "provider": "openai", "key": "sk-a"}}}"#)?));
    /// let rotator = Rotator::builder(store).build()?;
    ///
    /// let call = Call::new("openai/gpt-5".parse()?);
    /// let answered = rotator.run_streamed(&call, |_| async { Ok::<_, Failure>(["Hel", "lo"]) }).await?;
    /// for piece in answered.value {
    ///     // With your client's error for a piece: `rotator.fail(receipt, &failure)`.
    ///     print!("{piece}");
    /// }
    /// rotator.finish(answered.attempt.receipt()).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn run_streamed<T, E, F, Fut>(&self, call: &Call, send: F) -> Result<Answered<T>, SendFailure>
    where
        E: Into<AttemptError>,
        F: FnMut(Attempt) -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        self.run_until(call, false, send).await
    }

    /// Records the failure of a stream, for callers that read it themselves and classify their client's error. Nothing
    /// is recorded for a failure that does not concern the profile or the model, such as a broken connection.
    ///
    /// A receipt that was reported before is not recorded again. If you have the event itself, use
    /// [`report_stream_error`](Self::report_stream_error).
    ///
    /// # Errors
    ///
    /// Those of [`RecordOutcome::record_failure`]. The report is kept in that case; see [`flush`](Self::flush).
    pub async fn fail(&self, receipt: &Receipt, failure: &Failure) -> Result<()> {
        if !leaves_a_mark(failure) {
            return Ok(());
        }
        self.record(Record::Failure(receipt.clone(), failure.clone())).await
    }
}
