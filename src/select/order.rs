//! The order in which a provider's profiles are used.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::HashSet;
use std::ops::ControlFlow;

use super::candidate::{Candidate, Candidates};
use super::query::Query;
use super::rules::SelectorRules;
use super::session;
use super::settings::{ProfileSettings, Settings};
use super::verdict::{Verdict, as_millis};
use crate::clock::Timestamp;
use crate::credential::{CredentialKind, Received, ReferenceFailure};
use crate::headroom::Standing;
use crate::id::{ProfileId, ProviderId};
use crate::profile::{AuthProfiles, Entry, Expiry, Profile, SecretState};
use crate::secret::Secret;

/// The source of the profiles to choose from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Base<'a> {
    Locked(&'a ProfileId),
    Order(&'a [ProfileId]),
    Configured,
    Stored,
}

/// The inputs of one selection.
pub(super) struct Selecting<'a> {
    pub(super) rules: &'a SelectorRules,
    pub(super) settings: &'a Settings,
    pub(super) profiles: &'a AuthProfiles,
    pub(super) query: &'a Query,
    pub(super) now: Timestamp,
    /// The profile that the session has used so far, if known.
    pub(super) home: Option<ProfileId>,
}

/// The sort key of a candidate: ready ones by rank, headroom and last use, then those that are cooling down by the end
/// of their cooldown.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct Place {
    pub(super) group: u8,
    pub(super) rank: u8,
    /// Steps of the limits that are used up.
    pub(super) spent: i8,
    pub(super) time: f64,
}

pub(super) const READY: u8 = 0;
const COOLING: u8 = 1;
const UNFIT: u8 = 2;

impl Place {
    pub(super) fn cmp(&self, other: &Self) -> Ordering {
        let by_time = || self.time.partial_cmp(&other.time).unwrap_or(Ordering::Equal);
        (self.group, self.rank, self.spent).cmp(&(other.group, other.rank, other.spent)).then_with(by_time)
    }
}

/// A judged profile: enough to rank it and to explain its verdict.
#[derive(Clone, Copy)]
pub(super) struct Judged<'a> {
    pub(super) id: &'a ProfileId,
    pub(super) kind: Option<CredentialKind>,
    pub(super) verdict: Verdict,
    pub(super) retry_at: Option<Timestamp>,
}

impl<'a> Selecting<'a> {
    /// Returns the source to choose from, and the list it replaces if none of that list's profiles exists.
    pub(super) fn base(&self) -> (Base<'a>, Option<Base<'a>>) {
        let provider = &self.query.provider;
        if let Some(locked) = &self.query.locked {
            return (Base::Locked(locked), None);
        }
        let stored = if self.settings.is_split(provider) {
            self.profiles.order_as_written(provider)
        } else {
            self.profiles.order(provider)
        };
        // Checked first, because the lookups below take as long as the rest of a pick.
        if stored.is_none() && self.settings.has_none_of(provider) {
            return (Base::Stored, None);
        }
        let is_own = |name: &ProviderId| self.settings.is_one(name, provider);
        let orders = || self.settings.orders_of(provider).filter(|(name, _)| is_own(name));
        let exact = || orders().find(|(name, _)| name.written() == provider.written());
        let configured = || exact().or_else(|| orders().next()).map(|(_, ids)| &**ids);
        let is_configured = stored.is_none();
        let base = if let Some(order) = stored.or_else(configured) {
            Base::Order(order)
        } else if self.settings.profiles_of(provider).any(|(_, entry)| is_own(&entry.provider)) {
            Base::Configured
        } else {
            return (Base::Stored, None);
        };
        let mut named = false;
        let exists = self.visit(base, |_, entry| {
            named = true;
            if entry.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        // An order in the configuration is the user's word, so a refusal reports what is wrong with it.
        let is_kept = is_configured && matches!(base, Base::Order(_));
        let repair = self.rules.repair_order && !is_kept && named && exists.is_continue();
        if repair { (Base::Stored, Some(base)) } else { (base, None) }
    }

    /// Returns an upper bound of the number of profiles in a base.
    fn room(&self, base: Base<'a>) -> usize {
        let stored = self.profiles.len();
        match base {
            Base::Locked(_) => 1,
            Base::Order(ids) => ids.len().min(stored),
            Base::Configured => self.settings.profiles_of(&self.query.provider).count(),
            Base::Stored => self.profiles.count_of(&self.query.provider).unwrap_or(stored),
        }
    }

    /// Visits the profiles of a base in order. An order may name a profile twice.
    pub(super) fn visit(
        &self,
        base: Base<'a>,
        mut visit: impl FnMut(&'a ProfileId, Option<Entry<'a>>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let provider = &self.query.provider;
        match base {
            Base::Locked(id) => visit(id, self.profiles.entry(id.as_str())),
            Base::Order(ids) => ids.iter().try_for_each(|id| visit(id, self.profiles.entry(id.as_str()))),
            Base::Configured => {
                let listed = self.settings.profiles_of(provider);
                let listed = listed.filter(|(_, entry)| self.settings.is_one(&entry.provider, provider));
                self.enumerate(listed.map(|(id, _)| (id, self.profiles.entry(id.as_str()))), visit)
            }
            Base::Stored => {
                let own = self.profiles.entries_of(provider);
                let own = own.filter(|entry| self.settings.is_one(entry.profile.provider(), provider));
                self.enumerate(own.map(|entry| (entry.id, Some(entry))), visit)
            }
        }
    }

    /// Visits the entries of a map in file order, or in JavaScript's enumeration order.
    fn enumerate(
        &self,
        mut entries: impl Iterator<Item = (&'a ProfileId, Option<Entry<'a>>)>,
        mut visit: impl FnMut(&'a ProfileId, Option<Entry<'a>>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        if !self.rules.integer_names_first {
            return entries.try_for_each(|(id, entry)| visit(id, entry));
        }
        let mut entries: Vec<_> = entries.collect();
        // The sort is stable: names that are not array indices keep file order after those that are.
        entries.sort_by_key(|(id, _)| array_index(id.as_str()).map_or((1, 0), |index| (0, index)));
        entries.into_iter().try_for_each(|(id, entry)| visit(id, entry))
    }

    pub(super) fn judge(&self, id: &'a ProfileId, entry: Option<Entry<'a>>, base: Base<'a>) -> (Place, Judged<'a>) {
        let unfit = |kind, verdict| {
            (Place { group: UNFIT, rank: 0, spent: 0, time: 0.0 }, Judged { id, kind, verdict, retry_at: None })
        };
        let Some(known) = entry else { return unfit(None, Verdict::Missing) };
        let Entry { profile, usage, .. } = known;
        let (kind, fitness) = (profile.kind(), self.fitness(known, base));
        if !fitness.is_ready() {
            return unfit(kind, fitness);
        }
        let standing = self.standing(known);
        let cooling = self.cooling(id, usage).or_else(|| self.rules.no_headroom(standing, self.now));
        if let Some((until, verdict)) = cooling {
            // The token ends before its cooldown does, so waiting does not help.
            let in_vain = self.rules.end(profile).is_some_and(|at| at <= until);
            let retry_at = verdict.until().filter(|_| !in_vain);
            let place = Place { group: COOLING, rank: 0, spent: 0, time: until };
            return (place, Judged { id, kind, verdict, retry_at });
        }
        (self.place_if_ready(known, standing), Judged { id, kind, verdict: Verdict::Ready, retry_at: None })
    }

    /// Returns the verdict on a profile without its windows and its headroom.
    pub(super) fn fitness(&self, Entry { id, profile, .. }: Entry<'a>, base: Base<'a>) -> Verdict {
        if self.query.excluded.contains(id) {
            return Verdict::NotRequested;
        }
        if id.is_personal() {
            return Verdict::PersonalAccount;
        }
        if base != Base::Stored && !self.settings.is_one(profile.provider(), &self.query.provider) {
            return Verdict::ProviderMismatch;
        }
        if let Some(configured) = self.settings.profiles.get(id) {
            if !self.settings.is_one(&configured.provider, &self.query.provider) {
                return Verdict::ProviderMismatch;
            }
            if !matches!(base, Base::Locked(_)) && !self.accepts(configured, profile) {
                return Verdict::ModeMismatch;
            }
        }
        self.rules.fitness(profile, self.is_gateway(), as_millis(self.now), |profile| {
            self.resolve(profile).map_or_else(|why| why, |_| Verdict::Ready)
        })
    }

    pub(super) fn place_if_ready(&self, entry: Entry<'_>, standing: Standing) -> Place {
        let written = entry.usage.and_then(|usage| usage.last_used).unwrap_or(0.0);
        let later = self.query.unwritten.as_ref().and_then(|unwritten| unwritten.last_used(entry.id));
        let time = later.map_or(written, |later| later.max(written));
        Place { group: READY, rank: self.rank(entry.profile), spent: self.spent(entry.id, standing), time }
    }

    /// Returns the secret that a profile's reference leads to, or the verdict if there is none.
    pub(super) fn resolve(&self, profile: &Profile) -> Result<Secret, Verdict> {
        let unresolved = |reason| Verdict::UnresolvedReference { reason };
        let reference = profile.secret_ref().ok_or(unresolved(ReferenceFailure::NotLookedUp))?;
        let found = self.query.references.get(reference).map_err(unresolved)?;
        let Received { secret: cleaned, doubt, .. } = Received::new(profile.provider().as_str(), found.expose());
        if let Some(reason) = doubt.and_then(|doubt| self.rules.refuses(doubt, self.is_gateway())) {
            return Err(Verdict::ImplausibleSecret { reason });
        }
        match cleaned.is_header_safe() {
            true => Ok(cleaned),
            false if cleaned.is_empty() => Err(unresolved(ReferenceFailure::NotAText)),
            false if cleaned.is_placeholder() => Err(unresolved(ReferenceFailure::Placeholder)),
            false => Err(Verdict::UnusableSecret),
        }
    }

    /// Returns `true` if the provider's requests go to a host other than its own.
    pub(super) fn is_gateway(&self) -> bool {
        self.settings.gateways.contains(&self.query.provider)
    }

    fn accepts(&self, entry: &ProfileSettings, profile: &Profile) -> bool {
        let matches = |kind: Option<CredentialKind>| {
            let Some(kind) = kind else { return false };
            // Lenient reading has reported an unknown mode. The profile must stay usable.
            let Some(mode) = entry.mode else { return true };
            // A configured OAuth credential accepts a static token, because a setup-token is one, but not vice versa.
            mode.kind()
                .is_some_and(|mode| mode == kind || (mode == CredentialKind::OAuth && kind == CredentialKind::Token))
        };
        matches(profile.stored_kind()) || (self.rules.inspect_secret && matches(profile.kind()))
    }

    pub(super) fn rank(&self, profile: &Profile) -> u8 {
        let kind = if self.rules.inspect_secret { profile.kind() } else { profile.stored_kind() };
        match kind {
            Some(CredentialKind::OAuth) => {
                let over = matches!(profile.expiry(), Expiry::At(at) if as_millis(self.now) >= at);
                let must_refresh = over || profile.secret_state() == SecretState::Refreshable;
                u8::from(self.rules.live_first && must_refresh)
            }
            Some(CredentialKind::Token) => 2,
            _ => 3,
        }
    }

    /// Returns every profile of the provider with its verdict, in order.
    pub(super) fn candidates(&self) -> Candidates<'a> {
        let (base, repaired) = self.base();
        let room = self.room(base);
        let mut judged: Vec<Judged<'a>> = Vec::with_capacity(room);
        let mut places: Vec<(Place, usize)> = Vec::with_capacity(room);
        let mut seen = HashSet::new();
        let _ = self.visit(base, |id, entry| {
            if matches!(base, Base::Order(_)) && !seen.insert(id.as_str()) {
                return ControlFlow::Continue(());
            }
            let (mut place, verdict) = self.judge(id, entry, base);
            if matches!(base, Base::Order(_)) && place.group == READY {
                (place.rank, place.spent, place.time) = (0, 0, 0.0);
            }
            places.push((place, judged.len()));
            judged.push(verdict);
            ControlFlow::Continue(())
        });
        places.sort_unstable_by(|(a, first), (b, second)| a.cmp(b).then(first.cmp(second)));
        let name = |index: usize| judged.get(index).map_or("", |judged| judged.id.as_str());
        if let Some(session) = self.query.session.as_deref().filter(|_| !matches!(base, Base::Order(_))) {
            move_session_first(&mut places, session, name);
        }
        let eligible = places.iter().take_while(|(place, _)| place.group != UNFIT).count();
        if let Some(preferred) = &self.query.preferred {
            let found = places.iter().take(eligible).position(|(_, index)| name(*index) == preferred.as_str());
            if let Some(part) = found.and_then(|position| places.get_mut(..=position)) {
                part.rotate_right(1);
            }
        }
        let ordered = places.iter().filter_map(|(_, index)| judged.get(*index));
        let mut list: Vec<Candidate<'a>> = ordered.map(Judged::candidate).collect();
        let diagnostics = repaired.and_then(|base| self.report_repair(base, &mut list));
        self.add_outsiders(&mut list, base);
        Candidates { list, eligible, diagnostics: diagnostics.into_iter().collect() }
    }
}

impl<'a> Judged<'a> {
    pub(super) fn candidate(&self) -> Candidate<'a> {
        Candidate { id: Cow::Borrowed(self.id), kind: self.kind, verdict: self.verdict, retry_at: self.retry_at }
    }
}

/// Moves one ready profile to the front: among those with the best rank and the most headroom, the one that suits the
/// session best.
fn move_session_first<'n>(places: &mut [(Place, usize)], session: &str, name: impl Fn(usize) -> &'n str) {
    let Some(first) = places.first().map(|(place, _)| *place).filter(|place| place.group == READY) else { return };
    let is_alike = |place: &Place| (place.group, place.rank, place.spent) == (READY, first.rank, first.spent);
    let tier = places.iter().take_while(|(place, _)| is_alike(place));
    let weights = tier.map(|(_, index)| (session::weight(session, name(*index)), *index)).enumerate();
    // Equal weights go to the first in the document, regardless of last use.
    let heaviest = weights.reduce(|best, next| {
        let better = (next.1.0, std::cmp::Reverse(next.1.1)) > (best.1.0, std::cmp::Reverse(best.1.1));
        if better { next } else { best }
    });
    if let Some(part) = heaviest.and_then(|(position, _)| places.get_mut(..=position)) {
        part.rotate_right(1);
    }
}

/// Returns the array index that JavaScript reads a property name as: those are enumerated first, ascending.
fn array_index(name: &str) -> Option<u32> {
    let index: u32 = name.parse().ok().filter(|index| *index != u32::MAX)?;
    let canonical = name == "0" || !name.starts_with(['0', '+']);
    canonical.then_some(index)
}
