//! Does it work behind TLS, as a user with the documented rights and no others? And what is said to whom is kept out?

use super::{DAY, PATIENCE_MS, conforms, keep, now, read, server, shelves::Sample, state};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use state::{Held, Tokens, Trouble};
use tollgate_tests::{
    redis::{PASSWORD, Redis, Tls},
    scratch::Scratch,
};

/// An authority of its own, and what it has signed.
fn certificates(scratch: &Scratch, name: &str) -> Tls {
    let mut params = CertificateParams::new(Vec::new()).expect("no names");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    // OpenSSL takes a certificate whose subject is its issuer's for one that signed itself.
    params.distinguished_name.push(DnType::CommonName, "authority");
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("a CA");
    let key = KeyPair::generate().expect("a key");
    let names = CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("a name");
    let certificate = names.signed_by(&key, &authority).expect("signs");
    Tls {
        ca: scratch.write(&format!("{name}-ca.pem"), authority.pem()),
        certificate: scratch.write(&format!("{name}.pem"), certificate.pem()),
        key: scratch.write(&format!("{name}.key"), key.serialize_pem()),
    }
}

fn lines(scratch: &Scratch, redis: &Redis, tls: &Tls) -> String {
    let password = scratch.write("password", format!("{PASSWORD}\n"));
    format!(
        "redis_url = [\"rediss://{}\"]\nredis_tls_ca = \"{}\"\nredis_tls_certificate = \"{}\"\nredis_tls_key = \"{}\"\n\
         redis_user = \"tollgate\"\nredis_password_file = \"{}\"\nredis_timeout_ms = {PATIENCE_MS}",
        redis.address,
        tls.ca.display(),
        tls.certificate.display(),
        tls.key.display(),
        password.display()
    )
}

#[test]
fn tls_and_a_user_with_the_documented_rights_conform() {
    let scratch = Scratch::new("redis-tls");
    let tls = certificates(&scratch, "ours");
    let redis = Redis::secured(&scratch, "secured", &tls);
    let lines = lines(&scratch, &redis, &tls);
    conforms(&lines, &|| assert_eq!(redis.cli(&["FLUSHALL"]).trim(), "OK"));
    let refused = redis.cli(&["ACL", "LOG"]);
    assert!(!refused.contains("reason"), "nothing was asked that the user may not: {refused}");
}

/// What a server with these lines is told: the word, and the whole message.
fn refusal(redis: &Redis, lines: &str) -> (Trouble, String) {
    let error = read::<Tokens>(&server(lines), 0).expect_err("it is not let in");
    let text = error.to_string();
    assert!(text.starts_with(&format!("{}: {}: ", redis.address, error.trouble())), "{text}");
    assert!(!text.contains("horse") && text.lines().count() == 1, "no secret, one line: {text}");
    (error.trouble(), text)
}

#[test]
fn who_is_not_let_in_is_told_why_without_the_password() {
    let scratch = Scratch::new("redis-acl");
    let (tls, strange) = (certificates(&scratch, "ours"), certificates(&scratch, "strange"));
    let redis = Redis::secured(&scratch, "secured", &tls);
    let good = lines(&scratch, &redis, &tls);
    let password = format!("redis_password_file = \"{}\"", scratch.path("password").display());
    let wrong = format!("redis_password_file = \"{}\"", scratch.write("wrong", "wrong horse").display());
    assert_eq!(refusal(&redis, &good.replace(&password, &wrong)).0, Trouble::Auth);
    let nobody = good.replace(&password, "").replace("redis_user = \"tollgate\"", "");
    assert_eq!(refusal(&redis, &nobody).0, Trouble::Auth);
    let elsewhere = format!("{good}\nredis_prefix = \"other\"");
    assert_eq!(refusal(&redis, &elsewhere).0, Trouble::Auth, "keys of others");
    let untrusted = good.replace(&tls.ca.display().to_string(), &strange.ca.display().to_string());
    let (word, text) = refusal(&redis, &untrusted);
    assert!(word == Trouble::Protocol && text.contains("certificate"), "{text}");
    let plain: Vec<_> = good.lines().filter(|line| !line.contains("redis_tls")).collect();
    let plain = plain.join("\n").replace("rediss://", "redis://");
    assert!(matches!(refusal(&redis, &plain).0, Trouble::Refused | Trouble::Protocol), "no TLS");
}

#[test]
fn a_right_that_is_missing_is_named() {
    let scratch = Scratch::new("redis-right");
    let tls = certificates(&scratch, "ours");
    let redis = Redis::secured(&scratch, "secured", &tls);
    redis.cli(&["ACL", "SETUSER", "tollgate", "-hset"]);
    let store = server(&lines(&scratch, &redis, &tls));
    let error = keep(&store, 0, &Tokens::sample(1, now() + DAY)).expect_err("a right is missing");
    assert_eq!(error.trouble(), Trouble::Auth);
    assert!(error.to_string().contains("hset"), "{error}");
    assert_eq!(read::<Tokens>(&store, 0).expect("reads"), Held::default(), "nothing was half done");
}
