//! Several API keys of one provider.

use std::collections::HashSet;

use super::Environment;
use crate::credential::Doubt;
use crate::id::ProviderId;
use crate::secret::Secret;

/// The number of numbered variables that are looked up, because those of the process cannot be listed.
const MOST_NUMBERED: u8 = 32;

impl Environment {
    /// Returns all API keys of a provider in the environment, without duplicates, in the order in which OpenClaw tries
    /// them when one is rate-limited.
    ///
    /// For a provider with the variable `P_API_KEY`, the only key is `OPENCLAW_LIVE_P_KEY` if it is set. Otherwise the
    /// keys are those of `OPENCLAW_LIVE_P_KEYS` and `P_API_KEYS`, separated by commas, semicolons or white space; then
    /// `P_API_KEY`; then `P_API_KEY_1` to `P_API_KEY_32`, and every other variable in the `.env` file or the `env`
    /// block that begins with `P_API_KEY_`. For Google, `P` is `GEMINI`, then `GOOGLE`.
    ///
    /// OpenClaw and [`Config::resolve`](crate::Config::resolve) use only the key of [`credential`](Self::credential).
    /// To use the others in turn, build each request with one of them. Values that cannot be secrets, such as
    /// placeholders, are left out.
    ///
    /// # Examples
    ///
    /// ```
    /// use provider_auth::{Environment, ProviderId};
    ///
    /// let environment = Environment::empty().with_dotenv("OPENAI_API_KEYS=sk-a,sk-b\nOPENAI_API_KEY=sk-b\n");
    /// let keys = environment.api_keys(&ProviderId::new("openai")?);
    /// assert_eq!(keys.iter().map(|key| key.expose()).collect::<Vec<_>>(), ["sk-a", "sk-b"]);
    /// # Ok::<(), provider_auth::Error>(())
    /// ```
    #[must_use]
    pub fn api_keys(&self, provider: &ProviderId) -> Vec<Secret> {
        let variables = provider.known().map_or(&[][..], |known| known.variables());
        let stems: Vec<&str> = variables.iter().filter_map(|name| name.strip_suffix("_API_KEY")).collect();
        let forced = stems.iter().find_map(|stem| self.get(&format!("OPENCLAW_LIVE_{stem}_KEY")));
        if let Some(key) = forced {
            return vec![Secret::cleaned(key.expose())];
        }
        let mut keys = Vec::new();
        for stem in stems {
            for list in [format!("OPENCLAW_LIVE_{stem}_KEYS"), format!("{stem}_API_KEYS")] {
                let list = self.get(&list);
                let parts = list.iter().flat_map(|list| list.expose().split([',', ';', ' ', '\t', '\r', '\n']));
                keys.extend(parts.map(Secret::cleaned));
            }
            let single = format!("{stem}_API_KEY");
            keys.extend(self.get(&single).map(|key| Secret::cleaned(key.expose())));
            for name in self.names_below(&format!("{single}_")) {
                keys.extend(self.get(&name).map(|key| Secret::cleaned(key.expose())));
            }
        }
        let is_none = |key: &Secret| Doubt::of(provider.as_str(), key).and_then(|doubt| doubt.at(true)).is_some();
        let mut seen = HashSet::new();
        let is_wanted = |key: &Secret| !key.is_empty() && !is_none(key);
        // The set borrows the keys, because copies would not be wiped.
        let wanted: Vec<bool> = keys.iter().map(|key| is_wanted(key) && seen.insert(key.expose())).collect();
        keys.into_iter().zip(wanted).filter(|(_, is_wanted)| *is_wanted).map(|(key, _)| key).collect()
    }

    /// Returns the numbered names with this prefix, and those in the file and in the block.
    fn names_below(&self, prefix: &str) -> Vec<String> {
        let mut names: Vec<String> = (1..=MOST_NUMBERED).map(|number| format!("{prefix}{number}")).collect();
        let mut known: HashSet<String> = names.iter().cloned().collect();
        for layer in [&self.file, &self.block] {
            let more = layer.keys().filter(|name| name.starts_with(prefix)).map(ToString::to_string);
            names.extend(more.filter(|name| known.insert(name.clone())));
        }
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(provider: &str, variables: &'static [(&str, &str)]) -> Vec<String> {
        let environment = Environment::from_fn(|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        });
        let keys = environment.api_keys(&ProviderId::new(provider).unwrap());
        keys.iter().map(|key| key.expose().to_owned()).collect()
    }

    #[test]
    fn every_member_of_the_family_in_openclaws_order() {
        let all: &[(&str, &str)] = &[
            ("OPENAI_API_KEY_2", "e"),
            ("OPENAI_API_KEY", "c"),
            ("OPENAI_API_KEYS", " a, b;a\nc "),
            ("OPENAI_API_KEY_1", "d"),
            ("OPENAI_API_KEY_X", "not to be found"),
        ];
        assert_eq!(keys("openai", all), ["a", "b", "c", "d", "e"]);
        assert_eq!(keys("openai", &[("OPENCLAW_LIVE_OPENAI_KEY", "one"), ("OPENAI_API_KEY", "c")]), ["one"]);
        assert_eq!(
            keys("anthropic", &[("OPENCLAW_LIVE_ANTHROPIC_KEYS", "a b"), ("ANTHROPIC_OAUTH_TOKEN", "t")]),
            ["a", "b"]
        );
        let google = &[("GOOGLE_API_KEY", "b"), ("GEMINI_API_KEY_1", "a"), ("OPENCLAW_LIVE_ANTHROPIC_KEY", "x")];
        assert_eq!(keys("google", google), ["a", "b"]);
        assert_eq!(keys("nobody", &[("NOBODY_API_KEY", "x")]), [""; 0]);
        let environment = Environment::empty().with_dotenv("GROQ_API_KEY_SPARE=s\n");
        assert_eq!(environment.api_keys(&ProviderId::new("groq").unwrap()).len(), 1);
    }

    #[test]
    fn more_keys_are_no_credential() {
        let environment = Environment::from_fn(|name| (name == "OPENAI_API_KEYS").then(|| "a,b".to_owned()));
        let openai = ProviderId::new("openai").unwrap();
        assert!(environment.credential(&openai).is_none());
        assert_eq!(environment.api_keys(&openai).len(), 2);
    }
}
