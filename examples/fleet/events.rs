//! The events that machines report: one JSON object per line.

use std::io::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

/// Something that happened on a machine, at a time in microseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// A request was sent with a profile. `from` is when the load began by which it was picked, `probe` whether it was made
    /// although a window ran.
    Sent { profile: String, from: u64, at: u64, probe: bool },
    /// A limit of a profile is in the store: the store has said so.
    Committed { profile: String, at: u64 },
    /// A limit was seen in the store for the first time; `until` is its end in milliseconds.
    Learned { profile: String, until: u64, at: u64 },
    /// An update with this number was acknowledged.
    Wrote { number: u64 },
    /// Nothing is under way, and nothing will be.
    Rests,
    /// The machine is done. It found so many refresh tokens lost with their holder.
    Ended { orphaned: u64 },
}

/// The time in microseconds, the same for all processes of one computer.
pub(crate) fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_micros()).unwrap_or(u64::MAX)
}

impl Event {
    pub(crate) fn say(&self) {
        let line = match self {
            Self::Sent { profile, from, at, probe } => {
                json!({"event": "sent", "profile": profile, "from": from, "at": at, "probe": probe})
            }
            Self::Committed { profile, at } => json!({"event": "committed", "profile": profile, "at": at}),
            Self::Learned { profile, until, at } => {
                json!({"event": "learned", "profile": profile, "until": until, "at": at})
            }
            Self::Wrote { number } => json!({"event": "wrote", "number": number}),
            Self::Rests => json!({"event": "rests"}),
            Self::Ended { orphaned } => json!({"event": "ended", "orphaned": orphaned}),
        };
        let mut out = std::io::stdout().lock();
        // The pipe is closed once the leader is gone, and then this process ends too.
        let _ = writeln!(out, "{line}").and_then(|()| out.flush());
    }

    /// Reads a line; `None` for one that was cut off because its machine died.
    pub(crate) fn read(line: &str) -> Option<Self> {
        let line: Value = serde_json::from_str(line).ok()?;
        let number = |name: &str| line.get(name)?.as_u64();
        let profile = || Some(line.get("profile")?.as_str()?.to_owned());
        Some(match line.get("event")?.as_str()? {
            "sent" => {
                let probe = line.get("probe")?.as_bool()?;
                Self::Sent { profile: profile()?, from: number("from")?, at: number("at")?, probe }
            }
            "committed" => Self::Committed { profile: profile()?, at: number("at")? },
            "learned" => Self::Learned { profile: profile()?, until: number("until")?, at: number("at")? },
            "wrote" => Self::Wrote { number: number("number")? },
            "rests" => Self::Rests,
            "ended" => Self::Ended { orphaned: number("orphaned")? },
            _ => return None,
        })
    }
}
