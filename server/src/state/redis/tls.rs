//! How does a Redis prove who it is, and we to it? TLS with an authority of the administrator's choice.

use crate::config::pem;
use std::{path::Path, path::PathBuf, sync::Arc};
use tokio_rustls::rustls::{ClientConfig, crypto::ring};

/// The client's side: whom we trust and, if the server asks, our certificate and its key. `Err` is one line for the
/// administrator.
pub(in crate::state) fn client(ca: &Path, ours: Option<&(PathBuf, PathBuf)>) -> Result<Arc<ClientConfig>, String> {
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(pem::authorities(ca)?);
    let config = match ours {
        None => config.with_no_client_auth(),
        Some((certificate, key)) => config
            .with_client_auth_cert(pem::certificates(certificate)?, pem::private_key(key)?)
            .map_err(|error| format!("{}: {error}", certificate.display()))?,
    };
    Ok(Arc::new(config))
}
