//! Walks the untyped tree. Every problem is reported with its location, and the walk goes on.

use std::borrow::Cow;
use std::cell::Cell;

use crate::config::keys::Shape;
use crate::config::nearest::nearest;
use crate::config::release::Release;
use crate::config::sources::Sources;
use crate::config::substitute::substitute;
use crate::env::Environment;
use crate::error::{Diagnostic, DiagnosticCode, Severity, Shown};
use crate::error::{Error, ErrorKind, Location, Result};
use crate::id::ProviderId;
use crate::secret::{Secret, is_blank_char, unquoted};
use crate::syntax::{KeyPath, Member, Node, Value};

/// The state of the walk: its position and the problems that it has found.
pub(super) struct Reader<'n> {
    pub(super) places: &'n Sources<'n>,
    /// The severity of a wrong value.
    pub(super) wrong: Severity,
    pub(super) environment: Environment,
    /// The release that the file belongs to.
    pub(super) release: Release,
    pub(super) path: KeyPath<'n>,
    pub(super) diagnostics: Vec<Diagnostic>,
    /// The numbers of warnings and errors.
    pub(super) found: [usize; 2],
    /// The number of bytes that substitution may still produce.
    pub(super) budget: usize,
    /// The provider that was read last, because the next one is often the same.
    pub(super) last_provider: Option<ProviderId>,
}

/// The number of problems of one severity that are reported.
pub(super) const MOST_NOTED: usize = 1_000;

/// A text after substitution.
pub(super) struct Text<'n> {
    pub(super) value: Cow<'n, str>,
    /// `true` if a placeholder is left in it.
    pub(super) unresolved: bool,
}

impl<'n> Reader<'n> {
    /// Reports a problem at the key or value with this number.
    pub(super) fn report(&mut self, severity: Severity, code: DiagnosticCode, at: usize, message: impl Into<String>) {
        let [warnings, errors] = &mut self.found;
        let found = if severity == Severity::Error { errors } else { warnings };
        *found += 1;
        if *found > MOST_NOTED {
            return;
        }
        let location = self.with_path(self.places.locate(at));
        self.diagnostics.push(Diagnostic::new(severity, code, location, message));
    }

    /// Adds the current key path to a location.
    fn with_path(&mut self, location: Location) -> Location {
        Location { key_path: Some(self.path.written().to_owned()), ..location }
    }

    /// Returns the location of the current key, for later.
    pub(super) fn key_place(&mut self, member: &Member<'_>) -> Location {
        self.with_path(self.places.locate_key(member))
    }

    /// Returns the location of the current value, for later.
    pub(super) fn value_place(&mut self, node: &Node<'_>) -> Location {
        self.with_path(self.places.locate_value(node, self.path.last_key()))
    }

    /// Adds help to the last problem.
    pub(super) fn help(&mut self, help: impl Into<String>) {
        // Beyond the limit the last reported problem may be another one.
        if self.found.iter().all(|found| *found <= MOST_NOTED)
            && let Some(last) = self.diagnostics.pop()
        {
            self.diagnostics.push(last.with_help(help));
        }
    }

    pub(super) fn warn(&mut self, code: DiagnosticCode, at: usize, message: impl Into<String>) {
        self.report(Severity::Warning, code, at, message);
    }

    /// Reports a wrong value of a key that is read.
    pub(super) fn wrong(&mut self, node: &Node<'_>, message: impl Into<String>) {
        self.report(self.wrong, DiagnosticCode::InvalidValue, node.at, message);
    }

    /// Reports a missing key.
    pub(super) fn missing(&mut self, node: &Node<'_>, key: &str) {
        self.report(self.wrong, DiagnosticCode::MissingKey, node.at, format!("the key `{key}` is missing"));
    }

    /// Visits the keys of an object that are read and reports unknown ones.
    pub(super) fn object(
        &mut self,
        node: &'n Node<'n>,
        shape: &Shape,
        mut visit: impl FnMut(&mut Self, &'n Member<'n>),
    ) {
        self.entries(node, |reader, member| {
            let name = member.key.as_ref();
            if let Some(key) = shape.key(name) {
                if shape.is_refused(key, reader.release) {
                    reader.outdated(member);
                }
                visit(reader, member);
            } else if !shape.is_foreign(name) {
                reader.unknown(member, shape);
            }
        });
    }

    /// Warns about a key that the release of the file refuses. It is read all the same.
    pub(super) fn outdated(&mut self, member: &Member<'_>) {
        let message = "OpenClaw refuses a file with this key since August 2026";
        self.warn(DiagnosticCode::DeprecatedKey, member.key_at, message);
        self.help("`openclaw doctor --fix` moves or removes it");
    }

    fn unknown(&mut self, member: &Member<'_>, shape: &Shape) {
        let meant = nearest(&member.key, &shape.names());
        if shape.is_closed || meant.is_some() {
            self.warn(DiagnosticCode::UnknownKey, member.key_at, "the key is not known here and has no effect");
        }
        if let Some(meant) = meant {
            self.help(format!("did you mean `{meant}`?"));
        }
    }

    /// Visits every entry of an object with user-defined keys.
    pub(super) fn entries(&mut self, node: &'n Node<'n>, mut visit: impl FnMut(&mut Self, &'n Member<'n>)) {
        let Value::Object(members) = &node.value else {
            return self.wrong(node, "an object is expected");
        };
        for member in members {
            self.path.push_key(&member.key);
            visit(self, member);
            self.path.pop();
        }
    }

    /// Visits every item of a list. Returns `false` if the value is not a list.
    pub(super) fn items(&mut self, node: &'n Node<'n>, mut visit: impl FnMut(&mut Self, &'n Node<'n>)) -> bool {
        let Value::Array(items) = &node.value else {
            self.wrong(node, "a list is expected");
            return false;
        };
        for (index, item) in items.iter().enumerate() {
            self.path.push_index(index);
            visit(self, item);
            self.path.pop();
        }
        true
    }

    /// Reads a text and substitutes its variables.
    pub(super) fn text(&mut self, node: &'n Node<'n>) -> Option<Text<'n>> {
        self.text_with(node, |value| value)
    }

    /// Reads a text and substitutes its variables, with `made` applied to their values.
    fn text_with(&mut self, node: &'n Node<'n>, made: impl Fn(Secret) -> Secret) -> Option<Text<'n>> {
        let Value::String(raw) = &node.value else {
            self.wrong(node, "text is expected");
            return None;
        };
        let done = substitute(raw, self.budget, |name| self.environment.get(name).map(&made));
        if done.too_long {
            self.wrong(node, "the text is too long with its variables substituted");
            return None;
        }
        if let Cow::Owned(text) = &done.text {
            self.budget -= text.len().min(self.budget);
        }
        let unresolved = !done.missing.is_empty() || !done.untouched.is_empty();
        for name in done.missing {
            let name = Shown::new(name);
            let message = format!("the variable `{name}` is unset or empty");
            self.report(self.wrong, DiagnosticCode::MissingVariable, node.at, message);
            self.help(ErrorKind::MissingVariable.help());
        }
        for name in done.untouched {
            let name = Shown::new(name);
            let message = format!("the variable `{name}` is not substituted: only a closing brace may follow its name");
            self.warn(DiagnosticCode::NotSubstituted, node.at, message);
        }
        Some(Text { value: done.text, unresolved })
    }

    /// Reads a text that is not blank, without the white space around it.
    pub(super) fn word(&mut self, node: &'n Node<'n>) -> Option<String> {
        self.not_blank(node).map(|word| word.trim_matches(is_blank_char).to_owned())
    }

    /// Reads the name of a provider.
    pub(super) fn provider(&mut self, node: &'n Node<'n>) -> Option<ProviderId> {
        let name = self.not_blank(node)?;
        if self.last_provider.as_ref().is_none_or(|last| last.written() != name) {
            self.last_provider = Some(ProviderId::normalized(&name));
        }
        self.last_provider.clone()
    }

    fn not_blank(&mut self, node: &'n Node<'n>) -> Option<Cow<'n, str>> {
        let text = self.text(node)?;
        if text.value.trim_matches(is_blank_char).is_empty() {
            self.wrong(node, "the text is blank");
            return None;
        }
        Some(text.value)
    }

    /// Reads a secret. `None` if a placeholder is left in it, or if it is a reference.
    pub(super) fn secret(&mut self, node: &'n Node<'n>) -> Option<Secret> {
        if let Value::Object(members) = &node.value
            && members.iter().any(|member| member.key == "source")
        {
            self.warn(DiagnosticCode::IgnoredSetting, node.at, "a reference to a secret is not followed here");
            return None;
        }
        // `docker --env-file` leaves quotation marks around a value, which may be only a part of this text.
        let quoted = Cell::new(false);
        let text = self.text_with(node, |value| {
            let alone = Secret::new(unquoted(value.expose()));
            let is_quoted = value.expose().trim_matches(is_blank_char) != alone.expose();
            quoted.set(quoted.get() || is_quoted);
            alone
        })?;
        if quoted.get() {
            let message = "the quotation marks around the value of a variable were removed";
            self.warn(DiagnosticCode::CleanedSecret, node.at, message);
        }
        if text.unresolved {
            return None;
        }
        if text.value.chars().all(is_blank_char) {
            self.warn(DiagnosticCode::IgnoredSetting, node.at, "the value is blank and counts as absent");
            return None;
        }
        Some(Secret::new(text.value.into_owned()))
    }

    pub(super) fn boolean(&mut self, node: &Node<'_>) -> Option<bool> {
        if let Value::Bool(value) = node.value {
            return Some(value);
        }
        self.wrong(node, "`true` or `false` is expected");
        None
    }

    /// Reads a number greater than zero.
    pub(super) fn positive(&mut self, node: &Node<'_>) -> Option<f64> {
        match node.value {
            Value::Number(value) if value > 0.0 => Some(value),
            _ => {
                self.wrong(node, "a number greater than zero is expected");
                None
            }
        }
    }

    /// Reads a whole number from zero to 2^32 - 1.
    pub(super) fn whole(&mut self, node: &Node<'_>) -> Option<u32> {
        match node.value {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range and whole")]
            Value::Number(value) if (0.0..=f64::from(u32::MAX)).contains(&value) && value.fract() == 0.0 => {
                Some(value as u32)
            }
            _ => {
                self.wrong(node, "a whole number, zero or greater, is expected");
                None
            }
        }
    }

    /// Reads one of a few words, by a table of spellings.
    pub(super) fn choice<T: Copy>(&mut self, node: &'n Node<'n>, table: &[(&str, T)]) -> Option<T> {
        let text = self.text(node)?;
        let found = table.iter().find(|(spelling, _)| *spelling == text.value).map(|(_, value)| *value);
        if found.is_none() {
            let spellings: Vec<_> = table.iter().map(|(spelling, _)| format!("`{spelling}`")).collect();
            self.wrong(node, format!("one of {} is expected", spellings.join(", ")));
        }
        found
    }

    /// Returns the problems in the order of the file, or an error if any of them is one.
    pub(super) fn verdict(self) -> Result<Vec<Diagnostic>> {
        let mut diagnostics = self.diagnostics;
        let sources = self.places;
        diagnostics.sort_by_key(|found| (sources.rank(&found.location), found.location.line, found.location.column));
        for (severity, found) in [Severity::Warning, Severity::Error].into_iter().zip(self.found) {
            let more = found.saturating_sub(MOST_NOTED);
            if more > 0 {
                let place = Location::default();
                let message = format!("there are {more} more problems like these");
                diagnostics.push(Diagnostic::new(severity, DiagnosticCode::InvalidValue, place, message));
            }
        }
        let errors: Vec<_> = diagnostics.iter().filter(|found| found.severity == Severity::Error).collect();
        let Some(first) = errors.first() else { return Ok(diagnostics) };
        let (kind, message) = if errors.iter().all(|found| found.code == DiagnosticCode::MissingVariable) {
            (ErrorKind::MissingVariable, "the configuration names variables that are unset or empty")
        } else {
            (ErrorKind::InvalidConfig, "the configuration has problems")
        };
        let error =
            Error::new(kind, format!("{message}: {} found", errors.len())).with_location(first.location.clone());
        Err(error.with_diagnostics(diagnostics))
    }
}
