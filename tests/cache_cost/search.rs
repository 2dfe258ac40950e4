//! Searches the best markers for a session that is known in advance.
//!
//! The search goes through the requests in order and keeps each state of the provider's cache that could still be the
//! cheapest. Three rules keep it small without changing the result: entries that no later request can read are
//! forgotten, a state is dropped if another one costs no more and holds no less, and an entry is dropped if another one
//! serves the same requests better.

use std::collections::HashMap;

use crate::ours::Sent;
use crate::simulator::{Cache, Host, Prompt, PromptBlock};

/// Which blocks may carry a marker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Candidates {
    /// All of them. For tiny sessions.
    All,
    /// Those that already have an entry, and the last of those that the same later requests have in common: an entry there
    /// holds more than one before it, and as many can read it.
    Ends,
}

/// What was paid so far, and what the provider holds.
type State = (f64, Cache);

/// The lowest cost. For hosts with one price for all writes.
pub(crate) fn best(host: Host, session: &[Sent], candidates: Candidates) -> f64 {
    assert_eq!(host.prefix, host.tail);
    let uses = uses(session);
    let mut states = vec![(0.0, Cache::default())];
    for (number, sent) in session.iter().enumerate() {
        let later = |key: u64| uses.get(&key).map_or(0, |(uses, _)| uses >> number >> 1);
        let ends = future_ends(sent, &session[number + 1..]);
        let mut next: Vec<State> = Vec::new();
        for (paid, held) in &states {
            let wanted = |index: &usize| {
                let block = &sent.prompt.blocks[*index];
                let end = candidates == Candidates::All || ends.contains(index);
                block.carries() && (held.holds(block.key, sent.at) || end && later(block.key) != 0)
            };
            let at: Vec<usize> = (0..sent.prompt.blocks.len()).filter(wanted).collect();
            for places in full_choices(&at) {
                let mut cache = held.clone();
                let markers = host.markers(&sent.prompt, &places);
                let cost = paid + cache.serve(&sent.prompt, &markers, sent.at, host.collapses);
                cache.keep(|key| later(key) != 0);
                if candidates == Candidates::Ends {
                    cache.reduce(|key| (later(key), uses[&key].1));
                }
                add(&mut next, (cost, cache));
            }
        }
        states = next;
    }
    states.iter().map(|(cost, _)| *cost).fold(f64::INFINITY, f64::min)
}

fn add(states: &mut Vec<State>, (cost, cache): State) {
    if states.iter().any(|(known, held)| *known <= cost && held.covers(&cache)) {
        return;
    }
    states.retain(|(known, held)| !(cost <= *known && cache.covers(held)));
    states.push((cost, cache));
}

/// In which requests each prefix stands, as bits, and how long it is.
fn uses(session: &[Sent]) -> HashMap<u64, (u64, f64)> {
    let mut uses = HashMap::new();
    for (number, sent) in session.iter().enumerate() {
        for block in &sent.prompt.blocks {
            uses.entry(block.key).or_insert((0, block.tokens)).0 |= 1 << number;
        }
    }
    uses
}

/// The last blocks that stand in the same requests to come.
fn future_ends(sent: &Sent, rest: &[Sent]) -> Vec<usize> {
    let blocks = &sent.prompt.blocks;
    let shared = |other: &Prompt| blocks.iter().zip(&other.blocks).take_while(|(a, b)| a.key == b.key).count();
    let counts = rest.iter().map(|next| shared(&next.prompt));
    counts.filter_map(|count| blocks[..count].iter().rposition(PromptBlock::carries)).collect()
}

/// Every choice of at most four. Of those with the same last one only such that leave no marker unused: the others cost
/// nothing and may be of use.
fn full_choices(of: &[usize]) -> Vec<Vec<usize>> {
    let mut all = vec![Vec::new()];
    for (count, last) in of.iter().enumerate() {
        subsets(&of[..count], 3.min(count), &mut vec![*last], &mut all);
    }
    for places in &mut all {
        places.sort_unstable();
    }
    all
}

fn subsets(of: &[usize], count: usize, chosen: &mut Vec<usize>, all: &mut Vec<Vec<usize>>) {
    if count == 0 {
        return all.push(chosen.clone());
    }
    for (index, one) in of.iter().enumerate().take((of.len() + 1).saturating_sub(count)) {
        chosen.push(*one);
        subsets(&of[index + 1..], count - 1, chosen, all);
        chosen.pop();
    }
}
