//! Which snapshot is newer is the sender's to say, in any of the ways that times are written. A time that is misread moves a charter back, and nobody
//! notices.

use serde_json::{Value, json};

use crate::world::{World, later, sample, sample_with, states};

/// A bridge that leaves the zone out, as clocks on a wall do: 12:30 on the dock is later than noon, though not than noon in UTC.
#[tokio::test]
async fn a_cancellation_in_local_time_wins_over_an_earlier_correction() {
    let world = World::start().await;
    world.deliver(&sample()).await;
    let correction = sample_with(json!({ "updated_at": "2025-05-20T12:00:00-07:00", "party_size": 9 }));
    assert_eq!(states(&world.deliver(&correction).await), json!(["in_step", "in_step", "in_step", "in_step"]));

    let cancellation = sample_with(json!({ "updated_at": "2025-05-20T12:30:00", "status": "cancelled" }));
    let answered = world.deliver(&cancellation).await;
    assert_eq!(answered.status, 200, "{:#}", answered.body);
    let effects = world.effects().await;
    assert_eq!((effects.calendar.len(), &effects.scc_events[0]["status"]), (0, &json!("cancelled")));
    assert!(effects.visits[0].body.contains("cancelled"), "{}", effects.visits[0].body);
}

/// The booking does not say when it changed, and when the event happened cannot be read: the order of arrival must not decide in silence.
#[tokio::test]
async fn a_time_of_change_that_cannot_be_read_is_kept_for_a_person() {
    let world = World::start().await;
    world.deliver(&sample()).await;
    let before = world.effects().await;
    let mut older = later(0, json!({ "updated_at": null, "party_size": 2 }));
    for created_at in [json!(1_747_764_100), json!("20 May, 6 PM")] {
        older["created_at"] = created_at;
        let answered = world.deliver(&older).await;
        let pointers: Vec<&Value> =
            answered.body["errors"].as_array().into_iter().flatten().map(|fault| &fault["pointer"]).collect();
        assert_eq!((answered.status, pointers), (202, vec![&json!("/created_at")]), "{:#}", answered.body);
        assert!(answered.body["delivery_id"].is_string(), "it is kept: {:#}", answered.body);
    }
    assert_eq!(world.effects().await, before);
    world.alarm("kept in quarantine").await;
}
