//! One document in parts: everything but the statistics, and the statistics of each profile.

use super::document::{AuthProfiles, DirtyState, Links};
use super::usage::UsageStats;
use crate::error::{Error, ErrorKind, Result};
use crate::id::ProfileId;
use crate::secret::Secret;
use crate::syntax::{self, Dialect, Limits};

impl AuthProfiles {
    /// Returns the text of the document without the statistics of its profiles. If that section is not an object, it
    /// stays.
    pub(crate) fn text_without_usage(&self) -> Secret {
        let mut rest = self.clone();
        rest.text = None;
        rest.usage.drop_map();
        rest.to_json()
    }

    /// Returns `true` if both are the same apart from the statistics, as far as can be told without writing them.
    pub(crate) fn is_same_without_usage(&self, other: &Self) -> bool {
        std::sync::Arc::ptr_eq(&self.profiles, &other.profiles)
            && self.order.same_text(&other.order)
            && self.last_good.same_text(&other.last_good)
            && self.usage.is_foreign() == other.usage.is_foreign()
    }

    /// Returns an iterator over the statistics that differ from those of another document, with their text; `None` if
    /// they were removed.
    pub(crate) fn usage_since<'a>(
        &'a self,
        before: &'a Self,
    ) -> impl Iterator<Item = (&'a ProfileId, Option<&'a Secret>)> {
        let changed = self.usage.changed_since(&before.usage).map(|(id, (_, text))| (id, Some(text)));
        changed.chain(before.usage.missing_in(&self.usage).map(|id| (id, None)))
    }

    /// Returns the text of a profile's statistics.
    pub(crate) fn usage_text(&self, id: &ProfileId) -> Option<&Secret> {
        self.usage.entry(id).map(|(_, (_, text))| text)
    }

    /// Takes the statistics of another document, as committed ones.
    pub(crate) fn take_usage(&mut self, other: &Self) {
        if !self.usage.is_foreign() && !other.usage.is_foreign() {
            self.usage = other.usage.clone();
            self.assembled();
        }
    }

    /// Sets or removes the statistics of a profile, as committed ones. Does nothing if the document's statistics are
    /// not an object.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Corrupt`] if the text is not an object, and the kinds of [`from_json`](Self::from_json).
    pub(crate) fn put_usage(&mut self, id: &ProfileId, text: Option<&Secret>) -> Result<()> {
        if self.usage.is_foreign() {
            return Ok(());
        }
        let Some(text) = text else {
            self.usage.remove(id.as_str())?;
            self.assembled();
            return Ok(());
        };
        syntax::check(text.expose(), Dialect::Json, &Limits::default())?;
        let usage = UsageStats::parse(text.expose())
            .ok_or_else(|| Error::new(ErrorKind::Corrupt, "the statistics of a profile are not a JSON object"))?;
        self.usage.set(id.clone(), usage, text.clone())?;
        self.assembled();
        Ok(())
    }

    fn assembled(&mut self) {
        self.text = None;
        self.links = Links::default();
        self.dirty_state = DirtyState::None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_taken_apart_and_put_together() {
        let whole = AuthProfiles::from_json(
            r#"{"later": 1e400, "profiles": {"x:a": {"type": "api_key", "provider": "x", "key": "k"}},
                "usageStats": {"x:a": {"lastUsed": 5, "mood": 1.50}, "x:b": {"lastUsed": 6}}}"#,
        )
        .unwrap();
        let text = whole.text_without_usage();
        assert!(text.expose().contains("1e400") && !text.expose().contains("mood"));
        let mut again = AuthProfiles::from_json(text.expose()).unwrap();
        let changes: Vec<_> = whole.usage_since(&again).map(|(id, text)| (id.clone(), text.cloned())).collect();
        for (id, text) in &changes {
            again.put_usage(id, text.as_ref()).unwrap();
        }
        assert_eq!(again.dirty_state(), DirtyState::None);
        assert!(again.to_json().expose().contains(r#""mood": 1.50"#));
        assert_eq!(whole.usage_since(&again).count(), 0);
        again.put_usage(&changes[1].0, None).unwrap();
        assert_eq!(
            again.usage_since(&whole).map(|(id, text)| (id.as_str(), text.is_some())).last(),
            Some(("x:b", false))
        );
        assert!(again.put_usage(&changes[0].0, Some(&Secret::new("[]"))).is_err());
    }
}
