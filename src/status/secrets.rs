//! Diagnostics about secrets that cannot be one, or are unusual, beyond those of the documents.

use std::collections::HashSet;

use crate::config::Config;
use crate::credential::{CredentialSource, Implausible, Received, ReferenceFailure};
use crate::error::Location;
use crate::error::{Diagnostic, DiagnosticCode, Severity};
use crate::id::{ProfileId, ProviderId};
use crate::profile::{AuthProfiles, Profile, SecretState};
use crate::providers::Provider;
use crate::select::Verdict;
use crate::syntax::KeyPath;

/// Returns the reason if the rules in force do not allow the profile's secret to be sent.
pub(super) fn implausible(config: &Config, profile: &Profile) -> Option<Implausible> {
    let SecretState::Implausible { doubt, .. } = profile.secret_state() else { return None };
    config.refuses(profile.provider(), Some(doubt))
}

/// Returns `true` if the profile's text is not a secret at any host.
pub(super) fn has_none(config: &Config, profile: &Profile, verdict: Verdict) -> bool {
    match (profile.secret_state(), verdict) {
        (SecretState::Implausible { doubt, .. }, _) => config.selector().rules().refuses(doubt, true).is_some(),
        (_, Verdict::ImplausibleSecret { reason }) => reason != Implausible::OtherProvider,
        _ => false,
    }
}

/// Returns diagnostics about the variables of all providers, once per variable.
pub(super) fn of_variables(config: &Config) -> Vec<Diagnostic> {
    let (mut seen, mut found) = (Vec::new(), Vec::new());
    for provider in Provider::all().map(|provider| ProviderId::normalized(provider.id())) {
        for (credential, received) in config.environment().received(&provider) {
            let CredentialSource::Environment { variable, .. } = credential.source else { continue };
            if seen.contains(&variable) {
                continue;
            }
            seen.push(variable);
            found.extend(remarks(config, &provider, &credential.source, &received));
        }
    }
    found
}

fn remarks(config: &Config, provider: &ProviderId, source: &CredentialSource, received: &Received) -> Vec<Diagnostic> {
    let place = Location::default();
    if let Some(reason) = config.refuses(provider, received.doubt) {
        let message = format!("{source} has {reason}");
        let found = Diagnostic::new(Severity::Warning, DiagnosticCode::ImplausibleSecret, place, message);
        return vec![found.with_help(reason.help())];
    }
    let cleaned = received.cleaning.notes().map(|note| {
        let message = format!("{source}: {note}");
        Diagnostic::new(Severity::Note, DiagnosticCode::CleanedSecret, Location::default(), message)
    });
    let unusual = received.unusual().map(|what| {
        let message = format!("{source} has {what}");
        Diagnostic::new(Severity::Warning, DiagnosticCode::UnusualSecret, Location::default(), message)
    });
    cleaned.chain(unusual).collect()
}

pub(super) fn of_profile(id: &ProfileId, profile: &Profile, reason: Implausible) -> Diagnostic {
    let member = if profile.secret_ref().is_some() { "keyRef" } else { "key" };
    let path = KeyPath::root().key("profiles").key(id.as_str()).key(member);
    let place = Location::default().with_key_path(path.to_string());
    let message = format!("the profile has {reason}");
    Diagnostic::new(Severity::Warning, DiagnosticCode::ImplausibleSecret, place, message).with_help(reason.help())
}

pub(super) fn of_reference(id: &ProfileId, failure: ReferenceFailure) -> Diagnostic {
    let path = KeyPath::root().key("profiles").key(id.as_str());
    let place = Location::default().with_key_path(path.to_string());
    let message = format!("the reference of the profile was not resolved: {failure}");
    Diagnostic::new(Severity::Warning, DiagnosticCode::UnresolvedReference, place, message).with_help(failure.help())
}

/// Returns diagnostics about URLs to which no credential is sent, because it could be read on the way.
pub(super) fn of_transport(config: &Config) -> impl Iterator<Item = Diagnostic> {
    config.insecure_urls().into_iter().map(|(place, error)| {
        let place = Location::default().with_key_path(place);
        let message = error.to_string();
        Diagnostic::new(Severity::Warning, DiagnosticCode::InsecureTransport, place, message).with_help(error.help())
    })
}

/// The profiles about whose secret a document already has a diagnostic, by key path.
#[derive(Default)]
pub(super) struct Said(HashSet<String>);

impl Said {
    pub(super) fn of(found: &[Diagnostic]) -> Self {
        let mut said = Self::default();
        for found in found {
            said.add(found);
        }
        said
    }

    pub(super) fn add(&mut self, found: &Diagnostic) {
        let path = found.location.key_path.as_deref().filter(|_| found.code == DiagnosticCode::ImplausibleSecret);
        let path = path.unwrap_or_default();
        // Few parts, because long keys are shortened in paths.
        self.0.extend(path.match_indices('.').filter_map(|(end, _)| path.get(..end)).map(str::to_owned));
    }

    pub(super) fn has(&self, id: &ProfileId) -> bool {
        self.0.contains(&KeyPath::root().key("profiles").key(id.as_str()).to_string())
    }
}

/// Returns diagnostics about stored profiles for lint, once each, however many agents have the profile.
pub(super) fn of_stored(config: &Config, all: &[&AuthProfiles]) -> Vec<Diagnostic> {
    let (mut found, mut said_of, mut seen) = (Vec::new(), Said::default(), HashSet::new());
    let concerns = |code| {
        matches!(code, DiagnosticCode::ImplausibleSecret | DiagnosticCode::UnusualSecret | DiagnosticCode::WrongUnit)
    };
    for profiles in all {
        for said in profiles.diagnostics().iter().filter(|said| concerns(said.code)) {
            // Line and column are of another document than the configuration.
            let path = said.location.key_path.clone().unwrap_or_default();
            if seen.insert((said.code, path.clone(), said.message.clone())) {
                let said = Diagnostic { location: Location::default().with_key_path(path), ..said.clone() };
                said_of.add(&said);
                found.push(said);
            }
        }
        for (id, profile) in profiles.iter() {
            if let Some(reason) = implausible(config, profile).filter(|_| !said_of.has(id)) {
                let remark = of_profile(id, profile, reason);
                said_of.add(&remark);
                found.push(remark);
            }
        }
    }
    found
}
