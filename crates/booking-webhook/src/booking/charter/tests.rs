use super::*;
use crate::booking::{BoatReference, Guest};

const BOATS: &str = r#"
[[boats]]
id = "qosd"
name = "Queen of San Diego"
capacity = 9
[boats.meeting_point]
name = "Harbor Island, guest dock"
address = "1880 Harbor Island Drive"
map_url = "https://example.com/map"
[[boats]]
id = "jada"
name = "Jada"
aliases = ["qosd"]
"#;

fn operator() -> Operator {
    toml::from_str(BOATS).expect("valid")
}

fn sale() -> Sale {
    Sale { location: Some("Coronado".into()), ..Sale::example() }
}

fn on(id: &str, name: &str) -> Sale {
    Sale { boat: BoatReference { id: id.into(), name: name.into() }, ..sale() }
}

fn at(location: &str) -> Sale {
    Sale { location: Some(location.into()), ..sale() }
}

fn called(name: &str) -> Sale {
    Sale { guest: Guest { name: name.into(), locale: "en".into() }, ..sale() }
}

fn confirmed(sale: Sale, operator: &Operator) -> Booking {
    let terms = Terms::resolve(&sale.boat, &sale.assigned, operator).expect("crew and captain are named");
    let booking_id = BookingId::parse("BS-1048812").expect("valid");
    let id = CharterId::derive(b"link-key", &booking_id);
    Booking::assemble(booking_id, sale, terms, operator, id)
}

/// What is wrong with a booking, in the office's words; and what crew and guests read in place of it.
#[test]
fn a_person_hears_of_what_looks_wrong() {
    let twice = Sale { start_is_ambiguous: true, ..sale() };
    let party = |party_size| Sale { party_size, ..sale() };
    let shown = ["Queen of San Diego", "Coronado", "Dana"];
    let dock = "Harbor Island, guest dock";
    for (sale, words, read) in [
        (sale(), vec![], shown),
        (party(8), vec![], shown),
        (party(9), vec!["9 guests, room for 8"], shown),
        (
            twice,
            vec!["the clocks go back that night and this start comes twice; the first was taken: ask the guest"],
            shown,
        ),
        (on("jada", "Jada"), vec![], ["Jada", "Coronado", "Dana"]),
        (
            on("qosd", "Jada"),
            vec!["the boat's id says Queen of San Diego, its name says Jada: the id was taken"],
            shown,
        ),
        (
            on("other", "The Other"),
            vec!["the operator file has no boat \"The Other\""],
            ["The Other", "Coronado", "Dana"],
        ),
        (
            on("slip-9", "Gate code 4821, slip 9"),
            vec![
                "the operator file has no boat \"Gate code 4821, slip 9\"",
                "crew and guest do not see the boat's name \"Gate code 4821, slip 9\", they see \"slip-9\"",
            ],
            ["slip-9", "Coronado", "Dana"],
        ),
        (
            on("$275/hr", "$275/hr"),
            vec![
                "the operator file has no boat \"$275/hr\"",
                "crew and guest do not see the boat's name \"$275/hr\", they see \"your boat\"",
            ],
            ["your boat", "Coronado", "Dana"],
        ),
        (on("qosd", "Sunset Special $275/hr"), vec![], shown),
        (
            at("PIN 4821"),
            vec!["crew and guest do not see the location \"PIN 4821\", they see \"Harbor Island, guest dock\""],
            ["Queen of San Diego", dock, "Dana"],
        ),
        (at(dock), vec![], ["Queen of San Diego", dock, "Dana"]),
        (
            called("dana@example.com"),
            vec!["crew and guest page say \"Guest\": \"dana@example.com\" is no name to show"],
            ["Queen of San Diego", "Coronado", "Guest"],
        ),
        (called("Whitfield, Dana"), vec![], shown),
    ] {
        let label = format!("{:?} {:?}", sale.boat, sale.location);
        let booking = confirmed(sale, &operator());
        let flags: Vec<String> = booking.flags.iter().map(Flag::words).collect();
        assert_eq!(flags, words, "{label}");
        let charter = &booking.charter;
        let place = charter.place.as_ref().map(Place::name).unwrap_or_default();
        assert_eq!([&*charter.boat.name, place, &*charter.guest_first_name], read, "{label}");
    }
    let nowhere = confirmed(Sale { location: Some("PIN 4821".into()), ..on("jada", "Jada") }, &operator());
    assert_eq!(nowhere.charter.place, None);
    assert_eq!(nowhere.flags[0].words(), "crew and guest do not see the location \"PIN 4821\", nor any other");
}

#[test]
fn without_an_operator_file_boats_are_called_as_they_come() {
    let booking = confirmed(on("other", "The Other"), &Operator::default());
    assert_eq!((booking.flags, &*booking.charter.boat.name), (vec![], "The Other"));
    let unnamed: Operator = toml::from_str("[[boats]]\nid = \"qosd\"").expect("valid");
    let booking = confirmed(sale(), &unnamed);
    assert_eq!((booking.flags, &*booking.charter.boat.name), (vec![], "Queen of San Diego"));
}

#[test]
fn a_boat_taken_out_of_the_file_is_still_known() {
    let terms = Terms::resolve(&sale().boat, &sale().assigned, &operator()).expect("all are named");
    let booking_id = BookingId::parse("BS-1048812").expect("valid");
    let id = CharterId::derive(b"link-key", &booking_id);
    let without: Operator = toml::from_str("[[boats]]\nid = \"jada\"\nname = \"Jada\"").expect("valid");
    let sale = Sale { location: None, boat: BoatReference { id: "qosd".into(), name: "qosd".into() }, ..sale() };
    let charter = Booking::assemble(booking_id, sale, terms, &without, id).charter;
    assert_eq!(&*charter.boat.name, "Queen of San Diego");
    assert_eq!(charter.place.as_ref().map(Place::name), Some("Harbor Island, guest dock"));
}

#[test]
fn an_allergy_beside_a_tip_reaches_the_crew() {
    let notes =
        "anniversary\nTwo of us are allergic to nuts. Can we pay the captain a $50 tip? Bring ice.\nWe paid 840.75";
    let booking = confirmed(Sale { notes: notes.into(), ..sale() }, &operator());
    let lines: Vec<&str> = booking.charter.crew_notes.iter().map(|line| &**line).collect();
    assert_eq!(lines, ["anniversary", "Two of us are allergic to nuts. Bring ice."]);
    assert!(booking.charter.crew_notes_withheld);
    let words: Vec<String> = booking.flags.iter().map(Flag::words).collect();
    assert_eq!(words, ["crew do not see \"Can we pay the captain a $50 tip?\", \"We paid 840.75\""]);
    assert_eq!(booking.office.guest_notes, notes, "the office reads them whole");
}

#[test]
fn notes_that_are_cut_show_it() {
    let cut = format!("{}{NOTES_ARE_CUT}", "ñ".repeat(1_900));
    let booking = confirmed(Sale { notes: cut, ..sale() }, &operator());
    assert_eq!(booking.flags, [Flag::NotesCut]);
    assert!(booking.charter.crew_notes[0].ends_with("[cut here: the guest wrote more]"), "crew see it, too");
}

#[test]
fn answers_and_logs_only_name_a_flag() {
    let booking = confirmed(at("PIN 4821"), &operator());
    assert_eq!(format!("{:?}", booking.flags), "[location_withheld]");
    assert_eq!(serde_json::to_string(&booking.flags).expect("JSON"), "[\"location_withheld\"]");
}

#[test]
fn a_formatted_charter_holds_nothing_personal_and_no_money() {
    let formatted = format!("{:?}", confirmed(sale(), &Operator::default()));
    assert!(formatted.contains("BS-1048812") && formatted.contains("crew-1"), "{formatted}");
    for withheld in ["Dana", "Whitfield", "anniversary", "Coronado", "840", "289"] {
        assert!(!formatted.contains(withheld), "{withheld}: {formatted}");
    }
}
