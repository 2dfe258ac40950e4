//! `$include`: allowed files, refusals with their chain of files, and locations of problems in included files.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test writes its own files")]

use std::path::{MAIN_SEPARATOR_STR, Path, PathBuf};

use provider_auth::error::DiagnosticCode;
use provider_auth::{Config, Error, ErrorKind, ProviderId, ReadOptions};

use crate::support::options;

struct Files(tempfile::TempDir);

impl Files {
    fn new(files: &[(&str, &str)]) -> Self {
        let directory = Self(tempfile::tempdir().unwrap());
        for (name, text) in files {
            std::fs::create_dir_all(directory.path(name).parent().unwrap()).unwrap();
            std::fs::write(directory.path(name), text).unwrap();
        }
        directory
    }

    fn path(&self, name: &str) -> PathBuf {
        // Piece by piece, for the separators of the system.
        name.split('/').fold(self.0.path().to_owned(), |path, name| path.join(name))
    }

    fn read(&self, options: &ReadOptions) -> Result<Config, Error> {
        Config::from_path(self.path("state/openclaw.json"), options)
    }

    fn refused(&self) -> Error {
        self.read(&options()).unwrap_err()
    }
}

/// A path as it stands between quotation marks.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\\', r"\\"))
}

fn place(error: &Error) -> (PathBuf, u32, u32, String) {
    let location = error.location().unwrap();
    let path = location.path.clone().unwrap();
    (path, location.line.unwrap(), location.column.unwrap(), location.key_path.clone().unwrap_or_default())
}

const ORDER: &str = "{ order: { anthropic: ['anthropic:a'] } }";

fn anthropic_order(config: &Config) -> usize {
    config.auth_order(&ProviderId::anthropic()).map_or(0, <[_]>::len)
}

#[test]
fn files_beside_and_below_are_read() {
    let files = Files::new(&[
        ("state/openclaw.json", "{ auth: { $include: './parts/auth.json5' } }"),
        ("state/parts/auth.json5", "{ $include: ['order.json', '../more.json'], /* comments too */ }"),
        ("state/parts/order.json", ORDER),
        ("state/more.json", "{ order: { anthropic: ['anthropic:b'] } }"),
    ]);
    assert_eq!(anthropic_order(&files.read(&options()).unwrap()), 2);
    let absolute = format!("{{ auth: {{ $include: {} }} }}", quoted(&files.path("state/more.json")));
    std::fs::write(files.path("state/openclaw.json"), absolute).unwrap();
    assert_eq!(anthropic_order(&files.read(&options()).unwrap()), 1);
}

#[test]
fn files_elsewhere_are_refused_unless_allowed() {
    let files =
        Files::new(&[("state/openclaw.json", "{ auth: { $include: '../outside.json' } }"), ("outside.json", ORDER)]);
    let error = files.refused();
    assert_eq!(error.kind(), ErrorKind::InvalidInclude);
    assert_eq!(place(&error), (files.path("state/openclaw.json"), 1, 21, "auth.$include".to_owned()));
    assert_eq!(anthropic_order(&files.read(&options().include_anywhere(true)).unwrap()), 1);
    let absolute = format!("{{ auth: {{ $include: {} }} }}", quoted(&files.path("outside.json")));
    std::fs::write(files.path("state/openclaw.json"), absolute).unwrap();
    assert_eq!(files.refused().kind(), ErrorKind::InvalidInclude);
}

#[cfg(unix)]
#[test]
fn a_link_does_not_lead_out() {
    let files = Files::new(&[("state/openclaw.json", "{ auth: { $include: 'link.json' } }"), ("outside.json", ORDER)]);
    std::os::unix::fs::symlink(files.path("outside.json"), files.path("state/link.json")).unwrap();
    assert_eq!(files.refused().kind(), ErrorKind::InvalidInclude);
    assert_eq!(anthropic_order(&files.read(&options().include_anywhere(true)).unwrap()), 1);
}

#[test]
fn circles_are_refused_with_the_chain() {
    let files = Files::new(&[
        ("state/openclaw.json", "{ $include: 'a.json' }"),
        ("state/a.json", "{\n  auth: { $include: 'parts/b.json' } }"),
        ("state/parts/b.json", "{ order: { $include: '../a.json' } }"),
    ]);
    let error = files.refused();
    assert_eq!(error.kind(), ErrorKind::InvalidInclude);
    let chain = ["openclaw.json", "a.json", "parts/b.json", "../a.json"].join(" -> ").replace('/', MAIN_SEPARATOR_STR);
    assert!(error.to_string().contains(&chain), "{error}");
    let expected = (files.path("state/parts/b.json"), 1, 22, "auth.order.$include".to_owned());
    assert_eq!(place(&error), expected);
    std::fs::write(files.path("state/openclaw.json"), "{ $include: './openclaw.json' }").unwrap();
    assert!(files.refused().to_string().contains("openclaw.json -> openclaw.json"));
}

#[test]
fn what_is_wrong_in_an_included_file_is_said_to_be_there() {
    let files = Files::new(&[
        ("state/openclaw.json", "{ auth: { $include: 'auth.json' }, models: {\n providers: 7 } }"),
        ("state/auth.json", "{\n  cooldowns: {\n    billingMaxHours: 'a day' } }"),
    ]);
    let error = files.refused();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    let places: Vec<_> = error.diagnostics().iter().map(|found| found.location.to_string()).collect();
    let main = format!("{}:2:13, models.providers", files.path("state/openclaw.json").display());
    let included = format!("{}:3:22, auth.cooldowns.billingMaxHours", files.path("state/auth.json").display());
    assert_eq!(places, [main, included]);

    std::fs::write(files.path("state/auth.json"), "{\n  oops").unwrap();
    let error = files.refused();
    assert_eq!((error.kind(), place(&error).0, place(&error).1), (ErrorKind::Syntax, files.path("state/auth.json"), 2));
}

#[test]
fn what_cannot_be_included_is_refused_and_leniently_left_empty() {
    for (main, word) in [
        ("{ auth: { $include: 'nowhere.json', order: { anthropic: ['anthropic:a'] } } }", "does not exist"),
        ("{ auth: { $include: 'directory', order: { anthropic: ['anthropic:a'] } } }", "cannot be read"),
        ("{ auth: { $include: 7, order: { anthropic: ['anthropic:a'] } } }", "name of a file"),
        ("{ auth: { $include: ['list.json', null], order: { anthropic: ['anthropic:a'] } } }", "name of a file"),
        ("{ auth: { $include: 'list.json', order: { anthropic: ['anthropic:a'] } } }", "only an object"),
        ("{ auth: { $include: 'bad.json', order: { anthropic: ['anthropic:a'] } } }", "does not exist"),
    ] {
        let files = Files::new(&[
            ("state/openclaw.json", main),
            ("state/directory/file", ""),
            ("state/list.json", "[]"),
            ("state/bad.json", "{ cooldowns: { $include: 'gone.json' } }"),
        ]);
        let error = files.refused();
        assert_eq!((error.kind(), error.to_string().contains(word)), (ErrorKind::InvalidInclude, true), "{error}");
        let config = files.read(&options().lenient(true)).unwrap();
        assert_eq!(anthropic_order(&config), 1, "{main}");
        assert!(config.diagnostics().iter().any(|found| found.code == DiagnosticCode::InvalidInclude));
    }
}

#[test]
fn a_text_from_nowhere_includes_nothing() {
    let error = Config::from_json5_str("{ $include: 'a.json' }", &options()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInclude);
    let lenient = Config::from_json5_str("{ $include: 'a.json' }", &options().lenient(true)).unwrap();
    assert_eq!(lenient.diagnostics().len(), 1);
}

#[test]
fn includes_cannot_multiply_without_end() {
    let tenfold = |next: &str| format!("{{ $include: [{}] }}", vec![format!("'{next}'"); 10].join(","));
    let mut files: Vec<(String, String)> = vec![("state/openclaw.json".to_owned(), tenfold("f0.json"))];
    files.extend((0..8).map(|n| (format!("state/f{n}.json"), tenfold(&format!("f{}.json", n + 1)))));
    files.push(("state/f8.json".to_owned(), "{}".to_owned()));
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (&**name, &**text)).collect();
    assert!(Files::new(&files).refused().to_string().contains("more than 1000 files"));

    let padding = format!("{{ /* {} */ }}", "x".repeat(1 << 10));
    let many = format!("{{ $include: [{}] }}", vec!["'padding.json'"; 20].join(","));
    let files = Files::new(&[("state/openclaw.json", &many), ("state/padding.json", &padding)]);
    let error = files.read(&options().max_bytes(10 << 10)).unwrap_err();
    assert_eq!((error.kind(), place(&error).0), (ErrorKind::TooLarge, files.path("state/padding.json")));
    assert!(files.read(&options()).is_ok());
}

#[test]
fn nesting_is_counted_over_all_files() {
    let nested = |levels: usize, inner: &str| format!("{}{inner}{}", "{a:".repeat(levels), "}".repeat(levels));
    let files = Files::new(&[
        ("state/openclaw.json", &nested(100, "{$include:'deep.json'}")),
        ("state/deep.json", &nested(100, "1")),
    ]);
    assert_eq!(files.refused().kind(), ErrorKind::TooDeep);
    std::fs::write(files.path("state/deep.json"), nested(20, "1")).unwrap();
    assert!(files.read(&options()).is_ok());
}

#[test]
fn a_relative_path_without_a_directory_is_one_here() {
    // Tests run in the package's directory, which has no such file.
    let error = Config::from_path(Path::new("no-such-openclaw.json"), &options()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[cfg(windows)]
#[test]
fn names_of_windows_are_understood() {
    let files = Files::new(&[("state/openclaw.json", ""), ("state/parts/order.json", ORDER), ("outside.json", ORDER)]);
    let order = files.path("state/parts/order.json");
    let drive = order.display().to_string();
    let included = |name: &Path| {
        std::fs::write(files.path("state/openclaw.json"), format!("{{ auth: {{ $include: {} }} }}", quoted(name)))
            .unwrap();
        files.read(&options())
    };
    for name in [
        r"parts\order.json",
        r".\parts/order.json",
        r"PARTS\Order.json",
        &drive,
        &drive.replace('\\', "/"),
        &drive.to_uppercase(),
        &format!(r"\\?\{drive}"),
    ] {
        assert_eq!(anthropic_order(&included(Path::new(name)).unwrap()), 1, "{name}");
    }
    for name in [r"..\outside.json", r"\\server\share\order.json", r"\\?\UNC\server\share\order.json", "D:order.json"] {
        let error = included(Path::new(name)).unwrap_err();
        assert!(error.to_string().contains("outside the directory"), "{error}");
    }
    // Whatever the case, it is the same file.
    std::fs::write(&order, "{ order: { $include: 'ORDER.json' } }").unwrap();
    let error = included(Path::new("parts/order.json")).unwrap_err();
    assert!(error.to_string().contains("includes itself"), "{error}");
    assert!(!error.to_string().contains('/'), "{error}");
}
