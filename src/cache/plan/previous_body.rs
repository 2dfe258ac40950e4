//! The previous body, read before the plan that needs it.

use std::fmt;

use super::earlier::Earlier;
use crate::cache::body::{BodyLayout, scan_to_compare};
#[cfg(doc)]
use crate::cache::{BreakpointOptions, mark_body};
use crate::error::Result;

/// The body of a session's previous request, with the places of its blocks.
///
/// Read it while the server answers: the next plan then has less to do. The plan compares the new body with this one, and
/// reads what differs and the few blocks that had markers ([`BreakpointOptions::previous_body`]). The sessions of a `Rotator` do the same by themselves. The places usually take
/// less than a tenth of the memory of the body.
///
/// # Examples
///
/// ```
/// use provider_auth::CacheRetention;
/// use provider_auth::cache::{BreakpointOptions, PreviousBody, mark_body};
///
/// let options = BreakpointOptions::new(CacheRetention::Short);
/// let first = br#"{"messages":[{"role":"user","content":"Hello"}]}"#.to_vec();
/// let (sent, _) = mark_body(first, &options)?;
/// let previous = PreviousBody::read(sent)?;
///
/// let next = br#"{"messages":[{"role":"user","content":"Hello"},{"role":"assistant","content":"Hi"},
///     {"role":"user","content":"How are you?"}]}"#.to_vec();
/// let (marked, plan) = mark_body(next.clone(), &options.clone().previous_body(&previous))?;
/// assert_eq!(mark_body(next, &options.previous(previous.as_bytes()))?, (marked, plan));
/// # Ok::<(), provider_auth::Error>(())
/// ```
#[derive(Clone)]
pub struct PreviousBody {
    body: Vec<u8>,
    layout: BodyLayout,
}

impl PreviousBody {
    /// Reads a body exactly as it was sent, with its markers.
    ///
    /// # Errors
    ///
    /// [`InvalidBody`](crate::ErrorKind::InvalidBody) and [`TooDeep`](crate::ErrorKind::TooDeep), as from [`mark_body`].
    pub fn read(body: impl Into<Vec<u8>>) -> Result<Self> {
        let body = body.into();
        let layout = scan_to_compare(&body)?.shrunk();
        Ok(Self { body, layout })
    }

    /// Returns the bytes of the body.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.body
    }

    pub(super) fn earlier(&self) -> Earlier<'_> {
        Earlier { body: &self.body, layout: Some(&self.layout), lifetimes: None }
    }
}

/// Shows the length of the body, not its text.
impl fmt::Debug for PreviousBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PreviousBody").field("bytes", &self.body.len()).finish_non_exhaustive()
    }
}
