//! A directory is one generation: every file or none, and what the kubelet swaps in at once is read at once.

use super::{
    support::{Burgee, eventually, fed, get, swap},
    toggles::{compile, environment, now},
};
use burgee::config;
use std::{fs, path::Path};

fn said(files: &[(&str, &str)]) -> String {
    let files: Vec<(&str, &[u8])> = files
        .iter()
        .map(|(name, text)| (*name, text.as_bytes()))
        .collect();
    match compile(&files) {
        Ok(_) => "accepted".to_owned(),
        Err(problems) => problems.to_string(),
    }
}

#[test]
fn what_two_files_cannot_both_say_is_told_at_both_places() {
    let shop = "version: 1\nnamespace: shop\nfeatures:\n  a: on\n";
    for (other, expected) in [
        (
            "version: 1\nfeatures:\n  b: on\n",
            "b.yaml:1:1: `namespace` is missing: with several files, each needs one",
        ),
        (
            "version: 1\nnamespace: SHOP\nfeatures:\n  b: on\n",
            "a.yaml:2:12: `namespace`: `b.yaml` has the namespace `SHOP` too",
        ),
        (
            "version: 1\nnamespace: shop\nfeatures:\n  b: on\n",
            "b.yaml:2:12: `namespace`: `a.yaml` has the namespace `shop` too",
        ),
        (
            "version: 1\nnamespace: blog\nfeatures:\n  a: on\n",
            "a.yaml:4:3: `features.a`: the feature `a` and the feature `a` of `b.yaml` would share `X-Feature-A`",
        ),
        (
            "version: 1\nnamespace: blog\nfeatures:\n  A: on\n",
            "b.yaml:4:3: `features.A`: the feature `A` and the feature `a` of `a.yaml` would share `X-Feature-A`",
        ),
        (
            "version: 1\nnamespace: blog\nheaders: {prefix: X-Blog-}\nfeatures:\n  b: {header: X-Feature-A, serve: on}\n",
            "b.yaml:5:15: `features.b.header`: the feature `b` and the feature `a` of `a.yaml` would share `X-Feature-A`",
        ),
        (
            "version: 1\nnamespace: blog\nfeatures:\n  b: {when: {feature.a: on}, serve: on}\n",
            "b.yaml:4:14: `features.b.when.feature.a`: there is no feature `a` in this file",
        ),
        (
            "version: 1\nnamespace: blog\nattributes: {x: header.x-feature-x}\nheaders: {prefix: X-Blog-}\nfeatures:\n  b: {when: {x: y}, serve: on}\n",
            "`x-feature-x` begins with the prefix `X-Feature-` of `a.yaml`",
        ),
        (
            "version: 1\nnamespace: blog\nattributes: {x: header.X-User_Id}\nfeatures:\n  b: {when: {x: y}, serve: on}\n",
            "cannot tell the headers `x-user_id` and `x-user-id` of `a.yaml` apart",
        ),
        (
            "version: 1\nnamespace: blog\nfeatures:\n  b: {header: X-User-Id, serve: on}\n",
            "`x-user-id` is read as `header.x-user-id` by `a.yaml`",
        ),
        (
            "version: 1\nnamespace: blog\nheaders: {prefix: X-Blog-}\nfeatures:\n  a: on\n",
            "accepted",
        ),
        (
            "version: 1\nnamespace: blog\nheaders: none\nfeatures:\n  a: on\n",
            "accepted",
        ),
        (
            "version: 1\nnamespace: blog\nfeatures:\n  a: {status: archived, serve: on, header: none}\n",
            "accepted",
        ),
    ] {
        let said = said(&[("a.yaml", shop), ("b.yaml", other)]);
        assert!(said.contains(expected), "{other}{said}");
    }
    let combined = |name: &str, header: &str| {
        format!(
            "version: 1\nnamespace: {name}\nheaders: {{combined: {header}}}\nfeatures: {{{name}: on}}\n"
        )
    };
    assert_eq!(
        said(&[
            ("a.yaml", &combined("a", "X-All")),
            ("b.yaml", &combined("b", "X-All"))
        ]),
        "accepted"
    );
    assert!(
        said(&[
            ("a.yaml", &combined("a", "X-All")),
            ("b.yaml", &combined("b", "X-Every"))
        ])
        .contains("b.yaml:3:21: `headers.combined`: `a.yaml` calls the combined header `x-all`")
    );
}

#[test]
fn one_bad_file_of_fifty_is_named_and_no_other_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..50 {
        let value = if number == 31 { "25" } else { "25%" };
        fs::write(
            folder.path().join(format!("t{number:02}.yaml")),
            format!("version: 1\nnamespace: n{number}\nfeatures: {{f{number}: {value}}}\n"),
        )
        .unwrap();
    }
    fs::write(folder.path().join("README.md"), "not read").unwrap();
    fs::write(folder.path().join(".hidden.yaml"), "not read").unwrap();
    let problems = config::load(folder.path(), &environment, now()).unwrap_err();
    let place = folder.path().join("t31.yaml");
    assert_eq!(problems.0.len(), 1);
    assert_eq!(
        problems.to_string(),
        format!(
            "{}:3:17: `features.f31`: `25` is not a percentage; write `25%`\n",
            place.display()
        )
    );
    fs::write(place, "version: 1\nnamespace: n31\nfeatures: {f31: 25%}\n").unwrap();
    assert_eq!(
        config::load(folder.path(), &environment, now())
            .unwrap()
            .snapshot
            .files
            .len(),
        50
    );
}

#[test]
fn a_configmap_is_read_as_one_generation_and_alike_in_every_pod() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let [a, b] =
        ["a", "b"].map(|name| format!("version: 1\nnamespace: {name}\nfeatures: {{{name}: on}}\n"));
    swap(one.path(), "..2026_01", &[("a.yaml", &a), ("b.yaml", &b)]);
    swap(other.path(), "..2026_77", &[("a.yaml", &a), ("b.yaml", &b)]);
    let load = |folder: &Path| config::load(folder, &environment, now()).unwrap();
    let first = load(one.path());
    assert_eq!(first.snapshot.files.len(), 2);
    assert_eq!(
        first.snapshot.revision,
        load(other.path()).snapshot.revision
    );
    assert_eq!(first.stamp, config::stamp(one.path()));
    // one key is gone: its link still stands in the folder, and is not looked at
    swap(one.path(), "..2026_02", &[("b.yaml", &b)]);
    assert_ne!(first.stamp, config::stamp(one.path()));
    let second = load(one.path());
    assert_eq!(second.snapshot.files.len(), 1);
    assert_ne!(first.snapshot.revision, second.snapshot.revision);
}

/// Both endings, through the built binary: `check`, `run`, what is told of an empty directory.
#[test]
fn yml_is_read_beside_yaml() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let ran = fed(&["check", path], "");
    assert!(
        ran.code == 1 && ran.out.contains("nor a `*.yml`"),
        "{}",
        ran.out
    );
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write(
        "shop.yml",
        "version: 1\nnamespace: shop\nfeatures: {cart: on}\n",
    );
    write("notes.yaml.txt", "not read");
    write(".hidden.yml", "not read");
    let burgee = Burgee::start(folder.path(), "none", &["--poll", "100ms"]);
    let features = || get(burgee.api, "/features").json()["features"].clone();
    assert_eq!(features()["cart"]["variants"][0], "on");
    write(
        "blog.yaml",
        "version: 1\nnamespace: blog\nfeatures: {post: on}\n",
    );
    let seen = eventually("the other file is read", || {
        Some(features()).filter(|features| !features["blog.post"].is_null())
    });
    assert!(!seen["shop.cart"].is_null());
    // both files are named, each at the other's place
    write(
        "more.yml",
        "version: 1\nnamespace: blog\nfeatures: {more: on}\n",
    );
    let ran = fed(&["check", path], "");
    for (here, other) in [("blog.yaml", "more.yml"), ("more.yml", "blog.yaml")] {
        let said = format!(
            "{path}/{here}:2:12: `namespace`: `{path}/{other}` has the namespace `blog` too"
        );
        assert!(ran.code == 1 && ran.out.contains(&said), "{}", ran.out);
    }
}

/// What a hook hands over: the files that changed, of a directory that belongs together.
#[test]
fn a_file_is_checked_with_those_beside_it_where_it_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let toggles = folder.path().join("toggles-eu");
    fs::create_dir(&toggles).unwrap();
    let [a, b, alone] = ["toggles-eu/a.yaml", "toggles-eu/b.yml", "alone.yaml"]
        .map(|name| folder.path().join(name));
    let namespaced =
        |name: &str| format!("version: 1\nnamespace: {name}\nfeatures: {{{name}: on}}\n");
    fs::write(&a, namespaced("a")).unwrap();
    fs::write(&b, namespaced("A")).unwrap();
    fs::write(&alone, "version: 1\nfeatures: {c: on}\n").unwrap();
    fs::write(folder.path().join("compose.yaml"), "services: {}\n").unwrap();
    let [a, b, alone] = [&a, &b, &alone].map(|path| path.to_str().unwrap());
    for (arguments, code, told) in [
        (&[a, alone][..], 0, 2),
        (&["--with-siblings", a, alone], 1, 1),
        (&["--with-siblings", a, b], 1, 0),
        (&["--with-siblings", alone], 0, 1),
    ] {
        let ran = fed(&[&["check"], arguments].concat(), "");
        assert_eq!(
            (ran.code, ran.out.matches(": good: ").count()),
            (code, told),
            "{arguments:?}: {}",
            ran.out
        );
        // once, however many of its files are named
        assert!(
            ran.out.matches("has the namespace").count() <= 2,
            "{}",
            ran.out
        );
    }
}
