//! `config/README.md`, the reference of the toggles file: its examples are read, its tables of requests are sent, and its tables
//! of keys are what the types say. `UPDATE=1` rewrites the tables of keys.

use super::{scenarios, toggles::compile};
use serde_json::{Map, Value, json};
use std::{env, fs, path::PathBuf};

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("config/README.md")
}

fn page() -> String {
    fs::read_to_string(path()).unwrap()
}

/// Each table, with its header, its rows and the YAML example before it.
fn tables(page: &str) -> Vec<(Vec<String>, Vec<Vec<String>>, String)> {
    let cells = |line: &str| -> Vec<String> {
        let line = line.trim().trim_matches('|');
        line.split(" | ")
            .map(|cell| cell.trim().to_owned())
            .collect()
    };
    let (mut found, mut example, mut inside) = (Vec::new(), String::new(), None::<String>);
    let mut lines = page.lines().peekable();
    while let Some(line) = lines.next() {
        if let Some(text) = &mut inside {
            match line {
                "```" => example = inside.take().unwrap(),
                _ => *text += &format!("{line}\n"),
            }
        } else if line.starts_with("```") {
            inside = Some(String::new());
        } else if line.starts_with("| ") && lines.next_if(|next| next.starts_with("|---")).is_some()
        {
            let mut rows = Vec::new();
            while let Some(row) = lines.next_if(|next| next.starts_with('|')) {
                rows.push(cells(row));
            }
            found.push((cells(line), rows, example.clone()));
        }
    }
    found
}

/// What is written in `code`.
fn code(cell: &str) -> &str {
    cell.strip_prefix('`')
        .and_then(|cell| cell.strip_suffix('`'))
        .unwrap_or_else(|| panic!("{cell} is no code"))
}

/// `{user: mia, country: US}`: what a scenario is told; an attribute comes by its header.
fn request(cell: &str) -> Value {
    let asked: Map<String, Value> = serde_yaml::from_str(code(cell)).unwrap();
    let (mut request, mut headers) = (Map::new(), Map::new());
    for (name, value) in asked {
        let value = json!(
            value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned)
        );
        match name.as_str() {
            "user" | "path" | "at" => request.insert(name, value),
            _ => headers.insert(format!("x-{name}"), value),
        };
    }
    request.insert("headers".to_owned(), headers.into());
    request.into()
}

/// The row of a scenario: this feature of this file, and what is sent.
fn scenario(toggles: &str, request: Value, reasons: Value, feature: &str, variant: &str) -> Value {
    json!({"says": feature, "toggles": toggles, "rows": [{"request": request, "reason": reasons, "gets": {feature: variant}}]})
}

/// All claims of one table, or none where it claims nothing about requests.
fn claims(header: &[String], rows: &[Vec<String>], example: &str) -> Vec<Value> {
    let claim = |row: &Vec<String>| match header.iter().map(String::as_str).collect::<Vec<_>>()[..]
    {
        ["condition", "request", "holds"] => {
            let variant = match row[2].as_str() {
                "yes" => "on",
                "no" => "off",
                other => panic!("{other}: yes or no"),
            };
            let toggles = format!("{example}  claim: {{when: {}, serve: on}}\n", code(&row[0]));
            let toggles =
                toggles.replace("features: {dark-mode: on}", "features:\n  dark-mode: on");
            Some(scenario(
                &toggles,
                request(&row[1]),
                json!({}),
                "claim",
                variant,
            ))
        }
        ["request", gets] if gets.ends_with(" gets") => {
            let feature = code(gets.trim_end_matches(" gets"));
            Some(scenario(
                example,
                request(&row[0]),
                json!({}),
                feature,
                &row[1],
            ))
        }
        ["feature", "user mia gets"] => {
            let toggles = format!("version: 1\nfeatures: {{claim: {}}}\n", code(&row[0]));
            Some(scenario(
                &toggles,
                json!({"user": "mia"}),
                json!({}),
                "claim",
                &row[1],
            ))
        }
        ["feature", "header"] => {
            let toggles = format!("version: 1\nfeatures: {{{}: on}}\n", code(&row[0]));
            Some(
                json!({"says": "names", "toggles": toggles, "rows": [{"expect": {code(&row[1]): "on"}}]}),
            )
        }
        _ => None,
    };
    rows.iter().filter_map(claim).collect()
}

#[test]
fn every_row_about_a_request_is_what_a_request_gets() {
    let claims: Vec<Value> = tables(&page())
        .iter()
        .flat_map(|(header, rows, example)| claims(header, rows, example))
        .collect();
    assert!(claims.len() > 60, "{} rows", claims.len());
    let (_, wrong) = scenarios::wrong(&serde_yaml::to_string(&claims).unwrap());
    assert!(wrong.is_empty(), "config/README.md:\n{}", wrong.join("\n"));
}

#[test]
fn every_example_is_accepted() {
    let page = page();
    let examples: Vec<&str> = page
        .split("```yaml\n")
        .skip(1)
        .filter_map(|rest| rest.split("\n```").next())
        .collect();
    assert!(examples.len() >= 4);
    for example in examples {
        let problems = compile(&[("toggles.yaml", example.as_bytes())]).err();
        assert!(problems.is_none(), "{example}\n{}", problems.unwrap());
    }
}

/// What is refused or warned of, and what is not.
#[test]
fn what_is_to_be_written_instead_is_accepted_without_a_word() {
    let page = page();
    let tables = tables(&page);
    let (_, rows, _) = tables
        .iter()
        .find(|(header, ..)| header[0] == "written")
        .unwrap();
    for row in rows {
        for (cell, is_good) in [(&row[0], false), (&row[1], true)] {
            let entry = code(cell);
            let serve = if entry.starts_with("when") {
                "    serve: on\n"
            } else {
                ""
            };
            let text = format!(
                "version: 1\nattributes: {{country: header.x-country}}\nsegments: {{staff: {{user: [ann]}}}}\nfeatures:\n  used: {{when: staff, serve: on}}\n  f:\n    {entry}\n{serve}"
            );
            let said = match compile(&[("toggles.yaml", text.as_bytes())]) {
                Ok((_, warnings)) => warnings.len(),
                Err(_) => 1,
            };
            assert_eq!(said == 0, is_good, "{entry}");
        }
    }
}

#[test]
fn the_tables_of_keys_are_what_the_types_say() {
    let mut schema = burgee::config::schema();
    let file = json!({"properties": schema["properties"]});
    schema["$defs"]["File"] = file;
    schema["$defs"]["Stop"] = burgee::config::stops_schema()["$defs"]["Stop"].clone();
    let before = page();
    let mut after = String::new();
    for (number, part) in before.split("<!-- keys: ").enumerate() {
        if number == 0 {
            after += part;
            continue;
        }
        let (name, rest) = part.split_once(" -->").unwrap();
        let (_, rest) = rest.split_once("<!-- end -->").unwrap();
        let keys = schema["$defs"][name]["properties"]
            .as_object()
            .unwrap_or_else(|| panic!("there is no {name}"));
        after += &format!("<!-- keys: {name} -->\n\n| key | what it says |\n|---|---|\n");
        for (key, value) in keys {
            after += &format!(
                "| `{key}` | {} |\n",
                value["description"].as_str().unwrap().replace('|', "\\|")
            );
        }
        after += &format!("\n<!-- end -->{rest}");
    }
    if env::var_os("UPDATE").is_some() {
        fs::write(path(), &after).unwrap();
    }
    assert!(
        env::var_os("UPDATE").is_some() || before == after,
        "config/README.md: UPDATE=1 cargo test --test it reference"
    );
}
