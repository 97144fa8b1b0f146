//! The Rust provider, unmodified. In and out: as in `../python/client.py`.
//! This provider gives no metadata, and the reason `STATIC` whatever it was told.

use open_feature::{
    EvaluationContext, EvaluationError, EvaluationErrorCode, EvaluationResult,
    provider::{FeatureProvider, ResolutionDetails},
};
use open_feature_ofrep::{OfrepOptions, OfrepProvider};
use serde_json::{Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let request: Value = serde_json::from_reader(std::io::stdin()).expect("a request");
    let mut options = OfrepOptions {
        base_url: request["base"].as_str().expect("a base").to_owned(),
        ..Default::default()
    };
    for (name, value) in request["headers"].as_object().into_iter().flatten() {
        let name: reqwest::header::HeaderName = name.parse().expect("a name");
        let value = value.as_str().and_then(|value| value.parse().ok());
        options.headers.insert(name, value.expect("a value"));
    }
    let provider = OfrepProvider::new(options).await.expect("a provider");
    let mut answers = Vec::new();
    for asked in request["ask"].as_array().expect("questions") {
        answers.push(one(&provider, asked).await);
    }
    println!("{}", Value::Array(answers));
}

async fn one(provider: &OfrepProvider, asked: &Value) -> Value {
    let mut context = EvaluationContext::default();
    if let Some(user) = asked[3].as_str() {
        context = context.with_targeting_key(user);
    }
    for (name, value) in asked[4].as_object().into_iter().flatten() {
        context = context.with_custom_field(name, value.as_str().unwrap_or_default());
    }
    let flag = asked[0].as_str().expect("a flag");
    match asked[1].as_str().expect("a type") {
        "boolean" => told(provider.resolve_bool_value(flag, &context).await, |value| {
            json!(value)
        }),
        "string" => told(
            provider.resolve_string_value(flag, &context).await,
            |value| json!(value),
        ),
        "integer" => told(provider.resolve_int_value(flag, &context).await, |value| {
            json!(value)
        }),
        "float" => told(
            provider.resolve_float_value(flag, &context).await,
            |value| json!(value),
        ),
        _ => told(
            provider.resolve_struct_value(flag, &context).await,
            |value| {
                let hex = value
                    .fields
                    .get("hex")
                    .and_then(open_feature::Value::as_str);
                json!({"hex": hex})
            },
        ),
    }
}

fn told<T>(found: EvaluationResult<ResolutionDetails<T>>, shown: impl Fn(T) -> Value) -> Value {
    match found {
        Ok(details) => json!({
            "value": shown(details.value), "variant": details.variant,
            "reason": null, "error": null, "metadata": {},
        }),
        Err(EvaluationError { code, .. }) => json!({
            "value": null, "variant": null, "reason": "ERROR", "error": name(&code), "metadata": {},
        }),
    }
}

fn name(code: &EvaluationErrorCode) -> &str {
    match code {
        EvaluationErrorCode::FlagNotFound => "FLAG_NOT_FOUND",
        EvaluationErrorCode::InvalidContext => "INVALID_CONTEXT",
        EvaluationErrorCode::ParseError => "PARSE_ERROR",
        EvaluationErrorCode::TypeMismatch => "TYPE_MISMATCH",
        EvaluationErrorCode::TargetingKeyMissing => "TARGETING_KEY_MISSING",
        EvaluationErrorCode::General(_) => "GENERAL",
        _ => "OTHER",
    }
}
