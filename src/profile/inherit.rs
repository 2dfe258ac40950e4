//! An agent's document over the one it inherits from: merged for reading, and separated again for writing.

use std::hash::Hash;

use indexmap::IndexMap;

use super::document::{AuthProfiles, DirtyState, Links};
use super::entry::Profile;
use super::raw::RawObject;
use crate::credential::CredentialKind;
use crate::error::{Error, ErrorKind, Result, Shown};
use crate::id::ProfileId;

/// What an agent may change in the document that it inherits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Inheritance {
    /// `true` if new credentials belong to the inherited document, because it is also this agent's.
    pub(crate) is_owner: bool,
    /// The owner of the document, in words for the user.
    pub(crate) owner: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Own,
    Inherited,
}

impl AuthProfiles {
    /// Merges this agent's document with the one it inherits from: its own profiles first, then those of the other
    /// under other ids, and the state entry by entry.
    pub(crate) fn over(&self, inherited: &Self) -> Self {
        let mut whole = self.clone();
        whole.text = None;
        whole.version = self.version.max(inherited.version);
        whole.diagnostics.extend(inherited.diagnostics.iter().cloned());
        add_missing(&mut whole.members, &inherited.members);
        add_missing(whole.profiles_mut(), &inherited.profiles);
        whole.order = self.order.over(&inherited.order).0;
        whole.last_good = self.last_good.over(&inherited.last_good).0;
        whole.usage = self.usage.over(&inherited.usage).0;
        whole.links = Links::default();
        whole
    }
}

fn add_missing<K: Hash + Eq + Clone, V: Clone>(above: &mut IndexMap<K, V>, below: &IndexMap<K, V>) {
    for (key, value) in below {
        if !above.contains_key(key) {
            above.insert(key.clone(), value.clone());
        }
    }
}

/// Separates a changed document into the agent's own document, if there is one, and the inherited one, each with the
/// changes that belong to it. `before` is the result of [`AuthProfiles::over`].
///
/// - A credential is changed where it is. A new one goes to the inherited document if that is also the agent's,
///   otherwise to its own; so does a replacement under an inherited id. Only refreshed tokens always go to the owner,
///   because a refresh token works only once.
/// - Statistics go to the document with the profile, and an entry that would hide them is removed.
/// - An order goes to the agent's own document if there is one, and is cleared there; an inherited one then stays.
/// - Removing a profile also removes its entries in the same document. An order elsewhere keeps its id, which selects
///   nothing, so that one removal changes one document.
///
/// # Errors
///
/// `InheritedProfile` if a removed profile is not this agent's; `NoDatabase` if a change belongs to the agent's own
/// document and there is none; `Corrupt` if a section that must change is not an object.
pub(crate) fn separate(
    draft: &AuthProfiles,
    before: &AuthProfiles,
    own: Option<&AuthProfiles>,
    inherited: &AuthProfiles,
    rules: Inheritance,
) -> Result<(Option<AuthProfiles>, AuthProfiles)> {
    let mut parts = Parts { own: own.cloned(), inherited: inherited.clone(), rules };
    parts.members(draft, before);
    let removed = parts.profiles(draft, before)?;
    parts.usage(draft, before, &removed)?;
    parts.order(draft, before, &removed)?;
    parts.last_good(draft, before, &removed)?;
    Ok((parts.own, parts.inherited))
}

/// The ids of removed profiles, with the document each was removed from.
type Removed = IndexMap<ProfileId, Side>;

struct Parts {
    own: Option<AuthProfiles>,
    inherited: AuthProfiles,
    rules: Inheritance,
}

impl Parts {
    fn side(&mut self, side: Side) -> Result<&mut AuthProfiles> {
        match side {
            Side::Inherited => Ok(&mut self.inherited),
            Side::Own => self.own.as_mut().ok_or_else(|| {
                Error::new(ErrorKind::NoDatabase, "the agent has no database of its own for its credentials")
            }),
        }
    }

    fn home(&self) -> Side {
        if self.rules.is_owner { Side::Inherited } else { Side::Own }
    }

    fn state_home(&self) -> Side {
        if self.own.is_some() { Side::Own } else { Side::Inherited }
    }

    fn own_has(&self, has: impl Fn(&AuthProfiles) -> bool) -> bool {
        self.own.as_ref().is_some_and(has)
    }

    /// Returns the side that has something; the agent's own hides the other.
    fn standing(&self, has: impl Fn(&AuthProfiles) -> bool) -> Option<Side> {
        if self.own_has(&has) {
            return Some(Side::Own);
        }
        has(&self.inherited).then_some(Side::Inherited)
    }

    /// Takes over unknown members and the version.
    fn members(&mut self, draft: &AuthProfiles, before: &AuthProfiles) {
        let home = self.home();
        let Ok(target) = self.side(home) else { return };
        for (name, text) in &draft.members {
            if before.members.get(name) != Some(text) {
                target.members.insert(name.clone(), text.clone());
                target.touched(DirtyState::Credentials);
            }
        }
        if draft.version.to_bits() != before.version.to_bits() {
            target.version = draft.version;
        }
    }

    fn profiles(&mut self, draft: &AuthProfiles, before: &AuthProfiles) -> Result<Removed> {
        for (id, profile) in draft.profiles.iter() {
            let old = before.profiles.get(id);
            if old.is_some_and(|old| old.text() == profile.text()) {
                continue;
            }
            let side = match self.standing(|part| part.profiles.contains_key(id)) {
                Some(Side::Inherited)
                    if !self.rules.is_owner && !old.is_some_and(|old| is_same_login(old, profile)) =>
                {
                    Side::Own
                }
                Some(side) => side,
                None => self.home(),
            };
            let target = self.side(side)?;
            target.profiles_mut().insert(id.clone(), profile.clone());
            target.touched(DirtyState::Credentials);
        }
        let mut removed = Removed::new();
        for id in before.profiles.keys().filter(|id| !draft.profiles.contains_key(*id)) {
            let side = self.standing(|part| part.profiles.contains_key(id)).unwrap_or_else(|| self.home());
            if side == Side::Inherited && !self.rules.is_owner {
                let message =
                    format!("the profile {:?} is inherited from {}", Shown::new(id.as_str()), self.rules.owner);
                return Err(Error::new(ErrorKind::InheritedProfile, message));
            }
            let target = self.side(side)?;
            target.profiles_mut().shift_remove(id);
            target.touched(DirtyState::Credentials);
            removed.insert(id.clone(), side);
        }
        Ok(removed)
    }

    fn usage(&mut self, draft: &AuthProfiles, before: &AuthProfiles, removed: &Removed) -> Result<()> {
        for (id, (usage, text)) in draft.usage.changed_since(&before.usage) {
            let holder = self.standing(|part| part.profiles.contains_key(id));
            let standing = || self.standing(|part| part.usage.get(id.as_str()).is_some());
            let side = holder.or_else(standing).unwrap_or_else(|| self.state_home());
            self.side(side)?.put(|part| part.usage.set(id.clone(), usage.clone(), text.clone()))?;
            if side == Side::Inherited && self.own_has(|own| own.usage.get(id.as_str()).is_some()) {
                self.side(Side::Own)?.put(|own| own.usage.remove(id.as_str()))?;
            }
        }
        for id in before.usage.missing_in(&draft.usage) {
            let standing = self.standing(|part| part.usage.get(id.as_str()).is_some());
            let Some(side) = standing.filter(|side| removed.get(id).is_none_or(|from| from == side)) else { continue };
            self.side(side)?.put(|part| part.usage.remove(id.as_str()))?;
        }
        Ok(())
    }

    fn order(&mut self, draft: &AuthProfiles, before: &AuthProfiles, removed: &Removed) -> Result<()> {
        for (name, (list, text)) in draft.order.changed_since(&before.order) {
            let standing = self.standing(|part| part.order.get(name.as_str()).is_some());
            let (old, new) = (before.order.get(name.as_str()), Some(list));
            let side = match taken_from(old, new.map(|list| &**list), removed) {
                None => self.state_home(),
                Some(from) if standing == Some(from) => from,
                Some(_) => continue,
            };
            self.side(side)?.put(|part| part.order.set(name.clone(), list.clone(), text.clone()))?;
        }
        for name in before.order.missing_in(&draft.order) {
            let standing = self.standing(|part| part.order.get(name.as_str()).is_some());
            let from = taken_from(before.order.get(name.as_str()), None, removed);
            // An inherited order applies to all agents, so an agent with its own document does not clear it.
            let side = from.unwrap_or_else(|| self.state_home());
            if standing == Some(side) {
                self.side(side)?.put(|part| part.order.remove(name.as_str()))?;
            }
        }
        Ok(())
    }

    /// It is for display only, so a hidden entry stays hidden.
    fn last_good(&mut self, draft: &AuthProfiles, before: &AuthProfiles, removed: &Removed) -> Result<()> {
        for (name, (id, text)) in draft.last_good.changed_since(&before.last_good) {
            let holder = (**id).as_ref().and_then(|id| self.standing(|part| part.profiles.contains_key(id)));
            let side = holder.unwrap_or_else(|| self.state_home());
            self.side(side)?.put(|part| part.last_good.set(name.clone(), id.clone(), text.clone()))?;
        }
        for name in before.last_good.missing_in(&draft.last_good) {
            let id = before.last_good.get(name.as_str()).and_then(Option::as_ref);
            let from = id.and_then(|id| removed.get(id));
            let standing = self.standing(|part| part.last_good.get(name.as_str()).is_some());
            let Some(side) = standing.filter(|side| from.is_none_or(|from| from == side)) else { continue };
            self.side(side)?.put(|part| part.last_good.remove(name.as_str()))?;
        }
        Ok(())
    }
}

impl AuthProfiles {
    fn put(&mut self, change: impl FnOnce(&mut Self) -> Result<bool>) -> Result<()> {
        if change(self)? {
            self.touched(DirtyState::State);
        }
        Ok(())
    }
}

/// Returns `true` if two profiles are the same OAuth credential except for its tokens.
fn is_same_login(old: &Profile, new: &Profile) -> bool {
    const TOKENS: [&str; 4] = ["access", "refresh", "expires", "idToken"];
    let login = |profile: &Profile| profile.stored_kind() == Some(CredentialKind::OAuth);
    let (Some(one), Some(two)) = (RawObject::parse(old.text()), RawObject::parse(new.text())) else { return false };
    let rest = |object: &RawObject<'_>| {
        let members = object.iter().filter(|(name, _)| !TOKENS.contains(name));
        members.map(|(name, value)| (name.to_owned(), value.get().to_owned())).collect::<Vec<_>>()
    };
    login(old) && login(new) && rest(&one) == rest(&two)
}

/// Returns the side of removed profiles if an order changed only by their removal.
fn taken_from(
    old: Option<&Option<Vec<ProfileId>>>,
    new: Option<&Option<Vec<ProfileId>>>,
    removed: &Removed,
) -> Option<Side> {
    let old = old?.as_ref()?;
    let new = new.and_then(Option::as_ref).map_or(&[][..], Vec::as_slice);
    let left = old.iter().filter(|id| !removed.contains_key(*id));
    let (_, side) = removed.iter().find(|(id, _)| old.contains(id))?;
    left.eq(new).then_some(*side)
}
