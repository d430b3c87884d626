//! A person invokes the function: IAM is the gate, there is no signature; an API Gateway event is verified all the same.

use jiff::ToSpan as _;
use serde_json::{Value, json};
use simulators::{
    sender::SAMPLE_BOOKING_ID,
    traffic::{Call, Service},
};

use crate::world::{CHARTER_ID, REFUSED, World, fixture, later, now, sample, sample_with};

const STEPS: [&str; 4] = ["calendar", "crew_event", "crew_redaction", "guest_page"];

/// The charter id of the captured deliveries' booking, BS-1048900, under the rehearsal's link key.
const CAPTURED_CHARTER_ID: &str = "MWYHH318";

#[tokio::test]
async fn a_person_enters_a_booking() {
    let world = World::start().await;
    let answer = world.ask(&fixture("manual-booking.json")).await;
    assert_eq!(answer["state"], "in_step", "{answer:#}");
    let effects = world.effects().await;
    assert_eq!((effects.calendar.len(), effects.scc_events.len(), effects.bucket.len()), (1, 1, 2));
}

/// A plan of the sample booking with these changes, by a world in which nothing but one reading of the ledger may follow from it.
async fn plan(world: &World, changes: Value) -> Value {
    let before = world.effects().await;
    world.traffic.forget();
    let plan = world.ask(&json!({ "plan": sample_with(changes)["data"] })).await;
    let asked: Vec<(Service, String)> =
        world.traffic.calls().into_iter().map(|it| (it.service, it.operation)).collect();
    assert_eq!(asked, [(Service::Dynamodb, "GetItem".to_owned())], "{plan:#}");
    assert_eq!(world.effects().await, before);
    plan
}

/// What would be done first about each step.
fn actions(plan: &Value) -> Value {
    STEPS.map(|step| plan["steps"][step]["action"].clone()).to_vec().into()
}

#[tokio::test]
async fn a_plan_of_a_first_booking_says_what_would_be_sent() {
    let world = World::start().await;
    let plan = plan(&world, json!({})).await;
    assert_eq!((&plan["on_record"], &plan["desired"], &plan["flags"]), (&Value::Null, &json!("confirmed"), &json!([])));
    assert_eq!(actions(&plan), json!(["create", "create", "wait_for_crew_event", "publish"]));
    let steps = &plan["steps"];
    for (step, url) in [
        ("calendar", format!("{}/calendar", world.calendar.url())),
        ("crew_event", format!("{}/events", world.scc.url())),
    ] {
        assert_eq!((&steps[step]["method"], &steps[step]["url"]), (&json!("POST"), &json!(url)));
    }
    let page = &steps["guest_page"];
    assert_eq!(
        (&page["bucket"], &page["objects"]),
        (&json!(world.cloud.bucket), &json!([format!("g/{CHARTER_ID}.html"), format!("g/{CHARTER_ID}.ics")]))
    );
    assert_eq!(page["invalidate"], json!([]), "nobody can have seen another page there");
    for private in [rehearsal::DASHBOARD_TOKEN, rehearsal::SERVICE_KEY, "<html"] {
        assert!(!plan.to_string().contains(private), "a plan shows neither tokens nor whole pages: {private}");
    }
    let expense = |name: &str| steps["calendar"]["body"]["expenses"][name].to_string();
    assert_eq!((steps["calendar"]["body"]["net"].to_string(), expense("port_tax")), ("289.41".into(), "151.34".into()));

    assert_eq!(world.deliver(&sample()).await.status, 200);
    let created = |service| {
        world.traffic.calls_to(service).into_iter().find(|it| it.operation.starts_with("POST")).expect("created")
    };
    assert_eq!(body(&created(Service::Calendar)), steps["calendar"]["body"], "as it was planned");
    let crew = without_notes(body(&created(Service::Scc)));
    assert_eq!(crew, without_notes(steps["crew_event"]["body"].clone()), "but for the entry's id in its notes");
    let html = world.effects().await.visits[0].body.len();
    assert_eq!(page["bytes"], html);
}

fn body(call: &Call) -> Value {
    serde_json::from_str(&call.request_body).expect("JSON")
}

fn without_notes(mut event: Value) -> Value {
    event.as_object_mut().expect("an object").remove("notes");
    event
}

#[tokio::test]
async fn a_plan_of_a_reschedule_says_what_would_be_changed() {
    let world = World::start().await;
    assert_eq!(world.deliver(&sample()).await.status, 200);
    let moved = json!({ "start_at": "2031-05-31T14:00:00-07:00" });
    let plan = plan(&world, moved.clone()).await;
    assert_eq!((&plan["on_record"], &plan["desired"]), (&json!("confirmed"), &json!("confirmed")));
    assert_eq!(actions(&plan), json!(["change", "change", "nothing", "publish"]));
    let steps = &plan["steps"];
    let entry = format!("{}/calendar/{}", world.calendar.url(), world.entry_id());
    for (step, url) in [("calendar", entry), ("crew_event", format!("{}/events/{CHARTER_ID}", world.scc.url()))] {
        assert_eq!((&steps[step]["method"], &steps[step]["url"]), (&json!("PATCH"), &json!(url)));
    }
    assert!(steps["calendar"]["body"]["revenue"].is_null(), "what stays is not sent: {plan:#}");

    assert_eq!(world.ask(&json!({ "booking": sample_with(moved)["data"]["booking"] })).await["state"], "in_step");
    for (service, step) in [(Service::Calendar, "calendar"), (Service::Scc, "crew_event")] {
        assert_eq!(world.changes(service), [steps[step]["body"].clone()], "as it was planned");
    }
}

#[tokio::test]
async fn a_plan_of_a_cancellation_after_the_start_says_why_not() {
    let world = World::start().await;
    let start = (now() - 1.hour()).to_string();
    world.deliver(&sample_with(json!({ "start_at": start }))).await;
    assert_eq!(world.approve().await["state"], "in_step", "it sails already, and was never shown: a person says so");
    let plan = plan(&world, json!({ "start_at": start, "status": "cancelled" })).await;
    assert_eq!((&plan["on_record"], &plan["desired"]), (&json!("confirmed"), &json!("needs_decision")));
    assert_eq!(actions(&plan), json!(["park", "park", "nothing", "park"]));
    for step in ["calendar", "crew_event", "guest_page"].map(|step| &plan["steps"][step]) {
        let says = |key: &str, words: &str| step[key].as_str().is_some_and(|text| text.contains(words));
        assert!(says("why", "after the charter's start") && says("next", "approve the cancellation"), "{step:#}");
    }
}

#[tokio::test]
async fn a_plan_of_a_parked_booking_says_what_waits() {
    let world = World::start().await;
    world.traffic.fail_next(Service::Scc, "POST", REFUSED, 1);
    assert_eq!(world.deliver(&sample()).await.body["state"], "parked");
    let same = plan(&world, json!({})).await;
    assert_eq!(actions(&same), json!(["nothing", "wait_for_person", "wait_for_crew_event", "nothing"]));
    let moved = plan(&world, json!({ "start_at": "2031-05-31T14:00:00-07:00" })).await;
    assert_eq!(actions(&moved), json!(["change", "create", "wait_for_crew_event", "publish"]), "it was never refused");
}

#[tokio::test]
async fn a_plan_of_an_unconfirmed_booking_sends_nothing() {
    let world = World::start().await;
    for status in ["cancelled", "pending"] {
        let plan = plan(&world, json!({ "status": status })).await;
        assert_eq!((&plan["desired"], &plan["booking_id"]), (&json!("nothing"), &json!(SAMPLE_BOOKING_ID)), "{plan:#}");
        for step in STEPS {
            let nothing = json!({ "action": "nothing", "because": "not_needed" });
            assert_eq!(plan["steps"][step], nothing, "{status} {step}");
        }
        let bare = world.ask(&json!({ "plan": { "booking": { "id": SAMPLE_BOOKING_ID, "status": status } } })).await;
        assert_eq!((&bare["desired"], &bare["steps"]), (&json!("nothing"), &plan["steps"]), "{bare:#}");
    }
    assert!(world.effects().await.is_empty());
}

#[tokio::test]
async fn a_plan_of_a_delivery_is_of_each_booking_in_it() {
    let world = World::start().await;
    let kept = world.deliver(&sample_with(json!({ "gross": null }))).await.body;
    assert_eq!(kept["state"], "quarantined");
    assert_eq!(world.deliver(&sample()).await.status, 200);
    let delivered = world.status().await["timeline"][0]["delivery_id"].take();
    let before = world.effects().await;
    world.traffic.forget();
    let plan = async |delivery: Value| world.ask(&json!({ "plan": { "delivery": delivery } })).await;

    let unreadable = plan(json!({ "delivery_id": kept["delivery_id"] })).await;
    assert_eq!(unreadable["planned"][0]["errors"][0]["pointer"], "/data/booking/gross", "{unreadable:#}");
    let again = plan(delivered).await;
    assert!(again["planned"][0]["not_newer"].is_string(), "{again:#}");
    assert_eq!(actions(&again["planned"][0]), json!(["nothing", "nothing", "nothing", "nothing"]));
    let moved = later(1, json!({ "start_at": "2031-05-31T14:00:00-07:00" }));
    let moved = plan(json!({ "sender": "boatsetter", "body": moved })).await;
    assert_eq!(actions(&moved["planned"][0]), json!(["change", "change", "nothing", "publish"]), "{moved:#}");
    let captured = plan(fixture("http-api-event.json")).await;
    assert_eq!(captured["planned"][0]["charter_id"], CAPTURED_CHARTER_ID, "at any age of its signature: {captured:#}");
    let ping = plan(json!({ "sender": "boatsetter", "body": { "type": "ping" } })).await;
    assert_eq!((&ping["planned"], ping["ignored"].is_string()), (&json!([]), true), "{ping:#}");
    for (nothing, status) in [(json!({}), 400), (json!({ "sender": "nobody", "body": {} }), 404), (json!("a~b"), 404)] {
        assert_eq!(plan(nothing.clone()).await["status"], status, "{nothing}");
    }
    let reads = |call: &Call| call.service == Service::Dynamodb && call.operation == "GetItem";
    assert!(world.traffic.calls().iter().all(reads));
    assert_eq!(world.effects().await, before);
}

/// The example of the documents.
#[tokio::test]
async fn the_plan_in_the_fixtures_is_one() {
    let plan = World::start().await.ask(&fixture("plan.json")).await;
    assert_eq!((&plan["booking_id"], &plan["desired"]), (&json!("BS-2000002"), &json!("confirmed")), "{plan:#}");
}

#[tokio::test]
async fn an_old_captured_delivery_is_delivered_again() {
    for event in ["http-api-event.json", "rest-event.json"] {
        let world = World::start().await;
        let captured = fixture(event);
        let stale = world.ask(&captured).await;
        assert_eq!(stale["statusCode"], 401, "as a live delivery it is far too old: {stale:#}");
        assert!(world.effects().await.is_empty());

        let mut forged = captured.clone();
        forged["body"] = json!(captured["body"].as_str().expect("text").replace("840.75", "1.00"));
        let refused = world.ask(&json!({ "deliver": forged })).await;
        assert_eq!(refused["status"], 401, "{refused:#}");
        assert!(world.effects().await.is_empty());

        let delivered = world.ask(&json!({ "deliver": captured })).await;
        assert_eq!(
            (&delivered["state"], &delivered["charter_id"]),
            (&json!("in_step"), &json!(CAPTURED_CHARTER_ID)),
            "{delivered:#}"
        );
        let effects = world.effects().await;
        let counts = (effects.calendar.len(), effects.scc_events.len(), effects.mailbox.len(), effects.bucket.len());
        assert_eq!(counts, (1, 1, 3, 2));
    }
}

#[test]
fn the_captured_deliveries_carry_the_canonical_body() {
    for event in ["http-api-event.json", "rest-event.json"] {
        let captured = fixture(event);
        let body: Value = serde_json::from_str(captured["body"].as_str().expect("text")).expect("JSON");
        assert_eq!(body, fixture("booking-confirmed.json"), "{event}");
    }
}

#[tokio::test]
async fn what_is_no_known_kind_is_told_the_known_ones() {
    let world = World::start().await;
    for payload in [
        json!({}),
        json!("booking"),
        json!({ "bookng": {} }),
        json!({ "booking": {}, "plan": {} }),
        json!({ "deliver": {} }),
        json!({ "replay": {}, "sweep": {} }),
    ] {
        let problem = world.ask(&payload).await;
        assert_eq!(problem["status"], 400, "{payload}: {problem:#}");
        let detail = problem["detail"].as_str().expect("what to do");
        for kind in ["API Gateway event", "booking", "plan", "deliver", "replay", "approve", "status", "sweep"] {
            assert!(detail.contains(kind), "{kind}: {detail}");
        }
    }
    let faulty = world.ask(&json!({ "booking": { "id": "BS 1" } })).await;
    assert_eq!(
        (&faulty["status"], &faulty["errors"][0]["pointer"]),
        (&json!(422), &json!("/booking/id")),
        "{faulty:#}"
    );
    assert!(world.effects().await.is_empty());
}
