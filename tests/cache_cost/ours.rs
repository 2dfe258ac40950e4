//! Sessions as they are sent: the markers of our plan and of others, and their cost.

use provider_auth::CacheRetention;
use provider_auth::cache::{BreakpointOptions, BreakpointPlan, CacheTtl, Lifetimes, mark_body};

use crate::families::Family;
use crate::simulator::{Cache, Host, Life, Markers, Prompt};
use crate::traces::Request;

/// A request, its text, and the prompt in it.
#[derive(Clone)]
pub(crate) struct Sent {
    pub(crate) at: f64,
    pub(crate) body: Vec<u8>,
    pub(crate) prompt: Prompt,
}

pub(crate) fn session(family: &Family, seed: u64) -> Vec<Sent> {
    sent(family, family.session(seed))
}

pub(crate) fn sent(family: &Family, requests: Vec<Request>) -> Vec<Sent> {
    let read = |Request { at, body }: Request| Sent {
        at,
        prompt: Prompt::read(&body, family.images_lose),
        body: serde_json::to_vec(&body).expect("JSON"),
    };
    requests.into_iter().map(read).collect()
}

/// What a caller tells the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) previous: Previous,
    /// How many blocks of the system prompt stay the same.
    pub(crate) stable: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Previous {
    Nothing,
    Plan,
    Body,
}

impl Told {
    pub(crate) const BODY: Self = Self { previous: Previous::Body, stable: None };
    pub(crate) const PLAN: Self = Self { previous: Previous::Plan, stable: None };
    pub(crate) const NOTHING: Self = Self { previous: Previous::Nothing, stable: None };

    /// And that the last block of the system prompt changes.
    pub(crate) fn with_tail_of(self, family: &Family) -> Self {
        Self { stable: usize::try_from(family.system - 1).ok(), ..self }
    }
}

/// Our markers.
pub(crate) fn ours(session: &[Sent], told: Told, host: Host) -> Vec<Markers> {
    ours_with(session, told, host, |_| host.lifetimes())
}

/// Our markers with lifetimes that are chosen from the starts of the requests so far.
pub(crate) fn ours_with(
    session: &[Sent],
    told: Told,
    host: Host,
    lifetimes: impl Fn(&[f64]) -> Lifetimes,
) -> Vec<Markers> {
    let starts: Vec<_> = session.iter().map(|sent| sent.at).collect();
    let mut last: Option<(Vec<u8>, BreakpointPlan)> = None;
    let plan = |(number, sent): (usize, &Sent)| {
        let mut options = BreakpointOptions::new(CacheRetention::None).collapses_tool_runs(host.collapses);
        options = options.lifetimes(Some(lifetimes(&starts[..=number])));
        if let Some(stable) = told.stable {
            options = options.stable_system_blocks(stable);
        }
        options = match (&last, told.previous) {
            (Some((body, _)), Previous::Body) => options.previous(body),
            (Some((_, plan)), Previous::Plan) => options.previous_plan(plan),
            _ => options,
        };
        let (marked, plan) = mark_body(sent.body.clone(), &options).expect("a legal body");
        let at = |path: &str| sent.prompt.blocks.iter().position(|block| block.path == path).expect("a block");
        let life = |ttl| if ttl == CacheTtl::OneHour { Life::Long } else { Life::Short };
        let markers = plan.breakpoints().iter().map(|marker| (at(marker.path()), life(marker.ttl))).collect();
        last = Some((marked, plan));
        markers
    };
    session.iter().enumerate().map(plan).collect()
}

/// The places that a rule marks which looks at one prompt only.
pub(crate) fn places_by_rule(session: &[Sent], place: impl Fn(&Prompt) -> Vec<usize>) -> Vec<Vec<usize>> {
    let places = session.iter().map(|sent| {
        // Where a block cannot carry a marker, the nearest one before it does.
        let carrier = |index: usize| (0..=index).rev().find(|index| sent.prompt.blocks[*index].carries());
        let mut at: Vec<usize> = place(&sent.prompt).into_iter().filter_map(carrier).collect();
        at.sort_unstable();
        at.dedup();
        assert!(at.len() <= 4 && at.iter().all(|index| sent.prompt.blocks[*index].carries()));
        at
    });
    places.collect()
}

/// What a session costs whose requests are marked at these places.
pub(crate) fn cost_of(host: Host, session: &[Sent], places: &[Vec<usize>]) -> f64 {
    let markers: Vec<Markers> =
        session.iter().zip(places).map(|(sent, places)| host.markers(&sent.prompt, places)).collect();
    host.cost(session, &markers)
}

impl Host {
    pub(crate) fn lifetimes(self) -> Lifetimes {
        match (self.prefix, self.tail) {
            (Life::Long, Life::Short) => Lifetimes::mixed(),
            (Life::Long, _) => Lifetimes::same(CacheTtl::OneHour),
            (Life::Short, _) => Lifetimes::same(CacheTtl::FiveMinutes),
        }
    }

    pub(crate) fn markers(self, prompt: &Prompt, places: &[usize]) -> Markers {
        let life = |index: usize| if prompt.blocks[index].section < 2 { self.prefix } else { self.tail };
        places.iter().map(|index| (*index, life(*index))).collect()
    }

    /// What a session costs, in uncached input tokens.
    pub(crate) fn cost(self, session: &[Sent], markers: &[Markers]) -> f64 {
        let mut cache = Cache::default();
        let requests = session.iter().zip(markers);
        requests.map(|(sent, markers)| cache.serve(&sent.prompt, markers, sent.at, self.collapses)).sum()
    }
}
