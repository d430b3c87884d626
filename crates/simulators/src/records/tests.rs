use futures::future::join_all;

use super::*;
use crate::{aws, dynamodb::DynamoDb, template::Table};

/// Records in memory and records in a table of the template behave alike.
async fn both() -> (DynamoDb, [Records; 2]) {
    let dynamodb = DynamoDb::start().await.expect("a free port");
    let client = Client::new(&aws::sdk_config(&dynamodb.url()));
    Table::in_template("StagingRecords").create(&client, "records").await.expect("a table");
    let table = RecordsTable::new(client, "records".to_owned(), "calendar");
    (dynamodb, [Records::Memory(Memory::default()), Records::Table(table)])
}

fn object(json: &str) -> Object {
    serde_json::from_str(json).expect("an object")
}

#[tokio::test]
async fn what_is_put_is_there_digit_for_digit_by_id() {
    let (_dynamodb, kinds) = both().await;
    for records in kinds {
        let entry = object(r#"{"revenue": 250.00, "notes": ""}"#);
        for id in ["b", "a"] {
            records.put(id, &entry).await.expect("it is kept");
        }
        let changed = records.change("b", &object(r#"{"notes": "cake"}"#)).await.expect("an answer");
        assert_eq!(changed, Some(object(r#"{"revenue": 250.00, "notes": "cake"}"#)));
        let all = serde_json::to_string(&records.all().await.expect("an answer")).expect("JSON");
        assert_eq!(all, r#"[{"notes":"","revenue":250.00},{"notes":"cake","revenue":250.00}]"#);

        assert!(records.remove("b").await.expect("an answer"));
        assert!(!records.remove("b").await.expect("an answer"), "only once");
        assert_eq!(records.change("b", &entry).await.expect("an answer"), None);
        assert_eq!(records.all().await.expect("an answer").len(), 1);
    }
}

#[tokio::test]
async fn no_change_and_no_number_is_lost_when_many_come_at_once() {
    let (_dynamodb, kinds) = both().await;
    for records in kinds {
        records.put("entry", &Object::new()).await.expect("it is kept");
        let changes = ["a", "b", "c", "d"].map(|name| object(&format!(r#"{{"{name}": 1}}"#)));
        for changed in join_all(changes.iter().map(|change| records.change("entry", change))).await {
            assert!(changed.expect("an answer").is_some());
        }
        assert_eq!(records.all().await.expect("an answer"), [object(r#"{"a": 1, "b": 1, "c": 1, "d": 1}"#)]);

        let numbers = join_all((0..10).map(|_| records.next_number())).await;
        let mut numbers: Vec<_> = numbers.into_iter().map(|number| number.expect("a number")).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, Vec::from_iter(0..10));
        assert_eq!(records.all().await.expect("an answer").len(), 1, "the counter is no record");
    }
}

#[tokio::test]
async fn collections_share_a_table_and_old_records_expire() {
    let (_dynamodb, [_, calendar]) = both().await;
    let Records::Table(calendar) = calendar else { panic!("the second one is a table") };
    let outbox = Records::Table(RecordsTable { collection: "outbox", ..calendar.clone() });
    let calendar = Records::Table(calendar);
    calendar.put("one", &Object::new()).await.expect("it is kept");
    assert!(outbox.all().await.expect("an answer").is_empty());
    assert_eq!(calendar.next_number().await.expect("a number"), outbox.next_number().await.expect("a number"));

    let Records::Table(RecordsTable { client, name, .. }) = &calendar else { panic!("it is a table") };
    let kept = client.scan().table_name(name).send().await.expect("the table is there");
    let expiries: Vec<i64> =
        kept.items().iter().filter_map(|item| item.get(EXPIRES_AT)?.as_n().ok()?.parse().ok()).collect();
    let now = Clock::system().now().as_second();
    assert!(matches!(expiries[..], [at] if (now + 89 * 86_400..now + 91 * 86_400).contains(&at)), "{expiries:?}");
}

#[test]
fn memory_has_an_end() {
    let memory = Memory::default();
    for number in 0..=KEPT_IN_MEMORY {
        memory.put(&format!("{number:012}"), &Object::new());
    }
    assert_eq!(memory.all().len(), KEPT_IN_MEMORY);
    assert!(memory.change("000000000000", &Object::new()).is_none(), "the eldest is forgotten");
}
