//! A note that a refresh token is being sent, for the next holder of the lease if this one dies.

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};
use crate::secret::Secret;

/// The note on a profile's refresh token. It holds a hash of the token, not the token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Note {
    token: String,
    /// The token of the lease under which the refresh token was last sent.
    #[serde(default)]
    by: String,
    /// How many holders have sent the token without recording the outcome.
    sent: u32,
    denied: bool,
    /// `true` once another holder has found the note, or if its own holder gave up: nobody else waits from the start.
    #[serde(default)]
    found: bool,
}

impl Note {
    /// Creates the note of a holder that is about to send a token.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::RefreshDenied`] if the token was denied, or was sent twice by holders that died.
    pub(super) fn next(old: Option<Self>, refresh: &Secret, by: &str) -> Result<Self> {
        let token = digits(refresh);
        let old = old.filter(|old| old.token == token);
        let sent = old.as_ref().map_or(0, |old| old.sent);
        if old.is_some_and(|old| old.denied) {
            let message = "the endpoint denied the refresh token to another machine";
            return Err(Error::new(ErrorKind::RefreshDenied, message));
        }
        if sent > 1 {
            let message = "the refresh token was sent by machines that died before they wrote the new one";
            return Err(Error::new(ErrorKind::RefreshDenied, message));
        }
        Ok(Self { token, by: by.to_owned(), sent: sent + 1, denied: false, found: false })
    }

    pub(super) fn denied(refresh: &Secret) -> Self {
        Self { token: digits(refresh), by: String::new(), sent: 0, denied: true, found: false }
    }

    pub(super) fn is_by(&self, lease: &str) -> bool {
        self.by == lease
    }

    /// Returns `true` if another holder has found the note, or its own holder gave up.
    pub(super) fn is_found(&self) -> bool {
        self.found
    }

    pub(super) fn found(self) -> Self {
        Self { found: true, ..self }
    }

    /// Returns the name of the lease that lasts as long as others wait for the holder of this note.
    pub(super) fn wait_name(&self) -> String {
        format!("sent/{}", self.by)
    }

    /// Returns `true` if an earlier holder has sent the token and not recorded the outcome.
    pub(super) fn is_orphan(&self) -> bool {
        self.sent > 1
    }

    pub(super) fn read(text: &Secret) -> Option<Self> {
        serde_json::from_str(text.expose()).ok()
    }

    pub(super) fn to_text(&self) -> Secret {
        Secret::new(serde_json::to_string(self).unwrap_or_default())
    }
}

/// Returns a hash that tells tokens apart without revealing them.
fn digits(refresh: &Secret) -> String {
    use std::hash::Hasher as _;

    let mut hasher = siphasher::sip::SipHasher24::new();
    hasher.write(refresh.expose().as_bytes());
    format!("{:016x}", hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_sent_by_two_at_most_who_say_nothing_of_it() {
        let (one, two) = (Secret::new("refresh-1"), Secret::new("refresh-2"));
        let first = Note::next(None, &one, "lease").unwrap();
        assert!(!first.is_orphan() && !first.to_text().expose().contains("refresh-1"));
        let second = Note::next(Note::read(&first.to_text()), &one, "lease").unwrap();
        assert!(second.is_orphan());
        assert_eq!(Note::next(Some(second.clone()), &one, "lease").unwrap_err().kind(), ErrorKind::RefreshDenied);
        assert!(first.is_by("lease") && !first.is_found() && first.found().is_found());
        // Another token is another matter.
        assert!(!Note::next(Some(second), &two, "lease").unwrap().is_orphan());
        assert_eq!(Note::next(Some(Note::denied(&two)), &two, "lease").unwrap_err().kind(), ErrorKind::RefreshDenied);
        assert!(Note::next(Some(Note::denied(&two)), &one, "lease").is_ok());
    }
}
