//! The table of docs/architecture.md, enforced: which package may list which, and which outside crates
//! none of them may reach, however far down.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    process::Command,
};

use serde_json::Value;

struct Layer {
    package: &'static str,
    /// Packages of the workspace that it may list.
    may_list: &'static [&'static str],
    /// Features that are off by default, and that the binary uses it with.
    features: &'static [&'static str],
    /// Crates that it may not reach with the features that others use it with.
    must_not_reach: &'static [&'static str],
}

const LAYERS: [Layer; 7] = [
    Layer {
        package: "usher-domain",
        may_list: &[],
        features: &[],
        must_not_reach: &[
            "tokio",
            "sea-orm",
            "sqlx",
            "actix-web",
            "jsonwebtoken",
            "bcrypt",
            "config",
            "redis",
            "lettre",
        ],
    },
    Layer {
        package: "usher-storage",
        may_list: &["usher-domain", "usher-migration"],
        features: &[],
        must_not_reach: &[
            "usher-service",
            "actix-web",
            "jsonwebtoken",
            "bcrypt",
            "sea-orm",
            "sqlx",
            "config",
            "redis",
            "lettre",
        ],
    },
    Layer {
        package: "usher-migration",
        may_list: &[],
        features: &[],
        must_not_reach: &["usher-domain", "usher-storage", "usher-service", "actix-web", "jsonwebtoken", "config"],
    },
    Layer {
        package: "usher-service",
        may_list: &["usher-domain", "usher-storage"],
        features: &[],
        must_not_reach: &["sea-orm", "sqlx", "actix-web", "config", "redis", "lettre"],
    },
    Layer {
        package: "usher-adapters",
        may_list: &["usher-domain", "usher-service"],
        features: &["redis", "mail"],
        must_not_reach: &["sea-orm", "sqlx", "actix-web", "config", "usher-migration"],
    },
    Layer {
        package: "usher-api",
        may_list: &["usher-domain", "usher-service"],
        features: &[],
        must_not_reach: &["sea-orm", "sqlx", "config", "usher-migration", "usher-adapters", "redis", "lettre"],
    },
    Layer {
        package: "usher",
        may_list: &["usher-adapters", "usher-api", "usher-domain", "usher-migration", "usher-service", "usher-storage"],
        features: &[],
        must_not_reach: &[],
    },
];

fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO")).args(arguments).current_dir(workspace()).output().unwrap();
    assert!(output.status.success(), "cargo {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// What every package of the workspace declares, apart from what only its tests use.
fn declared() -> BTreeMap<String, BTreeSet<String>> {
    let metadata: Value =
        serde_json::from_str(&cargo(&["metadata", "--no-deps", "--offline", "--format-version=1"])).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let packages = metadata["packages"].as_array().unwrap();
    packages
        .iter()
        .map(|package| {
            let dependencies = package["dependencies"].as_array().unwrap();
            let listed = dependencies.iter().filter(|one| one["kind"] != "dev").map(|one| text(&one["name"]));
            (text(&package["name"]), listed.collect())
        })
        .collect()
}

/// Every crate that a package reaches with these features, which are not unified with what others ask of it.
fn reached(package: &str, features: &[&str]) -> BTreeSet<String> {
    let tree = ["tree", "--offline", "-p", package, "-e", "normal", "--prefix", "none", "--format", "{p}"];
    cargo(&[tree.as_slice(), &["--features", &features.join(",")]].concat())
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned)
        .collect()
}

#[test]
fn no_package_lists_another_that_the_table_does_not_allow() {
    let declared = declared();
    for layer in &LAYERS {
        let listed: BTreeSet<_> = declared[layer.package].iter().filter(|name| declared.contains_key(*name)).collect();
        let allowed: BTreeSet<_> = layer.may_list.iter().map(|name| (*name).to_owned()).collect();
        let forbidden: Vec<_> = listed.into_iter().filter(|name| !allowed.contains(*name)).collect();
        assert!(forbidden.is_empty(), "{} lists {forbidden:?}", layer.package);
    }
}

#[test]
fn no_package_reaches_a_crate_that_belongs_to_another_layer() {
    for layer in &LAYERS {
        let reached = reached(layer.package, layer.features);
        let forbidden: Vec<_> = layer.must_not_reach.iter().filter(|name| reached.contains(**name)).collect();
        assert!(forbidden.is_empty(), "{} reaches {forbidden:?}", layer.package);
    }
}

/// The control: every name in the table is one that the two tests above would find.
#[test]
fn every_name_in_the_table_exists_and_is_reached_by_the_binary() {
    let declared = declared();
    let everything = reached("usher", &[]);
    for layer in &LAYERS {
        assert!(declared.contains_key(layer.package), "no package {}", layer.package);
        for name in layer.may_list.iter().chain(layer.must_not_reach) {
            assert!(everything.contains(*name), "the binary does not reach {name}: is it misspelt?");
        }
        for name in layer.may_list {
            assert!(declared.contains_key(*name), "no package {name}");
        }
    }
    let members: BTreeSet<_> = LAYERS.iter().map(|layer| layer.package).chain(["usher-tests"]).collect();
    let examples = |name: &str| name.starts_with("example-");
    for name in declared.keys().filter(|name| !examples(name)) {
        assert!(members.contains(name.as_str()), "{name} is not in the table");
    }
}

/// The control of the controls: what a layer is made of, it does reach.
#[test]
fn every_layer_reaches_what_it_is_made_of() {
    let features = |package| LAYERS.iter().find(|layer| layer.package == package).unwrap().features;
    for (package, own) in [
        ("usher-domain", "uuid"),
        ("usher-storage", "async-trait"),
        ("usher-migration", "sea-orm-migration"),
        ("usher-service", "bcrypt"),
        ("usher-service", "tokio"),
        ("usher-adapters", "redis"),
        ("usher-adapters", "lettre"),
        ("usher-adapters", "usher-storage"),
        ("usher-api", "actix-web"),
        ("usher-api", "usher-storage"),
        ("usher", "sea-orm"),
        ("usher", "redis"),
    ] {
        assert!(reached(package, features(package)).contains(own), "{package} does not reach {own}");
    }
}

/// Who asks for no feature gets no Redis and no mail.
#[test]
fn the_real_forms_of_the_ports_are_off_by_default() {
    let reached = reached("usher-adapters", &[]);
    assert!(reached.contains("usher-adapters"), "{reached:?}");
    for name in ["redis", "lettre"] {
        assert!(!reached.contains(name), "{reached:?}");
    }
}

#[test]
fn nothing_links_to_openssl() {
    let everything = reached("usher", &[]);
    for name in ["openssl", "openssl-sys", "native-tls", "aws-lc-rs", "aws-lc-sys"] {
        assert!(!everything.contains(name), "the binary reaches {name}");
    }
    assert!(everything.contains("ring"));
}
