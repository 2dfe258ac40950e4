//! No secret in any text of the store on a server: of the server's address, of its values, of what it says.

use std::time::Duration;

use provider_auth::store::RedisEngine;
use provider_auth::store::shared::{Settings, SharedStore};
use provider_auth::{AuthProfileStore as _, AuthProfileStoreExt as _, Credential, ProfileId, ProviderId, Secret};
use serde_json::json;

use crate::heard::{Heard, hunt_few};
use crate::server::Server;

fn used(heard: &mut Heard, engine: RedisEngine) {
    heard.debug(&engine);
    let store = SharedStore::new(engine.timeout(Duration::from_secs(2)), Settings::default());
    let (id, key) = (ProfileId::new("anthropic:a").unwrap(), Credential::api_key(Secret::new(heard.secret.as_str())));
    heard.result(store.load());
    heard.result(store.upsert(&id, &ProviderId::anthropic(), &key, None));
    heard.result(store.load());
    heard.result(store.lease(&id, Duration::ZERO));
    heard.debug(&(&store, store.engine()));
}

fn walk(heard: &mut Heard, server: &Server) {
    let (in_url, secret) = (heard.in_url(), heard.secret.clone());
    for url in [
        format!("redis://me:{in_url}@127.0.0.1:1"),
        format!("redis://:{in_url}@127.0.0.1:{}", server.port),
        format!("redis://{in_url}@127.0.0.1:{}", server.port),
        format!("rediss://me:{in_url}@127.0.0.1:1"),
        format!("http://me:{in_url}@127.0.0.1"),
        secret.clone(),
    ] {
        for engine in [RedisEngine::new(&url), RedisEngine::cluster(&[&url]), RedisEngine::sentinel(&[&url], &url)] {
            if let Some(engine) = heard.result(engine) {
                used(heard, engine);
            }
        }
    }
    used(heard, RedisEngine::new(&server.url()).unwrap());
    // Values that somebody damaged.
    let whole = json!({"type": "api_key", "provider": "anthropic", "key": secret}).to_string();
    let mut bare = server.bare();
    for value in [whole.as_str(), &secret, whole.trim_end_matches("\"}")] {
        for name in ["dcredentials", "dstate", "pcredentials"] {
            let stamp = [("", "stamp"), (&*name.replacen('d', "v", 1), "stamp"), (name, value)];
            for (name, value) in stamp {
                redis::cmd("HSET").arg("{provider-auth:main}").arg(name).arg(value).query::<()>(&mut bare).unwrap();
            }
        }
        used(heard, RedisEngine::new(&server.url()).unwrap());
    }
    redis::cmd("FLUSHALL").query::<()>(&mut bare).unwrap();
}

#[test]
fn no_secret_of_a_server_is_in_any_text() {
    let Some(server) = Server::start(&[]) else { return };
    hunt_few("Redis", 60, |heard| {
        walk(heard, &server);
        let unheard = heard.unheard();
        assert!(!unheard.iter().any(|path| ["store::RedisEngine", "store::SharedStore"].contains(path)), "{unheard:?}");
    });
}
