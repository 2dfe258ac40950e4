//! Replies without a server, for tests of other programs.

use http::Response;

use super::attempt::Exchanged;
use super::form::is_event_stream;
use super::reply::Reply;
use super::rotator::Rotator;
use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::profile::AuthProfiles;
use crate::rotation::{Outcome, Rotation, Step};

impl Reply {
    /// Creates the reply of a rotation whose first attempt is answered with this response.
    pub(crate) fn made(
        rotator: Rotator,
        mut rotation: Rotation,
        profiles: &AuthProfiles,
        response: Response<Vec<u8>>,
        now: Timestamp,
    ) -> Result<Self> {
        let attempt = match rotation.next(profiles, now) {
            Step::Attempt(attempt) => attempt,
            Step::End(failure) => return Err(failure.into()),
            Step::Pause(_) => return Err(Error::new(ErrorKind::Unavailable, "the call has to wait")),
        };
        let (status, is_stream) = (response.status(), is_event_stream(response.headers()));
        rotation.report(&attempt, Outcome::Answered { status: Some(status), complete: !is_stream }, now);
        let (response, body) = if is_stream {
            (response.into(), None)
        } else {
            let (parts, body) = response.into_parts();
            (Response::from_parts(parts, Vec::new()).into(), Some(body.into()))
        };
        let exchanged = Exchanged { response, body, notes: Vec::new(), sent: bytes::Bytes::new(), plan: None };
        let (attempts, unserved) = rotation.into_parts();
        Ok(Self::new(rotator, exchanged, &attempt).with_attempts(attempts, unserved))
    }
}
