//! One OAuth credential that eight machines refresh. Some are killed at any moment, preferably those that hold the
//! lease.
//!
//! `PROVIDER_AUTH_FLEET=10 cargo test -p provider-auth-backends --test redis refreshes` has ten times as many expiries, 1,000.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::process::Child;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use provider_auth::credential::Tokens;
use provider_auth::refresh::{RefreshCoordinator, RefreshFuture, TokenRefresher};
use provider_auth::{
    AuthProfileStore as _, AuthProfileStoreExt as _, AuthProfiles, Credential, Error, ErrorKind, ProfileId, ProviderId,
    Secret, Timestamp,
};
use redis::Script;

use crate::child::{spawn, store};
use crate::server::Server;

const MACHINES: u64 = 8;
const ME: &str = "anthropic:me";

/// A token endpoint that all processes share: it is on the same server, takes the latest refresh token only, each once, and
/// has a list of what happened in its order.
#[derive(Debug)]
struct Endpoint {
    client: redis::Client,
    requests: AtomicU64,
}

fn note(connection: &mut redis::Connection, what: &str, number: u64, request: &str) {
    let line = format!("{what} {number} {request}");
    redis::cmd("RPUSH").arg("log").arg(line).query::<()>(connection).unwrap();
}

const SPEND: &str = r"
local good = tonumber(redis.call('GET', 'latest') or '1') == tonumber(ARGV[1])
redis.call('RPUSH', 'log', (good and 'good ' or 'bad ') .. ARGV[1] .. ' ' .. ARGV[2])
if good then redis.call('SET', 'latest', ARGV[1] + 1) end
return good";

/// A person signs in again after the token of this number was lost; many who see that are one.
const LOGIN: &str = r"
local known = redis.call('GET', 'login-' .. ARGV[1])
if known then return tonumber(known) end
local latest = redis.call('INCR', 'latest')
redis.call('SET', 'login-' .. ARGV[1], latest)
redis.call('INCR', 'logins')
return latest";

impl TokenRefresher for Endpoint {
    fn refresh<'a>(&'a self, _: &'a ProfileId, _: &'a ProviderId, spent: &'a Secret) -> RefreshFuture<'a> {
        Box::pin(async move {
            let number: u64 = spent.expose().strip_prefix("refresh-").unwrap().parse().unwrap();
            let mut connection = self.client.get_connection().unwrap();
            let request = format!("{}-{}", std::process::id(), self.requests.fetch_add(1, Ordering::SeqCst));
            note(&mut connection, "begin", number, &request);
            sleep(Duration::from_millis(2));
            let good: bool = Script::new(SPEND).arg(number).arg(&request).invoke(&mut connection).unwrap();
            sleep(Duration::from_millis(2));
            note(&mut connection, "end", number, &request);
            if !good {
                return Err(Error::new(ErrorKind::RefreshDenied, "the token was spent"));
            }
            let tokens = Tokens::new(Secret::new(format!("access-{}", number + 1)));
            Ok(tokens.refresh(Secret::new(format!("refresh-{}", number + 1))))
        })
    }
}

fn login(number: u64) -> Credential {
    let (access, refresh) = (format!("access-{number}"), format!("refresh-{number}"));
    let end = Timestamp::from_millis(9_999_999_999_999);
    Credential::oauth(Secret::new(access), Some(Secret::new(refresh)), Some(end))
}

fn number(profiles: &AuthProfiles) -> u64 {
    let access = profiles.get(ME).unwrap().credential().unwrap().secret();
    access.expose().strip_prefix("access-").unwrap().parse().unwrap()
}

/// Has every access token refused once it is seen, until there were so many.
pub(crate) fn renew(url: &str, most: u64) {
    let client = redis::Client::open(url).unwrap();
    let mut bare = client.get_connection().unwrap();
    let (store, me) = (store(url), ProfileId::new(ME).unwrap());
    let endpoint = Endpoint { client, requests: AtomicU64::new(0) };
    let coordinator = RefreshCoordinator::new(Arc::new(store.clone()), Arc::new(endpoint));
    let mut counted = 0;
    loop {
        let seen = number(&store.load().unwrap());
        if seen >= most {
            return;
        }
        let access = Secret::new(format!("access-{seen}"));
        let ended = coordinator.refresh_rejected_blocking(&me, &access);
        redis::cmd("INCRBY").arg("orphaned").arg(store.orphaned() - counted).query::<()>(&mut bare).unwrap();
        counted = store.orphaned();
        let Err(error) = ended else { continue };
        if error.kind() == ErrorKind::RefreshFailed {
            // A machine was killed, and the others wait for it.
            sleep(Duration::from_millis(5));
            continue;
        }
        assert_eq!(error.kind(), ErrorKind::RefreshDenied, "{error:?}");
        let next: u64 = Script::new(LOGIN).arg(seen).invoke(&mut bare).unwrap();
        let sign_in = |profiles: &mut AuthProfiles| {
            if number(profiles) != seen {
                return Ok(());
            }
            profiles.upsert(&me, &ProviderId::anthropic(), &login(next), None)
        };
        store.transact(sign_in).unwrap();
    }
}

#[test]
fn each_expiry_costs_one_refresh_whoever_is_killed() {
    let Some(server) = Server::start(&[]) else { return };
    let length = std::env::var("PROVIDER_AUTH_FLEET").ok().and_then(|times| times.parse().ok()).unwrap_or(1);
    let (expiries, kills, url) = (100 * length, 12 * length, server.url());
    store(&url).upsert(&ProfileId::new(ME).unwrap(), &ProviderId::anthropic(), &login(1), None).unwrap();
    let start = |_| spawn("renew", &url, expiries + 1);
    let mut children: Vec<Child> = (0..MACHINES).map(start).collect();
    let (mut bare, mut killed, began) = (server.bare(), HashSet::new(), Instant::now());
    for kill in 1..=kills {
        let latest = |bare: &mut redis::Connection| -> u64 {
            redis::cmd("GET").arg("latest").query::<Option<u64>>(bare).unwrap().unwrap_or(1)
        };
        while latest(&mut bare) < kill * expiries / (kills + 1) {
            assert!(began.elapsed() < Duration::from_secs(60 * length), "no token is refreshed any more");
            sleep(Duration::from_millis(1));
        }
        // Every second time the one that sent a token last.
        let last: Vec<String> = redis::cmd("LRANGE").arg("log").arg(-1).arg(-1).query(&mut bare).unwrap();
        let sender = last.first().and_then(|line| line.rsplit(' ').next()?.split('-').next()?.parse().ok());
        let sender = children.iter().position(|child| sender == Some(child.id()) && kill % 2 == 0);
        let child = &mut children[sender.unwrap_or(usize::try_from(kill % MACHINES).unwrap())];
        killed.insert(child.id());
        child.kill().unwrap();
        child.wait().unwrap();
        *child = start(kill);
    }
    for child in &mut children {
        assert!(child.wait().unwrap().success());
    }
    let log: Vec<String> = redis::cmd("LRANGE").arg("log").arg(0).arg(-1).query(&mut bare).unwrap();
    let dead = check(&log, &killed);
    let mut value = |name: &str| redis::cmd("GET").arg(name).query::<Option<u64>>(&mut bare).unwrap().unwrap_or(0);
    let (logins, orphaned, latest) = (value("logins"), value("orphaned"), value("latest"));
    let good = log.iter().filter(|line| line.starts_with("good")).count() as u64;
    assert_eq!(latest, 1 + good + logins);
    // One that is killed between its note and its request is counted too.
    assert!(latest > expiries && logins <= dead && orphaned <= kills, "{logins} {orphaned} {dead}");
    println!("{good} refreshes, {kills} kills, {dead} while a token was on its way, {logins} lost, {orphaned} counted");
}

/// Checks what the endpoint saw; returns how many requests died with their machine, those included of which the answer may
/// not have been written any more.
fn check(log: &[String], killed: &HashSet<u32>) -> u64 {
    let words = || log.iter().map(|line| line.split(' ').collect::<Vec<_>>());
    let ended: HashSet<String> = words().filter(|line| line[0] == "end").map(|line| line[2].to_owned()).collect();
    let process = |request: &str| -> u32 { request.split('-').next().unwrap().parse().unwrap() };
    let last: HashMap<u32, String> = words().map(|line| (process(line[2]), line[2].to_owned())).collect();
    let (mut open, mut dead) = (None::<String>, 0);
    let (mut living, mut bad) = (HashMap::<String, u32>::new(), BTreeMap::<String, u32>::new());
    for line in words() {
        let (what, number, request) = (line[0], line[1].to_owned(), line[2].to_owned());
        match what {
            "begin" => {
                assert!(open.is_none(), "two requests at a time: {open:?} and {request}");
                let is_killed = killed.contains(&process(&request));
                assert!(is_killed || ended.contains(&request), "{request} ended, and nobody killed it");
                if is_killed && last.get(&process(&request)) == Some(&request) {
                    dead += 1;
                } else {
                    *living.entry(number).or_default() += 1;
                }
                open = ended.contains(&request).then_some(request);
            }
            "bad" => *bad.entry(number).or_default() += 1,
            "end" => open = None,
            _ => {}
        }
    }
    assert!(living.values().all(|times| *times == 1), "a token was sent twice by machines that lived: {living:?}");
    assert!(bad.values().all(|times| *times == 1) && bad.len() as u64 <= dead, "{bad:?} of {dead}");
    dead
}
