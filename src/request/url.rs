//! From a base URL to the URL of the Messages API.

use http::Uri;

use crate::error::Result;
use crate::net::{checked, invalid};

/// Reads a base URL and adds the path of the Messages API. A query in the base URL stays behind the path.
pub(super) fn with_path(base: &str, path: &str) -> Result<Uri> {
    let uri = checked(base)?;
    let (Some(scheme), Some(authority)) = (uri.scheme(), uri.authority()) else {
        return Err(invalid("the URL is not absolute"));
    };
    let joined = join(uri.path(), path);
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    format!("{scheme}://{authority}{joined}{query}").parse().map_err(|_| invalid("the URL cannot be extended"))
}

/// People configure the base with and without the version, and sometimes the whole path.
fn join(base: &str, path: &str) -> String {
    if path.is_empty() {
        return base.to_owned();
    }
    let base = base.trim_end_matches('/');
    if base.ends_with(path) {
        return base.to_owned();
    }
    let version = path.split('/').nth(1).unwrap_or_default();
    match base.strip_suffix(version) {
        Some(parent) if parent.ends_with('/') && !version.is_empty() => {
            format!("{}{path}", parent.trim_end_matches('/'))
        }
        _ => format!("{base}{path}"),
    }
}
