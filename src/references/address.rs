//! The validated parts of a reference, with the entry of its provider.

use crate::config::{FileMode, SecretProvider, SecretSettings};
use crate::credential::{ReferenceFailure, SecretRef, is_variable};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Place {
    Env,
    File,
    Exec,
    Store,
}

/// A reference with valid parts, and the entry of its provider if there is one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Address<'a> {
    pub(super) place: Place,
    /// The provider's name, which is passed to a command.
    pub(super) provider: &'a str,
    pub(super) id: &'a str,
    pub(super) entry: Option<&'a SecretProvider>,
}

impl<'a> Address<'a> {
    /// Returns the reason if a reference cannot be resolved, whatever a file or a command returns.
    ///
    /// An entry that a plugin of OpenClaw serves is accepted.
    pub(crate) fn flaw(reference: &'a SecretRef, settings: &'a SecretSettings) -> Option<ReferenceFailure> {
        let Self { place, id, entry, .. } = match Self::of(reference, settings) {
            Ok(address) => address,
            Err(failure) => return Some(failure),
        };
        let entry = entry?;
        let is_denied = |names: &Vec<String>| !names.iter().any(|name| name == id);
        match place {
            Place::Env if entry.allowlist.as_ref().is_some_and(is_denied) => Some(ReferenceFailure::Denied),
            Place::File | Place::Exec if !entry.has_place() => Some(ReferenceFailure::InvalidEntry),
            Place::File if (entry.mode == FileMode::SingleValue) != (id == SINGLE) => Some(ReferenceFailure::InvalidId),
            _ => None,
        }
    }

    pub(super) fn of(reference: &'a SecretRef, settings: &'a SecretSettings) -> Result<Self, ReferenceFailure> {
        let SecretRef { source, provider, id } = reference;
        let place = match source.as_str() {
            "env" => Place::Env,
            "file" => Place::File,
            "exec" => Place::Exec,
            "store" => Place::Store,
            _ => return Err(ReferenceFailure::UnknownSource),
        };
        let default = settings.default_provider(source);
        let provider = match (provider.is_empty(), default) {
            (true, Some(default)) => default,
            _ => provider,
        };
        if !is_provider(provider) {
            return Err(ReferenceFailure::InvalidProvider);
        }
        let entry = settings.provider(provider, source);
        let is_valid = match place {
            Place::Env | Place::Store => is_variable(id),
            // `value` is the id in `singleValue` mode; whether the mode matches is checked later.
            Place::File => id == SINGLE || is_pointer(id),
            Place::Exec => is_command_id(id),
        };
        match (is_valid, entry) {
            (false, _) => Err(ReferenceFailure::InvalidId),
            (true, None) if default != Some(provider) => Err(ReferenceFailure::UnknownProvider),
            (true, Some(entry)) if entry.is_broken => Err(ReferenceFailure::InvalidEntry),
            (true, entry) => Ok(Self { place, provider, id, entry }),
        }
    }
}

/// The id of the secret in a file that contains nothing else.
pub(super) const SINGLE: &str = "value";

/// `^[a-z][a-z0-9_-]{0,63}$`
fn is_provider(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-');
    name.len() <= 64 && name.starts_with(|c: char| c.is_ascii_lowercase()) && name.bytes().all(fits)
}

/// Returns `true` for a JSON pointer other than the whole document, with the escapes `~0` and `~1` only (RFC 6901).
fn is_pointer(id: &str) -> bool {
    let mut parts = id.split('~');
    parts.next().is_some_and(|first| first.starts_with('/')) && parts.all(|after| after.starts_with(['0', '1']))
}

/// `^[A-Za-z0-9][A-Za-z0-9._:/#-]{0,255}$`, without `.` or `..` between slashes.
fn is_command_id(id: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._:/#-".contains(&byte);
    id.len() <= 256
        && id.starts_with(|c: char| c.is_ascii_alphanumeric())
        && id.bytes().all(fits)
        && id.split('/').all(|segment| !matches!(segment, "." | ".."))
}
