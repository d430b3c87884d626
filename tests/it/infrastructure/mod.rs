//! The templates against the code, in both directions.
//!
//! Nobody finds a missing permission or a misspelt variable before a booking does. So what the function reads and calls is taken
//! from the function, what it is given from the templates, and each must be the other. What else a person would have to remember
//! on a Friday is held here too. Each check is shown to see what it is there for: on a copy that somebody has broken.

mod breaks;
mod code;
mod template;
mod watch;

use std::collections::{BTreeMap, BTreeSet};

use code::Area;
pub(crate) use code::{messages_for_people, variables as variables_of_the_function};
use template::{Statement, Template};
pub(crate) use watch::METRICS;

/// What a policy permits for which part of the code. The function's log is Lambda's business and no code's.
const STATEMENTS: [(&str, Area); 12] = [
    ("SecretsInOneCall", Area::Secrets),
    ("Secrets", Area::Secrets),
    ("Ledger", Area::Ledger),
    ("LedgerIndexes", Area::Ledger),
    ("CrewEvents", Area::Crew),
    ("GuestPages", Area::GuestPages),
    ("GuestPagesGone", Area::GuestPages),
    ("Invalidations", Area::GuestPages),
    ("OperatorFile", Area::Files),
    ("Mappings", Area::Files),
    ("MappingsList", Area::Files),
    ("Notices", Area::Notices),
];

/// A permission that another one needs: the batch hands out only what its caller may get one by one, and only a caller that may list a bucket
/// is told that an object is not there.
const NEEDS: [(&str, &str); 2] =
    [("secretsmanager:BatchGetSecretValue", "secretsmanager:GetSecretValue"), ("s3:GetObject", "s3:ListBucket")];

/// IAM calls some operations otherwise.
const NAMED_OTHERWISE: [(&str, &str); 1] = [("s3:ListObjectsV2", "s3:ListBucket")];

/// The only resources that are more than one thing.
const WIDE: [(&str, &str); 6] = [
    ("SecretsInOneCall", "*"),
    ("Secrets", "${SecretsPrefix}/webhook/*"),
    ("GuestPages", "/g/*.html"),
    ("GuestPages", "/g/*.ics"),
    ("Uploads", "/uploads/*"),
    ("Mappings", "${MappingsPrefix}*"),
];

#[test]
fn every_variable_that_is_read_is_set_and_every_set_one_is_read() {
    assert_eq!(variables(&Template::deployed()), NOTHING);
}

#[test]
fn stagings_stand_ins_are_told_what_they_read() {
    let deployed = Template::deployed();
    let set = deployed.variables("StagingScc");
    assert_eq!(set, code::variables_of_stand_ins());
    assert!(set.is_superset(&deployed.variables("StagingCalendar")));
}

#[test]
fn every_call_is_permitted_and_nothing_else_is() {
    assert_eq!(permissions(&Template::deployed()), NOTHING);
}

#[test]
fn no_policy_is_wider_than_it_must_be() {
    assert_eq!(wide_policies(&Template::deployed()), NOTHING);
}

#[test]
fn the_pages_key_fits_the_role_and_the_lifecycle() {
    assert_eq!(guest_page_key(&Template::deployed()), NOTHING);
}

#[test]
fn a_sweep_is_sent_once_and_the_alias_is_cloudformations_alone() {
    assert_eq!(way_in(&Template::deployed()), NOTHING);
}

#[test]
fn what_opens_the_desk_stands_in_no_access_log() {
    assert_eq!(access_log(&Template::deployed()), NOTHING);
}

#[test]
fn the_edge_runs_the_function_that_the_rehearsal_runs() {
    let deployed = Template::deployed();
    let code = deployed.text(&["ViewerRequest", "Properties", "FunctionCode"]);
    let file = include_str!("../../../infra/viewer-request.js");
    assert_eq!(code.trim_end(), file.trim_end(), "copy infra/viewer-request.js into infra/guest-site.yaml");
}

const NOTHING: [String; 0] = [];

fn variables(template: &Template) -> Vec<String> {
    let (read, set) = (code::variables(), template.variables("Webhook"));
    let mut wrong = Vec::new();
    wrong.extend(read.difference(&set).map(|name| format!("{name} is read, but never set")));
    wrong.extend(set.difference(&read).map(|name| format!("{name} is set, but nobody reads it")));
    wrong
}

fn permissions(template: &Template) -> Vec<String> {
    let mut calls = code::calls();
    let mut wrong = Vec::new();
    let mut permitted: BTreeMap<Area, BTreeSet<String>> = BTreeMap::new();
    for Statement { sid, actions, .. } in template.statements("WebhookRole") {
        match STATEMENTS.iter().find(|(known, _)| *known == sid) {
            Some((_, area)) => permitted.entry(*area).or_default().extend(actions),
            None if sid == "Log" => {}
            None => wrong.push(format!("nobody knows what the statement {sid} is for")),
        }
    }
    for called in calls.values_mut() {
        for (operation, action) in NAMED_OTHERWISE {
            if called.remove(operation) {
                called.insert(action.to_owned());
            }
        }
        let needed = NEEDS.iter().filter(|(call, _)| called.contains(*call)).map(|(_, needed)| (*needed).to_owned());
        called.extend(needed.collect::<Vec<_>>());
    }
    let areas: BTreeSet<Area> = calls.keys().chain(permitted.keys()).copied().collect();
    for area in areas {
        let (called, permitted) =
            (calls.remove(&area).unwrap_or_default(), permitted.remove(&area).unwrap_or_default());
        wrong.extend(called.difference(&permitted).map(|action| format!("{area:?} calls {action} without permission")));
        let never = permitted.difference(&called);
        wrong.extend(never.map(|action| format!("{area:?} may call {action}, but never does")));
    }
    wrong
}

fn wide_policies(template: &Template) -> Vec<String> {
    let mut wrong = Vec::new();
    for role in template.of_type("AWS::IAM::Role") {
        for Statement { sid, actions, resources } in template.statements(&role) {
            let stars = actions.iter().filter(|action| action.contains('*'));
            wrong.extend(stars.map(|action| format!("{role}: {sid} permits {action}")));
            if resources.is_empty() {
                wrong.push(format!("{role}: {sid} names no resource"));
            }
            // A resource that another one makes has no star in it; a text has one only where it must.
            for resource in resources.iter().filter(|resource| resource.contains('*')) {
                let rest = WIDE.iter().find_map(|(known, end)| resource.strip_suffix(end).filter(|_| *known == sid));
                if rest.is_none_or(|rest| rest.contains('*')) {
                    wrong.push(format!("{role}: {sid} is for {resource}"));
                }
            }
        }
        if template.managed_policies(&role) {
            wrong.push(format!("{role} has policies that are written elsewhere"));
        }
    }
    for function in template.of_type("AWS::Serverless::Function") {
        if template.at(&[&function, "Properties", "Role"]).is_none() {
            wrong.push(format!("{function} has a role that SAM makes up"));
        }
    }
    wrong
}

fn guest_page_key(template: &Template) -> Vec<String> {
    let key = template.text(&["Webhook", "Properties", "Environment", "Variables", "GUEST_PAGE_KEY"]);
    let prefix = key.split('{').next().unwrap_or_default().to_owned();
    let mut wrong = Vec::new();
    let statements = template.statements("WebhookRole");
    let pages = statements.iter().find(|statement| statement.sid == "GuestPages");
    let may_put = |file: &str| {
        let wanted = format!("/{prefix}{file}");
        pages.is_some_and(|pages| pages.resources.iter().any(|resource| resource.ends_with(&wanted)))
    };
    if !["*.html", "*.ics"].into_iter().all(may_put) {
        wrong.push(format!("the role may not put objects under {prefix}"));
    }
    let rules =
        template.at(&["Site", "Properties", "LifecycleConfiguration", "Rules"]).and_then(|rules| rules.as_sequence());
    let cleans = |rule: &serde_yaml_ng::Value| {
        rule["Prefix"].as_str() == Some(&prefix) && rule["ExpirationInDays"].as_u64().is_some_and(|days| days >= 395)
    };
    if !rules.is_some_and(|rules| rules.iter().any(cleans)) {
        wrong.push(format!("nothing under {prefix} goes after 13 months"));
    }
    wrong
}

fn way_in(template: &Template) -> Vec<String> {
    let properties = |path: &[&str]| {
        let path: Vec<&str> = ["Webhook", "Properties"].iter().chain(path).copied().collect();
        template.at(&path).map(template::plain).unwrap_or_default()
    };
    let expected = [
        (vec!["AutoPublishAlias"], "live"),
        (vec!["AutoPublishAliasAllProperties"], "true"),
        (vec!["DeploymentPreference"], ""),
        (vec!["EventInvokeConfig", "MaximumRetryAttempts"], "0"),
        (vec!["Events", "Sweep", "Properties", "RetryPolicy", "MaximumRetryAttempts"], "0"),
        (vec!["Events", "Sweep", "Properties", "ScheduleExpression"], "rate(1 minute)"),
        (vec!["Events", "Sweep", "Properties", "Input"], r#"{"sweep":{}}"#),
        (vec!["Events", "Delivery", "Properties", "Method"], "POST"),
        (vec!["Events", "Delivery", "Properties", "Path"], "/webhooks/{sender}"),
        (vec!["Events", "DeskPage", "Properties", "Method"], "GET"),
        (vec!["Events", "DeskPage", "Properties", "Path"], "/desk/{token+}"),
        (vec!["Events", "DeskAction", "Properties", "Method"], "POST"),
        (vec!["Events", "DeskAction", "Properties", "Path"], "/desk/{token+}"),
        (vec!["Events", "Delivery", "Properties", "PayloadFormatVersion"], "2.0"),
        (vec!["Timeout"], "29"),
    ];
    let differ = expected.into_iter().filter(|(path, value)| properties(path) != *value);
    differ.map(|(path, value)| format!("{} is not {value}, but {}", path.join("."), properties(&path))).collect()
}

/// A path holds a token. Of a call the gateway logs only what is the same for every token, or none of the caller's.
fn access_log(template: &Template) -> Vec<String> {
    const LOGGED: [&str; 9] = [
        "requestTime",
        "requestId",
        "routeKey",
        "status",
        "responseLatency",
        "integrationLatency",
        "integrationStatus",
        "responseLength",
        "error.responseType",
    ];
    let format = template.text(&["Api", "Properties", "AccessLogSettings", "Format"]);
    let variables = regex_lite::Regex::new(r"\$context\.([A-Za-z.]+)").expect("a pattern");
    let logged: Vec<String> = variables.captures_iter(&format).map(|found| found[1].to_owned()).collect();
    let others = logged.iter().filter(|name| !LOGGED.contains(&name.as_str()));
    let mut wrong: Vec<String> = others.map(|name| format!("the access log writes $context.{name}")).collect();
    if !logged.iter().any(|name| name == "routeKey") {
        wrong.push("the access log does not say which route it was".into());
    }
    wrong
}
