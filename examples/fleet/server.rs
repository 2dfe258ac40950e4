//! A Redis server, started by this example or named by a URL.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::Outcome;

pub(crate) struct Redis {
    url: String,
    own: Option<Own>,
}

/// A server that ends with its value.
struct Own {
    process: Child,
    _directory: tempfile::TempDir,
}

impl Drop for Own {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Redis {
    pub(crate) fn at(url: Option<&str>) -> Outcome<Self> {
        if let Some(url) = url {
            return Ok(Self { url: url.to_owned(), own: None });
        }
        // Another process may take the port meanwhile.
        for _ in 0..10 {
            if let Some(redis) = Self::start()? {
                return Ok(redis);
            }
        }
        Err("redis-server does not start".into())
    }

    fn start() -> Outcome<Option<Self>> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port().to_string();
        let directory = tempfile::tempdir()?;
        let process = Command::new("redis-server")
            .args(["--port", &port, "--bind", "127.0.0.1", "--save", "", "--loglevel", "warning", "--dir"])
            .arg(directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let process = process.map_err(|_| {
            "there is no redis-server here; get one with `apt-get install redis-server` or `brew install redis`, or name \
             the URL of another: fleet redis://localhost"
        })?;
        let mut redis =
            Self { url: format!("redis://127.0.0.1:{port}"), own: Some(Own { process, _directory: directory }) };
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(20) && redis.runs() {
            if redis.connect().is_ok() {
                return Ok(Some(redis));
            }
            sleep(Duration::from_millis(10));
        }
        Ok(None)
    }

    fn runs(&mut self) -> bool {
        self.own.as_mut().is_none_or(|own| matches!(own.process.try_wait(), Ok(None)))
    }

    fn connect(&self) -> redis::RedisResult<redis::Connection> {
        let mut connection = redis::Client::open(self.url())?.get_connection()?;
        redis::cmd("PING").query::<String>(&mut connection)?;
        Ok(connection)
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Removes what this example wrote to a server that it did not start.
    pub(crate) fn forget(&self, agent: &str) -> Outcome {
        if self.own.is_none() {
            let key = format!("{{provider-auth:{agent}}}");
            redis::cmd("DEL")
                .arg(key)
                .query::<()>(&mut self.connect().map_err(|_| "the server went away")?)
                .map_err(|_| "the profiles of this example could not be removed")?;
        }
        Ok(())
    }
}
