//! Which mistakes in `[state]` are told, and what is read without any?

use super::*;

fn read(text: &str) -> (Settings, Vec<String>) {
    let document = Document::parse("t.toml", text).expect("TOML");
    let faults = RefCell::new(Vec::new());
    let settings = Settings::read(&document, &faults);
    (settings, faults.into_inner().iter().map(ToString::to_string).collect())
}

fn redis_of(text: &str) -> RedisSettings {
    match read(text) {
        (Settings { store: Store::Redis(redis), .. }, faults) if faults.is_empty() => redis,
        (settings, faults) => panic!("{text}: {settings:?} {faults:?}"),
    }
}

#[test]
fn without_a_line_it_is_sled() {
    let (settings, faults) = read("");
    assert!(matches!(settings.store, Store::Sled) && faults.is_empty(), "{faults:?}");
    assert!(matches!(read("[state]\nstore = 'memory'").0.store, Store::Memory));
}

#[test]
fn one_server_or_a_cluster() {
    let one = redis_of("[state]\nstore = 'redis'\nredis_url = ['redis://[::1]/3']");
    assert_eq!((one.nodes[0].to_string(), one.database), ("[::1]:6379".to_owned(), 3));
    assert_eq!((one.prefix.as_str(), one.timeout.as_millis()), ("tollgate", 200));
    assert!(!one.server_name.is_empty() && !one.cluster && one.tls.is_none());
    let socket = redis_of("[state]\nstore = 'redis'\nredis_url = ['unix:///run/redis.sock']");
    assert_eq!(socket.nodes[0].to_string(), "/run/redis.sock");
    let seeds = "redis_url = ['redis://a.example:7001', 'redis://b.example:7002']";
    let cluster = redis_of(&format!("[state]\nstore = 'redis'\nredis_cluster = true\n{seeds}"));
    assert_eq!(cluster.nodes.len(), 2);
}

#[test]
fn a_password_comes_from_a_file_and_is_not_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("password");
    std::fs::write(&path, "hunter2\n").expect("writes");
    let file = format!("redis_password_file = '{}'", path.display());
    let text = format!("[state]\nstore = 'redis'\nredis_url = ['redis://h']\nredis_user = 'tollgate'\n{file}");
    let redis = redis_of(&text);
    assert_eq!(redis.password.as_ref().map(Secret::expose), Some("hunter2"));
    assert!(!format!("{redis:?}").contains("hunter2"));
}

#[test]
fn every_mistake_is_told_once() {
    for (text, expected) in [
        ("store = 'file'", "expected sled, memory, redis"),
        ("store = 'redis'", "store = \"redis\" without it"),
        ("redis_url = ['http://h']", "expected redis://HOST:PORT"),
        ("redis_url = ['redis://user:hunter2@h']", "expected redis_user and redis_password_file"),
        ("redis_url = ['redis://h:0']", "is no port"),
        ("redis_url = ['redis://h:70000']", "is no port"),
        ("redis_url = ['redis://h/x']", "is no database"),
        ("redis_url = ['redis://:6379']", "is no host"),
        ("redis_url = ['unix://relative']", "expected unix:///PATH"),
        ("redis_url = ['redis://a', 'redis://b']", "expected one, or servers of a cluster"),
        ("redis_cluster = true\nredis_url = ['redis://a/1']", "neither databases nor Unix sockets"),
        ("redis_cluster = true\nredis_url = ['unix:///s']", "neither databases nor Unix sockets"),
        ("redis_user = 'u'", "expected redis_password_file too"),
        ("redis_password_file = '/nonexistent/p'", "/nonexistent/p"),
        ("redis_url = ['rediss://h']", "expected the authority"),
        ("redis_tls_ca = '/nonexistent/ca'", "expected rediss://"),
        ("redis_url = ['rediss://h']\nredis_tls_ca = '/nonexistent/ca'", "/nonexistent/ca"),
        ("redis_tls_key = '/nonexistent/k'", "or neither"),
        ("redis_prefix = 'a*'", "expected at most 64 letters"),
        ("redis_server_name = '{x}'", "expected at most 64 letters"),
        ("redis_timeout_ms = 5", "10 to 5000"),
    ] {
        let faults = read(&format!("[state]\n{text}")).1;
        assert!(faults.len() == 1 && faults[0].contains(expected), "{text}: {faults:?}");
        assert!(!faults[0].contains("hunter2"), "{faults:?}");
    }
}
