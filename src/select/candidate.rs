//! Every profile of a provider with its verdict.

use std::borrow::Cow;

use super::verdict::Verdict;
use crate::clock::Timestamp;
use crate::credential::CredentialKind;
use crate::error::Diagnostic;
use crate::id::ProfileId;

/// One profile that was considered.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Candidate<'a> {
    /// The profile.
    pub id: Cow<'a, ProfileId>,
    /// Its kind of credential, where it exists and is known.
    pub kind: Option<CredentialKind>,
    /// Whether it can be used now.
    pub verdict: Verdict,
    /// The moment from which it is worth a try, if it is cooling down and will still be good then.
    pub retry_at: Option<Timestamp>,
}

impl Candidate<'_> {
    /// Converts into a candidate that borrows nothing.
    #[must_use]
    pub fn into_owned(self) -> Candidate<'static> {
        Candidate { id: Cow::Owned(self.id.into_owned()), ..self }
    }
}

/// Every profile that was considered: those that can be used in the order of use, then those that are cooling
/// down, soonest first, then the others.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Candidates<'a> {
    pub(super) list: Vec<Candidate<'a>>,
    pub(super) eligible: usize,
    pub(super) diagnostics: Vec<Diagnostic>,
}

impl<'a> Candidates<'a> {
    /// The candidates in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Candidate<'a>> {
        self.list.iter()
    }

    /// The profiles that can be used, now or after a cooldown, in the order of use.
    ///
    /// This is what OpenClaw calls the profile order. A preferred profile leads even while it is cooling down.
    pub fn order(&self) -> impl Iterator<Item = &ProfileId> {
        self.list.iter().take(self.eligible).map(|candidate| &*candidate.id)
    }

    /// The candidate to use now.
    #[must_use]
    pub fn first_ready(&self) -> Option<&Candidate<'a>> {
        self.list.iter().find(|candidate| candidate.verdict.is_ready())
    }

    /// The moment from which a candidate that is cooling down can be used again, the soonest of them.
    #[must_use]
    pub fn retry_at(&self) -> Option<Timestamp> {
        self.list.iter().filter_map(|candidate| candidate.retry_at).min()
    }

    /// Whether nothing was considered at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// How many profiles were considered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// What the user should know about the order that was in force.
    #[must_use]
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }
}

impl<'a, 'b> IntoIterator for &'b Candidates<'a> {
    type Item = &'b Candidate<'a>;
    type IntoIter = std::slice::Iter<'b, Candidate<'a>>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
