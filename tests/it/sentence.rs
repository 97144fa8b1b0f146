//! The sentence of a feature on the page, and what caches are told: both follow from the file alone.

use crate::toggles::compile;
use burgee::engine::{
    describe::sentence,
    vary::{self, Vary},
};

const HEAD: &str = "version: 1
user: [header.x-user-id, cookie.uid]
attributes: {country: header.x-country, plan: [header.x-plan, jwt.plan], company: header.x-company, city: query.city, stage: env.ENVIRONMENT}
segments:
  staff: {user: [ann, bo]}
  us-pro: {country: [US, CA], plan: pro}
features:
  parent: {when: {company: acme}, rollout: 50%}
  one:
";

/// The file with this as its feature `one`.
fn file(one: &str) -> String {
    let indented: String = one
        .trim_matches('\n')
        .lines()
        .map(|line| format!("    {line}\n"))
        .collect();
    format!("{HEAD}{indented}")
}

#[test]
fn a_feature_is_one_plain_sentence() {
    let checkout = "
variants: {control: {color: blue}, treatment: {color: green}}
when: us-pro
rules:
  - {when: staff, serve: treatment}
  - {when: {path: {prefix: /legacy}}, serve: off}
rollout: 20%
serve: {control: 50%, treatment: 50%}";
    for (one, expected) in [
        (
            checkout,
            "one, only for us-pro: staff get treatment; requests whose path begins with /legacy get off; 20% of everybody else take part (half get control, half get treatment), the rest get off.",
        ),
        ("serve: on", "one: everybody gets on."),
        ("rollout: 25%", "one: 25% get on, the rest off."),
        (
            "rollout: 0%",
            "one: everybody gets off (the rollout is at 0%).",
        ),
        (
            "{variants: [gold, silver], serve: {gold: 99%, silver: 1%}}",
            "one: 99% get gold, 1% get silver.",
        ),
        (
            "{variants: [a, b], default: a, rollout: 10%, serve: b}",
            "one: 10% get b, the rest a.",
        ),
        (
            "{rules: [{when: {country: US, plan: pro}, serve: on}]}",
            "one: requests whose country is US and whose plan is pro get on; everybody else gets off.",
        ),
        (
            "{rules: [{when: {user: [ann, bo, cy]}, serve: on}]}",
            "one: ann, bo and cy get on; everybody else gets off.",
        ),
        (
            "{rules: [{when: {not: staff}, rollout: 5%}]}",
            "one: 5% of all but staff get on, the rest off; everybody else gets off.",
        ),
        (
            "{when: {feature.parent: on}, serve: on}",
            "one: requests whose parent is on get on; everybody else gets off.",
        ),
        (
            "{when: {now: {from: 2026-03-01}}, serve: on}",
            "one, only from 2026-03-01T00:00:00Z: everybody gets on.",
        ),
        (
            "{status: paused, serve: on}",
            "one is paused: everybody gets off.",
        ),
        (
            "{status: draft, serve: on}",
            "one (draft: no header without an override): everybody gets on.",
        ),
        (
            "{status: archived, serve: on}",
            "one is archived: no header.",
        ),
        (
            "{rollout: {2026-03-01: 1%, 2026-03-10: 100%}}",
            "one: 1% from 2026-03-01T00:00:00Z then 100% from 2026-03-10T00:00:00Z get on, the rest off.",
        ),
        (
            "{rollout: {from: 0%, to: 100%, start: 2026-03-01, end: 2026-03-08}}",
            "one: a share that goes from 0% to 100% between 2026-03-01T00:00:00Z and 2026-03-08T00:00:00Z gets on, the rest off.",
        ),
        (
            "{variants: [a, b], buckets: {a: 0-4999, b: [5000-7499, 9000-9999]}}",
            "one: buckets 0 to 4999 get a, 5000 to 7499 get b, 9000 to 9999 get b, any other bucket off.",
        ),
        (
            "{when: {country: {not: [FR, DE]}, plan: {present: true}}, serve: on}",
            "one: requests whose country is not FR or DE and whose plan is present get on; everybody else gets off.",
        ),
    ] {
        let text = file(one);
        let (snapshot, _) = compile(&[("a.yaml", text.as_bytes())])
            .unwrap_or_else(|problems| panic!("{text}\n{problems:?}"));
        let toggles = &snapshot.files[0];
        let feature = toggles
            .features
            .iter()
            .find(|feature| &*feature.name == "one")
            .unwrap();
        assert_eq!(sentence::feature(feature, toggles), expected, "{one}");
    }
}

#[test]
fn a_cache_is_told_every_field_that_any_arm_depends_on() {
    const USER: [&str; 2] = ["x-user-id", "cookie"];
    for (one, fields, more) in [
        ("serve: on", &[][..], false),
        ("rollout: 0%", &[], false),
        ("rollout: 100%", &[], false),
        ("rollout: 20%", &USER, false),
        ("{rollout: {2026-03-01: 100%}}", &USER, false),
        ("{variants: [a, b], serve: {a: 50%, b: 50%}}", &USER, false),
        ("{variants: [a, b], buckets: {a: 0-9999}}", &USER, false),
        ("{by: company, rollout: 20%}", &["x-company"], false),
        ("{when: {country: US}, serve: on}", &["x-country"], false),
        ("{rules: [{when: {not: staff}, serve: on}]}", &USER, false),
        (
            "{when: us-pro, serve: on}",
            &["x-country", "x-plan", "authorization"],
            false,
        ),
        (
            "{when: {any: [{country: US}, {feature.parent: on}]}, serve: on}",
            &["x-country", "x-company", "x-user-id", "cookie"],
            false,
        ),
        (
            "{rules: [{when: {country: US}, rollout: 10%}]}",
            &["x-country", "x-user-id", "cookie"],
            false,
        ),
        // a cache has these in its key, or they are the same for everybody
        (
            "{when: {city: Ulm, path: {prefix: /x}, method: GET, host: a, stage: dev, now: {from: 2026-01-01}}, serve: on}",
            &[],
            false,
        ),
        ("{when: {ip: {within: 10.0.0.0/8}}, serve: on}", &[], true),
        ("{status: paused, rollout: 20%}", &[], false),
        ("{status: draft, rollout: 20%}", &[], false),
    ] {
        check(&file(one), fields, more);
    }
}

#[test]
fn a_cache_is_told_of_the_whole_files_condition_and_of_overrides() {
    for (head, one, fields) in [
        (
            "when: {header.x-region: eu}",
            "{serve: on}",
            &["x-region"][..],
        ),
        (
            "status: paused\nwhen: {header.x-region: eu}",
            "{rollout: 10%}",
            &["x-region"],
        ),
        (
            "override: {from: [header.x-qa, query.ff], when: {header.x-staff: yes}}",
            "{serve: on}",
            &["x-qa", "x-staff"],
        ),
        (
            "override: {from: [header.x-qa], when: {header.x-staff: yes}}",
            "{status: draft, serve: on}",
            &["x-qa", "x-staff"],
        ),
        (
            "override: {from: [header.x-qa], when: {header.x-staff: yes}}",
            "{status: paused, serve: on}",
            &[],
        ),
        (
            "override: {from: [header.x-qa, query.ff], key: env.BURGEE_OVERRIDE_KEY, remember: qa}",
            "{serve: on}",
            &["x-qa", "cookie"],
        ),
        (
            "anonymous: {cookie: visitor, max-age: 365d}",
            "{rollout: 10%}",
            &["x-user-id", "cookie"],
        ),
    ] {
        check(
            &format!("version: 1\n{head}\nfeatures:\n  one: {one}\n"),
            fields,
            false,
        );
    }
}

fn check(text: &str, fields: &[&str], more: bool) {
    let (snapshot, _) = compile(&[("a.yaml", text.as_bytes())])
        .unwrap_or_else(|problems| panic!("{text}\n{problems:?}"));
    let toggles = &snapshot.files[0];
    let one = toggles
        .features
        .iter()
        .position(|feature| &*feature.name == "one")
        .unwrap();
    let mut vary = Vary::default();
    vary::add(toggles, one as u16, &mut vary);
    let found: Vec<&str> = vary.fields.iter().map(|field| field.as_str()).collect();
    assert_eq!((&found[..], vary.more), (fields, more), "{text}");
}
