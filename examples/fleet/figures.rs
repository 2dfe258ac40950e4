//! The figures of a run.

use std::fmt;

use provider_auth::AuthProfiles;
use serde_json::json;

use crate::events::Event;
use crate::machine::{counted, counter};
use crate::provider::{Provider, Window};

#[derive(Debug, Default)]
pub(crate) struct Figures {
    nodes: usize,
    killed: usize,
    requests: u64,
    /// Requests with a profile more than one load after its limit was committed.
    wasted: usize,
    refreshes: u64,
    expiries: u64,
    /// Requests that were sent on purpose while a window ran.
    probes: usize,
    windows: usize,
    orphaned: u64,
    /// Updates that were acknowledged and are missing.
    lost: u64,
    /// From the answer that begins a limit until the last machine had read it in the store, at most, in milliseconds.
    learned: u64,
}

impl Figures {
    pub(crate) fn of(
        said: &[Vec<Event>],
        (dead, killed): (usize, usize),
        provider: &Provider,
        stored: &AuthProfiles,
    ) -> Self {
        let windows = provider.windows();
        let mut figures = Self {
            nodes: said.len(),
            killed,
            requests: provider.requests(),
            refreshes: provider.refreshes(),
            expiries: provider.expiries(),
            windows: windows.len(),
            ..Self::default()
        };
        for window in &windows {
            figures.look_at(window, said, dead);
        }
        for (number, events) in said.iter().enumerate() {
            let acknowledged = events.iter().filter_map(|event| match event {
                Event::Wrote { number } => Some(*number),
                _ => None,
            });
            let there = counted(stored, &counter(&number.to_string()));
            figures.lost += acknowledged.max().unwrap_or(0).saturating_sub(there);
            figures.orphaned += events
                .iter()
                .map(|event| if let Event::Ended { orphaned } = event { *orphaned } else { 0 })
                .sum::<u64>();
        }
        figures
    }

    /// Counts what machines did while a key was limited.
    fn look_at(&mut self, window: &Window, said: &[Vec<Event>], dead: usize) {
        let all = || said.iter().flatten();
        let committed = all().filter_map(|event| match event {
            Event::Committed { profile, at } if profile == window.profile && *at > window.from => Some(*at),
            _ => None,
        });
        let Some(committed) = committed.min() else { return };
        for event in all() {
            let Event::Sent { profile, from, at, probe } = event else { continue };
            if profile == window.profile && *from > committed && *at < window.to {
                if *probe { self.probes += 1 } else { self.wasted += 1 }
            }
        }
        for (_, events) in said.iter().enumerate().filter(|(number, _)| *number != dead) {
            let learned = events.iter().filter_map(|event| match event {
                Event::Learned { profile, until, at } if profile == window.profile && *until * 1_000 > window.from => {
                    Some(*at)
                }
                _ => None,
            });
            let Some(learned) = learned.filter(|at| *at > window.from).min() else { continue };
            self.learned = self.learned.max(learned.saturating_sub(window.from).div_ceil(1_000));
        }
    }

    pub(crate) fn to_json(&self) -> String {
        json!({
            "nodes": self.nodes,
            "killed": self.killed,
            "requests": self.requests,
            "wasted_after_429": self.wasted,
            "refreshes": self.refreshes,
            "expiries": self.expiries,
            "probes": self.probes,
            "windows": self.windows,
            "orphaned": self.orphaned,
            "lost_updates": self.lost,
            "last_node_learned_ms": self.learned,
        })
        .to_string()
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} machines sent {} requests; {} machine was killed.", self.nodes, self.requests, self.killed)?;
        writeln!(
            f,
            "Keys were limited {} times. Requests wasted after the store knew: {}.",
            self.windows, self.wasted
        )?;
        writeln!(f, "Probes while all keys of a provider were limited: {}.", self.probes)?;
        writeln!(f, "All machines knew of a limit within {} ms of the first answer that reported it.", self.learned)?;
        writeln!(
            f,
            "The OAuth credential expired {} times and was refreshed {} times.",
            self.expiries, self.refreshes
        )?;
        write!(f, "Refresh tokens lost with a killed machine: {}. Updates lost: {}.", self.orphaned, self.lost)
    }
}
