use super::*;
use crate::{
    aws::{s3_client, sdk_config},
    template::Table,
    traffic::Service,
};
use aws_sdk_dynamodb::types::AttributeValue;

async fn account() -> (LocalAws, Tables, Traffic) {
    let (tables, traffic) = (Tables::new().expect("memory"), Traffic::new());
    let aws = LocalAws::start(traffic.clone(), &tables).await.expect("a free port");
    (aws, tables, traffic)
}

#[tokio::test]
async fn the_sdk_reads_what_every_service_answers() {
    let (aws, _, traffic) = account().await;
    let sdk = sdk_config(&aws.url());
    aws.put_secret("prefix/scc", &json!({ "service_key": "k" }));
    let secrets = aws_sdk_secretsmanager::Client::new(&sdk).batch_get_secret_value();
    let ids = ["prefix/scc", "prefix/calendar"].map(str::to_owned).to_vec();
    let secrets = secrets.set_secret_id_list(Some(ids)).send().await.expect("an answer");
    assert_eq!(secrets.secret_values()[0].secret_string(), Some(r#"{"service_key":"k"}"#));
    assert_eq!(secrets.errors()[0].error_code(), Some("ResourceNotFoundException"));

    let s3 = s3_client(&sdk);
    s3.put_object().bucket("site").key("g/1.html").body(b"page".to_vec().into()).send().await.expect("stored");
    let page = s3.get_object().bucket("site").key("g/1.html").send().await.expect("found");
    assert_eq!(&page.body.collect().await.expect("a body").into_bytes()[..], b"page");
    s3.get_object().bucket("site").key("g/2.html").send().await.expect_err("there is none");

    let paths = aws_sdk_cloudfront::types::Paths::builder().quantity(2).items("/g/1").items("/g/1.html").build();
    let batch = aws_sdk_cloudfront::types::InvalidationBatch::builder().caller_reference("1-1");
    let batch = batch.paths(paths.expect("complete")).build().expect("complete");
    let client = aws_sdk_cloudfront::Client::new(&sdk);
    let invalidation = client.create_invalidation().distribution_id("E1").invalidation_batch(batch).send().await;
    assert!(invalidation.expect("an answer").invalidation().is_some());
    assert_eq!(aws.invalidated_paths(), 2);
    assert_eq!(traffic.calls_to(Service::S3).len(), 3);
}

/// A table with two sparse indexes, as the template has it: an item in both costs its size three times.
#[tokio::test]
async fn units_are_counted_with_indexes_and_failed_conditions() {
    let (aws, tables, _) = account().await;
    let inner = aws_sdk_dynamodb::Client::new(&sdk_config(&aws.inner_url()));
    let outer = aws_sdk_dynamodb::Client::new(&sdk_config(&aws.url()));
    Table::in_template("StagingSccEvents").create(&inner, "events").await.expect("a table");
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let put = |client: &aws_sdk_dynamodb::Client| {
        let put =
            client.put_item().table_name("events").item("event_id", text("E1")).item("created_timestamp", text("1"));
        put.item("notes", text(&"x".repeat(1_500)))
    };
    put(&inner).send().await.expect("put");
    assert_eq!(tables.take_units(), Units::default(), "other stand-ins are nobody's consumption");

    put(&outer).send().await.expect("put");
    assert_eq!(tables.take_units().write, 2.0);
    let refused =
        put(&outer).condition_expression("attribute_not_exists(event_id)").send().await.expect_err("it is there");
    let refused = refused.into_service_error();
    assert!(refused.is_conditional_check_failed_exception(), "{refused:?}");
    assert_eq!(tables.take_units().write, 2.0, "the item that is there is what a failed condition costs");
    let query = outer.query().table_name("events").consistent_read(true).key_condition_expression("event_id = :id");
    query.expression_attribute_values(":id", text("E1")).send().await.expect("an answer");
    assert_eq!((tables.take_units().read, tables.items("events").expect("items").len()), (1.0, 1));
}
