//! Asks for a secret at a terminal without echo.
//!
//! Echo is switched off before the prompt appears, so that text pasted at that moment is not shown. Ctrl-C arrives as a character
//! instead of ending the program, so that echo is restored. Input after the first line is discarded: the rest of a pasted
//! secret must not become a command of the shell.
//!
//! A signal from outside, as from `kill`, restores the echo before it ends the program. tokio handles it, because the standard
//! library has no safe way to.
//!
//! On Windows the keys are read one by one, which the console does not show. Its mode is not changed, so nothing has to be
//! restored.

use std::io;

/// Returns the text up to the end of the line, or an empty one if the prompt is left in another way.
#[cfg(unix)]
pub(crate) fn secret(prompt: &str) -> io::Result<String> {
    use std::io::{Read as _, Write as _, stderr, stdin};

    let quiet = quiet::Terminal::new()?;
    quiet.end_by_signals()?;
    let _ = write!(stderr(), "{prompt}");
    let typed = line(stdin().lock().bytes());
    drop(quiet);
    let _ = writeln!(stderr());
    String::from_utf8(typed?).map_err(|_| io::ErrorKind::InvalidData.into())
}

/// Returns the text up to the end of the line, or an empty one if the prompt is left in another way.
#[cfg(windows)]
pub(crate) fn secret(prompt: &str) -> io::Result<String> {
    use std::io::{Write as _, stderr};
    use std::time::Duration;

    use crossterm::event::{Event, poll, read};

    let _ = write!(stderr(), "{prompt}");
    let mut typed = String::new();
    let end = loop {
        match read() {
            Ok(Event::Key(key)) => match keys::pressed(key) {
                keys::Key::End => break Ok(()),
                keys::Key::Leave => break Err(None),
                keys::Key::Clear => typed.clear(),
                keys::Key::Back => drop(typed.pop()),
                keys::Key::Letter(letter) => typed.push(letter),
                keys::Key::Other => {}
            },
            Ok(_) => {}
            Err(error) => break Err(Some(error)),
        }
    };
    let _ = writeln!(stderr());
    // The rest of a pasted text is still arriving.
    while poll(Duration::from_millis(50)).unwrap_or(false) {
        let _ = read();
    }
    match end {
        Ok(()) => Ok(typed),
        Err(None) => Ok(String::new()),
        Err(Some(error)) => Err(error),
    }
}

#[cfg(windows)]
mod keys {
    use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

    pub(super) enum Key {
        End,
        Leave,
        Clear,
        Back,
        Letter(char),
        Other,
    }

    /// The meaning of a key at the prompt.
    pub(super) fn pressed(key: KeyEvent) -> Key {
        let is_control = key.modifiers.contains(KeyModifiers::CONTROL) && !key.modifiers.contains(KeyModifiers::ALT);
        match key.code {
            _ if key.kind == KeyEventKind::Release => Key::Other,
            KeyCode::Enter => Key::End,
            KeyCode::Backspace => Key::Back,
            KeyCode::Esc => Key::Clear,
            KeyCode::Char('j' | 'm') if is_control => Key::End,
            KeyCode::Char('c' | 'd' | 'z') if is_control => Key::Leave,
            KeyCode::Char('u') if is_control => Key::Clear,
            KeyCode::Char('h') if is_control => Key::Back,
            KeyCode::Char(letter) if !is_control => Key::Letter(letter),
            _ => Key::Other,
        }
    }
}

/// This system has no terminal whose echo could be switched off.
#[cfg(not(any(unix, windows)))]
pub(crate) fn secret(_prompt: &str) -> io::Result<String> {
    crate::output::remark("Redirect the secret from a file: it would be shown here.");
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(unix)]
fn line(typing: impl Iterator<Item = io::Result<u8>>) -> io::Result<Vec<u8>> {
    const INTERRUPT: u8 = 3;
    const END_OF_INPUT: u8 = 4;
    const BACKSPACE: u8 = 8;
    const KILL_LINE: u8 = 21;
    const DELETE: u8 = 127;

    let mut typed = Vec::new();
    for byte in typing {
        match byte? {
            b'\n' | b'\r' => return Ok(typed),
            INTERRUPT | END_OF_INPUT => break,
            KILL_LINE => typed.clear(),
            // The last character, which may be several bytes long.
            BACKSPACE | DELETE => while typed.pop().is_some_and(|byte| byte & 0b1100_0000 == 0b1000_0000) {},
            byte => typed.push(byte),
        }
    }
    Ok(Vec::new())
}

#[cfg(unix)]
mod quiet {
    use std::io::{Result, stdin};

    use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
    use tokio::signal::unix::{SignalKind, signal};

    /// The terminal without echo, until this is dropped.
    pub(super) struct Terminal {
        before: Termios,
    }

    impl Terminal {
        pub(super) fn new() -> Result<Self> {
            let before = tcgetattr(stdin())?;
            let mut quiet = before.clone();
            // Without `ICANON`, because a line of the terminal ends at 1,024 bytes on some systems, and tokens do not.
            quiet.local_modes -= LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ICANON | LocalModes::ISIG;
            tcsetattr(stdin(), OptionalActions::Flush, &quiet)?;
            Ok(Self { before })
        }

        /// Makes a signal restore the echo and end the program, with the exit code that a shell shows for it.
        pub(super) fn end_by_signals(&self) -> Result<()> {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
            let entered = runtime.enter();
            let mut hang_up = signal(SignalKind::hangup())?;
            let mut interrupt = signal(SignalKind::interrupt())?;
            let mut terminate = signal(SignalKind::terminate())?;
            drop(entered);
            let before = self.before.clone();
            std::thread::Builder::new().spawn(move || {
                let code = runtime.block_on(async {
                    tokio::select! {
                        _ = hang_up.recv() => 129,
                        _ = interrupt.recv() => 130,
                        _ = terminate.recv() => 143,
                    }
                });
                let _ = tcsetattr(stdin(), OptionalActions::Flush, &before);
                std::process::exit(code);
            })?;
            Ok(())
        }
    }

    impl Drop for Terminal {
        fn drop(&mut self) {
            let _ = tcsetattr(stdin(), OptionalActions::Flush, &self.before);
        }
    }
}
