//! That a refresh token is being spent: a note for the next holder of the lease, should this one die.

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};
use crate::secret::Secret;

/// What is noted of the refresh token of a profile. Of the token itself there are a few digits that tell it from another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Note {
    token: String,
    /// The token of the lease under which it was last sent.
    #[serde(default)]
    by: String,
    /// How often it was sent by a holder who has not said what came of it.
    sent: u32,
    denied: bool,
}

impl Note {
    /// The note of the holder of a lease who sends a token now.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::RefreshDenied`] if it was denied, or was sent twice by holders who died: it is not sent again.
    pub(super) fn next(old: Option<Self>, refresh: &Secret, by: &str) -> Result<Self> {
        let token = digits(refresh);
        let old = old.filter(|old| old.token == token);
        let sent = old.as_ref().map_or(0, |old| old.sent);
        if old.is_some_and(|old| old.denied) {
            let message = "the refresh token was denied to another machine";
            return Err(Error::new(ErrorKind::RefreshDenied, message));
        }
        if sent > 1 {
            let message = "the refresh token was sent by machines that died before they wrote the new one";
            return Err(Error::new(ErrorKind::RefreshDenied, message));
        }
        Ok(Self { token, by: by.to_owned(), sent: sent + 1, denied: false })
    }

    /// The note on a token that the endpoint does not accept any more.
    pub(super) fn denied(refresh: &Secret) -> Self {
        Self { token: digits(refresh), by: String::new(), sent: 0, denied: true }
    }

    /// Returns whether it is the note of the holder of this lease.
    pub(super) fn is_by(&self, lease: &str) -> bool {
        self.by == lease
    }

    /// The note without the last holder, who did not send the token after all; `None` if that leaves nothing.
    pub(super) fn without_last(self) -> Option<Self> {
        let sent = self.sent.saturating_sub(1);
        (sent > 0).then_some(Self { sent, by: String::new(), ..self })
    }

    /// Returns `true` if somebody before has sent the token and not said what came of it.
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

/// Digits that tell a token from another one, and nothing of it.
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
        // One that was not sent after all is not counted.
        assert_eq!(second.clone().without_last().map(|note| note.sent), Some(1));
        assert!(first.is_by("lease") && first.without_last().is_none());
        // Another token is another matter.
        assert!(!Note::next(Some(second), &two, "lease").unwrap().is_orphan());
        assert_eq!(Note::next(Some(Note::denied(&two)), &two, "lease").unwrap_err().kind(), ErrorKind::RefreshDenied);
        assert!(Note::next(Some(Note::denied(&two)), &one, "lease").is_ok());
    }
}
