//! The profiles of a provider, each with its verdict.

use std::borrow::Cow;

use super::verdict::Verdict;
use crate::clock::Timestamp;
use crate::credential::CredentialKind;
use crate::error::Diagnostic;
use crate::id::ProfileId;

/// One profile that was considered, with its verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Candidate<'a> {
    /// The profile's id.
    pub id: Cow<'a, ProfileId>,
    /// The profile's kind of credential, if the profile exists and its kind is known.
    pub kind: Option<CredentialKind>,
    /// Its verdict: usable now, or the reason that it is not.
    pub verdict: Verdict,
    /// The moment from which it is worth another attempt; `None` if it is not cooling down, or expires before its
    /// cooldown ends.
    pub retry_at: Option<Timestamp>,
}

impl Candidate<'_> {
    /// Converts into a candidate that borrows nothing.
    #[must_use]
    pub fn into_owned(self) -> Candidate<'static> {
        Candidate { id: Cow::Owned(self.id.into_owned()), ..self }
    }
}

/// The profiles that were considered: usable ones in the order of use, then those that are cooling down, soonest first,
/// then the others.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Candidates<'a> {
    pub(super) list: Vec<Candidate<'a>>,
    pub(super) eligible: usize,
    pub(super) diagnostics: Vec<Diagnostic>,
}

impl<'a> Candidates<'a> {
    /// Returns an iterator over the candidates in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Candidate<'a>> {
        self.list.iter()
    }

    /// Returns the profiles that can be used now or after a cooldown, in the order of use.
    ///
    /// OpenClaw calls this the profile order. A preferred profile comes first even while it is cooling down.
    pub fn order(&self) -> impl Iterator<Item = &ProfileId> {
        self.list.iter().take(self.eligible).map(|candidate| &*candidate.id)
    }

    /// Returns the candidate to use now; `None` if none is ready.
    pub(crate) fn first_ready(&self) -> Option<&Candidate<'a>> {
        self.list.iter().find(|candidate| candidate.verdict.is_ready())
    }

    /// Returns the earliest moment at which a candidate that is cooling down can be used again.
    #[must_use]
    pub fn retry_at(&self) -> Option<Timestamp> {
        self.list.iter().filter_map(|candidate| candidate.retry_at).min()
    }

    /// Returns `true` if no profile was considered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Returns the number of profiles that were considered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Returns what the user should know about the order in force, such as a repair of it.
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
