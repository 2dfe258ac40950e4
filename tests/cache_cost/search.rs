//! The best markers for a small session, found by trying: a beam over what the provider holds after each request.

use std::collections::HashMap;

use super::{Host, Sent};
use crate::simulator::{Cache, Prompt};

const BEAM: usize = 16;

/// The lowest cost found, with all of the session known in advance.
pub(crate) fn best(host: Host, session: &[Sent]) -> f64 {
    let mut states = vec![(0.0, Cache::default())];
    for (number, sent) in session.iter().enumerate() {
        let candidates = candidates(&sent.prompt);
        let mut next: HashMap<Vec<(u64, u64)>, (f64, Cache)> = HashMap::new();
        for (cost, cache) in &states {
            for chosen in subsets(&candidates) {
                let mut cache = cache.clone();
                let markers: Vec<_> = chosen.into_iter().map(|index| (index, host.life)).collect();
                let cost = cost + cache.serve(&sent.prompt, &markers, sent.at, host.collapses);
                let known = next.entry(cache.state()).or_insert_with(|| (cost, cache.clone()));
                if cost < known.0 {
                    *known = (cost, cache);
                }
            }
        }
        states = next.into_values().collect();
        // What is held counts for as much as the requests to come can read of it.
        let rest = &session[number + 1..];
        let worth = |(cost, cache): &(f64, Cache)| {
            let saved: f64 = rest.iter().map(|next| 0.9 * cache.readable(&next.prompt, next.at)).sum();
            cost - saved
        };
        states.sort_by(|a, b| worth(a).total_cmp(&worth(b)));
        states.truncate(BEAM);
    }
    states.first().map_or(f64::INFINITY, |(cost, _)| *cost)
}

/// The ends of tools, system and messages, the newest first, and some blocks inside the last long message.
fn candidates(prompt: &Prompt) -> Vec<usize> {
    let ends = (0..prompt.blocks.len()).rev().filter(|index| {
        let message =
            |index: usize| prompt.blocks.get(index).map(|block| block.path.rsplit_once('/').unwrap_or_default().0);
        message(*index) != message(index + 1) || block_of_system(prompt, *index)
    });
    let mut chosen: Vec<_> = ends.take(5).collect();
    let last = prompt.blocks.len() - 1;
    chosen.extend([last.saturating_sub(19), last.saturating_sub(38)]);
    chosen.extend((0..prompt.blocks.len()).filter(|index| block_of_system(prompt, *index)));
    chosen.sort_unstable();
    chosen.dedup();
    chosen
}

fn block_of_system(prompt: &Prompt, index: usize) -> bool {
    prompt.blocks[index].path.starts_with("/system/")
}

fn subsets(of: &[usize]) -> Vec<Vec<usize>> {
    let masks = 0_u32..1 << of.len();
    let some = masks.filter(|mask| mask.count_ones() <= 4);
    some.map(|mask| of.iter().enumerate().filter(|(bit, _)| mask >> bit & 1 == 1).map(|(_, index)| *index).collect())
        .collect()
}
