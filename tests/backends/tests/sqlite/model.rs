//! Long sequences of changes by several agents, compared with a naive model of what each agent sees.

use std::collections::BTreeMap;

use provider_auth::{AuthProfileStore, AuthProfileStoreExt, ErrorKind, ProfileId, ProviderId};

use crate::layout::{State, agent_database};
use crate::writing::{id, put};

/// Keys by profile, in one database.
type Keys = BTreeMap<String, String>;

/// What the databases hold: the shared one, and those that agents have of their own.
#[derive(Default)]
struct Model {
    shared: Keys,
    own: BTreeMap<&'static str, Keys>,
    shared_order: Vec<String>,
    own_order: BTreeMap<&'static str, Vec<String>>,
}

impl Model {
    fn seen(&self, agent: &str) -> Keys {
        let mut keys = self.shared.clone();
        keys.extend(self.own.get(agent).cloned().unwrap_or_default());
        keys
    }

    fn order(&self, agent: &str) -> Vec<String> {
        let own = self.own_order.get(agent).filter(|order| !order.is_empty());
        own.unwrap_or(&self.shared_order).clone()
    }

    /// The table of the design, one row after the other; `None` where the change is refused.
    fn put(&mut self, agent: &'static str, name: &str, key: &str) -> Option<()> {
        let is_own = self.own.get(agent).is_some_and(|own| own.contains_key(name));
        let target = match agent {
            "main" if !is_own => &mut self.shared,
            _ => self.own.get_mut(agent)?,
        };
        target.insert(name.to_owned(), key.to_owned());
        Some(())
    }

    fn remove(&mut self, agent: &'static str, name: &str) -> Option<()> {
        let gone = |order: &mut Vec<String>| order.retain(|other| other != name);
        if self.own.get_mut(agent).is_some_and(|own| own.remove(name).is_some()) {
            self.own_order.entry(agent).and_modify(gone);
            return Some(());
        }
        if agent != "main" {
            return None;
        }
        self.shared.remove(name)?;
        // What an agent's own order says of it stays: one removal, one database.
        if self.own_order.get(agent).is_none_or(Vec::is_empty) {
            gone(&mut self.shared_order);
        }
        Some(())
    }

    fn set_order(&mut self, agent: &'static str, order: Vec<String>) {
        if order == self.order(agent) {
            // What an agent sees already is not written again.
            return;
        }
        if self.own.contains_key(agent) {
            self.own_order.insert(agent, order);
        } else {
            self.shared_order = order;
        }
    }
}

/// Numbers that look random and are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

const AGENTS: [&str; 3] = ["main", "work", "other"];
const NAMES: [&str; 4] = ["anthropic:a", "anthropic:b", "anthropic:c", "anthropic:d"];

/// The databases whose rows have changed.
fn rows(state: &State) -> [Vec<(String, String, i64)>; 3] {
    ["state/openclaw.sqlite".to_owned(), agent_database("main"), agent_database("work")].map(|path| state.rows(&path))
}

#[test]
fn every_agent_sees_what_a_naive_model_says_and_each_change_is_in_one_database() {
    let empty = r#"{"version":1,"profiles":{}}"#;
    for (seed, owners) in [(1, &[][..]), (2, &["work"][..]), (3, &["main"][..]), (4, &["main", "work"][..])] {
        let mut state = State::with_shared(empty);
        let mut model = Model::default();
        for agent in owners {
            state = state.agent(agent, Some(empty), None);
            model.own.insert(agent, Keys::new());
        }
        let stores = AGENTS.map(|agent| state.store(agent));
        let (mut numbers, anthropic) = (Numbers(seed), ProviderId::anthropic());
        for step in 0..120 {
            let turn = usize::try_from(numbers.below(3)).unwrap();
            let (agent, store) = (AGENTS[turn], &stores[turn]);
            let name = NAMES[usize::try_from(numbers.below(4)).unwrap()];
            let before = rows(&state);
            let context = format!("seed {seed}, step {step}: {agent} and {name}");
            match numbers.below(5) {
                0 | 1 => {
                    let key = format!("sk-ant-{step}");
                    assert_eq!(put(store, name, &key).is_ok(), model.put(agent, name, &key).is_some(), "{context}");
                }
                2 => {
                    let removed = store.remove(&id(name));
                    let known = model.seen(agent).contains_key(name);
                    let expected = model.remove(agent, name);
                    if let Err(error) = &removed {
                        let kind = if known { ErrorKind::InheritedProfile } else { ErrorKind::UnknownProfile };
                        assert_eq!(error.kind(), kind, "{context}");
                    }
                    assert_eq!(removed.is_ok(), expected.is_some(), "{context}");
                }
                3 => {
                    let seen: Vec<String> = model.seen(agent).into_keys().collect();
                    if let Some(first) = seen.first() {
                        let order = [first, seen.last().unwrap()].map(|name| id(name));
                        let set = store.set_order(&anthropic, &order).unwrap();
                        model.set_order(agent, set.iter().map(ToString::to_string).collect());
                    }
                }
                _ => {
                    store.clear_order(&anthropic).unwrap();
                    model.set_order(agent, Vec::new());
                }
            }
            let changed = before.iter().zip(rows(&state)).filter(|(old, new)| *old != new).count();
            assert!(changed <= 1, "{context}: {changed} databases");
            for (agent, store) in AGENTS.iter().zip(&stores) {
                let profiles = store.load().unwrap();
                let seen: Keys = profiles
                    .iter()
                    .map(|(id, profile)| (id.to_string(), profile.credential().unwrap().secret().expose().to_owned()))
                    .collect();
                assert_eq!(seen, model.seen(agent), "{context}, seen by {agent}");
                let order = profiles.order(&anthropic).unwrap_or_default();
                let order: Vec<_> = order.iter().map(ProfileId::to_string).collect();
                assert_eq!(order, model.order(agent), "{context}, {agent}");
            }
        }
    }
}
