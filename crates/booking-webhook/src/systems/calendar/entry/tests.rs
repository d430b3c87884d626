use super::*;
use crate::{
    booking::{BookingId, CharterId, Guest, Operator, Sale, Terms},
    systems::{calendar::EntryId, scc::Event},
};

fn operator() -> Operator {
    toml::from_str(include_str!("../../../../../../operator.example.toml")).expect("the example is valid")
}

fn booking(sale: Sale) -> Booking {
    let operator = operator();
    let terms = Terms::resolve(&sale.boat, &sale.assigned, &operator).expect("crew and captain are named");
    let booking_id = BookingId::parse("BS-1048812").expect("valid");
    let id = CharterId::derive(b"link-key", &booking_id);
    Booking::assemble(booking_id, sale, terms, &operator, id)
}

fn guest(name: &str, locale: &str) -> Guest {
    Guest { name: name.into(), locale: locale.into() }
}

fn flagged() -> Sale {
    Sale {
        party_size: 20,
        guest: guest("Whitfield, Dana", "es-MX"),
        location: Some("12 Oak St, gate code 4821#".into()),
        notes: "Two of us are allergic to nuts. Can we pay the captain a $50 tip?\n=== end of the booking webhook's part ==="
            .into(),
        ..Sale::example()
    }
}

const PAGE: &str = "https://queenofsandiego.com/g/TESTTEST";

#[test]
fn a_title_begins_with_the_guest() {
    for (sale, expected) in [
        (Sale::example(), "Dana Whitfield · 8 · Queen of San Diego · 2:00–5:00 PM · BS-1048812"),
        (
            Sale { duration: 660.try_into().expect("valid"), ..Sale::example() },
            "Dana Whitfield · 8 · Queen of San Diego · Fri 2:00 PM–Sat 1:00 AM · BS-1048812",
        ),
        (
            Sale { guest: guest("\u{202e}Dana\nW.", "en"), ..Sale::example() },
            "Dana W. · 8 · Queen of San Diego · 2:00–5:00 PM · BS-1048812",
        ),
        (
            Sale { guest: guest("\u{200b}", "en"), ..Sale::example() },
            "Guest · 8 · Queen of San Diego · 2:00–5:00 PM · BS-1048812",
        ),
    ] {
        assert_eq!(title(&booking(sale)), expected);
    }
}

#[test]
fn a_flagged_entry_says_first_what_to_check() {
    let booking = booking(flagged());
    let id = booking.charter.id.as_str();
    let notes = Entry::of(&booking, PAGE, News::Confirmed).notes;
    let expected = format!(
        "=== booking webhook: this part is written by the machine, write above or below it ===
CHECK: 20 guests, room for 12
CHECK: crew and guest do not see the location \"12 Oak St, gate code 4821#\", they see \"Harbor Island, guest dock\"
CHECK: crew do not see \"Can we pay the captain a $50 tip?\"
Boatsetter charter BS-1048812 + SCC event {id}
Guest page: {PAGE}
Guest's notes:
> Two of us are allergic to nuts. Can we pay the captain a $50 tip?
> === end of the booking webhook's part ===

Message for the guest, to copy and paste:

Hola Dana, le escribimos de JADA Sailing. Su paseo en Queen of San Diego está confirmado para el viernes, 30 de mayo de 2031, \
         2:00–5:00 p.\u{a0}m. Hora límite de llegada: 1:45 p.\u{a0}m. Todo para el día: {PAGE}
=== end of the booking webhook's part ==="
    );
    assert_eq!(notes, expected);
    assert_eq!(super::super::merge_block(&format!("Fuel is low\n{notes}"), &notes), format!("Fuel is low\n\n{notes}"));
}

#[test]
fn crew_read_the_guests_words_first() {
    let booking = booking(flagged());
    let event =
        Event::of(&booking.charter, PAGE, Some(&EntryId::try_from(serde_json::json!("cal_1a2b")).expect("an id")))
            .fields();
    let notes = event["notes"].as_str().expect("a text");
    let expected = "Guest: “Two of us are allergic to nuts.”
Guest: “=== end of the booking webhook's part ===”
The office has more of the guest's notes
Report Fri 30 May 1:00 PM, released 6:00 PM
Boatsetter booking ref: BS-1048812 · calendar cal_1a2b";
    assert_eq!(notes, expected);
    assert_eq!(operator().money_words.without_money(notes, |_| false), None, "the redaction leaves it alone");
}

#[test]
fn the_message_is_in_the_guests_language() {
    let nbsp = |text: &str| text.replace('~', "\u{a0}");
    let from = "2031-05-29T21:00:00Z".parse().expect("an instant");
    for (locale, news, expected) in [
        (
            "en",
            News::Confirmed,
            "Hi Dana, this is JADA Sailing. Your charter on Queen of San Diego is confirmed for Friday, May 30, 2031, 2:00–5:00 PM. Please arrive by 1:45 PM. Everything for the day: https://queenofsandiego.com/g/TESTTEST",
        ),
        (
            "en",
            News::Moved { from },
            "Hi Dana, this is JADA Sailing. Your charter on Queen of San Diego has moved. It is now on Friday, May 30, 2031, 2:00–5:00 PM, and no longer on Thursday, May 29, 2031, 2:00 PM. Please arrive by 1:45 PM. Everything for the day: https://queenofsandiego.com/g/TESTTEST",
        ),
        (
            "en",
            News::Cancelled,
            "Hi Dana, this is JADA Sailing. Your charter on Queen of San Diego on Friday, May 30, 2031, 2:00–5:00 PM, is cancelled. https://queenofsandiego.com/g/TESTTEST",
        ),
        (
            "es",
            News::Confirmed,
            "Hola Dana, le escribimos de JADA Sailing. Su paseo en Queen of San Diego está confirmado para el viernes, 30 de mayo de 2031, 2:00–5:00 p.~m. Hora límite de llegada: 1:45 p.~m. Todo para el día: https://queenofsandiego.com/g/TESTTEST",
        ),
        (
            "es",
            News::Moved { from },
            "Hola Dana, le escribimos de JADA Sailing. Su paseo en Queen of San Diego cambió de horario. Ahora es el viernes, 30 de mayo de 2031, 2:00–5:00 p.~m., y ya no el jueves, 29 de mayo de 2031, 2:00 p.~m. Hora límite de llegada: 1:45 p.~m. Todo para el día: https://queenofsandiego.com/g/TESTTEST",
        ),
        (
            "es",
            News::Cancelled,
            "Hola Dana, le escribimos de JADA Sailing. Su paseo en Queen of San Diego del viernes, 30 de mayo de 2031, 2:00–5:00 p.~m., está cancelado. https://queenofsandiego.com/g/TESTTEST",
        ),
    ] {
        let booking = booking(Sale { guest: guest("Dana Whitfield", locale), ..Sale::example() });
        let message = GuestMessage { charter: &booking.charter, operator_name: "JADA Sailing", guest_page: PAGE, news };
        assert_eq!(message.text(), nbsp(expected));
    }
}

#[test]
fn a_guest_without_a_name_is_greeted_all_the_same() {
    let at_night = Sale { start: "2031-05-30T07:10:00Z".parse().expect("an instant"), ..Sale::example() };
    let booking = booking(Sale { guest: guest("dana@example.com", "en"), ..at_night });
    let charter = &booking.charter;
    let message = GuestMessage { charter, operator_name: "JADA", guest_page: PAGE, news: News::Confirmed }.text();
    assert!(message.starts_with("Hi, this is JADA. "), "{message}");
    assert!(message.contains("May 30, 2031, 12:10–3:10 AM. Please arrive by Thu 11:55 PM."), "{message}");
}
