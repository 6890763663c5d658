use usher_storage::PostgresTransport;

#[test]
fn only_verify_full_tells_whom_one_talks_to() {
    use PostgresTransport::{Local, Plain, Unverified, Verified};
    for (url, transport) in [
        ("postgres://usher@db.example/usher?sslmode=verify-full", Some(Verified)),
        ("postgres://usher@db.example/usher?sslmode=verify-full&sslrootcert=/ca.pem", Some(Verified)),
        ("postgresql://db.example/usher?ssl-mode=verify-full", Some(Verified)),
        ("postgres://db.example/usher?sslmode=disable", Some(Plain)),
        ("postgres://db.example/usher", Some(Unverified)),
        ("postgres://db.example/usher?sslmode=prefer", Some(Unverified)),
        ("postgres://db.example/usher?sslmode=allow", Some(Unverified)),
        ("postgres://db.example/usher?sslmode=require", Some(Unverified)),
        ("postgres://db.example/usher?sslmode=verify-ca&sslrootcert=/ca.pem", Some(Unverified)),
        ("postgres://db.example/usher?sslmode=verify-full&sslmode=prefer", Some(Unverified)),
        ("postgres://192.0.2.7/usher", Some(Unverified)),
        ("postgres://localhost/usher?host=db.example", Some(Unverified)),
        ("postgres://localhost/usher?hostaddr=192.0.2.7", Some(Unverified)),
        ("postgres://localhost.example/usher", Some(Unverified)),
        ("postgres://localhost/usher", Some(Local)),
        ("postgres://127.0.0.1:5433/usher", Some(Local)),
        ("postgres://[::1]/usher", Some(Local)),
        ("postgres://%2Fvar%2Frun%2Fpostgresql/usher", Some(Local)),
        ("postgres://db.example/usher?host=/var/run/postgresql", Some(Local)),
        ("postgres://db.example/usher?sslmode=verify_full", None),
        ("postgres://db.example:port/usher", None),
        ("not an address", None),
    ] {
        assert_eq!(PostgresTransport::of_url(url), transport, "{url}");
    }
}
