//! `burgee stale --code` in trees of nine languages: every line that names a feature is found, and few that do not.

use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::Command,
};

const FEATURES: [&str; 6] = [
    "new-ui",
    "checkout_button",
    "search-v2",
    "search",
    "darkMode",
    "one-click-pay",
];

/// What frameworks and OpenFeature's SDKs want to be written: the ending of a file, and a line or a few.
/// `{H}` X-Feature-New-Ui, `{h}` x-feature-new-ui, `{U}` X_FEATURE_NEW_UI, `{u}` x_feature_new_ui, `{c}` xFeatureNewUi,
/// `{P}` XFeatureNewUi, `{k}` the key. The line that begins with `>` is the one that is to be found.
const NAMES: &[(&str, &str)] = &[
    (
        "java",
        "public String show(@RequestHeader(\"{H}\") String variant) {",
    ),
    ("java", "String variant = request.getHeader(\"{h}\");"),
    ("java", "static final String {U} = name();"),
    ("java", "@HeaderParam(\"{H}\") String variant,"),
    (
        "java",
        "if (flags.{P}.isOn() || options.get{P}() != null) {",
    ),
    (
        "java",
        "boolean on = client.getBooleanValue(\"{k}\", false);",
    ),
    (
        "java",
        "FlagEvaluationDetails<String> details = client.getStringDetails(\n>        \"{k}\",\n        \"control\", context);",
    ),
    ("kt", "val on = client.getBooleanValue(\"{k}\", false)"),
    ("go", "variant := r.Header.Get(\"{H}\")"),
    ("go", "if r.Header[\"{H}\"][0] == \"on\" {"),
    ("go", "values := md.Get(\"{h}\")"),
    ("go", "\tVariant string `header:\"{H}\"`"),
    ("go", "\t{P} string"),
    (
        "go",
        "on, err := client.BooleanValue(ctx, \"{k}\", false, openfeature.EvaluationContext{})",
    ),
    (
        "go",
        "details, err := client.StringValueDetails(\n\tcontext.Background(),\n>\t\"{k}\", \"control\", evalCtx)",
    ),
    ("py", "variant = request.META.get('HTTP_{U}', 'off')"),
    ("py", "variant = request.headers.get(\"{H}\")"),
    ("py", "variant = environ[\"HTTP_{U}\"]"),
    (
        "py",
        "async def show({u}: Annotated[str | None, Header()] = None):",
    ),
    ("py", "variant = dict(scope['headers']).get(b'{h}')"),
    ("py", "on = client.get_boolean_value(\"{k}\", False)"),
    (
        "py",
        "details = client.get_string_details(\n>    flag_key=\"{k}\",\n    default_value='control')",
    ),
    ("rb", "variant = request.headers['{H}']"),
    ("rb", "variant = request.env['HTTP_{U}']"),
    ("rb", "variant = headers[:{u}]"),
    (
        "rb",
        "on = client.fetch_boolean_value(flag_key: '{k}', default_value: false)",
    ),
    ("php", "$variant = $_SERVER['HTTP_{U}'] ?? 'off';"),
    ("php", "$variant = $request->header('{H}');"),
    ("php", "$variant = $request->getHeaderLine('{h}');"),
    ("php", "$variant = getallheaders()['{H}'];"),
    ("php", "$on = $client->getBooleanValue('{k}', false);"),
    ("js", "const variant = req.get('{H}');"),
    ("js", "const variant = req.headers['{h}'];"),
    ("js", "const { {c} } = headers;"),
    ("js", "if (headers.{c} === 'on') {"),
    (
        "js",
        "const raw = 'GET / HTTP/1.1\\r\\n{H}: on\\r\\n\\r\\n';",
    ),
    (
        "js",
        "const on = await client.getBooleanValue('{k}', false);",
    ),
    (
        "js",
        "const details = await client.getObjectDetails(`{k}`, {});",
    ),
    ("ts", "const { value } = useFlag('{k}', false);"),
    ("ts", "const on = useBooleanFlagValue(\"{k}\", false);"),
    (
        "ts",
        "async show(@BooleanFeatureFlag({ flagKey: '{k}', defaultValue: false }) feature: Observable<boolean>) {",
    ),
    (
        "ts",
        "const answer = await fetch(`${base}/ofrep/v1/evaluate/flags/{k}`, { method: 'POST' });",
    ),
    ("cs", "var variant = Request.Headers[\"{H}\"];"),
    (
        "cs",
        "public IActionResult Show([FromHeader(Name = \"{H}\")] string variant)",
    ),
    ("cs", "var variant = headers.{P};"),
    (
        "cs",
        "var on = await client.GetBooleanValueAsync(\"{k}\", false);",
    ),
    (
        "cs",
        "var details = await client.GetStringDetailsAsync(flagKey: \"{k}\", defaultValue: \"control\");",
    ),
    ("rs", "let variant = headers.get(\"{h}\");"),
    (
        "rs",
        "static NAME: HeaderName = HeaderName::from_static(\"{h}\");",
    ),
    ("rs", "pub const {U}_HEADER: &str = name();"),
    (
        "rs",
        "let on = client.get_bool_value(\"{k}\", None, None).await;",
    ),
    ("ex", "case get_req_header(conn, \"{h}\") do"),
    ("html", "{% if request.headers['{H}'] == 'on' %}"),
    ("html", "{% if request.META.HTTP_{U} == 'on' %}"),
    ("erb", "<% if request.headers[\"{H}\"] == 'on' %>"),
    ("blade.php", "@if(request()->header('{H}') === 'on')"),
    (
        "cshtml",
        "@if (Context.Request.Headers[\"{H}\"] == \"on\") {",
    ),
    ("hbs", "{{#if headers.{c}}}"),
    ("vue", "<FeatureFlag flag-key=\"{k}\">"),
    ("component.html", "<div *booleanFeatureFlag=\"'{k}'\">"),
    ("conf", "if ($http_{u} = on) { set $upstream green; }"),
    ("sh", "curl -H '{H}: on' -HX-Other:1 localhost:8080"),
    ("sh", "curl -H{H}:on localhost:8080"),
    ("vcl", "if (req.http.{H} == \"on\") {"),
];

/// What only looks like it. The last few are beyond any search for names, and are found: that is what precision is about.
const OTHERS: &[(&str, &str)] = &[
    ("java", "String other = request.getHeader(\"{H}-2\");"),
    ("java", "int MA{U} = 3; // a constant of somebody else"),
    ("java", "router.get(\"/{k}/list\", this::list);"),
    ("go", "metrics.Inc(\"{k}.count\")"),
    ("go", "req.Header.Get(\"Not-{H}\")"),
    ("py", "logger.info('{k} was clicked')"),
    ("py", "label = _('{k}')"),
    ("py", "value = environ['HTTP_{U}_COUNT_TOTAL']"),
    ("rb", "redirect_to '{k}'"),
    ("rb", "validates :{k}_id, presence: true"),
    ("php", "$name = $translator->get('{k}');"),
    ("js", "element.classList.add('{k}');"),
    ("js", "const ma{c} = 1;"),
    ("js", "const {c}s = [];"),
    ("js", "import { show } from './{k}';"),
    ("js", "track('clicked', { what: '{k}' });"),
    ("ts", "const id = `{k}-${index}`;"),
    ("cs", "services.AddHttpClient(\"{k}\");"),
    ("rs", "let name = String::from(\"{k}\");"),
    ("css", ".{k} { color: red }"),
    ("html", "<a id=\"{k}\" href=\"#{k}\">"),
    ("yaml", "name: {k}"),
    ("sql", "select '{k}' from pages;"),
    ("json", "{\"page\": \"{k}\"}"),
    ("js", "analytics.send({ experiment: '{k}' });"),
];

#[derive(Default)]
struct Tree {
    /// text by file
    files: BTreeMap<String, String>,
    /// feature, file, line
    expected: BTreeSet<(String, String, u64)>,
}

impl Tree {
    /// Writes a sample into a file; of several lines the one that begins with `>` names it.
    fn add(&mut self, file: &str, sample: &str, feature: &str, is_named: bool) {
        let text = self.files.entry(file.to_owned()).or_default();
        let lines: Vec<_> = sample.split('\n').collect();
        let marked = lines
            .iter()
            .position(|line| line.starts_with('>'))
            .unwrap_or(0);
        for (number, line) in lines.iter().enumerate() {
            if number == marked && is_named {
                let line = text.matches('\n').count() as u64 + 1;
                self.expected
                    .insert((feature.to_owned(), file.to_owned(), line));
            }
            let line = line.strip_prefix('>').unwrap_or(line);
            *text += &spelled(line, feature);
            text.push('\n');
        }
    }
}

fn spelled(line: &str, feature: &str) -> String {
    let words: Vec<_> = feature.split(['-', '_']).collect();
    let capital = |word: &str| word[..1].to_uppercase() + &word[1..];
    let train: Vec<_> = words.iter().map(|word| capital(word)).collect();
    let lower = format!("x-feature-{}", feature.replace('_', "-").to_lowercase());
    let joined: String = lower.split('-').map(capital).collect();
    line.replace("{H}", &format!("X-Feature-{}", train.join("-")))
        .replace("{h}", &lower)
        .replace("{U}", &lower.replace('-', "_").to_uppercase())
        .replace("{u}", &lower.replace('-', "_"))
        .replace("{c}", &format!("x{}", &joined[1..]))
        .replace("{P}", &joined)
        .replace("{k}", feature)
}

/// The same numbers for the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }
}

fn tree(seed: u64) -> Tree {
    let (mut tree, mut dice) = (Tree::default(), Dice(seed));
    let named = NAMES
        .iter()
        .map(|one| (one, true))
        .chain(OTHERS.iter().map(|one| (one, false)));
    let mut all: Vec<_> = named
        .flat_map(|one| FEATURES.map(|feature| (one, feature)))
        .collect();
    for place in (1..all.len()).rev() {
        all.swap(place, dice.below(place + 1));
    }
    for (((ending, sample), is_named), feature) in all {
        let file = format!("part{}/file{}.{ending}", dice.below(4), dice.below(3));
        for _ in 0..dice.below(4) {
            tree.add(
                &file,
                "    // something else, about new and ui and search",
                feature,
                false,
            );
        }
        tree.add(&file, sample, feature, is_named);
    }
    tree
}

fn toggles(directory: &Path) -> std::path::PathBuf {
    let path = directory.join("toggles.yaml");
    let features: String = FEATURES
        .iter()
        .map(|name| format!("  {name}: on\n"))
        .collect();
    fs::write(
        &path,
        format!("version: 1\nfeatures:\n{features}  nowhere: on\n"),
    )
    .unwrap();
    path
}

fn stale(toggles: &Path, code: &Path) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_burgee"))
        .arg("stale")
        .arg(toggles)
        .args(["--at", "2026-11-30", "--json", "--code"])
        .arg(code)
        .output()
        .unwrap();
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)))
}

fn places(said: &Value, list: &str, code: &Path) -> BTreeSet<(String, String, u64)> {
    let features = said["features"].as_object().unwrap().iter();
    let place = |key: &str, one: &Value| {
        let file = Path::new(one["file"].as_str().unwrap())
            .strip_prefix(code)
            .unwrap();
        (
            key.to_owned(),
            file.to_str().unwrap().to_owned(),
            one["line"].as_u64().unwrap(),
        )
    };
    features
        .flat_map(|(key, one)| {
            one[list]
                .as_array()
                .unwrap()
                .iter()
                .map(move |one| place(key, one))
        })
        .collect()
}

#[test]
fn every_line_that_names_a_feature_is_found_and_few_that_do_not() {
    for seed in 1..=5 {
        let directory = tempfile::tempdir().unwrap();
        let tree = tree(seed);
        let code = directory.path().join("code");
        for (file, text) in &tree.files {
            let path = code.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let said = stale(&toggles(directory.path()), &code);
        let found = places(&said, "named", &code);
        let line = |(feature, file, line): &(String, String, u64)| {
            format!(
                "{feature}: {}",
                tree.files[file].lines().nth(*line as usize - 1).unwrap()
            )
        };
        let missed: Vec<_> = tree.expected.difference(&found).map(line).collect();
        assert!(
            missed.is_empty(),
            "seed {seed}: not found:\n{}",
            missed.join("\n")
        );
        let wrong: Vec<_> = found.difference(&tree.expected).map(line).collect();
        let precision = 1.0 - wrong.len() as f64 / found.len() as f64;
        assert!(
            precision >= 0.95,
            "seed {seed}: {precision}:\n{}",
            wrong.join("\n")
        );
        // the search has to have had something to get wrong
        assert!(
            !wrong.is_empty() && tree.expected.len() > 350,
            "{} of {}",
            wrong.len(),
            tree.expected.len()
        );
        assert_eq!(
            said["features"]["nowhere"]["stale"]
                .as_array()
                .unwrap()
                .last()
                .unwrap(),
            "unnamed"
        );
        let in_quotes = places(&said, "perhaps", &code);
        assert!(in_quotes.len() > 20 && in_quotes.is_disjoint(&tree.expected));
    }
}

#[test]
fn what_git_ignores_is_left_out_and_so_are_the_toggles_themselves() {
    let directory = tempfile::tempdir().unwrap();
    let write = |file: &str, text: &[u8]| {
        let path = directory.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let line = b"x = headers['X-Feature-New-Ui']\n";
    write(".gitignore", b"/build/\n*.min.js\n");
    write("web/.ignore", b"generated\n");
    for file in [
        "build/app.js",
        "web/app.min.js",
        "web/generated/app.js",
        ".git/hooks/x",
    ] {
        write(file, line);
    }
    write("picture.png", &[&[0][..], line].concat());
    write("README.md", b"The header is `X-Feature-New-Ui`.\n");
    let toggles = toggles(directory.path());
    let said = stale(&toggles, directory.path());
    let feature = &said["features"]["new-ui"];
    assert_eq!(feature["named"].as_array().unwrap().len(), 0, "{feature}");
    assert_eq!(
        feature["perhaps"].as_array().unwrap().len(),
        1,
        "a document is no code: {feature}"
    );
    write("web/app.js", line);
    write(".github/workflows/test.yml", line);
    let said = stale(&toggles, directory.path());
    let named = places(&said, "named", directory.path());
    let files: Vec<_> = named.iter().map(|(_, file, _)| &**file).collect();
    assert_eq!(files, [".github/workflows/test.yml", "web/app.js"]);
}

#[test]
fn code_that_puts_names_together_is_told_of() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(
        directory.path().join("app.py"),
        "name = 'X-Feature-' + feature\n",
    )
    .unwrap();
    let said = stale(&toggles(directory.path()), directory.path());
    assert_eq!(said["built"][0]["line"], 1, "{said}");
    let notes = said["notes"].to_string();
    assert!(
        notes.contains("app.py:1") && notes.contains("without being named"),
        "{notes}"
    );
}

#[test]
fn a_folder_that_is_not_there_is_an_error_and_names_nothing_nowhere() {
    let directory = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_burgee"))
        .arg("stale")
        .arg(toggles(directory.path()))
        .args(["--code", "not-there"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("--code not-there"), "{said}");
}

#[test]
fn names_that_are_renamed_prefixed_or_in_a_namespace_are_found() {
    let directory = tempfile::tempdir().unwrap();
    let toggles = directory.path().join("toggles.yaml");
    let text = "version: 1\nnamespace: shop\nheaders: {prefix: X-Shop-, values: true}\nfeatures:\n  new-ui: {variants: {a: {x: 1}}, serve: a}\n  look: {header: X-Look, serve: on}\n";
    fs::write(&toggles, text).unwrap();
    let code = directory.path().join("code");
    fs::create_dir(&code).unwrap();
    let lines = "h['X-Shop-New-Ui']\nh.xShopNewUiValue\nclient.getBooleanValue('shop.new-ui')\nh['HTTP_X_LOOK']\nh['X-Feature-New-Ui']\n";
    fs::write(code.join("app.js"), lines).unwrap();
    let said = stale(&toggles, &code);
    let lines = |key: &str| {
        let named = said["features"][key]["named"].as_array().unwrap().iter();
        named
            .map(|one| one["line"].as_u64().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        (lines("new-ui"), lines("look")),
        (vec![1, 2, 3], vec![4]),
        "{said}"
    );
}
