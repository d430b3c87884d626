//! Crew and guests never see money, nor anything about a guest that is not theirs to read.

use std::{collections::HashMap, ops::Range};

use aws_sdk_dynamodb::{Client, types::AttributeValue};
use rehearsal::world::Effects;
use serde_json::{Value, json};
use simulators::traffic::{Call, Fault, Service};

use crate::{
    cold_start::OperatorsFile,
    world::{CHARTER_ID, World, sample, sample_with},
};

#[tokio::test]
async fn no_digit_of_the_money_is_sent_to_crew_or_guests() {
    let rates = "[rates]\ncrew_hourly = \"33.33\"\ncaptain_hourly = \"77.77\"\nport_tax_share = \"0.19\"\n";
    let file = OperatorsFile::with("config/operator.toml", rates).await;
    let world = World::with(&[("OPERATOR_FILE", &file.location)]).await;
    let notes = "anniversary\nwe paid 967.89 in advance\nGross: $967.89\nPier 5, net on deck";
    let answered = world.deliver(&sample_with(json!({ "gross": "967.89", "notes": notes }))).await;
    assert_eq!(answered.status, 200, "{:#}", answered.body);
    let effects = world.effects().await;
    let entry = &effects.calendar[0];
    let net = entry["net"].to_string();
    assert_eq!((entry["revenue"].to_string(), net.as_str()), ("967.89".into(), "217.38"));
    assert!(
        entry["notes"].as_str().is_some_and(|text| text.contains("Gross: $967.89")),
        "the office reads the notes whole"
    );

    let sent = sent_to_crew(&world);
    let published: String = effects.bucket.iter().map(|object| object.body.clone()).collect();
    let secrets = ["967", "967.89", "217.38", "333.3", "333.30", "233.31", "183.9", "183.90", "33.33", "77.77", "0.19"];
    for amount in secrets {
        assert!(!says(&sent, amount), "SCC was sent {amount}: {sent}");
        assert!(!says(&published, amount), "guests can read {amount}");
    }
    assert!(!sent.contains('$') && !published.contains('$'));
    assert!(sent.contains("anniversary") && sent.contains("Pier 5, net on deck"), "crew read the rest: {sent}");
    assert!(!published.contains("anniversary"));
}

#[tokio::test]
async fn leaked_money_is_taken_out_and_crew_logs_stay() {
    let world = World::start().await;
    world.scc.leak_on_create(true);
    let answered = world.deliver(&sample()).await;
    assert_eq!(answered.status, 200, "{:#}", answered.body);
    let removed = answered.body["steps"]["crew_redaction"]["detail"].as_str().expect("what was removed");
    assert_eq!(removed, "removed Port-Tax, notes, pay, revenue", "and not what lies deeper: that could be a name");
    assert_money_is_gone(&world).await;

    log_as_crew(&world).await;
    let logged = world.effects().await.scc_events[0].clone();
    slip_a_fee_among_the_expenses(&world).await;
    world.scc.leak_money_into(CHARTER_ID).await.expect("leaked");
    assert_eq!(world.replay().await["state"], "in_step");
    assert_money_is_gone(&world).await;
    let item = &world.effects().await.scc_events[0];
    for own in ["tips", "mileage", "supplies", "expenses"] {
        assert_eq!((item[own].as_array().map(Vec::len), &item[own]), (Some(1), &logged[own]), "{own} is crew's own");
    }
}

/// What somebody wrote where it must not stand may be all that there is of it.
#[tokio::test]
async fn what_is_taken_out_of_an_event_is_kept_before_it_is_gone() {
    let world = World::start().await;
    world.scc.leak_on_create(true);
    let keeps = |call: &Call| call.request_body.contains("removed#");
    world.traffic.fail_each(keeps, Fault::Answer { status: 503, acted: false, retry_after: None }, 200);
    let answered = world.deliver(&sample()).await;
    assert_eq!((answered.status, &answered.body["state"]), (202, &json!("due")), "{:#}", answered.body);
    let leaked = world.effects().await.scc_events[0]["revenue"].clone();
    assert!(!leaked.is_null(), "what could not be kept is still there");
    assert_eq!(kept_of_what_was_removed(&world).await, [""; 0]);

    world.traffic.heal();
    world.repeat_until_in_step(&sample()).await;
    assert_money_is_gone(&world).await;
    let kept = kept_of_what_was_removed(&world).await;
    for removed in [leaked.to_string(), "captain_fee".to_owned(), "Port-Tax".to_owned()] {
        assert!(kept.iter().any(|kept| kept.contains(&removed)), "{removed}: {kept:?}");
    }
}

async fn kept_of_what_was_removed(world: &World) -> Vec<String> {
    let query = world.cloud.dynamodb.query().table_name(&world.cloud.ledger_table).consistent_read(true);
    let query = query.key_condition_expression("pk = :booking AND begins_with(sk, :removed)");
    let query = query.expression_attribute_values(":booking", AttributeValue::S("booking#BS-1048812".into()));
    let query = query.expression_attribute_values(":removed", AttributeValue::S("removed#".into()));
    let items = query.send().await.expect("an answer").items.unwrap_or_default();
    items.iter().filter_map(|item| item["removed"].as_s().ok().cloned()).collect()
}

/// What `leak_money_into` wrote, at the top, nested, under an odd name and in the notes.
async fn assert_money_is_gone(world: &World) {
    let effects = world.effects().await;
    for item in &effects.scc_events {
        for leaked in [&item["revenue"], &item["Port-Tax"], &item["pay"]["captain_fee"], &item["pay"]["crew_cost"]] {
            assert!(leaked.is_null(), "{item:#}");
        }
        let notes = item["notes"].as_str().expect("notes");
        assert!(notes.contains("Report Fri 30 May 1:00 PM") && !says(notes, "840"), "{notes}");
    }
    let crew_page = http().get(magic_link(&effects)).send().await.expect("an answer").text().await.expect("a page");
    for leaked in ["840.75", "151.34", "captain_fee", "crew_cost"] {
        assert!(!crew_page.contains(leaked), "crew can read {leaked}");
    }
}

/// Whether a text holds an amount by itself: ports, links, ids and fractions of seconds hold any three digits by chance.
pub(crate) fn says(text: &str, amount: &str) -> bool {
    let belongs_to_a_word = |letter: char| letter.is_alphanumeric() || "-_".contains(letter);
    text.match_indices(amount).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + amount.len()..]);
        !before.ends_with(belongs_to_a_word) && !after.starts_with(belongs_to_a_word)
    })
}

/// All that ShipCaptainCrew was ever sent, with the lines of its JSON texts as lines.
fn sent_to_crew(world: &World) -> String {
    let calls = world.traffic.calls_to(Service::Scc).into_iter();
    calls.map(|call| call.request_body.replace("\\n", "\n")).collect()
}

fn http() -> reqwest::Client {
    simulators::aws::loopback_client()
}

fn magic_link(effects: &Effects) -> String {
    effects.mailbox[0].link.clone().expect("a magic link")
}

/// Crew log on their page, in their own words, which look like ours.
async fn log_as_crew(world: &World) {
    let link = magic_link(&world.effects().await);
    let (page, token) = link.split_once("?token=").expect("a token");
    for entry in [
        "kind=tips&amount=40&words=cash%2C+net+of+the+split",
        "kind=mileage&amount=31&words=rate+0.67",
        "kind=supplies&amount=18.50&words=ice%2C+%2418.50",
        "kind=expenses&amount=62&words=gross+weather+gear",
    ] {
        let form = http().post(page).header("content-type", "application/x-www-form-urlencoded");
        let logged = form.body(format!("token={token}&{entry}")).send().await.expect("an answer");
        assert_eq!(logged.status().as_u16(), 303, "{entry}");
    }
}

async fn slip_a_fee_among_the_expenses(world: &World) {
    let mut item = item_of(&world.cloud.dynamodb, &world.cloud.events_table).await;
    let Some(AttributeValue::L(expenses)) = item.get_mut("expenses") else { panic!("crew logged an expense") };
    let fee = HashMap::from([("captain_fee".to_owned(), AttributeValue::N("150".into()))]);
    expenses.insert(0, AttributeValue::M(fee));
    let put = world.cloud.dynamodb.put_item().table_name(&world.cloud.events_table).set_item(Some(item));
    put.send().await.expect("written");
}

/// The newest item of the event, as DynamoDB holds it.
async fn item_of(dynamodb: &Client, table: &str) -> HashMap<String, AttributeValue> {
    let query = dynamodb.query().table_name(table).consistent_read(true).key_condition_expression("event_id = :id");
    let found = query.expression_attribute_values(":id", text(CHARTER_ID)).send().await.expect("a query");
    found.items().last().expect("an item").clone()
}

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

/// More items under the same id, as two creations at once leave them; the numbers make their sort keys.
async fn copied(world: &World, numbers: Range<usize>, change: impl Fn(&mut HashMap<String, AttributeValue>)) {
    let item = item_of(&world.cloud.dynamodb, &world.cloud.events_table).await;
    for number in numbers {
        let mut item = item.clone();
        item.insert("created_timestamp".into(), text(&format!("2031-06-01T00:00:00.{number:06}Z")));
        change(&mut item);
        let put = world.cloud.dynamodb.put_item().table_name(&world.cloud.events_table).set_item(Some(item));
        put.send().await.expect("written");
    }
}

fn with_revenue(item: &mut HashMap<String, AttributeValue>) {
    item.insert("revenue".into(), AttributeValue::N("840.75".into()));
}

#[tokio::test]
async fn every_item_under_the_events_id_is_rid_of_money() {
    let world = World::start().await;
    assert_eq!(world.deliver(&sample()).await.status, 200);
    copied(&world, 1..2, with_revenue).await;
    world.scc.leak_money_into(CHARTER_ID).await.expect("leaked");
    assert_eq!(world.replay().await["state"], "in_step");
    assert_eq!(world.effects().await.scc_events.len(), 2);
    assert_money_is_gone(&world).await;

    copied(&world, 2..30, |_| {}).await;
    copied(&world, 30..31, with_revenue).await;
    assert_eq!(world.replay().await["state"], "in_step", "more than a page of items");
    assert_eq!(world.effects().await.scc_events.len(), 31);
    assert_money_is_gone(&world).await;
}

#[tokio::test]
async fn an_event_whose_items_cannot_all_be_checked_is_not_in_step() {
    let world = World::start().await;
    assert_eq!(world.deliver(&sample()).await.status, 200);
    copied(&world, 0..110, |_| {}).await;
    let replayed = world.replay().await;
    let check = &replayed["steps"]["crew_redaction"];
    assert_eq!((&replayed["state"], &check["state"]), (&json!("due"), &json!("due")), "{replayed:#}");
    assert!(check["detail"].as_str().is_some_and(|detail| detail.contains("more than 100 items")), "{check:#}");
}

#[tokio::test]
async fn a_redaction_does_not_undo_a_concurrent_write() {
    let world = World::start().await;
    assert_eq!(world.deliver(&sample()).await.status, 200);
    world.scc.leak_money_into(CHARTER_ID).await.expect("leaked");
    world.traffic.forget();
    write_before_the_first_update(&world, "Gross: 912.40\nBring the blue net");
    let replayed = world.replay().await;
    assert_eq!(replayed["state"], "in_step", "{replayed:#}");

    let table = &world.cloud.events_table;
    let updates = world.traffic.calls_to(Service::Dynamodb).into_iter().filter(|call| is_update_of(table, call));
    let statuses: Vec<Option<u16>> = updates.map(|call| call.status).collect();
    assert_eq!(statuses, [Some(400), Some(200)], "the condition fails, and what is there now is read");
    let item = &world.effects().await.scc_events[0];
    assert_eq!(item["notes"], "Bring the blue net", "the hand's words stay, its money does not");
    assert!(item["revenue"].is_null() && item["pay"]["captain_fee"].is_null(), "{item:#}");
}

/// Somebody replaces the notes between the function's reading and its writing.
fn write_before_the_first_update(world: &World, notes: &'static str) {
    let (emulator, table) = (world.emulator_url(), world.cloud.events_table.clone());
    let mut written = false;
    let write_first = move |call: &Call| {
        if is_update_of(&table, call) && !written {
            written = true;
            let (emulator, table) = (emulator.clone(), table.clone());
            // A thread with a runtime of its own: this one waits, so that the function's update comes second.
            std::thread::spawn(move || replace_notes(&emulator, &table, notes)).join().expect("written");
        }
        false
    };
    world.traffic.fail_when(write_first, Fault::DropBefore);
}

fn is_update_of(table: &str, call: &Call) -> bool {
    call.service == Service::Dynamodb && call.operation == "UpdateItem" && call.request_body.contains(table)
}

fn replace_notes(emulator: &str, table: &str, notes: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let dynamodb = Client::new(&simulators::aws::sdk_config(emulator));
        let mut item = item_of(&dynamodb, table).await;
        item.insert("notes".into(), text(notes));
        dynamodb.put_item().table_name(table).set_item(Some(item)).send().await.expect("written");
    });
}

#[tokio::test]
async fn contact_data_in_place_of_a_guests_name_does_not_travel() {
    let world = World::start().await;
    world.deliver(&sample_with(json!({ "guest": { "name": "dana@example.com", "locale": "en" } }))).await;
    let effects = world.effects().await;
    assert_eq!(effects.scc_events[0]["guest"]["first_name"], Value::String("Guest".into()));
    assert!(!effects.bucket.iter().any(|object| object.body.contains("example.com")));
    assert!(
        effects.calendar[0]["title"].as_str().is_some_and(|title| title.contains("dana@example.com")),
        "the office sees it whole"
    );
}

#[tokio::test]
async fn a_location_that_is_no_place_is_for_the_office_alone() {
    let world = World::start().await;
    let location = "12 Oak St, gate code 4821#, dana@example.com, $50 parking";
    let answered = world.deliver(&sample_with(json!({ "location": location }))).await;
    assert_eq!((answered.status, &answered.body["flags"]), (200, &json!(["location_withheld"])), "{:#}", answered.body);
    let effects = world.effects().await;
    assert!(
        effects.calendar[0]["notes"].as_str().is_some_and(|notes| notes.contains(location)),
        "the office reads it whole"
    );
    let read_by_crew = serde_json::to_string(&effects.scc_events).expect("JSON");
    for object in &effects.bucket {
        for withheld in ["Oak", "4821#", "dana@", "$50"] {
            assert!(!object.body.contains(withheld) && !read_by_crew.contains(withheld), "{withheld}: {}", object.key);
        }
    }
}

#[tokio::test]
async fn crew_are_told_that_a_part_of_the_guests_notes_is_held_back() {
    let world = World::start().await;
    let notes = "anniversary\nTwo of us are allergic to nuts. Can we pay the captain a $50 tip?";
    let answered = world.deliver(&sample_with(json!({ "id": "NET-289", "notes": notes }))).await;
    assert_eq!((answered.status, &answered.body["flags"]), (200, &json!(["notes_withheld"])), "{:#}", answered.body);
    let effects = world.effects().await;
    let read_by_crew = effects.scc_events[0]["notes"].as_str().expect("notes");
    let allergy =
        "Guest: “anniversary”\nGuest: “Two of us are allergic to nuts.”\nThe office has more of the guest's notes\n";
    assert!(
        read_by_crew.starts_with(&format!("{allergy}Report Fri 30 May 1:00 PM, released 6:00 PM\n")),
        "{read_by_crew}"
    );
    assert!(read_by_crew.contains("\nBoatsetter booking ref: NET-289 · calendar cal_"), "{read_by_crew}");
    let read_by_office = effects.calendar[0]["notes"].as_str().expect("notes");
    assert!(
        read_by_office.contains("\nCHECK: crew do not see \"Can we pay the captain a $50 tip?\"\n"),
        "{read_by_office}"
    );
}

/// Each place where a sender can write, with something that is nobody's to read.
#[tokio::test]
async fn no_text_from_outside_brings_money_codes_or_contacts() {
    let world = World::start().await;
    let told = json!({
        "boat": { "id": "sunset", "name": "Sunset Special $275/hr, gate code 4821" },
        "location": "call 619-555-0123",
        "guest": { "name": "https://evil.example\u{202e} Dana", "locale": "es" },
        "notes": "Shellfish allergy.\nWrite dana@example.com, the code is 4821.",
    });
    let answered = world.deliver(&sample_with(told)).await;
    let flags = json!(["boat_name_withheld", "location_withheld", "notes_withheld", "guest_name_withheld"]);
    assert_eq!((answered.status, &answered.body["flags"]), (200, &flags), "{:#}", answered.body);
    let effects = world.effects().await;
    let read_by_crew = format!("{}{:?}", json!(effects.scc_events), effects.mailbox);
    let published: String = effects.bucket.iter().map(|object| object.body.clone()).collect();
    for withheld in ["275", "4821", "619-555-0123", "evil", "\u{202e}", "dana@"] {
        assert!(!read_by_crew.contains(withheld), "{withheld}: {read_by_crew}");
        assert!(!published.contains(withheld), "{withheld}");
    }
    assert!(read_by_crew.contains("Shellfish allergy.") && published.contains("sunset"), "{read_by_crew}");
    let read_by_office = effects.calendar[0]["notes"].as_str().expect("notes");
    for whole in
        ["Sunset Special $275/hr, gate code 4821", "call 619-555-0123", "https://evil.example", "dana@example.com"]
    {
        assert!(read_by_office.contains(whole), "{whole}: {read_by_office}");
    }
}

#[tokio::test]
async fn money_in_any_text_or_set_is_taken_out_and_kept() {
    let world = World::start().await;
    assert_eq!(world.deliver(&sample()).await.status, 200);
    copied(&world, 1..2, |item| {
        let remarks = ["net on deck", "gross 840.75"].map(String::from).to_vec();
        item.insert("remarks".into(), AttributeValue::Ss(remarks));
        item.insert("rates".into(), AttributeValue::Ns(vec!["25".into(), "50".into()]));
        let deep = HashMap::from([("said".to_owned(), text("Bring ice. Owner keeps $289.41."))]);
        item.insert("log".into(), AttributeValue::L(vec![AttributeValue::M(deep)]));
    })
    .await;
    assert_eq!(world.replay().await["state"], "in_step");
    let item = item_of(&world.cloud.dynamodb, &world.cloud.events_table).await;
    assert_eq!(item["remarks"], AttributeValue::Ss(vec!["net on deck".into()]));
    assert_eq!(item["log"].as_l().expect("a list")[0].as_m().expect("a map")["said"], text("Bring ice."));
    assert!(!item.contains_key("rates"));
    let kept: String = kept_of_what_was_removed(&world).await.concat();
    for preserved in ["gross 840.75", "\"NS\"", "\"SS\"", "Owner keeps $289.41."] {
        assert!(kept.contains(preserved), "{preserved}: {kept}");
    }
}

/// The table of another stage, say: nobody has looked at what crew read.
#[tokio::test]
async fn a_table_without_the_event_was_not_checked() {
    let world = World::start().await;
    assert_eq!(world.deliver(&sample()).await.status, 200);
    let item = item_of(&world.cloud.dynamodb, &world.cloud.events_table).await;
    let delete = world.cloud.dynamodb.delete_item().table_name(&world.cloud.events_table);
    let delete = delete.key("event_id", item["event_id"].clone());
    delete.key("created_timestamp", item["created_timestamp"].clone()).send().await.expect("deleted");
    let replayed = world.replay().await;
    let check = &replayed["steps"]["crew_redaction"];
    assert_eq!((&replayed["state"], &check["state"]), (&json!("due"), &json!("due")), "{replayed:#}");
    assert!(check["detail"].as_str().is_some_and(|detail| detail.contains("no item of event")), "{check:#}");
}

#[tokio::test]
async fn a_manual_entry_keeps_the_same_rules() {
    let world = World::start().await;
    let entered = world.invoke(&json!({ "booking": sample()["data"]["booking"] })).await.expect("an answer");
    assert_eq!(entered.payload["state"], "in_step", "{:#}", entered.payload);
    let sent = sent_to_crew(&world);
    assert!(!says(&sent, "840"), "{sent}");
}
