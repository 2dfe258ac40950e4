//! The `auth` block: profiles, their order, and cooldowns.

use indexmap::IndexMap;

use crate::config::cooldowns::CooldownSettings;
use crate::config::keys;
use crate::config::reader::Reader;
use crate::config::spelt::BySpelling;
use crate::credential::CredentialKind;
use crate::error::DiagnosticCode;
use crate::error::Location;
use crate::id::{ProfileId, ProviderId};
use crate::syntax::{Node, Value};

/// The spellings of a profile's mode. Provider settings spell the first one with a dash, which people mix up.
const MODES: &[(&str, ProfileMode)] = &[
    ("api_key", ProfileMode::ApiKey),
    ("oauth", ProfileMode::OAuth),
    ("token", ProfileMode::Token),
    ("aws-sdk", ProfileMode::AwsSdk),
];

/// The number of entries whose locations are kept; more are not written by hand.
const MOST_PLACED: usize = 256;

/// The kind of credential that an entry of `auth.profiles` declares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProfileMode {
    /// `api_key`: an API key.
    ApiKey,
    /// `oauth`: an OAuth credential.
    OAuth,
    /// `token`: a static bearer token.
    Token,
    /// `aws-sdk`: a credential that Amazon's own library finds. It is not stored, and this crate does not use it.
    AwsSdk,
}

impl ProfileMode {
    /// Returns the name in the configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        MODES.iter().find(|(_, mode)| *mode == self).map_or("", |(name, _)| name)
    }

    /// Returns the kind of credential; `None` for `aws-sdk`, whose secrets are kept elsewhere.
    #[must_use]
    pub fn kind(self) -> Option<CredentialKind> {
        match self {
            Self::ApiKey => Some(CredentialKind::ApiKey),
            Self::OAuth => Some(CredentialKind::OAuth),
            Self::Token => Some(CredentialKind::Token),
            Self::AwsSdk => None,
        }
    }
}

/// An entry of `auth.profiles`, which allows the use of a stored profile. It has no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProfileSettings {
    /// `provider`: the provider of the profile.
    pub provider: ProviderId,
    /// `mode`: the kind of credential. `None` only if lenient reading found an unknown one.
    pub mode: Option<ProfileMode>,
    /// `email`: the account, for display.
    pub email: Option<String>,
    /// `displayName`: the account's name, for display.
    pub display_name: Option<String>,
}

/// The `auth` block.
#[derive(Clone, Debug, Default)]
pub(super) struct Auth {
    /// The entries of `profiles`, with the locations of the first ones.
    pub(super) profiles: IndexMap<ProfileId, (ProfileSettings, Location)>,
    pub(super) order: BySpelling<ProviderId, Order>,
    pub(super) cooldowns: CooldownSettings,
}

/// One entry of `order`.
#[derive(Clone, Debug)]
pub(super) struct Order {
    pub(super) ids: Vec<ProfileId>,
    /// The locations of the ids.
    pub(super) places: Vec<Location>,
}

impl Auth {
    pub(super) fn read<'n>(reader: &mut Reader<'n>, node: &'n Node<'n>) -> Self {
        let mut auth = Self::default();
        reader.object(node, &keys::AUTH, |reader, member| match member.key.as_ref() {
            "profiles" => auth.read_profiles(reader, &member.node),
            "order" => auth.order = order(reader, &member.node),
            _ => auth.cooldowns = CooldownSettings::read(reader, &member.node),
        });
        auth
    }

    fn read_profiles<'n>(&mut self, reader: &mut Reader<'n>, node: &'n Node<'n>) {
        self.profiles.reserve(node.len());
        reader.entries(node, |reader, member| {
            if member.key.trim().is_empty() {
                reader.report(reader.wrong, DiagnosticCode::InvalidValue, member.key_at, "the profile id is blank");
            } else if let Some(profile) = profile(reader, &member.node) {
                // Credential files compare ids exactly, so this one is kept exactly.
                let id = ProfileId::verbatim(member.key.as_ref());
                let has_place = self.profiles.len() < MOST_PLACED;
                let place = if has_place { reader.key_place(member) } else { Location::default() };
                self.profiles.insert(id, (profile, place));
            }
        });
    }
}

fn profile<'n>(reader: &mut Reader<'n>, node: &'n Node<'n>) -> Option<ProfileSettings> {
    let (mut provider, mut mode, mut email, mut display_name) = (None, None, None, None);
    // A wrong value is reported at its location, so only an absent key counts as missing.
    let (mut has_provider, mut has_mode) = (false, false);
    reader.object(node, &keys::PROFILE, |reader, member| {
        let node = &member.node;
        match member.key.as_ref() {
            "provider" => {
                has_provider = true;
                provider = reader.provider(node);
            }
            "mode" => {
                has_mode = true;
                mode = profile_mode(reader, node);
            }
            "email" => email = reader.text(node).map(|text| text.value.into_owned()),
            _ => display_name = reader.text(node).map(|text| text.value.into_owned()),
        }
    });
    if !matches!(node.value, Value::Object(_)) {
        return None;
    }
    if !has_provider {
        reader.missing(node, "provider");
    }
    if !has_mode {
        reader.missing(node, "mode");
    }
    Some(ProfileSettings { provider: provider?, mode, email, display_name })
}

fn profile_mode<'n>(reader: &mut Reader<'n>, node: &'n Node<'n>) -> Option<ProfileMode> {
    if matches!(&node.value, Value::String(mode) if mode == "api-key") {
        reader.warn(DiagnosticCode::Alias, node.at, "the mode of a profile is written `api_key`");
        return Some(ProfileMode::ApiKey);
    }
    reader.choice(node, MODES)
}

fn order<'n>(reader: &mut Reader<'n>, node: &'n Node<'n>) -> BySpelling<ProviderId, Order> {
    let mut orders = BySpelling::default();
    reader.entries(node, |reader, member| {
        let mut ids = Vec::new();
        let mut dropped = false;
        let is_list = reader.items(&member.node, |reader, item| match reader.text(item) {
            Some(id) if !id.value.trim().is_empty() => {
                let place = if ids.len() < MOST_PLACED { reader.value_place(item) } else { Location::default() };
                ids.push((ProfileId::verbatim(id.value), place));
            }
            Some(_) => {
                dropped = true;
                reader.wrong(item, "the profile id is blank");
            }
            None => dropped = true,
        });
        // An empty list means "none of them". A list that is empty because nothing in it could be read does not.
        if !is_list || (ids.is_empty() && dropped) {
            return;
        }
        let (ids, places) = ids.into_iter().unzip();
        if !orders.add(reader.release, ProviderId::normalized(&member.key), Order { ids, places }) {
            let message = "an earlier entry is for the same provider and wins";
            reader.warn(DiagnosticCode::Conflict, member.key_at, message);
        }
    });
    orders
}
