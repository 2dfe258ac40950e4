//! The same properties for all options and for every kind of server.

use proptest::prelude::*;
use provider_auth::cache::{BreakpointOptions, BreakpointOrigin, BreakpointPlan, CacheTtl, Lifetimes, mark_body};
use provider_auth::request::EndpointKind;
use provider_auth::{CacheRetention, Credential, Endpoint, RequestBuilder, Secret};
use serde_json::Value;

use super::bodies::Tape;
use super::checker::{check, only_markers_inserted};

fn lifetimes() -> impl Strategy<Value = Lifetimes> {
    prop_oneof![
        Just(Lifetimes::same(CacheTtl::FiveMinutes)),
        Just(Lifetimes::same(CacheTtl::OneHour)),
        Just(Lifetimes::mixed()),
        Just(Lifetimes::prefix_only(CacheTtl::FiveMinutes)),
        Just(Lifetimes::prefix_only(CacheTtl::OneHour)),
    ]
}

/// The body of a request before one with this body: the same, one that ends earlier, or another one; with markers.
fn previous(body: &str, other: &str, cut: u8) -> Option<Vec<u8>> {
    let before = match cut % 4 {
        0 => other.to_owned(),
        1 => body.to_owned(),
        cut => {
            let mut tree: Value = serde_json::from_str(body).ok()?;
            let list = if cut == 2 { "messages" } else { "system" };
            tree.get_mut(list)?.as_array_mut()?.pop();
            tree.to_string()
        }
    };
    mark_body(before.into_bytes(), &BreakpointOptions::new(CacheRetention::Short)).ok().map(|(marked, _)| marked)
}

proptest! {
    #![proptest_config(ProptestConfig::default())]

    #[test]
    fn every_option_is_legal_and_edits_nothing_else(
        tape in prop::collection::vec(any::<u8>(), 0..400),
        other in prop::collection::vec(any::<u8>(), 0..200),
        lifetimes in lifetimes(),
        cut in any::<u8>(),
        stable in prop::option::of(0_usize..4),
        (automatic, collapses, as_plan) in (any::<bool>(), any::<bool>(), any::<bool>()),
    ) {
        let body = Tape::new(&tape).body();
        let before = previous(&body, &Tape::new(&other).body(), cut);
        let mut options = BreakpointOptions::new(CacheRetention::None).lifetimes(Some(lifetimes));
        options = options.automatic(automatic).collapses_tool_runs(collapses);
        let plan = before.as_ref().and_then(|before| BreakpointPlan::for_body(before, &BreakpointOptions::new(CacheRetention::Short)).ok());
        if let (Some(before), Some(plan)) = (&before, &plan) {
            options = if as_plan { options.previous_plan(plan) } else { options.previous(before) };
        }
        if let Some(stable) = stable {
            options = options.stable_system_blocks(stable);
        }
        let asked = check(&serde_json::from_str(&body).expect("the generator writes JSON"));
        let Ok((output, plan)) = mark_body(body.clone().into_bytes(), &options) else {
            prop_assert!(!asked.errors.is_empty(), "refused a legal body: {body}");
            return Ok(());
        };
        prop_assert!(asked.errors.is_empty(), "accepted {:?}\n{}", asked, body);
        let after: Value = serde_json::from_slice(&output).expect("still JSON");
        let verdict = check(&after);
        let text = String::from_utf8_lossy(&output);
        prop_assert!(verdict.errors.is_empty(), "{:?}\n{}", verdict, text);
        prop_assert!(only_markers_inserted(body.as_bytes(), &output), "{}\n{}", body, text);
        let told: Vec<_> = plan.breakpoints().iter().map(|m| (m.path().to_owned(), m.ttl.as_str().to_owned())).collect();
        prop_assert_eq!(&told, &verdict.markers);
        for marker in plan.breakpoints().iter().filter(|marker| marker.origin == BreakpointOrigin::Planned) {
            let tail = marker.path().is_empty() || marker.path().starts_with("/messages");
            prop_assert_eq!(Some(marker.ttl), if tail { lifetimes.tail() } else { Some(lifetimes.prefix()) });
            prop_assert!(!marker.path().is_empty() || automatic);
        }
        let (twice, _) = mark_body(output.clone(), &options).expect("legal");
        prop_assert_eq!(String::from_utf8_lossy(&twice), text);
    }

    #[test]
    fn every_kind_of_server_gets_a_legal_body(
        tape in prop::collection::vec(any::<u8>(), 0..300),
        kind in prop::sample::select(EndpointKind::all().collect::<Vec<_>>()),
        lifetimes in lifetimes(),
        automatic in any::<bool>(),
    ) {
        let body = Tape::new(&tape).body();
        let endpoint = Endpoint::of_kind(kind, "https://host.example/base").expect("a URL");
        let credential = Credential::api_key(Secret::new("sk-ant-api03-x"));
        let build = |body: Vec<u8>| {
            let builder = RequestBuilder::new(&endpoint, &credential).body(body).lifetimes(lifetimes).beta("one,two");
            if automatic { builder.automatic_caching() } else { builder }.build()
        };
        let Ok(request) = build(body.clone().into_bytes()) else { return Ok(()) };
        let after: Value = serde_json::from_slice(request.body()).expect("still JSON");
        prop_assert!(check(&after).errors.is_empty());
        prop_assert!(only_markers_inserted(body.as_bytes(), request.body()), "{}\n{}", body, after);
        prop_assert_eq!(after.get("anthropic_version").and_then(Value::as_str), kind.body_version());
        prop_assert_eq!(after.get("anthropic_beta").is_some(), kind.betas_in_body());
        prop_assert_eq!(request.headers().contains_key("anthropic-beta"), !kind.betas_in_body());
        prop_assert_eq!(request.headers().contains_key("anthropic-version"), kind.body_version().is_none());
        prop_assert!(kind.has_automatic() || !request.plan().breakpoints().iter()
            .any(|marker| marker.path().is_empty() && marker.origin == BreakpointOrigin::Planned));
        let again = build(request.body().to_vec()).expect("legal");
        prop_assert_eq!(again.body(), request.body());
    }
}
