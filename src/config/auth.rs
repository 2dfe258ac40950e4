//! The `auth` block: profiles, their order, and cooldowns.

use std::sync::Arc;

use indexmap::IndexMap;

use crate::config::cooldowns::CooldownSettings;
use crate::config::keys;
use crate::config::reader::Reader;
use crate::config::spelt::BySpelling;
use crate::error::DiagnosticCode;
use crate::error::Location;
use crate::id::{ProfileId, ProviderId};
use crate::select::settings::{MODES, ProfileMode, ProfileSettings};
use crate::syntax::{Node, Value};

/// The number of entries whose locations are kept; more are not written by hand.
const MOST_PLACED: usize = 256;

/// The `auth` block.
#[derive(Clone, Debug, Default)]
pub(super) struct Auth {
    /// The entries of `profiles`, which the selector shares.
    pub(super) profiles: Arc<IndexMap<ProfileId, ProfileSettings>>,
    /// The locations of the first entries.
    pub(super) places: Vec<Location>,
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
        let mut profiles = IndexMap::with_capacity(node.len());
        reader.entries(node, |reader, member| {
            if member.key.trim().is_empty() {
                reader.report(reader.wrong, DiagnosticCode::InvalidValue, member.key_at, "the profile id is blank");
            } else if let Some(profile) = profile(reader, &member.node) {
                // Credential files compare ids exactly, so this one is kept exactly.
                let id = ProfileId::verbatim(member.key.as_ref());
                if self.places.len() < MOST_PLACED {
                    self.places.push(reader.key_place(member));
                }
                profiles.insert(id, profile);
            }
        });
        self.profiles = Arc::new(profiles);
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
