//! Agents, the policies that choose their keys, and the results, in simulated time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use provider_auth::headroom::{HeadroomTracker, TokenEstimate};
use provider_auth::rotation::{Attempt, Outcome, Rotation, Step};
use provider_auth::select::SelectorRules;
use provider_auth::{AuthProfiles, FailureClassifier, ModelRef, ProfileSelector, ProviderId, Query, Timestamp};
use serde_json::json;

use super::loads::{Load, Told};
use super::server::Key;

/// Who chooses the key.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Policy {
    /// The first key that does not rest.
    First,
    /// One after the other.
    RoundRobin,
    /// The one that was used least recently and does not rest.
    LeastRecent,
    /// As before, and each session on one key.
    Sticky,
    /// With what is left.
    Headroom,
    /// Knows what is left of each key. Waits so many milliseconds for the key of a session before it moves it.
    Knowing(i64),
}

/// What came of a run.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Measured {
    pub(super) requests: u32,
    pub(super) refused: u32,
    /// Tokens that were not in the cache because the session moved.
    pub(super) missed: f64,
    /// Tokens of turns that were completed.
    pub(super) work: f64,
}

/// The moment at which a simulation begins.
pub(super) const BEGIN: i64 = 1_790_000_000_000;
/// How long until the head of an answer is in, until a refusal is, and how long a token of an answer takes, in milliseconds.
const HEAD: i64 = 800;
const REFUSAL: i64 = 150;
const TOKEN: f64 = 12.0;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// An agent begins a turn.
    Turn,
    /// A call goes on: after a pause, or a refusal.
    Go,
    Refused,
    Head,
    Done,
}

struct Agent {
    session: usize,
    turn: usize,
    /// The key that answered the session last, and what of the prompt it has.
    last: Option<(usize, f64)>,
    call: Option<(Rotation, Option<Attempt>)>,
    answer: Option<(http::HeaderMap, usize)>,
    random: u64,
}

impl Agent {
    /// A number from 0 to 1.
    fn random(&mut self) -> f64 {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.random >> 33) as f64 / f64::from(u32::MAX >> 1)
    }
}

pub(super) struct World<'l> {
    load: &'l Load,
    policy: Policy,
    keys: Vec<Key>,
    agents: Vec<Agent>,
    events: BinaryHeap<Reverse<(i64, u64, Event, usize)>>,
    number: u64,
    sessions: usize,
    turned: usize,
    profiles: AuthProfiles,
    selector: Arc<ProfileSelector>,
    tracker: Arc<HeadroomTracker>,
    provider: ProviderId,
    model: ModelRef,
    classifier: FailureClassifier,
    measured: Measured,
}

impl<'l> World<'l> {
    pub(super) fn run(load: &'l Load, keys: usize, policy: Policy) -> Measured {
        let name = Key::provider(load.dialect);
        let key = |at: usize| {
            let mut allowance = load.allowance;
            if at % 2 == 1 {
                allowance.requests *= load.unequal;
                allowance.input *= load.unequal;
                allowance.output *= load.unequal;
            }
            Key::new(load.dialect, allowance)
        };
        let profile = |at: usize| {
            (format!("{name}:{at}"), json!({"type": "api_key", "provider": name, "key": format!("sk-{at}")}))
        };
        let profiles: serde_json::Map<_, _> = (0..keys).map(profile).collect();
        let profiles = json!({"version": 1, "profiles": profiles});
        let mut rules = SelectorRules::default();
        if policy != Policy::Headroom {
            rules.headroom = None;
        }
        let provider = ProviderId::new(name).unwrap();
        let mut world = World {
            load,
            policy,
            keys: (0..keys).map(key).collect(),
            agents: Vec::new(),
            events: BinaryHeap::new(),
            number: 0,
            sessions: 0,
            turned: 0,
            profiles: AuthProfiles::from_json(&profiles.to_string()).unwrap(),
            selector: Arc::new(ProfileSelector::new(rules)),
            tracker: Arc::default(),
            classifier: FailureClassifier::new(&provider),
            model: format!("{name}/a-model").parse().unwrap(),
            provider,
            measured: Measured::default(),
        };
        for at in 0..load.agents * keys {
            let random = (at as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            world.agents.push(Agent { session: 0, turn: load.turns, last: None, call: None, answer: None, random });
            let begins = if load.burst > 0 { 0 } else { at as i64 * load.ramp };
            world.at(begins, Event::Turn, at);
        }
        world.go()
    }

    fn at(&mut self, time: i64, event: Event, agent: usize) {
        self.number += 1;
        self.events.push(Reverse((time, self.number, event, agent)));
    }

    fn go(mut self) -> Measured {
        let mut drained = 0;
        while let Some(Reverse((now, _, event, agent))) = self.events.pop() {
            if now > self.load.length {
                break;
            }
            while self.load.drained > 0.0 && drained + 10_000 <= now {
                drained += 10_000;
                for key in &mut self.keys {
                    key.drain(self.load.drained, drained);
                }
            }
            match event {
                Event::Turn => self.turn(agent, now),
                Event::Go => self.step(agent, now),
                Event::Refused => self.refused(agent, now),
                Event::Head => self.head(agent, now),
                Event::Done => self.done(agent, now),
            }
        }
        self.measured
    }

    fn turn(&mut self, at: usize, now: i64) {
        let agent = &mut self.agents[at];
        if agent.turn >= self.load.turns {
            self.sessions += 1;
            (agent.session, agent.turn, agent.last) = (self.sessions, 0, None);
        }
        if !matches!(self.policy, Policy::Knowing(_)) {
            let prompt = self.prompt(at);
            let agent = &self.agents[at];
            let mut query = Query::new(&self.provider);
            if matches!(self.policy, Policy::Sticky | Policy::Headroom) && self.load.has_sessions {
                query = query.session(format!("session {}", agent.session));
            }
            if let Told::Times(input, output) = self.load.told {
                // The caller takes it that the cache has what the last request had.
                let cached = agent.last.map_or(0.0, |(_, cached)| cached);
                let tokens = TokenEstimate::new((prompt * input) as u64, (self.load.output * output) as u64);
                query = query.tokens(tokens.with_cached(cached as u64));
            }
            match self.policy {
                Policy::RoundRobin => {
                    let next = self.turned % self.keys.len();
                    query = query.preferred(format!("{}:{next}", self.provider).parse().unwrap());
                }
                Policy::First => {
                    let first = (0..self.keys.len()).find(|key| self.is_ready(*key, now)).unwrap_or(0);
                    query = query.preferred(format!("{}:{first}", self.provider).parse().unwrap());
                }
                _ => {}
            }
            self.turned += 1;
            let rotation = Rotation::new(Arc::clone(&self.selector), self.model.clone(), moment(now));
            let rotation = rotation.headroom(Arc::clone(&self.tracker)).query(query);
            self.agents[at].call = Some((rotation, None));
        }
        self.step(at, now);
    }

    fn is_ready(&self, key: usize, now: i64) -> bool {
        let usage = self.profiles.usage(&format!("{}:{key}", self.provider));
        usage.is_none_or(|usage| self.selector.cooldown(usage, moment(now)).is_none())
    }

    fn prompt(&self, at: usize) -> f64 {
        self.load.prompt + self.load.growth * self.agents[at].turn as f64
    }

    fn step(&mut self, at: usize, now: i64) {
        if let Policy::Knowing(patience) = self.policy {
            return self.know(at, patience, now);
        }
        let Some((mut rotation, _)) = self.agents[at].call.take() else { return };
        match rotation.next(&self.profiles, moment(now)) {
            Step::Attempt(attempt) => {
                let key = attempt.profile().as_str().rsplit(':').next().unwrap().parse().unwrap();
                self.agents[at].call = Some((rotation, Some(attempt)));
                self.ask(at, key, now);
            }
            Step::Pause(pause) => {
                self.agents[at].call = Some((rotation, None));
                self.at(now + pause.as_millis().max(1) as i64, Event::Go, at);
            }
            Step::End(failure) => {
                // The agent tries again when the error says so, and not sooner than in a second.
                let wait = failure.error().retry_after().unwrap_or(Duration::from_secs(1));
                self.at(now + (wait.as_millis() as i64).max(1_000), Event::Turn, at);
            }
            other => panic!("{other:?}"),
        }
    }

    /// The policy that knows: the key of the session, else where most is left, else the first that has enough.
    fn know(&mut self, at: usize, patience: i64, now: i64) {
        let (prompt, output, session) = (self.prompt(at), self.load.output, self.agents[at].session);
        let home = self.agents[at].last.map(|(key, _)| key);
        let waits =
            self.keys.iter_mut().map(|key| key.wait(key.cost(session, prompt, output, now), now)).collect::<Vec<_>>();
        let home = home.filter(|home| waits[*home] <= patience as f64);
        let soonest = (0..waits.len())
            .min_by(|a, b| waits[*a].total_cmp(&waits[*b]).then(self.keys[*b].left().total_cmp(&self.keys[*a].left())));
        let key = home.or(soonest).unwrap();
        if waits[key] > 0.0 {
            self.at(now + (waits[key].ceil() as i64).max(1), Event::Go, at);
        } else {
            self.ask(at, key, now);
        }
    }

    fn ask(&mut self, at: usize, key: usize, now: i64) {
        let (prompt, output, session) = (self.prompt(at), self.load.output, self.agents[at].session);
        let cached = self.keys[key].cached(session, now);
        let (admitted, headers) = self.keys[key].ask(session, prompt, output, now);
        self.measured.requests += 1;
        if admitted
            && let Some((last, had)) = self.agents[at].last
            && last != key
            && self.load.has_sessions
        {
            let warm = self.keys[last].cached(session, now).min(had);
            self.measured.missed += (warm - cached).max(0.0);
        }
        self.agents[at].answer = Some((headers, key));
        if admitted {
            self.at(now + HEAD, Event::Head, at);
        } else {
            self.measured.refused += 1;
            self.at(now + REFUSAL, Event::Refused, at);
        }
    }

    fn refused(&mut self, at: usize, now: i64) {
        let (Some((mut rotation, Some(attempt))), Some((headers, _))) =
            (self.agents[at].call.take(), self.agents[at].answer.take())
        else {
            return self.step(at, now);
        };
        attempt.observe(&headers, moment(now));
        let body = br#"{"type":"error","error":{"type":"rate_limit_error","message":"This request would exceed the rate limit."}}"#;
        let failure = self.classifier.response(StatusCode::TOO_MANY_REQUESTS, &headers, body, moment(now)).unwrap();
        if let Some(record) = rotation.report(&attempt, failure.into(), moment(now)) {
            record.apply(&self.selector, &mut self.profiles, moment(now)).unwrap();
        }
        self.agents[at].call = Some((rotation, None));
        self.step(at, now);
    }

    fn head(&mut self, at: usize, now: i64) {
        let (headers, key) = self.agents[at].answer.take().unwrap();
        if let Some((_, Some(attempt))) = &self.agents[at].call {
            attempt.observe(&headers, moment(now));
        }
        self.agents[at].last = Some((key, self.prompt(at)));
        self.at(now + (self.load.output * TOKEN * 0.5) as i64, Event::Done, at);
    }

    fn done(&mut self, at: usize, now: i64) {
        if let Some((mut rotation, Some(attempt))) = self.agents[at].call.take()
            && let Some(record) = rotation.report(&attempt, Outcome::answered(None), moment(now))
        {
            record.apply(&self.selector, &mut self.profiles, moment(now)).unwrap();
        }
        let load = self.load;
        let agent = &mut self.agents[at];
        self.measured.work += if agent.turn == 0 { load.prompt } else { load.growth } + load.output;
        agent.turn += 1;
        let think = (load.think as f64 * (0.5 + agent.random())) as i64;
        let next = now + think;
        let next = if load.burst > 0 { (next / load.burst + 1) * load.burst } else { next };
        self.at(next, Event::Turn, at);
    }
}

fn moment(now: i64) -> Timestamp {
    Timestamp::from_millis(BEGIN + now)
}
