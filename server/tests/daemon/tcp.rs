//! Who may ask over TCP? On loopback anybody if so configured; else only who shows a certificate that our CA signed.

use crate::harness::{Daemon, Smtp};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use std::{fs, net::SocketAddr};
use tollgate_proto::v1::{Action, policy_client::PolicyClient};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};

#[tokio::test]
async fn insecure_on_loopback() {
    let daemon = Daemon::start("tcp = '127.0.0.1:0'\ninsecure = true", "");
    let address = daemon.address("tcp:");
    let endpoint = Endpoint::from_shared(format!("http://{address}")).expect("an endpoint");
    let mut client = PolicyClient::new(endpoint.connect().await.expect("connects"));
    let verdict = Smtp::from("192.0.2.1", "ann@example.org").talk(&mut client, "bob@example.net").await;
    assert_eq!(verdict.action(), Action::Continue);
}

/// A CA, and a certificate with its key signed by it.
struct Pair {
    ca: String,
    certificate: String,
    key: String,
}

fn pair(name: &str) -> Pair {
    let mut params = CertificateParams::new(Vec::new()).expect("no names");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("a CA");
    let key = KeyPair::generate().expect("a key");
    let leaf = CertificateParams::new(vec![name.to_owned()]).expect("a name");
    let certificate = leaf.signed_by(&key, &ca).expect("signs");
    Pair { ca: ca.pem(), certificate: certificate.pem(), key: key.serialize_pem() }
}

async fn connect(address: SocketAddr, ca: &str, identity: Option<&Pair>) -> Result<Channel, tonic::transport::Error> {
    let mut tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(ca)).domain_name("gate.example");
    if let Some(pair) = identity {
        tls = tls.identity(Identity::from_pem(&pair.certificate, &pair.key));
    }
    Endpoint::from_shared(format!("https://{address}")).expect("an endpoint").tls_config(tls)?.connect().await
}

#[tokio::test]
async fn mutual_tls() {
    let (ours, mail_host, stranger) = (pair("gate.example"), pair("mx1.example"), pair("mx1.example"));
    let mut daemon = Daemon::configured("", "");
    let write = |name: &str, text: &str| {
        fs::write(daemon.path(name), text).expect("writes");
        daemon.path(name).display().to_string()
    };
    let keys = format!(
        "tcp = '127.0.0.1:0'\ntls_certificate = '{}'\ntls_key = '{}'\ntls_client_ca = '{}'",
        write("gate.pem", &ours.certificate),
        write("gate.key", &ours.key),
        write("clients.pem", &mail_host.ca),
    );
    daemon.configure(&keys, "");
    daemon.run();
    let address = daemon.address("tcp:");
    let channel = connect(address, &ours.ca, Some(&mail_host)).await.expect("is let in");
    let mut client = PolicyClient::new(channel);
    let verdict = Smtp::from("192.0.2.1", "ann@example.org").talk(&mut client, "bob@example.net").await;
    assert_eq!(verdict.action(), Action::Continue);
    for identity in [None, Some(&stranger)] {
        // With TLS 1.3 the refusal may come after the client's side of the handshake: then the first call fails.
        if let Ok(channel) = connect(address, &ours.ca, identity).await {
            let request = Smtp::from("192.0.2.1", "").connect_request();
            PolicyClient::new(channel).connect(request).await.expect_err("is kept out");
        }
    }
}
