//! What became of a profile that was stored.

use std::borrow::Cow;

use crate::id::{ProfileId, ProviderId};
use crate::select::Verdict;

/// A profile that was stored, and whether it will be used.
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
    /// The profile.
    pub profile: ProfileId,
    /// Its provider.
    pub provider: ProviderId,
    /// Whether there was a profile of this id before, whose credential was replaced.
    pub replaced: bool,
    /// Whether it will be used.
    pub placement: Placement,
}

/// Whether a stored profile is one of those that are chosen from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Placement {
    /// It is.
    InRotation,
    /// It is stored, and will not be used as things stand.
    #[non_exhaustive]
    LeftOut {
        /// Why: the configuration lists others only, an order does not name it, or the configuration has something else
        /// under its name.
        verdict: Verdict,
        /// The stored order that takes it into use, at the end of those that are in use now: give it to
        /// [`set_order`](crate::AuthProfileStoreExt::set_order). It goes before every list of the configuration, which stays
        /// as it is. `None` where no order helps.
        order: Option<Vec<ProfileId>>,
    },
}

impl Saved {
    /// Returns `true` if the profile is one of those that are chosen from.
    #[must_use]
    pub fn is_in_rotation(&self) -> bool {
        self.placement == Placement::InRotation
    }

    /// Says why the profile is left out and what to do about it, to the person at the terminal; `None` if it is not.
    ///
    /// The command it names is OpenClaw's, with every id quoted as a shell wants it.
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
        Some(format!("{why} A stored order that names it puts it in use: `{command}`."))
    }
}

/// A word as a shell takes it for one.
fn quoted(word: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._:@/+,=".contains(c);
    if !word.is_empty() && !word.starts_with('-') && word.chars().all(plain) {
        return Cow::Borrowed(word);
    }
    Cow::Owned(format!("'{}'", word.replace('\'', r"'\''")))
}
