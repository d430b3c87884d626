//! A booking's state that cannot be read: nothing is done on top of it, and somebody is told.

use std::{collections::HashMap, time::Duration};

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::json;
use simulators::{cloud::Cloud, sender::SAMPLE_BOOKING_ID};

use crate::{
    prove::stage::Stage,
    world::{World, approval_of, later, sample},
};

type Item = HashMap<String, AttributeValue>;

fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

async fn state(cloud: &Cloud) -> Item {
    let get = cloud.dynamodb.get_item().table_name(&cloud.ledger_table).consistent_read(true);
    let get = get.key("pk", text(&format!("booking#{SAMPLE_BOOKING_ID}"))).key("sk", text("state"));
    get.send().await.expect("an answer").item.expect("the booking is on record")
}

/// Somebody edits an attribute of the sample booking's state, or takes it away.
async fn edit(cloud: &Cloud, attribute: &str, value: Option<AttributeValue>) {
    let update = cloud.dynamodb.update_item().table_name(&cloud.ledger_table);
    let update = update.key("pk", text(&format!("booking#{SAMPLE_BOOKING_ID}"))).key("sk", text("state"));
    let update = update.expression_attribute_names("#edited", attribute);
    let update = match value {
        Some(value) => update.update_expression("SET #edited = :value").expression_attribute_values(":value", value),
        None => update.update_expression("REMOVE #edited"),
    };
    update.send().await.expect("it is edited");
}

#[tokio::test]
async fn a_state_that_cannot_be_read_is_answered_500() {
    for (attribute, mangled) in [
        ("calendar", Some(text("{"))),
        ("changed_at", Some(text("yesterday"))),
        ("dates", Some(text("2031-05-30"))),
        ("charter_id", None),
    ] {
        let world = World::start().await;
        assert_eq!(world.deliver_as("msg_1", &sample()).await.status, 200);
        edit(&world.cloud, attribute, mangled).await;
        let (before, item) = (world.effects().await, state(&world.cloud).await);
        world.traffic.forget();

        let repeated = world.deliver_as("msg_1", &sample()).await;
        let problem = (repeated.status, &repeated.body["title"], &*repeated.headers["content-type"]);
        let expected = (500, &json!("The booking's state cannot be read"), "application/problem+json");
        assert_eq!(problem, expected, "{attribute}: {:#}", repeated.body);
        assert!(!repeated.headers.contains_key("retry-after"), "no repetition mends it");
        let detail = repeated.body["detail"].as_str().expect("what to do");
        assert!(detail.contains(attribute) && detail.contains("restore the booking's item"), "{detail}");
        for asked in [json!({ "status": { "booking_id": SAMPLE_BOOKING_ID } }), json!({ "plan": sample()["data"] })] {
            assert_eq!(world.ask(&asked).await["status"], 500, "{asked}");
        }
        assert_eq!(state(&world.cloud).await, item, "{attribute}");
        assert_eq!(world.called(), [""; 0]);
        assert_eq!(world.effects().await, before);
        let alarm = world.alarm("cannot be read: restore that item").await;
        assert!(alarm.contains(SAMPLE_BOOKING_ID) && alarm.contains(attribute), "{alarm}");
    }
}

/// What came in meanwhile is on record all the same, and is carried out when the item is restored.
#[tokio::test]
async fn what_came_in_beside_an_unreadable_state_is_not_lost() {
    let stage = Stage::set().await;
    let cloud = &stage.rehearsal.cloud;
    assert_eq!(stage.deliver(&sample()).await.status(), Some(200));
    let calendar = state(cloud).await.remove("calendar");
    edit(cloud, "calendar", Some(text("{"))).await;
    let before = stage.look().await;
    let moved = later(1, json!({ "start_at": "2031-05-31T14:00:00-07:00" }));
    for _ in 0..2 {
        assert_eq!(stage.deliver(&moved).await.status(), Some(500));
    }
    for asked in [json!({ "replay": { "booking_id": SAMPLE_BOOKING_ID } }), approval_of(&json!(1))] {
        assert_eq!(stage.invoke(&asked).await.status(), Some(500), "{asked}");
    }
    stage.pass(Duration::from_mins(2)).await;
    assert_eq!(stage.sweep().await["left"], 1);
    assert_eq!(stage.look().await, before);

    edit(cloud, "calendar", calendar).await;
    stage.pass(Duration::from_mins(2)).await;
    assert_eq!(stage.sweep().await["in_step"], 1);
    let effects = stage.look().await;
    assert_eq!((effects.calendar.len(), &effects.calendar[0]["date"]), (1, &json!("2031-05-31")));
    assert_eq!((effects.scc_events.len(), &effects.scc_events[0]["date"]), (1, &json!("2031-05-31T14:00:00-07:00")));
}
