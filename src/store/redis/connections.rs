//! Connections to the server that is currently responsible.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use redis::io::tcp::TcpSettings;
use redis::{Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo as _, RedisError, RedisResult, Value as Reply};

use super::failure::{bad_url, code, failure};
use super::link::Link;
use crate::error::Result;

const IDLE: usize = 16;

/// The server, or the nodes that know it.
enum Target {
    Server(ConnectionInfo),
    /// The master that sentinels report: its name among them, and its URL for everything but host and port.
    Sentinel {
        sentinels: Vec<ConnectionInfo>,
        name: String,
        server: ConnectionInfo,
    },
    /// The node that has the key's slot.
    Cluster(Vec<ConnectionInfo>),
}

pub(super) struct Connections {
    target: Target,
    pub(super) timeout: Duration,
    /// The index of the sentinel or node that answered last.
    asked: AtomicUsize,
    idle: Mutex<Vec<Link>>,
}

/// The host and port of a server. No host means that of the node that reported it.
type Place = (Option<String>, u16);

fn address(url: &str) -> Result<ConnectionInfo> {
    let info = url.into_connection_info().map_err(|_| bad_url())?;
    Ok(info.set_tcp_settings(TcpSettings::default().set_nodelay(true)))
}

fn addresses(urls: &[&str]) -> Result<Vec<ConnectionInfo>> {
    if urls.is_empty() {
        return Err(bad_url());
    }
    urls.iter().map(|url| address(url)).collect()
}

fn moved(info: &ConnectionInfo, (host, port): Place) -> ConnectionInfo {
    let mut addr = info.addr().clone();
    if let ConnectionAddr::Tcp(old, old_port) | ConnectionAddr::TcpTls { host: old, port: old_port, .. } = &mut addr {
        if let Some(host) = host {
            *old = host;
        }
        *old_port = port;
    }
    info.clone().set_addr(addr)
}

fn nowhere(why: &'static str) -> RedisError {
    RedisError::from((redis::ErrorKind::Io, why))
}

/// Sees to it that rustls has cryptography. The client panics if it has none, or if several are compiled in.
#[cfg(feature = "redis-rustls")]
fn install_provider() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // It fails only if another thread was faster, which is just as well.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    }
}

impl Connections {
    fn to(target: Target) -> Self {
        Self { target, timeout: Duration::from_secs(5), asked: AtomicUsize::new(0), idle: Mutex::default() }
    }

    pub(super) fn server(url: &str) -> Result<Self> {
        let info = address(url)?;
        Client::open(info.clone()).map_err(|error| failure(&error))?;
        Ok(Self::to(Target::Server(info)))
    }

    /// The host of the server's URL is the master's name among the sentinels.
    pub(super) fn sentinel(sentinels: &[&str], server: &str) -> Result<Self> {
        let server = address(server)?;
        let (ConnectionAddr::Tcp(name, _) | ConnectionAddr::TcpTls { host: name, .. }) = server.addr() else {
            return Err(bad_url());
        };
        let name = name.clone();
        Ok(Self::to(Target::Sentinel { sentinels: addresses(sentinels)?, name, server }))
    }

    pub(super) fn cluster(nodes: &[&str]) -> Result<Self> {
        Ok(Self::to(Target::Cluster(addresses(nodes)?)))
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Link>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self, info: &ConnectionInfo) -> RedisResult<Link> {
        #[cfg(feature = "redis-rustls")]
        if matches!(info.addr(), ConnectionAddr::TcpTls { .. }) {
            install_provider();
        }
        let connection = Client::open(info.clone())?.get_connection_with_timeout(self.timeout)?;
        connection.set_read_timeout(Some(self.timeout))?;
        connection.set_write_timeout(Some(self.timeout))?;
        Ok(Link::new(connection))
    }

    fn connect(&self, key: &str) -> RedisResult<Link> {
        match &self.target {
            Target::Server(info) => self.open(info),
            Target::Sentinel { sentinels, name, server } => {
                let place = self.first(sentinels, |link| {
                    let mut command = redis::cmd("SENTINEL");
                    let place: Option<(String, u16)> = command.arg("GET-MASTER-ADDR-BY-NAME").arg(name).query(link)?;
                    place.ok_or_else(|| nowhere("no sentinel knows the name"))
                });
                let (_, (host, port)) = place?;
                let mut link = self.open(&moved(server, (Some(host), port)))?;
                let role: Vec<Reply> = redis::cmd("ROLE").query(&mut link)?;
                if !matches!(role.first(), Some(Reply::BulkString(role)) if role == b"master") {
                    // This sentinel may be isolated: the next call asks another one.
                    self.asked.fetch_add(1, Ordering::Relaxed);
                    return Err(nowhere("the server is a replica by now"));
                }
                Ok(link)
            }
            Target::Cluster(nodes) => {
                let (node, place) = self.first(nodes, |link| {
                    let slot: i64 = redis::cmd("CLUSTER").arg("KEYSLOT").arg(key).query(link)?;
                    let slots: Vec<Vec<Reply>> = redis::cmd("CLUSTER").arg("SLOTS").query(link)?;
                    place_of(&slots, slot).ok_or_else(|| nowhere("no node has the slot"))
                })?;
                self.open(&moved(node, place))
            }
        }
    }

    /// Asks one after the other until one answers, starting with the one that answered last.
    fn first<'a, T>(
        &self,
        all: &'a [ConnectionInfo],
        ask: impl Fn(&mut Link) -> RedisResult<T>,
    ) -> RedisResult<(&'a ConnectionInfo, T)> {
        let begin = self.asked.load(Ordering::Relaxed).checked_rem(all.len()).unwrap_or(0);
        let mut answer = Err(nowhere("there is nobody to ask"));
        for (number, info) in all.iter().enumerate().cycle().skip(begin).take(all.len()) {
            answer = self.open(info).and_then(|mut link| Ok((info, ask(&mut link)?)));
            if answer.is_ok() {
                self.asked.store(number, Ordering::Relaxed);
                break;
            }
        }
        answer
    }

    /// Connects to the node that another node of the cluster has redirected the call to.
    fn redirected(&self, error: &RedisError) -> Option<RedisResult<Link>> {
        let Target::Cluster(nodes) = &self.target else { return None };
        let (host, port) = error.redirect_node()?.0.rsplit_once(':')?;
        let host = (!host.is_empty()).then(|| host.trim_matches(['[', ']']).to_owned());
        let node = nodes.get(self.asked.load(Ordering::Relaxed))?;
        let link = self.open(&moved(node, (host, port.parse().ok()?)));
        Some(link.map(|link| if code(error) == Some("ASK") { link.asking() } else { link }))
    }

    /// Makes a call about a key. A redirected call is repeated where it was redirected to. On an old connection, a call that
    /// a replica refused is repeated on a new one, and so is an idempotent call (`again`) that failed.
    pub(super) fn call<T>(&self, key: &str, again: bool, call: impl Fn(&mut Link) -> RedisResult<T>) -> RedisResult<T> {
        let idle = self.idle().pop();
        let is_old = idle.is_some();
        let result = self.on(idle.map_or_else(|| self.connect(key), Ok), &call);
        let Err(error) = result else { return result };
        if let Some(link) = self.redirected(&error) {
            return self.on(link, &call);
        }
        if is_old && (code(&error) == Some("READONLY") || again && error.is_io_error()) {
            return self.on(self.connect(key), &call);
        }
        Err(error)
    }

    fn on<T>(&self, link: RedisResult<Link>, call: impl Fn(&mut Link) -> RedisResult<T>) -> RedisResult<T> {
        let mut link = link?;
        let result = call(&mut link);
        let is_right = match result.as_ref().err() {
            None => true,
            Some(error) => code(error).is_some_and(|code| !matches!(code, "READONLY" | "MOVED" | "ASK")),
        };
        let mut idle = self.idle();
        if !is_right {
            // The other idle connections lead to the same server.
            idle.clear();
        } else if link.is_kept() && idle.len() < IDLE {
            idle.push(link);
        }
        drop(idle);
        result
    }
}

/// Returns the node that has a slot, from the answer to `CLUSTER SLOTS`.
fn place_of(slots: &[Vec<Reply>], slot: i64) -> Option<Place> {
    slots.iter().find_map(|range| {
        let [Reply::Int(first), Reply::Int(last), Reply::Array(node), ..] = range.as_slice() else { return None };
        let [host, Reply::Int(port), ..] = node.as_slice() else { return None };
        let host = match host {
            Reply::BulkString(host) if !host.is_empty() => Some(String::from_utf8(host.clone()).ok()?),
            _ => None,
        };
        (*first..=*last).contains(&slot).then_some((host, u16::try_from(*port).ok()?))
    })
}

#[cfg(all(test, feature = "redis-rustls"))]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;
    use crate::error::ErrorKind;

    /// In no default run, because it compiles a crypto library:
    /// `cargo test --lib --features redis-rustls a_server_without_tls`.
    #[test]
    fn a_server_without_tls_is_an_error_of_the_connection_and_no_panic() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("rediss://127.0.0.1:{}", listener.local_addr().unwrap().port());
        thread::spawn(move || listener.incoming().for_each(drop));
        let connections = Connections::server(&url).unwrap();
        let error = connections.connect("key").err().unwrap();
        assert_eq!(failure(&error).kind(), ErrorKind::StoreUnavailable);
        assert!(rustls::crypto::CryptoProvider::get_default().is_some());
    }
}
