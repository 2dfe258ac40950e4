//! Old tool results that the API clears before it reads a prompt, compared with a client that clears them itself.

use crate::families::{Clears, Family, families};
use crate::ours::{Sent, Told};
use crate::{LONG_COLLAPSING, SHORT, cost_of_ours, sessions};

const TOLD: [Told; 3] = [Told::BODY, Told::PLAN, Told::NOTHING];

#[test]
fn clearing_by_the_api_costs_what_clearing_by_the_client_costs() {
    println!("cost of clearing by the API against clearing by the client, with and without the previous body");
    for family in families() {
        let Some(clears) = family.clears else { continue };
        // A body does not show whether a trigger in tokens is passed, so the end of each turn is written in vain.
        for (trigger, upto) in [(clears.trigger, [1.0, 1.0]), (None, [1.1, 1.3])] {
            let clears = Clears { trigger, ..clears };
            let by_api = Family { clears: Some(clears), ..family.clone() };
            let by_client = Family { clears: Some(Clears { by_api: false, ..clears }), ..family.clone() };
            let [by_api, by_client] = [&by_api, &by_client].map(sessions);
            for (host, upto) in [SHORT, LONG_COLLAPSING].into_iter().zip(upto) {
                let client = cost_of_ours(host, &by_client, Told::BODY);
                let ratios = TOLD.map(|told| cost_of_ours(host, &by_api, told) / client);
                println!("{:<30} {trigger:?} {host:?}: {ratios:.3?}", family.name);
                assert!(ratios.iter().all(|ratio| *ratio <= upto), "{}, {host:?}: {ratios:?}", family.name);
            }
        }
    }
}

#[test]
fn the_field_costs_nothing_before_it_takes_effect() {
    let family = families().into_iter().find(|family| family.name == "tool loop, 1 to 3 blocks").expect("a family");
    let without = sessions(&family);
    for trigger in [Some(10_000), None] {
        let clears = Clears { trigger, keep: 3, inputs: false, by_api: true };
        let mut with = sessions(&Family { clears: Some(clears), ..family.clone() });
        for (Sent { prompt, .. }, plain) in with.iter_mut().flatten().zip(without.iter().flatten()) {
            prompt.clone_from(&plain.prompt);
        }
        for (host, told) in [SHORT, LONG_COLLAPSING].into_iter().flat_map(|host| TOLD.map(|told| (host, told))) {
            let ratio = cost_of_ours(host, &with, told) / cost_of_ours(host, &without, told);
            assert!(ratio <= 1.0 + 1e-6, "{trigger:?}, {host:?}, {told:?}: {ratio}");
        }
    }
}
