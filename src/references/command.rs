//! The source `exec`: a command, run without a shell in a separate process group that ends with it.

use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::ioctl_fionbio;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use zeroize::Zeroizing;

use super::path::{Kind, examine};
use crate::config::SecretProvider;
use crate::credential::ReferenceFailure;
use crate::env::Environment;
use crate::secret::{Secret, SecretBytes};

/// How often to check whether a command has ended while another process keeps its output open.
const LOOK: Duration = Duration::from_millis(20);

const PIECE: usize = 1 << 14;

/// Runs an entry's command with a question on its standard input, and returns its standard output.
///
/// Standard error is discarded. When this returns, the command and everything in its process group has ended.
pub(super) fn run(
    entry: &SecretProvider,
    environment: &Environment,
    question: &[u8],
) -> Result<SecretBytes, ReferenceFailure> {
    let path = Path::new(entry.command.as_deref().ok_or(ReferenceFailure::InvalidEntry)?);
    let directory = path.parent().filter(|_| path.is_absolute()).ok_or(ReferenceFailure::InvalidEntry)?;
    examine(path, Kind::Command)?;
    if let Some(trusted) = &entry.trusted_dirs {
        trust(path, trusted, environment)?;
    }
    let mut command = Command::new(path);
    command.args(entry.args.iter().map(Secret::expose)).env_clear().current_dir(directory);
    for name in &entry.pass_env {
        if let Some(value) = environment.get(name) {
            command.env(name, value.expose());
        }
    }
    command.envs(entry.env.iter().map(|(name, value)| (name, value.expose())));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).process_group(0);
    let child = command.spawn().map_err(|_| ReferenceFailure::Unreadable)?;
    let mut group = Group::new(child)?;
    let output = group.talk(entry, question)?;
    match group.end() {
        Some(status) if status.success() => Ok(output),
        _ => Err(ReferenceFailure::CommandFailed),
    }
}

/// Checks that a command is in one of the directories, by their real paths.
fn trust(path: &Path, trusted: &[String], environment: &Environment) -> Result<(), ReferenceFailure> {
    let path = path.canonicalize().map_err(|_| ReferenceFailure::Unreadable)?;
    let is_above = |directory: &String| {
        let directory = environment.expand_home(directory).ok().filter(|directory| directory.is_absolute());
        directory.and_then(|directory| directory.canonicalize().ok()).is_some_and(|real| path.starts_with(real))
    };
    if trusted.iter().any(is_above) { Ok(()) } else { Err(ReferenceFailure::Untrusted) }
}

/// A command with its process group, killed on drop.
struct Group {
    child: Child,
    pid: Pid,
    /// `true` if the command was waited for: its process id may have been reused.
    is_reaped: bool,
}

impl Group {
    fn new(mut child: Child) -> Result<Self, ReferenceFailure> {
        let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) else {
            let _ = child.kill().and_then(|()| child.wait());
            return Err(ReferenceFailure::Unreadable);
        };
        Ok(Self { child, pid, is_reaped: false })
    }

    /// Sends the question and reads the answer until the output or the command ends, or a limit is reached.
    #[expect(clippy::disallowed_methods, reason = "the time that a command takes is bounded")]
    fn talk(&mut self, entry: &SecretProvider, question: &[u8]) -> Result<SecretBytes, ReferenceFailure> {
        let (Some(mut output), mut input) = (self.child.stdout.take(), self.child.stdin.take()) else {
            return Err(ReferenceFailure::Unreadable);
        };
        let unreadable = |_| ReferenceFailure::Unreadable;
        ioctl_fionbio(&output, true).map_err(unreadable)?;
        input.as_ref().map_or(Ok(()), |input| ioctl_fionbio(input, true)).map_err(unreadable)?;
        let start = Instant::now();
        let (mut heard, quiet) = (start, entry.no_output_timeout.unwrap_or(entry.timeout));
        let (mut unsaid, mut bytes, mut is_open) = (question, SecretBytes::default(), true);
        loop {
            // Checked before reading, so that nothing written before the end is missed.
            let is_over = self.is_over();
            while is_open {
                let mut piece = Zeroizing::new([0; PIECE]);
                match output.read(&mut *piece) {
                    Ok(0) => is_open = false,
                    Ok(read) => {
                        let mut piece = piece.get(..read).unwrap_or_default();
                        bytes.read_from(&mut piece, read).map_err(|_| ReferenceFailure::Unreadable)?;
                        heard = Instant::now();
                    }
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(_) => return Err(ReferenceFailure::Unreadable),
                }
                if bytes.len() > entry.max_output_bytes {
                    return Err(ReferenceFailure::TooLarge);
                }
                if start.elapsed() >= entry.timeout {
                    return Err(ReferenceFailure::TimedOut);
                }
            }
            if is_over {
                return Ok(bytes);
            }
            say(&mut input, &mut unsaid);
            let left = entry.timeout.saturating_sub(start.elapsed());
            let patience = quiet.saturating_sub(heard.elapsed());
            if left.is_zero() {
                return Err(ReferenceFailure::TimedOut);
            }
            if patience.is_zero() && is_open {
                return Err(ReferenceFailure::NoOutput);
            }
            let output = is_open.then_some(PollFd::new(&output, PollFlags::IN));
            let input = input.as_ref().map(|input| PollFd::new(input, PollFlags::OUT));
            let mut wanted: Vec<_> = output.into_iter().chain(input).collect();
            let wait = left.min(LOOK);
            // The result is ignored, as the next round checks everything.
            let _ = poll(&mut wanted, Timespec::try_from(wait).ok().as_ref());
        }
    }

    /// Returns `true` if the command has ended. It is not reaped, so that its process id stays valid.
    fn is_over(&self) -> bool {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        !matches!(waitid(WaitId::Pid(self.pid), options), Ok(None))
    }

    /// Kills the rest of the group, and returns the command's exit status.
    fn end(&mut self) -> Option<ExitStatus> {
        if std::mem::replace(&mut self.is_reaped, true) {
            return None;
        }
        let _ = kill_process_group(self.pid, Signal::KILL);
        self.child.wait().ok()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.end();
    }
}

/// Writes as much of the question as the command accepts, and closes its input at the end. A command may ignore the
/// question.
fn say(input: &mut Option<ChildStdin>, unsaid: &mut &[u8]) {
    while let Some(pipe) = input {
        match pipe.write(unsaid) {
            Ok(0) => *input = None,
            Ok(said) => *unsaid = unsaid.get(said..).unwrap_or_default(),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => return,
            Err(_) => *input = None,
        }
    }
}
