//! Changing an entry of the usage statistics without touching what is not meant.

use indexmap::IndexMap;

use super::raw::{self, RawObject};
use super::usage::{DEPTH, Window, key};

/// An entry being changed.
pub(crate) struct UsageEdit(pub(super) RawObject);

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
