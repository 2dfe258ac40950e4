//! Errors of the server and of the connection, without its text, address or URL.

use std::io;

use redis::{ErrorKind as Kind, RedisError};

use crate::error::{Error, ErrorKind};

const OF_SCRIPTS: [&str; 8] =
    ["CLUSTERDOWN", "LOADING", "MISCONF", "NOPERM", "NOREPLICAS", "OOM", "READONLY", "WRONGTYPE"];

/// Returns the code with which a server refused a call; `None` if the error is not from the server.
pub(super) fn code(error: &RedisError) -> Option<&str> {
    let (code, detail) = (error.code()?, error.detail().unwrap_or_default());
    if code != "ERR" {
        return Some(code);
    }
    if detail.starts_with("max number of clients") {
        return Some("BUSY");
    }
    // The client reports a refused `SELECT` without its code.
    if detail.contains("user executing the script") || detail.contains("has no permissions to run") {
        return Some("NOPERM");
    }
    // Up to Redis 6.2, the code of a command that failed in a script is part of the text.
    let mut words = detail.split_ascii_whitespace().map(|word| word.trim_start_matches('-'));
    let found = words.find_map(|word| OF_SCRIPTS.into_iter().find(|code| *code == word));
    found.filter(|_| detail.starts_with("Error running script")).or(Some(code))
}

/// Returns `true` if the server answered that it does not work at the moment, so that nothing was done.
pub(super) fn is_refusal(error: &RedisError) -> bool {
    code(error).is_some() && failure(error).kind() == ErrorKind::StoreUnavailable
}

pub(super) fn failure(error: &RedisError) -> Error {
    let away = |message: &str| Error::new(ErrorKind::StoreUnavailable, message);
    if error.is_io_error() || error.is_timeout() || error.is_connection_dropped() || error.is_connection_refusal() {
        let source = if error.is_timeout() { io::ErrorKind::TimedOut } else { io::ErrorKind::NotConnected };
        return away("the server that keeps the credentials cannot be reached").with_source(io::Error::from(source));
    }
    match (error.kind(), code(error)) {
        (Kind::AuthenticationFailed, _) | (_, Some("NOAUTH" | "NOPERM" | "WRONGPASS")) => {
            let message = "the server that keeps the credentials refuses this user";
            let help =
                "Check the user name and the password in the URL of the server, and the permissions of that user.";
            Error::new(ErrorKind::PermissionDenied, message).with_help(help)
        }
        (_, Some("OOM")) => {
            let message = "the server that keeps the credentials has no memory left";
            let help = "Give the server more memory, or remove other data from it; the stored credentials were left as they were.";
            Error::new(ErrorKind::StorageFull, message).with_help(help)
        }
        (_, Some("WRONGTYPE")) => {
            let message = "the server keeps something else under this agent's name";
            let help = "Use another name for the agent, or remove the other data.";
            Error::new(ErrorKind::Corrupt, message).with_help(help)
        }
        (Kind::InvalidClientConfig, _) => bad_url(),
        (Kind::UnexpectedReturnType | Kind::Parse, _) => {
            let message = "the server that keeps the credentials sent an unexpected answer";
            Error::new(ErrorKind::Io, message)
        }
        (Kind::Client, _) | (_, Some("ERR" | "EXECABORT" | "CROSSSLOT")) => {
            let message = "the server that keeps the credentials refused a command";
            let help = "Check that it is Redis 6.2 or newer, or Valkey, and allows scripts.";
            Error::new(ErrorKind::Io, message).with_help(help)
        }
        // It is loading or failing over, has too few replicas, too many clients, or cannot write to its disk.
        _ => away("the server that keeps the credentials is not ready to work"),
    }
}

pub(super) fn bad_url() -> Error {
    let help = "Write the URL as `redis://user:password@host:port/0`; `rediss://` needs a program that is built with TLS support.";
    Error::new(ErrorKind::InvalidUrl, "the URL of the server that keeps the credentials cannot be used").with_help(help)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The error that an answer of a server is.
    fn answer(text: &str) -> RedisError {
        let value = redis::parse_redis_value(format!("{text}\r\n").as_bytes()).unwrap();
        value.extract_error().unwrap_err()
    }

    #[test]
    fn errors_within_scripts_are_what_they_are_on_old_servers_too() {
        let script = "-ERR Error running script (call to f_made_up): @user_script:3: @user_script: 3:";
        for (text, kind, is_no) in [
            (
                format!("{script} -READONLY You can't write against a read only replica."),
                ErrorKind::StoreUnavailable,
                true,
            ),
            (format!("{script} -MISCONF Redis is configured to save"), ErrorKind::StoreUnavailable, true),
            (
                format!("{script} -OOM command not allowed when used memory > 'maxmemory'."),
                ErrorKind::StorageFull,
                false,
            ),
            (format!("{script} WRONGTYPE Operation against a key"), ErrorKind::Corrupt, false),
            (format!("{script} something is nil"), ErrorKind::Io, false),
            ("-READONLY You can't write against a read only replica.".to_owned(), ErrorKind::StoreUnavailable, true),
            ("-MISCONF Redis is configured to save".to_owned(), ErrorKind::StoreUnavailable, true),
            ("-NOREPLICAS Not enough good replicas to write.".to_owned(), ErrorKind::StoreUnavailable, true),
            ("-ERR max number of clients reached".to_owned(), ErrorKind::StoreUnavailable, true),
            (
                "-ERR The user executing the script can't run this command".to_owned(),
                ErrorKind::PermissionDenied,
                false,
            ),
            ("-ERR unknown command OOM".to_owned(), ErrorKind::Io, false),
        ] {
            let error = answer(&text);
            assert_eq!((failure(&error).kind(), is_refusal(&error)), (kind, is_no), "{text}");
        }
        let cut = RedisError::from(io::Error::from(io::ErrorKind::TimedOut));
        assert!(failure(&cut).kind() == ErrorKind::StoreUnavailable && !is_refusal(&cut));
    }
}
