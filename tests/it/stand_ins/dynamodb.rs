//! Two emulators that share no code, held against each other in what a ledger asks of DynamoDB.
//!
//! A condition is only as good as the emulator that it was proved on. What both do is taken for DynamoDB's behaviour;
//! where they part, the last check says who is wrong, and goes red when an upgrade mends it.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    Client,
    error::SdkError,
    operation::{
        put_item::PutItemError,
        update_item::{UpdateItemError, UpdateItemOutput, builders::UpdateItemFluentBuilder},
    },
    types::{
        AttributeValue, ConsumedCapacity, KeysAndAttributes, ReturnConsumedCapacity, ReturnValue,
        ReturnValuesOnConditionCheckFailure, Select,
    },
};
use futures::future::join_all;
use rehearsal::{Options, Rehearsal};
use simulators::{
    aws::sdk_config,
    dynamodb::{DynamoDb, DynamoDbKind},
    emulator::Emulator,
    template::Table,
};

type Item = HashMap<String, AttributeValue>;

const CLAIM: &str = "SET holder = :holder, lease_until = :until, due = :due, due_at = :until ADD fence :one";
const UNLEASED: &str = "attribute_not_exists(lease_until) OR lease_until < :now";

/// Each check, on each emulator, on a ledger of its own.
macro_rules! on_both {
    ($($check:ident),+ $(,)?) => {
        mod ministack {
            $(#[tokio::test] async fn $check() { super::$check(&super::Ledger::in_ministack().await).await; })+
        }
        mod dynoxide {
            $(#[tokio::test] async fn $check() { super::$check(&super::Ledger::in_dynoxide().await).await; })+
        }
    };
}

on_both!(
    a_put_if_absent_holds_once_and_hands_back_what_is_there,
    a_claim_counts_up_and_hands_back_the_item_as_it_was,
    a_condition_on_a_missing_item_creates_nothing,
    of_many_claims_at_once_one_wins_and_no_count_is_lost,
    lists_and_maps_change_in_place,
    an_item_is_due_only_while_it_has_both_keys_of_the_index,
    only_the_table_reads_consistently,
    capacity_is_told_by_table_and_index,
    they_part_where_we_know,
);

struct Ledger {
    client: Client,
    name: String,
    kind: DynamoDbKind,
    _dynoxide: Option<DynamoDb>,
}

impl Ledger {
    async fn in_ministack() -> Self {
        let emulator = Emulator::shared().await.expect("ministack starts");
        Self::at(&emulator.url(), DynamoDbKind::Ministack, None).await
    }

    async fn in_dynoxide() -> Self {
        let dynoxide = DynamoDb::start().await.expect("a free port");
        Self::at(&dynoxide.url(), DynamoDbKind::Dynoxide, Some(dynoxide)).await
    }

    async fn at(url: &str, kind: DynamoDbKind, dynoxide: Option<DynamoDb>) -> Self {
        let (client, name) = (Client::new(&sdk_config(url)), format!("ledger-{:08x}", rand::random::<u32>()));
        Table::in_template("Ledger").create(&client, &name).await.expect("a table");
        Self { client, name, kind, _dynoxide: dynoxide }
    }

    fn update(&self, pk: &str, expression: &str) -> UpdateItemFluentBuilder {
        let update = self.client.update_item().table_name(&self.name).set_key(Some(key(pk)));
        update
            .update_expression(expression)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .return_consumed_capacity(ReturnConsumedCapacity::Indexes)
    }

    fn claim(&self, pk: &str, holder: &str, now: i64, until: i64) -> UpdateItemFluentBuilder {
        self.update(pk, CLAIM)
            .condition_expression(UNLEASED)
            .expression_attribute_values(":holder", s(holder))
            .expression_attribute_values(":now", n(now))
            .expression_attribute_values(":until", n(until))
            .expression_attribute_values(":due", s("due"))
            .expression_attribute_values(":one", n(1))
            .return_values(ReturnValue::AllOld)
    }

    async fn get(&self, pk: &str) -> Option<Item> {
        let get = self.client.get_item().table_name(&self.name).set_key(Some(key(pk))).consistent_read(true);
        get.send().await.expect("an answer").item
    }

    /// The partition keys of what is due by `now`, earliest first.
    async fn due(&self, now: i64) -> Vec<String> {
        let query = self.client.query().table_name(&self.name).index_name("due");
        let query = query.key_condition_expression("due = :due AND due_at <= :now");
        let query = query.expression_attribute_values(":due", s("due")).expression_attribute_values(":now", n(now));
        let items = query.send().await.expect("an answer").items.unwrap_or_default();
        assert!(items.iter().all(|item| item.len() == 4), "keys of table and index only: {items:?}");
        items.iter().map(|item| item["pk"].as_s().expect("text").clone()).collect()
    }
}

fn s(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

fn n(number: i64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

fn key(pk: &str) -> Item {
    [("pk", s(pk)), ("sk", s("booking"))].map(|(name, value)| (name.to_owned(), value)).into()
}

/// The item that the condition met.
fn refused_for_its_condition(error: SdkError<UpdateItemError>) -> Option<Item> {
    match error.into_service_error() {
        UpdateItemError::ConditionalCheckFailedException(refused) => refused.item,
        other => panic!("it is refused, but not for its condition: {other}"),
    }
}

/// The units of the table, and of the index.
fn units(consumed: Option<ConsumedCapacity>) -> (f64, f64) {
    let consumed = consumed.expect("told");
    let table = consumed.table().and_then(|table| table.capacity_units()).unwrap_or_default();
    let indexes = consumed.global_secondary_indexes();
    let index = indexes.and_then(|indexes| indexes.get("due")).and_then(|index| index.capacity_units());
    (table, index.unwrap_or_default())
}

async fn a_put_if_absent_holds_once_and_hands_back_what_is_there(ledger: &Ledger) {
    let put = |booking: &str| {
        let put = ledger.client.put_item().table_name(&ledger.name).set_item(Some(key("charter#1")));
        put.item("booking", s(booking))
            .condition_expression("attribute_not_exists(pk) OR booking = :booking")
            .expression_attribute_values(":booking", s(booking))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
    };
    put("BS-1").await.expect("absent");
    put("BS-1").await.expect("ours");
    let PutItemError::ConditionalCheckFailedException(refused) =
        put("BS-2").await.expect_err("another's").into_service_error()
    else {
        panic!("it is refused for its condition")
    };
    assert_eq!(refused.item.expect("handed back")["booking"], s("BS-1"));
    assert_eq!(ledger.get("charter#1").await.expect("there")["booking"], s("BS-1"));
}

async fn a_claim_counts_up_and_hands_back_the_item_as_it_was(ledger: &Ledger) {
    let first = ledger.claim("b", "one", 100, 200).send().await.expect("unleased").attributes;
    assert!(!first.unwrap_or_default().contains_key("fence"), "there was none");

    let leased = ledger.claim("b", "two", 150, 250).send().await.expect_err("leased");
    let held = refused_for_its_condition(leased).expect("handed back");
    assert_eq!((&held["holder"], &held["fence"], &held["lease_until"]), (&s("one"), &n(1), &n(200)));

    let before = ledger.claim("b", "two", 201, 300).send().await.expect("expired").attributes.expect("handed back");
    assert_eq!((&before["holder"], &before["fence"]), (&s("one"), &n(1)));
    let now = ledger.get("b").await.expect("there");
    assert_eq!((&now["holder"], &now["fence"]), (&s("two"), &n(2)));
}

async fn a_condition_on_a_missing_item_creates_nothing(ledger: &Ledger) {
    let release = ledger.update("nobody", "REMOVE due").condition_expression("fence = :fence");
    let refused = release.expression_attribute_values(":fence", n(1)).send().await.expect_err("there is no fence");
    assert_eq!(refused_for_its_condition(refused), None);
    assert_eq!(ledger.get("nobody").await, None);
}

async fn of_many_claims_at_once_one_wins_and_no_count_is_lost(ledger: &Ledger) {
    let claims = (0..32).map(|number| ledger.claim("b", &format!("holder {number}"), 100, 200).send());
    assert_eq!(join_all(claims).await.into_iter().filter(Result::is_ok).count(), 1);

    let counts = (0..32).map(|_| ledger.update("b", "ADD seq :one").expression_attribute_values(":one", n(1)).send());
    assert!(join_all(counts).await.iter().all(Result::is_ok));
    let booking = ledger.get("b").await.expect("there");
    assert_eq!((&booking["fence"], &booking["seq"]), (&n(1), &n(32)));
}

async fn lists_and_maps_change_in_place(ledger: &Ledger) {
    let empty = || AttributeValue::M(HashMap::new());
    let create = ledger.update("b", "SET steps = :steps, flags = :none");
    let create = create.expression_attribute_values(":steps", AttributeValue::M([("calendar".into(), empty())].into()));
    create.expression_attribute_values(":none", AttributeValue::L(vec![])).send().await.expect("new");

    let journal = "SET steps.calendar.dates = list_append(if_not_exists(steps.calendar.dates, :none), :date), \
                   steps.guest_page = if_not_exists(steps.guest_page, :empty), flags = list_append(flags, :date) \
                   ADD steps.calendar.attempts :one";
    for date in ["2025-05-30", "2025-06-01"] {
        let journal = ledger.update("b", journal).condition_expression("attribute_exists(steps.calendar)");
        let journal = journal
            .expression_attribute_values(":none", AttributeValue::L(vec![]))
            .expression_attribute_values(":date", AttributeValue::L(vec![s(date)]))
            .expression_attribute_values(":empty", empty())
            .expression_attribute_values(":one", n(1));
        journal.send().await.expect("the map is there");
    }
    let removed = ledger.update("b", "REMOVE flags[0]").return_values(ReturnValue::AllNew).send().await;
    let booking = removed.expect("it is there").attributes.expect("handed back");
    let calendar = booking["steps"].as_m().expect("a map")["calendar"].as_m().expect("a map");
    let dates = AttributeValue::L(vec![s("2025-05-30"), s("2025-06-01")]);
    assert_eq!((&calendar["dates"], &calendar["attempts"]), (&dates, &n(2)));
    assert_eq!(booking["flags"], AttributeValue::L(vec![s("2025-06-01")]));

    let orphan = ledger.update("b", "SET steps.crew_event.attempts = :one").expression_attribute_values(":one", n(1));
    let error = orphan.send().await.expect_err("no path leads there").into_service_error();
    assert_eq!(error.meta().code(), Some("ValidationException"));
}

async fn an_item_is_due_only_while_it_has_both_keys_of_the_index(ledger: &Ledger) {
    for (booking, until) in [("later", 300), ("sooner", 200), ("much later", 900)] {
        ledger.claim(booking, "one", 100, until).send().await.expect("unleased");
    }
    ledger.update("never", "SET due = :due").expression_attribute_values(":due", s("due")).send().await.expect("half");
    assert_eq!(ledger.due(300).await, ["sooner", "later"]);

    let release = ledger.update("sooner", "REMOVE due, due_at, lease_until").condition_expression("fence = :fence");
    release.expression_attribute_values(":fence", n(1)).send().await.expect("ours");
    assert_eq!(ledger.due(300).await, ["later"]);
    let postpone = ledger.update("later", "SET due_at = :at").expression_attribute_values(":at", n(950));
    postpone.send().await.expect("it is there");
    assert_eq!(ledger.due(999).await, ["much later", "later"]);
    ledger.claim("sooner", "two", 400, 500).send().await.expect("released");
    assert_eq!(ledger.due(999).await, ["sooner", "much later", "later"]);

    let wrong = ledger.update("later", "SET due_at = :at").expression_attribute_values(":at", s("soon"));
    let error = wrong.send().await.expect_err("the index wants a number").into_service_error();
    assert_eq!(error.meta().code(), Some("ValidationException"));
}

async fn only_the_table_reads_consistently(ledger: &Ledger) {
    for number in 1..=20 {
        let count = ledger.update("b", "ADD seq :one").expression_attribute_values(":one", n(1));
        count.send().await.expect("it counts");
        assert_eq!(ledger.get("b").await.expect("there")["seq"], n(number));
    }
    let query = ledger.client.query().table_name(&ledger.name).consistent_read(true);
    let query = query.expression_attribute_values(":key", s("b"));
    let table = query.clone().key_condition_expression("pk = :key").send().await.expect("an answer");
    assert_eq!(table.items()[0]["seq"], n(20));
    let index = query.index_name("due").key_condition_expression("due = :key").send().await;
    let error = index.expect_err("an index lags behind").into_service_error();
    assert_eq!(error.meta().code(), Some("ValidationException"));
}

async fn capacity_is_told_by_table_and_index(ledger: &Ledger) {
    let told = |output: UpdateItemOutput| units(output.consumed_capacity);
    let claim = |now, until| ledger.claim("b", "one", now, until).send();
    assert_eq!(told(claim(100, 200).await.expect("unleased")), (1.0, 1.0), "the index gains an entry");
    assert_eq!(told(claim(300, 400).await.expect("expired")), (1.0, 2.0), "an entry moves: out and in");
    let five_kilobytes =
        ledger.update("b", "SET note = :note").expression_attribute_values(":note", s(&"x".repeat(4_500)));
    assert_eq!(told(five_kilobytes.send().await.expect("it fits")), (5.0, 0.0), "the index does not change");
    let seq = ledger.update("b", "ADD seq :one").expression_attribute_values(":one", n(1));
    assert_eq!(told(seq.send().await.expect("it counts")), (5.0, 0.0), "a small change costs the whole item");
    let release = ledger.update("b", "REMOVE due, due_at, note").send().await.expect("it is there");
    assert_eq!(told(release), (5.0, 1.0), "the larger of before and after; the index loses an entry");

    let get = ledger.client.get_item().table_name(&ledger.name).set_key(Some(key("b")));
    let get = get.return_consumed_capacity(ReturnConsumedCapacity::Indexes);
    let consistent = get.clone().consistent_read(true).send().await.expect("an answer");
    assert_eq!(units(consistent.consumed_capacity), (1.0, 0.0));
    assert_eq!(units(get.send().await.expect("an answer").consumed_capacity), (0.5, 0.0));
}

/// What must not be built on, since only one of the two does it as AWS documents it.
async fn they_part_where_we_know(ledger: &Ledger) {
    let dynoxide = ledger.kind == DynamoDbKind::Dynoxide;

    // There was no item, so there is nothing to hand back; dynoxide hands back the key. Ask for `fence`, not for an item.
    let fresh = ledger.claim("b", "one", 100, 200).send().await.expect("unleased").attributes;
    assert_eq!(fresh, dynoxide.then(|| key("b")), "ALL_OLD of what was not there");

    // AWS refuses both; ministack does one of the two, or destroys the map.
    for overlap in ["SET note = :note REMOVE note", "SET steps.calendar = :note, steps = :note"] {
        let steps = ledger.update("b", "SET steps = :steps");
        steps
            .expression_attribute_values(":steps", AttributeValue::M(HashMap::new()))
            .send()
            .await
            .expect("it is there");
        let overlapping = ledger.update("b", overlap).expression_attribute_values(":note", s("note")).send().await;
        assert_eq!(overlapping.is_err(), dynoxide, "{overlap}");
    }

    // AWS refuses it, for the index has keys only; ministack answers with the keys.
    let query = ledger.client.query().table_name(&ledger.name).index_name("due").select(Select::AllAttributes);
    let query = query.key_condition_expression("due = :due").expression_attribute_values(":due", s("due"));
    assert_eq!(query.send().await.is_err(), dynoxide, "all attributes from an index of keys");

    // AWS tells; ministack does not.
    let keys = KeysAndAttributes::builder().keys(key("b")).build().expect("keys");
    let batch = ledger.client.batch_get_item().request_items(&ledger.name, keys);
    let batch = batch.return_consumed_capacity(ReturnConsumedCapacity::Total).send().await.expect("an answer");
    assert_eq!(!batch.consumed_capacity().is_empty(), dynoxide, "the capacity of a batch");

    let backups = ledger.client.describe_continuous_backups().table_name(&ledger.name).send().await;
    assert_eq!(backups.is_err(), dynoxide, "backups");
}

#[tokio::test]
async fn the_tables_of_a_rehearsal_lie_where_its_options_say() {
    for kind in [DynamoDbKind::Ministack, DynamoDbKind::Dynoxide] {
        let rehearsal = Rehearsal::start(Options { dynamodb: kind, ..Options::default() }).await.expect("it starts");
        let ministack = Client::new(&sdk_config(&rehearsal.emulator_url()));
        let ledger = ministack.describe_table().table_name(&rehearsal.cloud.ledger_table).send().await;
        assert_eq!(ledger.is_ok(), kind == DynamoDbKind::Ministack);

        let gateway = sdk_config(&rehearsal.aws_gateway_url());
        for table in [&rehearsal.cloud.ledger_table, &rehearsal.cloud.events_table] {
            Client::new(&gateway).describe_table().table_name(table).send().await.expect("through the gateway");
        }
        rehearsal.secret("webhook").await.expect("all else is where it was");
        assert!(rehearsal.effects().await.expect("a world").is_empty());
    }
}
