//! Beta flags: values of the `anthropic-beta` header.

use std::fmt;
use std::hash::{Hash, Hasher};

use indexmap::{Equivalent, IndexSet};

use crate::error::{Error, ErrorKind, Result};

/// Requests one-hour cache entries. Since 2025-08-13 the API needs no flag for them and tolerates this one; gateways in
/// front of it may still require it.
pub(super) const EXTENDED_CACHE_TTL: &str = "extended-cache-ttl-2025-04-11";

/// Accompanies bearer tokens; without it the API answers that OAuth authentication is not supported (reports up to
/// 2026).
pub(super) const OAUTH: &str = "oauth-2025-04-20";

/// The policy for sending the flag `extended-cache-ttl-2025-04-11` automatically.
///
/// It applies to requests with an API key, and to requests with a subscription credential after
/// [`cache_for_subscription`](crate::RequestBuilder::cache_for_subscription). Flags that the caller or the
/// configuration names are sent under every policy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BetaPolicy {
    /// Sends the flag to the host `api.anthropic.com` and to endpoints whose kind the caller set to
    /// [`EndpointKind::Anthropic`](crate::request::EndpointKind::Anthropic). The default, because other hosts may
    /// refuse unknown flags.
    #[default]
    Auto,
    /// Sends the flag to this endpoint, whatever its host.
    On,
    /// Never sends the flag automatically.
    Off,
}

/// An ordered list of beta flags (values of the `anthropic-beta` header) without duplicates.
///
/// Flags are compared whole and without regard to case; the first spelling and the first position win.
///
/// # Examples
///
/// ```
/// use provider_auth::request::BetaList;
///
/// let mut betas = BetaList::parse("files-api-2025-04-14, ,Files-API-2025-04-14")?;
/// betas.merge(&BetaList::parse("files-api")?);
/// assert_eq!(betas.to_string(), "files-api-2025-04-14,files-api");
/// # Ok::<(), provider_auth::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct BetaList(IndexSet<Flag>);

/// A flag as it was first written, compared without regard to case.
#[derive(Clone)]
struct Flag(Box<str>);

/// A flag to look up.
struct Sought<'f>(&'f str);

impl BetaList {
    /// Parses a header value: flags separated by commas. Ignores white space around flags, and empty flags.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidHeader`] if a flag has characters other than those of an HTTP token.
    pub fn parse(text: &str) -> Result<Self> {
        let mut list = Self::default();
        for flag in text.split(',').map(|flag| flag.trim_matches([' ', '\t'])).filter(|flag| !flag.is_empty()) {
            if !flag.bytes().all(is_token_byte) {
                let message = "a beta flag has characters that are not allowed there";
                return Err(Error::new(ErrorKind::InvalidHeader, message));
            }
            list.add(flag);
        }
        Ok(list)
    }

    /// Adds the flags of another list that are not in this one, in their order.
    pub fn merge(&mut self, other: &Self) {
        for flag in other.iter() {
            self.add(flag);
        }
    }

    /// Returns `true` if the flag is in the list, ignoring case.
    #[must_use]
    pub fn contains(&self, flag: &str) -> bool {
        self.0.contains(&Sought(flag))
    }

    /// Returns the flags in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|flag| &*flag.0)
    }

    /// Returns `true` if there is no flag.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds or replaces a flag in exactly this spelling, because no page documents that servers ignore case.
    pub(super) fn protect(&mut self, flag: &str) {
        self.0.replace(Flag(flag.into()));
    }

    /// Returns the flags as a JSON list. They need no escapes, because tokens have neither quotes nor backslashes.
    pub(super) fn to_json(&self) -> String {
        let flags: Vec<_> = self.iter().map(|flag| format!("\"{flag}\"")).collect();
        format!("[{}]", flags.join(","))
    }

    /// Returns the header value in a string without spare capacity.
    pub(super) fn to_value(&self) -> String {
        let flags: Vec<&str> = self.iter().collect();
        flags.join(",")
    }

    fn add(&mut self, flag: &str) {
        if !self.contains(flag) {
            self.0.insert(Flag(flag.into()));
        }
    }
}

impl PartialEq for BetaList {
    /// Compares order and spelling too.
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for BetaList {}

impl fmt::Debug for BetaList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BetaList")?;
        f.debug_list().entries(self.iter()).finish()
    }
}

impl Hash for Sought<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // In pieces, because a hasher takes about as long for one byte as for many.
        for piece in self.0.as_bytes().chunks(32) {
            let mut lower = [0; 32];
            for (to, from) in lower.iter_mut().zip(piece) {
                *to = from.to_ascii_lowercase();
            }
            state.write(&lower);
        }
    }
}

impl Equivalent<Flag> for Sought<'_> {
    fn equivalent(&self, flag: &Flag) -> bool {
        self.0.eq_ignore_ascii_case(&flag.0)
    }
}

impl Hash for Flag {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Sought(&self.0).hash(state);
    }
}

impl PartialEq for Flag {
    fn eq(&self, other: &Self) -> bool {
        Sought(&self.0).equivalent(other)
    }
}

impl Eq for Flag {}

impl fmt::Display for BetaList {
    /// Writes the header value: the flags joined by commas, without spaces.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_value())
    }
}

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
