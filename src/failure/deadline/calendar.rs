//! Dates and times of day as people write them: `5pm (UTC)`, `Oct 9, 5pm (Europe/Berlin)`, `2026-04-01 at 00:00 UTC`.

use chrono::{Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, Weekday};

use super::zone::{self, Spoken, Zone};
use crate::clock::Timestamp;

/// The parts that were written, in the order of the calendar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Written {
    day: Day,
    time: Option<NaiveTime>,
    zone: Option<Spoken>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Day {
    /// No day was written: the next occurrence of that time.
    Next,
    Tomorrow,
    Weekday(Weekday),
    /// A month and a day.
    OfYear(u32, u32),
    /// A date in words, written for people, who have a time zone.
    Spelled(NaiveDate),
    /// A date in digits, written for machines.
    Full(NaiveDate),
}

/// A time of day, or a day and a time, in a zone. The moment depends on the present.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Occasion {
    day: Day,
    time: NaiveTime,
    zone: Zone,
}

/// The maximum distance of a date without a year, in days. One that has just passed is not next year's.
const FAR: u64 = 183;

impl Written {
    /// Returns the occasion in a zone, if it was written without one. Without any, only a full date is a moment, in
    /// UTC.
    pub(super) fn within(self, home: Option<Zone>) -> Option<Occasion> {
        let zone = match (self.zone, self.day) {
            (Some(Spoken::Known(zone)), _) => zone,
            (Some(Spoken::Unknown), _) => return None,
            (None, Day::Full(_)) => home.unwrap_or(Zone::UTC),
            (None, _) => home?,
        };
        let time =
            self.time.or_else(|| (self.day != Day::Next && self.day != Day::Tomorrow).then(NaiveTime::default))?;
        Some(Occasion { day: self.day, time, zone })
    }

    pub(super) fn has_zone(self) -> bool {
        self.zone.is_some()
    }
}

impl Occasion {
    /// Returns the next occurrence of that time, in UTC; a full date is returned even if it is past.
    pub(super) fn after(self, now: Timestamp) -> Option<NaiveDateTime> {
        let here = self.zone.local(now)?;
        let utc = |day: NaiveDate| self.zone.utc(day.and_time(self.time));
        if let Day::Full(date) | Day::Spelled(date) = self.day {
            return utc(date);
        }
        let passed = chrono::DateTime::from_timestamp_millis(now.as_millis())?.naive_utc();
        let is_it = |day: &NaiveDate| match self.day {
            Day::Tomorrow => Some(*day) == here.date().succ_opt(),
            Day::Weekday(weekday) => day.weekday() == weekday,
            Day::OfYear(month, of_month) => (day.month(), day.day()) == (month, of_month),
            _ => true,
        };
        let days = (0..=FAR).map_while(|ahead| here.date().checked_add_days(Days::new(ahead)));
        days.filter(is_it).filter_map(utc).find(|at| *at > passed)
    }
}

/// Words that may be between the parts.
const FILLERS: [&str; 9] = ["at ", "on ", "by ", "the ", "around ", "about ", "approximately ", "from ", "of "];

/// Returns the date or time of day at the start of a text.
pub(super) fn leading(text: &str) -> Option<Written> {
    let mut left = text;
    let mut written = Written { day: Day::Next, time: None, zone: None };
    // Weekday, date, time and zone occur once each; the last round finds nothing.
    for _ in 0..5 {
        left = skip(left);
        if let Some((day, rest)) = day(left).filter(|_| matches!(written.day, Day::Next | Day::Weekday(_))) {
            (written.day, left) = (day, rest);
        } else if let Some((time, rest)) = time(left).filter(|_| written.time.is_none()) {
            // An impossible hour makes the whole text invalid.
            (written.time, left) = (Some(time?), rest);
        } else if written.time.is_none() && written.day == Day::Next {
            return None;
        } else if let Some((zone, rest)) = zone::leading(left).filter(|_| written.zone.is_none()) {
            (written.zone, left) = (Some(zone), rest);
        } else {
            break;
        }
    }
    Some(written)
}

fn skip(text: &str) -> &str {
    let mut text = text.trim_start_matches([' ', ',']);
    while let Some(rest) = FILLERS.iter().find_map(|filler| strip(text, filler)) {
        text = rest.trim_start_matches([' ', ',']);
    }
    text
}

/// Does the same as `str::strip_prefix`, ignoring ASCII case.
fn strip<'t>(text: &'t str, prefix: &str) -> Option<&'t str> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}

fn number(text: &str, longest: usize) -> Option<(u32, &str)> {
    let digits = text.bytes().take(longest + 1).take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at_checked(digits)?;
    Some((number.parse().ok().filter(|_| digits <= longest)?, rest))
}

fn word(text: &str) -> (&str, &str) {
    let letters = text.bytes().take_while(u8::is_ascii_alphabetic).count();
    text.split_at_checked(letters).unwrap_or(("", text))
}

const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
#[rustfmt::skip]
const MONTHS: [&str; 12] = [
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december",
];

/// Returns the index of the name that a word is, or abbreviates with at least three letters.
fn named(names: &[&str], word: &str) -> Option<usize> {
    let begins = |name: &str| name.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
    names.iter().position(|name| word.len() >= 3 && begins(name))
}

fn day(text: &str) -> Option<(Day, &str)> {
    iso(text).or_else(|| month_first(text)).or_else(|| day_first(text)).or_else(|| {
        let (name, rest) = word(text);
        if name.eq_ignore_ascii_case("tomorrow") {
            return Some((Day::Tomorrow, rest));
        }
        let weekday = Weekday::try_from(u8::try_from(named(&WEEKDAYS, name)?).ok()?).ok()?;
        Some((Day::Weekday(weekday), rest.trim_start_matches('.')))
    })
}

/// `2026-04-01`, `2026/4/1`, and the `T` before a time.
fn iso(text: &str) -> Option<(Day, &str)> {
    let (year, rest) = number(text, 4).filter(|_| text.bytes().take(4).all(|byte| byte.is_ascii_digit()))?;
    let separator = rest.chars().next().filter(|c| matches!(c, '-' | '/'))?;
    let (month, rest) = number(rest.strip_prefix(separator)?, 2)?;
    let (day, rest) = number(rest.strip_prefix(separator)?, 2)?;
    let date = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?;
    let time = rest.strip_prefix(['T', 't']).filter(|time| time.starts_with(|c: char| c.is_ascii_digit()));
    Some((Day::Full(date), time.unwrap_or(rest)))
}

/// `Oct 9`, `October 9th, 2026`.
fn month_first(text: &str) -> Option<(Day, &str)> {
    let (name, rest) = word(text);
    let month = named(&MONTHS, name)?;
    let (day, rest) = number(rest.trim_start_matches(['.', ' ']), 2)?;
    dated(month, day, rest)
}

/// `9 October 2026`, `9-Oct-2026`.
fn day_first(text: &str) -> Option<(Day, &str)> {
    let (day, rest) = number(text, 2)?;
    let (name, rest) = word(ordinal(rest).trim_start_matches([' ', '-']));
    dated(named(&MONTHS, name)?, day, rest.trim_start_matches('-'))
}

fn ordinal(text: &str) -> &str {
    ["st", "nd", "rd", "th"].iter().find_map(|end| text.strip_prefix(end)).unwrap_or(text)
}

/// Returns a month and a day, with their year if one follows.
fn dated(month: usize, day: u32, rest: &str) -> Option<(Day, &str)> {
    let (month, rest) = (u32::try_from(month).ok()? + 1, ordinal(rest));
    let year =
        number(rest.trim_start_matches([' ', ',']), 4).filter(|(year, rest)| *year >= 1_000 && !rest.starts_with(':'));
    match year {
        Some((year, rest)) => {
            Some((Day::Spelled(NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?), rest))
        }
        // A leap year, so that every day of any year exists.
        None => NaiveDate::from_ymd_opt(2_000, month, day).map(|_| (Day::OfYear(month, day), rest)),
    }
}

/// `5pm`, `3:00 PM`, `14:30:05.123`, `midnight`. The inner `None` means the form of a time without a valid value.
fn time(text: &str) -> Option<(Option<NaiveTime>, &str)> {
    let (name, rest) = word(text);
    match name.to_ascii_lowercase().as_str() {
        "midnight" => return Some((NaiveTime::from_hms_opt(0, 0, 0), rest)),
        "noon" => return Some((NaiveTime::from_hms_opt(12, 0, 0), rest)),
        _ => {}
    }
    let (hour, mut rest) = number(text, 2)?;
    let mut clock = [0; 2];
    let mut parts = 0;
    for part in &mut clock {
        let Some((value, behind)) = rest.strip_prefix(':').and_then(|behind| number(behind, 2)) else { break };
        (*part, rest) = (value, behind);
        parts += 1;
    }
    if let (2, Some(fraction)) = (parts, rest.strip_prefix('.')) {
        let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
        rest = if digits > 0 { fraction.get(digits..)? } else { rest };
    }
    let half = [("am", 0), ("pm", 12), ("a.m.", 0), ("p.m.", 12), ("a.m", 0), ("p.m", 12)].into_iter().find_map(
        |(name, add)| {
            let behind = strip(rest.trim_start_matches(' '), name)?;
            (!behind.starts_with(|c: char| c.is_alphanumeric())).then_some((add, behind))
        },
    );
    let [minute, second] = clock;
    match half {
        Some((add, rest)) => {
            let hour = (1..=12).contains(&hour).then_some(hour % 12 + add);
            Some((hour.and_then(|hour| NaiveTime::from_hms_opt(hour, minute, second)), rest))
        }
        None => (parts > 0).then(|| (NaiveTime::from_hms_opt(hour, minute, second), rest)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Wednesday, 1 July 2026, noon UTC.
    const NOW: Timestamp = Timestamp::from_millis(1_782_907_200_000);

    fn after(text: &str, home: Option<Zone>) -> Option<String> {
        let at = leading(text)?.within(home)?.after(NOW)?;
        Some(at.format("%Y-%m-%dT%H:%M:%S").to_string())
    }

    #[test]
    fn what_people_write() {
        for (text, expected) in [
            // A time of day in a zone.
            ("5pm (UTC)", Some("2026-07-01T17:00:00")),
            ("10:00 UTC. Top up", Some("2026-07-02T10:00:00")),
            ("12:00 UTC", Some("2026-07-02T12:00:00")),
            ("12:01 UTC", Some("2026-07-01T12:01:00")),
            ("10am (Asia/Seoul)", Some("2026-07-02T01:00:00")),
            ("3:00 PM PST", Some("2026-07-01T23:00:00")),
            ("3 p.m. PT", Some("2026-07-01T22:00:00")),
            ("14:30 GMT+2", Some("2026-07-01T12:30:00")),
            ("00:00 UTC", Some("2026-07-02T00:00:00")),
            ("12am UTC", Some("2026-07-02T00:00:00")),
            ("12pm (America/New_York)", Some("2026-07-01T16:00:00")),
            ("midnight Pacific time", Some("2026-07-02T07:00:00")),
            ("noon ET", Some("2026-07-01T16:00:00")),
            ("11:20am (Europe/Budapest)", Some("2026-07-02T09:20:00")),
            ("1pm (Etc/GMT+5)", Some("2026-07-01T18:00:00")),
            ("tomorrow at 9am UTC", Some("2026-07-02T09:00:00")),
            // A day as well.
            ("Monday 9am UTC", Some("2026-07-06T09:00:00")),
            ("Wed 11:00 UTC", Some("2026-07-08T11:00:00")),
            ("Wednesday at 13:00 UTC", Some("2026-07-01T13:00:00")),
            ("Oct 9, 5pm (Europe/Berlin)", Some("2026-10-09T15:00:00")),
            ("Oct 9th at 5:30 pm (Europe/Berlin)", Some("2026-10-09T15:30:00")),
            ("Jul 1, 11am UTC", None),
            ("Feb 29 9am UTC", None),
            ("Oct 14 (UTC)", Some("2026-10-14T00:00:00")),
            // A date.
            ("2026-11-13 05:13:20 +0800", Some("2026-11-12T21:13:20")),
            ("2026-11-13 05:13:20 (Asia/Shanghai)", Some("2026-11-12T21:13:20")),
            ("2026-11-13T05:13:20Z", Some("2026-11-13T05:13:20")),
            ("2026-11-13t05:13:20.5z.", Some("2026-11-13T05:13:20")),
            ("2026-11-13T05:13:20-07:00", Some("2026-11-13T12:13:20")),
            ("2026-11-13 05:13:20", Some("2026-11-13T05:13:20")),
            ("2026/11/13 at 05:13, or later", Some("2026-11-13T05:13:00")),
            ("2026-04-01 at 00:00 utc", Some("2026-04-01T00:00:00")),
            ("2026-04-01. Then", Some("2026-04-01T00:00:00")),
            ("Dec 29th, 2026 10:15 PM UTC", Some("2026-12-29T22:15:00")),
            ("Thu, 20 Nov 2026 10:00:00 GMT", Some("2026-11-20T10:00:00")),
            ("Tue Feb 16 2027 09:02:42 GMT+0100 (Central European Standard Time)", Some("2027-02-16T08:02:42")),
            // No zone, or none that is known.
            ("5pm", None),
            ("10pm. Upgrade", None),
            ("Oct 14", None),
            ("Aug 20, 2026, 7:38 AM", None),
            ("3:00 PM IST", None),
            ("5pm (Mars/Olympus)", None),
            ("2026-11-13 05:13:20 (Mars/Olympus)", None),
            ("2026-11-13 05:13:20 IST", None),
            ("2026-11-13 05:13:20 (local time)", None),
            // No time.
            ("5 UTC", None),
            ("25:00 UTC", None),
            ("13pm UTC", None),
            ("0am UTC", None),
            ("10:60 UTC", None),
            ("2026-13-01", None),
            ("2026-02-30", None),
            ("2026-04-01 at 25:00", None),
            ("26-04-01", None),
            ("20260-04-01", None),
            ("Foo 9, 5pm", None),
            ("Oct 32 5pm UTC", None),
            ("UTC", None),
            ("", None),
        ] {
            assert_eq!(after(text, None).as_deref(), expected, "{text}");
        }
        for (text, expected) in [
            ("midnight", Some("2026-07-02T07:00:00")),
            ("2026-11-13 05:13:20", Some("2026-11-13T13:13:20")),
            ("2026-11-13 05:13:20 UTC", Some("2026-11-13T05:13:20")),
            ("5pm IST", None),
        ] {
            assert_eq!(after(text, Some(Zone::PACIFIC)).as_deref(), expected, "{text}");
        }
        let far = leading("5pm UTC").unwrap().within(None).unwrap();
        for now in [i64::MIN, i64::MAX, 8_210_266_876_799_999] {
            assert_eq!(far.after(Timestamp::from_millis(now)), None, "{now}");
        }
    }
}
