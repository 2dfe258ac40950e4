//! The example to be copied, as a process: it answers, rotates, and prints no secret.

#![allow(clippy::unwrap_used, reason = "a test may stop where it fails")]
#![cfg(all(feature = "file", feature = "client"))]

use crate::program::example;

#[test]
fn the_agent_answers_over_a_limited_key() {
    let output = example("embed").output().unwrap();
    let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success(), "{err}");
    assert!(out.contains("Hello?") && out.contains("And again?"), "{out}");
    assert_eq!(err.matches("from the cache").count(), 2, "{err}");
    assert!(!out.contains("not-real") && !err.contains("not-real"));
}

#[test]
fn it_is_short_enough_to_be_copied() {
    let text = include_str!("../../examples/embed.rs");
    assert!(text.lines().count() < 120);
}
