//! Classification of errors of `reqwest`.

use std::error::Error as StdError;
use std::io;

use super::classifier::FailureClassifier;
use super::failure::Failure;
use super::transport::TransportError;

/// Converts a `reqwest` error by its status if it has one, or else by its kind. Its text contains the URL, whose query
/// may be confidential, and is not kept.
impl From<&reqwest::Error> for Failure {
    fn from(error: &reqwest::Error) -> Self {
        match error.status() {
            Some(status) => FailureClassifier::of_status(status),
            None => TransportError::from(error).into(),
        }
    }
}

/// Words in the causes of a failed connection, as reqwest 0.12 and 0.13 with hyper-util, rustls and native-tls write
/// them, in lower case. The first row that matches decides.
const CAUSES: [(&str, TransportError); 10] = [
    ("scheme is not http", TransportError::NoTls),
    ("tunnel", TransportError::Proxy),
    ("proxy", TransportError::Proxy),
    ("socks", TransportError::Proxy),
    ("dns error", TransportError::Dns),
    ("failed to lookup address", TransportError::Dns),
    ("certificate", TransportError::Tls),
    ("handshake", TransportError::Tls),
    ("tls", TransportError::Tls),
    ("ssl", TransportError::Tls),
];

impl From<&reqwest::Error> for TransportError {
    fn from(error: &reqwest::Error) -> Self {
        if error.is_connect() {
            return connection(error);
        }
        if error.is_timeout() {
            Self::TimedOut
        } else if error.is_redirect() {
            Self::Redirect
        } else if error.is_builder() {
            Self::Request
        } else if error.is_body() || error.is_decode() {
            Self::Body
        } else {
            Self::Reset
        }
    }
}

fn told(cause: &str) -> Option<TransportError> {
    CAUSES.iter().find(|(words, _)| cause.contains(words)).map(|(_, error)| *error)
}

fn connection(error: &reqwest::Error) -> TransportError {
    let causes =
        || std::iter::successors(StdError::source(error), |cause: &&(dyn StdError + 'static)| (**cause).source());
    let texts: Vec<String> = causes().map(|cause| cause.to_string().to_ascii_lowercase()).collect();
    let told = texts.iter().find_map(|text| told(text));
    let late = || {
        causes().filter_map(|cause| cause.downcast_ref::<io::Error>()).any(|io| io.kind() == io::ErrorKind::TimedOut)
    };
    match told {
        Some(error) => error,
        None if error.is_timeout() || late() => TransportError::ConnectTimedOut,
        None => TransportError::Connect,
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::time::Duration;

    use super::*;
    use crate::clock::Timestamp;
    use crate::reason::FailureReason;

    /// A name server that never answers.
    struct Silent;
    impl reqwest::dns::Resolve for Silent {
        fn resolve(&self, _: reqwest::dns::Name) -> reqwest::dns::Resolving {
            Box::pin(std::future::pending())
        }
    }

    fn outcome(build: impl FnOnce(reqwest::ClientBuilder) -> reqwest::ClientBuilder, url: &str) -> reqwest::Error {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let client = build(reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(20))).build().unwrap();
        runtime.block_on(async { client.get(url).send().await?.bytes().await }).unwrap_err()
    }

    fn listener() -> (TcpListener, String) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/?key=sk-1", listener.local_addr().unwrap());
        (listener, url)
    }

    /// Answers one connection with these bytes, and closes it.
    fn says(bytes: &'static [u8]) -> String {
        use std::io::{Read as _, Write as _};
        let (listener, url) = listener();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(bytes);
        });
        url
    }

    #[test]
    fn each_failure_of_the_client_has_its_name() {
        let same = |builder| builder;
        let (silent, url) = listener();
        let error = outcome(|builder| builder.timeout(Duration::from_millis(50)), &url);
        assert_eq!(TransportError::from(&error), TransportError::TimedOut);
        let failure = Failure::from(&error);
        assert_eq!((failure.reason(), failure.deadline()), (FailureReason::Timeout, None::<Timestamp>));
        assert!(!format!("{failure} {failure:?} {}", failure.help()).contains("sk-1"));

        let slow = |builder: reqwest::ClientBuilder| {
            builder.dns_resolver(std::sync::Arc::new(Silent)).connect_timeout(Duration::from_millis(20))
        };
        let error = outcome(slow, "http://silent.invalid/");
        assert_eq!(TransportError::from(&error), TransportError::ConnectTimedOut);
        drop(silent);
        for (error, expected) in [
            (outcome(same, &url), TransportError::Connect),
            (outcome(same, "http://no.such.host.invalid/"), TransportError::Dns),
            (outcome(same, &says(b"")), TransportError::Reset),
            (outcome(same, &says(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{")), TransportError::Body),
        ] {
            assert_eq!(TransportError::from(&error), expected, "{error:?}");
        }

        let built = reqwest::Client::new().get("http://[").build().unwrap_err();
        assert_eq!(Failure::from(&built).reason(), FailureReason::Format);

        let answer = http::Response::builder().status(529).body("").unwrap();
        let status = reqwest::Response::from(answer).error_for_status().unwrap_err();
        assert_eq!(Failure::from(&status).reason(), FailureReason::Overloaded);
    }

    /// Causes as the libraries write them, for the rows that a test without TLS cannot reach.
    #[test]
    fn causes_are_known_by_their_words() {
        for (cause, expected) in [
            ("invalid url, scheme is not http", Some(TransportError::NoTls)),
            ("tunnel error: unsuccessful", Some(TransportError::Proxy)),
            ("proxy authorization required", Some(TransportError::Proxy)),
            ("socks error: command not supported", Some(TransportError::Proxy)),
            ("dns error", Some(TransportError::Dns)),
            ("failed to lookup address information: name or service not known", Some(TransportError::Dns)),
            ("invalid peer certificate: unknownissuer", Some(TransportError::Tls)),
            ("received fatal alert: handshakefailure", Some(TransportError::Tls)),
            ("unexpected eof during tls shutdown", Some(TransportError::Tls)),
            ("the openssl library reported an error", Some(TransportError::Tls)),
            ("tcp connect error", None),
        ] {
            assert_eq!(told(cause), expected, "{cause}");
        }
    }

    /// Pins the words of the locked reqwest; with a TLS feature the same request fails elsewhere.
    #[cfg(not(feature = "rustls"))]
    #[test]
    fn a_client_without_tls_is_known() {
        let error = outcome(|builder| builder, "https://127.0.0.1:1/");
        assert_eq!(TransportError::from(&error), TransportError::NoTls, "{error:?}");
    }
}
