//! docs/security.md says where each requirement is proven; here it is held to that, in both directions.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Requirement id -> the files whose tests say `Proves:` with it.
fn proven_by_tests() -> BTreeMap<String, BTreeSet<String>> {
    let mut files = Vec::new();
    rust_files(root(), &mut files);
    let mut proven: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in files {
        let shown = file.strip_prefix(root()).unwrap().to_str().unwrap().replace('\\', "/");
        for line in fs::read_to_string(&file).unwrap().lines() {
            let Some(ids) = line.trim_start().strip_prefix("/// Proves: ") else { continue };
            for id in ids.split(',') {
                let id = id.trim().trim_end_matches('.');
                assert!(is_id(id), "{shown}: {id:?} is not the id of a requirement");
                proven.entry(id.to_owned()).or_default().insert(shown.clone());
            }
        }
    }
    proven
}

fn is_id(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == 5
        && bytes[..2].iter().all(u8::is_ascii_uppercase)
        && bytes[2] == b'-'
        && bytes[3..].iter().all(u8::is_ascii_digit)
}

/// Requirement id -> (state, the files that the table names).
fn table() -> BTreeMap<String, (String, BTreeSet<String>)> {
    let text = fs::read_to_string(root().join("docs/security.md")).unwrap();
    text.lines()
        .filter_map(|line| {
            let cells: Vec<_> = line.strip_prefix('|')?.split('|').map(str::trim).collect();
            let [id, state, places, ..] = cells.as_slice() else { return None };
            is_id(id).then(|| {
                let files = places.split('`').filter(|part| part.ends_with(".rs")).map(str::to_owned).collect();
                ((*id).to_owned(), ((*state).to_owned(), files))
            })
        })
        .collect()
}

#[test]
fn the_table_and_the_tests_name_the_same_places() {
    let (proven, table) = (proven_by_tests(), table());
    let mut wrong = Vec::new();
    for (id, files) in &proven {
        match table.get(id) {
            None => wrong.push(format!("{id} is proven in {files:?}, but has no row")),
            Some((_, named)) if named != files => {
                wrong.push(format!("{id}: the table names {named:?}, the tests are in {files:?}"));
            }
            Some(_) => {}
        }
    }
    for (id, (state, named)) in &table {
        if !named.is_empty() && !proven.contains_key(id) {
            wrong.push(format!("{id}: the table names {named:?}, but no test proves it"));
        }
        if named.is_empty() != (state == "open") {
            wrong.push(format!("{id}: is {state:?} and names {} files", named.len()));
        }
    }
    assert!(wrong.is_empty(), "docs/security.md is not true:\n{}", wrong.join("\n"));
}

#[test]
fn the_table_has_a_row_for_every_requirement_of_every_section() {
    let rows = table();
    for (area, count) in [
        ("PW", 14),
        ("LG", 11),
        ("JW", 15),
        ("RT", 15),
        ("CK", 7),
        ("AZ", 9),
        ("ID", 10),
        ("RS", 13),
        ("IN", 13),
        ("OP", 11),
    ] {
        let found = rows.keys().filter(|id| id.starts_with(area)).count();
        assert_eq!(found, count, "rows of {area}");
    }
}
