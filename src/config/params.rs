//! The `params` objects, of which three keys are read.

use crate::config::keys;
use crate::config::reader::Reader;
use crate::error::DiagnosticCode;
use crate::error::Location;
use crate::retention::CacheRetention;
use crate::secret::is_blank_char;
use crate::syntax::{Node, Value};

const RETENTIONS: &[(&str, CacheRetention)] =
    &[("none", CacheRetention::None), ("short", CacheRetention::Short), ("long", CacheRetention::Long)];

/// The parameters of one layer.
#[derive(Clone, Debug, Default)]
pub(super) struct Params {
    retention: Option<CacheRetention>,
    legacy: Option<CacheRetention>,
    /// The location of the layer.
    pub(super) location: Location,
    pub(super) betas: Option<Vec<String>>,
}

impl Params {
    /// Returns the layer's retention, and `true` if it is from the legacy key. A valid new key wins.
    pub(super) fn retention(&self) -> Option<(CacheRetention, bool)> {
        let new = self.retention.map(|retention| (retention, false));
        new.or(self.legacy.map(|retention| (retention, true)))
    }

    /// Returns `true` if both keys are set.
    pub(super) fn says_it_twice(&self) -> bool {
        self.retention.is_some() && self.legacy.is_some()
    }

    pub(super) fn read<'n>(reader: &mut Reader<'n>, node: &'n Node<'n>) -> Self {
        let mut params = Self { location: reader.value_place(node), ..Self::default() };
        reader.object(node, &keys::PARAMS, |reader, member| match member.key.as_ref() {
            "cacheRetention" => params.retention = reader.choice(&member.node, RETENTIONS),
            "cacheControlTtl" => {
                reader.warn(DiagnosticCode::DeprecatedKey, member.key_at, "the key is deprecated");
                reader.help("write `cacheRetention`: `short` for `5m`, `long` for `1h`");
                params.legacy = legacy(reader, &member.node);
            }
            _ => params.betas = betas(reader, &member.node),
        });
        params
    }
}

fn legacy<'n>(reader: &mut Reader<'n>, node: &'n Node<'n>) -> Option<CacheRetention> {
    let ttl = reader.text(node)?;
    let retention = CacheRetention::from_legacy_ttl(&ttl.value);
    if retention.is_none() {
        reader.wrong(node, "`5m` or `1h` is expected");
    }
    retention
}

/// Reads beta flags, as a list or as the text of a header.
fn betas<'n>(reader: &mut Reader<'n>, node: &'n Node<'n>) -> Option<Vec<String>> {
    let mut flags = Vec::new();
    if let Value::String(_) = node.value {
        add(reader, node, &mut flags);
    } else if !reader.items(node, |reader, item| add(reader, item, &mut flags)) {
        return None;
    }
    Some(flags)
}

fn add<'n>(reader: &mut Reader<'n>, node: &'n Node<'n>, flags: &mut Vec<String>) {
    // A placeholder is not a flag: the provider would refuse the request.
    let Some(text) = reader.text(node).filter(|text| !text.unresolved) else { return };
    for flag in text.value.split(',') {
        let flag = flag.trim_matches(is_blank_char);
        if !flag.is_empty() && flag.bytes().all(|byte| byte.is_ascii_graphic()) {
            flags.push(flag.to_owned());
        } else if !flag.is_empty() {
            reader.wrong(node, "a beta flag has characters that are not allowed in a header");
        }
    }
}
