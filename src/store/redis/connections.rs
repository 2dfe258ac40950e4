//! Connections to the server that is the right one now.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use redis::cluster::ClusterClient;
use redis::io::tcp::TcpSettings;
use redis::sentinel::{SentinelClient, SentinelNodeConnectionInfo, SentinelServerType};
use redis::{Client, ConnectionAddr, ConnectionInfo, ConnectionLike, IntoConnectionInfo as _, RedisResult, TlsMode};

use super::failure::{bad_url, failure};
use crate::error::Result;

/// How many connections are kept while nobody uses them.
const IDLE: usize = 16;

type Connection = Box<dyn ConnectionLike + Send>;

/// Where connections lead.
enum Target {
    Server(Client),
    Sentinel(Box<Mutex<SentinelClient>>),
    Cluster(Box<(Vec<ConnectionInfo>, Mutex<Option<ClusterClient>>)>),
}

/// The connections of an engine.
pub(super) struct Connections {
    target: Target,
    pub(super) timeout: Duration,
    idle: Mutex<Vec<Connection>>,
}

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

impl Connections {
    fn to(target: Target) -> Self {
        Self { target, timeout: Duration::from_secs(5), idle: Mutex::default() }
    }

    pub(super) fn server(url: &str) -> Result<Self> {
        let client = Client::open(address(url)?).map_err(|error| failure(&error))?;
        Ok(Self::to(Target::Server(client)))
    }

    /// The host of the server's URL is the name under which the sentinels know it.
    pub(super) fn sentinel(sentinels: &[&str], server: &str) -> Result<Self> {
        let server = address(server)?;
        let (name, tls) = match server.addr() {
            ConnectionAddr::Tcp(name, _) => (name.clone(), None),
            ConnectionAddr::TcpTls { host, insecure, .. } => {
                (host.clone(), Some(if *insecure { TlsMode::Insecure } else { TlsMode::Secure }))
            }
            _ => return Err(bad_url()),
        };
        let info = SentinelNodeConnectionInfo::default()
            .set_redis_connection_info(server.redis_settings().clone())
            .set_tcp_settings(server.tcp_settings().clone());
        let info = if let Some(tls) = tls { info.set_tls_mode(tls) } else { info };
        let sentinels = addresses(sentinels)?;
        let client = SentinelClient::build(sentinels, name, Some(info), SentinelServerType::Master);
        let client = client.map_err(|error| failure(&error))?;
        Ok(Self::to(Target::Sentinel(Box::new(Mutex::new(client)))))
    }

    pub(super) fn cluster(nodes: &[&str]) -> Result<Self> {
        Ok(Self::to(Target::Cluster(Box::new((addresses(nodes)?, Mutex::default())))))
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn connect(&self) -> RedisResult<Connection> {
        let client = match &self.target {
            Target::Server(client) => client.clone(),
            Target::Sentinel(client) => client.lock().unwrap_or_else(PoisonError::into_inner).get_client()?,
            Target::Cluster(cluster) => {
                let (nodes, client) = &**cluster;
                let mut client = client.lock().unwrap_or_else(PoisonError::into_inner);
                if client.is_none() {
                    let builder = ClusterClient::builder(nodes.clone())
                        .connection_timeout(self.timeout)
                        .response_timeout(self.timeout)
                        .tcp_settings(TcpSettings::default().set_nodelay(true))
                        .retries(2);
                    *client = Some(builder.build()?);
                }
                let connection = client.as_ref().map(ClusterClient::get_connection).transpose()?;
                let none = || redis::RedisError::from((redis::ErrorKind::ClusterConnectionNotFound, "no client"));
                return Ok(Box::new(connection.ok_or_else(none)?));
            }
        };
        let connection = client.get_connection_with_timeout(self.timeout)?;
        connection.set_read_timeout(Some(self.timeout))?;
        connection.set_write_timeout(Some(self.timeout))?;
        Ok(Box::new(connection))
    }

    /// Makes a call on a connection. One that fails is not used again, nor are the others: they lead to the same server. What
    /// changes nothing when it is done twice may be called again on a new connection, if an old one was at fault.
    pub(super) fn call<T>(&self, again: bool, call: impl Fn(&mut dyn ConnectionLike) -> RedisResult<T>) -> Result<T> {
        let idle = self.idle().pop();
        let is_old = idle.is_some();
        let result = idle.map_or_else(|| self.connect(), Ok).and_then(|mut connection| {
            let value = call(&mut *connection);
            if value.as_ref().is_ok_and(|_| self.idle().len() < IDLE) {
                self.idle().push(connection);
            }
            value
        });
        let Err(error) = result else { return result.map_err(|error| failure(&error)) };
        self.idle().clear();
        if again && is_old && (error.is_io_error() || error.code() == Some("READONLY")) {
            return self.call(false, call);
        }
        Err(failure(&error))
    }
}
