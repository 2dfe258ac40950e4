//! Deadlines in sentences: "Please try again in 6m0s", "You've hit your limit · resets 5pm (UTC)".

use super::calendar;
use super::duration;
use super::moment::{Hint, epoch};
use super::zone::Zone;
use crate::failure::text::ends_of;

/// Words before a duration or a date, the most reliable first.
const MARKERS: [&str; 21] = [
    "regain access",
    "try again",
    "retry your request",
    "retry",
    "wait",
    "next reset",
    "reset time",
    "reset",
    "resets",
    "renews",
    "refreshes",
    "refills",
    "restored",
    "resumes",
    "available",
    "come back",
    "again",
    "until",
    // "The limit will be reset on ...", "Please retry after ..."
    "\u{5c06}\u{5728}",
    "\u{8bf7}\u{5728}",
    "\u{8bf7}\u{4e8e}",
];

/// After this one, a duration would be how long something lasted.
const UNTIL: &str = "until";
/// "Will be" in Chinese, which implies Beijing time.
const CHINESE: &str = "\u{5c06}\u{5728}";

/// Words that may be in between.
#[rustfmt::skip]
const LINKS: [&str; 19] = [
    "in", "after", "at", "on", "for", "about", "approximately", "around", "another", "at least", "by", "until", "from", "is",
    "time", "date", "again", "access", "quota",
];

/// As many as the hints of a body.
const MOST: usize = 16;
/// The number of bytes to read after a marker, and the number of markers.
const REACH: usize = 96;
const MARKS: usize = 48;

/// The text after a marker without quotes and runs of white space, in two forms with the same positions: as written,
/// and in lower case with spaces for hyphens and underscores.
#[derive(Default)]
struct Behind {
    written: String,
    plain: String,
}

impl Behind {
    fn new(text: &str) -> Self {
        let mut behind = Self::default();
        let mut chars = text.char_indices().take_while(|(at, _)| *at < REACH).map(|(_, c)| c).peekable();
        // The marker is a word.
        let mut before = 'x';
        while let Some(c) = chars.next() {
            let joins = before.is_ascii_alphabetic() && chars.peek().is_some_and(char::is_ascii_alphabetic);
            match c {
                '_' | '-' if joins => behind.push(c, ' '),
                '`' | '"' | '\'' | '\u{201c}' | '\u{201d}' | '\u{2018}' | '\u{2019}' => behind.blank(),
                c if c.is_whitespace() || c.is_control() => behind.blank(),
                c => behind.push(c, c.to_ascii_lowercase()),
            }
            before = c;
        }
        behind.blank();
        behind
    }

    fn push(&mut self, written: char, plain: char) {
        self.written.push(written);
        self.plain.push(plain);
    }

    fn blank(&mut self) {
        if !self.written.ends_with(' ') {
            self.push(' ', ' ');
        }
    }
}

/// Returns every deadline in the text, in the order of the markers. `home` is the zone of times without one.
pub(super) fn hints(message: &str, home: Option<Zone>) -> Vec<Hint> {
    let mut found: Vec<(usize, Hint)> = Vec::new();
    let (head, tail) = ends_of(message);
    let mut left = MARKS;
    for part in [head, tail] {
        let mut before = b' ';
        for (at, byte) in part.bytes().enumerate() {
            // The first letters of the markers, and the first byte of the Chinese one.
            let begins = matches!(byte | 0x20, b'r' | b't' | b'w' | b'n' | b'a' | b'c' | b'u')
                && !before.is_ascii_alphanumeric();
            if (begins || matches!(byte, b'|' | 0xe5 | 0xe8)) && left > 0 && found.len() < MOST {
                left -= read(part, at, home, |rank, hint| found.push((rank, hint))).min(left);
            }
            before = byte;
        }
    }
    found.sort_by_key(|(rank, _)| *rank);
    found.into_iter().map(|(_, hint)| hint).collect()
}

/// Reads what follows the markers that begin here; returns their number.
fn read(text: &str, at: usize, home: Option<Zone>, mut found: impl FnMut(usize, Hint)) -> usize {
    let Some((before, rest)) = text.split_at_checked(at) else { return 0 };
    if let Some(bar) = rest.strip_prefix('|') {
        let told = before.trim_end();
        let told = told.len().checked_sub(LIMIT.len()).and_then(|from| told.get(from..));
        if let Some(hint) =
            moment(bar.trim_start_matches(' ')).filter(|_| told.is_some_and(|told| told.eq_ignore_ascii_case(LIMIT)))
        {
            found(0, hint);
        }
        return 0;
    }
    let first = rest.bytes().next().map(|byte| byte.to_ascii_lowercase());
    let mut marks = 0;
    for (rank, marker) in MARKERS.iter().enumerate().filter(|(_, marker)| marker.bytes().next() == first) {
        let Some(rest) = strip(rest, marker) else { continue };
        marks += 1;
        let Behind { written, plain } = Behind::new(rest);
        let home = if *marker == CHINESE { Some(Zone::BEIJING) } else { home };
        behind(&plain, &written, marker, home).into_iter().flatten().for_each(|hint| found(rank, hint));
    }
    marks
}

/// The words before a bar and an epoch.
const LIMIT: &str = "limit reached";

/// Strips a marker at the start of the text, whatever separates its words.
fn strip<'t>(text: &'t str, marker: &str) -> Option<&'t str> {
    let mut rest = text;
    for word in marker.split(' ') {
        let (start, behind) =
            rest.trim_start_matches([' ', '-', '_', '\n', '\r', '\t']).split_at_checked(word.len())?;
        rest = start.eq_ignore_ascii_case(word).then_some(behind)?;
        if word.is_ascii() && starts_alphanumeric(rest) {
            return None;
        }
    }
    Some(rest)
}

fn starts_alphanumeric(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphanumeric())
}

/// Reads what follows a marker, in both spellings; a time without a zone may be in one of two.
fn behind(plain: &str, written: &str, marker: &str, home: Option<Zone>) -> [Option<Hint>; 2] {
    if let Some(hint) = header(plain).filter(|_| marker == "retry") {
        return [Some(hint), None];
    }
    let mut left = plain.trim_start_matches(SEPARATORS);
    let after = |left, link| str::strip_prefix(left, link).filter(|rest| !starts_alphanumeric(rest));
    // Some words are markers themselves: without a bound, a row of them would take quadratic time.
    for _ in 0..4 {
        let Some(rest) = LINKS.iter().find_map(|link| after(left, *link)) else { break };
        left = rest.trim_start_matches(SEPARATORS);
    }
    let text = written.get(written.len() - left.len()..).unwrap_or_default();
    if let Some(hint) = moment(text) {
        return [Some(hint), None];
    }
    if let Some(written) = calendar::leading(text) {
        let elsewhere = home.filter(|_| !written.has_zone()).and_then(|home| written.within(Some(home)));
        return [elsewhere, written.within(None)].map(|occasion| occasion.map(Hint::On));
    }
    let lasts = duration::leading(text).filter(|(_, rest)| marker != UNTIL && !rest.trim_start().starts_with("ago"));
    [lasts.map(|(seconds, _)| Hint::After(seconds)), None]
}

const SEPARATORS: [char; 8] = [' ', ':', '=', '(', '~', ',', '\u{b7}', '\u{2219}'];

/// Reads `retry-after: 30` and `retry-after-ms=997000`, as clients print headers: after `retry`, in the plain spelling.
fn header(text: &str) -> Option<Hint> {
    let rest = text.strip_prefix(" after")?;
    let (rest, unit) = rest.strip_prefix(" ms").map_or((rest, 1.0), |rest| (rest, 0.001));
    let value = rest.trim_start().strip_prefix([':', '='])?.trim_start();
    let digits = value.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = value.split_at_checked(digits)?;
    let bare = !starts_alphanumeric(rest.trim_start_matches('.')) && duration::leading(value).is_none();
    number.parse::<f64>().ok().filter(|_| bare).map(|number| Hint::After(number * unit))
}

/// Reads a number since the epoch that is all digits.
fn moment(text: &str) -> Option<Hint> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at_checked(digits).filter(|_| matches!(digits, 10 | 13))?;
    number.parse().ok().filter(|_| !starts_alphanumeric(rest)).and_then(epoch)
}
