//! A booking changes: all four places show it, each is sent exactly what changed, and people are told what concerns them.

use rehearsal::{Answered, world::Effects};
use serde_json::{Value, json};
use simulators::{
    scc::MailKind::{Change, MagicLink, Removed},
    traffic::Service,
};

use crate::{
    money::says,
    prove::{
        stage::Stage,
        story::{self, NOTE_BY_HAND, TICKED_BY_HAND, TITLE_BY_HAND, Told},
    },
    world::{ALWAYS, CHARTER_ID, DENIED, UNAVAILABLE, World, instant, later, names, sample},
};

const IN_STEP: [&str; 4] = ["in_step", "in_step", "in_step", "in_step"];

/// The sample booking in step everywhere, and the calls that this took forgotten.
async fn booked() -> World {
    let world = World::start().await;
    let answered = world.deliver(&sample()).await;
    assert_eq!(answered.status, 200, "{:#}", answered.body);
    world.traffic.forget();
    world
}

#[track_caller]
fn assert_in_step(answered: &Answered) {
    assert_eq!((answered.status, crate::world::states(answered)), (200, json!(IN_STEP)), "{:#}", answered.body);
}

/// Who was mailed what, after the first three magic links.
fn told(effects: &Effects) -> Vec<(&str, simulators::scc::MailKind)> {
    effects.mailbox.iter().skip(3).map(|mail| (mail.to.as_str(), mail.kind)).collect()
}

#[track_caller]
fn assert_says(page: &str, words: &[&str]) {
    for words in words {
        assert!(page.contains(words), "{words} is not in {page}");
    }
}

fn on(day: u8) -> Value {
    json!({ "start_at": format!("2031-05-{day}T14:00:00-07:00") })
}

#[tokio::test]
async fn a_reschedule_reaches_all_four_places() {
    let world = booked().await;
    let entry = world.entry_id();
    assert_in_step(&world.deliver(&later(1, on(31))).await);

    let effects = world.effects().await;
    assert_eq!((world.entry_id(), effects.scc_events.len(), effects.bucket.len()), (entry, 1, 2), "the same ones");
    assert_eq!(effects.calendar[0]["date"], "2031-05-31");
    assert_eq!(effects.calendar[0]["start"], "2031-05-31T14:00:00-07:00");
    let notes = effects.calendar[0]["notes"].as_str().expect("notes");
    assert_says(
        notes,
        &["has moved. It is now on Saturday, May 31, 2031", "no longer on Friday, May 30, 2031, 2:00 PM"],
    );
    assert_eq!(effects.scc_events[0]["date"], "2031-05-31T14:00:00-07:00");
    assert_eq!(effects.scc_events[0]["local_time"], "Sat 31 May 2031, 2:00 PM PDT");
    // The sender moved it at 18:04:10, and for a week that is news.
    let news_until = format!("data-moved-until=\"{}\"", instant("2025-05-27T18:04:10Z").as_millisecond());
    assert_says(&effects.visits[0].body, &["Saturday, May 31, 2031", &news_until]);
    assert_says(
        &effects.visits[1].body,
        &[
            "DTSTART;TZID=America/Los_Angeles:20310531T140000",
            "SEQUENCE:1",
            "DTSTAMP:20250520T180410Z",
            "STATUS:CONFIRMED",
        ],
    );
    assert_eq!(told(&effects), [("crew-1", Change), ("crew-2", Change), ("captain-1", Change)]);

    let (calendar, scc) = (world.changes(Service::Calendar), world.changes(Service::Scc));
    assert_eq!(calendar.iter().map(names).collect::<Vec<_>>(), [["date", "end", "notes", "start"]]);
    assert_eq!(
        scc.iter().map(names).collect::<Vec<_>>(),
        [["date", "local_time", "notes", "released_at", "report_at"]]
    );
    let created = world.traffic.calls().into_iter().filter(|call| call.operation.starts_with("POST "));
    assert_eq!(created.count(), 0, "nothing is made anew");
}

/// A service that honours idempotency keys can tell a repeated creation, and one change from another.
#[tokio::test]
async fn a_creation_has_one_idempotency_key_and_each_change_its_own() {
    let world = World::start().await;
    world.traffic.fail_next(Service::Calendar, "POST", UNAVAILABLE, 1);
    assert_in_step(&world.deliver(&sample()).await);
    world.traffic.fail_next(Service::Calendar, "PATCH", UNAVAILABLE, 1);
    for (minutes, day) in [(1, 31), (2, 30)] {
        assert_in_step(&world.deliver(&later(minutes, on(day))).await);
    }
    let keys = |service: Service, operation: &str| {
        let calls = world.traffic.calls_to(service).into_iter();
        let calls = calls.filter(|call| call.operation.starts_with(operation));
        calls.map(|call| call.headers["idempotency-key"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(keys(Service::Calendar, "POST"), ["BS-1048812/calendar/create"; 2]);
    assert_eq!(keys(Service::Scc, "POST"), ["BS-1048812/crew_event/create"]);
    let [first, again, second] = &keys(Service::Calendar, "PATCH")[..] else { panic!("it is tried again, once") };
    assert_eq!(first, again);
    assert!(first.starts_with("BS-1048812/calendar/2/") && second.starts_with("BS-1048812/calendar/3/"), "{second}");
    let [first, second] = &keys(Service::Scc, "PATCH")[..] else { panic!("twice") };
    assert!(first.starts_with("BS-1048812/crew_event/2/") && second.starts_with("BS-1048812/crew_event/3/"), "{first}");
}

#[tokio::test]
async fn crew_notes_stay_when_the_entry_is_made_anew() {
    let stage = Stage::set().await;
    assert_eq!(stage.tell(&Told::version(1)).await.status(), Some(200));
    story::work_by_hand(&stage).await;
    story::delete_entry_by_hand(&stage.rehearsal).await;
    for told in [Told::version(2).on(31), Told::version(3).on(30)] {
        assert_eq!(stage.tell(&told).await.status(), Some(200));
        let world = stage.look().await;
        let (entry, event) = (&world.calendar[0], &world.scc_events[0]);
        assert_eq!((&entry["date"], world.calendar.len()), (&json!(told.start().date()), 1));
        assert_eq!(event["date"], json!(told.start().strftime("%Y-%m-%dT14:00:00%:z").to_string()));
        assert!(event["notes"].as_str().is_some_and(|notes| notes.contains(NOTE_BY_HAND)), "{event:#}");
    }
}

#[tokio::test]
async fn crew_notes_before_the_entry_stay_when_the_charter_moves() {
    let world = World::start().await;
    world.traffic.fail_next(Service::Calendar, "", DENIED, ALWAYS);
    assert_eq!(world.deliver(&sample()).await.status, 202);
    let notes = world.effects().await.scc_events[0]["notes"].as_str().expect("notes").to_owned();
    world.change_event_by_hand(json!({ "notes": format!("{notes}\n{NOTE_BY_HAND}") })).await;
    world.traffic.heal();
    assert_in_step(&world.deliver(&later(1, on(31))).await);
    let event = &world.effects().await.scc_events[0];
    assert_eq!(event["date"], "2031-05-31T14:00:00-07:00");
    assert!(event["notes"].as_str().is_some_and(|notes| notes.contains(NOTE_BY_HAND)), "{event:#}");
}

#[tokio::test]
async fn there_and_back_again_is_told_twice_and_looks_as_it_did() {
    let world = booked().await;
    let before = world.effects().await;
    for (minutes, day) in [(1, 31), (2, 30)] {
        assert_in_step(&world.deliver(&later(minutes, on(day))).await);
    }
    let mut after = world.effects().await;
    let notes = std::mem::replace(&mut after.calendar[0]["notes"], before.calendar[0]["notes"].clone());
    assert_says(
        notes.as_str().expect("notes"),
        &["now on Friday, May 30, 2031", "no longer on Saturday, May 31, 2031"],
    );
    assert_eq!((&before.calendar, &before.scc_events), (&after.calendar, &after.scc_events));
    assert_says(&after.visits[0].body, &["Friday, May 30, 2031"]);
    assert_says(&after.visits[1].body, &["DTSTART;TZID=America/Los_Angeles:20310530T140000", "SEQUENCE:2"]);
    assert_eq!(told(&after).len(), 6, "each of three people, of each change: {:#?}", after.mailbox);
}

#[tokio::test]
async fn a_cancellation_reaches_all_four_places() {
    let world = booked().await;
    let answered = world.deliver(&later(1, json!({ "status": "cancelled" }))).await;
    assert_in_step(&answered);

    let effects = world.effects().await;
    assert!(effects.calendar.is_empty(), "{:#?}", effects.calendar);
    assert_eq!(world.changes(Service::Scc), [json!({ "status": "cancelled" })]);
    assert_eq!(effects.scc_events[0]["status"], "cancelled");
    assert_eq!(told(&effects), [("crew-1", Change), ("crew-2", Change), ("captain-1", Change)]);
    assert!(effects.visits.iter().all(|visit| visit.status == 200), "the page is not deleted: it says so");
    assert_says(&effects.visits[0].body, &["This charter is cancelled", "Friday, May 30, 2031"]);
    assert_says(&effects.visits[1].body, &["STATUS:CANCELLED", "SEQUENCE:1", "UID:544EK27M@"]);
    let forgotten = effects.invalidations.last().expect("the edge was told");
    let page = format!("/g/{CHARTER_ID}");
    assert_eq!(forgotten.paths, [page.clone(), format!("{page}.html"), format!("{page}.ics")]);

    world.traffic.forget();
    assert_in_step(&world.deliver(&later(1, json!({ "status": "cancelled" }))).await);
    assert_eq!(world.called(), [""; 0], "cancelled once is enough");
}

#[tokio::test]
async fn who_joins_gets_a_link_and_who_leaves_a_notice() {
    let world = booked().await;
    assert_in_step(&world.deliver(&later(1, json!({ "crew_ids": ["crew-1", "crew-3"] }))).await);
    let effects = world.effects().await;
    assert_eq!(told(&effects), [("crew-3", MagicLink), ("crew-2", Removed)]);
    assert_eq!(effects.calendar[0]["crew_ids"], json!(["crew-1", "crew-3"]));
    assert_eq!(effects.scc_events[0]["crew_ids"], json!(["crew-1", "crew-3"]));

    let reordered = later(2, json!({ "crew_ids": ["crew-3", "crew-1"] }));
    assert_in_step(&world.deliver(&reordered).await);
    assert_eq!(told(&world.effects().await).len(), 2, "the same people in another order are the same people");
}

/// Each step after the one before, in one booking's life.
#[tokio::test]
async fn each_change_goes_only_where_it_is_seen() {
    let world = booked().await;
    let mut booking = json!({});
    let mut page = world.effects().await.visits.remove(0).body;
    for (minutes, (field, value, calendar, scc, seen_by_guests)) in (1..).zip([
        ("gross", json!("1000.00"), vec!["expenses", "net", "revenue"], vec![], false),
        ("party_size", json!(12), vec!["title"], vec!["guest"], true),
        ("notes", json!("birthday"), vec!["notes"], vec!["notes"], false),
        ("captain_id", json!("captain-2"), vec!["captain_id"], vec!["captain_id"], false),
        (
            "duration_minutes",
            json!(240),
            vec!["end", "expenses", "net", "notes", "title"],
            vec!["duration_hours", "notes", "released_at"],
            true,
        ),
        ("guest", json!({ "name": "Robin Chen" }), vec!["notes", "title"], vec!["guest"], true),
        ("boat", json!({ "id": "jada", "name": "JADA" }), vec!["notes", "title"], vec!["name"], true),
    ]) {
        booking[field] = value;
        world.traffic.forget();
        assert_in_step(&world.deliver(&later(minutes, booking.clone())).await);
        let sent = |service| world.changes(service).iter().flat_map(names).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!((sent(Service::Calendar), sent(Service::Scc)), (owned(&calendar), owned(&scc)), "{field}");
        let shown = world.effects().await.visits.remove(0).body;
        assert_eq!(shown != page, seen_by_guests, "{field}");
        page = shown;
    }
    let effects = world.effects().await;
    assert_eq!((effects.calendar.len(), effects.scc_events.len()), (1, 1));
    let entry = &effects.calendar[0];
    let money = ["revenue", "net"].map(|line| entry[line].to_string());
    // Crew 2 x 6 h x 25 = 300, captain 4 h x 50 = 200, port and tax 180.
    assert_eq!(money, ["1000.00", "320.00"]);
    assert_eq!(entry["title"], "Robin Chen · 12 · JADA · 2:00–6:00 PM · BS-1048812");
    assert!(!says(&json!(effects.scc_events).to_string(), "1000"), "crew never see money");
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// A title with the deposit in it, a note about the dock gate, ticked boxes and the crew's answers.
#[tokio::test]
async fn what_people_did_by_hand_survives_a_reschedule() {
    let stage = Stage::set().await;
    assert_eq!(stage.deliver(&sample()).await.status(), Some(200));
    story::work_by_hand(&stage).await;
    assert_eq!(stage.deliver(&later(1, on(31))).await.status(), Some(200));

    let effects = stage.look().await;
    let (entry, event) = (&effects.calendar[0], &effects.scc_events[0]);
    assert_eq!((&entry["date"], &event["date"]), (&json!("2031-05-31"), &json!("2031-05-31T14:00:00-07:00")));
    assert!(entry["title"].as_str().is_some_and(|title| title.ends_with(TITLE_BY_HAND)), "{entry:#}");
    assert!(event["notes"].as_str().is_some_and(|notes| notes.ends_with(NOTE_BY_HAND)), "{event:#}");
    assert!(event["ticked"].to_string().contains(TICKED_BY_HAND), "{event:#}");
    assert_eq!(event["status"], "confirmed", "crew have answered, and are not asked again");
}

#[tokio::test]
async fn two_snapshots_in_the_wrong_order_leave_the_newer_one() {
    let world = World::start().await;
    let newer = later(2, json!({ "start_at": "2031-05-31T14:00:00-07:00", "crew_ids": ["crew-1", "crew-3"] }));
    assert_in_step(&world.deliver(&newer).await);
    let before = world.effects().await;
    world.traffic.forget();
    for late in [sample(), later(1, json!({ "status": "cancelled" }))] {
        assert_in_step(&world.deliver(&late).await);
    }
    assert_eq!(world.called(), [""; 0]);
    assert_eq!(world.effects().await, before, "what is older is recorded and changes nothing");
    let timeline = world.status().await["timeline"].clone();
    let deliveries = timeline.as_array().into_iter().flatten().filter(|line| line["kind"] == "delivery");
    assert_eq!(deliveries.count(), 3, "{timeline:#}");
}
