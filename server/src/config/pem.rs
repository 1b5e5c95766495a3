//! Which certificates and keys do PEM files hold? Bounded, and every fault names the file.

use std::path::Path;
use tokio_rustls::rustls::{
    RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

/// Certificates a PEM file may hold.
const CERTIFICATES_MAX: usize = 1_000;

/// All certificates in a file, at least one. `Err` is one line for the administrator.
pub fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let fault = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let found = CertificateDer::pem_file_iter(path).map_err(|error| fault(&error))?;
    let found: Vec<_> = found.take(CERTIFICATES_MAX).collect::<Result<_, _>>().map_err(|error| fault(&error))?;
    if found.is_empty() { Err(fault(&"there is no certificate in it: expected PEM")) } else { Ok(found) }
}

/// The authorities in a file.
pub fn authorities(path: &Path) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for authority in certificates(path)? {
        roots.add(authority).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(roots)
}

/// The private key in a file.
pub fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, String> {
    PrivateKeyDer::from_pem_file(path).map_err(|error| format!("{}: {error}", path.display()))
}
