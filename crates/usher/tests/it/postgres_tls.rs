//! PostgreSQL over TLS: nobody in between can read, or pass for the server.

use std::{io::Read, io::Write, net::TcpListener, thread};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

use crate::support::{Finished, MASTER_KEY, Place, PostgresServer};

/// Takes nobody who does not speak TLS.
const TLS_ONLY: &str = "hostssl all all all trust\n";

type Authority = CertifiedIssuer<'static, KeyPair>;

/// An authority that no system trusts.
fn authority() -> Authority {
    let mut params = CertificateParams::new([]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// Starts the server with a certificate for this host.
fn start(server: &mut PostgresServer, authority: &Authority, host: &str) {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new([host.to_owned()]).unwrap().signed_by(&key, authority).unwrap();
    let files = [("ssl_cert_file", certificate.pem()), ("ssl_key_file", key.serialize_pem())];
    let files = files.map(|(setting, pem)| format!("{setting}={}", server.write(setting, &pem)));
    server.start_with(&[files.as_slice(), &["ssl=on".to_owned()]].concat());
}

/// What becomes of a command that needs the database.
fn connect(place: &Place, url: &str) -> Finished {
    place.run(&["migrate", "status"], &[("USHER__DATABASE__URL", url), MASTER_KEY])
}

fn refused(place: &Place, url: &str, why: &str) {
    let ended = connect(place, url);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{url}: {ended:?}");
    assert!(ended.stderr.lines().count() == 1 && ended.stderr.contains(why), "{url}: {ended:?}");
}

/// Proves: OP-11
#[test]
fn a_certificate_is_good_if_it_is_of_this_host_and_of_somebody_trusted() {
    let Some(mut server) = PostgresServer::down() else { return };
    let (place, ours) = (Place::new(), authority());
    let (trusted, other) = (place.write("ca.pem", &ours.pem()), place.write("other.pem", &authority().pem()));
    server.admit(TLS_ONLY);
    start(&mut server, &ours, "localhost");

    let url = |host: &str, rest: &str| format!("{}?{rest}", server.url_at(host));
    let good = connect(&place, &url("localhost", &format!("sslmode=verify-full&sslrootcert={trusted}")));
    assert_eq!(good.code, Some(0), "{good:?}");
    assert!(good.stdout.contains("pending"), "{good:?}");

    let elsewhere = url("127.0.0.1", &format!("sslmode=verify-full&sslrootcert={trusted}"));
    refused(&place, &elsewhere, "certificate not valid for name");
    refused(&place, &url("localhost", &format!("sslmode=verify-full&sslrootcert={other}")), "invalid peer certificate");
    refused(&place, &url("localhost", "sslmode=verify-full"), "invalid peer certificate");
    refused(&place, &url("localhost", "sslmode=verify-full&sslrootcert=nowhere.pem"), "No such file");
    refused(&place, &url("localhost", "sslmode=disable"), "no encryption");
}

/// Proves: OP-11
#[test]
fn a_server_without_tls_is_not_talked_to_where_tls_is_asked_for() {
    let Some(mut server) = PostgresServer::down() else { return };
    let place = Place::new();
    server.start();
    let url = |mode: &str| format!("{}?sslmode={mode}", server.url_at("localhost"));
    for mode in ["require", "verify-ca", "verify-full"] {
        refused(&place, &url(mode), "server does not support TLS");
    }
    let asked_for_none = connect(&place, &url("disable"));
    assert_eq!(asked_for_none.code, Some(0), "{asked_for_none:?}");
}

/// Whoever answers in the place of the server, that he has no TLS, learns no more than that somebody asked for it.
///
/// Proves: OP-11
#[test]
fn an_impostor_is_told_nothing() {
    /// `SSLRequest` of PostgreSQL's protocol, version 3.
    const TLS_PLEASE: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];
    for mode in ["require", "verify-full"] {
        let impostor = TcpListener::bind("localhost:0").unwrap();
        let url = format!(
            "postgres://usher:hunter2@localhost:{}/usher?sslmode={mode}",
            impostor.local_addr().unwrap().port()
        );
        let heard = thread::spawn(move || {
            let (mut stream, _) = impostor.accept().unwrap();
            let mut heard = vec![0; TLS_PLEASE.len()];
            stream.read_exact(&mut heard).unwrap();
            stream.write_all(b"N").unwrap();
            stream.read_to_end(&mut heard).unwrap();
            heard
        });
        refused(&Place::new(), &url, "server does not support TLS");
        assert_eq!(heard.join().unwrap(), TLS_PLEASE);
    }
}
