//! What is remembered of one profile's use: when it last worked, how often it failed, until when it rests.

use std::fmt;

use indexmap::IndexMap;

use super::raw::{self, RawObject};
use super::view::RawView;
use crate::clock::Timestamp;
use crate::reason::FailureReason;

/// Keys of a `usageStats` entry. The first nine are the reference's of February 2026, the blocks after them its later
/// versions', the last ones this crate's own; all of them survive a visit of the reference.
pub(crate) mod key {
    pub(crate) const LAST_USED: &str = "lastUsed";
    pub(crate) const COOLDOWN_UNTIL: &str = "cooldownUntil";
    pub(crate) const DISABLED_UNTIL: &str = "disabledUntil";
    pub(crate) const DISABLED_REASON: &str = "disabledReason";
    pub(crate) const ERROR_COUNT: &str = "errorCount";
    pub(crate) const FAILURE_COUNTS: &str = "failureCounts";
    pub(crate) const LAST_FAILURE_AT: &str = "lastFailureAt";
    pub(crate) const COOLDOWN_REASON: &str = "cooldownReason";
    pub(crate) const COOLDOWN_MODEL: &str = "cooldownModel";

    pub(crate) const BLOCKED_UNTIL: &str = "blockedUntil";
    pub(crate) const BLOCKED_MODEL: &str = "blockedModel";
    pub(crate) const BLOCKED_SCOPE: &str = "blockedScope";
    /// Everything a blocked window consists of.
    pub(crate) const BLOCKED: [&str; 5] =
        [BLOCKED_UNTIL, "blockedReason", "blockedSource", BLOCKED_MODEL, BLOCKED_SCOPE];

    pub(crate) const COOLDOWN_SINCE: &str = "cooldownSince";
    pub(crate) const DISABLED_SINCE: &str = "disabledSince";
    pub(crate) const MODEL_COOLDOWNS: &str = "modelCooldowns";
    pub(crate) const SUCCESS_PICKED_AT: &str = "successPickedAt";
    pub(crate) const INLINE_KEY: &str = "inlineKey";
}

/// A period in which a profile, or one model of it, rests. Times are milliseconds as the file has them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Window {
    pub(crate) until: f64,
    pub(crate) since: Option<f64>,
    pub(crate) reason: Option<FailureReason>,
    /// The reason in the words of another program, where it is none of ours.
    pub(crate) foreign_reason: Option<Box<str>>,
    /// The one model it concerns; `None` for all.
    pub(crate) model: Option<Box<str>>,
}

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
    pub(crate) cooldown: Option<Window>,
    pub(crate) disabled: Option<Window>,
    pub(crate) blocked: Option<Window>,
    /// Windows of single models beside the one in `cooldown`.
    pub(crate) model_cooldowns: Vec<Window>,
    /// The end of the window that ends last, whatever it concerns; zero if there is none. While it lies ahead, a window
    /// may be in force.
    pub(crate) last_end: f64,
    pub(crate) failure_counts: IndexMap<Box<str>, f64>,
    /// By model, when the latest request that succeeded was picked; the empty name stands for no model.
    pub(crate) success_picked_at: IndexMap<Box<str>, f64>,
}

impl Window {
    fn reason_name(&self) -> Option<&str> {
        self.foreign_reason.as_deref().or(self.reason.map(FailureReason::as_str))
    }

    /// The same window with another reason.
    pub(crate) fn because(self, reason: FailureReason) -> Self {
        Self { reason: Some(reason), foreign_reason: None, ..self }
    }
}

impl Default for UsageStats {
    fn default() -> Self {
        Self::from_raw(&RawObject::new())
    }
}

impl Window {
    /// A window that ends here, for the reason that stands under a key, in our words or in those of another program.
    fn read(object: &RawView<'_>, until: f64, since: &str, reason: &str) -> Self {
        let name = object.string(reason);
        let known = name.as_deref().map(FailureReason::from_name);
        let foreign_reason = name.filter(|_| known == Some(None)).map(Into::into);
        let reason = known.map(|known| known.unwrap_or(FailureReason::Unknown));
        Self { until, since: object.number(since), reason, foreign_reason, model: None }
    }
}

fn text_of(object: &RawView<'_>, key: &str) -> Option<Box<str>> {
    object.string(key).filter(|text| !text.is_empty()).map(Into::into)
}

impl UsageStats {
    /// Reads an entry; `None` if it is not an object.
    pub(super) fn parse(text: &str) -> Option<Self> {
        Some(Self::from_view(&RawView::parse(text)?, text.into()))
    }

    fn from_raw(object: &RawObject) -> Self {
        let text = object.to_text(DEPTH);
        let view = RawView::parse(&text).unwrap_or_default();
        Self::from_view(&view, text.as_str().into())
    }

    fn from_view(object: &RawView<'_>, text: Box<str>) -> Self {
        let cooldown = object.number(key::COOLDOWN_UNTIL).map(|until| Window {
            model: text_of(object, key::COOLDOWN_MODEL),
            ..Window::read(object, until, key::COOLDOWN_SINCE, key::COOLDOWN_REASON)
        });
        let disabled = object
            .number(key::DISABLED_UNTIL)
            .map(|until| Window::read(object, until, key::DISABLED_SINCE, key::DISABLED_REASON));
        let blocked = object.number(key::BLOCKED_UNTIL).map(|until| Window {
            until,
            since: None,
            reason: Some(FailureReason::RateLimit),
            foreign_reason: None,
            // The reference scopes a block to its model only where it says so in as many words.
            model: text_of(object, key::BLOCKED_MODEL)
                .filter(|_| object.string(key::BLOCKED_SCOPE).as_deref() == Some("model")),
        });
        let model_cooldowns = object.object(key::MODEL_COOLDOWNS).map_or_else(Vec::new, |models| {
            let windows = models.iter().filter_map(|(model, value)| {
                let window = RawView::parse(value.get())?;
                let until = window.number("until")?;
                Some(Window { model: Some(model.into()), ..Window::read(&window, until, "since", "reason") })
            });
            windows.collect()
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
            cooldown,
            disabled,
            blocked,
            model_cooldowns,
            last_end,
            failure_counts: numbers(key::FAILURE_COUNTS),
            success_picked_at: numbers(key::SUCCESS_PICKED_AT),
        }
    }

    /// The entry as JSON text.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The same entry with some of its members changed; all others keep their text and place.
    pub(crate) fn edited(&self, edit: impl FnOnce(&mut UsageEdit)) -> Self {
        let mut edited = UsageEdit(RawObject::parse(&self.text).unwrap_or_else(RawObject::new));
        edit(&mut edited);
        Self::from_raw(&edited.0)
    }

    /// Ends every window and forgets every counter; the stamps of last use and last failure stay.
    pub(crate) fn cleared(&self) -> Self {
        self.edited(|edit| {
            edit.end_windows();
            edit.0.remove(key::FAILURE_COUNTS);
            edit.0.set_number(key::ERROR_COUNT, 0.0);
        })
    }

    /// Which key the entry is about, where it is about one from outside the document: a few digits that tell a changed
    /// key, and nothing of the key itself.
    pub(crate) fn inline_key(&self) -> Option<String> {
        RawView::parse(&self.text)?.string(key::INLINE_KEY).map(Into::into)
    }

    /// Ends the windows and counters of refused credentials; all others stay.
    pub(super) fn without_refusals(&self) -> Self {
        use FailureReason::{Auth, AuthPermanent, SessionExpired};
        let refusals = [Auth, AuthPermanent, SessionExpired];
        let stays = |window: &&Window| !window.reason.is_some_and(|reason| refusals.contains(&reason));
        let models: Vec<Window> = self.model_cooldowns.iter().filter(stays).cloned().collect();
        let mut counts = self.failure_counts.clone();
        counts.retain(|name, _| !refusals.iter().any(|reason| reason.as_str() == &**name));
        let untouched = self.cooldown.as_ref().is_none_or(|window| stays(&window))
            && self.disabled.as_ref().is_none_or(|window| stays(&window))
            && models == self.model_cooldowns
            && counts == self.failure_counts;
        if untouched {
            return self.clone();
        }
        self.edited(|edit| {
            edit.cooldown(self.cooldown.as_ref().filter(stays));
            edit.disabled(self.disabled.as_ref().filter(stays));
            edit.model_cooldowns(&models);
            edit.number(key::ERROR_COUNT, counts.values().sum());
            edit.numbers(key::FAILURE_COUNTS, &counts);
        })
    }

    /// When the profile last worked.
    #[must_use]
    pub fn last_used(&self) -> Option<Timestamp> {
        self.last_used.map(timestamp)
    }

    /// When the profile last failed.
    #[must_use]
    pub fn last_failure_at(&self) -> Option<Timestamp> {
        self.last_failure_at.map(timestamp)
    }

    /// The end of the transient window as the file has it, past or not.
    #[must_use]
    pub fn cooldown_until(&self) -> Option<Timestamp> {
        self.cooldown.as_ref().map(|window| timestamp(window.until))
    }

    /// The end of the long window as the file has it, past or not.
    #[must_use]
    pub fn disabled_until(&self) -> Option<Timestamp> {
        self.disabled.as_ref().map(|window| timestamp(window.until))
    }

    /// Failures since the last success, over all reasons, as the file counts them.
    #[must_use]
    pub fn error_count(&self) -> f64 {
        self.error_count.unwrap_or(0.0)
    }

    /// Failures of one reason since its counter was last reset.
    #[must_use]
    pub fn failure_count(&self, reason: FailureReason) -> f64 {
        self.failure_counts.get(reason.as_str()).copied().unwrap_or(0.0)
    }

    /// Whether there is nothing to clear.
    pub(crate) fn is_clear(&self) -> bool {
        let windows = [&self.cooldown, &self.disabled, &self.blocked].into_iter().any(Option::is_some);
        let counted = self.error_count.is_some_and(|errors| errors != 0.0) || !self.failure_counts.is_empty();
        !windows && self.model_cooldowns.is_empty() && !counted
    }

    /// The entry as the JSON object the file holds. There is no secret in it.
    #[must_use]
    pub fn to_json(&self) -> String {
        self.text.to_string()
    }
}

/// Entries stand at this depth: document, `usageStats`, profile.
const DEPTH: usize = 2;

/// The moment that is not earlier than a file's number; a window is over at the first whole millisecond after its end.
pub(crate) fn timestamp(millis: f64) -> Timestamp {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the cast saturates, which is what a time out of range should do"
    )]
    Timestamp::from_millis(millis.ceil() as i64)
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

/// An entry being changed.
pub(crate) struct UsageEdit(RawObject);

impl UsageEdit {
    pub(crate) fn number(&mut self, key: &str, value: f64) {
        self.0.set_number(key, value);
    }

    pub(crate) fn text(&mut self, key: &str, value: &str) {
        self.0.set_str(key, value);
    }

    /// Sets a text, or removes it.
    pub(crate) fn optional_text(&mut self, key: &str, value: Option<&str>) {
        match value {
            Some(value) => self.text(key, value),
            None => self.remove(key),
        }
    }

    pub(crate) fn remove(&mut self, key: &str) {
        self.0.remove(key);
    }

    /// Replaces the numbers of an object, or removes it with the last of them.
    pub(crate) fn numbers(&mut self, key: &str, numbers: &IndexMap<Box<str>, f64>) {
        // What is no number in it was never one of ours; it is kept all the same.
        let mut object = self.0.object(key).unwrap_or_else(RawObject::new);
        object.retain(|name, value| numbers.contains_key(name) || raw::as_number(value).is_none());
        for (name, number) in numbers {
            object.set_number(name, *number);
        }
        match raw::value(object.to_text(DEPTH + 1)) {
            Some(text) if !object.is_empty() => self.0.set(key, text),
            _ => self.remove(key),
        }
    }

    /// Replaces the windows of single models.
    pub(crate) fn model_cooldowns(&mut self, windows: &[Window]) {
        let before = self.0.object(key::MODEL_COOLDOWNS);
        if windows.is_empty() {
            self.0.remove(key::MODEL_COOLDOWNS);
            return;
        }
        let mut object = RawObject::new();
        for window in windows {
            let Some(model) = &window.model else { continue };
            let known = before.as_ref().and_then(|before| before.object(model));
            let mut entry = known.unwrap_or_else(RawObject::new);
            entry.set_number("until", window.until);
            if let Some(since) = window.since {
                entry.set_number("since", since);
            }
            if let Some(reason) = window.reason_name() {
                entry.set_str("reason", reason);
            }
            if let Some(text) = raw::value(entry.to_text(DEPTH + 2)) {
                object.set(model, text);
            }
        }
        if let Some(text) = raw::value(object.to_text(DEPTH + 1)) {
            self.0.set(key::MODEL_COOLDOWNS, text);
        }
    }

    /// Writes the transient window, or removes it.
    pub(crate) fn cooldown(&mut self, window: Option<&Window>) {
        match window {
            Some(window) => {
                self.number(key::COOLDOWN_UNTIL, window.until);
                self.optional_text(key::COOLDOWN_REASON, window.reason_name());
                self.optional_text(key::COOLDOWN_MODEL, window.model.as_deref());
                if let Some(since) = window.since {
                    self.number(key::COOLDOWN_SINCE, since);
                }
            }
            None => {
                for key in [key::COOLDOWN_UNTIL, key::COOLDOWN_REASON, key::COOLDOWN_MODEL, key::COOLDOWN_SINCE] {
                    self.remove(key);
                }
            }
        }
    }

    /// Writes the long window, or removes it.
    pub(crate) fn disabled(&mut self, window: Option<&Window>) {
        match window {
            Some(window) => {
                self.number(key::DISABLED_UNTIL, window.until);
                self.optional_text(key::DISABLED_REASON, window.reason_name());
                if let Some(since) = window.since {
                    self.number(key::DISABLED_SINCE, since);
                }
            }
            None => {
                for key in [key::DISABLED_UNTIL, key::DISABLED_REASON, key::DISABLED_SINCE] {
                    self.remove(key);
                }
            }
        }
    }

    /// Removes every window.
    pub(crate) fn end_windows(&mut self) {
        self.cooldown(None);
        self.disabled(None);
        self.model_cooldowns(&[]);
        for key in key::BLOCKED {
            self.remove(key);
        }
    }
}
