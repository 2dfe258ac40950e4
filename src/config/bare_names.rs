//! Finds model names without a provider that were probably meant as aliases.

use std::collections::HashSet;

use super::Config;
use super::nearest::nearest;
use crate::error::{Diagnostic, DiagnosticCode, Location, Severity, Shown};
use crate::id::ModelRef;

/// The number of names for which a suggestion is searched, because each takes time for every alias.
const MOST_SOUGHT: usize = 100;

impl Config {
    /// Warns about names without a provider: aliases of OpenClaw that no listed model has and that the release
    /// therefore does not know, and misspelt aliases.
    pub(crate) fn odd_names(&self) -> Vec<Diagnostic> {
        let listed = self.listed_models(None);
        let own: Vec<&str> = listed.iter().filter_map(|(_, alias)| *alias).chain(self.agents.aliases()).collect();
        let aliases: HashSet<String> = own.iter().map(|alias| alias.to_lowercase()).collect();
        let mut sought = 0;
        let is_new = self.release().has_entries();
        let mut remarks = Vec::new();
        let mut remark = |place: &Location, message: String, help: String| {
            let remark = Diagnostic::new(Severity::Warning, DiagnosticCode::Alias, place.clone(), message);
            remarks.push(remark.with_help(help));
        };
        let used = self.agents.placed_names().map(|placed| (placed, false));
        for ((name, place), is_policy) in used.chain(self.agents.placed_policies().map(|placed| (placed, true))) {
            let wanted = name.to_lowercase();
            if wanted.is_empty() || wanted.contains('/') || aliases.contains(&wanted) {
                continue;
            }
            let taken = match (is_policy && is_new, is_new) {
                (true, _) => "OpenClaw refuses a policy with it",
                (false, true) => "OpenClaw takes it for a model of OpenAI",
                (false, false) => "it is taken for a model of Anthropic",
            };
            let shown = Shown::new(name);
            match self.release().aliased(&wanted) {
                // To older releases they are aliases everywhere.
                Some(_) if !is_new => {}
                Some(model) => {
                    let message = format!("no listed model has the alias {shown:?}: {taken}");
                    remark(place, message, instead(&listed, &model, name));
                }
                None if sought == MOST_SOUGHT => {}
                None => match self.meant(&wanted, &own, &mut sought) {
                    Some(meant) => {
                        let message = format!("{shown:?} is not an alias: {taken}");
                        remark(place, message, format!("did you mean `{}`?", Shown::new(meant)));
                    }
                    None if is_policy && is_new => {
                        let message = format!("{shown:?} is not an alias of a listed model: {taken}");
                        remark(place, message, "write `provider/model`".to_owned());
                    }
                    None => {}
                },
            }
        }
        remarks
    }

    /// Returns the alias that a name probably misspells. Names of models have numbers, aliases rarely do.
    fn meant<'o>(&self, name: &str, own: &[&'o str], sought: &mut usize) -> Option<&'o str> {
        *sought += 1;
        let has_digit = |text: &str| text.contains(|c: char| c.is_ascii_digit());
        let theirs: Vec<&'o str> = self.release().alias_names().collect();
        let known = own.iter().chain(&theirs).copied();
        nearest(name, &known.filter(|alias| has_digit(alias) == has_digit(name)))
    }
}

/// Returns the help for a model that is not known under the alias.
fn instead(models: &[(ModelRef, Option<&str>)], model: &ModelRef, alias: &str) -> String {
    let alias = Shown::new(alias);
    let listed = models.iter().find(|(listed, _)| listed == model);
    match listed {
        Some((_, Some(other))) => {
            let other = Shown::new(other);
            format!("write `{other}`, the alias that `{model}` is listed with, or give it the alias `{alias}`")
        }
        Some((_, None)) => format!("write `{model}`, which is listed without an alias"),
        None => "write `provider/model`, or list the model under `models`".to_owned(),
    }
}
