//! Retention and lifetime of cached prompt prefixes: the configuration's names, and those of the API.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, ErrorKind, Result};

/// The retention that the provider is asked for: how long it keeps a prompt prefix.
///
/// Lifetimes are those of the Anthropic API (prompt caching page, 2026-09): five minutes, or one hour, for which a
/// written token costs twice as much as an uncached one. Every hit refreshes an entry.
///
/// # Examples
///
/// ```
/// use provider_auth::CacheRetention;
///
/// assert_eq!("long".parse::<CacheRetention>()?, CacheRetention::Long);
/// assert_eq!(CacheRetention::from_legacy_ttl("5m"), Some(CacheRetention::Short));
/// assert_eq!(CacheRetention::from_legacy_ttl("5M"), None);
/// # Ok::<(), provider_auth::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CacheRetention {
    /// No `cache_control` markers.
    None,
    /// The provider's default lifetime, five minutes. Written as a bare marker, without a `ttl`.
    Short,
    /// One hour, written as `"ttl": "1h"`.
    Long,
}

impl CacheRetention {
    /// Returns the retention for a legacy `cacheControlTtl` value: short for `5m`, long for `1h`, `None` for anything
    /// else.
    #[must_use]
    pub fn from_legacy_ttl(ttl: &str) -> Option<Self> {
        match ttl {
            "5m" => Some(Self::Short),
            "1h" => Some(Self::Long),
            _ => None,
        }
    }

    /// Returns the name in the configuration: `none`, `short` or `long`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Short => "short",
            Self::Long => "long",
        }
    }
}

impl fmt::Display for CacheRetention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for CacheRetention {
    type Err = Error;

    /// Parses the configuration's spelling, which is exact and in lower case.
    fn from_str(text: &str) -> Result<Self> {
        match text {
            "none" => Ok(Self::None),
            "short" => Ok(Self::Short),
            "long" => Ok(Self::Long),
            _ => Err(Error::new(ErrorKind::InvalidConfig, "a cache retention is `none`, `short` or `long`")),
        }
    }
}

/// The lifetime of a cache entry, counted from the start of the request; every hit refreshes it.
///
/// The Anthropic API has these two (prompt caching page, 2026-09).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum CacheTtl {
    /// Five minutes, `5m`. The lifetime of a marker without `ttl`.
    FiveMinutes,
    /// One hour, `1h`.
    OneHour,
}

impl CacheTtl {
    /// Returns the spelling on the wire, `5m` or `1h`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FiveMinutes => "5m",
            Self::OneHour => "1h",
        }
    }

    pub(crate) fn from_wire(text: &[u8]) -> Option<Self> {
        match text {
            b"5m" => Some(Self::FiveMinutes),
            b"1h" => Some(Self::OneHour),
            _ => None,
        }
    }
}

impl fmt::Display for CacheTtl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
