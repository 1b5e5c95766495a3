//! Who may connect over TCP? Mutual TLS: we show a certificate, and the client must show one that our CA signed.

use std::{path::Path, sync::Arc};
use tokio_rustls::rustls::{
    RootCertStore, ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::WebPkiClientVerifier,
};

/// Certificates a PEM file may hold.
const CERTIFICATES_MAX: usize = 1_000;

/// The server's side. `Err` is one line for the administrator.
pub(super) fn mutual(certificate: &Path, key: &Path, client_ca: &Path) -> Result<Arc<ServerConfig>, String> {
    let chain = certificates(certificate)?;
    let authorities = certificates(client_ca)?;
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| format!("{}: {error}", key.display()))?;
    let mut roots = RootCertStore::empty();
    for authority in authorities {
        roots.add(authority).map_err(|error| format!("{}: {error}", client_ca.display()))?;
    }
    let provider = Arc::new(ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .build()
        .map_err(|error| format!("{}: {error}", client_ca.display()))?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, private)
        .map_err(|error| format!("{}: {error}", certificate.display()))?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(Arc::new(config))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let fault = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let found = CertificateDer::pem_file_iter(path).map_err(|error| fault(&error))?;
    let found: Vec<_> = found.take(CERTIFICATES_MAX).collect::<Result<_, _>>().map_err(|error| fault(&error))?;
    if found.is_empty() { Err(fault(&"there is no certificate in it: expected PEM")) } else { Ok(found) }
}
