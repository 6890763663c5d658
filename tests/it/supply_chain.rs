//! What usher is built from, and what its image lets it do.

use std::{fs, path::Path};

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join(path)).unwrap()
}

/// Proves: OP-10
#[test]
fn every_dependency_comes_from_the_registry_with_its_digest() {
    let lock = read("Cargo.lock");
    let packages: Vec<_> = lock.split("[[package]]").skip(1).collect();
    let outside: Vec<_> = packages.iter().filter(|package| !package.contains("\nname = \"usher")).collect();
    assert!(outside.len() > 100 && outside.len() < packages.len());
    for package in outside {
        let from_registry = package.contains("\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\n");
        assert!(from_registry && package.contains("\nchecksum = \""), "{package}");
    }
}

/// `.ci/container` runs the binary in it; here is what it takes for that.
///
/// Proves: OP-10
#[test]
fn the_image_runs_as_nobody_special_on_a_read_only_root_and_needs_no_shell() {
    let dockerfile = read("docker/Dockerfile");
    let image = dockerfile.rsplit("\nFROM ").next().unwrap();
    for line in [
        "USER 65532:65532",
        "ENTRYPOINT [\"usher\"]",
        "HEALTHCHECK --interval=10s --timeout=6s --start-period=60s --start-interval=1s CMD [\"usher\", \"health\"]",
    ] {
        assert!(image.lines().any(|it| it == line), "{line} is not in:\n{image}");
    }
    assert!(image.starts_with("gcr.io/distroless/") && !image.contains("\nRUN "), "{image}");

    let compose = read("docker/compose.yaml");
    let hardened = compose.split("&hardened\n").nth(1).unwrap().split("\n\n").next().unwrap();
    for line in ["read_only: true", "cap_drop: [ALL]", "security_opt: [\"no-new-privileges:true\"]"] {
        assert!(hardened.lines().any(|it| it.trim() == line), "{line} is not in:\n{hardened}");
    }
    let services = compose.split("\nservices:\n").nth(1).unwrap().split("\nnetworks:\n").next().unwrap();
    let indent = |line: &&str| line.starts_with("  ") && !line.starts_with("   ") && line.ends_with(':');
    let (services, hardened) = (services.lines().filter(indent).count(), services.matches("<<: *hardened").count());
    assert_eq!((services, hardened), (4, 4));
}
