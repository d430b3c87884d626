//! What the checks are there for, done on purpose to a copy: each must see it, and say it.

use super::{guest_page_key, permissions, template::Template, variables, watch, way_in, wide_policies};

/// Breaks the templates, and expects a check to say just this.
#[track_caller]
fn sees(check: impl Fn(&Template) -> Vec<String>, (right, wrong): (&str, &str), said: &[&str]) {
    assert_eq!(check(&Template::broken(right, wrong)), said, "{right} -> {wrong}");
}

#[test]
fn a_permission_that_is_dropped() {
    let update = (
        "Action: [dynamodb:Query, dynamodb:UpdateItem]\n                Resource: !Sub\n",
        "Action: [dynamodb:Query]\n                Resource: !Sub\n",
    );
    sees(permissions, update, &["Crew calls dynamodb:UpdateItem without permission"]);
    let batch = ("Action: secretsmanager:BatchGetSecretValue", "Action: secretsmanager:ListSecrets");
    sees(
        permissions,
        batch,
        &[
            "Secrets calls secretsmanager:BatchGetSecretValue without permission",
            "Secrets may call secretsmanager:ListSecrets, but never does",
        ],
    );
}

#[test]
fn a_permission_that_nobody_needs() {
    let put = (
        "Action: [s3:GetObject, s3:PutObject]\n                Resource:\n",
        "Action: [s3:GetObject, s3:PutObject, s3:DeleteObject]\n                Resource:\n",
    );
    sees(permissions, put, &["GuestPages may call s3:DeleteObject, but never does"]);
    sees(
        permissions,
        ("Sid: Invalidations", "Sid: Sundries"),
        &[
            "nobody knows what the statement Sundries is for",
            "GuestPages calls cloudfront:CreateInvalidation without permission",
        ],
    );
}

#[test]
fn a_policy_that_is_widened() {
    sees(
        wide_policies,
        ("table/${Table}/index/due", "table/${Table}/index/*"),
        &[
            "WebhookRole: LedgerIndexes is for arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/${Table}/index/*",
        ],
    );
    let table = "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/";
    sees(
        wide_policies,
        (
            &format!("{table}${{Table}}\n                  - Table: !If [Staging"),
            &format!("{table}*\n                  - Table: !If [Staging"),
        ),
        &[&format!("WebhookRole: CrewEvents is for {table}*")],
    );
    let pages = ("arn:${AWS::Partition}:s3:::${Bucket}/g/*.html", "arn:${AWS::Partition}:s3:::*/g/*.html");
    sees(wide_policies, pages, &["WebhookRole: GuestPages is for arn:${AWS::Partition}:s3:::*/g/*.html"]);
    sees(
        wide_policies,
        ("secret:${SecretsPrefix}/scc-??????", "secret:${SecretsPrefix}/*"),
        &[
            "WebhookRole: Secrets is for arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:${SecretsPrefix}/*",
        ],
    );
    sees(
        wide_policies,
        ("Action: cloudfront:CreateInvalidation", "Action: cloudfront:*"),
        &["WebhookRole: Invalidations permits cloudfront:*"],
    );
    sees(wide_policies, ("      Role: !GetAtt WebhookRole.Arn\n", ""), &["Webhook has a role that SAM makes up"]);
}

#[test]
fn a_variable_that_is_renamed_or_forgotten() {
    sees(
        variables,
        ("          GUEST_PAGE_BASE_URL: !GetAtt", "          GUEST_PAGE_URL: !GetAtt"),
        &["GUEST_PAGE_BASE_URL is read, but never set", "GUEST_PAGE_URL is set, but nobody reads it"],
    );
    sees(
        variables,
        ("          SERVICE_HOSTS: !If [Staging, listed, known]\n", ""),
        &["SERVICE_HOSTS is read, but never set"],
    );
}

#[test]
fn guest_pages_that_nobody_may_write_or_that_nobody_removes() {
    sees(
        guest_page_key,
        ("GUEST_PAGE_KEY: g/{charter_id}.html", "GUEST_PAGE_KEY: guests/{charter_id}.html"),
        &["the role may not put objects under guests/", "nothing under guests/ goes after 13 months"],
    );
}

#[test]
fn a_sweep_that_repeats_and_an_alias_moved_elsewhere() {
    let retries = (
        "RetryPolicy: { MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60 }",
        "RetryPolicy: { MaximumRetryAttempts: 2, MaximumEventAgeInSeconds: 60 }",
    );
    sees(way_in, retries, &["Events.Sweep.Properties.RetryPolicy.MaximumRetryAttempts is not 0, but 2"]);
    let code_deploy =
        ("AutoPublishAlias: live", "AutoPublishAlias: live\n      DeploymentPreference: { Type: AllAtOnce }");
    sees(way_in, code_deploy, &["DeploymentPreference is not , but {Type: AllAtOnce}"]);
}

#[test]
fn an_alarm_that_watches_nothing_or_leads_nowhere() {
    sees(
        watch::metrics,
        ("MetricName: OldestDueSeconds", "MetricName: OldestDue"),
        &["OldestDue watches OldestDue, which nobody measures"],
    );
    sees(
        watch::metrics,
        (r#"[ ".", "UnknownOutcomesReadBack", "#, r#"[ ".", "ReadBack", "#),
        &["the dashboard does not show UnknownOutcomesReadBack"],
    );
    sees(
        watch::alarms,
        ("docs/runbook.md#throttles\n", "See the run book.\n"),
        &["Throttles does not end with docs/runbook.md#, and the end of its own name"],
    );
    sees(
        watch::alarms,
        ("Period: 86400\n      EvaluationPeriods: 7", "Period: 86400\n      EvaluationPeriods: 8"),
        &["NoDeliveries looks back further than CloudWatch can"],
    );
    sees(
        watch::metrics,
        ("Value: !Ref Sender }]\n      Statistic: Sum", "Value: boatsetter }]\n      Statistic: Sum"),
        &["NoDeliveries watches AuthenticDeliveries under other dimensions than its own"],
    );
    sees(
        watch::senders,
        ("    Condition: HasThirdSender\n", ""),
        &["Ref(ThirdSender) has no alarms of its own, or under another condition"],
    );
}
