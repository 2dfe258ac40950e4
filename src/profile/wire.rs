//! Reading and writing the document's text. Secrets are written to a document only here.

use std::borrow::Borrow;
use std::hash::Hash;
use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::value::RawValue;

use super::document::{AuthProfiles, DirtyState, Links, VERSION};
use super::entry::Profile;
use super::raw::{self, RawObject};
use super::section::Section;
use super::usage::UsageStats;
use super::view::{DocumentView, MemberView};
use crate::error::{Diagnostic, DiagnosticCode, Severity};
use crate::error::{Error, ErrorKind, Result};
use crate::id::ProfileId;
use crate::secret::{Secret, is_blank_char};
use crate::syntax::{self, Dialect, KeyPath, Limits};

/// The members that this crate reads, in the order in which OpenClaw writes them.
const OWN: [&str; 5] = ["version", "profiles", "order", "lastGood", "usageStats"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// The credential file, which may contain everything.
    Whole,
    #[cfg(feature = "file")]
    State,
}

impl Part {
    fn own(self, name: &str) -> bool {
        OWN.contains(&name) && (self == Self::Whole || name != "profiles")
    }

    /// Returns which members are opened as maps.
    fn opens(self) -> fn(&str) -> bool {
        match self {
            Self::Whole => |name| name != "version" && Self::Whole.own(name),
            #[cfg(feature = "file")]
            Self::State => |name| name != "version" && Self::State.own(name),
        }
    }
}

impl AuthProfiles {
    /// Reads the text of an `auth-profiles.json`.
    ///
    /// Unknown entries are kept and reported by [`diagnostics`](Self::diagnostics).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Syntax`], [`ErrorKind::TooLarge`], [`ErrorKind::TooDeep`] or [`ErrorKind::DuplicateKey`] if the
    /// text is not acceptable JSON; [`ErrorKind::Corrupt`] if it is not an object with an object `profiles`.
    pub fn from_json(text: &str) -> Result<Self> {
        Self::read(Secret::new(text), &Limits::default(), Part::Whole, None)
    }

    /// Reads the text of an `auth-profiles.json` within these limits.
    ///
    /// # Errors
    ///
    /// As [`from_json`](Self::from_json).
    #[cfg(feature = "file")]
    pub(crate) fn from_json_within(text: Secret, limits: &Limits) -> Result<Self> {
        Self::read(text, limits, Part::Whole, None)
    }

    /// Reads a text. State entries with the same text are taken from `known`.
    pub(super) fn read(text: Secret, limits: &Limits, part: Part, known: Option<&Self>) -> Result<Self> {
        syntax::check(text.expose(), Dialect::Json, limits)?;
        let mut read = Self::interpret(syntax::without_bom(text.expose()), part, known)?;
        read.text = Some(text);
        Ok(read)
    }

    /// Creates a document from a text that has been checked.
    fn interpret(text: &str, part: Part, known: Option<&Self>) -> Result<Self> {
        let at = |path: KeyPath<'_>| syntax::locate(text, Dialect::Json, &path);
        let Some(document) = DocumentView::parse(text, part.opens()) else {
            let message = "the credential document is not a JSON object";
            return Err(Error::new(ErrorKind::Corrupt, message).with_location(at(KeyPath::root())));
        };
        let none = RawObject::default();
        let entries = match document.get("profiles") {
            _ if !part.own("profiles") => &none,
            Some(MemberView::Map(entries)) => entries,
            _ => {
                let message = "the credential document has no object `profiles`";
                let location = at(KeyPath::root().key("profiles"));
                return Err(Error::new(ErrorKind::Corrupt, message).with_location(location));
            }
        };
        let mut diagnostics = Vec::new();
        let places = syntax::Places::new(text);
        let mut profiles = IndexMap::with_capacity(entries.len());
        for (id, entry) in entries.iter() {
            let mut remarks = Vec::new();
            let profile = Profile::parse(entry.get(), &mut remarks);
            diagnostics.extend(remarks.into_iter().map(|remark| {
                // Every value is a slice of the text, so its position follows from its address.
                let object = RawObject::parse(entry.get());
                let value = object.as_ref().and_then(|object| object.get(remark.member)).unwrap_or(entry);
                let begins = value.get().as_ptr().addr().wrapping_sub(text.as_ptr().addr());
                let path = KeyPath::root().key("profiles").key(id).key(remark.member);
                let location = places.locate(begins).with_key_path(path.to_string());
                let found = Diagnostic::new(Severity::Warning, remark.code, location, remark.message);
                remark.help.map_or(found.clone(), |help| found.with_help(help))
            }));
            profiles.insert(ProfileId::verbatim(id), profile);
        }
        let mut report = |name| {
            let message = "the section is not an object; it is ignored, kept, and cannot be changed";
            let location = at(KeyPath::root().key(name));
            diagnostics.push(Diagnostic::new(Severity::Warning, DiagnosticCode::InvalidValue, location, message));
        };
        let known_order = known.map(|known| &known.order);
        let order =
            section(&document, "order", known_order, &mut report, |name, value| (name.to_owned(), order_list(value)));
        let known_good = known.map(|known| &known.last_good);
        let last_good = section(&document, "lastGood", known_good, &mut report, |name, value| {
            (name.to_owned(), raw::as_string(value).map(ProfileId::verbatim))
        });
        let known_usage = known.map(|known| &known.usage);
        let usage = section(&document, "usageStats", known_usage, &mut report, |id, value| {
            (ProfileId::verbatim(id), UsageStats::parse(value.get()).unwrap_or_default())
        });
        let version = match document.get("version") {
            Some(MemberView::Raw(version)) => raw::as_number(version),
            _ => None,
        };
        let members = document.iter().map(|(key, value)| {
            let text = match value {
                // A section that is null is empty, but stays until it is set.
                MemberView::Raw(value) if !part.own(key) || key == "version" || value.get() == "null" => {
                    Secret::new(value.get())
                }
                _ => Secret::default(),
            };
            (key.to_owned(), text)
        });
        Ok(Self {
            text: None,
            members: members.collect(),
            version: version.unwrap_or(VERSION),
            profiles: Arc::new(profiles),
            order,
            last_good,
            usage,
            diagnostics,
            dirty_state: DirtyState::None,
            links: Links::default(),
            keeps_names: false,
            origin: None,
        })
    }

    /// Returns the document's text: the original if nothing has changed, otherwise JSON indented by two spaces with a
    /// final newline, in which everything unchanged keeps its text and position.
    ///
    /// # Security
    ///
    /// The text contains every secret in clear.
    #[must_use]
    pub fn to_json(&self) -> Secret {
        self.write(Part::Whole)
    }

    pub(super) fn write(&self, part: Part) -> Secret {
        if let Some(text) = &self.text {
            return text.clone();
        }
        let mut members: Vec<(&str, Secret)> = Vec::new();
        let own = |name: &str| match name {
            "version" => Some(match self.members.get("version") {
                Some(text) => text.clone(),
                None => raw::number(self.version).get().into(),
            }),
            "profiles" => {
                let entries = self.profiles.iter().map(|(id, profile)| (id.as_str(), profile.text()));
                Some(raw::object(1, entries).into())
            }
            "order" => section_text(&self.order, String::as_str),
            "lastGood" => section_text(&self.last_good, String::as_str),
            "usageStats" => section_text(&self.usage, ProfileId::as_str),
            _ => None,
        };
        for (name, text) in &self.members {
            let kept = Some(text).filter(|text| !text.is_empty()).cloned();
            let text = if part.own(name) { own(name).or(kept) } else { kept };
            members.extend(text.map(|text| (name.as_str(), text)));
        }
        for (place, name) in OWN.into_iter().enumerate() {
            let new = if part.own(name) && !self.members.contains_key(name) { own(name) } else { None };
            let Some(text) = new else { continue };
            // Where OpenClaw would write it, so that the file changes as little as possible when both write it.
            let later = OWN.get(place..).unwrap_or_default();
            let next = members.iter().position(|(member, _)| later.contains(member)).unwrap_or(members.len());
            members.insert(next, (name, text));
        }
        let mut text = raw::object(0, members.iter().map(|(name, text)| (*name, text.expose())));
        text.push('\n');
        text.into()
    }
}

fn section_text<K, V>(section: &Section<K, V>, name: impl Fn(&K) -> &str) -> Option<Secret> {
    match section {
        Section::Absent => None,
        Section::Foreign(text) => Some(text.clone()),
        Section::Map(map) => Some(raw::object(1, map.iter().map(|(key, (_, text))| (name(key), text.expose()))).into()),
    }
}

fn section<K: Hash + Eq + Clone + Borrow<str>, V>(
    document: &DocumentView<'_>,
    name: &'static str,
    known: Option<&Section<K, V>>,
    report: &mut impl FnMut(&'static str),
    read: impl Fn(&str, &RawValue) -> (K, V),
) -> Section<K, V> {
    let object = match document.get(name) {
        None => return Section::Absent,
        Some(MemberView::Map(object)) => object,
        Some(MemberView::Raw(value)) if value.get() == "null" => return Section::Absent,
        Some(MemberView::Raw(value)) => {
            report(name);
            return Section::Foreign(Secret::new(value.get()));
        }
    };
    let mut map = IndexMap::with_capacity(object.len());
    for (key, value) in object.iter() {
        let same = known.and_then(|known| known.entry(key)).filter(|(_, (_, text))| text.expose() == value.get());
        let new = || {
            let (key, entry) = read(key, value);
            (key, (Arc::new(entry), Secret::new(value.get())))
        };
        let (key, entry) = same.map_or_else(new, |(key, entry)| (key.clone(), entry.clone()));
        map.insert(key, entry);
    }
    Section::Map(Arc::new(map))
}

/// Reads a list of profile ids, trimmed; returns `None` if it is not a list, or has entries but no id. An empty list
/// means that no profile is used.
fn order_list(value: &RawValue) -> Option<Vec<ProfileId>> {
    let list: Vec<&RawValue> = serde_json::from_str(value.get()).ok()?;
    let ids = list.iter().filter_map(|entry| serde_json::from_str::<String>(entry.get()).ok());
    let ids = ids.map(|id| id.trim_matches(is_blank_char).to_owned()).filter(|id| !id.is_empty());
    let ids: Vec<ProfileId> = ids.map(ProfileId::verbatim).collect();
    if ids.is_empty() && !list.is_empty() { None } else { Some(ids) }
}
