//! One document in two files: credentials in one, order and statistics in the other.

use std::hash::Hash;
use std::sync::Arc;

use indexmap::IndexMap;

use super::document::AuthProfiles;
#[cfg(feature = "sqlite")]
use super::raw;
use super::section::Section;
#[cfg(feature = "sqlite")]
use super::usage::UsageStats;
use super::wire::Part;
use crate::error::{Diagnostic, DiagnosticCode, Severity};
use crate::error::{Location, Result};
use crate::secret::Secret;
use crate::syntax::KeyPath;
use crate::syntax::Limits;

const HIDDEN: &str = "the credential file has another entry; the one in the state file is used";

impl AuthProfiles {
    /// Reads the text of an `auth-state.json` as a document without profiles. Entries with the same text are taken from
    /// `known`.
    ///
    /// # Errors
    ///
    /// As [`from_json`](Self::from_json).
    pub(crate) fn state_from_json(text: Secret, limits: &Limits, known: Option<&Self>) -> Result<Self> {
        Self::read(text, limits, Part::State, known)
    }

    pub(crate) fn to_state_json(&self) -> Secret {
        self.write(Part::State)
    }

    /// Returns the text this document was read from or written as, if it has not changed since. A document merged from
    /// two files has none.
    pub(crate) fn text(&self) -> Option<&str> {
        self.text.as_ref().map(Secret::expose)
    }

    /// Marks the current content as committed with this text.
    pub(crate) fn committed_as(&mut self, text: Secret) {
        self.committed();
        self.text = Some(text);
    }

    /// Merges both files into one document, entry by entry; the state file takes precedence.
    pub(crate) fn with_state(&self, state: &Self) -> Self {
        let mut whole = self.clone();
        whole.text = None;
        whole.version = self.version.max(state.version);
        whole.diagnostics.extend(state.diagnostics.iter().cloned());
        let mut hidden: Vec<(&str, &str)> = Vec::new();
        let (order, names) = state.order.over(&self.order);
        hidden.extend(names.into_iter().map(|name| ("order", name.as_str())));
        let (last_good, names) = state.last_good.over(&self.last_good);
        hidden.extend(names.into_iter().map(|name| ("lastGood", name.as_str())));
        let (usage, ids) = state.usage.over(&self.usage);
        hidden.extend(ids.into_iter().map(|id| ("usageStats", id.as_str())));
        whole.diagnostics.extend(hidden.into_iter().map(|(section, entry)| {
            let location = Location::default().with_key_path(KeyPath::root().key(section).key(entry).to_string());
            Diagnostic::new(Severity::Warning, DiagnosticCode::Conflict, location, HIDDEN)
        }));
        (whole.order, whole.last_good, whole.usage) = (order, last_good, usage);
        whole.links = super::document::Links::default();
        whole
    }

    /// Returns `true` if the credential file contains state that a state file could take over.
    pub(crate) fn has_state(&self) -> bool {
        self.order.is_map() || self.last_good.is_map() || self.usage.is_map()
    }

    /// Returns `true` if this state has an entry or unknown content.
    #[cfg(feature = "sqlite")]
    pub(crate) fn says_anything(&self) -> bool {
        let kept = |(name, text): (&String, &Secret)| name != "version" && !text.is_empty();
        self.has_state() || self.has_foreign_section() || self.members.iter().any(kept)
    }

    /// Returns `true` if every part of this state is known.
    #[cfg(feature = "sqlite")]
    pub(crate) fn is_plain(&self) -> bool {
        let is_kept = |name: &str| self.members.get(name).is_some_and(|text| !text.is_empty());
        !self.has_foreign_section() && !["order", "lastGood", "usageStats"].into_iter().any(is_kept)
    }

    #[cfg(feature = "sqlite")]
    fn has_foreign_section(&self) -> bool {
        self.order.is_foreign() || self.last_good.is_foreign() || self.usage.is_foreign()
    }

    /// Returns `true` if both documents share their profiles, unchanged since one was cloned from the other or both
    /// from a third.
    #[cfg(feature = "sqlite")]
    pub(crate) fn has_profiles_of(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.profiles, &other.profiles)
    }

    /// Returns `true` if both have the same order, last good profiles and statistics.
    pub(crate) fn same_state(&self, other: &Self) -> bool {
        self.order.same_text(&other.order)
            && self.last_good.same_text(&other.last_good)
            && self.usage.same_text(&other.usage)
    }

    /// Returns the credential file for this document. State in the current file stays there if `keep`, or if it is not
    /// an object, as no state file can take it over then.
    pub(crate) fn credentials_part(&self, present: &Self, keep: bool) -> Self {
        let mut part = self.clone();
        part.text = None;
        part.version = present.version;
        part.diagnostics.clone_from(&present.diagnostics);
        (part.order, part.last_good, part.usage) =
            (present.order.clone(), present.last_good.clone(), present.usage.clone());
        if !keep {
            part.order.drop_map();
            part.last_good.drop_map();
            part.usage.drop_map();
        }
        part.links = super::document::Links::default();
        part
    }

    /// Returns the state file for this document, with the unknown content of the current one.
    pub(crate) fn state_part(&self, present: &Self) -> Self {
        let mut part = present.clone();
        part.text = None;
        (part.order, part.last_good, part.usage) = (self.order.clone(), self.last_good.clone(), self.usage.clone());
        part
    }

    /// Makes this state equal to one read from its compact text: removes the white space of entries that differ from
    /// `known`, which was read from such a text.
    #[cfg(feature = "sqlite")]
    pub(crate) fn compact_state(&mut self, known: &Self) {
        self.order.compact(&known.order, |_| None);
        self.last_good.compact(&known.last_good, |_| None);
        self.usage.compact(&known.usage, UsageStats::parse);
    }
}

impl<K: Hash + Eq + Clone, V: Clone> Section<K, V> {
    #[cfg(feature = "sqlite")]
    fn compact(&mut self, known: &Self, read: impl Fn(&str) -> Option<V>) {
        let new: Vec<K> = self.changed_since(known).map(|(key, _)| key.clone()).collect();
        let Self::Map(map) = self else { return };
        if new.is_empty() {
            return;
        }
        let map = Arc::make_mut(map);
        for key in new {
            let Some((value, text)) = map.get_mut(&key) else { continue };
            let compacted = raw::compact(text.expose());
            if let Some(read) = read(&compacted) {
                *value = Arc::new(read);
            }
            *text = compacted.into();
        }
    }

    /// Adds the entries that only another section has; also returns the keys whose entries differ.
    pub(super) fn over<'a>(&self, below: &'a Self) -> (Self, Vec<&'a K>) {
        match (self, below) {
            (Self::Absent, below) => (below.clone(), Vec::new()),
            (Self::Map(above), Self::Map(below)) => {
                let mut map = IndexMap::clone(above);
                let mut hidden = Vec::new();
                for (key, entry) in below.iter() {
                    match above.get(key) {
                        None => {
                            map.insert(key.clone(), entry.clone());
                        }
                        Some((_, text)) if *text != entry.1 => hidden.push(key),
                        Some(_) => {}
                    }
                }
                (Self::Map(Arc::new(map)), hidden)
            }
            (above, _) => (above.clone(), Vec::new()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::id::{ProfileId, ProviderId};
    use crate::profile::UsageStats;

    fn read(text: &str) -> AuthProfiles {
        AuthProfiles::from_json(text).unwrap()
    }

    fn read_state(text: &str) -> AuthProfiles {
        AuthProfiles::state_from_json(text.into(), &Limits::default(), None).unwrap()
    }

    const CREDENTIALS: &str = r#"{"version":1,"note":"n","profiles":{"x:a":{"type":"api_key","provider":"x","key":"k"}},
        "order":{"x":["x:old"],"y":["y:a"]},"usageStats":{"x:a":{"lastUsed":1},"x:b":{"lastUsed":2}}}"#;
    const STATE: &str = r#"{"version":1,"later":1e400,"order":{"x":["x:a"]},"usageStats":{"x:a":{"lastUsed":9}}}"#;

    #[test]
    fn the_state_file_counts_entry_by_entry() {
        let whole = read(CREDENTIALS).with_state(&read_state(STATE));
        let x = ProviderId::new("x").unwrap();
        assert_eq!(whole.order(&x), Some(&[ProfileId::new("x:a").unwrap()][..]));
        assert_eq!(whole.order(&ProviderId::new("y").unwrap()).map(<[_]>::len), Some(1));
        let last = |id| whole.usage(id).and_then(UsageStats::last_used);
        assert_eq!(last("x:a"), Some(Timestamp::from_millis(9)));
        assert_eq!(last("x:b"), Some(Timestamp::from_millis(2)));
        let hidden: Vec<_> =
            whole.diagnostics().iter().filter_map(|diagnostic| diagnostic.location.key_path.as_deref()).collect();
        assert_eq!(hidden, ["order.x", "usageStats[\"x:a\"]"]);
    }

    #[test]
    fn each_part_keeps_what_is_not_understood() {
        let (credentials, state) = (read(CREDENTIALS), read_state(STATE));
        let whole = credentials.with_state(&state);
        let part = whole.state_part(&state).to_state_json();
        assert!(part.expose().contains("\"later\": 1e400") && !part.expose().contains("profiles"));
        assert!(part.expose().contains("x:b"), "state in the old file moves to the new one");
        let kept = whole.credentials_part(&credentials, true).to_json();
        assert!(kept.expose().contains("\"note\": \"n\"") && kept.expose().contains("x:old"));
        let moved = whole.credentials_part(&credentials, false).to_json();
        assert!(moved.expose().contains("\"note\": \"n\"") && !moved.expose().contains("usageStats"));
    }

    #[test]
    fn a_section_that_is_no_object_stays_where_it_is() {
        let credentials = read(r#"{"profiles":{},"order":7}"#);
        let whole = credentials.with_state(&read_state(r#"{"order":{"x":["x:a"]}}"#));
        assert!(whole.credentials_part(&credentials, false).to_json().expose().contains("\"order\": 7"));
        assert!(whole.order(&ProviderId::new("x").unwrap()).is_some());
    }

    #[test]
    fn a_newer_version_of_either_file_forbids_writing() {
        let newer = read_state(r#"{"version":2}"#);
        assert!(read(CREDENTIALS).with_state(&newer).check_writable().is_err());
    }
}
