//! Certificates for TLS: an unknown authority, and a server that it certifies.

use std::fs;
use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, Error, IsCa, KeyPair};

/// Files in PEM.
#[derive(Debug)]
pub(crate) struct Certificate {
    pub(crate) authority: PathBuf,
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

impl Certificate {
    /// Writes a new authority's certificate, and a certificate and key for 127.0.0.1 and localhost, to `folder`.
    pub(crate) fn write(folder: &Path) -> Certificate {
        let [authority, certificate, key] = pem().expect("keys of this kind can always be made");
        let write = |name: &str, pem: String| {
            let path = folder.join(name);
            fs::write(&path, pem)
                .unwrap_or_else(|error| panic!("{} was not written: {error}", path.display()));
            path
        };
        Certificate {
            authority: write("authority.pem", authority),
            certificate: write("certificate.pem", certificate),
            key: write("key.pem", key),
        }
    }
}

fn pem() -> Result<[String; 3], Error> {
    let mut authority = CertificateParams::new([])?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    // By default all have one name, and a certificate issued by its own name counts as self-signed.
    authority
        .distinguished_name
        .push(DnType::CommonName, "authority of one test server");
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
    let key = KeyPair::generate()?;
    let names = ["127.0.0.1".to_owned(), "localhost".to_owned()];
    let certificate = CertificateParams::new(names)?.signed_by(&key, &authority)?;
    Ok([authority.pem(), certificate.pem(), key.serialize_pem()])
}
