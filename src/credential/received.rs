//! The one entrance for every secret: cleaned, and looked at for what can be none.

use super::implausible::Implausible;
use super::notation::notation;
use super::placeholder::{Likeness, placeholder};
use crate::providers::{Provider, SecretUse, recognise};
use crate::secret::{Cleaning, REDACTED, Secret, clean};

/// A text that came in where a secret of a provider is expected: pasted, stored, configured, out of a variable, or what a
/// reference leads to.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    /// The secret alone.
    pub(crate) secret: Secret,
    /// What was left out.
    pub(crate) cleaning: Cleaning,
    /// Why it can be none.
    pub(crate) doubt: Option<Doubt>,
}

/// Why a text can be no secret, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Doubt {
    reason: Implausible,
    /// A gateway may take it.
    only_without_gateway: bool,
}

impl Received {
    /// Takes a text in for a provider, given by the name it is normalised to.
    pub(crate) fn new(provider: &str, text: &str) -> Self {
        let (secret, cleaning) = clean(text);
        let doubt = Doubt::of(provider, &secret);
        Self { secret, cleaning, doubt }
    }

    /// What is unusual about the secret, which is used all the same.
    pub(crate) fn unusual(&self) -> Option<&'static str> {
        unusual(&self.secret)
    }
}

/// What is unusual about a cleaned secret, which is used all the same.
pub(crate) fn unusual(secret: &Secret) -> Option<&'static str> {
    let text = secret.expose();
    if let Some((_, SecretUse::Other(what))) = recognise(text) {
        return Some(what);
    }
    if text.starts_with('{') && text.ends_with('}') {
        return Some("a whole object in the place of a secret, of which no part is known to be it");
    }
    let quotes = ['"', '\'', '`'];
    let one_sided = text.starts_with(quotes) != text.ends_with(quotes);
    one_sided.then_some("a text with a quotation mark on one side, where a part of it may be missing")
}

impl Doubt {
    /// Looks at a cleaned secret. What no header can carry and OpenClaw's own words are looked at elsewhere.
    pub(crate) fn of(provider: &str, secret: &Secret) -> Option<Self> {
        let text = secret.expose();
        if text.is_empty() || text == REDACTED {
            return None;
        }
        let certain = |reason| Some(Self { reason, only_without_gateway: false });
        // A provider on this machine is whatever server the user runs there, as a gateway is.
        let is_local = |known: &Provider| known.base_url().is_some_and(|url| url.starts_with("http://"));
        let is_own = !Provider::named(provider).is_some_and(is_local);
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
        // Only where a provider has an API of its own is it known whose keys that takes.
        let own = Provider::named(provider).filter(|own| own.base_url().is_some())?;
        let (owner, _) = recognise(text)?;
        if std::ptr::eq(owner, own) { None } else { probable(Implausible::OtherProvider) }
    }

    /// Why the text is no secret where requests go to the provider's own host, or to a gateway that the user configured.
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
