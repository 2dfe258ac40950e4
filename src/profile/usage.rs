//! What is remembered of one profile's use: when it last worked, how often it failed, until when it cools down.

use std::fmt;

use indexmap::IndexMap;

use super::raw::{self, RawObject};
use super::usage_edit::{DEPTH, UsageEdit};
use super::window::{Window, key};
use crate::clock::Timestamp;
use crate::reason::FailureReason;

/// What is remembered of one profile's use, in the format of the file's `usageStats`.
///
/// Read-only for callers: it changes through the transitions of the selector rules, inside a store's update. Times that
/// the file gives as fractions of a millisecond are rounded up by the accessors.
#[derive(Clone, PartialEq)]
pub struct UsageStats {
    /// The object's JSON text: unknown members keep theirs.
    text: Box<str>,
    pub(crate) last_used: Option<f64>,
    pub(crate) error_count: Option<f64>,
    pub(crate) last_failure_at: Option<f64>,
    pub(crate) last_probe_at: Option<f64>,
    /// The window in the place that OpenClaw knows.
    pub(crate) cooldown: Option<Window>,
    /// Whether that one only stands for those in `model_cooldowns`, for readers who know one place.
    stands_for_models: bool,
    pub(crate) disabled: Option<Window>,
    pub(crate) blocked: Option<Window>,
    /// Windows for which there is no place of OpenClaw's, nearly all of them of single models.
    model_cooldowns: Vec<Window>,
    /// The end of the window that ends last, whatever it concerns; zero if there is none. While it lies ahead, a window
    /// may be in force.
    pub(crate) last_end: f64,
    pub(crate) failure_counts: IndexMap<Box<str>, f64>,
    /// By model, when the latest request that succeeded was picked; the empty name stands for no model.
    pub(crate) success_picked_at: IndexMap<Box<str>, f64>,
    /// What another program of this crate was told is left of the profile's limits.
    pub(crate) no_headroom_until: IndexMap<Box<str>, f64>,
    pub(crate) plan_used: IndexMap<Box<str>, f64>,
}

fn text_of(object: &RawObject<'_>, key: &str) -> Option<Box<str>> {
    object.string(key).filter(|text| !text.is_empty()).map(Into::into)
}

impl UsageStats {
    /// Reads an entry; `None` if it is not an object.
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
            // OpenClaw scopes a block to its model only where it says so in as many words.
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
        // Whoever moved the window since has written one of its own.
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
        }
    }

    /// Returns the entry as JSON text.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Changes some members; all others keep their text and place.
    pub(crate) fn edited(&self, edit: impl FnOnce(&mut UsageEdit<'_>)) -> Self {
        let mut edited = UsageEdit(RawObject::parse(&self.text).unwrap_or_default());
        edit(&mut edited);
        Self::read(&edited.0, (*edited.0.to_text(DEPTH)).into())
    }

    /// Iterates over the transient windows, each with its own scope.
    pub(crate) fn transient(&self) -> impl Iterator<Item = &Window> {
        self.cooldown.iter().filter(|_| !self.stands_for_models).chain(&self.model_cooldowns)
    }

    /// Ends every window and forgets every counter; the stamps of last use and last failure stay.
    pub(crate) fn cleared(&self) -> Self {
        self.edited(|edit| {
            edit.end_windows();
            edit.headroom(&IndexMap::new(), &IndexMap::new());
            edit.0.remove(key::FAILURE_COUNTS);
            edit.0.set_number(key::ERROR_COUNT, 0.0);
        })
    }

    /// Returns which key the entry is about, if it is about one from outside the document: a few digits that tell a
    /// changed key, and nothing of the key itself.
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

    /// Returns when OpenClaw last probed the profile although it was cooling down.
    #[must_use]
    pub fn last_probe_at(&self) -> Option<Timestamp> {
        self.last_probe_at.map(timestamp)
    }

    /// Returns the end of the transient window as the file has it, past or not.
    #[must_use]
    pub fn cooldown_until(&self) -> Option<Timestamp> {
        self.cooldown.as_ref().map(|window| timestamp(window.until))
    }

    /// Returns the end of the long window as the file has it, past or not.
    #[must_use]
    pub fn disabled_until(&self) -> Option<Timestamp> {
        self.disabled.as_ref().map(|window| timestamp(window.until))
    }

    /// Returns the end of the window that the provider announced to OpenClaw, past or not: the limit of a plan, which may
    /// lie days ahead.
    #[must_use]
    pub fn blocked_until(&self) -> Option<Timestamp> {
        self.blocked.as_ref().map(|window| timestamp(window.until))
    }

    /// Returns the number of failures since the last success, over all reasons, as the file counts them.
    #[must_use]
    pub fn error_count(&self) -> f64 {
        self.error_count.unwrap_or(0.0)
    }

    /// Returns the number of failures of one reason since its counter was last reset.
    #[must_use]
    pub fn failure_count(&self, reason: FailureReason) -> f64 {
        self.failure_counts.get(reason.as_str()).copied().unwrap_or(0.0)
    }

    /// Returns `true` if others have said what is left of the profile.
    pub(crate) fn has_hint(&self) -> bool {
        !self.no_headroom_until.is_empty() || !self.plan_used.is_empty()
    }

    /// Returns `true` if there is nothing to clear.
    pub(crate) fn is_clear(&self) -> bool {
        let windows = [&self.cooldown, &self.disabled, &self.blocked].into_iter().any(Option::is_some);
        let counted = self.error_count.is_some_and(|errors| errors != 0.0) || !self.failure_counts.is_empty();
        !windows && self.model_cooldowns.is_empty() && !counted
    }

    /// Returns the entry as the JSON object the file holds. There is no secret in it.
    #[must_use]
    pub fn to_json(&self) -> String {
        self.text.to_string()
    }
}

/// Returns the first moment that is not earlier than a file's number; a window is over at the first whole millisecond after its end.
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
