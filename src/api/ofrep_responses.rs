//! The responses of OFREP as types: the JSON is written from them, and so is its description in `/openapi.json`.
//! In: decisions. Out: JSON as OpenFeature's clients read it.

use crate::engine::{Decision, Feature, Snapshot, Toggles};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer, ser::SerializeMap as _};
use serde_json::Value;
use std::borrow::Cow;

/// The evaluation of one flag under OFREP
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Evaluation<'a> {
    /// The flag's value, or none where the variant has no payload and its siblings do
    Success(Success<'a>),
    /// A share had to decide, and the context has no targeting key
    #[serde(rename_all = "camelCase")]
    Failure {
        /// The flag
        key: Cow<'a, str>,
        /// `ERROR`
        reason: Cow<'a, str>,
        /// What the proxy sends in this case: the default
        variant: Cow<'a, str>,
        /// An error code of OpenFeature
        error_code: Cow<'a, str>,
        /// What to do
        error_details: String,
    },
}

/// A successful evaluation
#[derive(Serialize, JsonSchema)]
pub struct Success<'a> {
    /// The flag
    pub key: Cow<'a, str>,
    /// `STATIC`, `DEFAULT`, `TARGETING_MATCH`, `SPLIT` or `DISABLED`
    pub reason: Cow<'a, str>,
    /// The variant's name
    pub variant: Cow<'a, str>,
    /// A payload, a variant's name, or on and off as true and false; one type for one flag
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<FlagValue<'a>>,
    /// Details
    pub metadata: Metadata<'a>,
}

/// A value, never null.
#[derive(Serialize)]
#[serde(untagged)]
pub enum FlagValue<'a> {
    /// of a feature without declared variants
    Switch(bool),
    /// of a feature whose variants are plain names
    Name(&'a str),
    /// as the file writes it
    Payload(&'a Value),
    /// a whole number among fractions
    Fraction(Value),
}

impl JsonSchema for FlagValue<'_> {
    fn schema_name() -> Cow<'static, str> {
        "FlagValue".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": ["boolean", "string", "number", "object", "array"]})
    }
}

/// The file's own metadata, and what decided.
pub struct Metadata<'a> {
    /// says the version
    pub snapshot: &'a Snapshot,
    /// says the flag set
    pub toggles: &'a Toggles,
    /// has metadata and rules
    pub feature: &'a Feature,
    /// what was decided
    pub decision: Decision,
    /// in responses for one flag
    pub bucket: Option<u16>,
}

/// Ours; the file's metadata cannot replace them.
const RESERVED: [&str; 6] = [
    "rule",
    "forced",
    "stopped",
    "bucket",
    "version",
    "flagSetId",
];

impl Serialize for Metadata<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (key, value) in &self.feature.metadata {
            // OpenFeature's metadata are texts, numbers and truths
            let flat = value.is_string() || value.is_number() || value.is_boolean();
            if flat && !RESERVED.contains(&key.as_str()) {
                map.serialize_entry(key, value)?;
            }
        }
        if let Some(rule) = self.decision.rule.checked_sub(1) {
            match &self.feature.rules[usize::from(rule)].name {
                Some(name) => map.serialize_entry("rule", name)?,
                None => map.serialize_entry("rule", &self.decision.rule)?,
            }
        }
        if self.decision.overridden {
            map.serialize_entry("forced", &true)?;
        }
        let stopped = self
            .snapshot
            .is_stopped(self.toggles, self.feature, self.decision);
        if stopped {
            map.serialize_entry("stopped", &true)?;
        }
        if let Some(bucket) = self.bucket {
            map.serialize_entry("bucket", &bucket)?;
        }
        map.serialize_entry("version", &self.snapshot.revision)?;
        if let Some(namespace) = &self.toggles.namespace {
            map.serialize_entry("flagSetId", namespace)?;
        }
        map.end()
    }
}

impl JsonSchema for Metadata<'_> {
    fn schema_name() -> Cow<'static, str> {
        "FlagMetadata".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "The feature's own metadata, and what decided",
            "type": "object",
            "properties": {
                "rule": {
                    "description": "The rule that decided: its name, else its number from 1",
                    "type": ["string", "integer"]
                },
                "forced": {"description": "By an override", "type": "boolean"},
                "stopped": {"description": "Somebody stopped it, or what it asks for", "type": "boolean"},
                "bucket": {
                    "description": "In responses for one flag: the bucket of the targeting key",
                    "type": "integer", "minimum": 0, "maximum": 9999
                },
                "version": {"description": "The revision in force", "type": "string"},
                "flagSetId": {"description": "The file's namespace", "type": "string"}
            },
            "required": ["version"],
            "additionalProperties": {"type": ["string", "number", "boolean"]}
        })
    }
}

/// Every flag
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Bulk<'a> {
    /// In the order of the files
    pub flags: Vec<Evaluation<'a>>,
    /// Where to hear of a reload (ADR-0008)
    pub event_streams: Vec<EventStream>,
    /// Of all flags
    pub metadata: BulkMetadata<'a>,
}

/// Of all flags
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "BulkMetadata")]
pub struct BulkMetadata<'a> {
    /// The revision in force
    pub version: Cow<'a, str>,
}

/// A stream of events, one for each reload
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventStream {
    /// `sse`
    pub r#type: &'static str,
    /// Where; without an origin it is that of the bulk request
    pub endpoint: Endpoint,
    /// A hidden page closes the stream after so many seconds
    pub inactivity_delay_sec: u32,
}

/// A path and query at the origin of the bulk request
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Endpoint {
    /// Path and query
    pub request_uri: String,
}

/// Why there is no evaluation
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Refusal<'a> {
    /// The flag, where one was asked for
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<Cow<'a, str>>,
    /// An error code of OpenFeature
    pub error_code: Cow<'a, str>,
    /// What to do
    pub error_details: String,
}
