//! `GET /openapi.json`: every endpoint of the loopback API and of `--evaluate-listen`, from the types of their responses.
//! In: the types. Out: OpenAPI 3.1.

use super::{
    ofrep_responses::{Bulk, Evaluation, Refusal},
    responses::{
        DrainResponse, ErrorResponse, ExplainResponse, FeatureResponse, FeaturesResponse,
        ReloadResponse,
    },
};
use schemars::{
    JsonSchema, SchemaGenerator,
    generate::{Contract, SchemaSettings},
};
use serde_json::{Map, Value, json};

/// The whole description.
pub(super) fn description() -> Value {
    let mut settings = SchemaSettings::draft2020_12();
    settings.definitions_path = "/components/schemas".into();
    settings.meta_schema = None;
    settings.contract = Contract::Serialize;
    let mut schemas = settings.into_generator();
    let mut paths = Map::new();
    for (path, item) in loopback(&mut schemas)
        .into_iter()
        .chain(evaluation_paths(&mut schemas))
    {
        paths.insert(path.to_owned(), item);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "burgee",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "The loopback API; of these, OFREP and forward-auth are also behind `--evaluate-listen`.",
        },
        "paths": paths,
        "components": {
            "schemas": schemas.take_definitions(true),
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            },
        },
    })
}

fn loopback(schemas: &mut SchemaGenerator) -> Vec<(&'static str, Value)> {
    let mut features = get("What is in force", &[]);
    features["responses"] =
        json!({"200": response::<FeaturesResponse<'static>>(schemas, "Every feature")});
    let mut feature = get(
        "One feature: what its file says of it, and what it has been counted for",
        &[KEY],
    );
    feature["responses"] = json!({
        "200": response::<FeatureResponse<'static>>(schemas, "The feature"),
        "404": response::<ErrorResponse<'static>>(schemas, "No such feature"),
    });
    let mut explain = get(
        "What a user gets and why; any other parameter is an attribute by the name that the file gives it",
        &[
            ("query", "user", "Who", false),
            (
                "query",
                "at",
                "An instant instead of now: a date, or RFC 3339",
                false,
            ),
            (
                "query",
                "feature",
                "Only this feature; may come more than once",
                false,
            ),
            (
                "query",
                "override",
                "What a tester's link carries: the value of its parameter, decoded",
                false,
            ),
            ("query", "why", "`true` adds sentences", false),
        ],
    );
    explain["responses"] = json!({
        "200": response::<ExplainResponse>(schemas, "The same as `burgee explain --json`"),
        "400": response::<ErrorResponse<'static>>(schemas, "`at` is no instant"),
        "404": response::<ErrorResponse<'static>>(schemas, "No such feature"),
    });
    let reload = json!({
        "summary": "Reads the files now",
        "responses": {
            "200": response::<ReloadResponse<'static>>(schemas, "They are in force"),
            "422": response::<ReloadResponse<'static>>(schemas, "They have problems; the last good ones stay in force"),
        },
    });
    let drain = json!({
        "summary": "Makes `/ready` say 503, so that traffic goes elsewhere",
        "responses": {"200": response::<DrainResponse>(schemas, "It does")},
    });
    let mut page = get("What is in force, for people", &[]);
    page["responses"] = json!({"200": {"description": "A page", "content": {"text/html": {}}}});
    let mut this = get("This description", &[]);
    this["responses"] =
        json!({"200": {"description": "OpenAPI 3.1", "content": {"application/json": {}}}});
    vec![
        ("/", json!({"get": page})),
        ("/features", json!({"get": features})),
        ("/features/{key}", json!({"get": feature})),
        ("/explain", json!({"get": explain})),
        ("/reload", json!({"post": reload})),
        ("/drain", json!({"post": drain})),
        ("/openapi.json", json!({"get": this})),
    ]
}

fn evaluation_paths(schemas: &mut SchemaGenerator) -> Vec<(&'static str, Value)> {
    let single = evaluation::<Evaluation<'static>>(schemas, "One flag (OFREP 0.3)", true);
    let bulk = evaluation::<Bulk<'static>>(schemas, "Every flag (OFREP 0.3)", false);
    let at = |operation: &Value, parameters: &[Parameter]| {
        let mut operation = operation.clone();
        operation["parameters"] = parameters.iter().map(parameter).collect();
        json!({"post": operation})
    };
    let mut events = get(
        "Tells of reloads (OFREP ADR-0008); its address is in every bulk response",
        &[("query", "since", "The revision that is known", false)],
    );
    events["responses"] = json!({"200": {
        "description": "Events whose data is {\"type\": \"refetchEvaluation\", \"etag\": …, \"lastModified\": …}",
        "content": {"text/event-stream": {}},
    }});
    let mut authz = get(
        "Forward-auth, by any method: the headers for the described request",
        &[(
            "path",
            "path",
            "The described path, with `--authz-from path`",
            true,
        )],
    );
    authz["responses"] = json!({
        "200": {"description": "Every feature header; `x-envoy-auth-headers-to-remove` names those that must not pass"},
        "400": {"description": "The request is not described where `--authz-from` looks"},
    });
    vec![
        ("/ofrep/v1/evaluate/flags/{key}", at(&single, &[KEY])),
        ("/ofrep/v1/evaluate/flags", at(&bulk, &[])),
        (
            "/ns/{namespace}/ofrep/v1/evaluate/flags/{key}",
            at(&single, &[NAMESPACE, KEY]),
        ),
        (
            "/ns/{namespace}/ofrep/v1/evaluate/flags",
            at(&bulk, &[NAMESPACE]),
        ),
        ("/ofrep/v1/events", json!({"get": events})),
        ("/authz/{path}", json!({"get": authz})),
    ]
}

/// In, name, meaning, required.
type Parameter = (&'static str, &'static str, &'static str, bool);

const KEY: Parameter = (
    "path",
    "key",
    "`namespace.feature` where there are several files",
    true,
);
const NAMESPACE: Parameter = ("path", "namespace", "Only this file", true);

fn get(summary: &str, parameters: &[Parameter]) -> Value {
    let parameters: Vec<_> = parameters.iter().map(parameter).collect();
    json!({"summary": summary, "parameters": parameters})
}

fn parameter((place, name, means, required): &Parameter) -> Value {
    json!({
        "in": place, "name": name, "description": means, "required": required,
        "schema": {"type": "string"},
    })
}

/// An operation of OFREP, with every status that it can have.
fn evaluation<T: JsonSchema>(schemas: &mut SchemaGenerator, summary: &str, single: bool) -> Value {
    let refused = |schemas: &mut SchemaGenerator, why| response::<Refusal<'static>>(schemas, why);
    let mut responses = json!({
        "200": response::<T>(schemas, "Evaluated"),
        "401": refused(schemas, "Without the token"),
        "404": refused(schemas, "No such flag, or no such namespace"),
        "405": refused(schemas, "Another method"),
        "408": refused(schemas, "A body that does not come"),
        "413": refused(schemas, "A body of more than 256 KiB"),
        "429": refused(schemas, "More than `--api-rate`; see Retry-After"),
        "500": refused(schemas, "No file has been good yet"),
    });
    if single {
        let either = json!({"anyOf": [
            schemas.subschema_for::<Refusal<'static>>(),
            schemas.subschema_for::<Evaluation<'static>>(),
        ]});
        responses["400"] = json!({
            "description": "PARSE_ERROR, INVALID_CONTEXT or TARGETING_KEY_MISSING",
            "content": {"application/json": {"schema": either}},
        });
    } else {
        responses["400"] = refused(schemas, "PARSE_ERROR or INVALID_CONTEXT");
        responses["304"] = json!({"description": "As If-None-Match says; no body"});
    }
    json!({
        "summary": summary,
        "security": [{}, {"bearer": []}, {"key": []}],
        "requestBody": {"content": {"application/json": {"schema": {
            "type": "object",
            "properties": {"context": {
                "type": ["object", "null"],
                "description": "`targetingKey` is the user, every other key an attribute",
                "properties": {"targetingKey": {"type": ["string", "integer", "null"]}},
            }},
        }}}},
        "responses": responses,
    })
}

fn response<T: JsonSchema>(schemas: &mut SchemaGenerator, description: &str) -> Value {
    let schema = schemas.subschema_for::<T>();
    json!({"description": description, "content": {"application/json": {"schema": schema}}})
}
