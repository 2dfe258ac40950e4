//! Usage statistics of one profile: when it last worked, how often it failed, how long it cools down.

use std::fmt;

use indexmap::IndexMap;

use super::raw::{self, RawObject};
use super::usage_edit::{DEPTH, UsageEdit};
use super::window::{Window, key};
use crate::clock::Timestamp;
use crate::reason::FailureReason;

/// The usage statistics of one profile, in the format of the file's `usageStats`.
///
/// Read-only for callers: the rules of the selector change it inside a store's update. The accessors round times with a
/// fraction of a millisecond up.
#[derive(Clone, PartialEq)]
pub struct UsageStats {
    /// The object's JSON text, with the text of unknown members.
    text: Box<str>,
    pub(crate) last_used: Option<f64>,
    pub(crate) error_count: Option<f64>,
    pub(crate) last_failure_at: Option<f64>,
    pub(crate) last_probe_at: Option<f64>,
    /// The window that OpenClaw reads.
    pub(crate) cooldown: Option<Window>,
    /// `true` if that window only summarises `model_cooldowns`, for readers that know one window.
    stands_for_models: bool,
    pub(crate) disabled: Option<Window>,
    pub(crate) blocked: Option<Window>,
    /// Windows that OpenClaw has no key for, nearly all of single models.
    model_cooldowns: Vec<Window>,
    /// The latest end of all windows, in milliseconds; zero if there is none. Until then a window may be in force.
    pub(crate) last_end: f64,
    pub(crate) failure_counts: IndexMap<Box<str>, f64>,
    /// By model, when the latest successful request was picked; the empty name is for requests without a model.
    pub(crate) success_picked_at: IndexMap<Box<str>, f64>,
    /// The headroom that another program with this crate has recorded.
    pub(crate) no_headroom_until: IndexMap<Box<str>, f64>,
    pub(crate) plan_used: IndexMap<Box<str>, f64>,
    pub(crate) headroom_told_at: IndexMap<Box<str>, f64>,
}

fn text_of(object: &RawObject<'_>, key: &str) -> Option<Box<str>> {
    object.string(key).filter(|text| !text.is_empty()).map(Into::into)
}

impl UsageStats {
    /// Reads an entry; returns `None` if it is not an object.
    pub(super) fn parse(text: &str) -> Option<Self> {
        Some(Self::read(&RawObject::parse(text)?, text.into()))
    }

    fn read(object: &RawObject<'_>, text: Box<str>) -> Self {
        let cooldown = object.number(key::COOLDOWN_UNTIL).map(|until| Window {
            model: text_of(object, key::COOLDOWN_MODEL),
            ..Window::read(object, until, [key::COOLDOWN_SINCE, key::COOLDOWN_SINCE_UNTIL], key::COOLDOWN_REASON)
        });
        let disabled = object.number(key::DISABLED_UNTIL).map(|until| {
            Window::read(object, until, [key::DISABLED_SINCE, key::DISABLED_SINCE_UNTIL], key::DISABLED_REASON)
        });
        let blocked = object.number(key::BLOCKED_UNTIL).map(|until| Window {
            until,
            since: None,
            is_ours: false,
            reason: Some(FailureReason::RateLimit),
            foreign_reason: None,
            // OpenClaw limits a block to its model only if it says so explicitly.
            model: text_of(object, key::BLOCKED_MODEL)
                .filter(|_| object.string(key::BLOCKED_SCOPE).as_deref() == Some("model")),
        });
        let model_cooldowns = object.object(key::MODEL_COOLDOWNS).map_or_else(Vec::new, |models| {
            let windows = models.iter().filter_map(|(model, value)| {
                let window = RawObject::parse(value.get())?;
                let until = window.number("until")?;
                let model = Some(model).filter(|model| !model.is_empty()).map(Into::into);
                Some(Window { model, ..Window::read(&window, until, ["since", "sinceUntil"], "reason") })
            });
            windows.collect()
        });
        // If another program has changed the window since, the window is its own.
        let stands_for_models = object.get(key::MODEL_COOLDOWNS_UNTIL).is_some_and(|end| {
            let is_written = |window: &Window| window.model.is_none() && raw::is_number(end, window.until);
            cooldown.as_ref().is_some_and(is_written)
                && model_cooldowns.iter().any(|own| raw::is_number(end, own.until))
        });
        let numbers = |key| {
            object.object(key).map_or_else(IndexMap::new, |numbers| {
                numbers.iter().filter_map(|(name, number)| Some((name.into(), raw::as_number(number)?))).collect()
            })
        };
        let windows = cooldown.iter().chain(&disabled).chain(&blocked).chain(&model_cooldowns);
        let last_end = windows.map(|window| window.until).filter(|until| until.is_finite()).fold(0.0, f64::max);
        Self {
            text,
            last_used: object.number(key::LAST_USED),
            error_count: object.number(key::ERROR_COUNT),
            last_failure_at: object.number(key::LAST_FAILURE_AT),
            last_probe_at: object.number(key::LAST_PROBE_AT),
            cooldown,
            stands_for_models,
            disabled,
            blocked,
            model_cooldowns,
            last_end,
            failure_counts: numbers(key::FAILURE_COUNTS),
            success_picked_at: numbers(key::SUCCESS_PICKED_AT),
            no_headroom_until: numbers(key::NO_HEADROOM_UNTIL),
            plan_used: numbers(key::PLAN_USED),
            headroom_told_at: numbers(key::HEADROOM_TOLD_AT),
        }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Changes some members; all others keep their text and position.
    pub(crate) fn edited(&self, edit: impl FnOnce(&mut UsageEdit<'_>)) -> Self {
        let mut edited = UsageEdit(RawObject::parse(&self.text).unwrap_or_default());
        edit(&mut edited);
        Self::read(&edited.0, (*edited.0.to_text(DEPTH)).into())
    }

    /// Returns an iterator over the transient windows, each with its own scope.
    pub(crate) fn transient(&self) -> impl Iterator<Item = &Window> {
        self.cooldown.iter().filter(|_| !self.stands_for_models).chain(&self.model_cooldowns)
    }

    /// Ends every window and resets every counter; the times of last use and last failure stay.
    pub(crate) fn cleared(&self) -> Self {
        self.edited(|edit| {
            edit.end_windows();
            edit.headroom([&IndexMap::new(); 3]);
            edit.0.remove(key::FAILURE_COUNTS);
            edit.0.set_number(key::ERROR_COUNT, 0.0);
        })
    }

    /// Returns which key the entry is about, if it is one from outside the document: a few digits that identify the key
    /// without revealing it.
    pub(crate) fn inline_key(&self) -> Option<String> {
        RawObject::parse(&self.text)?.string(key::INLINE_KEY).map(Into::into)
    }

    /// Ends the windows and counters of refused credentials; all others stay.
    pub(super) fn without_refusals(&self) -> Self {
        let stays = |window: &&Window| !window.reason.is_some_and(FailureReason::is_refusal);
        let transient: Vec<Window> = self.transient().filter(stays).cloned().collect();
        let mut counts = self.failure_counts.clone();
        counts.retain(|name, _| !FailureReason::from_name(name).is_some_and(FailureReason::is_refusal));
        let untouched = transient.len() == self.transient().count()
            && self.disabled.as_ref().is_none_or(|window| stays(&window))
            && counts == self.failure_counts;
        if untouched {
            return self.clone();
        }
        self.edited(|edit| {
            edit.transient(&transient);
            edit.disabled(self.disabled.as_ref().filter(stays));
            edit.number(key::ERROR_COUNT, counts.values().sum());
            edit.numbers(key::FAILURE_COUNTS, &counts);
        })
    }

    /// Returns when the profile last worked.
    #[must_use]
    pub fn last_used(&self) -> Option<Timestamp> {
        self.last_used.map(timestamp)
    }

    /// Returns when the profile last failed.
    #[must_use]
    pub fn last_failure_at(&self) -> Option<Timestamp> {
        self.last_failure_at.map(timestamp)
    }

    /// Returns when OpenClaw last probed the profile during a cooldown.
    #[must_use]
    pub fn last_probe_at(&self) -> Option<Timestamp> {
        self.last_probe_at.map(timestamp)
    }

    /// Returns the end of the transient window as the file has it, even if past.
    #[must_use]
    pub fn cooldown_until(&self) -> Option<Timestamp> {
        self.cooldown.as_ref().map(|window| timestamp(window.until))
    }

    /// Returns the end of the long window as the file has it, even if past.
    #[must_use]
    pub fn disabled_until(&self) -> Option<Timestamp> {
        self.disabled.as_ref().map(|window| timestamp(window.until))
    }

    /// Returns the end of the window that the provider announced to OpenClaw, even if past: a plan's limit, which may
    /// last for days.
    #[must_use]
    pub fn blocked_until(&self) -> Option<Timestamp> {
        self.blocked.as_ref().map(|window| timestamp(window.until))
    }

    /// Returns the number of failures of any reason since the last success, as the file counts them.
    #[must_use]
    pub fn error_count(&self) -> f64 {
        self.error_count.unwrap_or(0.0)
    }

    /// Returns the number of failures for one reason since its counter was last reset.
    #[must_use]
    pub fn failure_count(&self, reason: FailureReason) -> f64 {
        self.failure_counts.get(reason.as_str()).copied().unwrap_or(0.0)
    }

    /// Returns `true` if another program has recorded headroom.
    pub(crate) fn has_hint(&self) -> bool {
        [&self.no_headroom_until, &self.plan_used, &self.headroom_told_at].iter().any(|numbers| !numbers.is_empty())
    }

    /// Returns `true` if there is nothing to clear.
    pub(crate) fn is_clear(&self) -> bool {
        let windows = [&self.cooldown, &self.disabled, &self.blocked].into_iter().any(Option::is_some);
        let counted = self.error_count.is_some_and(|errors| errors != 0.0) || !self.failure_counts.is_empty();
        !windows && self.model_cooldowns.is_empty() && !counted
    }

    /// Returns the entry as the JSON object in the file, which contains no secret.
    #[must_use]
    pub fn to_json(&self) -> String {
        self.text.to_string()
    }
}

/// Rounds a file's time up to whole milliseconds: a window is over at the first one after its end.
pub(crate) fn timestamp(millis: f64) -> Timestamp {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the cast saturates, which is what a time out of range should do"
    )]
    Timestamp::from_millis(millis.ceil() as i64)
}

impl Default for UsageStats {
    fn default() -> Self {
        let empty = RawObject::default();
        Self::read(&empty, (*empty.to_text(DEPTH)).into())
    }
}

impl fmt::Debug for UsageStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UsageStats")
            .field("last_used", &self.last_used())
            .field("last_failure_at", &self.last_failure_at())
            .field("error_count", &self.error_count())
            .field("cooldown", &self.cooldown)
            .field("disabled", &self.disabled)
            .field("blocked", &self.blocked)
            .field("model_cooldowns", &self.model_cooldowns)
            .field("failure_counts", &self.failure_counts)
            .finish_non_exhaustive()
    }
}
