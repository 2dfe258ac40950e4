//! Releases of OpenClaw that read the same configuration differently.

/// A release by year, month and number, as in `meta.lastTouchedVersion`: `2026.9.6`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Release(u32, u32, u32);

impl Release {
    /// The assumed release of a configuration without a stamp.
    pub(crate) const FEBRUARY: Self = Self(2026, 2, 9);
    /// The last examined release before `agents.entries`.
    pub(super) const JULY: Self = Self(2026, 7, 1);
    /// The first release with `agents.entries`.
    const ENTRIES: Self = Self(2026, 8, 1);
    /// The newest examined release.
    pub(super) const SEPTEMBER: Self = Self(2026, 9, 6);

    /// Parses the stamp of a configuration. A suffix after the three numbers (`-beta.1`) is ignored.
    pub(super) fn parse(stamp: &str) -> Option<Self> {
        let mut parts = stamp.trim().trim_start_matches('v').splitn(3, '.');
        let number = |part: &str| {
            let digits = part.split(|c: char| !c.is_ascii_digit()).next()?;
            digits.parse::<u32>().ok()
        };
        let (year, month) = (number(parts.next()?)?, number(parts.next()?)?);
        Some(Self(year, month, parts.next().and_then(number).unwrap_or(0)))
    }

    /// Returns the release that a configuration belongs to: its stamp, unless that is older than `agents.entries` in a
    /// file that has them. `otherwise` is the release if neither shows it.
    pub(super) fn of(stamp: Option<&str>, has_entries: bool, otherwise: Self) -> Self {
        match stamp.and_then(Self::parse) {
            Some(release) if release >= Self::ENTRIES || !has_entries => release,
            _ if has_entries => Self::SEPTEMBER,
            _ => otherwise,
        }
    }

    /// Returns `true` since August 2026: agents are `agents.entries`, a policy decides which models are allowed, and
    /// names without a provider are `OpenAI`'s.
    pub(crate) fn has_entries(self) -> bool {
        self >= Self::ENTRIES
    }

    /// Returns the value of a dated table for this release: that of the last row that is not later.
    pub(super) fn pick<T: Copy>(self, rows: &[(Self, T)]) -> Option<T> {
        rows.iter().take_while(|(since, _)| *since <= self).last().map(|(_, value)| *value)
    }
}

impl Default for Release {
    fn default() -> Self {
        Self::FEBRUARY
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_release_of_a_configuration() {
        for (stamp, has_entries, release) in [
            (None, false, Release::FEBRUARY),
            (None, true, Release::SEPTEMBER),
            (Some("2026.9.6"), true, Release::SEPTEMBER),
            (Some("2026.9.6"), false, Release::SEPTEMBER),
            (Some("2026.10.1-beta.2"), true, Release(2026, 10, 1)),
            (Some("2026.8.1"), false, Release::ENTRIES),
            (Some("v2026.7.1"), false, Release::JULY),
            (Some("2026.7.1"), true, Release::SEPTEMBER),
            (Some("2026.1.29"), false, Release(2026, 1, 29)),
            (Some("main"), false, Release::FEBRUARY),
            (Some("2026"), true, Release::SEPTEMBER),
        ] {
            assert_eq!(Release::of(stamp, has_entries, Release::FEBRUARY), release, "{stamp:?} {has_entries}");
        }
        assert_eq!(Release::of(None, false, Release::JULY), Release::JULY);
        assert!(Release::ENTRIES.has_entries() && !Release::JULY.has_entries());
    }

    #[test]
    fn a_table_with_dates() {
        let rows = [(Release::FEBRUARY, 'a'), (Release::JULY, 'b'), (Release::SEPTEMBER, 'c')];
        for (release, value) in [
            (Release(2026, 1, 1), None),
            (Release::FEBRUARY, Some('a')),
            (Release(2026, 6, 11), Some('a')),
            (Release::ENTRIES, Some('b')),
            (Release(2027, 1, 1), Some('c')),
        ] {
            assert_eq!(release.pick(&rows), value, "{release:?}");
        }
    }
}
