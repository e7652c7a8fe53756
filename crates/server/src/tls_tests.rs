use super::*;
use rcgen::{CertificateParams, CertifiedIssuer, CertifiedKey, IsCa, KeyPair, generate_simple_self_signed};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::path::Path;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsConnector;
use yizhan_domain::ErrorCode;

/// Long enough never to be waited for.
const LONG: Duration = Duration::from_secs(60);

/// Files of a certificate that signs itself.
fn files(folder: &TempDir) -> TlsFiles {
    write(folder.path(), &generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap());
    TlsFiles { cert: folder.path().join("cert.pem"), key: folder.path().join("key.pem"), client_ca: None }
}

fn write(folder: &Path, own: &CertifiedKey<KeyPair>) {
    std::fs::write(folder.join("cert.pem"), own.cert.pem()).unwrap();
    std::fs::write(folder.join("key.pem"), own.signing_key.serialize_pem()).unwrap();
}

/// Trusts the certificate that is in the file at present.
fn client(cert: &Path, own: Option<(CertificateDer<'static>, PrivateKeyDer<'static>)>) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(cert).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let builder = builder.with_root_certificates(roots);
    let mut config = match own {
        Some((cert, key)) => builder.with_client_auth_cert(vec![cert], key).unwrap(),
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    TlsConnector::from(Arc::new(config))
}

/// A connection of both ends; a byte has gone each way when it is good.
async fn meet(acceptor: &Acceptor, client: &TlsConnector) -> (io::Result<()>, io::Result<Option<Vec<u8>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let near = async {
        let mut stream = acceptor.accept(listener.accept().await?.0).await?;
        stream.write_all(&[7]).await?;
        stream.flush().await?;
        stream.read_u8().await.map(drop)
    };
    let far = async {
        let stream = TcpStream::connect(address).await?;
        let mut stream = client.connect(ServerName::try_from("localhost").unwrap(), stream).await?;
        stream.read_u8().await?;
        stream.write_all(&[7]).await?;
        stream.flush().await?;
        Ok(stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec))
    };
    tokio::join!(near, far)
}

#[tokio::test]
async fn a_handshake_agrees_on_http_1() {
    let folder = tempfile::tempdir().unwrap();
    let files = files(&folder);
    let acceptor = Acceptor::open(files.clone(), LONG).unwrap();
    let (near, far) = meet(&acceptor, &client(&files.cert, None)).await;
    near.unwrap();
    assert_eq!(far.unwrap().as_deref(), Some(&b"http/1.1"[..]));
}

#[tokio::test]
async fn changed_files_count_and_bad_ones_do_not() {
    let folder = tempfile::tempdir().unwrap();
    let files = files(&folder);
    let acceptor = Acceptor::open(files.clone(), LONG).unwrap();
    let old = client(&files.cert, None);
    let kept = std::fs::read(&files.key).unwrap();
    write(folder.path(), &generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap());
    let new = client(&files.cert, None);
    meet(&acceptor, &old).await.1.unwrap();
    std::fs::write(&files.key, kept).unwrap();
    let error = acceptor.reload().unwrap_err();
    assert!(error.message().contains("key.pem") && error.message().contains("not the key"), "{error}");
    meet(&acceptor, &old).await.1.unwrap();
    write(folder.path(), &generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap());
    let newest = client(&files.cert, None);
    acceptor.reload().unwrap();
    meet(&acceptor, &newest).await.1.unwrap();
    assert!(meet(&acceptor, &old).await.1.is_err() && meet(&acceptor, &new).await.1.is_err());
}

#[tokio::test]
async fn callers_show_a_certificate_where_one_is_wanted() {
    let folder = tempfile::tempdir().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, authority.pem()).unwrap();
    let files = TlsFiles { client_ca: Some(ca), ..files(&folder) };
    let acceptor = Acceptor::open(files.clone(), LONG).unwrap();
    let shown = |signed: rcgen::Certificate, key: &KeyPair| {
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        client(&files.cert, Some((signed.der().clone(), key)))
    };
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["caller".to_owned()]).unwrap();
    let good = shown(params.signed_by(&key, &authority).unwrap(), &key);
    let strange = shown(params.self_signed(&key).unwrap(), &key);
    meet(&acceptor, &good).await.0.unwrap();
    assert!(meet(&acceptor, &strange).await.0.is_err());
    assert!(meet(&acceptor, &client(&files.cert, None)).await.0.is_err());
}

#[tokio::test]
async fn who_says_nothing_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let acceptor = Acceptor::open(files(&folder), Duration::from_millis(20)).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let _silent = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let error = acceptor.accept(listener.accept().await.unwrap().0).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
}

#[tokio::test]
async fn who_speaks_something_else_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let acceptor = Acceptor::open(files(&folder), LONG).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut plain = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    assert!(acceptor.accept(listener.accept().await.unwrap().0).await.is_err());
}

#[test]
fn unusable_files_say_which_and_why() {
    let folder = tempfile::tempdir().unwrap();
    let good = files(&folder);
    let file = |name: &str, text: &str| {
        std::fs::write(folder.path().join(name), text).unwrap();
        folder.path().join(name)
    };
    let key_text = std::fs::read_to_string(&good.key).unwrap();
    let encrypted = key_text.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    let missing = folder.path().join("missing.pem");
    let broken = file("broken.pem", "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n");
    let short = file("short.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    let empty = file("empty.pem", "");
    for (files, words) in [
        (TlsFiles { cert: missing.clone(), ..good.clone() }, ["missing.pem", "cannot be read"]),
        (TlsFiles { key: missing, ..good.clone() }, ["missing.pem", "cannot be read"]),
        (TlsFiles { cert: empty.clone(), ..good.clone() }, ["empty.pem", "no certificate"]),
        (TlsFiles { cert: good.key.clone(), ..good.clone() }, ["key.pem", "no certificate"]),
        (TlsFiles { cert: broken, ..good.clone() }, ["broken.pem", "no PEM"]),
        (TlsFiles { cert: short.clone(), ..good.clone() }, ["short.pem", "when it holds"]),
        (TlsFiles { key: good.cert.clone(), ..good.clone() }, ["cert.pem", "no private key"]),
        (TlsFiles { key: file("encrypted.pem", &encrypted), ..good.clone() }, ["encrypted.pem", "encrypted key"]),
        (TlsFiles { client_ca: Some(empty), ..good.clone() }, ["empty.pem", "no certificate"]),
        (TlsFiles { client_ca: Some(short), ..good.clone() }, ["short.pem", "cannot be used"]),
    ] {
        let error = files.check().unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidConfig);
        assert!(words.iter().all(|word| error.message().contains(word)), "{words:?}: {error}");
        assert!(!error.message().contains(key_text.lines().nth(1).unwrap()), "{error}");
    }
    good.check().unwrap();
}
