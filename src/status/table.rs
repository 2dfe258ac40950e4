//! The report as text for people: aligned columns, with colour on request.

use std::fmt::{self, Write as _};
use std::path::Path;
use std::time::Duration;

use super::health::Health;
use super::report::{ProfileStatus, ProviderStatus, StatusReport};
use crate::error::{Severity, Shown};
use crate::headroom::{Limit, ProfileHeadroom};
use crate::id::ProviderId;
use crate::select::Verdict;

/// The style of a cell in colour.
#[derive(Clone, Copy)]
enum Style {
    Plain,
    Heading,
    Good,
    Warn,
    Bad,
    Faint,
}

impl Style {
    /// The terminal's code for it.
    fn code(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Heading => Some("1"),
            Self::Good => Some("32"),
            Self::Warn => Some("33"),
            Self::Bad => Some("31"),
            Self::Faint => Some("2"),
        }
    }
}

/// A text and its style.
struct Cell(String, Style);

impl Cell {
    /// Creates a cell from a text with names in it, whose control characters are escaped.
    fn new(text: impl AsRef<str>, style: Style) -> Self {
        Self(Shown::new(text.as_ref()).to_string(), style)
    }

    fn paint(&self, color: bool) -> String {
        match self.1.code().filter(|_| color) {
            Some(code) => format!("\u{1b}[{code}m{}\u{1b}[0m", self.0),
            None => self.0.clone(),
        }
    }
}

/// Writes the report for people: where everything is, what each provider uses now, the health and state of each profile,
/// what is left of its limits, and what is wrong.
///
/// Secrets are masked as by [`mask_secret`](super::mask_secret), so that their owner can tell them apart. Times are
/// relative to the time of the report, and names are written through [`Shown`]. There is no line break at the end.
/// [`colored`](Self::colored) adds colours.
///
/// # Examples
///
/// ```
/// use provider_auth::status::StatusReport;
/// use provider_auth::{AuthProfiles, Config, Environment, ReadOptions, Timestamp};
///
/// let config = Config::from_json5_str("{}", &ReadOptions::new().environment(Environment::empty()))?;
/// let profiles = AuthProfiles::from_json(r#"{"version": 1, "profiles": {
///     "anthropic:work": {"type": "api_key", "provider": "anthropic", "key": "sk-ant-made-up-key-of-mine"}}}"#)?;
/// let report = StatusReport::builder(&config, &profiles).build(Timestamp::from_millis(1_700_000_000_000));
///
/// let text = report.to_string();
/// assert!(text.ends_with("\
/// PROVIDER   USED NOW        FROM      WHAT
/// anthropic  anthropic:work  profiles  1 profile
///
/// PROFILE                     TYPE     HEALTH  STATE  LAST USED
/// anthropic:work=sk-a...mine  api_key  static  ready  -"), "{text}");
/// # Ok::<(), provider_auth::Error>(())
/// ```
impl fmt::Display for StatusReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&text(self, false))
    }
}

impl StatusReport {
    /// Returns the text of `Display` with the colours of a terminal. Ask first whether the output is one.
    #[must_use]
    pub fn colored(&self) -> String {
        text(self, true)
    }
}

fn text(report: &StatusReport, color: bool) -> String {
    let shown = |provider: &&ProviderStatus| {
        let has_key = provider.environment.is_some() || provider.config_key.is_some();
        !provider.profiles.is_empty() || has_key || provider.key_failure.is_some()
    };
    let mut out = String::new();
    table(&mut out, &head(report), color);
    let providers = report.providers.iter().filter(shown).map(|provider| provider_row(report, provider));
    headed(&mut out, ["PROVIDER", "USED NOW", "FROM", "WHAT"], providers, color);
    let profiles = report.profiles().map(|profile| profile_row(report, profile));
    headed(&mut out, ["PROFILE", "TYPE", "HEALTH", "STATE", "LAST USED"], profiles, color);
    let headroom = report.headroom.iter().map(|headroom| headroom_row(report, headroom));
    headed(&mut out, ["PROFILE", "MODEL", "HEADROOM"], headroom, color);
    if !report.missing_providers_in_use.is_empty() {
        let names: Vec<String> = report.missing_providers_in_use.iter().map(ProviderId::to_string).collect();
        let line = Cell(format!("No credential for: {}", names.join(", ")), Style::Bad);
        let _ = writeln!(out, "\n{}", line.paint(color));
    }
    if !report.diagnostics.is_empty() {
        out.push('\n');
    }
    for diagnostic in &report.diagnostics {
        let style = match diagnostic.severity {
            Severity::Error => Style::Bad,
            Severity::Warning => Style::Warn,
            Severity::Note => Style::Faint,
        };
        let _ = writeln!(out, "{}", Cell(diagnostic.to_string(), style).paint(color));
    }
    out.truncate(out.trim_end_matches('\n').len());
    out
}

fn head(report: &StatusReport) -> Vec<Vec<Cell>> {
    let line = |name: &str, value: String| vec![Cell::new(format!("{name}:"), Style::Faint), Cell(value, Style::Plain)];
    let path = |path: Option<&Path>| path.map_or_else(|| "-".to_owned(), |path| report.shortened(path));
    let shown = |name: &String| Shown::new(name).to_string();
    let list = |names: &[String]| {
        if names.is_empty() { "-".to_owned() } else { names.iter().map(shown).collect::<Vec<_>>().join(", ") }
    };
    let resolved = report.resolved_default.to_string();
    let default = if report.default_model == resolved {
        resolved
    } else {
        format!("{resolved} (from {})", Shown::new(&report.default_model))
    };
    let mut lines = vec![line("Config", path(report.config_path.as_deref()))];
    if let Some(agent) = &report.agent_id {
        lines.push(line("Agent", shown(agent)));
    }
    lines.push(line("Profiles", path(report.store_path.as_deref())));
    lines.push(line("Model", default));
    lines.push(line("Fallbacks", list(&report.fallbacks)));
    lines.push(line("Image model", report.image_model.as_ref().map_or_else(|| "-".to_owned(), shown)));
    lines
}

fn provider_row(report: &StatusReport, status: &ProviderStatus) -> Vec<Cell> {
    let used = match (&status.used, status.retry_at) {
        (Some(id), _) => Cell::new(id.as_str(), Style::Good),
        (None, Some(at)) => Cell::new(format!("nothing for {}", short(at.saturating_since(report.now))), Style::Warn),
        (None, None) => Cell::new("nothing", Style::Bad),
    };
    let mut what = Vec::new();
    if !status.profiles.is_empty() {
        what.push(match status.profiles.len() {
            1 => "1 profile".to_owned(),
            count => format!("{count} profiles"),
        });
    }
    what.extend(status.environment.as_ref().map(|key| format!("{}={}", key.variable, key.label)));
    what.extend(status.config_key.as_ref().map(|label| format!("apiKey={label}")));
    what.extend(status.key_failure.map(|failure| format!("apiKey: {failure}")));
    vec![
        Cell::new(status.provider.as_str(), Style::Plain),
        used,
        Cell::new(status.effective.kind(), Style::Plain),
        Cell::new(what.join(", "), Style::Faint),
    ]
}

fn profile_row(report: &StatusReport, profile: &ProfileStatus) -> Vec<Cell> {
    let style = match profile.health {
        Health::Static | Health::Ok => Style::Good,
        Health::Expiring => Style::Warn,
        Health::Expired if profile.refreshable => Style::Warn,
        _ => Style::Bad,
    };
    let mut health = profile.health.to_string();
    if profile.wrong_unit {
        health.push_str(", time in another unit?");
    } else if let Some(at) = profile.expires {
        let (left, over) = (at.saturating_since(report.now), report.now.saturating_since(at));
        let distance = match profile.health {
            Health::Expired => format!(" {} ago", short(over)),
            _ => format!(", {} left", short(left)),
        };
        health.push_str(&distance);
    }
    if profile.refreshable {
        health.push_str(", refreshable");
    }
    let mut state = profile.verdict.code().replace('_', " ");
    if let Some((rest, until)) = profile.cooldown.and_then(|rest| Some((rest, rest.until()?))) {
        // Something else may keep it from being used too; the cooldown is shown anyway.
        state = if profile.verdict.is_cooling_down() {
            rest.code().to_owned()
        } else {
            format!("{state}, {}", rest.code())
        };
        let _ = write!(state, " {}", short(until.saturating_since(report.now)));
        if let Some(reason) = profile.reason() {
            let _ = write!(state, " ({reason})");
        }
    }
    let state_style = match profile.verdict {
        Verdict::Ready => Style::Good,
        verdict if verdict.is_cooling_down() => Style::Warn,
        Verdict::ExcludedByOrder | Verdict::NotConfigured | Verdict::NotRequested => Style::Faint,
        _ => Style::Bad,
    };
    let name = profile.label.rsplit_once(" [").map_or(&*profile.label, |(name, _)| name);
    let last_used = profile.last_used.map(|at| format!("{} ago", short(report.now.saturating_since(at))));
    vec![
        Cell::new(name, Style::Plain),
        Cell::new(profile.kind_name(), Style::Plain),
        Cell::new(health, style),
        Cell::new(state, state_style),
        Cell::new(last_used.unwrap_or_else(|| "-".to_owned()), Style::Faint),
    ]
}

fn headroom_row(report: &StatusReport, headroom: &ProfileHeadroom) -> Vec<Cell> {
    let left = |limit: &Limit| {
        let mut left = limit.clone();
        let reset = left.reset.take().map(|at| format!(", full in {}", short(at.saturating_since(report.now))));
        format!("{left}{}", reset.unwrap_or_default())
    };
    let limits: Vec<String> = headroom.limits.iter().map(left).collect();
    let model = headroom.model.as_deref().unwrap_or("-");
    vec![
        Cell::new(headroom.profile.as_str(), Style::Plain),
        Cell::new(model, Style::Plain),
        Cell(limits.join("; "), Style::Plain),
    ]
}

/// Writes a length of time in one unit, rounded: seconds below a minute, minutes below an hour, hours below two days,
/// else days.
fn short(time: Duration) -> String {
    let round = |value: u128, unit: u128| (value + unit / 2) / unit;
    let minutes = round(time.as_millis(), 60_000);
    let hours = round(minutes, 60);
    match time.as_secs() {
        seconds @ ..60 => format!("{seconds}s"),
        _ if minutes < 60 => format!("{minutes}m"),
        _ if hours < 48 => format!("{hours}h"),
        _ => format!("{}d", round(hours, 24)),
    }
}

/// Writes an empty line and a table with a heading, or nothing if it has no rows.
fn headed<const N: usize>(out: &mut String, names: [&str; N], rows: impl Iterator<Item = Vec<Cell>>, color: bool) {
    let mut all = vec![names.into_iter().map(|name| Cell::new(name, Style::Heading)).collect()];
    all.extend(rows);
    if all.len() > 1 {
        out.push('\n');
        table(out, &all, color);
    }
}

/// Writes rows with aligned columns, without trailing blanks.
fn table(out: &mut String, rows: &[Vec<Cell>], color: bool) {
    let width = |cell: &Cell| cell.0.chars().count();
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let widths: Vec<usize> = (0..columns)
        .map(|column| rows.iter().filter_map(|row| row.get(column)).map(width).max().unwrap_or_default())
        .collect();
    for row in rows {
        let last = row.iter().rposition(|cell| !cell.0.is_empty()).unwrap_or_default();
        for (column, (cell, wide)) in row.iter().zip(&widths).enumerate().take(last + 1) {
            out.push_str(&cell.paint(color));
            if column < last {
                out.extend(std::iter::repeat_n(' ', wide + 2 - width(cell)));
            }
        }
        out.push('\n');
    }
}
