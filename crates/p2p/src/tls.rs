//! TLS 1.3 with one pinned Ed25519 key on each side; of a certificate only the key counts (networking spec 4).

use p2p_proto::{Keyring, PeerId, certificate};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ClientConfig, ClientConnection, Resumption};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{NoServerSessionStorage, ServerConfig, ServerConnection};
use rustls::sign::{CertifiedKey, Signer, SigningKey, SingleCertAndKey};
use rustls::version::TLS13;
use rustls::{
    CertificateError, Connection, DigitallySignedStruct, DistinguishedName, Error, SignatureAlgorithm, SignatureScheme,
};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

/// What this host brings into every handshake. The certificate is made once.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    provider: Arc<CryptoProvider>,
    certificate: Arc<SingleCertAndKey>,
}

impl Identity {
    pub fn new(keyring: Arc<dyn Keyring>) -> Self {
        let chain = vec![CertificateDer::from(certificate::own(&*keyring))];
        let certified = CertifiedKey::new(chain, Arc::new(KeyringKey(keyring)));
        Self { provider: Arc::new(ring::default_provider()), certificate: Arc::new(SingleCertAndKey::from(certified)) }
    }

    /// Both sides of a handshake with `peer`.
    pub fn facing(&self, peer: PeerId) -> Pinned {
        let pin = Arc::new(Pin { peer });
        let mut client = ClientConfig::builder_with_provider(self.provider.clone())
            .with_protocol_versions(&[&TLS13])
            .expect("the ring provider has TLS 1.3")
            .dangerous()
            .with_custom_certificate_verifier(pin.clone())
            .with_client_cert_resolver(self.certificate.clone());
        client.resumption = Resumption::disabled();
        client.enable_sni = false;
        let mut server = ServerConfig::builder_with_provider(self.provider.clone())
            .with_protocol_versions(&[&TLS13])
            .expect("the ring provider has TLS 1.3")
            .with_client_cert_verifier(pin)
            .with_cert_resolver(self.certificate.clone());
        // A resumed session would skip the check of the key.
        server.session_storage = Arc::new(NoServerSessionStorage {});
        server.send_tls13_tickets = 0;
        Pinned { client: Arc::new(client), server: Arc::new(server) }
    }
}

/// Handshakes that only one peer can finish.
#[derive(Clone, Debug)]
pub(crate) struct Pinned {
    client: Arc<ClientConfig>,
    server: Arc<ServerConfig>,
}

impl Pinned {
    pub fn dial(&self) -> Result<Connection, Error> {
        // Rustls wants a name; an address is not sent.
        let name = ServerName::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST).into());
        let mut connection = ClientConnection::new(self.client.clone(), name)?;
        connection.set_buffer_limit(None);
        Ok(connection.into())
    }

    pub fn answer(&self) -> Result<Connection, Error> {
        let mut connection = ServerConnection::new(self.server.clone())?;
        connection.set_buffer_limit(None);
        Ok(connection.into())
    }
}

/// Accepts the certificate of one peer.
#[derive(Debug)]
struct Pin {
    peer: PeerId,
}

impl Pin {
    fn check(&self, end_entity: &CertificateDer<'_>, rest: &[CertificateDer<'_>]) -> Result<(), Error> {
        let chain = std::iter::once(end_entity).chain(rest).map(AsRef::as_ref);
        certificate::verify(chain, self.peer)
            .map_err(|_| Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure))
    }

    fn check_signature(
        &self,
        message: &[u8],
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let valid =
            signed.scheme == SignatureScheme::ED25519 && self.peer.public_key().verify(message, signed.signature());
        if valid {
            Ok(HandshakeSignatureValid::assertion())
        } else {
            Err(Error::InvalidCertificate(CertificateError::BadSignature))
        }
    }
}

fn no_tls12() -> Error {
    Error::General("TLS 1.2 is not spoken".into())
}

impl ServerCertVerifier for Pin {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.check(end_entity, intermediates)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(no_tls12())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        _: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.check_signature(message, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }
}

impl ClientCertVerifier for Pin {
    /// Empty: a reference client that is shown a list finds no certificate of its own in it and sends none.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.check(end_entity, intermediates)?;
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(no_tls12())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        _: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.check_signature(message, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }
}

/// Lets TLS sign with a key that it never sees.
#[derive(Clone, Debug)]
struct KeyringKey(Arc<dyn Keyring>);

impl SigningKey for KeyringKey {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        offered.contains(&SignatureScheme::ED25519).then(|| Box::new(self.clone()) as Box<dyn Signer>)
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::ED25519
    }
}

impl Signer for KeyringKey {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        Ok(self.0.sign(message).to_vec())
    }

    fn scheme(&self) -> SignatureScheme {
        SignatureScheme::ED25519
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use p2p_proto::certificate::{TLS, TlsParameters};
    use rustls::client::ResolvesClientCert;

    #[test]
    fn the_real_configurations_are_what_the_specification_says() {
        let keyring = Arc::new(crypto::ed25519::SecretKey::from_seed(&[0; 32]));
        let peer = keyring.peer_id();
        let identity = Identity::new(keyring.clone());
        let Pinned { client, server } = identity.facing(peer);
        let schemes =
            [SignatureScheme::ED25519, SignatureScheme::ECDSA_NISTP256_SHA256, SignatureScheme::RSA_PSS_SHA256];
        let signs = |scheme: &SignatureScheme| KeyringKey(keyring.clone()).choose_scheme(&[*scheme]).is_some();
        let real = TlsParameters {
            version: TLS13.version.into(),
            alpn: client.alpn_protocols.len() + server.alpn_protocols.len(),
            certificates: identity.certificate.resolve(&[], &[]).map_or(0, |certified| certified.cert.len()),
            client_certificate_required: ClientCertVerifier::client_auth_mandatory(&Pin { peer }),
            signs_ed25519_only: schemes.iter().filter(|scheme| signs(scheme)).eq([&SignatureScheme::ED25519]),
            server_name_sent: client.enable_sni,
        };
        assert_eq!(real, TLS);
        assert_eq!(server.send_tls13_tickets, 0);
        assert!(ClientCertVerifier::root_hint_subjects(&Pin { peer }).is_empty());
    }
}
