use super::*;

fn now() -> Timestamp {
    "2025-05-20T18:03:10Z".parse().expect("a valid time")
}

/// Says it a second after what was said before.
struct Speaker(Marketplace, Timestamp);

impl Speaker {
    fn new() -> Self {
        Self(Marketplace::default(), now())
    }

    fn try_about(&mut self, kind: Kind, about: Option<&str>) -> Result<Message, NotSent> {
        self.1 += 1.second();
        self.0.say(kind, about, self.1)
    }

    fn about(&mut self, kind: Kind, about: &str) -> Value {
        booking(&self.try_about(kind, Some(about)).expect("it can be sent"))
    }

    fn say(&mut self, kind: Kind) -> Value {
        booking(&self.try_about(kind, None).expect("it can be sent"))
    }
}

fn booking(message: &Message) -> Value {
    serde_json::from_str::<Value>(&message.body).expect("the body is JSON")["data"]["booking"].take()
}

/// When a snapshot holds, as the sender orders them.
fn place(booking: &Value) -> (String, u64) {
    let at = booking["updated_at"].as_str().expect("a time").to_owned();
    (at, booking["revision"].as_u64().expect("a number"))
}

#[test]
fn a_repeat_is_the_same_delivery_and_needs_one_before_it() {
    let mut speaker = Speaker::new();
    assert_eq!(speaker.try_about(Kind::Repeat, None).err(), Some(NotSent::NothingBefore));
    let first = speaker.try_about(Kind::Sample, None).expect("a sample can always be sent");
    speaker.say(Kind::Malformed);
    let again = speaker.try_about(Kind::Repeat, None).expect("there was one before");
    assert_eq!((again.webhook_id, again.body), (first.webhook_id, first.body));
}

#[test]
fn each_sample_is_another_booking_on_another_day() {
    let mut speaker = Speaker::new();
    assert_eq!(speaker.say(Kind::Sample)["id"], SAMPLE_BOOKING_ID);
    assert_eq!(speaker.say(Kind::BadSignature)["id"], "BS-1048813");
    let second = speaker.say(Kind::Sample);
    assert_eq!(second["id"], "BS-1048813");
    assert_eq!(second["start_at"], "2025-05-31T14:00:00-07:00");
}

#[test]
fn each_change_keeps_the_changes_before_it() {
    let mut speaker = Speaker::new();
    let mut before = speaker.say(Kind::Sample);
    for (kind, field, value) in [
        (Kind::Reschedule, "start_at", json!("2025-05-31T14:00:00-07:00")),
        (Kind::CrewChange, "crew_ids", json!(["crew-1", "crew-3"])),
        (Kind::PriceChange, "gross", json!("880.75")),
        (Kind::Cancellation, "status", json!("cancelled")),
        (Kind::StandsAgain, "status", json!("confirmed")),
        (Kind::Return, "start_at", json!("2025-05-30T14:00:00-07:00")),
        (Kind::CrewChange, "crew_ids", json!(["crew-1", "crew-2"])),
    ] {
        let after = speaker.say(kind);
        assert!(place(&after) > place(&before), "{kind:?} is newer");
        for changed in ["revision", "updated_at"].into_iter().chain([field]) {
            before[changed] = after[changed].clone();
        }
        assert_eq!(after[field], value, "{kind:?}");
        assert_eq!(after, before, "{kind:?} changes nothing else");
    }
}

#[test]
fn a_late_snapshot_is_older_and_differs() {
    let mut speaker = Speaker::new();
    let first = speaker.say(Kind::Sample);
    let cancelled = speaker.say(Kind::Cancellation);
    let late = speaker.say(Kind::Late);
    assert!(place(&late) < place(&cancelled));
    assert_eq!((&late["status"], &late["id"]), (&json!("confirmed"), &first["id"]));
    assert_ne!(late["start_at"], first["start_at"]);
    assert_eq!(speaker.say(Kind::StandsAgain)["start_at"], first["start_at"], "the late one is not remembered");
}

#[test]
fn a_change_is_about_the_booking_that_is_named() {
    let mut speaker = Speaker::new();
    let [first, second] = [Kind::Sample; 2].map(|kind| speaker.say(kind)["id"].as_str().expect("an id").to_owned());
    assert_eq!(speaker.about(Kind::Cancellation, &first)["id"], json!(first));
    assert_eq!(speaker.say(Kind::Reschedule)["id"], json!(second), "the last one sold, where none is named");
    assert_eq!(speaker.try_about(Kind::Reschedule, Some("BS-1")).err(), Some(NotSent::UnknownBooking));
}

#[test]
fn what_was_called_off_only_stands_again() {
    let mut speaker = Speaker::new();
    speaker.say(Kind::Sample);
    assert_eq!(speaker.try_about(Kind::StandsAgain, None).err(), Some(NotSent::Stands));
    speaker.say(Kind::Cancellation);
    for kind in [Kind::Reschedule, Kind::Return, Kind::CrewChange, Kind::PriceChange, Kind::Cancellation] {
        assert_eq!(speaker.try_about(kind, None).err(), Some(NotSent::IsCancelled), "{kind:?}");
    }
}

#[test]
fn a_booking_of_another_sender_is_followed_in_its_own_words() {
    let mut speaker = Speaker::new();
    let said = json!({ "booking": {
        "id": "HB-7", "status": "confirmed", "start_at": "2025-05-30T14:00:00", "end_at": "2025-05-30T17:00:00-07:00",
        "gross": 100, "boat": { "name": "Jada" }, "guest": { "name": "Sam" },
    } });
    assert!(speaker.0.overhear(None, &said.to_string(), now()));
    assert!(!speaker.0.overhear(None, "{\"booking\": {\"id\": \"HB-8\"}}", now()), "it has no start");
    let moved = speaker.about(Kind::Reschedule, "HB-7");
    assert_eq!((&moved["start_at"], &moved["boat"]["name"]), (&json!("2025-05-31T14:00:00-07:00"), &json!("Jada")));
    assert_eq!(moved["end_at"], "2025-05-31T17:00:00-07:00");
    assert_eq!(
        (&moved["revision"], &speaker.about(Kind::PriceChange, "HB-7")["gross"]),
        (&Value::Null, &json!("140.00"))
    );
}

#[test]
fn the_memory_is_bounded() {
    let mut speaker = Speaker::new();
    for _ in 0..=BOOKINGS_KEPT {
        speaker.say(Kind::Sample);
    }
    assert_eq!(speaker.0.sold.len(), BOOKINGS_KEPT);
    assert_eq!(speaker.try_about(Kind::Repeat, Some(SAMPLE_BOOKING_ID)).err(), Some(NotSent::UnknownBooking));
}
