//! What a tester has, and what does not count: which of several overrides is meant, in one file and in two, and what the command line
//! says of one that does nothing.

use crate::{
    remembered::{DAY, KEY, clock, signed},
    toggles::compile,
};
use burgee::{
    config,
    engine::{
        Decisions, Snapshot,
        request::{HttpRequest, Input},
        stops::{Stop, StopKind, Stops},
        units::Second,
    },
    http::client::percent_encoded,
};
use http::Request;
use std::{process::Command, sync::Arc};

fn file(namespace: &str, cookie: &str) -> String {
    format!(
        "version: 1
namespace: {namespace}
headers: {{prefix: X-{namespace}-}}
override: {{from: [header.x-qa, query.ff], key: env.BURGEE_OVERRIDE_KEY, remember: {cookie}}}
features:
  {namespace}-menu: {{variants: [plain, new], serve: plain}}
  {namespace}-gone: {{status: paused, serve: on}}
"
    )
}

fn value(namespace: &str, menu: &str, seconds: i64) -> String {
    let name = format!("{namespace}-menu");
    signed(KEY, namespace, &[(&name, menu)], clock() + seconds)
}

/// What a page load that brings this gets: the first variant of each file, what is counted for each, and the cookies that are cleared.
fn page(snapshot: &Snapshot, [header, query, qa, qb]: [&str; 4]) -> (String, String, String) {
    let page = Request::get(format!("/?ff={}", percent_encoded(query)));
    let mut page = page.header("sec-fetch-mode", "navigate");
    let cookies = [("qa", qa), ("qb", qb)];
    let cookies = cookies.iter().filter(|(_, value)| !value.is_empty());
    let cookies = cookies.map(|(name, value)| format!("{name}={}", percent_encoded(value)));
    let cookies = cookies.collect::<Vec<_>>().join("; ");
    for (name, value) in [("x-qa", header), ("cookie", &cookies)] {
        if !value.is_empty() {
            page = page.header(name, value);
        }
    }
    let (parts, ()) = page.body(()).unwrap().into_parts();
    let http = HttpRequest::new(&parts, b"", None);
    let mut decisions = Decisions::default();
    let now = Second(clock());
    snapshot.decide(Input::Http(http), now, None, &mut decisions);
    let one = |first: usize, features: &[burgee::engine::Feature]| {
        let variant = decisions.by_feature[first].unwrap().variant;
        features[0].variant(variant).name.to_string()
    };
    let files = snapshot.files.iter();
    let variants: Vec<String> = files.map(|file| one(file.first, &file.features)).collect();
    let counted = decisions.overrides.iter();
    let counted: Vec<&str> = counted
        .map(|one| one.map_or("-", |one| one.as_str()))
        .collect();
    let set = decisions.override_cookies.iter();
    let set = set.flat_map(|cookies| cookies.set_cookies(false));
    let set = set.map(|line| line.to_str().unwrap().to_owned());
    let set = set.map(|line| {
        let name = line.split('=').next().unwrap_or_default();
        match line.contains("Max-Age=0") {
            true => format!("-{name}"),
            false => format!("+{name}"),
        }
    });
    (
        variants.join(" "),
        counted.join(" "),
        set.collect::<Vec<_>>().join(" "),
    )
}

#[test]
fn what_cannot_be_verified_hides_nothing_and_what_another_file_accepts_is_no_forgery() {
    let texts = [file("shop", "qa"), file("blog", "qb")];
    let bytes = [
        ("a.yaml", texts[0].as_bytes()),
        ("b.yaml", texts[1].as_bytes()),
    ];
    let (both, _) = compile(&bytes).unwrap();
    let (one, _) = compile(&bytes[..1]).unwrap();
    let shop = value("shop", "new", 3_600);
    let plain = value("shop", "plain", 3_600);
    let blog = value("blog", "new", 3_600);
    let ended = value("shop", "new", -1);
    let long = value("shop", "new", 31 * DAY);
    let huge = signed(KEY, "shop", &[("shop-menu", "new")], 999_999_999_999_999);
    let of_others = value("else", "new", 3_600);
    let unknown = value("shop", "odd", 3_600);
    let paused = signed(KEY, "shop", &[("shop-gone", "on")], clock() + 60);
    let empty = signed(KEY, "shop", &[], clock() + 60);
    let cut = &shop[..shop.len() - 9];
    for (what, brings, variants, counted, set) in [
        ("nothing", ["", "", "", ""], "plain", "-", ""),
        ("a link", ["", &*shop, "", ""], "new", "applied", "+qa"),
        (
            "an ended link, a cookie",
            ["", &ended, &shop, ""],
            "new",
            "applied",
            "",
        ),
        (
            "a parameter of the application",
            ["", "shop-menu=new", &shop, ""],
            "new",
            "applied",
            "",
        ),
        (
            "a word of the application",
            ["", "Hello!", &shop, ""],
            "new",
            "applied",
            "",
        ),
        (
            "a header of junk, a link",
            ["!!", &shop, "", ""],
            "new",
            "applied",
            "+qa",
        ),
        (
            "another key's header, a link",
            [&of_others, &shop, "", ""],
            "new",
            "applied",
            "+qa",
        ),
        (
            "a new link, a cookie",
            ["", &plain, &shop, ""],
            "plain",
            "applied",
            "+qa",
        ),
        (
            "junk in all places",
            ["!!", "shop-menu=new", "x", ""],
            "plain",
            "malformed",
            "",
        ),
        (
            "an ended link again",
            ["", &ended, &ended, ""],
            "plain",
            "expired",
            "-qa",
        ),
        (
            "a cookie that was cut off",
            ["", "", cut, ""],
            "plain",
            "malformed",
            "-qa",
        ),
        (
            "a cookie of the application",
            ["", "", "s:a.b", ""],
            "plain",
            "malformed",
            "",
        ),
        (
            "a long link",
            ["", &long, "", ""],
            "new",
            "not_remembered",
            "",
        ),
        (
            "a long cookie",
            ["", "", &long, ""],
            "plain",
            "too_long",
            "-qa",
        ),
        (
            "an endless cookie",
            ["", "", &huge, ""],
            "plain",
            "too_long",
            "-qa",
        ),
        (
            "a long header by a page",
            [&huge, "", "", ""],
            "new",
            "not_remembered",
            "",
        ),
        (
            "a variant that is not there",
            ["", &unknown, "", ""],
            "plain",
            "no_effect",
            "",
        ),
        (
            "a feature that is paused",
            ["", &paused, "", ""],
            "plain",
            "no_effect",
            "+qa",
        ),
        (
            "a link that clears",
            ["", &empty, &shop, ""],
            "plain",
            "cleared",
            "-qa",
        ),
        (
            "shop's link",
            ["", &shop, "", ""],
            "new plain",
            "applied -",
            "+qa",
        ),
        (
            "shop's link, blog's cookie",
            ["", &shop, "", &blog],
            "new new",
            "applied applied",
            "+qa",
        ),
        (
            "both cookies",
            ["", "", &shop, &blog],
            "new new",
            "applied applied",
            "",
        ),
        (
            "blog's link, shop's cookie",
            ["", &blog, &shop, ""],
            "new new",
            "applied applied",
            "+qb",
        ),
        (
            "shop's link that does nothing",
            ["", &unknown, "", ""],
            "plain plain",
            "no_effect -",
            "",
        ),
        (
            "a link that clears, blog's cookie",
            ["", &empty, &shop, &blog],
            "plain new",
            "cleared applied",
            "-qa",
        ),
        (
            "shop's link, blog's forged cookie",
            ["", &shop, "", &shop[..9]],
            "new plain",
            "applied unsigned",
            "+qa",
        ),
        (
            "shop's value in blog's cookie",
            ["", "", "", &shop],
            "plain plain",
            "- bad_signature",
            "-qb",
        ),
        (
            "nobody's link",
            ["", &of_others, "", ""],
            "plain plain",
            "bad_signature bad_signature",
            "",
        ),
    ] {
        let snapshot = if variants.contains(' ') { &both } else { &one };
        let found = page(snapshot, brings);
        let expected = (variants.to_owned(), counted.to_owned(), set.to_owned());
        assert_eq!(found, expected, "{what}");
    }
}

/// Whoever stops a feature wins. The cookie is kept: somebody may resume it.
#[test]
fn what_is_stopped_is_not_forced_and_not_counted_as_if_it_were() {
    let (snapshot, _) = compile(&[("a.yaml", file("shop", "qa").as_bytes())]).unwrap();
    let new = value("shop", "new", 3_600);
    for (name, kind, variant, counted) in [
        ("shop-menu", StopKind::Stop, "off", "no_effect"),
        ("shop.shop-menu", StopKind::Stop, "off", "no_effect"),
        ("*", StopKind::Stop, "off", "no_effect"),
        ("shop-gone", StopKind::Stop, "new", "applied"),
        // what is held stands still for those who are drawn: a tester is not
        ("shop-menu", StopKind::Hold, "new", "applied"),
    ] {
        let stop = Stop {
            name: name.into(),
            kind,
            at: Some(Second(clock() - 60)),
            why: None,
            by: None,
            line: 1,
        };
        let stops = Stops {
            revision: "1".into(),
            list: [stop].into(),
        };
        let stopped = snapshot.with_stops(&Arc::new(stops));
        let found = page(&stopped, ["", &new, "", ""]);
        let expected = (variant.to_owned(), counted.to_owned(), "+qa".to_owned());
        assert_eq!(found, expected, "{name} {kind:?}");
    }
}

/// Where `when` alone protects, nothing tells an override from what is none: the first that is present is meant.
#[test]
fn without_a_key_the_first_that_is_present_is_meant() {
    let text = file("shop", "qa").replace(
        "key: env.BURGEE_OVERRIDE_KEY, remember: qa",
        "when: {header.sec-fetch-mode: navigate}",
    );
    let (snapshot, _) = compile(&[("a.yaml", text.as_bytes())]).unwrap();
    for (header, query, variant, counted) in [
        ("", "shop-menu=new", "new", "applied"),
        ("!!", "shop-menu=new", "plain", "malformed"),
        ("other=on", "shop-menu=new", "plain", "no_effect"),
        ("shop-menu=new", "!!", "new", "applied"),
    ] {
        let (variants, results, set) = page(&snapshot, [header, query, "", ""]);
        assert_eq!((&*variants, &*results, &*set), (variant, counted, ""));
    }
}

fn burgee(variables: &[(&str, &str)], arguments: &[&str]) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_burgee"))
        .args(arguments)
        .env_remove("BURGEE_OVERRIDE_KEY")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    (
        output.status.code().unwrap(),
        String::from_utf8(said).unwrap(),
    )
}

#[test]
fn explain_reads_the_shells_variables_and_says_why_an_override_does_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("toggles.yaml");
    let text = file("shop", "qa")
        + "  region: {when: {region: eu}, serve: on}\n  old: {status: archived, serve: on}\n";
    let text = text.replace("features:", "attributes: {region: env.REGION}\nfeatures:");
    std::fs::write(&path, text).unwrap();
    let path = path.to_str().unwrap();
    let of = |pairs: &[(&str, &str)], seconds| {
        format!("X-Qa: {}", signed(KEY, "shop", pairs, clock() + seconds))
    };
    let new = of(&[("shop-menu", "new")], 60);
    let key = ("BURGEE_OVERRIDE_KEY", KEY);
    for (variables, header, said) in [
        (&[key][..], &new, "shop-menu: new"),
        (&[key, ("REGION", "eu")], &new, "region: on"),
        (
            &[],
            &new,
            "The override has no effect: the variable `BURGEE_OVERRIDE_KEY` is not set.",
        ),
        (
            &[key],
            &of(&[("shop-menu", "odd")], 60),
            "The override has no effect: `shop-menu` has no variant `odd`.",
        ),
        (
            &[key],
            &of(&[("menu", "new")], 60),
            "The override has no effect: there is no feature `menu` in `shop`.",
        ),
        (
            &[key],
            &of(&[("shop-gone", "on"), ("old", "on")], 60),
            "The override has no effect: `shop-gone` is paused; `old` is archived.",
        ),
        (
            &[key],
            &of(&[("shop-menu", "new"), ("x", "on")], 60),
            "A part of the override has no effect: there is no feature `x` in `shop`.",
        ),
        (
            &[key],
            &of(&[], 60),
            "The override forces nothing: it makes a browser forget",
        ),
        // no flag says that this is a page: its link is what is asked about
        (
            &[key],
            &of(&[("shop-menu", "new")], 99 * DAY),
            "is not remembered: it ends in more than 30 days",
        ),
    ] {
        let (code, out) = burgee(variables, &["explain", path, "--header", header]);
        assert_eq!(code, 0, "{out}");
        assert!(out.contains(said), "{said}\n{out}");
    }
    // of two files it says which
    let other = directory.path().join("z.yaml");
    std::fs::write(&other, file("blog", "qb")).unwrap();
    let both = directory.path().to_str().unwrap();
    let cookie = format!("qa={}", percent_encoded(new.trim_start_matches("X-Qa: ")));
    let arguments = [
        "explain",
        both,
        "--path",
        "/?ff=junk!!",
        "--cookie",
        &cookie,
    ];
    let (_, out) = burgee(&[key], &arguments);
    let said = "In `blog`: The override has no effect: it cannot be read";
    assert!(
        out.contains("shop-menu: new") && out.contains(said),
        "{out}"
    );
    let flag = format!("BURGEE_OVERRIDE_KEY={KEY}");
    let wrong = [("BURGEE_OVERRIDE_KEY", "another key, for --env to win")];
    let (_, out) = burgee(&wrong, &["explain", path, "--env", &flag, "--header", &new]);
    assert!(
        out.contains("shop-menu: new") && !out.contains("has no effect"),
        "{out}"
    );
}

#[test]
fn the_command_makes_no_link_that_does_nothing_and_says_of_several_files_which_are_there() {
    let directory = tempfile::tempdir().unwrap();
    for (name, cookie) in [("shop", "qa"), ("blog", "qb")] {
        let path = directory.path().join(format!("{name}.yaml"));
        std::fs::write(path, file(name, cookie)).unwrap();
    }
    let path = directory.path().to_str().unwrap();
    let files = ["--toggles", path];
    let shop = ["--toggles", path, "--namespace", "shop"];
    for (key, arguments, code, said) in [
        (
            KEY,
            &["exp=5"][..],
            2,
            "`exp` is a part of every signed override",
        ),
        (
            KEY,
            &["Sig=on"],
            2,
            "`Sig` is a part of every signed override",
        ),
        (KEY, &["a=on", "A=off"], 2, "`a` is there twice"),
        (
            KEY,
            &["a=on", "--url", "shop.example"],
            2,
            "write it as https://shop.example/",
        ),
        (
            KEY,
            &["a=on", "--url", "https://shop.example/#/cart"],
            0,
            "https://shop.example/?ff=a",
        ),
        (
            KEY,
            &["a=on", "--exp", "31d"],
            0,
            "warning: it ends in more than 30 days",
        ),
        (
            KEY,
            &["a=on", "--exp", "+7d"],
            2,
            "write a whole number and its unit",
        ),
        ("fifteen letters", &["a=on"], 0, "fewer than 16 bytes"),
        (
            KEY,
            &[&files[..], &["shop-menu=new"]].concat(),
            2,
            "which by `--namespace`, one of `blog`, `shop`",
        ),
        (
            KEY,
            &[&files[..], &["shop.shop-menu=new"]].concat(),
            0,
            "shop.shop-menu=new, exp=",
        ),
        (
            KEY,
            &[&files[..], &["shop.shop-menu=new", "blog.blog-menu=new"]].concat(),
            2,
            "which by `--namespace`",
        ),
        (
            KEY,
            &[&shop[..], &["blog-menu=new"]].concat(),
            2,
            "no feature `blog-menu` in `shop`; `blog` has it",
        ),
        (
            KEY,
            &[&shop[..], &["--query", "xx", "shop-menu=new"]].concat(),
            2,
            "no override in the query parameter `xx`",
        ),
    ] {
        let common = ["override", "--key-env", "BURGEE_OVERRIDE_KEY"];
        let arguments = [&common[..], arguments].concat();
        let (status, out) = burgee(&[("BURGEE_OVERRIDE_KEY", key)], &arguments);
        assert!(
            status == code && out.contains(said),
            "{arguments:?}: {status}\n{out}"
        );
    }
}

#[test]
fn a_key_that_can_be_guessed_is_told_where_it_is_read_and_is_not_shown() {
    for (key, said) in [
        (
            "fifteen letters",
            "the key in `BURGEE_OVERRIDE_KEY` has fewer than 16 bytes",
        ),
        ("sixteen letters.", ""),
        ("", "the variable `BURGEE_OVERRIDE_KEY` is not set"),
    ] {
        let text = config::Text {
            name: "a.yaml".into(),
            bytes: file("shop", "qa").into_bytes(),
        };
        let environment = |_: &str| Some(key.to_owned());
        let loaded = config::compile_texts(&[text], &environment, Second(0));
        let told: Vec<String> = loaded.unwrap().1.iter().map(ToString::to_string).collect();
        let told = told.join("\n");
        assert!(
            told.contains(said) && told.is_empty() == said.is_empty(),
            "{told}"
        );
        assert!(key.is_empty() || !told.contains(key), "{told}");
    }
}
