//! The errors if the server is away, refuses, or is another kind of server; none contains the URL.

use std::error::Error as _;
use std::fmt::Write as _;
use std::time::Duration;

use provider_auth::store::RedisEngine;
use provider_auth::store::shared::{Settings, SharedStore};
use provider_auth::{AuthProfileStore as _, Error, ErrorKind};

use crate::server::Server;

const PASSWORD: &str = "made-up-password";

/// Everything that can be shown of an error.
fn shown(error: &Error) -> String {
    let mut shown = format!("{error} {error:?} {}", error.help());
    let mut cause = error.source();
    while let Some(next) = cause {
        write!(shown, " {next} {next:?}").unwrap();
        cause = next.source();
    }
    shown
}

#[test]
fn an_address_that_cannot_be_used_is_refused_without_it() {
    let urls = [format!("http://me:{PASSWORD}@host"), format!("rediss://me:{PASSWORD}@host"), PASSWORD.to_owned()];
    for url in &urls {
        let error = RedisEngine::new(url).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidUrl);
        assert!(!shown(&error).contains(PASSWORD), "{error:?}");
    }
    assert_eq!(RedisEngine::cluster(&[]).unwrap_err().kind(), ErrorKind::InvalidUrl);
    assert_eq!(RedisEngine::sentinel(&[], "redis://name").unwrap_err().kind(), ErrorKind::InvalidUrl);
    for agent in ["", " ", "a{b}"] {
        let error = RedisEngine::new("redis://host").unwrap().agent(agent).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidId);
    }
}

#[test]
fn a_server_that_is_not_there_is_a_transient_error_without_its_address() {
    let url = format!("redis://me:{PASSWORD}@127.0.0.1:1");
    let engine = RedisEngine::new(&url).unwrap().timeout(Duration::from_millis(500));
    let store = SharedStore::new(engine, Settings::default());
    let error = store.load().unwrap_err();
    assert!(error.kind() == ErrorKind::StoreUnavailable && error.is_transient());
    let text = format!("{} {store:?} {:?}", shown(&error), store.engine());
    assert!(!text.contains(PASSWORD) && !text.contains("127.0.0.1"), "{text}");
}

#[test]
fn a_password_that_is_refused_is_said_to_be_and_not_shown() {
    let Some(server) = Server::start(&[]) else { return };
    let secret = "another-made-up-password";
    redis::cmd("CONFIG").arg("SET").arg("requirepass").arg(secret).query::<()>(&mut server.bare()).unwrap();
    for url in [format!("redis://:{PASSWORD}@127.0.0.1:{}", server.port), server.url()] {
        let error = SharedStore::open(&url).unwrap().load().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error:?}");
        assert!(!error.is_transient() && error.help().contains("password"));
        assert!(!shown(&error).contains(PASSWORD) && !shown(&error).contains(&server.port.to_string()));
    }
    let url = format!("redis://:{secret}@127.0.0.1:{}", server.port);
    assert!(SharedStore::open(&url).unwrap().load().unwrap().is_empty());
}

#[test]
fn a_key_that_is_something_else_is_left_alone() {
    let Some(server) = Server::start(&[]) else { return };
    let mut bare = server.bare();
    redis::cmd("SET").arg("{provider-auth:main}").arg("mine").query::<()>(&mut bare).unwrap();
    let error = server.store("main").update(&mut |_| Ok(())).unwrap_err();
    assert!(error.is_corrupt(), "{error:?}");
    assert_eq!(redis::cmd("GET").arg("{provider-auth:main}").query::<String>(&mut bare).unwrap(), "mine");
}

#[test]
fn values_that_are_damaged_are_reported_and_never_overwritten() {
    let Some(server) = Server::start(&[]) else { return };
    let mut bare = server.bare();
    for (name, value) in [("", "stamp"), ("vcredentials", "stamp"), ("dcredentials", "{ \"profiles\": ")] {
        redis::cmd("HSET").arg("{provider-auth:main}").arg(name).arg(value).query::<()>(&mut bare).unwrap();
    }
    let error = server.store("main").load().unwrap_err();
    assert!(error.is_corrupt() && error.location().is_some(), "{error:?}");
    assert!(server.store("main").update(&mut |_| Ok(())).is_err());
    let kept: String = redis::cmd("HGET").arg("{provider-auth:main}").arg("dcredentials").query(&mut bare).unwrap();
    assert_eq!(kept, "{ \"profiles\": ");
}

#[test]
fn a_server_without_memory_says_so_and_keeps_what_it_has() {
    let Some(server) = Server::start(&[]) else { return };
    let store = server.store("main");
    let set = |store: &provider_auth::store::RedisStore, order: &str| {
        store.update(&mut |profiles| {
            let id = provider_auth::ProfileId::new(order)?;
            profiles.set_order(&provider_auth::ProviderId::anthropic(), &[id])
        })
    };
    set(&store, "x:a").unwrap();
    redis::cmd("CONFIG").arg("SET").arg("maxmemory").arg(1).query::<()>(&mut server.bare()).unwrap();
    assert_eq!(set(&store, "x:b").unwrap_err().kind(), ErrorKind::StorageFull);
    redis::cmd("CONFIG").arg("SET").arg("maxmemory").arg(0).query::<()>(&mut server.bare()).unwrap();
    set(&store, "x:c").unwrap();
}
