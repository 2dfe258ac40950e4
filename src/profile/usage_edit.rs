//! Changes of usage statistics that leave everything else untouched.

use std::borrow::Cow;

use indexmap::IndexMap;
use serde_json::value::RawValue;

use super::raw::{self, RawObject};
use super::window::{Window, key};

/// The depth of entries: document, `usageStats`, profile.
pub(super) const DEPTH: usize = 2;

pub(crate) struct UsageEdit<'t>(pub(super) RawObject<'t>);

impl UsageEdit<'_> {
    pub(crate) fn number(&mut self, key: &str, value: f64) {
        self.0.set_number(key, value);
    }

    pub(crate) fn text(&mut self, key: &str, value: &str) {
        self.0.set_str(key, value);
    }

    pub(crate) fn optional_text(&mut self, key: &str, value: Option<&str>) {
        match value {
            Some(value) => self.text(key, value),
            None => self.remove(key),
        }
    }

    pub(crate) fn remove(&mut self, key: &str) {
        self.0.remove(key);
    }

    /// Replaces the numbers of an object, and removes it if there are none.
    pub(crate) fn numbers(&mut self, key: &str, numbers: &IndexMap<Box<str>, f64>) {
        let before = self.0.object(key).unwrap_or_default();
        // Members that are not numbers are unknown content and stay.
        let kept = before.iter().filter(|(name, value)| numbers.contains_key(*name) || raw::as_number(value).is_none());
        let mut members: IndexMap<&str, Cow<'_, RawValue>> =
            kept.map(|(name, value)| (name, Cow::Borrowed(value))).collect();
        for (name, number) in numbers {
            if !members.get(&**name).is_some_and(|value| raw::is_number(value, *number)) {
                members.insert(name, Cow::Owned(raw::number(*number)));
            }
        }
        let text = raw::object(DEPTH + 1, members.iter().map(|(name, value)| (*name, value.get())));
        drop(members);
        drop(before);
        self.object(key, &text);
    }

    pub(crate) fn headroom(&mut self, [ends, plan, told]: [&IndexMap<Box<str>, f64>; 3]) {
        self.numbers(key::NO_HEADROOM_UNTIL, ends);
        self.numbers(key::PLAN_USED, plan);
        self.numbers(key::HEADROOM_TOLD_AT, told);
    }

    /// Replaces the transient windows; of several with the same scope, the one that ends last stays.
    ///
    /// OpenClaw has keys for one of them, and drops the others when it writes. So the one under its keys has to end
    /// last and has to cover the scope of all: for readers that know only that one, windows of several models, or of a
    /// model and the whole profile, become one of the whole profile. OpenClaw does the same when a second model fails.
    pub(crate) fn transient(&mut self, windows: &[Window]) {
        let mut by_scope: IndexMap<Option<&str>, &Window> = IndexMap::new();
        for window in windows {
            let known = by_scope.entry(window.model.as_deref()).or_insert(window);
            if known.until < window.until {
                *known = window;
            }
        }
        // Of two that end at the same time, the one of the whole profile covers more.
        let last = by_scope
            .values()
            .max_by(|a, b| a.until.total_cmp(&b.until).then_with(|| a.model.is_none().cmp(&b.model.is_none())));
        let last = last.map(|last| (*last).clone());
        let stands_for_others = by_scope.len() > 1 && last.as_ref().is_some_and(|last| last.model.is_some());
        if let Some(last) = last.as_ref().filter(|_| stands_for_others) {
            self.cooldown(Some(&Window { model: None, ..last.clone() }));
            self.number(key::MODEL_COOLDOWNS_UNTIL, last.until);
        } else {
            self.cooldown(last.as_ref());
            by_scope.retain(|_, window| last.as_ref() != Some(*window));
            self.remove(key::MODEL_COOLDOWNS_UNTIL);
        }
        self.model_cooldowns(by_scope.into_values());
    }

    /// Replaces the windows that OpenClaw has no key for. The empty name is the whole profile.
    fn model_cooldowns<'w>(&mut self, windows: impl Iterator<Item = &'w Window>) {
        let before = self.0.object(key::MODEL_COOLDOWNS).unwrap_or_default();
        let known: IndexMap<&str, &RawValue> = before.iter().collect();
        let mut members: IndexMap<&str, String> = IndexMap::new();
        for window in windows {
            let model = window.model.as_deref().unwrap_or_default();
            let mut entry = known.get(model).and_then(|value| RawObject::parse(value.get())).unwrap_or_default();
            entry.set_number("until", window.until);
            match window.since {
                Some(since) => entry.set_number("since", since),
                None => entry.remove("since"),
            }
            match window.reason_name() {
                Some(reason) => entry.set_str("reason", reason),
                None => entry.remove("reason"),
            }
            members.insert(model, entry.to_text(DEPTH + 2).to_owned());
        }
        let text = raw::object(DEPTH + 1, members.iter().map(|(model, text)| (*model, text.as_str())));
        drop(members);
        drop(before);
        self.object(key::MODEL_COOLDOWNS, &text);
    }

    /// Replaces an object with this text, or removes it if it is empty.
    fn object(&mut self, key: &str, text: &str) {
        match raw::value(text.to_owned()) {
            Some(text) if text.get() != "{}" => self.0.set(key, text),
            _ => self.remove(key),
        }
    }

    /// Sets or removes OpenClaw's transient window.
    fn cooldown(&mut self, window: Option<&Window>) {
        match window {
            Some(window) => {
                self.number(key::COOLDOWN_UNTIL, window.until);
                self.optional_text(key::COOLDOWN_REASON, window.reason_name());
                self.optional_text(key::COOLDOWN_MODEL, window.model.as_deref());
            }
            None => {
                for key in [key::COOLDOWN_UNTIL, key::COOLDOWN_REASON, key::COOLDOWN_MODEL] {
                    self.remove(key);
                }
            }
        }
        self.since(window, [key::COOLDOWN_SINCE, key::COOLDOWN_SINCE_UNTIL]);
    }

    /// Sets or removes the start of a window, with the end it belongs to.
    fn since(&mut self, window: Option<&Window>, [since, since_until]: [&str; 2]) {
        if let Some((opened, until)) = window.and_then(|window| Some((window.since?, window.until))) {
            self.number(since, opened);
            self.number(since_until, until);
        } else {
            self.remove(since);
            self.remove(since_until);
        }
    }

    pub(crate) fn disabled(&mut self, window: Option<&Window>) {
        match window {
            Some(window) => {
                self.number(key::DISABLED_UNTIL, window.until);
                self.optional_text(key::DISABLED_REASON, window.reason_name());
            }
            None => {
                for key in [key::DISABLED_UNTIL, key::DISABLED_REASON] {
                    self.remove(key);
                }
            }
        }
        self.since(window, [key::DISABLED_SINCE, key::DISABLED_SINCE_UNTIL]);
    }

    pub(crate) fn end_windows(&mut self) {
        self.transient(&[]);
        self.disabled(None);
        for key in key::BLOCKED {
            self.remove(key);
        }
    }
}
