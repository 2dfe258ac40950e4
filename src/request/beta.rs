//! Beta flags: values of the `anthropic-beta` header.

use std::fmt;
use std::hash::{Hash, Hasher};

use indexmap::{Equivalent, IndexSet};

use crate::error::{Error, ErrorKind, Result};

/// Asks for one-hour cache entries. Since 2025-08-13 the API needs no flag for them and tolerates this one; gateways in
/// front of it may still look for it.
pub(super) const EXTENDED_CACHE_TTL: &str = "extended-cache-ttl-2025-04-11";

/// Goes with bearer tokens; without it the API answers that OAuth authentication is not supported (reports up to 2026).
pub(super) const OAUTH: &str = "oauth-2025-04-20";

/// Whether a request carries the flag `extended-cache-ttl-2025-04-11` without the caller naming it.
///
/// Only requests with an API key do, and those with a subscription credential for which
/// [`cache_for_subscription`](crate::RequestBuilder::cache_for_subscription) was called. Flags that the caller or the
/// configuration names are sent under every policy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BetaPolicy {
    /// To the host `api.anthropic.com`, and to endpoints whose kind the caller set to
    /// [`EndpointKind::Anthropic`](crate::request::EndpointKind::Anthropic). The default: other hosts may refuse unknown flags.
    #[default]
    Auto,
    /// To this endpoint, whatever it is.
    On,
    /// Never.
    Off,
}

/// An ordered list of beta flags without duplicates.
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

/// A flag that is looked for.
struct Sought<'f>(&'f str);

impl BetaList {
    /// Reads a header value: flags between commas, white space around them and empty ones ignored.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidHeader`] if a flag has characters other than those of an HTTP token.
    pub fn parse(text: &str) -> Result<Self> {
        let mut list = Self::default();
        for flag in text.split(',').map(|flag| flag.trim_matches([' ', '\t'])).filter(|flag| !flag.is_empty()) {
            if !flag.bytes().all(is_token_byte) {
                let message = "a beta flag has characters that cannot stand in one";
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

    /// Whether the flag is in the list, in any case.
    #[must_use]
    pub fn contains(&self, flag: &str) -> bool {
        self.0.contains(&Sought(flag))
    }

    /// The flags in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|flag| &*flag.0)
    }

    /// Whether there is no flag.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Makes sure that a flag is there in exactly this spelling: whether the server minds the case is not documented.
    pub(super) fn protect(&mut self, flag: &str) {
        self.0.replace(Flag(flag.into()));
    }

    /// The flags as a JSON list. Their characters need no escapes: the token characters have neither quote nor backslash.
    pub(super) fn to_json(&self) -> String {
        let flags: Vec<_> = self.iter().map(|flag| format!("\"{flag}\"")).collect();
        format!("[{}]", flags.join(","))
    }

    /// The header value, in a text that has no room to spare.
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
        // By pieces, because a hasher takes about as long for one byte as for many.
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
    /// Writes the header value: flags joined by commas, without spaces.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_value())
    }
}

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
