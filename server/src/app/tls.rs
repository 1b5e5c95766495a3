//! Who may connect over TCP? Mutual TLS: we show a certificate, and the client must show one that our CA signed.

use crate::config::pem;
use std::{path::Path, sync::Arc};
use tokio_rustls::rustls::{ServerConfig, crypto::ring, server::WebPkiClientVerifier};

/// The server's side. `Err` is one line for the administrator.
pub(super) fn mutual(certificate: &Path, key: &Path, client_ca: &Path) -> Result<Arc<ServerConfig>, String> {
    let chain = pem::certificates(certificate)?;
    let private = pem::private_key(key)?;
    let roots = pem::authorities(client_ca)?;
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
