//! A Redis server for the tests.

use std::ffi::OsString;
use std::io::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::thread::sleep;
use std::time::{Duration, Instant};

use provider_auth::store::shared::{Settings, SharedStore};
use provider_auth::store::{RedisEngine, RedisStore};
use tempfile::TempDir;

/// A server that ends with its value.
pub(crate) struct Server {
    pub(crate) port: u16,
    directory: TempDir,
    child: Child,
    arguments: Vec<String>,
}

/// The program of the server: Valkey's, for one, if the variable says so.
fn program() -> OsString {
    std::env::var_os("PROVIDER_AUTH_REDIS_SERVER").unwrap_or_else(|| "redis-server".into())
}

/// Whether there is a server to start. If not, that is said once, and how to get one.
pub(crate) fn is_installed() -> bool {
    static INSTALLED: OnceLock<bool> = OnceLock::new();
    *INSTALLED.get_or_init(|| {
        let installed = Command::new(program()).arg("--version").stdout(Stdio::null()).status().is_ok_and(|ended| ended.success());
        // The gate runs them all.
        assert!(installed || std::env::var_os("PROVIDER_AUTH_GATE").is_none(), "there is no `redis-server`");
        if !installed {
            // Not `eprintln!`, which the test harness would keep to itself.
            let said = "NOT RUN: the tests of the store on Redis, because there is no `redis-server` here. Get one with \
                        `apt-get install redis-server` or `brew install redis`.\n";
            std::io::stderr().write_all(said.as_bytes()).unwrap();
        }
        installed
    })
}

fn free_port() -> u16 {
    // A cluster also takes the port that is 10,000 higher.
    loop {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        if port < 55_000 {
            return port;
        }
    }
}

impl Server {
    /// Starts a server; `None` where none is installed.
    pub(crate) fn start(arguments: &[&str]) -> Option<Self> {
        Self::launch(None, arguments)
    }

    /// The same with a file of settings, which the server may write to.
    pub(crate) fn configured(file: &Path, arguments: &[&str]) -> Option<Self> {
        Self::launch(Some(file), arguments)
    }

    fn launch(file: Option<&Path>, arguments: &[&str]) -> Option<Self> {
        if !is_installed() {
            return None;
        }
        let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        for _ in 0..20 {
            let (port, directory) = (free_port(), tempfile::tempdir().unwrap());
            let child = spawn(port, directory.path(), file, &arguments);
            let mut server = Self { port, directory, child, arguments: arguments.clone() };
            // It ends where somebody else took the port.
            if server.answers() {
                return Some(server);
            }
        }
        panic!("no server could be started");
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub(crate) fn store(&self, agent: &str) -> RedisStore {
        self.store_with(agent, Settings::default())
    }

    pub(crate) fn store_with(&self, agent: &str, settings: Settings) -> RedisStore {
        SharedStore::new(RedisEngine::new(&self.url()).unwrap().agent(agent).unwrap(), settings)
    }

    /// A connection that the store knows nothing of.
    pub(crate) fn bare(&self) -> redis::Connection {
        redis::Client::open(self.url()).unwrap().get_connection().unwrap()
    }

    fn answers(&mut self) -> bool {
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(20) {
            let connection = redis::Client::open(self.url()).unwrap().get_connection();
            if connection.is_ok_and(|mut it| redis::cmd("PING").query::<String>(&mut it).is_ok()) {
                return true;
            }
            if self.child.try_wait().unwrap().is_some() {
                return false;
            }
            sleep(Duration::from_millis(10));
        }
        false
    }

    /// Ends the server at once, as SIGKILL does.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again with what is in its directory.
    pub(crate) fn restart(&mut self) {
        self.child = spawn(self.port, self.directory.path(), None, &self.arguments);
        assert!(self.answers(), "the server does not come back");
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}

fn spawn(port: u16, directory: &Path, file: Option<&Path>, arguments: &[String]) -> Child {
    let mut command = Command::new(program());
    command.args(file);
    command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--loglevel", "warning"]);
    if file.is_none() {
        command.args(["--save", ""]);
    }
    command.arg("--dir").arg(directory).args(arguments);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
