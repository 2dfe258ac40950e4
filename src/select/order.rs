//! The order in which a provider's profiles are used.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::HashSet;

use indexmap::IndexMap;

use super::candidate::{Candidate, Candidates};
use super::query::Query;
use super::rules::SelectorRules;
use super::session;
use super::verdict::{Verdict, as_millis};
use crate::clock::Timestamp;
use crate::diagnostic::{Diagnostic, DiagnosticCode, Severity};
use crate::error::Location;
use crate::id::{ProfileId, ProviderId};
use crate::profile::{AuthProfiles, CredentialKind, Expiry, Profile};

/// What the configuration says of one profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ConfiguredProfile {
    pub(super) provider: ProviderId,
    /// The kind it must have; `None` for a mode no stored credential has.
    pub(super) mode: Option<CredentialKind>,
}

/// The part of the configuration that orders profiles.
#[derive(Clone, Debug, Default)]
pub(super) struct Settings {
    pub(super) profiles: IndexMap<ProfileId, ConfiguredProfile>,
    pub(super) order: Vec<(ProviderId, Vec<ProfileId>)>,
}

/// Where a list of profiles to choose from came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Base {
    Order,
    Configured,
    Stored,
    Locked,
}

/// One selection under way: everything the rules look at.
pub(super) struct Selecting<'a> {
    pub(super) rules: &'a SelectorRules,
    pub(super) settings: &'a Settings,
    pub(super) profiles: &'a AuthProfiles,
    pub(super) query: &'a Query<'a>,
    pub(super) now: Timestamp,
}

/// Where a candidate stands: ready ones by rank and last use, then resting ones by the end of their rest.
#[derive(Clone, Copy, PartialEq)]
struct Place {
    group: u8,
    rank: u8,
    time: f64,
}

const READY: u8 = 0;
const RESTING: u8 = 1;
const UNFIT: u8 = 2;

impl Place {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_time = || self.time.partial_cmp(&other.time).unwrap_or(Ordering::Equal);
        (self.group, self.rank).cmp(&(other.group, other.rank)).then_with(by_time)
    }
}

impl<'a> Selecting<'a> {
    /// The list to choose from, and where it came from.
    fn base(&self) -> (Vec<&'a ProfileId>, Base) {
        let provider = self.query.provider;
        if let Some(locked) = self.query.locked {
            return (vec![locked], Base::Locked);
        }
        let configured = || self.settings.order.iter().find(|(name, _)| name == provider).map(|(_, ids)| &**ids);
        if let Some(order) = self.profiles.order(provider).or_else(configured) {
            let mut seen = HashSet::with_capacity(order.len());
            return (order.iter().filter(|id| seen.insert(id.as_str())).collect(), Base::Order);
        }
        let listed = self.settings.profiles.iter().filter(|(_, entry)| entry.provider == *provider);
        let listed: Vec<_> = listed.map(|(id, _)| id).collect();
        if listed.is_empty() { (self.stored(), Base::Stored) } else { (self.enumerated(listed), Base::Configured) }
    }

    fn stored(&self) -> Vec<&'a ProfileId> {
        let own = self.profiles.iter().filter(|(_, profile)| profile.provider() == self.query.provider);
        self.enumerated(own.map(|(id, _)| id).collect())
    }

    /// Names in the order in which a map of them is enumerated: file order, or JavaScript's.
    fn enumerated(&self, mut ids: Vec<&'a ProfileId>) -> Vec<&'a ProfileId> {
        if self.rules.integer_names_first {
            // A stable sort: names that are not array indices stay in file order, after those that are.
            ids.sort_by_key(|id| array_index(id.as_str()).map_or((1, 0), |index| (0, index)));
        }
        ids
    }

    /// Whether nothing in the list exists, so that the stored profiles serve instead.
    fn needs_repair(&self, ids: &[&'a ProfileId], base: Base) -> bool {
        let repairable = matches!(base, Base::Order | Base::Configured) && self.rules.repair_order;
        repairable && !ids.is_empty() && ids.iter().all(|id| self.profiles.get(id.as_str()).is_none())
    }

    fn judge(&self, id: &ProfileId, locked: bool) -> (Option<CredentialKind>, Verdict, Place) {
        let unfit = |kind, verdict| (kind, verdict, Place { group: UNFIT, rank: 0, time: 0.0 });
        let Some(profile) = self.profiles.get(id.as_str()) else { return unfit(None, Verdict::Missing) };
        let kind = profile.kind();
        if profile.provider() != self.query.provider {
            return unfit(kind, Verdict::WrongProvider);
        }
        if let Some(entry) = self.settings.profiles.get(id) {
            if entry.provider != *self.query.provider {
                return unfit(kind, Verdict::WrongProvider);
            }
            if !locked && !self.accepts(entry, profile) {
                return unfit(kind, Verdict::WrongMode);
            }
        }
        let now = as_millis(self.now);
        let resolves = |profile: &Profile| self.resolve(profile).is_some();
        let fitness = self.rules.fitness(profile, now, resolves);
        if !fitness.is_ready() {
            return unfit(kind, fitness);
        }
        let usage = self.profiles.usage(id.as_str());
        if let Some((until, verdict)) = self.rules.resting(usage, self.query.model, now) {
            return (kind, verdict, Place { group: RESTING, rank: 0, time: until });
        }
        let last_used = usage.and_then(|usage| usage.last_used).unwrap_or(0.0);
        (kind, Verdict::Ready, Place { group: READY, rank: self.rank(profile), time: last_used })
    }

    /// The secret a profile's reference leads to.
    pub(super) fn resolve(&self, profile: &Profile) -> Option<crate::secret::Secret> {
        let secret = (self.query.resolver?)(profile.secret_ref()?)?;
        secret.is_header_safe().then_some(secret)
    }

    fn accepts(&self, entry: &ConfiguredProfile, profile: &Profile) -> bool {
        let matches = |kind: Option<CredentialKind>| {
            let Some(kind) = kind else { return false };
            // A configured login accepts a static token, because a setup-token is one; not the other way round.
            entry.mode == Some(kind) || (entry.mode == Some(CredentialKind::OAuth) && kind == CredentialKind::Token)
        };
        matches(profile.stored_kind()) || (self.rules.inspect_secret && matches(profile.kind()))
    }

    fn rank(&self, profile: &Profile) -> u8 {
        let kind = if self.rules.inspect_secret { profile.kind() } else { profile.stored_kind() };
        match kind {
            Some(CredentialKind::OAuth) => {
                let must_refresh = match profile.expiry() {
                    Expiry::At(at) => as_millis(self.now) >= at,
                    _ => profile.credential().is_some_and(|credential| credential.secret().is_empty()),
                };
                u8::from(self.rules.live_first && must_refresh)
            }
            Some(CredentialKind::Token) => 2,
            _ => 3,
        }
    }

    /// Every profile of the provider with its verdict, in order.
    pub(super) fn candidates(&self) -> Candidates<'a> {
        let (mut ids, mut base) = self.base();
        let mut diagnostics = Vec::new();
        let mut leftover: Vec<&ProfileId> = Vec::new();
        if self.needs_repair(&ids, base) {
            leftover = ids;
            ids = self.stored();
            base = Base::Stored;
            let message = "none of the profiles named for this provider exists; the stored ones are used instead";
            let location = Location::default().with_key_path(format!("order.{}", self.query.provider));
            let diagnostic = Diagnostic::new(Severity::Warning, DiagnosticCode::RepairedOrder, location, message);
            diagnostics.push(diagnostic.with_help("correct the order, or remove it"));
        }
        let ordered = base == Base::Order;
        let mut ranked: Vec<(Place, Candidate<'a>)> = Vec::with_capacity(ids.len());
        for id in &ids {
            let (kind, verdict, mut place) = self.judge(id, base == Base::Locked);
            if ordered && place.group == READY {
                (place.rank, place.time) = (0, 0.0);
            }
            ranked.push((place, Candidate { id: Cow::Borrowed(*id), kind, verdict }));
        }
        ranked.sort_by(|(a, _), (b, _)| a.cmp(b));
        if let Some(session) = self.query.session.filter(|_| !ordered) {
            move_session_first(&mut ranked, session);
        }
        let eligible = ranked.iter().take_while(|(place, _)| place.group != UNFIT).count();
        if let Some(preferred) = self.query.preferred {
            let found = ranked.iter().take(eligible).position(|(_, candidate)| *candidate.id == *preferred);
            if let Some(part) = found.and_then(|index| ranked.get_mut(..=index)) {
                part.rotate_right(1);
            }
        }
        let mut list: Vec<Candidate<'a>> = ranked.into_iter().map(|(_, candidate)| candidate).collect();
        list.extend(leftover.into_iter().map(|id| {
            let verdict = self.judge(id, false).1;
            Candidate { id: Cow::Borrowed(id), kind: None, verdict }
        }));
        if base != Base::Stored {
            self.add_outsiders(&mut list, base);
        }
        Candidates { list, eligible, diagnostics }
    }

    /// The provider's stored profiles that the list in force leaves out.
    fn add_outsiders(&self, list: &mut Vec<Candidate<'a>>, base: Base) {
        let verdict = match base {
            Base::Locked => Verdict::NotWanted,
            Base::Configured => Verdict::NotConfigured,
            _ => Verdict::NotInOrder,
        };
        let known: HashSet<ProfileId> = list.iter().map(|candidate| candidate.id.clone().into_owned()).collect();
        let outsiders = self.stored().into_iter().filter(|id| !known.contains(*id));
        list.extend(outsiders.map(|id| {
            let kind = self.profiles.get(id.as_str()).and_then(Profile::kind);
            Candidate { id: Cow::Borrowed(id), kind, verdict }
        }));
    }

    /// The first ready profile, without looking at why the others are not: one pass, nothing sorted or kept.
    pub(super) fn pick(&self) -> Option<&'a ProfileId> {
        let (mut ids, mut base) = self.base();
        if self.needs_repair(&ids, base) {
            ids = self.stored();
            base = Base::Stored;
        }
        let ready = |id: &&'a ProfileId| {
            let (_, _, place) = self.judge(id, base == Base::Locked);
            (place.group == READY).then_some(place)
        };
        if let Some(preferred) = self.query.preferred
            && let Some(id) = ids.iter().find(|id| **id == preferred)
            && ready(id).is_some()
        {
            return Some(id);
        }
        if base == Base::Order {
            return ids.into_iter().find(|id| ready(id).is_some());
        }
        let mut best: Option<(&'a ProfileId, Place, u64)> = None;
        for id in ids {
            let Some(mut place) = ready(&id) else { continue };
            let weight = self.query.session.map_or(0, |session| session::weight(session, id.as_str()));
            if self.query.session.is_some() {
                place.time = 0.0;
            }
            let better = best.as_ref().is_none_or(|(_, other, heaviest)| match place.cmp(other) {
                Ordering::Less => true,
                Ordering::Equal => weight > *heaviest,
                Ordering::Greater => false,
            });
            if better {
                best = Some((id, place, weight));
            }
        }
        best.map(|(id, _, _)| id)
    }
}

/// Moves the ready profile of the best rank that suits the session best to the front.
fn move_session_first(ranked: &mut [(Place, Candidate<'_>)], session: &str) {
    let Some(rank) = ranked.first().filter(|(place, _)| place.group == READY).map(|(place, _)| place.rank) else {
        return;
    };
    let tier = ranked.iter().take_while(|(place, _)| place.group == READY && place.rank == rank);
    let weights = tier.map(|(_, candidate)| session::weight(session, candidate.id.as_str())).enumerate();
    let heaviest = weights.reduce(|best, next| if next.1 > best.1 { next } else { best });
    if let Some(part) = heaviest.and_then(|(index, _)| ranked.get_mut(..=index)) {
        part.rotate_right(1);
    }
}

/// The number JavaScript takes a property name for, if it is an array index: those are enumerated first, ascending.
fn array_index(name: &str) -> Option<u32> {
    let index: u32 = name.parse().ok().filter(|index| *index != u32::MAX)?;
    let canonical = name == "0" || !name.starts_with(['0', '+']);
    canonical.then_some(index)
}
