//! The golden vectors of the bucketing contract, against the engine and through a loaded file.

use super::toggles::compile;
use burgee::engine::{
    Decisions,
    bucket::{self, Arm, Seed},
    request::{EvaluationContext, Input},
    units::{Second, Share},
};
use serde_yaml::Value;

fn vectors() -> Value {
    serde_yaml::from_str(include_str!("../data/vectors/bucketing.yaml")).unwrap()
}

fn rows(of: &str) -> Vec<Value> {
    vectors()[of].as_sequence().unwrap().clone()
}

/// A unit is a text, or one text repeated.
fn unit(row: &Value) -> String {
    match &row["unit"] {
        Value::String(text) => text.clone(),
        repeated => {
            let times = repeated["times"].as_u64().unwrap() as usize;
            repeated["repeat"].as_str().unwrap().repeat(times)
        }
    }
}

fn salt(row: &Value) -> &str {
    row["salt"].as_str().unwrap()
}

fn shares(row: &Value) -> Vec<(String, String)> {
    let shares = row["shares"].as_mapping().unwrap().iter();
    shares
        .map(|(name, share)| {
            (
                name.as_str().unwrap().to_owned(),
                share.as_str().unwrap().to_owned(),
            )
        })
        .collect()
}

/// What a file says to this user about its one feature.
fn through_a_file(text: &str, user: &str) -> String {
    let (snapshot, _) = compile(&[("a.yaml", text.as_bytes())]).unwrap();
    let context = EvaluationContext {
        user: Some(user.to_owned()),
        ..EvaluationContext::default()
    };
    let mut decisions = Decisions::default();
    snapshot.decide(Input::Context(&context), Second(0), None, &mut decisions);
    let feature = &snapshot.files[0].features[0];
    feature
        .variant(decisions.by_feature[0].unwrap().variant)
        .name
        .to_string()
}

#[test]
fn everybody_stands_where_the_contract_says() {
    for row in rows("points") {
        let (unit, point) = (
            unit(&row),
            Seed::bucket(salt(&row)).point(unit(&row).as_bytes()),
        );
        assert_eq!(
            point.0.to_string(),
            row["point"].as_str().unwrap(),
            "{row:?}"
        );
        let bucket = row["bucket"].as_u64().unwrap();
        assert_eq!(u64::from(point.bucket()), bucket, "{row:?}");
        let text = format!(
            "version: 1\nfeatures: {{x: {{salt: {}, buckets: {{on: {bucket}-{bucket}}}}}}}",
            salt(&row)
        );
        assert_eq!(through_a_file(&text, &unit), "on", "{row:?}");
    }
}

#[test]
fn everybody_is_in_the_rollouts_that_the_contract_says() {
    let mut checked = 0;
    for row in rows("rollouts") {
        for (key, inside) in row.as_mapping().unwrap() {
            let share = key.as_str().unwrap();
            let Ok(parsed) = Share::parse(share) else {
                continue;
            };
            let inside = inside.as_bool().unwrap();
            let point = Seed::bucket(salt(&row)).point(unit(&row).as_bytes());
            assert_eq!(point.is_in(parsed), inside, "{share} of {row:?}");
            let text = format!(
                "version: 1\nfeatures: {{x: {{salt: {}, rollout: {share}}}}}",
                salt(&row)
            );
            let expected = if inside { "on" } else { "off" };
            assert_eq!(
                through_a_file(&text, &unit(&row)),
                expected,
                "{share} of {row:?}"
            );
            checked += 1;
        }
    }
    assert!(checked >= 16);
}

#[test]
fn everybody_gets_the_variant_that_the_contract_says() {
    for row in rows("splits") {
        let shares = shares(&row);
        let arms: Vec<Arm> = shares
            .iter()
            .enumerate()
            .map(|(index, (name, share))| Arm {
                variant: index as u8,
                share: Share::parse(share).unwrap(),
                seed: Seed::split(name, salt(&row)),
            })
            .filter(|arm| arm.share > Share::NOBODY)
            .collect();
        let expected = row["variant"].as_str().unwrap();
        let index = usize::from(bucket::split(&arms, unit(&row).as_bytes()));
        assert_eq!(shares[index].0, expected, "{row:?}");
        let names: Vec<&str> = shares.iter().map(|(name, _)| name.as_str()).collect();
        // the order of keys is irrelevant: written backwards
        let parts: Vec<String> = shares
            .iter()
            .rev()
            .map(|(name, share)| format!("{name}: {share}"))
            .collect();
        let text = format!(
            "version: 1\nfeatures: {{x: {{salt: {}, variants: [{}], serve: {{{}}}}}}}",
            salt(&row),
            names.join(", "),
            parts.join(", ")
        );
        assert_eq!(through_a_file(&text, &unit(&row)), expected, "{row:?}");
    }
}
