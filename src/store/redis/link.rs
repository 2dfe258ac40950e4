//! One connection to one server.

use std::time::Duration;

use redis::{Cmd, Connection, ConnectionLike, RedisResult, Value as Reply};

use super::failure::code;

/// A connection, kept for the next call unless it has a fault.
pub(super) struct Link {
    connection: Connection,
    /// `true` if the slot is being moved to this cluster node, which then needs `ASKING` before every command.
    is_asking: bool,
    is_spent: bool,
}

impl Link {
    pub(super) fn new(connection: Connection) -> Self {
        Self { connection, is_asking: false, is_spent: false }
    }

    pub(super) fn asking(self) -> Self {
        Self { is_asking: true, ..self }
    }

    pub(super) fn is_kept(&self) -> bool {
        !self.is_asking && !self.is_spent
    }

    /// Waits until enough replicas have what was written on this connection; returns `true` if they do. The write
    /// stays, whatever this returns.
    ///
    /// # Errors
    ///
    /// That the user may not call `WAIT`.
    pub(super) fn wait(&mut self, replicas: u32, wait: Duration, timeout: Duration) -> RedisResult<bool> {
        self.connection.set_read_timeout(Some(wait.saturating_add(timeout)))?;
        let millis = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).max(1);
        let copies = Cmd::new().arg("WAIT").arg(replicas).arg(millis).query::<u32>(&mut self.connection);
        self.connection.set_read_timeout(Some(timeout))?;
        match copies {
            Ok(copies) => Ok(copies >= replicas),
            Err(error) if matches!(code(&error), Some("NOPERM" | "NOAUTH")) => Err(error),
            Err(_) => {
                self.is_spent = true;
                Ok(false)
            }
        }
    }

    fn ask(&mut self) -> RedisResult<()> {
        if self.is_asking { Cmd::new().arg("ASKING").query(&mut self.connection) } else { Ok(()) }
    }
}

impl ConnectionLike for Link {
    fn req_packed_command(&mut self, command: &[u8]) -> RedisResult<Reply> {
        self.ask()?;
        self.connection.req_packed_command(command)
    }

    fn req_packed_commands(&mut self, commands: &[u8], offset: usize, count: usize) -> RedisResult<Vec<Reply>> {
        self.ask()?;
        self.connection.req_packed_commands(commands, offset, count)
    }

    fn get_db(&self) -> i64 {
        self.connection.get_db()
    }

    fn check_connection(&mut self) -> bool {
        self.connection.check_connection()
    }

    fn is_open(&self) -> bool {
        self.connection.is_open()
    }
}
