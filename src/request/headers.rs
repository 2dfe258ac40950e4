//! Merges headers: built-in ones, then the endpoint's, then the call's; later ones replace earlier ones.

use http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};

use super::auth::value_of;
use super::beta::BetaList;
use crate::credential::is_auth_header;
use crate::error::{Error, ErrorKind, Result, Shown};
use crate::secret::Secret;

pub(super) const ANTHROPIC_VERSION: HeaderName = HeaderName::from_static("anthropic-version");
pub(super) const ANTHROPIC_BETA: HeaderName = HeaderName::from_static("anthropic-beta");

/// Headers whose values may be shown.
const SHOWN: [HeaderName; 4] = [CONTENT_TYPE, ACCEPT, ANTHROPIC_VERSION, ANTHROPIC_BETA];

/// The capacity for the headers of most requests.
const USUAL: usize = 12;

/// Headers that belong to the connection or to the sent body; set by a caller they would contradict it.
const CONNECTION: [&str; 10] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Returns `true` if a value may appear in debug output and logs.
pub(super) fn is_shown(name: &HeaderName) -> bool {
    SHOWN.contains(name)
}

/// The headers of an unfinished request.
pub(super) struct Headers {
    pub(super) map: HeaderMap,
    pub(super) betas: BetaList,
    /// The headers that the credential goes into.
    taken: Vec<HeaderName>,
}

impl Headers {
    /// Creates an empty set. Only the credential may set the headers in `taken`.
    pub(super) fn new(taken: Vec<HeaderName>) -> Self {
        Self { map: HeaderMap::with_capacity(USUAL), betas: BetaList::default(), taken }
    }

    /// Sets a header, or merges it if it is the list of beta flags.
    ///
    /// Names are compared without regard to case. Values are secret unless the header is one of those shown.
    pub(super) fn set(&mut self, name: &str, value: &Secret) -> Result<()> {
        let name = name_of(name)?;
        if is_auth_header(&name) || self.taken.contains(&name) {
            let name = Shown::new(name.as_str());
            let message = format!("the header {name} would authenticate the request a second time");
            return Err(Error::new(ErrorKind::ConflictingAuthHeader, message));
        }
        check(&name, value)?;
        if name == ANTHROPIC_BETA {
            self.betas.merge(&BetaList::parse(value.expose())?);
            return Ok(());
        }
        let mut value = value_of(value.clone()).ok_or_else(|| {
            let name = Shown::new(name.as_str());
            refused(&format!("the value of the header {name} has characters that are not allowed there"))
        })?;
        value.set_sensitive(!is_shown(&name));
        put(&mut self.map, name, value)
    }

    /// Takes over the headers of a request that another library built and merges its beta flags. Headers that
    /// authenticate are removed later, when the secret is added.
    pub(super) fn take(&mut self, mut given: HeaderMap) -> Result<()> {
        if given.is_empty() {
            return Ok(());
        }
        self.betas.merge(&betas_of(&given)?);
        given.remove(ANTHROPIC_BETA);
        let mut last = None;
        // A header map yields the name only with its first value.
        for (name, value) in given {
            match (name, &last) {
                (Some(name), _) => {
                    put(&mut self.map, name.clone(), value)?;
                    last = Some(name);
                }
                (None, Some(name)) => {
                    self.map.try_append(name, value).map_err(|_| too_many())?;
                }
                (None, None) => {}
            }
        }
        Ok(())
    }

    /// Returns the finished map, with the beta flags if the host expects them in a header.
    pub(super) fn finish(mut self, betas_in_header: bool) -> Result<HeaderMap> {
        if betas_in_header && !self.betas.is_empty() {
            let value = HeaderValue::try_from(self.betas.to_value());
            let value = value.map_err(|_| refused("the beta flags are not a valid header value"))?;
            put(&mut self.map, ANTHROPIC_BETA, value)?;
        }
        Ok(self.map)
    }
}

/// Sets a header in place of others of its name. Uses `try_insert`, because `insert` panics beyond the limit of a
/// header map.
pub(super) fn put(map: &mut HeaderMap, name: HeaderName, value: HeaderValue) -> Result<()> {
    map.try_insert(name, value).map(|_| ()).map_err(|_| too_many())
}

fn too_many() -> Error {
    refused("the request has too many headers").with_help("leave headers out: no more than 24,000 can be sent at once")
}

/// Parses the name of a header.
pub(super) fn name_of(name: &str) -> Result<HeaderName> {
    HeaderName::from_bytes(name.as_bytes()).map_err(|_| refused("a header name is not valid"))
}

/// Refuses headers that belong to the connection, and values that would end the header.
pub(super) fn check(name: &HeaderName, value: &Secret) -> Result<()> {
    if CONNECTION.contains(&name.as_str()) {
        return Err(refused(&format!("the header {name} is set by the HTTP client only")));
    }
    if value.expose().bytes().any(|byte| byte.is_ascii_control()) {
        let name = Shown::new(name.as_str());
        return Err(refused(&format!("the value of the header {name} has a line break or control character")));
    }
    Ok(())
}

/// Removes the headers that the HTTP client sets itself.
#[cfg(feature = "client")]
pub(crate) fn remove_connection_headers(headers: &mut HeaderMap) {
    for name in CONNECTION {
        headers.remove(name);
    }
}

/// Returns the flags of all `anthropic-beta` headers.
pub(super) fn betas_of(headers: &HeaderMap) -> Result<BetaList> {
    let mut betas = BetaList::default();
    for value in headers.get_all(ANTHROPIC_BETA) {
        let value = value.to_str().map_err(|_| refused("the beta flags are not text"))?;
        betas.merge(&BetaList::parse(value)?);
    }
    Ok(betas)
}

pub(super) fn refused(message: &str) -> Error {
    Error::new(ErrorKind::InvalidHeader, message)
}
