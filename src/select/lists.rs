//! The profiles that the lists in force name or leave out.

use std::collections::HashSet;
use std::ops::ControlFlow;

use super::candidate::{Candidate, Candidates};
use super::order::{Base, Judged, Selecting};
use super::verdict::Verdict;
use crate::error::{Diagnostic, DiagnosticCode, Location, Severity};
use crate::id::ProfileId;
use crate::syntax::KeyPath;

impl<'a> Selecting<'a> {
    /// Adds the names of a list that matched no profile, and returns a diagnostic if other profiles serve instead. A
    /// configuration may list only profiles of another agent, which is no problem.
    pub(super) fn report_repair(&self, base: Base<'a>, list: &mut Vec<Candidate<'a>>) -> Option<Diagnostic> {
        let is_replaced = !list.is_empty();
        let mut seen = HashSet::new();
        let _ = self.visit(base, |id, _| {
            if seen.insert(id.as_str()) {
                list.push(Judged { id, kind: None, verdict: Verdict::Missing, retry_at: None }.candidate());
            }
            ControlFlow::Continue(())
        });
        let provider = &self.query.provider;
        let (place, help) = match base {
            Base::Order(_) => {
                (KeyPath::root().key("order").key(provider.as_str()).to_string(), "correct the order, or remove it")
            }
            _ => ("auth.profiles".to_owned(), "list the profiles that are stored, or none of the provider"),
        };
        let message = "none of the profiles named for this provider exists; the stored ones are used instead";
        let location = Location::default().with_key_path(place);
        let diagnostic = Diagnostic::new(Severity::Warning, DiagnosticCode::RepairedOrder, location, message);
        is_replaced.then(|| diagnostic.with_help(help))
    }

    /// Adds the provider's stored profiles that the list in force leaves out.
    pub(super) fn add_outsiders(&self, list: &mut Vec<Candidate<'a>>, base: Base<'a>) {
        let verdict = match base {
            Base::Stored => return,
            Base::Locked(_) => Verdict::NotRequested,
            Base::Configured => Verdict::NotConfigured,
            Base::Order(_) => Verdict::ExcludedByOrder,
        };
        let known: HashSet<ProfileId> = list.iter().map(|candidate| candidate.id.clone().into_owned()).collect();
        let _ = self.visit(Base::Stored, |id, entry| {
            if !known.contains(id) {
                let kind = entry.and_then(|entry| entry.profile.kind());
                list.push(Judged { id, kind, verdict, retry_at: None }.candidate());
            }
            ControlFlow::Continue(())
        });
    }

    /// Returns the existing profiles that the list in force names, in its order, or else in the order of use.
    pub(super) fn listed(&self, candidates: &Candidates<'_>) -> Vec<ProfileId> {
        let is_listed = |verdict: Verdict| verdict != Verdict::Missing && !verdict.is_left_out();
        let listed = candidates.iter().filter(|candidate| is_listed(candidate.verdict));
        let mut listed: Vec<ProfileId> = listed.map(|candidate| candidate.id.clone().into_owned()).collect();
        if let (Base::Order(ids), _) = self.base() {
            listed.sort_by_key(|id| ids.iter().position(|other| other == id));
        }
        listed
    }
}
