//! Copying credentials from one agent to another.

use super::{AuthProfileStore, AuthProfileStoreExt};
use crate::credential::CredentialKind;
use crate::error::Result;
use crate::id::ProfileId;
use crate::profile::Profile;

/// The credentials that [`copy_profiles`] copies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum CopyScope {
    /// API keys and tokens, except of profiles with `"copyToAgents": false`, and OAuth credentials of profiles with
    /// `"copyToAgents": true`.
    #[default]
    Static,
    /// OAuth credentials too. Most refresh tokens work only once: after one agent has refreshed, the copy of the other
    /// no longer works.
    WithLogins,
    /// All of an agent, which moves to another store or back: every profile, also those of unknown kinds, with order,
    /// statistics and last good profiles. They replace what the other store has of the same profiles and providers; the
    /// rest of it stays. Stop the programs that use the old store first.
    Everything,
}

/// Copies profiles from one store to another, and returns the ids of the copied ones.
///
/// File stores never inherit from each other, so this is the way to share profiles among agents; in OpenClaw's databases
/// an agent sees the shared profiles without a copy. Profiles whose id the other store already has are skipped, and so
/// are credentials of an unknown kind. Order and statistics are not copied. [`CopyScope::Everything`] is for one agent
/// that moves from one kind of store to another, and copies and replaces all of these. OpenClaw's personal accounts, and
/// OAuth credentials that OpenClaw is refreshing at the moment, are never copied.
///
/// # Errors
///
/// Those of [`load`](AuthProfileStore::load) on `from` and of [`update`](AuthProfileStore::update) on `to`.
///
/// # Examples
///
/// ```
/// use provider_auth::{AuthProfileStoreExt, Credential, MemoryStore, ProfileId, ProviderId, Secret};
/// use provider_auth::store::CopyScope;
/// use provider_auth::store::copy_profiles;
///
/// let (main, helper) = (MemoryStore::default(), MemoryStore::default());
/// let id = ProfileId::new("anthropic:default")?;
/// main.upsert(&id, &ProviderId::anthropic(), &Credential::api_key(Secret::new("sk-ant-example")), None)?;
/// assert_eq!(copy_profiles(&main, &helper, CopyScope::Static)?, [id]);
/// # Ok::<(), provider_auth::Error>(())
/// ```
pub fn copy_profiles(
    from: &(impl AuthProfileStore + ?Sized),
    to: &(impl AuthProfileStore + ?Sized),
    scope: CopyScope,
) -> Result<Vec<ProfileId>> {
    let source = from.load()?;
    if scope == CopyScope::Everything {
        return to.transact(|profiles| profiles.take_over(&source));
    }
    let wanted: Vec<_> = source.iter().filter(|(_, profile)| is_wanted(profile, scope)).collect();
    to.transact(|profiles| {
        let mut copied = Vec::new();
        for (id, profile) in &wanted {
            if profiles.adopt(id, profile) {
                copied.push((*id).clone());
            }
        }
        Ok(copied)
    })
}

fn is_wanted(profile: &Profile, scope: CopyScope) -> bool {
    match (profile.stored_kind(), profile.copy_to_agents()) {
        _ if profile.kind().is_none() => false,
        (Some(CredentialKind::OAuth), consent) => scope == CopyScope::WithLogins || consent == Some(true),
        (_, consent) => consent != Some(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::AuthProfiles;
    use crate::store::MemoryStore;

    const SOURCE: &str = r#"{"profiles": {
        "x:key": {"type": "api_key", "provider": "x", "key": "k", "metadata": {"team": 1.50}},
        "x:own": {"type": "api_key", "provider": "x", "key": "k", "copyToAgents": false},
        "x:token": {"type": "token", "provider": "x", "token": "t"},
        "x:ref": {"type": "api_key", "provider": "x", "keyRef": {"source": "env", "provider": "p", "id": "i"}},
        "x:login": {"type": "oauth", "provider": "x", "access": "a", "refresh": "r"},
        "x:shared": {"type": "oauth", "provider": "x", "access": "a", "refresh": "r", "copyToAgents": true},
        "x:odd": {"type": "riddle", "provider": "x"}
    }, "order": {"x": ["x:key"]}, "usageStats": {"x:key": {"lastUsed": 5}}}"#;

    #[test]
    fn logins_come_along_only_on_request_and_nothing_is_replaced() {
        let copied = |scope| {
            let from = MemoryStore::new(AuthProfiles::from_json(SOURCE).unwrap());
            let to = AuthProfiles::from_json(
                r#"{"profiles": {"x:token": {"type": "token", "provider": "x", "token": "mine"}}}"#,
            );
            let to = MemoryStore::new(to.unwrap());
            let copied = copy_profiles(&from, &to, scope).unwrap();
            let text = to.load().unwrap().to_json();
            assert!(text.expose().contains(r#""mine""#) && text.expose().contains(r#""metadata": {"team": 1.50}"#));
            assert!(!text.expose().contains("lastUsed") && !text.expose().contains("order"));
            copied.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(copied(CopyScope::Static), ["x:key", "x:ref", "x:shared"]);
        assert_eq!(copied(CopyScope::WithLogins), ["x:key", "x:ref", "x:login", "x:shared"]);
    }

    #[test]
    fn an_agent_moves_with_all_it_has_and_what_else_is_there_stays() {
        let from = MemoryStore::new(AuthProfiles::from_json(SOURCE).unwrap());
        let to = AuthProfiles::from_json(
            r#"{"profiles": {"x:token": {"type": "token", "provider": "x", "token": "old"},
                             "y:own": {"type": "token", "provider": "y", "token": "own"},
                             "personal:p": {"type": "token", "provider": "x", "token": "personal"}},
                "order": {"x": ["x:token"], "y": ["y:own"]}, "usageStats": {"x:key": {"lastUsed": 1}, "y:own": {"lastUsed": 2}}}"#,
        );
        let to = MemoryStore::new(to.unwrap());
        assert_eq!(copy_profiles(&from, &to, CopyScope::Everything).unwrap().len(), 7);
        let moved = to.load().unwrap();
        let text = moved.to_json();
        for kept in [r#""own""#, r#""personal""#, r#""riddle""#, r#""metadata": {"team": 1.50}"#] {
            assert!(text.expose().contains(kept), "{kept}");
        }
        assert!(!text.expose().contains(r#""old""#));
        let order = |provider: &str| {
            moved.order(&provider.parse().unwrap()).map(|ids| ids.iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        assert_eq!((order("x"), order("y")), (Some(vec!["x:key".to_owned()]), Some(vec!["y:own".to_owned()])));
        let used = |id: &str| {
            moved.usage(id).and_then(crate::profile::UsageStats::last_used).map(crate::clock::Timestamp::as_millis)
        };
        assert_eq!((used("x:key"), used("y:own")), (Some(5), Some(2)));
    }
}
