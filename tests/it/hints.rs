//! What `burgee check` says to write instead: a near miss by its name, and never what turns an audience round or empties it.

use crate::support::fed;

const HEAD: &str = "version: 1
attributes: {country: header.x-country, plan: header.x-plan}
segments: {staff: {user: [ann, bo]}, active: {plan: pro}}
features:
  new-ui: on
";

/// The problems of a file with this feature.
fn said(feature: &str) -> String {
    let ran = fed(&["check", "-"], &format!("{HEAD}  a: {feature}\n"));
    assert_eq!(ran.code, 1, "{feature}: {}", ran.out);
    ran.out + &ran.err
}

#[test]
fn a_near_miss_is_named() {
    for (condition, hint) in [
        // a denial is one
        ("'!staff'", "write `{not: staff}`"),
        ("not-staff", "write `{not: staff}`"),
        ("'!stff'", "write `{not: staff}`"),
        ("non_active", "write `{not: active}`"),
        ("[new-ui, '!staff']", "write `{not: staff}`"),
        ("{'!staff': true}", "write `{not: staff}`"),
        ("{'!country': CH}", "write `{country: {not: …}}`"),
        ("{not_plan: pro}", "write `{plan: {not: …}}`"),
        ("!staff", "write `{not: staff}`"),
        // a condition as others write it
        ("everyone", "without a condition it is everybody"),
        ("true", "without a condition it is everybody"),
        ("'*'", "without a condition it is everybody"),
        ("nobody", "write `serve: off`"),
        ("off", "write `serve: off`"),
        ("staff and active", "write `{all: [staff, active]}`"),
        ("staff && active", "write `{all: [staff, active]}`"),
        ("staff or active", "write a list: `[staff, active]`"),
        ("'staff, active'", "write a list: `[staff, active]`"),
        ("not staff", "write `{not: staff}`"),
        ("'country == CH'", "write the attribute and its value"),
        // places and their plurals
        ("{features.new-ui: on}", "`feature.new-ui: on`"),
        ("{flags.new-iu: on}", "`feature.new-ui: on`"),
        ("{toggle.new-ui: on}", "`feature.new-ui: on`"),
        ("{headers.x-foo: a}", "did you mean `header.x-foo`?"),
        ("{Header.x-foo: a}", "did you mean `header.x-foo`?"),
        ("{cookies.session: a}", "did you mean `cookie.session`?"),
        ("{claims.sub: a}", "did you mean `jwt.sub`?"),
        ("{token.sub: a}", "did you mean `jwt.sub`?"),
        ("{params.q: a}", "did you mean `query.q`?"),
        ("{environment.STAGE: a}", "did you mean `env.STAGE`?"),
        ("{segment.staff: true}", "`when: staff`"),
        ("{segments.staff: false}", "its opposite is `{not: staff}`"),
        ("segment.staff", "`when: staff`"),
        ("{audience.staff: on}", "`when: staff`"),
        (
            "{user.email: a@b.c}",
            "`attributes: {email: header.x-email}`",
        ),
        // words of others
        (
            "{time: {from: 2026-01-01}}",
            "`now: {from: 2026-03-01, until: 2026-03-15}`",
        ),
        ("{date: 2026-01-01}", "`now: {from:"),
        ("{timestamp: {above: 5}}", "`now: {from:"),
        ("{user_id: ann}", "whoever asks is `user`"),
        ("{targetingKey: ann}", "whoever asks is `user`"),
        ("{userId: ann}", "whoever asks is `user`"),
        ("{uid: [ann]}", "whoever asks is `user`"),
        ("{X-Country: CH}", "did you mean `header.x-country`?"),
        ("{x-tenant: acme}", "did you mean `header.x-tenant`?"),
        (
            "{Accept-Language: de}",
            "did you mean `header.accept-language`?",
        ),
        ("{and: [staff, active]}", "write `all: ["),
        ("{or: [staff, active]}", "write `any: ["),
        ("{AND: [staff]}", "write `all: ["),
        ("{'||': [staff]}", "write `any: ["),
        ("{none: [staff, active]}", "write `not: {any: ["),
        ("{region: eu}", "`attributes: {region: header.x-region}`"),
        ("{session.id: 5}", "sources are `header.NAME`"),
        ("[ann, bo]", "ids of users are `{user: [ann, …]}`"),
        ("{all: [staff, carl]}", "`{user: [carl, …]}`"),
        // operators
        ("{country: {not_in: [CH]}}", "write `not: [US, CA]`"),
        ("{country: {'!=': CH}}", "write `not: [US, CA]`"),
        ("{country: {nin: [CH]}}", "write `not: [US, CA]`"),
        ("{country: {notEquals: CH}}", "write `not: [US, CA]`"),
        ("{country: {not_contains: C}}", "write `not: {contains: …}`"),
        ("{country: {doesNotMatch: C}}", "write `not: {matches: …}`"),
        ("{country: {is_null: true}}", "write `present: false`"),
        ("{country: {exists: true}}", "write `present: true`"),
        ("{header.x-age: {'>=': 18}}", "write `min:`"),
        ("{header.x-age: {'>': 18}}", "write `above:`"),
        ("{header.x-age: {'<': 18}}", "write `below:`"),
        ("{header.x-age: {lte: 18}}", "write `max:`"),
        (
            "{header.x-age: {between: [1, 2]}}",
            "write `min:` and `max:`",
        ),
        (
            "{country: {'==': CH}}",
            "write the value or the list itself",
        ),
        ("{path: {startsWith: /a}}", "write `prefix:`"),
        ("{not_in: [staff]}", "below an attribute"),
        // YAML
        ("{path: {matches: \"^\\d+$\"}}", "'^\\d+$'"),
        ("{path: {matches: \"a\\.b\"}}", "single quotes"),
        ("{path: {contains: \"\\W\"}}", "single quotes"),
        ("{now: {until: 2016-12-31T23:59:60Z}}", "is a leap second"),
        (
            "{header.x-at: {from: '2026-06-30 23:59:60Z'}}",
            "is a leap second",
        ),
    ] {
        let said = said(&format!("{{when: {condition}, serve: on}}"));
        assert!(said.contains(hint), "{condition}: {said}");
    }
    for (feature, hint) in [
        (
            "{prerequisites: [new-ui], serve: on}",
            "`when: {feature.NAME: on}`",
        ),
        (
            "{depends_on: new-ui, serve: on}",
            "`when: {feature.NAME: on}`",
        ),
        (
            "{requires: {new-ui: on}, serve: on}",
            "`when: {feature.NAME: on}`",
        ),
        (
            "{schedule: {from: 2026-01-01}, serve: on}",
            "`rollout: {2026-03-01: 1%, 2026-03-10: 100%}`",
        ),
        (
            "{stages: [], serve: on}",
            "`when: {now: {from: …, until: …}}`",
        ),
        (
            "{users: [ann], serve: on}",
            "`rules: [{when: {user: [ann, bo]}, serve: on}]`",
        ),
        ("{allowlist: [ann], serve: on}", "serve: on}]`"),
        ("{denylist: [ann], serve: on}", "serve: off}]`"),
        (
            "{by: [header.x-org, header.x-user], rollout: 5%}",
            "`attributes: {unit: [header.x-org, header.x-user]}`",
        ),
        (
            "{by: [user, plan], rollout: 5%}",
            "`attributes: {unit: [header.x-org, cookie.uid]}`",
        ),
        ("{by: user_id, rollout: 5%}", "whoever asks is `user`"),
        (
            "{by: cookies.uid, rollout: 5%}",
            "did you mean `cookie.uid`?",
        ),
        ("{serve: no}", "did you mean `off`?"),
        ("{serve: yes}", "did you mean `on`?"),
        ("{serve: of}", "did you mean `off`?"),
        ("{default: disabled, serve: on}", "did you mean `off`?"),
    ] {
        let said = said(feature);
        assert!(said.contains(hint), "{feature}: {said}");
    }
}

/// Neither a segment nor a variant nor a feature is offered in place of its opposite.
#[test]
fn no_hint_turns_an_audience_round() {
    for (feature, astray) in [
        ("{when: inactive, serve: on}", "`active`"),
        ("{when: unstaff, serve: on}", "`staff`"),
        ("{when: nonstaff, serve: on}", "`staff`"),
        ("{when: {feature.no-new-ui: on}, serve: on}", "`new-ui`"),
        ("{variants: [active, gold], serve: inactive}", "`active`"),
        ("{variants: [disabled, gold], serve: abled}", "`disabled`"),
        ("{serve: no}", "mean `on`"),
    ] {
        let said = said(feature);
        assert!(!said.contains(&format!("did you mean {astray}")), "{said}");
        assert!(
            !said.contains(astray) || !astray.starts_with("mean"),
            "{said}"
        );
    }
    // and a slip of the fingers is still one
    for (feature, meant) in [
        ("{when: stff, serve: on}", "did you mean `staff`?"),
        ("{when: sstaff, serve: on}", "did you mean `staff`?"),
        ("{when: {contry: CH}, serve: on}", "did you mean `country`?"),
        (
            "{when: {feature.new-iu: on}, serve: on}",
            "did you mean `new-ui`?",
        ),
    ] {
        let said = said(feature);
        assert!(said.contains(meant), "{said}");
    }
}

#[test]
fn sources_and_segments_have_near_misses_too() {
    for (line, hint) in [
        (
            "user: headers.x-user-id",
            "did you mean `header.x-user-id`?",
        ),
        ("user: [claims.sub, cookies.uid]", "did you mean `jwt.sub`?"),
        ("user: X-User-Id", "did you mean `header.x-user-id`?"),
        (
            "attributes: {a: {from: token.org}}",
            "did you mean `jwt.org`?",
        ),
        (
            "segments: {staff: [ann]}",
            "ids of users are `{user: [ann, …]}`",
        ),
        ("segments: {staff: ann}", "`{user: ann}`"),
    ] {
        let ran = fed(
            &["check", "-"],
            &format!("version: 1\n{line}\nfeatures: {{a: on}}\n"),
        );
        assert!(
            ran.code == 1 && ran.out.contains(hint),
            "{line}: {}",
            ran.out
        );
    }
}

/// What YAML tools write of our words means the same.
#[test]
fn what_tools_rewrite_means_the_same() {
    for text in [
        "version: 1\nheaders: {false: omit}\nfeatures: {a: on}\n",
        "version: 1\nfeatures: {a: {rollout: {2026-03-01 00:00:00+00:00: 5%}}}\n",
        "version: 1\nfeatures: {a: {when: {now: {from: !!timestamp 2026-03-01 00:00:00Z}}, serve: on}}\n",
        "version: 1\nfeatures: {a: {when: {now: {until: '2999-03-01 00:00:00+01:00'}}, serve: on}}\n",
    ] {
        let ran = fed(&["check", "-"], text);
        assert_eq!(ran.code, 0, "{text}{}", ran.out);
    }
}
