//! Time zones by name, as far as sentences about limits use them: fixed offsets, and the common rules of summer time. A
//! name that is not here is an unknown zone, and a time in it is no deadline.

use chrono::{Datelike, NaiveDate, NaiveDateTime, TimeDelta, Weekday};

use crate::clock::Timestamp;

/// An offset from UTC, in minutes, and the rules of summer time, if any.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Zone {
    standard: i16,
    summer: Option<&'static Summer>,
}

/// The moments at which clocks go forward by an hour, and back.
#[derive(Debug, PartialEq)]
struct Summer {
    begins: Turn,
    ends: Turn,
    /// `true` if the changes are the same moment in every zone, `false` if the same time of day.
    together: bool,
}

/// A Sunday of a month, of which the fifth means the last, and the minute after midnight: in UTC, or in standard time.
#[derive(Debug, PartialEq)]
struct Turn(u32, u8, i64);

/// The United States and Canada, since 2007 (15 U.S.C. 260a).
const AMERICA: Summer = Summer { begins: Turn(3, 2, 120), ends: Turn(11, 1, 60), together: false };
/// The European Union and the countries that follow it (Directive 2000/84/EC).
const EUROPE: Summer = Summer { begins: Turn(3, 5, 60), ends: Turn(10, 5, 60), together: true };
/// The south of Australia, since 2008.
const AUSTRALIA: Summer = Summer { begins: Turn(10, 1, 120), ends: Turn(4, 1, 120), together: false };
/// New Zealand, since 2007.
const NEW_ZEALAND: Summer = Summer { begins: Turn(9, 5, 120), ends: Turn(4, 1, 120), together: false };

/// Names by their standard offset in minutes and their summer time: names of the tz database in lower case, as of 2026,
/// and unambiguous abbreviations. `ist` and `cst`, for example, are several zones each.
#[rustfmt::skip]
const NAMES: [(i16, Option<&Summer>, &str); 53] = [
    (0, None, "utc gmt z ut wet etc/utc etc/gmt africa/abidjan africa/accra africa/dakar atlantic/reykjavik"),
    (60, None, "bst cet west wat africa/lagos africa/algiers africa/tunis"),
    (120, None, "cest eet cat sast africa/johannesburg africa/maputo europe/kaliningrad"),
    (180, None, "eest msk eat europe/moscow europe/istanbul asia/istanbul europe/minsk asia/riyadh asia/baghdad asia/kuwait asia/qatar africa/nairobi"),
    (210, None, "asia/tehran"),
    (240, None, "asia/dubai asia/baku asia/tbilisi asia/yerevan europe/samara"),
    (270, None, "asia/kabul"),
    (300, None, "pkt asia/karachi asia/tashkent asia/almaty asia/yekaterinburg"),
    (330, None, "asia/kolkata asia/calcutta asia/colombo india_standard_time"),
    (345, None, "asia/kathmandu asia/katmandu"),
    (360, None, "asia/dhaka asia/omsk"),
    (390, None, "asia/yangon asia/rangoon"),
    (420, None, "wib asia/bangkok asia/jakarta asia/ho_chi_minh asia/saigon asia/novosibirsk"),
    (480, None, "sgt hkt awst asia/shanghai asia/hong_kong asia/singapore asia/taipei asia/manila asia/kuala_lumpur asia/macau australia/perth beijing_time china_standard_time singapore_time"),
    (540, None, "jst kst asia/tokyo asia/seoul japan_standard_time korea_standard_time"),
    (570, None, "acst australia/darwin"),
    (600, None, "aest australia/brisbane asia/vladivostok"),
    (630, None, "acdt"),
    (660, None, "aedt"),
    (720, None, "nzst"),
    (780, None, "nzdt"),
    (-120, None, "ndt"),
    (-180, None, "adt brt america/sao_paulo america/argentina/buenos_aires america/buenos_aires america/montevideo"),
    (-240, None, "edt america/puerto_rico america/caracas america/la_paz america/santo_domingo america/manaus eastern_daylight_time"),
    (-300, None, "est cdt america/bogota america/lima america/panama america/jamaica america/guayaquil america/cancun eastern_standard_time central_daylight_time"),
    (-360, None, "mdt america/mexico_city america/regina america/costa_rica america/guatemala america/el_salvador mountain_daylight_time"),
    (-420, None, "mst pdt america/phoenix america/hermosillo pacific_daylight_time mountain_standard_time"),
    (-480, None, "pst akdt pacific_standard_time"),
    (-540, None, "akst"),
    (-600, None, "hst pacific/honolulu us/hawaii"),
    (-210, Some(&AMERICA), "america/st_johns"),
    (-240, Some(&AMERICA), "america/halifax atlantic/bermuda"),
    (-300, Some(&AMERICA), "et us/eastern america/new_york america/detroit america/toronto america/montreal america/indiana/indianapolis america/indianapolis america/kentucky/louisville eastern_time"),
    (-360, Some(&AMERICA), "ct us/central america/chicago america/winnipeg america/menominee central_time"),
    (-420, Some(&AMERICA), "mt us/mountain america/denver america/boise america/edmonton mountain_time"),
    (-480, Some(&AMERICA), "pt us/pacific america/los_angeles america/tijuana pacific_time pacific"),
    (-540, Some(&AMERICA), "us/alaska america/anchorage america/juneau"),
    (-60, Some(&EUROPE), "atlantic/azores"),
    (0, Some(&EUROPE), "europe/london europe/dublin europe/belfast europe/lisbon atlantic/canary atlantic/madeira"),
    (60, Some(&EUROPE), "europe/berlin europe/paris europe/madrid europe/rome europe/amsterdam europe/brussels europe/vienna europe/zurich"),
    (60, Some(&EUROPE), "europe/stockholm europe/oslo europe/copenhagen europe/prague europe/warsaw europe/budapest europe/belgrade europe/zagreb"),
    (60, Some(&EUROPE), "europe/ljubljana europe/bratislava europe/luxembourg europe/malta europe/sarajevo europe/skopje europe/tirane"),
    (60, Some(&EUROPE), "europe/podgorica europe/monaco europe/andorra europe/vaduz europe/san_marino europe/vatican europe/gibraltar arctic/longyearbyen"),
    (120, Some(&EUROPE), "europe/athens europe/helsinki europe/bucharest europe/sofia europe/kyiv europe/kiev europe/riga europe/tallinn"),
    (120, Some(&EUROPE), "europe/vilnius europe/mariehamn asia/nicosia"),
    (570, Some(&AUSTRALIA), "australia/adelaide"),
    (600, Some(&AUSTRALIA), "australia/sydney australia/melbourne australia/hobart australia/canberra australia/act"),
    (720, Some(&NEW_ZEALAND), "pacific/auckland"),
    (60, Some(&EUROPE), "central_european_time"),
    (60, None, "central_european_standard_time british_summer_time"),
    (120, None, "central_european_summer_time"),
    (0, None, "coordinated_universal_time greenwich_mean_time"),
    (600, None, "australian_eastern_standard_time"),
];

/// The length of the longest name, in words.
const WORDS: usize = 4;

impl Zone {
    pub(super) const UTC: Self = Self::fixed(0);
    /// China has no summer time.
    pub(super) const BEIJING: Self = Self::fixed(480);
    pub(super) const PACIFIC: Self = Self { standard: -480, summer: Some(&AMERICA) };

    const fn fixed(standard: i16) -> Self {
        Self { standard, summer: None }
    }

    /// Returns a zone by its name or abbreviation, or by its offset: `Asia/Seoul`, `PST`, `GMT+2`, `+08:00`.
    fn named(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        // These names count westward.
        if let Some(west) = name.strip_prefix("etc/gmt") {
            return if west.is_empty() { Some(Self::UTC) } else { offset(west).map(|minutes| Self::fixed(-minutes)) };
        }
        let offset = offset(name.strip_prefix("utc").or_else(|| name.strip_prefix("gmt")).unwrap_or(&name));
        let listed = || NAMES.iter().find(|(.., names)| names.split(' ').any(|known| known == name));
        offset
            .map(Self::fixed)
            .or_else(|| listed().map(|(standard, summer, _)| Self { standard: *standard, summer: *summer }))
    }

    /// Returns the local time at a moment.
    pub(super) fn local(self, at: Timestamp) -> Option<NaiveDateTime> {
        let utc = chrono::DateTime::from_timestamp_millis(at.as_millis())?.naive_utc();
        utc.checked_add_signed(TimeDelta::minutes(self.offset_at(utc)?))
    }

    /// Returns the moment of a local time, in UTC: the first one if there are two.
    pub(super) fn utc(self, local: NaiveDateTime) -> Option<NaiveDateTime> {
        let standard = i64::from(self.standard);
        let at = |offset| local.checked_sub_signed(TimeDelta::minutes(offset));
        let summer =
            self.summer.and_then(|_| at(standard + 60)).filter(|utc| self.offset_at(*utc) == Some(standard + 60));
        summer.or_else(|| at(standard))
    }

    fn offset_at(self, utc: NaiveDateTime) -> Option<i64> {
        let standard = i64::from(self.standard);
        let Some(Summer { begins, ends, together }) = self.summer else { return Some(standard) };
        let shown = if *together { utc } else { utc.checked_add_signed(TimeDelta::minutes(standard))? };
        let (begins, ends) = (begins.in_year(shown.year())?, ends.in_year(shown.year())?);
        let summer = if begins < ends { begins <= shown && shown < ends } else { shown < ends || begins <= shown };
        Some(standard + if summer { 60 } else { 0 })
    }
}

impl Turn {
    fn in_year(&self, year: i32) -> Option<NaiveDateTime> {
        let Self(month, week, minute) = *self;
        let sunday = |week| NaiveDate::from_weekday_of_month_opt(year, month, Weekday::Sun, week);
        let day = sunday(week).or_else(|| sunday(week - 1))?;
        day.and_hms_opt(0, 0, 0)?.checked_add_signed(TimeDelta::minutes(minute))
    }
}

/// Returns a signed offset, `+2`, `-07:00` or `+0530`, in minutes.
fn offset(text: &str) -> Option<i16> {
    let sign = match text.get(..1)? {
        "+" => 1,
        "-" => -1,
        _ => return None,
    };
    let digits = text.get(1..)?;
    let (hours, minutes) = match (digits.split_once(':'), digits.len()) {
        (Some(parts), _) => parts,
        (None, 4) => digits.split_at_checked(2)?,
        (None, _) => (digits, "0"),
    };
    let number = |part: &str| part.parse::<i16>().ok().filter(|_| part.len() <= 2 && !part.starts_with('+'));
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    (hours <= 14 && minutes < 60).then_some(sign * (hours * 60 + minutes))
}

/// The zone at the start of a text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Spoken {
    Known(Zone),
    /// It has the form of a zone, but is not in the table.
    Unknown,
}

/// Returns the zone at the start of a text, in brackets or not, and the rest.
pub(super) fn leading(text: &str) -> Option<(Spoken, &str)> {
    let text = text.trim_start_matches(' ');
    if let Some(inner) = text.strip_prefix(['(', '[']) {
        let end = inner.bytes().take(48).position(|byte| matches!(byte, b')' | b']'))?;
        let (name, rest) = (inner.get(..end)?.trim(), inner.get(end + 1..)?);
        return match bare(name) {
            Some((zone, left)) if left.trim().is_empty() || zone != Spoken::Unknown => Some((zone, rest)),
            // `(local time)`
            _ => name.ends_with("time").then_some((Spoken::Unknown, rest)),
        };
    }
    bare(text)
}

fn bare(text: &str) -> Option<(Spoken, &str)> {
    let word =
        |text: &str| text.find(|c: char| !c.is_ascii_alphanumeric() && !"/_+-:".contains(c)).unwrap_or(text.len());
    // The longest name first: `Pacific Time` before `Pacific`, `UTC +8` before `UTC`.
    let mut ends = [0; WORDS];
    let mut end = 0;
    for slot in &mut ends {
        end += word(text.get(end..)?);
        *slot = end;
        end += usize::from(text.get(end..)?.starts_with(' '));
    }
    let known = ends.iter().rev().find_map(|end| {
        let name = text.get(..*end)?.trim_end_matches([':', '-', '+', ' ']);
        let spelled = if name.len() <= 48 { name.replace(' ', "_") } else { return None };
        let zone = Zone::named(&spelled).or_else(|| Zone::named(&spelled.replace('_', "")))?;
        Some((Spoken::Known(zone), text.get(name.len()..)?))
    });
    known.or_else(|| {
        let (first, rest) = text.split_at_checked(*ends.first()?)?;
        let letters = |part: &str| {
            !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphabetic() || b"_-".contains(&byte))
        };
        let place = first.split_once('/').is_some_and(|(area, city)| letters(area) && city.split('/').all(letters));
        let short = (3..=5).contains(&first.len()) && first.bytes().all(|byte| byte.is_ascii_uppercase());
        let shifted = first.starts_with(['+', '-']) && first.len() > 2;
        (place || short || shifted).then_some((Spoken::Unknown, rest))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(text: &str) -> NaiveDateTime {
        NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M").unwrap()
    }

    #[test]
    fn names() {
        for (text, minutes, rest) in [
            ("UTC", Some(0), ""),
            ("utc) more", Some(0), ") more"),
            ("(UTC) more", Some(0), " more"),
            ("Z", Some(0), ""),
            ("GMT+2.", Some(120), "."),
            ("UTC +05:30", Some(330), ""),
            ("UTC-7", Some(-420), ""),
            ("(UTC+8)", Some(480), ""),
            ("UTC - or later", Some(0), " - or later"),
            ("+0800", Some(480), ""),
            ("-07:00", Some(-420), ""),
            ("(Asia/Seoul)", Some(540), ""),
            ("Asia/Ho_Chi_Minh.", Some(420), "."),
            ("(Asia/Ho Chi Minh)", Some(420), ""),
            ("America/Argentina/Buenos_Aires", Some(-180), ""),
            ("Etc/GMT+5", Some(-300), ""),
            ("PST", Some(-480), ""),
            ("Pacific Time. x", Some(-480), ". x"),
            ("China Standard Time", Some(480), ""),
        ] {
            let (Some((Spoken::Known(zone), left)), Some(minutes)) = (leading(text), minutes) else { panic!("{text}") };
            assert_eq!((zone.standard, left), (minutes, rest), "{text}");
        }
        for text in ["IST", "CST", "(IST)", "Mars/Olympus", "(Mars/Olympus)", "(local time)", "GMT+99", "+9999", "XYZ."]
        {
            assert!(matches!(leading(text), Some((Spoken::Unknown, _)) | None), "{text}");
        }
        for text in ["", "to continue", "Please", "(in 3 hours)", "https://example.com/a", ". UTC", "\u{fc}UTC", "("] {
            assert_eq!(leading(text), None, "{text}");
        }
    }

    #[test]
    fn names_stand_once_in_the_table() {
        let names: Vec<&str> = NAMES.iter().flat_map(|(.., names)| names.split(' ')).collect();
        let unique: std::collections::HashSet<&str> = names.iter().copied().collect();
        assert_eq!(unique.len(), names.len());
        assert!(names.iter().all(|name| *name == name.to_lowercase()));
    }

    #[test]
    fn summer_time() {
        for (zone, local, utc) in [
            ("america/new_york", "2026-03-08T01:59", "2026-03-08T06:59"),
            ("america/new_york", "2026-03-08T03:00", "2026-03-08T07:00"),
            // Shown never: an hour later than it would have been.
            ("america/new_york", "2026-03-08T02:30", "2026-03-08T07:30"),
            // Shown twice: the first.
            ("america/new_york", "2026-11-01T01:30", "2026-11-01T05:30"),
            ("america/new_york", "2026-11-01T02:00", "2026-11-01T07:00"),
            ("europe/berlin", "2026-03-29T01:59", "2026-03-29T00:59"),
            ("europe/berlin", "2026-03-29T03:00", "2026-03-29T01:00"),
            ("europe/london", "2026-07-01T12:00", "2026-07-01T11:00"),
            ("europe/berlin", "2026-10-25T03:00", "2026-10-25T02:00"),
            ("australia/sydney", "2026-01-15T12:00", "2026-01-15T01:00"),
            ("australia/sydney", "2026-06-15T12:00", "2026-06-15T02:00"),
            ("australia/adelaide", "2026-10-04T03:00", "2026-10-03T16:30"),
            ("pacific/auckland", "2026-04-05T04:00", "2026-04-04T16:00"),
            ("asia/seoul", "2026-07-01T00:30", "2026-06-30T15:30"),
        ] {
            let zone = Zone::named(zone).unwrap();
            assert_eq!(zone.utc(moment(local)), Some(moment(utc)), "{local}");
        }
        for year in [-262_143, 262_142] {
            let edge = NaiveDate::from_ymd_opt(year, 1, 1).unwrap().and_hms_opt(0, 0, 0).unwrap();
            let _nothing_panics = Zone::PACIFIC.utc(edge);
        }
    }
}
