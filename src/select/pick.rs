//! The first ready profile alone, for callers that pick very often.

use std::cmp::Ordering;
use std::ops::ControlFlow;

use super::order::{Base, Place, READY, Selecting};
use super::session;
use crate::id::ProfileId;

/// The rank of OAuth credentials that must be refreshed first; tokens and keys rank higher.
const LOGINS: u8 = 1;

impl<'a> Selecting<'a> {
    /// Returns the first ready profile without judging the others.
    pub(super) fn pick(&self) -> Option<&'a ProfileId> {
        let (base, _) = self.base();
        // The document is sorted by what the default rules sort by.
        let is_narrowed =
            self.query.session.is_some() || self.query.preferred.is_some() || self.query.unwritten.is_some();
        let is_sorted = self.rules.inspect_secret && !self.rules.integer_names_first;
        if base == Base::Stored && is_sorted && !is_narrowed { self.pick_by_use() } else { self.pick_of(base) }
    }

    /// Does the same as [`pick`](Self::pick) for all stored profiles, in the order that the document keeps.
    fn pick_by_use(&self) -> Option<&'a ProfileId> {
        let provider = &self.query.provider;
        let (is_split, mut to_be_refreshed) = (self.settings.is_split(provider), None);
        for entry in self.profiles.entries_by_use(provider) {
            let rank = self.rank(entry.profile);
            // A live OAuth credential may follow an expired one, but never follows a token or a key.
            if to_be_refreshed.is_some() && rank > LOGINS {
                break;
            }
            let is_own = !is_split || entry.profile.provider().written() == provider.written();
            // A cooldown is cheaper to check than the rest.
            let is_ready =
                is_own && !self.is_cooling(entry.id, entry.usage) && self.fitness(entry, Base::Stored).is_ready();
            if !is_ready {
                continue;
            }
            let standing = self.standing(entry);
            if self.rules.no_headroom(standing, self.now).is_some() {
                continue;
            }
            // Another profile may have more headroom.
            if self.spent(entry.id, standing) > 0 {
                return self.pick_of(Base::Stored);
            }
            if rank != LOGINS {
                return Some(entry.id);
            }
            to_be_refreshed = to_be_refreshed.or(Some(entry.id));
        }
        to_be_refreshed
    }

    /// Does the same as [`pick`](Self::pick) for any base, in one pass: nothing is sorted or kept, and a profile that
    /// another one precedes anyway is not judged further.
    fn pick_of(&self, base: Base<'a>) -> Option<&'a ProfileId> {
        let ordered = matches!(base, Base::Order(_));
        let mut best: Option<(&'a ProfileId, Place, u64)> = None;
        let _ = self.visit(base, |id, entry| {
            let Some(known) = entry else { return ControlFlow::Continue(()) };
            let is_preferred = self.query.preferred.as_ref() == Some(id);
            let (mut place, mut weight) = (self.place_if_ready(known, self.standing(known)), 0);
            if ordered {
                (place.rank, place.spent, place.time) = (0, 0, 0.0);
            } else if let Some(session) = &self.query.session {
                (place.time, weight) = (0.0, session::weight(session, id.as_str()));
            }
            let precedes = best.as_ref().is_none_or(|(_, other, heaviest)| match place.cmp(other) {
                Ordering::Less => true,
                Ordering::Equal => weight > *heaviest,
                Ordering::Greater => false,
            });
            let worth_judging = precedes || is_preferred;
            if !worth_judging || self.judge(id, entry, base).0.group != READY {
                return ControlFlow::Continue(());
            }
            best = Some((id, place, weight));
            let found = is_preferred || (ordered && self.query.preferred.is_none());
            if found { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        best.map(|(id, _, _)| id)
    }
}
