//! Importing credentials from files of older formats.

use super::document::AuthProfiles;
use super::entry::Profile;
use super::entry_write::DEPTH;
use super::raw::RawObject;
use crate::error::{Error, ErrorKind, Result};
use crate::id::ProfileId;
use crate::syntax::{self, Dialect, Limits};

/// A format without profile names: a map from provider to credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LegacyForm {
    /// `auth.json`: credentials of every type. The key is the provider of an entry that names none.
    Credentials,
    /// `oauth.json`: OAuth credentials, without type and provider.
    Logins,
}

impl AuthProfiles {
    /// Imports the entries of an older file as `<provider>:default`, unless there is a profile of that name. Returns
    /// `true` if the whole file was imported.
    ///
    /// # Errors
    ///
    /// The kinds of [`from_json`](Self::from_json).
    pub(crate) fn import(&mut self, text: &str, form: LegacyForm, limits: &Limits) -> Result<bool> {
        syntax::check(text, Dialect::Json, limits)?;
        let entries = RawObject::parse(syntax::without_bom(text))
            .ok_or_else(|| Error::new(ErrorKind::Corrupt, "the older credential file is not a JSON object"))?;
        let mut complete = true;
        for (provider, value) in entries.iter() {
            let Some(mut entry) = RawObject::parse(value.get()) else {
                complete = false;
                continue;
            };
            if form == LegacyForm::Logins {
                entry.set_str("type", "oauth");
            }
            if form == LegacyForm::Logins || entry.get("provider").is_none() {
                entry.set_str("provider", provider);
            }
            let profile = Profile::parse(&entry.to_text(DEPTH), &mut Vec::new());
            complete &= self.adopt(&ProfileId::verbatim(format!("{provider}:default")), &profile);
        }
        Ok(complete)
    }

    /// Returns the ids of profiles at the top level of a document, under the names with which OpenClaw imports them:
    /// their ids, or those derived from their providers. `None` if nothing looks like a profile.
    pub(crate) fn ids_at_top_level(text: &str) -> Option<Vec<ProfileId>> {
        syntax::check(text, Dialect::Json, &Limits::default()).ok()?;
        let entries = RawObject::parse(syntax::without_bom(text))?;
        let is_profile =
            |value: &RawObject<'_>| ["type", "mode"].into_iter().chain(SECRETS).any(|name| value.get(name).is_some());
        let names = entries.iter().filter(|(_, value)| RawObject::parse(value.get()).as_ref().is_some_and(is_profile));
        let ids = names.map(|(name, _)| {
            let id = if name.contains(':') { name.to_owned() } else { format!("{name}:default") };
            ProfileId::verbatim(id)
        });
        Some(ids.collect::<Vec<_>>()).filter(|ids| !ids.is_empty())
    }
}

/// The members that contain the secret of a credential.
const SECRETS: [&str; 7] = ["key", "apiKey", "keyRef", "token", "tokenRef", "access", "refresh"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_place_is_left_in_its_file() {
        let mut profiles = AuthProfiles::new();
        let import = |profiles: &mut AuthProfiles, text, form| profiles.import(text, form, &Limits::default()).unwrap();
        assert!(import(&mut profiles, r#"{"x":{"type":"api_key","key":"k","n":1.0}}"#, LegacyForm::Credentials));
        assert!(!import(&mut profiles, r#"{"x":{"access":"a"},"y":{"access":"a","refresh":"r"}}"#, LegacyForm::Logins));
        assert!(!import(&mut profiles, r#"{"z":"text"}"#, LegacyForm::Credentials));
        let text = profiles.to_json();
        assert!(text.expose().contains(r#""n": 1.0"#) && text.expose().contains("\"type\": \"oauth\""));
        assert_eq!(profiles.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>(), ["x:default", "y:default"]);
    }
}
