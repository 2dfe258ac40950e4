//! Names of providers, profiles and models.

use std::borrow::{Borrow, Cow};
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result, Shown};
use crate::providers::Provider;
use crate::secret::is_blank_char;

/// A provider's normalised name: trimmed, in lower case, with aliases resolved.
///
/// Names are compared in this form. [`written`](Self::written) returns the original spelling, which OpenClaw keeps
/// since August 2026: there `z.ai` and `zai` are two providers. Here they are equal, and only a configuration with an
/// entry for each distinguishes them ([`Config::provider`](crate::Config::provider)).
///
/// `Display` is for people and escapes the name as [`Shown`] does. [`as_str`](Self::as_str) returns the name itself.
///
/// # Examples
///
/// ```
/// use provider_auth::ProviderId;
///
/// assert_eq!(ProviderId::new(" Z.AI ")?, ProviderId::new("zai")?);
/// assert_eq!(ProviderId::new(" Z.AI ")?.written(), "z.ai");
/// assert_eq!(ProviderId::anthropic().as_str(), "anthropic");
/// # Ok::<(), provider_auth::Error>(())
/// ```
#[derive(Clone)]
pub struct ProviderId {
    name: Arc<str>,
    /// The original spelling, trimmed and in lower case, if it differs from the name.
    written: Option<Arc<str>>,
}

impl ProviderId {
    /// Creates the id of a provider from a name or an alias.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidId`] if the name is blank.
    pub fn new(name: impl AsRef<str>) -> Result<Self> {
        let id = Self::normalized(name.as_ref());
        if id.name.is_empty() { Err(Error::new(ErrorKind::InvalidId, "the provider name is blank")) } else { Ok(id) }
    }

    /// Returns the id `anthropic`, the provider that this crate builds requests for.
    #[must_use]
    pub fn anthropic() -> Self {
        Self { name: "anthropic".into(), written: None }
    }

    /// Normalises any text, even a blank one, to compare it with the text of a document.
    pub(crate) fn normalized(name: &str) -> Self {
        let lowered = lowered(name.trim_matches(is_blank_char));
        match Provider::named(&lowered) {
            Some(known) if known.id() != lowered => Self { name: known.id().into(), written: Some(lowered.into()) },
            _ => Self { name: lowered.into(), written: None },
        }
    }

    /// Returns the normalised name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// Returns the original spelling, trimmed and in lower case, with an alias left as it is.
    #[must_use]
    pub fn written(&self) -> &str {
        self.written.as_deref().unwrap_or(&self.name)
    }

    /// Returns the provider's row in the table of [`providers`](crate::providers), if it has one.
    #[must_use]
    pub fn known(&self) -> Option<&'static Provider> {
        Provider::named(&self.name)
    }
}

impl PartialEq for ProviderId {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for ProviderId {}

impl PartialOrd for ProviderId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ProviderId {
    fn cmp(&self, other: &Self) -> Ordering {
        self.name.cmp(&other.name)
    }
}

impl Hash for ProviderId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl fmt::Debug for ProviderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ProviderId").field(&self.name).finish()
    }
}

impl fmt::Display for ProviderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Shown::new(&self.name).fmt(f)
    }
}

impl FromStr for ProviderId {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::new(name)
    }
}

/// The id of a credential profile, by convention `provider:name`. Ids are compared exactly.
///
/// `Display` is for people and escapes the id as [`Shown`] does, because a file may have any text as an id.
/// [`as_str`](Self::as_str) returns the id itself.
///
/// # Examples
///
/// ```
/// use provider_auth::ProfileId;
///
/// let id = ProfileId::new("anthropic:work")?;
/// assert_eq!(id.to_string(), "anthropic:work");
/// assert_eq!(ProfileId::new(format!("{}:work", "anthropic"))?, id);
/// assert!(ProfileId::new("  ").is_err());
/// # Ok::<(), provider_auth::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProfileId(Arc<str>);

impl ProfileId {
    /// Creates the id of a profile. Removes white space around it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidId`] if the id is blank or has control characters.
    pub fn new(name: impl AsRef<str>) -> Result<Self> {
        let name = name.as_ref().trim_matches(is_blank_char);
        if name.is_empty() || name.chars().any(char::is_control) {
            return Err(Error::new(ErrorKind::InvalidId, "the profile id is blank or has control characters"));
        }
        Ok(Self(name.into()))
    }

    /// Creates an id exactly as a document has it, because everything in a file must survive.
    pub(crate) fn verbatim(name: impl Into<Arc<str>>) -> Self {
        Self(name.into())
    }

    /// Returns the id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns `true` for OpenClaw's personal accounts, which it stores separately.
    pub(crate) fn is_personal(&self) -> bool {
        self.0.starts_with("personal:")
    }
}

impl fmt::Display for ProfileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Shown::new(&self.0).fmt(f)
    }
}

impl FromStr for ProfileId {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::new(name)
    }
}

impl Borrow<str> for ProfileId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// A reference to a provider's model, written `provider/model`. Only the provider half is normalised.
///
/// `Display` is for people and escapes both halves as [`Shown`] does. [`name`](Self::name) returns the text itself.
///
/// # Examples
///
/// ```
/// use provider_auth::ModelRef;
///
/// let model: ModelRef = "OpenRouter/anthropic/claude-opus-4-5".parse()?;
/// assert_eq!(model.provider().as_str(), "openrouter");
/// assert_eq!(model.model(), "anthropic/claude-opus-4-5");
/// # Ok::<(), provider_auth::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModelRef {
    provider: ProviderId,
    model: Arc<str>,
}

impl ModelRef {
    /// Creates a reference to a provider's model.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidId`] if the model is blank.
    pub fn new(provider: ProviderId, model: &str) -> Result<Self> {
        let model = model.trim_matches(is_blank_char);
        if model.is_empty() {
            return Err(Error::new(ErrorKind::InvalidId, "the model half of the model reference is blank"));
        }
        Ok(Self { provider, model: model.into() })
    }

    /// Parses `provider/model`, split at the first slash. Without a slash the model belongs to `default_provider`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidId`] if either half is blank.
    pub fn parse(text: &str, default_provider: &ProviderId) -> Result<Self> {
        match text.split_once('/') {
            // The name of the default provider is shared.
            Some((provider, model)) if !provider.is_empty() && provider == default_provider.written() => {
                Self::new(default_provider.clone(), model)
            }
            Some((provider, model)) => Self::new(ProviderId::new(provider)?, model),
            None => Self::new(default_provider.clone(), text),
        }
    }

    /// Returns the part before the slash, normalised.
    #[must_use]
    pub fn provider(&self) -> &ProviderId {
        &self.provider
    }

    /// Returns the provider's name for the model.
    #[must_use]
    pub fn model(&self) -> &str {
        &self.model
    }

    /// Returns the reference as `provider/model`, with the provider's normalised name.
    #[must_use]
    pub fn name(&self) -> String {
        [self.provider.as_str(), "/", &self.model].concat()
    }

    /// Returns the reference as `provider/model`, with the provider's original spelling.
    #[must_use]
    pub fn written(&self) -> String {
        [self.provider.written(), "/", &self.model].concat()
    }

    pub(crate) fn shared_name(&self) -> Arc<str> {
        Arc::clone(&self.model)
    }
}

impl fmt::Display for ModelRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.provider, Shown::new(&self.model))
    }
}

impl FromStr for ModelRef {
    type Err = Error;

    /// Parses `provider/model`. A name without a provider is an error, because it may be an alias such as `opus`, which
    /// only [`Config::resolve_model`](crate::Config::resolve_model) knows.
    fn from_str(text: &str) -> Result<Self> {
        match text.split_once('/') {
            Some((provider, model)) => Self::new(ProviderId::new(provider)?, model),
            None => Err(Error::new(ErrorKind::UnknownModel, "the model reference names no provider")),
        }
    }
}

/// Returns a text in lower case, borrowed if it is ASCII without capitals.
pub(crate) fn lowered(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase()) {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(text.to_lowercase())
    }
}

/// Returns OpenClaw's id of an agent: in lower case, with one dash for every run of characters other than ASCII
/// letters, digits, `-` and `_`, without dashes at its ends, at most 64 characters. `None` if nothing is left.
pub(crate) fn agent_id(text: &str) -> Option<String> {
    let lowered = text.trim_matches(is_blank_char).to_lowercase();
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if lowered.len() <= LONGEST_AGENT
        && lowered.starts_with(|c: char| c.is_ascii_alphanumeric())
        && lowered.chars().all(fits)
    {
        return Some(lowered);
    }
    let mut id = String::new();
    let mut is_run = false;
    for c in lowered.chars() {
        if fits(c) {
            id.push(c);
        } else if !is_run {
            id.push('-');
        }
        is_run = !fits(c);
    }
    let id: String = id.trim_matches('-').chars().take(LONGEST_AGENT).collect();
    Some(id).filter(|id| !id.is_empty())
}

/// The length of the longest agent id, in characters.
const LONGEST_AGENT: usize = 64;

/// Returns the name of a header or variable for display, or a placeholder if it is not a name: someone may have pasted
/// a whole line with the value.
pub(crate) fn shown_name(name: &str) -> &str {
    if http::HeaderName::from_bytes(name.as_bytes()).is_ok() { name } else { "[not a name]" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agents_as_openclaw_knows_them() {
        let long = "A".repeat(70);
        for (text, id) in [
            ("main", Some("main")),
            (" Work ", Some("work")),
            ("Wo rk", Some("wo-rk")),
            ("wo  rk", Some("wo-rk")),
            ("a - b", Some("a---b")),
            ("v1.2", Some("v1-2")),
            ("-work-", Some("work")),
            ("work-", Some("work-")),
            ("_work", Some("_work")),
            ("B\u{fc}ro!", Some("b-ro")),
            ("../../main", Some("main")),
            ("!!!", None),
            ("", None),
            (&long, Some(&*"a".repeat(64))),
        ] {
            assert_eq!(agent_id(text).as_deref(), id, "{text:?}");
        }
    }
}
