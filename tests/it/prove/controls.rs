//! An oracle that never objects proves nothing: each thing that must not happen is done by hand, and must be seen.

use rehearsal::{DASHBOARD_TOKEN, SERVICE_KEY};
use serde_json::{Value, json};

use super::{oracle::Expected, stage::Stage, story::Told};

/// A way in which the world may come to be wrong.
#[derive(Clone, Copy, Debug)]
enum Wrong {
    SecondEntry,
    NoEntry,
    OtherDayInTheCalendar,
    SecondEvent,
    SecondMagicLink,
    NoticeOfNothing,
    MoneyForTheCrew,
    OtherGuestPage,
    LostByTheGuestSite,
}

impl Wrong {
    const ALL: [(Self, &'static str); 9] = [
        (Self::SecondEntry, "2 calendar entries instead of 1"),
        (Self::NoEntry, "0 calendar entries instead of 1"),
        (Self::OtherDayInTheCalendar, "the calendar's date"),
        (Self::SecondEvent, "2 SCC events"),
        (Self::SecondMagicLink, "crew-2 got 2 magic links"),
        (Self::NoticeOfNothing, "crew-1 got 2 change notices"),
        (Self::MoneyForTheCrew, "crew can read money"),
        (Self::OtherGuestPage, "does not say \"May 30, 2031\""),
        (Self::LostByTheGuestSite, "the guest site has"),
    ];

    async fn happen(self, stage: &Stage) {
        // Not a look at the whole world: the edge would keep the page that it shows then.
        let (entry, event) =
            (stage.rehearsal.calendar.entries().remove(0), stage.rehearsal.scc.events().await.remove(0));
        let (entry_id, event_id) = (text(&entry["id"]), text(&event["event_id"]));
        let patch_event = |change: Value| patch_event(stage, &event_id, change);
        let cloud = &stage.rehearsal.cloud;
        match self {
            Self::SecondEntry => {
                let mut again = entry;
                again.as_object_mut().expect("an object").remove("id");
                calendar(stage, "POST", "", again).await;
            }
            Self::NoEntry => calendar(stage, "DELETE", &format!("/{entry_id}"), Value::Null).await,
            Self::OtherDayInTheCalendar => {
                stage.rehearsal.calendar.put_by_hand(&entry_id, json!({ "date": "2031-05-31" }))
            }
            Self::SecondEvent => {
                let items = cloud.dynamodb.scan().table_name(&cloud.events_table).send().await.expect("the events");
                let mut item = items.items()[0].clone();
                let later = aws_sdk_dynamodb::types::AttributeValue::S("2031-01-01T00:00:00Z".to_owned());
                item.insert("created_timestamp".to_owned(), later);
                let put = cloud.dynamodb.put_item().table_name(&cloud.events_table).set_item(Some(item));
                put.send().await.expect("the second event");
            }
            Self::SecondMagicLink => {
                patch_event(json!({ "crew_ids": ["crew-1"] })).await;
                patch_event(json!({ "crew_ids": ["crew-1", "crew-2"] })).await;
            }
            Self::NoticeOfNothing => {
                for hours in [4, 3] {
                    patch_event(json!({ "duration_hours": hours })).await;
                }
            }
            Self::MoneyForTheCrew => stage.rehearsal.scc.leak_money_into(&event_id).await.expect("it leaks"),
            Self::OtherGuestPage => {
                let put = cloud.s3.put_object().bucket(&cloud.bucket).key(format!("g/{event_id}.html"));
                put.body(b"BS-1048812, May 31, 2031, 2:00".to_vec().into()).send().await.expect("the bucket takes it");
            }
            Self::LostByTheGuestSite => {
                let delete = cloud.s3.delete_object().bucket(&cloud.bucket).key(format!("g/{event_id}.ics"));
                delete.send().await.expect("the bucket forgets it");
            }
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

async fn calendar(stage: &Stage, method: &str, path: &str, body: Value) {
    let method = method.parse().expect("a method");
    let client = simulators::aws::loopback_client();
    let request = client.request(method, format!("{}/calendar{path}", stage.rehearsal.calendar.url()));
    let answer = request.header("x-dashboard-token", DASHBOARD_TOKEN).json(&body).send().await.expect("an answer");
    assert!(answer.status().is_success(), "{}", answer.status());
}

async fn patch_event(stage: &Stage, event_id: &str, change: Value) {
    let url = format!("{}/events/{event_id}", stage.rehearsal.scc.url());
    let patch = simulators::aws::loopback_client().patch(url).bearer_auth(SERVICE_KEY).json(&change);
    assert!(patch.send().await.expect("an answer").status().is_success());
}

#[tokio::test]
async fn the_oracle_sees_each_thing_that_must_not_happen() {
    for (wrong, words) in Wrong::ALL {
        let stage = Stage::set().await;
        let told = Told::version(1);
        assert_eq!(stage.tell(&told).await.status(), Some(200));
        let expected = Expected::new(vec![told], None);
        wrong.happen(&stage).await;
        let differences = expected.differences(&stage.look().await);
        assert!(differences.iter().any(|seen| seen.contains(words)), "{wrong:?}: {differences:#?}");
    }
}

#[tokio::test]
async fn the_oracle_has_nothing_to_say_of_a_world_that_is_right() {
    let stage = Stage::set().await;
    let told = Told::version(1);
    assert_eq!(stage.tell(&told).await.status(), Some(200));
    let differences = Expected::new(vec![told], None).differences(&stage.look().await);
    assert!(differences.is_empty(), "{differences:#?}");

    let newer = Expected::new(vec![Told::version(1), Told::version(2).on(31)], Some(Told::version(1)));
    let missed = newer.differences(&stage.look().await);
    for words in
        ["calendar's date", "event's date", "does not say \"May 31, 2031\"", "title that somebody", "event's notes"]
    {
        assert!(missed.iter().any(|seen| seen.contains(words)), "{words}: {missed:#?}");
    }
    let cancelled = Expected::new(vec![Told::version(1), Told::version(2).cancelled()], Some(Told::version(1)));
    let missed = cancelled.differences(&stage.look().await);
    for words in
        ["1 calendar entries instead of 0", "event's status", "STATUS:CANCELLED", "crew-2 got 0 change notices"]
    {
        assert!(missed.iter().any(|seen| seen.contains(words)), "{words}: {missed:#?}");
    }
}
