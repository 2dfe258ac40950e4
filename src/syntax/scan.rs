//! Scans the grammar of arrays and objects without recursion.

use crate::error::ErrorKind;
use crate::syntax::fault::{Fault, Scan};
use crate::syntax::keys::Keys;
use crate::syntax::lex::Lexer;

/// The events of a scan, in the order of the text.
pub(super) trait Events {
    /// A key begins at this offset; its value follows.
    fn key(&mut self, at: usize, key: &str);
    /// A value begins at this offset.
    fn value(&mut self, at: usize);
    /// The last value is an array or an object, and what follows is inside it.
    fn enter(&mut self, _opened: Open) {}
    /// The innermost array or object ends.
    fn leave(&mut self) {}
}

/// A container that is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Open {
    Array,
    Object,
}

impl Open {
    fn closing(self) -> u8 {
        match self {
            Self::Array => b']',
            Self::Object => b'}',
        }
    }

    fn ends_inside(self) -> &'static str {
        match self {
            Self::Array => "the text ends inside an array",
            Self::Object => "the text ends inside an object",
        }
    }

    fn expected(self) -> &'static str {
        match self {
            Self::Array => "a comma or the end of the array is expected",
            Self::Object => "a comma or the end of the object is expected",
        }
    }
}

/// Checks a whole text.
pub(super) fn scan<const JSON5: bool>(text: &str, max_depth: usize, events: &mut impl Events) -> Scan<()> {
    let lexer = Lexer::<JSON5> { text, at: 0 };
    Scanner { lexer, open: Vec::new(), keys: Keys::default(), events, max_depth }.document()
}

struct Scanner<'t, 'e, E, const JSON5: bool> {
    lexer: Lexer<'t, JSON5>,
    open: Vec<Open>,
    keys: Keys<'t>,
    events: &'e mut E,
    max_depth: usize,
}

impl<E: Events, const JSON5: bool> Scanner<'_, '_, E, JSON5> {
    fn document(&mut self) -> Scan<()> {
        loop {
            if self.value()? && !self.after_value()? {
                return Ok(());
            }
        }
    }

    /// Reads a value or the beginning of one. Returns `true` if it is complete.
    #[inline]
    fn value(&mut self) -> Scan<bool> {
        self.lexer.space()?;
        let opened = match self.lexer.peek() {
            Some(b'{') => Open::Object,
            Some(b'[') => Open::Array,
            Some(_) => {
                self.events.value(self.lexer.at);
                return self.lexer.scalar().map(|()| true);
            }
            None => return Err(self.end()),
        };
        if self.open.len() >= self.max_depth {
            return Err(Fault::new(ErrorKind::TooDeep, self.lexer.at, "the text nests too deeply"));
        }
        self.events.value(self.lexer.at);
        self.events.enter(opened);
        self.open.push(opened);
        if opened == Open::Object {
            self.keys.open();
        }
        self.lexer.at += 1;
        self.lexer.space()?;
        if self.lexer.eat(opened.closing()) {
            self.close(opened);
            return Ok(true);
        }
        if opened == Open::Object {
            self.key()?;
        }
        Ok(false)
    }

    /// Reads on after a complete value. Returns `false` at the end of the document, `true` if another value has to
    /// follow.
    #[inline]
    fn after_value(&mut self) -> Scan<bool> {
        loop {
            self.lexer.space()?;
            let Some(&innermost) = self.open.last() else {
                return match self.lexer.peek() {
                    None => Ok(false),
                    Some(_) => Err(Fault::syntax(self.lexer.at, "the end of the text is expected")),
                };
            };
            if self.lexer.eat(innermost.closing()) {
                self.close(innermost);
                continue;
            }
            if !self.lexer.eat(b',') {
                return Err(match self.lexer.peek() {
                    None => self.end(),
                    Some(_) => Fault::syntax(self.lexer.at, innermost.expected()),
                });
            }
            if JSON5 {
                self.lexer.space()?;
                if self.lexer.eat(innermost.closing()) {
                    self.close(innermost);
                    continue;
                }
            }
            if innermost == Open::Object {
                self.key()?;
            }
            return Ok(true);
        }
    }

    /// Reads a key and its colon.
    #[inline]
    fn key(&mut self) -> Scan<()> {
        self.lexer.space()?;
        let at = self.lexer.at;
        if self.lexer.peek().is_none() {
            return Err(self.end());
        }
        let key = self.lexer.key()?;
        self.events.key(at, &key);
        if !self.keys.insert(key) {
            return Err(Fault::new(ErrorKind::DuplicateKey, at, "the object has this key twice"));
        }
        self.lexer.space()?;
        if self.lexer.eat(b':') {
            return Ok(());
        }
        Err(match self.lexer.peek() {
            None => self.end(),
            Some(_) => Fault::syntax(self.lexer.at, "a colon is expected after the key"),
        })
    }

    fn close(&mut self, closed: Open) {
        self.open.pop();
        if closed == Open::Object {
            self.keys.close();
        }
        self.events.leave();
    }

    fn end(&self) -> Fault {
        let what = self.open.last().map_or("the text is empty, a value is expected", |open| open.ends_inside());
        Fault::syntax(self.lexer.text.len(), what)
    }
}
