//! Names that forge what people read, and how a text shows that it was forged.

/// What a name in a file may do to those who read of it; each begins a line of its own, if it can, with `forged`.
pub(crate) fn tails() -> Vec<String> {
    let long = "x".repeat(10_000);
    let marks = "\u{200b}\u{200e}\u{2060}\u{feff}\u{ad}\u{e0041}z";
    [
        "a\u{1b}[2J\nforged",
        "b\r\nforged\t\u{7f}\u{0}",
        "c\u{202e}txet\u{2066}y\u{2069}",
        "d\u{2028}forged\u{2029}\u{85}\u{9b}2J",
    ]
    .map(str::to_owned)
    .into_iter()
    .chain([marks.to_owned(), long.clone(), format!("{long}\nforged{long}")])
    .collect()
}

/// Whether a line moves the reader's eye, is one that a name began, or is longer than a name may be.
pub(crate) fn is_forged(line: &str) -> bool {
    // Written down here a second time, not taken from the crate.
    let steers = |c: char| {
        c.is_control()
            || matches!(u32::from(c), 0xad | 0x61c | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f | 0xfeff | 0xe0000..=0xe0fff)
    };
    line.contains(steers) || line.starts_with("forged") || line.contains(&"x".repeat(600))
}
