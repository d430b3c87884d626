//! The templates as values: what they set, permit and watch.

use std::collections::{BTreeMap, BTreeSet};

use serde_yaml_ng::{Mapping, Value, value::TaggedValue};

/// The files of the deployment.
const FILES: [&str; 5] = [
    include_str!("../../../infra/template.yaml"),
    include_str!("../../../infra/guest-site.yaml"),
    include_str!("../../../infra/staging.yaml"),
    include_str!("../../../infra/watch.yaml"),
    include_str!("../../../infra/sender-alarms.yaml"),
];

/// The resources of all files, by their logical ids, of which no two are the same.
pub(super) struct Template(BTreeMap<String, Value>);

/// One statement of a role's policies.
#[derive(Debug)]
pub(super) struct Statement {
    pub(super) sid: String,
    pub(super) actions: BTreeSet<String>,
    /// See [`plain`].
    pub(super) resources: Vec<String>,
}

impl Template {
    /// What is deployed.
    pub(super) fn deployed() -> Self {
        Self::of(FILES.iter().map(|file| (*file).to_owned()))
    }

    /// What would be deployed if somebody wrote `wrong` for `right`, which stands in the files once.
    pub(super) fn broken(right: &str, wrong: &str) -> Self {
        let times: usize = FILES.iter().map(|file| file.matches(right).count()).sum();
        assert_eq!(times, 1, "{right:?} stands in the templates once");
        Self::of(FILES.iter().map(|file| file.replace(right, wrong)))
    }

    fn of(files: impl Iterator<Item = String>) -> Self {
        let mut resources = BTreeMap::new();
        for file in files {
            let file: Value = serde_yaml_ng::from_str(&file).expect("a template is YAML");
            let globals =
                file.get("Globals").and_then(|globals| globals["Function"]["Environment"]["Variables"].as_mapping());
            for (id, resource) in file["Resources"].as_mapping().expect("resources") {
                let (id, mut resource) = (plain(id), resource.clone());
                if let Some(globals) =
                    globals.filter(|_| resource["Type"].as_str() == Some("AWS::Serverless::Function"))
                {
                    give(&mut resource, globals);
                }
                assert!(resources.insert(id.clone(), resource).is_none(), "{id} is there twice");
            }
        }
        Self(resources)
    }

    /// The logical ids of the resources of this type.
    pub(super) fn of_type(&self, kind: &str) -> Vec<String> {
        let fits = self.0.iter().filter(|(_, resource)| resource["Type"].as_str() == Some(kind));
        fits.map(|(id, _)| id.clone()).collect()
    }

    /// The value at this path, which begins with a logical id.
    pub(super) fn at(&self, path: &[&str]) -> Option<&Value> {
        let (id, rest) = path.split_first()?;
        rest.iter().try_fold(self.0.get(*id)?, |value, key| value.get(*key))
    }

    /// The text at this path.
    #[track_caller]
    pub(super) fn text(&self, path: &[&str]) -> String {
        self.at(path).map(plain).unwrap_or_else(|| panic!("nothing is at {}", path.join(".")))
    }

    /// The names of the variables that a function is given.
    pub(super) fn variables(&self, function: &str) -> BTreeSet<String> {
        let variables = self.at(&[function, "Properties", "Environment", "Variables"]).and_then(Value::as_mapping);
        let names = variables.into_iter().flat_map(Mapping::keys);
        names.map(plain).collect()
    }

    /// The statements of a role's policies, under any condition.
    pub(super) fn statements(&self, role: &str) -> Vec<Statement> {
        let policies = self.at(&[role, "Properties", "Policies"]).and_then(Value::as_sequence);
        let statements = policies.into_iter().flatten().flat_map(|policy| list(&policy["PolicyDocument"]["Statement"]));
        let statements =
            statements.flat_map(branches).filter(|statement| statement["Effect"].as_str() == Some("Allow"));
        statements
            .map(|statement| Statement {
                sid: plain(&statement["Sid"]),
                actions: list(&statement["Action"]).map(plain).collect(),
                resources: list(&statement["Resource"]).map(plain).collect(),
            })
            .collect()
    }

    /// Whether a role has policies beside those that are written in it.
    pub(super) fn managed_policies(&self, role: &str) -> bool {
        self.at(&[role, "Properties", "ManagedPolicyArns"]).is_some()
    }
}

/// Gives a function what SAM gives every function of its file.
fn give(function: &mut Value, globals: &Mapping) {
    let mut at = function;
    for key in ["Properties", "Environment", "Variables"] {
        let Value::Mapping(level) = at else { panic!("{key} is in a mapping") };
        at = level.entry(key.into()).or_insert_with(|| Mapping::new().into());
    }
    let Value::Mapping(variables) = at else { panic!("variables are a mapping") };
    variables.extend(globals.clone());
}

/// A value as text: `Ref(Ledger)`, `Sub(arn:…)`, `If(Staging, a, b)`, `[a, b]`.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(truth) => truth.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        Value::Sequence(values) => format!("[{}]", joined(values)),
        Value::Mapping(pairs) => {
            let pairs = pairs.iter().map(|(key, value)| format!("{}: {}", plain(key), plain(value)));
            format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
        }
        Value::Tagged(tagged) => match (name(tagged), &tagged.value) {
            // What is filled in has no say in how wide the text is.
            ("Sub", Value::Sequence(text)) => text.first().map(plain).unwrap_or_default(),
            ("Sub", text) => plain(text),
            (name, Value::Sequence(arguments)) => format!("{name}({})", joined(arguments)),
            (name, argument) => format!("{name}({})", plain(argument)),
        },
    }
}

fn joined(values: &[Value]) -> String {
    values.iter().map(plain).collect::<Vec<_>>().join(", ")
}

fn name(tagged: &TaggedValue) -> &'static str {
    let known = ["GetAtt", "If", "Ref", "Sub"];
    known.into_iter().find(|known| tagged.tag == *known).expect("a function of CloudFormation that is known here")
}

/// A value that may be a list or stand alone, as a list.
fn list(value: &Value) -> std::slice::Iter<'_, Value> {
    match value {
        Value::Sequence(values) => values.iter(),
        Value::Null => [].iter(),
        single => std::slice::from_ref(single).iter(),
    }
}

/// Both branches of an `!If`, without `!Ref AWS::NoValue`; anything else as it is.
fn branches(value: &Value) -> Vec<&Value> {
    match value {
        Value::Tagged(tagged) if tagged.tag == "If" => {
            tagged.value.as_sequence().into_iter().flatten().skip(1).flat_map(branches).collect()
        }
        Value::Tagged(tagged) if tagged.tag == "Ref" => Vec::new(),
        value => vec![value],
    }
}
