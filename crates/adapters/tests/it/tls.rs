//! Redis over TLS.

use std::{env, fs, process::Command, time::Duration};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tempfile::TempDir;
use tokio::{io::AsyncReadExt, net::TcpListener};
use usher_adapters::{RedisSettings, contract::RedisServer};
use usher_service::TokenBlocklist;

use crate::fixture::{blocklist, session_of, token};

/// Certificates of an authority that no system trusts.
struct Authority {
    folder: TempDir,
}

impl Authority {
    fn new(host: &str) -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let server = CertificateParams::new([host.to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
        let folder = tempfile::tempdir().unwrap();
        for (name, pem) in [("ca", authority.pem()), ("server", server.pem()), ("key", key.serialize_pem())] {
            fs::write(folder.path().join(name), pem).unwrap();
        }
        Self { folder }
    }

    fn file(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    fn start(&self, server: &mut RedisServer) {
        let port = server.port().to_string();
        let (ca, certificate, key) = (self.file("ca"), self.file("server"), self.file("key"));
        let files = ["--tls-ca-cert-file", &ca, "--tls-cert-file", &certificate, "--tls-key-file", &key];
        server.start(&[&["--port", "0", "--tls-port", &port, "--tls-auth-clients", "no"], files.as_slice()].concat());
    }
}

/// The other half of the test below, in a process of its own, which is told by variables where Redis is
/// and whom to trust.
#[tokio::test]
#[ignore = "run by the test below"]
async fn elsewhere() {
    #[expect(clippy::disallowed_methods, reason = "what tests run against is no configuration of usher")]
    let Ok(url) = env::var("USHER_TEST_TLS_URL") else { return };
    let (blocklist, _) = blocklist(RedisSettings { timeout: Duration::from_secs(10), ..RedisSettings::new(url) });
    let token = token();
    blocklist.block(&[session_of(&token)], Duration::from_secs(60)).await.unwrap();
    assert!(blocklist.blocks(&token).await.unwrap());
}

/// What becomes of a process that trusts this authority.
fn connect_trusting(authority: &Authority, url: &str) -> (bool, String) {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "tls::elsewhere", "--ignored", "--nocapture"]);
    command.env("USHER_TEST_TLS_URL", url).env("SSL_CERT_FILE", authority.file("ca")).env_remove("SSL_CERT_DIR");
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(said.contains("running 1 test"), "{said}");
    (output.status.success(), said)
}

/// Proves: OP-11
#[test]
fn a_certificate_is_good_if_it_is_of_this_host_and_of_somebody_trusted() {
    let Some(mut server) = RedisServer::down() else { return };
    let authority = Authority::new("localhost");
    authority.start(&mut server);
    let url = format!("rediss://localhost:{}", server.port());
    let (connects, said) = connect_trusting(&authority, &url);
    assert!(connects, "{said}");

    let (connects, said) = connect_trusting(&authority, &url.replace("localhost", "127.0.0.1"));
    assert!(!connects && said.contains("certificate not valid for name"), "{said}");

    let (connects, said) = connect_trusting(&Authority::new("localhost"), &url);
    assert!(!connects && said.contains("invalid peer certificate"), "{said}");
}

/// Proves: OP-11
#[tokio::test]
async fn nothing_but_tls_is_spoken_where_tls_is_asked_for() {
    let listener = TcpListener::bind("localhost:0").await.unwrap();
    let url = format!("rediss://usher:hunter2@localhost:{}", listener.local_addr().unwrap().port());
    let heard = tokio::spawn(async move {
        let mut heard = Vec::new();
        listener.accept().await.unwrap().0.read_to_end(&mut heard).await.unwrap();
        heard
    });
    let (blocklist, _) = blocklist(RedisSettings { timeout: Duration::from_millis(500), ..RedisSettings::new(url) });
    blocklist.blocks(&token()).await.unwrap_err();
    let heard = heard.await.unwrap();
    assert!(heard.starts_with(&[22, 3]), "no TLS handshake (RFC 8446, 5.1): {heard:?}");
    let text = String::from_utf8_lossy(&heard);
    assert!(!text.contains("AUTH") && !text.contains("hunter2"), "{text}");
}
