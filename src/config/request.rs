//! The block `request` of a provider: headers, authentication and network of its requests.

use http::HeaderName;
use http::header::AUTHORIZATION;

use crate::config::configured_secret::ConfiguredSecret;
use crate::config::keys;
use crate::config::providers::{Headers, headers};
use crate::config::reader::Reader;
use crate::credential::{ReferenceFailure, Resolved};
use crate::secret::{Secret, joined};
use crate::syntax::Node;

/// The settings of `request`.
#[derive(Clone, Default)]
pub(super) struct RequestSettings {
    pub(super) headers: Headers,
    /// Boxed, because few providers have it.
    pub(super) auth: Option<Box<RequestAuth>>,
    pub(super) allow_private_network: Option<bool>,
}

/// A credential in `request.auth`: a header and its value.
#[derive(Clone)]
pub(super) struct RequestAuth {
    pub(super) name: HeaderName,
    prefix: String,
    value: ConfiguredSecret,
    /// The key of the value below `request.auth`.
    pub(super) key: &'static str,
    /// `true` if a configured `authorization` is removed, as OpenClaw does if it names a header.
    pub(super) takes_out_authorization: bool,
}

impl RequestAuth {
    /// Returns the value of the header. Keeps a space at the end of the prefix, which OpenClaw 2026.9.6 loses.
    pub(super) fn value(&self) -> Result<Secret, ReferenceFailure> {
        self.value.value().map(|value| Secret::new(format!("{}{}", self.prefix, value.expose())))
    }

    /// Returns the part that may be a reference.
    pub(super) fn secret(&self) -> &ConfiguredSecret {
        &self.value
    }

    /// Stores the secret of the reference, if the value is one: a token cleaned, a value in the form of a header.
    pub(super) fn put_in(&mut self, references: &Resolved) {
        let take = if self.key == "token" { Secret::cleaned } else { joined };
        self.value.put_in(references, take);
    }
}

/// The header for the credential of `request.auth`.
#[derive(Clone, Copy)]
enum Mode {
    ProviderDefault,
    Bearer,
    Header,
}

const MODES: &[(&str, Mode)] =
    &[("provider-default", Mode::ProviderDefault), ("authorization-bearer", Mode::Bearer), ("header", Mode::Header)];

impl RequestSettings {
    pub(super) fn read<'n>(reader: &mut Reader<'n>, node: &'n Node<'n>) -> Self {
        let mut request = Self::default();
        reader.object(node, &keys::REQUEST, |reader, member| {
            let node = &member.node;
            match member.key.as_ref() {
                "headers" => request.headers = headers(reader, node),
                "auth" => request.auth = auth(reader, node).map(Box::new),
                _ => request.allow_private_network = reader.boolean(node),
            }
        });
        request
    }
}

fn auth<'n>(reader: &mut Reader<'n>, node: &'n Node<'n>) -> Option<RequestAuth> {
    let (mut mode, mut token, mut name, mut value, mut prefix) = (None, None, None, None, String::new());
    let (mut has_mode, mut has_name, mut has_any) = (false, false, false);
    reader.object(node, &keys::REQUEST_AUTH, |reader, member| {
        let node = &member.node;
        has_any = true;
        match member.key.as_ref() {
            "mode" => {
                has_mode = true;
                mode = reader.choice(node, MODES);
            }
            "token" => {
                token = ConfiguredSecret::read(reader, node).and_then(|value| value.cleaned(reader, node));
                if let Some(token) = &token {
                    token.remark_in_header(reader, node, AUTHORIZATION.as_str());
                }
            }
            "headerName" => {
                has_name = true;
                name = header_name(reader, node);
            }
            "value" => {
                value = ConfiguredSecret::read(reader, node).map(ConfiguredSecret::joined);
                if let Some(value) = &value {
                    value.remark_in_header(reader, node, AUTHORIZATION.as_str());
                }
            }
            _ => prefix = reader.text(node).map(|text| text.value.trim_start().to_owned()).unwrap_or_default(),
        }
    });
    match mode {
        Some(Mode::ProviderDefault) => None,
        Some(Mode::Bearer) => {
            if token.is_none() {
                reader.missing(node, "token");
            }
            let (prefix, takes_out_authorization) = ("Bearer ".to_owned(), false);
            Some(RequestAuth { name: AUTHORIZATION, prefix, value: token?, key: "token", takes_out_authorization })
        }
        Some(Mode::Header) => {
            for (key, is_there) in [("headerName", has_name), ("value", value.is_some())] {
                if !is_there {
                    reader.missing(node, key);
                }
            }
            Some(RequestAuth { name: name?, prefix, value: value?, key: "value", takes_out_authorization: true })
        }
        None => {
            // In an empty object nothing is missing.
            if has_any && !has_mode {
                reader.missing(node, "mode");
            }
            None
        }
    }
}

fn header_name<'n>(reader: &mut Reader<'n>, node: &'n Node<'n>) -> Option<HeaderName> {
    let word = reader.word(node)?;
    let name = HeaderName::from_bytes(word.as_bytes()).ok();
    if name.is_none() {
        reader.wrong(node, "the name of a header is expected");
    }
    name
}
