//! The entrance for every secret: cleaning, and a check whether the text can be one.

use super::implausible::Implausible;
use super::notation::notation;
use super::placeholder::{Likeness, placeholder};
use crate::providers::{Provider, SecretUse, recognise};
use crate::secret::{Cleaning, REDACTED, Secret, clean};

/// A text received as a provider's secret: pasted, stored, configured, from a variable or from a reference.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    /// The secret alone.
    pub(crate) secret: Secret,
    /// What was removed.
    pub(crate) cleaning: Cleaning,
    /// The reason if it cannot be a secret.
    pub(crate) doubt: Option<Doubt>,
}

/// The reason why a text cannot be a secret, and at which hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Doubt {
    reason: Implausible,
    /// `true` if a gateway may accept it.
    only_without_gateway: bool,
}

impl Received {
    /// Receives a text for a provider, given by its normalised name.
    pub(crate) fn new(provider: &str, text: &str) -> Self {
        let (secret, cleaning) = clean(text);
        let doubt = Doubt::of(provider, &secret);
        Self { secret, cleaning, doubt }
    }

    /// Returns what is unusual about the secret, which is used nevertheless.
    pub(crate) fn unusual(&self) -> Option<&'static str> {
        unusual(&self.secret)
    }
}

/// Returns what is unusual about a cleaned secret, which is used nevertheless.
pub(crate) fn unusual(secret: &Secret) -> Option<&'static str> {
    let text = secret.expose();
    if let Some((_, SecretUse::Other(what))) = recognise(text) {
        return Some(what);
    }
    if text.starts_with('{') && text.ends_with('}') {
        return Some("a whole object instead of a secret");
    }
    let quotes = ['"', '\'', '`'];
    let one_sided = text.starts_with(quotes) != text.ends_with(quotes);
    one_sided.then_some("a text with a quotation mark on one side, of which a part may be missing")
}

impl Doubt {
    /// Checks a cleaned secret. Characters that no header can carry and OpenClaw's own words are checked elsewhere.
    pub(crate) fn of(provider: &str, secret: &Secret) -> Option<Self> {
        let text = secret.expose();
        if text.is_empty() || text == REDACTED {
            return None;
        }
        let certain = |reason| Some(Self { reason, only_without_gateway: false });
        // A provider on this machine is a server of the user, like a gateway.
        let known = Provider::named(provider);
        let is_local = |known: &Provider| known.base_url().is_some_and(|url| url.starts_with("http://"));
        let is_own = !known.is_some_and(is_local);
        let probable = |reason| is_own.then_some(Self { reason, only_without_gateway: true });
        if !text.contains(char::is_alphanumeric) {
            return certain(Implausible::Punctuation);
        }
        if let Some(reason) = notation(text) {
            return certain(reason);
        }
        match placeholder(text) {
            Some(Likeness::Certain) => return certain(Implausible::Placeholder),
            Some(Likeness::Probable) => return probable(Implausible::Placeholder),
            None => {}
        }
        // Only a provider with its own API is known to accept its own keys alone.
        let own = known.filter(|own| own.base_url().is_some())?;
        let (owner, _) = recognise(text)?;
        if std::ptr::eq(owner, own) { None } else { probable(Implausible::OtherProvider) }
    }

    /// Returns the reason if the text is not a secret at the provider's own host, or at a gateway that the user
    /// configured.
    pub(crate) fn at(self, is_gateway: bool) -> Option<Implausible> {
        (!(is_gateway && self.only_without_gateway)).then_some(self.reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_unusual() {
        for (text, expected) in [("{\"access\":\"a\"}", true), ("{\"key\":\"a\"}", false), ("{a", false)] {
            assert_eq!(Received::new("relay", text).unusual().is_some(), expected, "{text}");
        }
    }

    #[test]
    fn another_providers_key_is_one_at_a_gateway() {
        for (provider, text, own, gateway) in [
            ("anthropic", "sk-ant-a", None, None),
            ("anthropic", "sk-or-v1-a", Some(Implausible::OtherProvider), None),
            ("openrouter", "sk-ant-api03-a", Some(Implausible::OtherProvider), None),
            ("groq", "sk-ant-api03-a", Some(Implausible::OtherProvider), None),
            ("litellm", "sk-ant-api03-a", None, None),
            ("relay", "sk-ant-api03-a", None, None),
            ("anthropic", "sk-xxxx", Some(Implausible::Placeholder), None),
            ("anthropic", "***", Some(Implausible::Punctuation), Some(Implausible::Punctuation)),
            ("anthropic", "gsk_made-up", Some(Implausible::OtherProvider), None),
            ("anthropic", "xai-made-up", Some(Implausible::OtherProvider), None),
            ("groq", "gsk_made-up", None, None),
            ("anthropic", "null", Some(Implausible::Placeholder), None),
            ("ollama", "null", None, None),
            ("ollama", "sk-xxxx", None, None),
            ("ollama", "sk-ant-api03-a", None, None),
            ("relay", "your-key", Some(Implausible::Placeholder), Some(Implausible::Placeholder)),
        ] {
            let doubt = Received::new(provider, text).doubt;
            assert_eq!(doubt.and_then(|doubt| doubt.at(false)), own, "{provider} {text}");
            assert_eq!(doubt.and_then(|doubt| doubt.at(true)), gateway, "{provider} {text}");
        }
    }
}
