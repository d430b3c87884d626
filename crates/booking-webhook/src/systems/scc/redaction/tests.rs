use super::*;

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.into())
}

fn number(value: &str) -> AttributeValue {
    AttributeValue::N(value.into())
}

fn map<const N: usize>(entries: [(&str, AttributeValue); N]) -> AttributeValue {
    AttributeValue::M(item(entries))
}

fn item<const N: usize>(entries: [(&str, AttributeValue); N]) -> Item {
    entries.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn found(item: &Item) -> Vec<String> {
    find_money(item, &Operator::default()).iter().map(Finding::path).collect()
}

#[test]
fn money_goes_at_any_depth() {
    let leaky = item([
        ("event_id", text("XHQGMDH1")),
        ("revenue", number("840.75")),
        ("Port-Tax", number("151.34")),
        ("pay", map([("captain_fee", number("150")), ("crewCost", number("250")), ("currency", text("USD"))])),
        ("legs", AttributeValue::L(vec![map([("port", text("San Diego")), ("payout", number("1"))])])),
        ("expenses", map([("crew", number("250")), ("captain", number("150")), ("port_tax", number("151.34"))])),
        ("notes", text("Boatsetter booking ref: BS-1 · Report 1:00 PM\nGross: $840.75\nPier 5")),
    ]);
    let expected = ["Port-Tax", "expenses", "legs[0].payout", "notes", "pay.captain_fee", "pay.crewCost", "revenue"];
    assert_eq!(found(&leaky), expected);
}

#[test]
fn a_statement_among_crews_entries_goes_alone() {
    let entry =
        |amount| map([("by", text("crew-1")), ("amount", number(amount)), ("words", text("gross weather gear"))]);
    let statement = || map([("captain_fee", number("150"))]);
    let leaky = item([
        (
            "expenses",
            AttributeValue::L(vec![entry("62"), statement(), entry("18.50"), map([("crewCosts", number("1"))])]),
        ),
        ("supplies", map([("ice", number("18.50")), ("more", AttributeValue::L(vec![statement()]))])),
        ("tips", statement()),
        (
            "mileage",
            map([("rate_per_mile", number("0.67")), ("net", number("31")), ("legs", AttributeValue::L(vec![]))]),
        ),
    ]);
    assert_eq!(found(&leaky), ["expenses[1]", "expenses[3]", "supplies.more[0]", "tips"]);
    let update = update(&find_money(&leaky, &Operator::default()));
    assert_eq!(update.expression, "REMOVE #n0[1], #n1[3], #n2.#n3[0], #n4");
}

#[test]
fn what_is_crews_own_stays_and_so_do_everyday_words() {
    let innocent = item([
        ("notes", text("Meet at Pier 5, net on deck")),
        ("tips", AttributeValue::L(vec![map([("amount", number("40")), ("by", text("crew-1"))])])),
        ("mileage", map([("miles", number("31")), ("rate", number("0.67"))])),
        ("supplies", AttributeValue::L(vec![map([("what", text("ice")), ("amount", number("18.50"))])])),
        ("expenses", AttributeValue::L(vec![map([("what", text("fuel dock")), ("amount", number("62"))])])),
        ("checklist", AttributeValue::L(vec![text("Nets stowed")])),
        ("duration_hours", number("3")),
        ("network", text("marina wifi")),
        ("rating", number("5")),
    ]);
    assert_eq!(found(&innocent), [] as [&str; 0]);
}

#[test]
fn an_everyday_label_alone_takes_nothing_from_crew() {
    let ticked = || AttributeValue::Bool(true);
    let innocent = item([
        ("ticks", map([("Nets stowed", ticked()), ("Ice", ticked())])),
        (
            "expenses",
            AttributeValue::L(vec![map([("what", text("fuel")), ("amount", number("62")), ("gross", number("62"))])]),
        ),
        ("mileage", map([("miles", number("31")), ("rate_usd", number("0.67"))])),
    ]);
    assert_eq!(found(&innocent), [] as [&str; 0]);

    let leaky = item([
        ("net", number("289.41")),
        ("revenue", ticked()),
        ("expenses", map([("gross", number("840.75")), ("crew", number("250")), ("Net", number("289.41"))])),
    ]);
    assert_eq!(found(&leaky), ["expenses", "net"], "a tick states no amount");
}

#[test]
fn the_update_holds_only_while_the_item_is_what_was_read() {
    let leaky = item([("revenue", number("840.75")), ("notes", text("Pier 5\nnet 289.41"))]);
    let update = update(&find_money(&leaky, &Operator::default()));
    assert_eq!(update.expression, "SET #n0 = :kept0 REMOVE #n1");
    assert_eq!(update.condition, "#n0 = :read0 AND #n1 = :read1");
    assert_eq!(update.values[":kept0"], text("Pier 5"));
    assert_eq!((update.names["#n0"].as_str(), update.names["#n1"].as_str()), ("notes", "revenue"));
}
