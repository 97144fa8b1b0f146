//! One file, one person, one answer: on every worker of every pod, over every connection, after every reload,
//! through the proxy, by `explain`, and by OFREP.

use crate::{
    ofrep::{context, post},
    raw::{App, Client, bytes},
    support::{Burgee, Toggles, ask, burgee},
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashSet};

/// Every shape that a feature can have. The glide is so slow that no share of a person passes while the test runs.
const TOGGLES: &str = "version: 1
namespace: shop
user: [header.x-user-id, cookie.user_id]
attributes: {plan: header.x-plan, company: {from: header.x-company, weights: {acme: 400, globex: 120, initech: 7}}}
segments: {staff: {user: [person-7, person-77]}}
headers: {values: true, revision: X-Features-Revision}
features:
  share: 25%
  arms: {variants: [a, b, c], rollout: 60%, serve: {a: 20%, b: 30%, c: 50%}}
  ranges: {variants: [x, y], buckets: {x: 0-4999, y: [5000-7499, 9000-9999]}}
  steps: {rollout: {2020-01-01: 10%, 2021-01-01: 40%, 2100-01-01: 100%}}
  glide: {rollout: {from: 0%, to: 100%, start: 2000-01-01, end: 2100-01-01}}
  companies: {by: company, rollout: 60%}
  company-arms: {by: company, variants: [a, b], serve: {a: 50%, b: 50%}}
  rules: {variants: [old, new], rules: [{when: staff, serve: new}, {when: {plan: pro}, rollout: 30%, serve: new}], serve: old}
  child: {when: {feature.arms: [a, c]}, rollout: 50%}
  layer: {variants: [one, two], serve: {one: 50%, two: 50%}, header: none}
  inside: {when: {feature.layer: one}, variants: [x, y], serve: {x: 50%, y: 50%}}
  payload: {variants: {small: {n: 1}, large: {n: 2}}, serve: {small: 50%, large: 50%}}
  stopped: {status: paused, default: on, rollout: 50%}
  drafted: {status: draft, serve: on}
";

/// Who comes with what besides an id.
const GROUPS: [&[(&str, &str)]; 6] = [
    &[],
    &[("plan", "pro")],
    &[("company", "acme")],
    &[("company", "globex"), ("plan", "free")],
    &[("company", "initech"), ("plan", "pro")],
    &[("company", "not listed")],
];
const PEOPLE: usize = 240;
/// With three workers, one of them gets none of so many connections once in ten million runs.
const CONNECTIONS: usize = 40;

fn id(person: usize) -> String {
    format!("person-{person}")
}

fn group(person: usize) -> &'static [(&'static str, &'static str)] {
    GROUPS[person % GROUPS.len()]
}

/// What `explain` says of everybody.
fn explained(toggles: &Toggles) -> Vec<Value> {
    let directory = tempfile::tempdir().unwrap();
    let (file, ids) = (toggles.path(), directory.path().join("ids.txt"));
    let mut answers = vec![Value::Null; PEOPLE];
    for (number, group) in GROUPS.iter().enumerate() {
        let people: Vec<_> = (number..PEOPLE).step_by(GROUPS.len()).collect();
        let lines: String = people.iter().map(|person| id(*person) + "\n").collect();
        std::fs::write(&ids, lines).unwrap();
        let fields: Vec<_> = group
            .iter()
            .map(|(name, value)| format!("--header=X-{name}: {value}"))
            .collect();
        let mut line = vec!["explain", file.to_str().unwrap(), "--json", "--users"];
        line.push(ids.to_str().unwrap());
        line.extend(fields.iter().map(String::as_str));
        let (code, said) = burgee(&line);
        assert_eq!(code, 0, "{said}");
        for (person, line) in people.into_iter().zip(said.lines()) {
            answers[person] = serde_json::from_str(line).unwrap();
            assert_eq!(answers[person]["user"], id(person));
        }
    }
    answers
}

/// The fields that follow from what `explain` says.
fn fields(answer: &Value) -> BTreeMap<String, String> {
    let mut fields = BTreeMap::new();
    for feature in answer["features"].as_object().unwrap().values() {
        let Some(name) = feature["header"].as_str() else {
            continue;
        };
        let name = name.to_ascii_lowercase();
        if let Some(value) = feature.get("value") {
            fields.insert(format!("{name}-value"), value.to_string());
        }
        fields.insert(name, feature["variant"].as_str().unwrap().to_owned());
    }
    let revision = answer["revision"].as_str().unwrap().to_owned();
    fields.insert("x-features-revision".into(), revision);
    fields
}

/// What the application receives of ours when this person asks over this connection.
fn received(connection: &mut Client, person: usize) -> BTreeMap<String, String> {
    let who = if person.is_multiple_of(2) {
        "X-User-Id: "
    } else {
        "Cookie: a=b; user_id="
    };
    let mut head = format!("GET / HTTP/1.1\r\nHost: a\r\n{who}{}\r\n", id(person));
    for (name, value) in group(person) {
        head.push_str(&format!("X-{name}: {value}\r\n"));
    }
    connection.send(head + "X-Feature-Share: forged\r\n\r\n");
    let seen = crate::raw::Message::of(connection.message().text());
    let ours = seen
        .fields()
        .filter(|(name, _)| name.starts_with("x-feature"));
    ours.map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// What OFREP says of this person, as the variants of `explain`.
fn ofrep(pod: &Burgee, person: usize) -> BTreeMap<String, String> {
    let mut asked = json!({"targetingKey": id(person)});
    for (name, value) in group(person) {
        asked[*name] = json!(value);
    }
    let answer = post(pod.api, "/ofrep/v1/evaluate/flags", &context(asked), &[]);
    let flags = answer.json()["flags"].as_array().unwrap().clone();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    flags
        .iter()
        .map(|flag| (text(&flag["key"]), text(&flag["variant"])))
        .collect()
}

fn variants(answer: &Value) -> BTreeMap<String, String> {
    let features = answer["features"].as_object().unwrap().iter();
    features
        .map(|(key, feature)| (key.clone(), feature["variant"].as_str().unwrap().to_owned()))
        .collect()
}

/// Everybody over three connections each, of all pods, and by OFREP.
fn check(pods: &[Burgee], connections: &mut [Client], expected: &[Value], when: &str) {
    for (person, answer) in expected.iter().enumerate() {
        let fields = fields(answer);
        for turn in 0..3 {
            let connection = (person * 7 + turn * 13) % connections.len();
            let seen = received(&mut connections[connection], person);
            assert_eq!(seen, fields, "{when}: {} over {connection}", id(person));
        }
        let pod = &pods[person % pods.len()];
        assert_eq!(
            ofrep(pod, person),
            variants(answer),
            "{when}: {}",
            id(person)
        );
    }
}

#[test]
fn everybody_gets_the_same_from_every_worker_of_every_pod_after_every_reload() {
    let app = App::script(|client, _| {
        while client.has_more() {
            let head = bytes(&client.message().head);
            let length = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", head.len());
            client.send([length.into_bytes(), head].concat());
        }
    });
    let toggles = Toggles::new(TOGGLES);
    let upstream = format!("http://{}", app.address);
    let pods = ["3", "1"]
        .map(|workers| Burgee::start(&toggles.path(), &upstream, &["--workers", workers]));
    let connect =
        |number: usize| Client::connect(pods[usize::from(number.is_multiple_of(8))].listen);
    let mut connections: Vec<_> = (0..CONNECTIONS).map(connect).collect();
    let reload = |text: &str| {
        toggles.write(text);
        for pod in &pods {
            assert_eq!(
                ask(pod.api, "POST", "/reload", &[]).json()["result"],
                "reloaded"
            );
        }
        explained(&toggles)
    };

    let first = explained(&toggles);
    check(&pods, &mut connections, &first, "at the start");
    // every feature tells people apart, so that a wrong answer shows
    for key in first[0]["features"].as_object().unwrap().keys() {
        let given: HashSet<_> = first
            .iter()
            .map(|answer| &answer["features"][key]["variant"])
            .collect();
        assert!(
            given.len() > 1 || key == "stopped",
            "{key}: everybody gets {given:?}"
        );
    }

    let (head, features) = TOGGLES.split_once("features:\n").unwrap();
    let backwards: Vec<_> = features.lines().rev().collect();
    let equal = reload(&format!(
        "{head}# backwards\nfeatures:\n{}\n",
        backwards.join("\n")
    ));
    check(&pods, &mut connections, &equal, "after an equal file");
    let same = |(one, other): (&Value, &Value)| variants(one) == variants(other);
    assert!(
        first.iter().zip(&equal).all(same),
        "an equal file moves nobody"
    );

    let edited = TOGGLES
        .replace("25%", "75%")
        .replace("{one: 50%, two: 50%}", "{one: 80%, two: 20%}");
    let other = reload(&edited.replace("{a: 20%, b: 30%, c: 50%}", "{a: 45%, b: 30%, c: 25%}"));
    check(&pods, &mut connections, &other, "after an edit");
    assert!(
        !first.iter().zip(&other).all(same),
        "the edit moves somebody"
    );

    let again = reload(TOGGLES);
    check(&pods, &mut connections, &again, "restored");
    let unmoved = first
        .iter()
        .zip(&again)
        .all(|(one, other)| fields(one) == fields(other));
    assert!(unmoved, "who has come back is where they were");
}
