//! No secret in any text: puts secrets of every kind into every field that can hold one, and searches every text that
//! the crate can produce for any ten consecutive characters of them. `tests/request/leaks.rs` and `tests/surface` have
//! the searches of single modules.

mod calls;
mod documents;
mod heard;
mod settings;
mod values;

use heard::{Heard, KINDS, cuts, hunt, hunt_few, is_short, json, percent};

/// The types of the stores that `tests/backends` looks through, where they can be made.
const BACKENDS: [&str; 3] = ["store::RedisEngine", "store::SqliteStore", "store::SqliteStoreBuilder"];

#[test]
fn the_debug_of_every_public_type_that_holds_text_is_looked_through() {
    let mut heard = Heard::listening(0);
    for walk in
        [documents::stored, settings::configurations, settings::requests, settings::pasted, calls::echoed, values::made]
    {
        walk(&mut heard);
    }
    let unheard: Vec<&str> = heard.unheard().into_iter().filter(|path| !BACKENDS.contains(path)).collect();
    assert!(unheard.is_empty(), "say these in one of the walks: {unheard:#?}");
}

#[test]
fn ten_characters_are_heard_and_nine_are_not() {
    for kind in 0..KINDS.len() {
        let mut heard = Heard::listening(kind);
        let characters: Vec<char> = heard.secret.chars().collect();
        let end = |count: usize| characters[characters.len() - count..].iter().collect::<String>();
        let (ten, nine, whole) = (end(10), end(9), heard.secret.clone());
        for silent in [&*nine, "the profile cannot be used", ""] {
            heard.text(silent);
        }
        assert!(heard.faults.is_empty(), "{kind}: {:?}", heard.faults);
        for telling in [format!("a{ten}b"), format!("{ten:?}"), json(&ten), percent(&ten), ten.to_lowercase()] {
            heard.text(&telling);
        }
        heard.debug(&whole);
        heard.debug(&characters[characters.len() - KINDS[kind].2..].iter().collect::<String>().as_bytes());
        assert_eq!(heard.faults.len(), 7, "{kind}: {:?}", heard.faults);
    }
}
