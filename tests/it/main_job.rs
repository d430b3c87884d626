//! The main job: one signed booking reaches all four systems.

use serde_json::{Value, json};
use simulators::traffic::{Fault, Service};

use crate::{
    cold_start::OperatorsFile,
    money::says,
    world::{ALWAYS, CHARTER_ID, SITE, UNAVAILABLE, World, later, sample, sample_with, states},
};

#[tokio::test]
async fn a_signed_booking_reaches_all_four_systems() {
    let world = World::start().await;
    let answered = world.deliver(&sample()).await;
    assert_eq!(answered.status, 200, "{:#}", answered.body);
    assert_eq!(answered.headers["content-type"], "application/json");
    let effects = world.effects().await;
    World::assert_one_of_everything(&effects);
    let answer = redacted(answered.body, &["ms"]);
    insta::assert_snapshot!("answer", format!("{answer:#}"));
    let world = serde_json::to_value(&effects).expect("effects are JSON");
    let world = redacted(world, &["created_timestamp", "link", "text", "body", "caller_reference"]);
    insta::assert_snapshot!("world", format!("{world:#}"));
}

/// Replaces what differs from run to run (or has tests of its own) by its name. Done here because the numbers keep their exact digits,
/// which insta's own redactions cannot read.
fn redacted(mut value: Value, names: &[&str]) -> Value {
    match &mut value {
        Value::Object(fields) => {
            for (name, field) in fields {
                let known = names.iter().find(|known| *known == name);
                *field = known.map_or_else(|| redacted(field.take(), names), |name| json!(format!("[{name}]")));
            }
        }
        Value::Array(elements) => elements.iter_mut().for_each(|element| *element = redacted(element.take(), names)),
        _ => {}
    }
    value
}

#[tokio::test]
async fn the_guest_page_is_complete_and_holds_nothing_private() {
    let world = World::start().await;
    world.deliver(&sample()).await;
    let effects = world.effects().await;
    let page = &effects.visits[0];
    assert_eq!((page.path.as_str(), page.content_type.as_deref()), ("/g/544EK27M", Some("text/html; charset=utf-8")));
    for said in ["Dana", "Queen of San Diego", "Friday, May 30, 2031", "2:00", "5:00", "BS-1048812", "3 hours"] {
        assert!(page.body.contains(said), "the page says {said}");
    }
    for unsaid in ["Whitfield", "anniversary", "crew-1", "captain-1"] {
        assert!(!page.body.contains(unsaid), "the page must not say {unsaid}");
    }
    assert!(!says(&page.body, "840"), "the page must not say the price");
    let calendar_file = &effects.visits[1];
    assert_eq!(calendar_file.content_type.as_deref(), Some("text/calendar; charset=utf-8"));
    for line in [
        "DTSTART;TZID=America/Los_Angeles:20310530T140000",
        "DTEND;TZID=America/Los_Angeles:20310530T170000",
        "STATUS:CONFIRMED",
    ] {
        assert!(calendar_file.body.contains(line), "{line} in {}", calendar_file.body);
    }
}

#[tokio::test]
async fn markup_in_a_guests_name_stays_text() {
    let world = World::start().await;
    world.deliver(&sample_with(json!({ "guest": { "name": "<script>alert(x)</script>", "locale": "en" } }))).await;
    let page = &world.effects().await.visits[0];
    assert!(page.body.contains("&lt;script&gt;alert(x)"), "{}", page.body);
    assert!(!page.body.contains("<script>alert"), "{}", page.body);
}

#[tokio::test]
async fn crew_open_their_page_by_the_link_in_their_mail() {
    let world = World::start().await;
    world.deliver(&sample()).await;
    let effects = world.effects().await;
    let link = effects.mailbox[0].link.clone().expect("a magic link");
    let page = get(&link).await;
    for said in ["Queen of San Diego", "1:00 PM", "6:00 PM", "Life jackets counted", "Dana"] {
        assert!(page.contains(said), "the crew page says {said}");
    }
    assert!(!says(&page, "840") && !page.contains("Whitfield"));
}

async fn get(url: &str) -> String {
    simulators::aws::loopback_client().get(url).send().await.expect("an answer").text().await.expect("a page")
}

#[tokio::test]
async fn the_same_delivery_again_changes_nothing_and_calls_nobody() {
    let world = World::start().await;
    let first = world.deliver_as("msg_1", &sample()).await;
    let before = world.effects().await;
    world.traffic.forget();
    for webhook_id in ["msg_1", "msg_2"] {
        let again = world.deliver_as(webhook_id, &sample()).await;
        assert_eq!((first.status, again.status), (200, 200));
        assert_eq!(states(&first), states(&again));
        assert_eq!(first.body["steps"]["calendar"]["remote_id"], again.body["steps"]["calendar"]["remote_id"]);
    }
    assert_eq!(world.called(), [""; 0]);
    let after = world.effects().await;
    World::assert_one_of_everything(&after);
    assert_eq!(before, after);
}

#[tokio::test]
async fn a_slow_calendar_does_not_keep_the_crew_waiting() {
    let world = World::with(&[("CREW_EVENT_WAIT_MS", "20")]).await;
    world.traffic.fail_next(Service::Calendar, "POST", Fault::Delay { milliseconds: 400 }, 1);
    let answered = world.deliver(&sample()).await;
    assert_eq!(states(&answered), json!(["in_step", "in_step", "in_step", "in_step"]), "{:#}", answered.body);
    let created = &world.traffic.calls_to(Service::Scc)[0];
    assert_eq!(created.operation, "POST /events");
    assert!(!created.request_body.contains("calendar cal_"), "crew are told before the calendar has answered");
    let effects = world.effects().await;
    World::assert_one_of_everything(&effects);
    let entry = effects.calendar[0]["id"].as_str().expect("an id");
    let notes = effects.scc_events[0]["notes"].as_str().expect("notes");
    assert!(notes.contains(&format!("calendar {entry}")), "the id is added once it is known: {notes}");
}

/// The calendar is down when the event is created, so its notes get the entry's id later.
#[tokio::test]
async fn notes_that_somebody_changed_stay_as_they_are() {
    let world = World::with(&[("CREW_EVENT_WAIT_MS", "20")]).await;
    world.traffic.fail_next(Service::Calendar, "", UNAVAILABLE, ALWAYS);
    assert_eq!(states(&world.deliver(&sample()).await), json!(["due", "in_step", "in_step", "in_step"]));
    let notes = world.effects().await.scc_events[0]["notes"].as_str().expect("notes").to_owned();
    world.change_event_by_hand(json!({ "notes": format!("{notes}\nDock gate sticks") })).await;
    world.traffic.heal();
    assert_eq!(world.deliver(&sample()).await.status, 200);
    let notes = world.effects().await.scc_events[0]["notes"].clone();
    assert!(notes.as_str().is_some_and(|notes| notes.contains("Dock gate sticks")), "{notes}");
}

#[tokio::test]
async fn what_is_not_confirmed_is_understood_and_sent_nowhere() {
    for status in ["inquiry", "pending", "held"] {
        let world = World::start().await;
        let answered = world.deliver(&sample_with(json!({ "status": status }))).await;
        assert_eq!((answered.status, &answered.body["state"]), (200, &json!("recorded")));
        assert_eq!(answered.body["guest_page"], format!("{SITE}/g/{CHARTER_ID}"));
        assert!(world.effects().await.is_empty());
    }
}

/// What the operator changes for the charters to come is no change of a booking, nor is whom the office puts on it by hand.
#[tokio::test]
async fn a_charter_keeps_the_crew_that_it_was_confirmed_with() {
    let nobody_named = |minutes, party_size: u8| {
        later(minutes, json!({ "crew_ids": null, "captain_id": null, "party_size": party_size }))
    };
    let roster =
        |crew: &str| format!("[[boats]]\nid = \"qosd\"\nroster = {{ crew = [\"{crew}\"], captain = \"captain-1\" }}\n");
    let file = OperatorsFile::with("config/operator.toml", &roster("crew-1")).await;
    let world = World::with(&[("OPERATOR_FILE", &file.location)]).await;
    assert_eq!(world.deliver(&nobody_named(0, 8)).await.status, 200);
    file.put(&roster("crew-9")).await;
    world.cold_start().await.expect("it starts");
    assert_eq!(world.deliver(&nobody_named(1, 9)).await.status, 200);
    let effects = world.effects().await;
    assert_eq!(
        (&effects.scc_events[0]["crew_ids"], &effects.calendar[0]["crew_ids"]),
        (&json!(["crew-1"]), &json!(["crew-1"]))
    );
    assert_eq!(effects.mailbox.len(), 2, "the roster is for the charters to come: {:#?}", effects.mailbox);

    world.change_event_by_hand(json!({ "crew_ids": ["crew-1", "crew-5"] })).await;
    assert_eq!(world.deliver(&nobody_named(2, 10)).await.status, 200);
    let event = &world.effects().await.scc_events[0];
    assert_eq!((&event["crew_ids"], &event["guest"]["party_size"]), (&json!(["crew-1", "crew-5"]), &json!(10)));
}

#[tokio::test]
async fn crew_are_not_mailed_about_a_charter_that_is_over() {
    let world = World::start().await;
    let answered = world.deliver(&sample_with(json!({ "start_at": "2025-05-30T14:00:00-07:00" }))).await;
    assert_eq!(states(&answered), json!(["parked", "parked", "due", "parked"]), "{:#}", answered.body);
    let crew = &answered.body["steps"]["crew_event"];
    assert!(crew["detail"].as_str().is_some_and(|why| why.contains("which is in the past")), "{crew:#}");
    world.alarm("which is in the past").await;
    assert!(world.effects().await.is_empty());

    let approved = world.approve().await;
    let crew = &approved["steps"]["crew_event"];
    assert_eq!((&approved["state"], &crew["state"]), (&json!("parked"), &json!("parked")), "{approved:#}");
    assert!(crew["detail"].as_str().is_some_and(|why| why.contains("the charter is over")), "{crew:#}");
    assert!(crew["next"].as_str().is_some_and(|next| next.contains("are paid")), "somebody should know: {crew:#}");
    world.alarm("the charter is over").await;
    let effects = world.effects().await;
    assert_eq!((effects.scc_events.len(), effects.mailbox.len(), effects.calendar.len()), (0, 0, 1));
}
