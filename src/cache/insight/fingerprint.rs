//! Numbers that tell whether a section is the same, for logs.

use std::fmt;
use std::hash::Hasher as _;

use siphasher::sip::SipHasher24;

use crate::cache::body::{PromptSection, scan, unmarked};
use crate::error::Result;

/// One number for each section of a prompt: where two requests have the same one, the section's blocks are the same byte
/// for byte, cache markers aside.
///
/// The hash is `SipHash`-2-4 with a key of zeros, so the numbers are the same on every platform and in every release, and
/// say nothing about the text.
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
    /// The definitions of tools.
    pub tools: u64,
    /// The system prompt.
    pub system: u64,
    /// The messages. This one changes whenever the conversation grows.
    pub messages: u64,
}

impl PromptFingerprint {
    /// Computes the fingerprint of a body.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidBody`](crate::ErrorKind::InvalidBody) or [`ErrorKind::TooDeep`](crate::ErrorKind::TooDeep) if it
    /// is no request body.
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
