//! What `make deploy` hands to SAM: looked at by a SAM that does nothing but keep it.

use std::{fs, path::Path, process::Command};

use serde_yaml_ng::Value;

const PARAMETERS: &str = include_str!("../../../infra/samconfig.toml");

/// The shell writes what it then runs: a file that this process had open for writing could not be run by another thread's child.
const DEPLOY: &str = r#"
mkdir -p .venv/infra/bin
cat >.venv/infra/bin/sam <<'END'
#!/bin/sh
while [ "$1" != --template-file ]; do shift; done
cp "$2" handed-over.yaml
END
chmod +x .venv/infra/bin/sam
exec sh "$0" deploy staging
"#;

#[test]
fn a_changed_parameter_is_a_changed_function() {
    let parameters = PARAMETERS.replace("=<", "=");
    let before = description(&parameters);
    assert_eq!(description(&parameters), before, "nothing has changed");
    assert!(before.len() <= 256, "longer than Lambda takes: {before}");

    assert_ne!(description(&changed(&parameters, "LogRetentionDays=14", "LogRetentionDays=30")), before);
    let productions = changed(&parameters, "OperatorKey=operator.toml", "OperatorKey=another.toml");
    assert_eq!(description(&productions), before, "staging has its own");
}

fn changed(parameters: &str, right: &str, other: &str) -> String {
    assert_eq!(parameters.matches(right).count(), 1, "{right} stands in infra/samconfig.toml once");
    parameters.replace(right, other)
}

/// The function's description in the template that is deployed with these parameters.
fn description(parameters: &str) -> String {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("deploy-{:016x}", rand::random::<u64>()));
    let built = folder.join("target/sam/build");
    fs::create_dir_all(&built).expect("a folder");
    fs::create_dir_all(folder.join("infra")).expect("a folder");
    fs::write(folder.join("infra/samconfig.toml"), parameters).expect("parameters");
    fs::write(built.join("template.yaml"), include_str!("../../../infra/template.yaml")).expect("a template");

    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/aws.sh");
    let mut deploy = Command::new("sh");
    deploy.args(["-c", DEPLOY]).arg(script).current_dir(&folder).env("BUILT", "1");
    let output = deploy.env("CARGO_TARGET_DIR", folder.join("target")).output().expect("a shell");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let deployed = fs::read_to_string(folder.join("handed-over.yaml")).expect("SAM was handed a template");
    fs::remove_dir_all(&folder).expect("the folder is ours");
    let deployed: Value = serde_yaml_ng::from_str(&deployed).expect("a template is YAML");
    let description = deployed["Resources"]["Webhook"]["Properties"]["Description"].as_str();
    description.expect("a description").to_owned()
}
