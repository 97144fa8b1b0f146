//! The responses of the loopback API as types: the JSON is written from them, and so is its description in `/openapi.json`.
//! In: what is in force. Out: JSON whose fields may be added to, never renamed.

use super::{comparison::ComparisonResponse, tester::OverrideResponse};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};
use serde_json::Value;
use std::{borrow::Cow, collections::BTreeMap};

/// An error of the loopback API
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Error")]
pub struct ErrorResponse<'a> {
    /// What is wrong, and what to do
    pub error: Cow<'a, str>,
}

/// What is in force
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Features")]
pub struct FeaturesResponse<'a> {
    /// A hash of the content
    pub revision: Cow<'a, str>,
    /// A hash of the stops file; `none` without one
    pub stops: Cow<'a, str>,
    /// False only after a start without a good file
    pub loaded: bool,
    /// When it came into force
    pub since: String,
    /// When this response was made
    pub now: String,
    /// The last attempt to read the files
    pub last_reload: LastReload<'a>,
    /// Requests that this process has served
    pub requests: u64,
    /// Upper bounds of `durations`, in seconds; the last of `durations` has none
    pub bounds: Vec<f64>,
    /// Further parameters of `/explain`: the attributes that conditions use
    pub attributes: Vec<Cow<'a, str>>,
    /// Who answers: the counts are its own
    pub process: ProcessResponse<'a>,
    /// By key, in the order of the files
    pub features: Ordered<FeatureResponse<'a>>,
}

/// This process
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Process")]
pub struct ProcessResponse<'a> {
    /// Of burgee
    pub version: &'static str,
    /// `POD_NAMESPACE`, as charts and injection set it
    pub namespace: Option<Cow<'a, str>>,
    /// `POD_NAME`
    pub pod: Option<Cow<'a, str>>,
}

/// An attempt to read the files
#[derive(Serialize, JsonSchema)]
pub struct LastReload<'a> {
    /// When
    pub at: String,
    /// `start`, `signal`, `poll` or `api`
    pub trigger: Cow<'a, str>,
    /// As `burgee check` says them
    pub problems: Cow<'a, [String]>,
    /// As `burgee check` says them
    pub warnings: Cow<'a, [String]>,
}

/// A feature: what its file says of it, and what it has been counted for
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Feature")]
pub struct FeatureResponse<'a> {
    /// `description`
    pub description: Option<Cow<'a, str>>,
    /// `draft`, `running`, `paused` or `archived`
    pub status: Cow<'a, str>,
    /// Declared ones first
    pub variants: Vec<Cow<'a, str>>,
    /// What everybody gets when nothing else decides
    pub default: Cow<'a, str>,
    /// The header that carries the variant; null where none does
    pub header: Option<Cow<'a, str>>,
    /// Who answers for it
    pub owner: Option<Cow<'a, str>>,
    /// The day by which it should be gone, as the file writes it
    pub expires: Option<Cow<'a, str>>,
    /// Whether that day has passed
    pub expired: bool,
    /// Whether it is meant to stay
    pub permanent: bool,
    /// Where it stands, whoever asks
    pub stands: StandsResponse,
    /// `metadata`, as the file has it
    pub metadata: Cow<'a, serde_json::Map<String, Value>>,
    /// Shares that follow the clock, as they are now
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub shares_now: Vec<ShareNow<'a>>,
    /// What the file says of it, in one sentence
    pub sentence: String,
    /// Where somebody has stopped it, or holds it: since when, by whom and why, in one sentence
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped: Option<String>,
    /// How a tester's link is made; absent where the file takes none
    #[serde(skip_serializing_if = "Option::is_none", rename = "override")]
    pub tester: Option<OverrideResponse<'a>>,
    /// What watches over its variants; absent where nothing does
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guard: Option<GuardResponse>,
    /// By variant; those that nobody got are left out
    pub counts: BTreeMap<Box<str>, VariantCounts>,
    /// Null for a feature that draws nothing
    pub comparison: Option<ComparisonResponse<'a>>,
}

/// Where a feature stands, whoever asks
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Stands")]
pub struct StandsResponse {
    /// `everybody` gets the same, a `share` gets something else, it is `targeted`; or it is a `draft`, `paused` or `archived`
    pub at: &'static str,
    /// What everybody gets
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// Since when, as far as this process knows: a date of the file, or when it read the file
    pub since: String,
    /// Whether that may have been earlier: `burgee stale` reads the file's history
    pub at_least: bool,
    /// Whether it is 90 days ago
    pub is_long: bool,
}

/// A share that follows the clock
#[derive(Serialize, JsonSchema)]
pub struct ShareNow<'a> {
    /// The rule's name, else its number from 1; `-` for the feature's own rollout
    pub rule: Cow<'a, str>,
    /// Now, `12.5%`
    pub share: String,
}

/// The guard of a feature
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Guard")]
pub struct GuardResponse {
    /// `report`, `hold` or `stop`
    pub action: &'static str,
    /// What it watches, in one sentence
    pub words: String,
    /// What this process is certain of; it stays until the feature's text changes or the process ends
    pub tripped: Vec<TrippedResponse>,
}

/// A variant that certainly does harm
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Tripped")]
pub struct TrippedResponse {
    /// Its name
    pub variant: String,
    /// The rule whose draw did most harm: its name, else its number; `-` for the feature's own
    pub rule: String,
    /// `errors` or `slow`
    pub measure: &'static str,
    /// When it became certain
    pub at: String,
    /// The difference of shares since the sequence began, or by how much it has risen
    pub difference: f64,
    /// What it is at the least
    pub at_least: f64,
    /// The same in words
    pub words: String,
}

/// What one variant has been counted for since the process began
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Counted")]
pub struct VariantCounts {
    /// Requests that got it
    pub evaluations: u64,
    /// Of them, those that a draw gave it, whichever; `comparison` has each draw by itself
    pub requests: u64,
    /// Of them, responses with a status of 500 or above
    pub errors: u64,
    /// Of them, by the time they took: a count for each bound, and one for what took longer
    pub durations: Vec<u64>,
    /// Responses that used the feature, as the application says
    pub exposures: u64,
    /// Goals reached, by name
    pub goals: BTreeMap<Box<str>, u64>,
}

/// What came of a reload
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Reloaded")]
pub struct ReloadResponse<'a> {
    /// `reloaded`, `unchanged`, or `kept` where the files have problems
    pub result: Cow<'a, str>,
    /// In force now
    pub revision: Cow<'a, str>,
    /// In force now: a hash of the stops file; `none` without one
    pub stops: Cow<'a, str>,
    /// False where no file was ever good
    pub loaded: bool,
    /// As `burgee check` says them
    pub problems: Vec<String>,
    /// As `burgee check` says them
    pub warnings: Vec<String>,
    /// How long ago the kubelet brought the volume, in seconds; null where it is no volume of a kubelet
    pub volume_age: Option<i64>,
}

/// What came of a drain
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Draining")]
pub struct DrainResponse {
    /// `draining`
    pub result: &'static str,
    /// Connections that are still open
    pub connections: u64,
}

/// A JSON object whose members have an order.
#[derive(Debug)]
pub struct Ordered<T>(pub Vec<(String, T)>);

impl<T: Serialize> Serialize for Ordered<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

impl<T: JsonSchema> JsonSchema for Ordered<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Ordered_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let each = generator.subschema_for::<T>();
        json_schema!({"type": "object", "additionalProperties": each})
    }
}

/// What a user gets, as `burgee explain --json` says it. [`crate::engine::describe::json`] writes it without this type, in
/// the hot loop of `--users`; a test holds the two together.
#[derive(Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
#[allow(dead_code)] // described, never made
#[schemars(rename = "Explained")]
pub struct ExplainResponse {
    /// Who
    user: Option<String>,
    /// In force
    revision: String,
    /// The instant that is asked about
    at: String,
    /// What became of the override: `applied`, `not_remembered`, `no_effect`, `cleared`, `not_allowed`, `malformed`,
    /// `unsigned`, `expired`, `bad_signature`, `too_long` or `no_key`
    #[serde(skip_serializing_if = "Option::is_none", rename = "override")]
    overridden: Option<String>,
    /// The same in a sentence, where it does not do all that it could
    #[serde(skip_serializing_if = "Option::is_none")]
    remark: Option<String>,
    /// Who it is to each file that gives ids to visitors
    #[serde(skip_serializing_if = "Option::is_none")]
    identities: Option<Vec<ExplainedIdentity>>,
    /// By key; drafts and archived features are left out
    features: BTreeMap<String, ExplainedFeature>,
}

/// Who a request is for
#[derive(Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
#[allow(dead_code)] // described, never made
pub struct ExplainedIdentity {
    /// Of the file, where it has one
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    /// The user's id
    user: Option<String>,
    /// Where it came from, as the file writes it; `said` where the question says it
    #[serde(skip_serializing_if = "Option::is_none")]
    user_source: Option<String>,
    /// Why there is none, where more is known than that none came
    #[serde(skip_serializing_if = "Option::is_none")]
    user_reason: Option<String>,
    /// The visitor's id, where the file says `for: everybody`
    visitor: Option<String>,
    /// Where it came from: a cookie, or `said`
    #[serde(skip_serializing_if = "Option::is_none")]
    visitor_source: Option<String>,
    /// Why there is none
    #[serde(skip_serializing_if = "Option::is_none")]
    visitor_reason: Option<String>,
}

/// What a user gets of one feature, and why
#[derive(Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
#[allow(dead_code)] // described, never made
pub struct ExplainedFeature {
    /// The variant's name
    variant: String,
    /// `STATIC`, `DEFAULT`, `TARGETING_MATCH`, `SPLIT`, `DISABLED` or `ERROR`
    reason: String,
    /// The name of the rule that decided, else its number from 1; null for none
    rule: Option<RuleName>,
    /// 0 to 9999; null without a user, and for features that draw as another system did
    bucket: Option<u16>,
    /// Where another system's draw put the user, in the rollout and in the split: two percentages
    #[serde(skip_serializing_if = "Option::is_none")]
    draw: Option<[String; 2]>,
    /// The header that carries the variant; null where none does
    header: Option<String>,
    /// The variant's payload
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Value>,
    /// By an override
    #[serde(skip_serializing_if = "Option::is_none")]
    forced: Option<bool>,
    /// The source of that override, as the file writes it; absent where the API was asked with one
    #[serde(skip_serializing_if = "Option::is_none")]
    forced_by: Option<String>,
    /// When that override ends, where it is signed
    #[serde(skip_serializing_if = "Option::is_none")]
    forced_until: Option<String>,
    /// Somebody stopped it, or what it asks for
    #[serde(skip_serializing_if = "Option::is_none")]
    stopped: Option<bool>,
    /// `TARGETING_KEY_MISSING`
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// With `why=true`: the same in a sentence
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    /// With `why=true`: what would change it, where one thing would
    #[serde(skip_serializing_if = "Option::is_none")]
    change: Option<String>,
}

/// A name, or a number from 1
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
#[allow(dead_code)] // described, never made
#[schemars(rename = "Rule")]
pub enum RuleName {
    /// the rule's `name`
    Name(String),
    /// its place
    Number(u8),
}
