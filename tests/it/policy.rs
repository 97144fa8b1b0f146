//! The API server's part of a MutatingAdmissionPolicy: its expressions are evaluated as CEL, its patches applied.
//! In: the policy as helm renders it, its parameters, a pod. Out: the pod as it would be admitted, or the refusal.

use cel::{
    Context, Env, ExecutionError, StructType, Value as Cel,
    common::{
        types::Type,
        value::{CowVal, Val},
    },
    extensions,
    objects::Key,
};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

/// Where a made object keeps its type's name until it is put somewhere.
const TYPE: &str = "$type";

/// What the policy makes of a pod; `None` where its conditions leave the pod alone.
pub(crate) fn admit(policy: &Value, params: &Value, pod: &Value) -> Result<Option<Value>, String> {
    let spec = &policy["spec"];
    let env = Arc::new(environment(spec));
    let mut pod = pod.clone();
    for condition in spec["matchConditions"].as_array().unwrap() {
        if evaluate(&env, spec, params, &pod, &condition["expression"])? == json!(false) {
            return Ok(None);
        }
    }
    for mutation in spec["mutations"].as_array().unwrap() {
        let patch = evaluate(
            &env,
            spec,
            params,
            &pod,
            &mutation["jsonPatch"]["expression"],
        )?;
        for operation in patch.as_array().unwrap() {
            apply(&mut pod, operation);
        }
    }
    Ok(Some(pod))
}

/// What the policy that validates says of a pod; `None` where it has nothing against it.
pub(crate) fn refusal(policy: &Value, params: &Value, pod: &Value) -> Option<String> {
    let spec = &policy["spec"];
    let env = Arc::new(environment(spec));
    let ask = |expression: &Value| evaluate(&env, spec, params, pod, expression).unwrap();
    for condition in spec["matchConditions"].as_array().unwrap() {
        if ask(&condition["expression"]) == json!(false) {
            return None;
        }
    }
    let mut validations = spec["validations"].as_array().unwrap().iter();
    let failed = validations.find(|one| ask(&one["expression"]) == json!(false))?;
    let said = ask(&failed["messageExpression"]);
    Some(said.as_str().unwrap().to_owned())
}

/// An expression with everything that it may name. Variables are evaluated anew for each, as the API server does.
fn evaluate(
    env: &Arc<Env>,
    spec: &Value,
    params: &Value,
    pod: &Value,
    expression: &Value,
) -> Result<Value, String> {
    let mut context = Context::with_env(Arc::clone(env));
    context.add_variable_from_value("object", to_cel(pod));
    context.add_variable_from_value("params", to_cel(params));
    let run = |context: &Context<'_, '_>, expression: &Value| {
        let program = env.compile(expression.as_str().unwrap());
        program
            .unwrap()
            .execute(context)
            .map_err(|error| error.to_string())
    };
    let text = expression.as_str().unwrap();
    let mut variables = HashMap::new();
    for variable in spec["variables"].as_array().unwrap() {
        // as there, a condition that names no variable does not fail because of one
        let name = variable["name"].as_str().unwrap();
        if text.contains("variables.") {
            context.add_variable_from_value("variables", variables.clone());
            variables.insert(name.to_owned(), run(&context, &variable["expression"])?);
        }
    }
    context.add_variable_from_value("variables", variables);
    run(&context, expression)?
        .json()
        .map_err(|error| error.to_string())
}

/// CEL as the API server has it, as far as the policy needs it: optionals, lists, strings, `Object` types and patches.
fn environment(spec: &Value) -> Env {
    let mut env = Env::stdlib().with_optional_support(true);
    env.add_extension(extensions::lists).unwrap();
    env.add_extension(extensions::strings).unwrap();
    let text = spec.to_string();
    let names: BTreeSet<_> = text
        .match_indices("Object.")
        .map(|(at, _)| {
            let rest = &text[at..];
            rest[..rest
                .find(|c: char| !c.is_alphanumeric() && c != '.')
                .unwrap()]
                .to_owned()
        })
        .collect();
    for name in names.into_iter().chain(["JSONPatch".to_owned()]) {
        env.add_type(Made(Type::new_struct(name))).unwrap();
    }
    env
}

/// `Object.…{…}` and `JSONPatch{…}`: a map, whose place must be the one that its type names, as the API server checks.
struct Made(Type);

impl StructType for Made {
    fn get_type(&self) -> &Type {
        &self.0
    }

    fn new_value<'b, 'v>(
        &self,
        fields: BTreeMap<String, CowVal<'b, 'v>>,
    ) -> Result<Box<dyn Val + 'v>, ExecutionError> {
        let mut made = HashMap::from([(Key::from(TYPE), Cel::from(self.0.name()))]);
        for (name, value) in fields {
            let mut value = Cel::try_from(value.as_ref())?;
            let place = format!("{}.{name}", self.0.name());
            placed(&mut value, (self.0.name() != "JSONPatch").then_some(&place));
            made.insert(Key::from(name), value);
        }
        Cel::from(made).try_into()
    }
}

/// Takes the type's name off a value, and objects if it is not the name of the place.
fn placed(value: &mut Cel, place: Option<&String>) {
    match value {
        Cel::List(items) => {
            for item in Arc::make_mut(items) {
                placed(item, place);
            }
        }
        Cel::Map(map) => {
            if let Some(Cel::String(name)) = Arc::make_mut(&mut map.map).remove(&Key::from(TYPE)) {
                assert!(
                    place.is_none_or(|place| *place == *name),
                    "{name} at {place:?}"
                );
            }
        }
        _ => {}
    }
}

fn to_cel(value: &Value) -> Cel {
    match value {
        Value::Null => Cel::Null,
        Value::Bool(bool) => Cel::Bool(*bool),
        Value::Number(number) => Cel::Int(number.as_i64().unwrap()),
        Value::String(text) => Cel::from(text.as_str()),
        Value::Array(items) => Cel::from(items.iter().map(to_cel).collect::<Vec<_>>()),
        Value::Object(fields) => {
            let fields = fields
                .iter()
                .map(|(key, value)| (key.clone(), to_cel(value)));
            Cel::from(fields.collect::<HashMap<_, _>>())
        }
    }
}

/// One operation of a JSON patch (RFC 6902): `add` and `replace`.
fn apply(pod: &mut Value, operation: &Value) {
    let path = operation["path"].as_str().unwrap();
    let (parent, key) = path.rsplit_once('/').unwrap();
    let key = key.replace("~1", "/").replace("~0", "~");
    let value = operation["value"].clone();
    match (
        pod.pointer_mut(parent)
            .unwrap_or_else(|| panic!("no {parent}")),
        operation["op"].as_str(),
    ) {
        (Value::Object(map), Some("add")) => drop(map.insert(key, value)),
        (Value::Object(map), Some("replace")) => {
            drop(map.insert(key, value).expect("something to replace"))
        }
        (Value::Array(list), Some("add")) if key == "-" => list.push(value),
        (Value::Array(list), Some("add")) => list.insert(key.parse().unwrap(), value),
        (_, op) => panic!("{op:?} of {path}"),
    }
}
