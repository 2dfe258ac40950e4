//! The result of storing a profile.

use std::borrow::Cow;

use crate::error::{Diagnostic, DiagnosticCode, Location, Severity, Shown};
use crate::id::{ProfileId, ProviderId};
use crate::select::Verdict;

/// A stored profile, and whether it will be used.
///
/// # Examples
///
/// ```
/// use provider_auth::{AuthProfileStoreExt, Config, Environment, MemoryStore, ProviderId, ReadOptions, setup};
/// use provider_auth::setup::Placement;
///
/// // Onboarding lists the first profile, and with it every other one is left out.
/// let text = "{ auth: { profiles: { 'anthropic:default': { provider: 'anthropic', mode: 'api_key' } } } }";
/// let config = Config::from_json5_str(text, &ReadOptions::new().environment(Environment::empty()))?;
/// let (store, anthropic) = (MemoryStore::default(), ProviderId::anthropic());
///
/// let key = setup::api_key(&anthropic, "sk-ant-api03-example")?;
/// let first = setup::save_key(&store, config.selector(), &"anthropic:default".parse()?, &anthropic, &key, None)?;
/// assert!(first.is_in_rotation());
///
/// let saved = setup::save_key(&store, config.selector(), &"anthropic:second".parse()?, &anthropic, &key, None)?;
/// let order = "order set --provider anthropic anthropic:default anthropic:second";
/// assert!(saved.help().is_some_and(|help| help.contains(order)));
///
/// if let Placement::LeftOut { order: Some(order), .. } = &saved.placement {
///     store.set_order(&anthropic, order)?;
/// }
/// # Ok::<(), provider_auth::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Saved {
    /// The id of the profile.
    pub profile: ProfileId,
    /// The provider of the profile.
    pub provider: ProviderId,
    /// `true` if there was a profile of this id before, whose credential was replaced.
    pub replaced: bool,
    /// [`InRotation`](Placement::InRotation) if the profile will be used, or the reason why not.
    pub placement: Placement,
    /// The known provider that was probably meant, if this one is neither known nor configured with a server.
    pub meant: Option<ProviderId>,
}

/// The place of a stored profile: in rotation or left out.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Placement {
    /// It is among the profiles that are selected from.
    InRotation,
    /// It is stored, but will not be used unless something changes.
    #[non_exhaustive]
    LeftOut {
        /// The reason: the configuration lists only others, an order does not include it, or the configuration has
        /// another provider or kind under its id.
        verdict: Verdict,
        /// The order to store with [`set_order`](crate::AuthProfileStoreExt::set_order) so that it is used, after the
        /// profiles in use now. A stored order takes precedence over every list of the configuration, which stays as it
        /// is. `None` if no order helps.
        order: Option<Vec<ProfileId>>,
    },
}

impl Saved {
    /// Returns `true` if the profile is among those that are selected from.
    #[must_use]
    pub fn is_in_rotation(&self) -> bool {
        self.placement == Placement::InRotation
    }

    /// Returns a diagnostic for a provider that is probably misspelled; `None` for any other. Unknown providers are
    /// legal, so the profile is stored all the same.
    ///
    /// # Examples
    ///
    /// ```
    /// use provider_auth::{MemoryStore, ProfileSelector, ProviderId, setup};
    ///
    /// let (store, provider) = (MemoryStore::default(), ProviderId::new("antropic")?);
    /// let key = setup::api_key(&provider, "made-up-key-of-mine")?;
    /// let id = "antropic:default".parse()?;
    /// let saved = setup::save_key(&store, &ProfileSelector::default(), &id, &provider, &key, None)?;
    /// assert_eq!(saved.meant, Some(ProviderId::anthropic()));
    /// assert!(saved.diagnostic().is_some_and(|found| found.to_string().contains("`anthropic`")));
    /// # Ok::<(), provider_auth::Error>(())
    /// ```
    #[must_use]
    pub fn diagnostic(&self) -> Option<Diagnostic> {
        let meant = self.meant.as_ref()?;
        let message = format!("the provider {:?} is neither known nor configured", Shown::new(self.provider.as_str()));
        let help = format!("if you mean `{meant}`, store the secret under that name and remove {}", self.profile);
        let found = Diagnostic::new(Severity::Warning, DiagnosticCode::UnknownProvider, Location::default(), message);
        Some(found.with_help(help))
    }

    /// Returns why the profile will not be used and what the person at the terminal can do about it; `None` if it will
    /// be.
    ///
    /// The command in it is OpenClaw's, with ids quoted for a shell.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        let Placement::LeftOut { verdict, order } = &self.placement else { return None };
        let (id, provider) = (&self.profile, &self.provider);
        let why = match verdict {
            Verdict::NotConfigured => {
                format!("`auth.profiles` of the configuration lists other profiles of {provider} and leaves out {id}.")
            }
            Verdict::ExcludedByOrder => format!("The order of the profiles of {provider} leaves out {id}."),
            Verdict::ModeMismatch => {
                format!("`auth.profiles` of the configuration lists {id} as another kind of credential.")
            }
            _ => format!("`auth.profiles` of the configuration lists {id} for another provider."),
        };
        let Some(order) = order else {
            return Some(format!("{why} Store it under another name, or correct the entry there."));
        };
        let ids: Vec<_> = order.iter().map(|id| quoted(&id.to_string()).into_owned()).collect();
        let command =
            format!("openclaw models auth order set --provider {} {}", quoted(&provider.to_string()), ids.join(" "));
        Some(format!("{why} To use it, store an order that includes it: `{command}`."))
    }
}

/// Quotes a word for a shell if necessary.
fn quoted(word: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._:@/+,=".contains(c);
    if !word.is_empty() && !word.starts_with('-') && word.chars().all(plain) {
        return Cow::Borrowed(word);
    }
    Cow::Owned(format!("'{}'", word.replace('\'', r"'\''")))
}
