//! The outcome of one request as input to its profile's statistics.

use super::receipt::Receipt;
use super::verdict::as_millis;
use crate::clock::Timestamp;
use crate::id::ProviderId;
use crate::profile::{UsageStats, Window};
use crate::reason::FailureReason;

/// The outcome of one request as input to its profile's statistics.
pub(super) struct Event<'a> {
    pub(super) provider: &'a ProviderId,
    pub(super) model: Option<&'a str>,
    pub(super) picked_at: f64,
    /// The end of the announced window known at the pick, zero if there was none; `None` if nobody looked.
    pub(super) announced: Option<f64>,
    pub(super) now: f64,
    /// When the outcome is written. Changes by other processes between `now` and then are in the document.
    pub(super) written_at: f64,
}

impl<'a> Event<'a> {
    pub(super) fn new(receipt: &'a Receipt, now: Timestamp) -> Self {
        Self {
            provider: receipt.provider(),
            model: receipt.model(),
            picked_at: as_millis(receipt.picked_at()),
            announced: receipt.announced(),
            now: as_millis(now),
            written_at: as_millis(now),
        }
    }

    /// Sets the time at which the event is written.
    pub(super) fn written(self, at: Timestamp) -> Self {
        Self { written_at: self.now.max(as_millis(at)), ..self }
    }
}

impl Event<'_> {
    /// Creates a window that opens now, without a reason.
    pub(super) fn window(&self, until: f64, model: Option<&str>) -> Window {
        Window {
            until,
            since: Some(self.now),
            is_ours: true,
            reason: None,
            foreign_reason: None,
            model: model.map(Into::into),
        }
    }

    /// Returns `true` if the selector saw no announced window, or one with another end.
    pub(super) fn saw_another(&self, until: f64) -> bool {
        self.announced.is_some_and(|known| known.to_bits() != until.to_bits())
    }

    /// Returns `true` if the window concerns a model other than this event's.
    pub(super) fn is_foreign(&self, window: &Window) -> bool {
        match (&window.model, self.model) {
            (Some(own), Some(model)) => **own != *model,
            _ => false,
        }
    }

    /// Returns `true` if a request picked later has already succeeded, on the same model if the reason is scoped to
    /// one.
    pub(super) fn is_before_success(&self, usage: &UsageStats, reason: FailureReason) -> bool {
        let newer = |at: &f64| *at > self.picked_at && *at <= self.now;
        if reason.is_model_scoped() {
            usage.success_picked_at.get(self.model.unwrap_or_default()).is_some_and(newer)
        } else {
            usage.success_picked_at.values().any(newer)
        }
    }
}
