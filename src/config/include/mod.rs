//! Follows `$include`: files in place of values.

mod merge;
mod names;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::path::{Component, Path, PathBuf};

use memchr::{memchr, memmem};

use self::merge::merge;
use super::open;
use super::options::ReadOptions;
use super::reader::MOST_NOTED;
use crate::error::{Diagnostic, DiagnosticCode, Severity, Shown};
use crate::error::{Error, ErrorKind, Location, Result};
use crate::syntax::{self, KeyPath, Limits, Marks, Member, Node, Value};

const KEY: &str = "$include";

/// The number of files that may include each other in a row, not counting the configuration.
const DEEPEST: usize = 10;

/// The number of files that are read for one configuration. A file that is included twice counts twice.
const MOST: usize = 1_000;

/// A file that was read for the configuration.
pub(super) struct Included {
    /// The number of its first key or value. A text takes as many numbers as it has bytes, which are always enough.
    pub(super) base: usize,
    pub(super) path: PathBuf,
    pub(super) text: String,
    marks: Marks,
}

/// Returns `true` if a document includes anything; `root` is the tree of the text.
pub(super) fn has_include(text: &str, root: &Node<'_>) -> bool {
    // Without the key in the text, only an escape sequence could spell it, and a search is faster than a walk.
    let is_likely = memmem::find(text.as_bytes(), KEY.as_bytes()).is_some() || memchr(b'\\', text.as_bytes()).is_some();
    is_likely && is_including(root)
}

fn is_including(node: &Node<'_>) -> bool {
    match &node.value {
        Value::Array(items) => items.iter().any(is_including),
        Value::Object(members) => members.iter().any(|member| member.key == KEY || is_including(&member.node)),
        _ => false,
    }
}

/// The state of inserting files in place of their includes.
pub(super) struct Includes<'o> {
    options: &'o ReadOptions,
    /// The directory of the configuration, as named and with links resolved. Without it nothing can be included.
    root: Option<(PathBuf, PathBuf)>,
    /// The files that are being read, as named and with links resolved, the configuration first.
    chain: Vec<(PathBuf, PathBuf)>,
    path: Vec<Step>,
    pub(super) files: Vec<Included>,
    pub(super) diagnostics: Vec<Diagnostic>,
    main_text: &'o str,
    main_marks: Marks,
    /// The number of includes that could not be followed.
    pub(super) failed: usize,
    end: usize,
}

enum Step {
    Key(String),
    Index(usize),
}

impl<'o> Includes<'o> {
    /// Creates the state for a text and its file.
    pub(super) fn new(options: &'o ReadOptions, text: &'o str, file: Option<&Path>) -> Self {
        let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let directory = |file: &Path| match file.parent() {
            Some(parent) if parent != Path::new("") => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        Self {
            options,
            root: file.map(|file| (directory(file), real(&directory(file)))),
            chain: file.map(|file| (file.to_owned(), real(file))).into_iter().collect(),
            path: Vec::new(),
            files: Vec::new(),
            diagnostics: Vec::new(),
            main_text: text,
            main_marks: Marks::default(),
            failed: 0,
            end: text.len() + 1,
        }
    }

    /// Follows every include of a tree. Lenient reading reports includes that cannot be followed and leaves them empty.
    pub(super) fn expand<'t>(&mut self, node: Node<'t>, depth: usize) -> Result<Node<'t>> {
        let Node { at, value } = node;
        let limit = self.options.limits.max_depth.min(Limits::DEEPEST);
        if depth > limit {
            let message = "the included files nest deeper together than the depth limit";
            return Err(Error::new(ErrorKind::TooDeep, message).with_location(self.place(at)));
        }
        let value = match value {
            Value::Array(items) => {
                let mut expanded = Vec::with_capacity(items.len());
                for (index, item) in items.into_iter().enumerate() {
                    self.path.push(Step::Index(index));
                    expanded.push(self.expand(item, depth + 1)?);
                    self.path.pop();
                }
                Value::Array(expanded.into())
            }
            Value::Object(members) => return self.object(at, members, depth),
            scalar => scalar,
        };
        Ok(Node { at, value })
    }

    fn object<'t>(&mut self, at: usize, members: Box<[Member<'t>]>, depth: usize) -> Result<Node<'t>> {
        let mut include = None;
        let mut others = Vec::with_capacity(members.len());
        for member in members {
            if member.key == KEY {
                include = Some(member.node);
                continue;
            }
            self.path.push(Step::Key(member.key.clone().into_owned()));
            let node = self.expand(member.node, depth + 1)?;
            self.path.pop();
            others.push(Member { node, ..member });
        }
        let alone = others.is_empty();
        let own = Node { at, value: Value::Object(others.into()) };
        let Some(include) = include else { return Ok(own) };
        let (steps, links) = (self.path.len(), self.chain.len());
        match self.follow(&include, alone, depth) {
            Ok(included) if alone => Ok(included),
            Ok(included) => Ok(merge(included, own)),
            Err(error) if error.kind() == ErrorKind::InvalidInclude && self.options.severity() == Severity::Warning => {
                // The failure may have been several files deeper.
                self.path.truncate(steps);
                self.chain.truncate(links);
                self.note(&error);
                Ok(own)
            }
            Err(error) => Err(error),
        }
    }

    /// Returns the value of an include: the content of one file, or of several files merged.
    fn follow<'t>(&mut self, include: &Node<'t>, alone: bool, depth: usize) -> Result<Node<'t>> {
        let included = match &include.value {
            Value::String(name) => self.load(name, include.at, depth)?,
            Value::Array(items) => {
                let mut merged = Node { at: include.at, value: Value::Object(Box::default()) };
                for item in items {
                    let Value::String(name) = &item.value else {
                        return Err(self.refuse(item.at, "the name of a file is expected"));
                    };
                    merged = merge(merged, self.load(name, item.at, depth)?);
                }
                merged
            }
            _ => return Err(self.refuse(include.at, "the name of a file, or a list of names, is expected")),
        };
        if !alone && !matches!(included.value, Value::Object(_)) {
            return Err(self.refuse(include.at, "only an object can be included beside other keys"));
        }
        Ok(included)
    }

    /// Returns the content of one file, with its own includes followed.
    fn load<'t>(&mut self, name: &str, at: usize, depth: usize) -> Result<Node<'t>> {
        let (path, real) = self.find(name, at)?;
        let left = (self.options.limits.max_bytes + 1 + self.main_text.len()).saturating_sub(self.end);
        let place = |error: Error| error.with_path(&path);
        let bytes = match open::read(&real, left) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::TooLarge => return Err(place(error)),
            Err(error) => return Err(self.refuse(at, "the included file cannot be read").with_source(error)),
        };
        let text = syntax::utf8(&bytes).map_err(place)?.to_owned();
        let base = self.end;
        let tree = owned(syntax::parse(&text, &self.options.limits).map_err(place)?.root, base);
        self.end += text.len() + 1;
        self.files.push(Included { base, path: path.clone(), text, marks: Marks::default() });
        self.chain.push((path, real));
        let expanded = self.expand(tree, depth)?;
        self.chain.pop();
        Ok(expanded)
    }

    /// Returns the file of an include, as named and with links resolved, if it may be read.
    fn find(&self, name: &str, at: usize) -> Result<(PathBuf, PathBuf)> {
        let (Some((root, real_root)), Some((includer, _))) = (&self.root, self.chain.last()) else {
            return Err(self.refuse(at, "only a configuration that is read from a file can include others"));
        };
        if self.chain.len() > DEEPEST {
            let message = format!("more than {DEEPEST} files include each other: {}", self.chain_with(name));
            return Err(self.refuse(at, message));
        }
        if self.files.len() >= MOST {
            return Err(self.refuse(at, format!("more than {MOST} files are included")));
        }
        let path = tidy(&includer.parent().unwrap_or(root).join(name));
        let inside = |path: &Path, root: &Path| self.options.include_anywhere || names::is_inside(path, root);
        let absolute = |path: &Path| std::path::absolute(path).map_or_else(|_| tidy(path), |path| tidy(&path));
        if !inside(&absolute(&path), &absolute(root)) {
            return Err(self.refuse(at, "the included file is outside the directory of the configuration"));
        }
        let real = path.canonicalize().map_err(|error| {
            let message = match error.kind() {
                std::io::ErrorKind::NotFound => "the included file does not exist",
                _ => "the included file cannot be read",
            };
            self.refuse(at, message).with_source(error)
        })?;
        if !inside(&real, real_root) {
            let message = "the included file is a link to outside the directory of the configuration";
            return Err(self.refuse(at, message));
        }
        if self.chain.iter().any(|(_, known)| names::are_same(known, &real)) {
            return Err(self.refuse(at, format!("the file includes itself: {}", self.chain_with(name))));
        }
        Ok((path, real))
    }

    /// Returns the names of the files that are being read, and one more.
    fn chain_with(&self, name: &str) -> String {
        let root = self.root.as_ref().map(|(root, _)| tidy(root)).unwrap_or_default();
        let shown = |path: &Path| tidy(path).strip_prefix(&root).unwrap_or(path).to_string_lossy().into_owned();
        let mut names: Vec<String> = self.chain.iter().map(|(path, _)| shown(path)).collect();
        names.push(tidy(Path::new(name)).to_string_lossy().into_owned());
        let names: Vec<String> = names.iter().map(|name| Shown::new(name).to_string()).collect();
        names.join(" -> ")
    }

    fn refuse(&self, at: usize, message: impl Into<String>) -> Error {
        Error::new(ErrorKind::InvalidInclude, message).with_location(self.place(at))
    }

    fn note(&mut self, error: &Error) {
        self.failed += 1;
        if self.failed > MOST_NOTED {
            return;
        }
        let location = error.location().cloned().unwrap_or_default();
        let diagnostic = Diagnostic::new(Severity::Warning, DiagnosticCode::InvalidInclude, location, error.message());
        self.diagnostics.push(diagnostic.with_help(error.help()));
    }

    /// Returns the location of an include in its file.
    fn place(&self, at: usize) -> Location {
        if self.failed >= MOST_NOTED {
            return Location::default();
        }
        let later = self.files.partition_point(|file| file.base <= at);
        let file = later.checked_sub(1).and_then(|place| self.files.get(place));
        let main = (self.main_text, 0, &self.main_marks);
        let (text, base, marks) = file.map_or(main, |file| (&*file.text, file.base, &file.marks));
        let mut location = marks.locate_number(syntax::without_bom(text), at - base);
        if let Some(path) = file.map(|file| &file.path).or(self.chain.first().map(|(path, _)| path)) {
            location = location.with_path(path);
        }
        let mut path = KeyPath::root();
        for step in &self.path {
            match step {
                Step::Key(key) => path.push_key(key),
                Step::Index(index) => path.push_index(*index),
            }
        }
        location.with_key_path(path.key(KEY).to_string())
    }
}

/// Removes `.` from a path, and `..` where the path alone shows what it leads to.
fn tidy(path: &Path) -> PathBuf {
    let mut tidy = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if matches!(tidy.components().next_back(), Some(Component::Normal(_))) => {
                tidy.pop();
            }
            other => tidy.push(other),
        }
    }
    tidy
}

/// Returns an owned copy of the tree, with its numbers counted from a base.
fn owned<'t>(node: Node<'_>, base: usize) -> Node<'t> {
    let value = match node.value {
        Value::Null => Value::Null,
        Value::Bool(value) => Value::Bool(value),
        Value::Number(value) => Value::Number(value),
        Value::String(text) => Value::String(Cow::Owned(text.into_owned())),
        Value::Array(items) => Value::Array(items.into_iter().map(|item| owned(item, base)).collect()),
        Value::Object(members) => Value::Object(
            members
                .into_iter()
                .map(|member| Member {
                    key: Cow::Owned(member.key.into_owned()),
                    key_at: member.key_at + base,
                    node: owned(member.node, base),
                })
                .collect(),
        ),
    };
    Node { at: node.at + base, value }
}
