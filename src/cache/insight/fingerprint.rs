//! Hashes of the sections of a prompt, for logs.

use std::fmt;
use std::hash::Hasher as _;

use siphasher::sip::SipHasher24;

use crate::cache::body::{PromptSection, scan, unmarked};
use crate::error::Result;

/// A hash of each section of a prompt, without its cache markers. If two requests have the same hash, the section's
/// blocks are the same byte for byte.
///
/// The hash is `SipHash`-2-4 with a key of zeros, so the numbers are the same on every platform and in every release.
/// Logs can compare prompts without their text.
///
/// # Examples
///
/// ```
/// use provider_auth::CacheRetention;
/// use provider_auth::cache::{BreakpointOptions, PromptFingerprint, mark_body};
///
/// let body = br#"{"system":"Be brief.","messages":[{"role":"user","content":"Hello"}]}"#;
/// let (marked, _) = mark_body(body.to_vec(), &BreakpointOptions::new(CacheRetention::Short))?;
/// let (plain, marked) = (PromptFingerprint::of(body)?, PromptFingerprint::of(&marked)?);
/// assert_eq!(plain, marked);
/// assert_eq!(plain.to_string().len(), "tools 0123456789abcdef, system 0123456789abcdef, messages 0123456789abcdef".len());
/// # Ok::<(), provider_auth::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct PromptFingerprint {
    /// The hash of the tool definitions.
    pub tools: u64,
    /// The hash of the system prompt.
    pub system: u64,
    /// The hash of the messages, which changes whenever the conversation grows.
    pub messages: u64,
}

impl PromptFingerprint {
    /// Computes the fingerprint of a body.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidBody`](crate::ErrorKind::InvalidBody) or [`ErrorKind::TooDeep`](crate::ErrorKind::TooDeep)
    /// if it is not a request body.
    pub fn of(body: &[u8]) -> Result<Self> {
        let layout = scan(body)?;
        let of = |section: PromptSection<'_>| {
            let mut hasher = SipHasher24::new();
            for (index, block) in section.blocks.iter().enumerate() {
                let text = unmarked((body, section, index, block));
                hasher.write_u64(u64::from(block.path.message().unwrap_or_default()));
                hasher.write_u64(u64::from(block.user));
                hasher.write_u64(text.len() as u64);
                hasher.write(&text);
            }
            hasher.finish()
        };
        Ok(Self { tools: of(layout.tools()), system: of(layout.system()), messages: of(layout.messages()) })
    }
}

impl fmt::Display for PromptFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tools {:016x}, system {:016x}, messages {:016x}", self.tools, self.system, self.messages)
    }
}
