//! The example of rotation as a user runs it.

#![allow(clippy::unwrap_used, reason = "a test stops where something is wrong")]
#![cfg(feature = "client")]

use crate::program::example;

#[test]
fn the_example_shows_each_attempt_and_no_secret() {
    let output = example("rotate").output().unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{text}");
    for expected in ["rate_limit", "billing", "auth_permanent", "answered by anthropic:spare", "nobody"] {
        assert!(text.contains(expected), "`{expected}` is missing in:\n{text}");
    }
    assert!(!text.contains("not-real"), "a secret was printed:\n{text}");
}
