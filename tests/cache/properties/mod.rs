//! Properties of every body: markers edit nothing else, are always legal, and the scanner reads what `serde_json`
//! reads.
#![allow(clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod bodies;
mod checker;
mod hosts;

use bodies::Tape;
use checker::{blocks, by_code, check, left_out, only_markers_inserted};
use proptest::prelude::*;
use provider_auth::cache::{BreakpointOptions, BreakpointOrigin, BreakpointPlan, mark_body};
use provider_auth::{CacheRetention, ErrorKind};
use serde_json::Value;

fn retention() -> impl Strategy<Value = CacheRetention> {
    prop_oneof![Just(CacheRetention::Short), Just(CacheRetention::Long), Just(CacheRetention::None)]
}

fn tape() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..400)
}

proptest! {
    #![proptest_config(ProptestConfig::default())]

    #[test]
    fn markers_edit_nothing_else_and_are_always_legal(tape in tape(), retention in retention()) {
        let input = Tape::new(&tape).body();
        let before: Value = serde_json::from_str(&input).expect("the generator writes JSON");
        let asked = check(&before);
        let (output, plan) = match mark_body(input.clone().into_bytes(), &BreakpointOptions::new(retention)) {
            Ok(done) => done,
            Err(error) => {
                prop_assert!(asked.errors.contains(&error.kind()), "{:?} for {:?}\n{}", error, asked, input);
                return Ok(());
            }
        };
        prop_assert!(asked.errors.is_empty(), "accepted {:?}\n{}", asked, input);

        // Nothing else is edited.
        prop_assert!(only_markers_inserted(input.as_bytes(), &output), "{}\n{}", input, String::from_utf8_lossy(&output));

        // The result is legal, and the plan tells all of it.
        let after: Value = serde_json::from_slice(&output).expect("still JSON");
        let verdict = check(&after);
        prop_assert!(verdict.errors.is_empty(), "{:?}\n{}", verdict, String::from_utf8_lossy(&output));
        let told: Vec<_> = plan.breakpoints().iter().map(|m| (m.path().to_owned(), m.ttl.as_str().to_owned())).collect();
        prop_assert_eq!(&told, &verdict.markers);
        let callers: Vec<_> = plan.breakpoints().iter().filter(|m| m.origin == BreakpointOrigin::Caller)
            .map(|m| (m.path().to_owned(), m.ttl.as_str().to_owned())).collect();
        prop_assert_eq!(callers, asked.markers);

        // Ours stand on the right blocks only.
        let (by_code, left_out) = (by_code(&after), left_out(&after));
        for marker in plan.breakpoints().iter().filter(|marker| marker.origin == BreakpointOrigin::Planned) {
            let ours = if retention == CacheRetention::Long { "1h" } else { "5m" };
            prop_assert!(retention != CacheRetention::None);
            prop_assert_eq!(marker.ttl.as_str(), ours);
            let block = after.pointer(marker.path()).expect("the path leads to a block");
            prop_assert!(blocks(&after).iter().any(|(path, _)| path == marker.path()), "never nested: {}", marker.path());
            prop_assert!(block.get("defer_loading") != Some(&Value::Bool(true)));
            let text = block.get("text").and_then(Value::as_str);
            prop_assert!(text.is_none_or(|text| !text.trim().is_empty()) || marker.path().starts_with("/tools"));
            // The key was not there before, not even with null.
            prop_assert!(before.pointer(marker.path()).is_none_or(|block| block.get("cache_control").is_none()));
            prop_assert!(block.pointer("/default_config/defer_loading") != Some(&Value::Bool(true)));
            prop_assert!(!by_code.iter().chain(&left_out).any(|path| path == marker.path()), "{}", marker.path());
            if let Some(message) = marker.path().split("/content/").next().filter(|path| path.starts_with("/messages")) {
                // On an answer only where all that follows in the turn takes none, or before results that are cleared.
                let at = blocks(&after).iter().position(|(path, _)| path == marker.path());
                let next = blocks(&after).iter().skip(at.unwrap_or_default()).any(|(path, _)| by_code.contains(path));
                let user = after.pointer(message).and_then(|message| message.get("role")) == Some(&Value::from("user"));
                prop_assert!(user || next || after.get("context_management").is_some(), "{}", marker.path());
            }
        }

        // Applying twice equals once.
        let (twice, _) = mark_body(output.clone(), &BreakpointOptions::new(retention)).expect("legal");
        prop_assert_eq!(twice, output);
    }

    #[test]
    fn the_scanner_accepts_what_serde_json_accepts(
        tape in tape(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0_u8..6), 0..4),
    ) {
        let mut bytes = Tape::new(&tape).body().into_bytes();
        for (at, byte, change) in changes {
            let at = at.index(bytes.len() + 1);
            let structural = b"{}[],:\"\\ \n0123456789.eE+-utfn\x00\x1f\x80\xc3\xff"[usize::from(byte) % 34];
            match change {
                0 => bytes.truncate(at),
                1 => bytes.insert(at, structural),
                2 => bytes.insert(at, byte),
                3 if at < bytes.len() => bytes[at] = structural,
                4 if at < bytes.len() => { bytes.remove(at); }
                _ => { let tail = bytes[at..].to_vec(); bytes.extend(tail.into_iter().take(9)); }
            }
        }
        same_verdict(&bytes)?;
    }

    #[test]
    fn the_scanner_accepts_what_serde_json_accepts_in_small(text in r#"[\[\]{}",:\\/u0-9dDeE+.\-ntrfalseé 	\n]{0,24}"#) {
        for body in [format!("{{\"x\":{text}}}"), format!("{{\"messages\":[{{\"content\":\"{text}\"}}]}}"), text] {
            same_verdict(body.as_bytes())?;
        }
    }

    #[test]
    fn any_bytes_are_an_answer_not_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        same_verdict(&bytes)?;
    }
}

fn same_verdict(bytes: &[u8]) -> Result<(), TestCaseError> {
    let theirs = serde_json::from_slice::<Value>(bytes).is_ok_and(|value| value.is_object());
    let ours = match BreakpointPlan::for_body(bytes, &BreakpointOptions::new(CacheRetention::Short)) {
        Err(error) => !matches!(error.kind(), ErrorKind::InvalidBody | ErrorKind::TooDeep),
        Ok(_) => true,
    };
    prop_assert_eq!(ours, theirs, "{}", String::from_utf8_lossy(bytes));
    Ok(())
}

#[test]
fn numbers_and_depth_at_their_limits() {
    let numbers = [
        "0", "-0", "-", "00", "01", "1.", ".5", "1.5e", "1e5", "1E+5", "1e-5", "+1", "1e308", "1e309", "-1e999",
        "0e999",
    ]
    .map(str::to_owned)
    .into_iter()
    .chain([format!("1{}", "0".repeat(307)), format!("1{}", "0".repeat(400)), format!("0.{}", "1".repeat(400))]);
    for number in numbers {
        same_verdict(format!("{{\"x\":{number}}}").as_bytes()).expect(&number);
        same_verdict(format!("{{\"x\":{number} , \"y\":[{number}]}}").as_bytes()).expect(&number);
    }
    for depth in [1, 125, 126, 127, 128, 200] {
        let arrays = format!("{{\"x\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
        same_verdict(arrays.as_bytes()).expect("arrays");
        let objects = format!("{}1{}", "{\"x\":".repeat(depth), "}".repeat(depth));
        same_verdict(objects.as_bytes()).expect("objects");
        let blocks =
            format!("{{\"messages\":[{{\"content\":{}{}}}]}}", "[{\"content\":".repeat(depth), "}]".repeat(depth));
        same_verdict(blocks.as_bytes()).expect("blocks");
    }
}
