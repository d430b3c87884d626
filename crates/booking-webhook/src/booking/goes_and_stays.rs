//! The one table of what crew and guests must never read, and of what they must still be able to read.

use proptest::prelude::*;

use super::{BoatReference, Money, MoneyWords, Operator, PublicText, Statement, public_text::DividedNotes};

/// Who reads it, and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The name of an attribute of an SCC item with a number in it.
    AttributeName,
    /// A text in an SCC item.
    SccText,
    /// A text among the tips, mileage, supplies and expenses that crew log.
    CrewsAccount,
    /// A sentence of the guest's notes.
    GuestNotes,
    /// A boat's name, or where the charter starts.
    BoatOrLocation,
    /// The word by which the guest is called.
    FirstName,
}
use Place::{AttributeName, BoatOrLocation, CrewsAccount, FirstName, GuestNotes, SccText};

const GOES: &[(Place, &[&str])] = &[
    (
        AttributeName,
        &[
            "revenue",
            "Revenue",
            "gross",
            "grossAmount",
            "gross_revenue",
            "GROSSREVENUE",
            "boatRevenue2025",
            "net",
            "NET",
            "net_profit",
            "netprofit",
            "netUSD",
            "net_to_owner",
            "payout",
            "ownerpayouts",
            "rate",
            "hourly-rate",
            "hourly_rates",
            "hourlyrate",
            "captain_fee",
            "captainFees",
            "CAPTAINFEE",
            "CaptainCost",
            "captain's fee",
            "crew_cost",
            "crewCosts",
            "crew_cost_2",
            "port_tax",
            "Port-Tax",
            "PORTTAX",
            "port taxes",
            "port_and_tax",
            "portAndTax",
            "portandtax",
            "port & tax",
            "port/tax",
        ],
    ),
    (
        SccText,
        &[
            "total_revenue 840",
            "GROSSREVENUE 840",
            "grossRevenue=840",
            "netprofit 289",
            "port tax 151.34",
            "Port & tax: 151.34",
            "port/taxes 151",
            "Port-Tax 18%",
            "Captain's fee: 150",
            "Captain’s fees: 150",
            "captain_fee: 150",
            "crew cost 250",
            "crews' pay 250",
            "Gross: $840.75",
            "gross 840.75",
            "gross total: 840.75",
            "Gross (USD): 840.75",
            "gross est. 840",
            "net for this trip 289",
            "289 net.",
            "Gross ~840",
            "Net: 289.41",
            "Net – 289",
            "net is 289.41",
            "net to the owner 289",
            "net 28",
            "rate: 25/h",
            "rate 25 a day",
            "hourly rate 25",
            "net rate 25",
            "840.75 gross",
            "grossAmount: 840",
            "net_amount 289",
            "Net: $8",
            "$840",
            "840.75",
            "  1,840.75 ",
            "840.75 USD",
            "USD840",
            "usd: 840",
            "840 cad",
            "250 dollars",
            "two hundred dollars",
            "€40",
            "£ 40",
            "＄８４０",
            "deposit of $200",
            "275/hr",
            "25 per hour",
            "Charter $840.75, tips extra",
            "Expenses: captain fee 150",
            "Tips: port and tax 151.34",
            "tips not included, gross 840.75",
            "Boatsetter booking ref: BS-1 net 289",
            "calendar $840",
            "calendar net 289",
            // Harmless, but taken: a person can put it back.
            "gross weather at 1400",
            "Battery charge rate 40 A",
        ],
    ),
    (CrewsAccount, &["captain fee 150", "gross 840.75, net 289.41", "port tax 151.34"]),
    (
        GuestNotes,
        &[
            "Can we pay the captain a $5:0 tip?",
            "The captain takes $ 05 cash",
            "Can we pay the captain a $50 tip?",
            "we paid 840.75 already",
            "We paid 50",
            "will tip 40 in cash",
            "The total was 840",
            "total: 95",
            "It was 1,999.00 for all of us and we paid it",
            "balance due 420",
            "420 is still due",
            "el precio es 900",
            "dejaremos 40 dólares",
            "propina de 50",
            // Amounts of this very charter, in any words.
            "It came to 1840",
            "1,840 altogether",
            "1.840 altogether",
            "nearly 1841",
            "250 for them",
            "(331)",
            // What is not for crew, either.
            "write dana@example.com",
            "call my sister at 619-555-0123",
            "the gate code is 4821",
            "see https://example.com/party",
            "look at www.example.org",
        ],
    ),
    (
        BoatOrLocation,
        &[
            "Pier 5, berth-$0123",
            "tip USD · 12",
            "Sunset Special $275/hr",
            "Sunset Special 275/hr",
            "Gate code 4821, slip 9",
            "call 619-555-0123",
            "12 Oak St, gate code 4821#, dana@example.com, $50 parking",
            "12 Oak St, gatecode: 4821",
            "gate 4821, then left",
            "PIN 4821",
            "PIN4821",
            "4821# at the gate",
            "press *4821",
            "enter the 4821",
            "lockbox on the rail",
            "código 4821",
            "Slip 12, combo 4821",
            "gate code4821",
            "gate 48-21",
            "gate 4 8 2 1",
            "access code: 4821",
            "access 4821",
            "key is 4821",
            "pw 4821",
            "the gate's number is 4821",
            "gate opens with 4821",
            "4821 opens the gate",
            "4821 for the gate",
            "Dock 5 (619) 555 0123",
            "+1.619.555.0123",
            "619–555–0123",
            "6195550123",
            "６１９５５５０１２３",
            "61\u{200b}95550123",
            "sail.example.com",
            "HTTPS://EXAMPLE.COM",
            "dana at example dot com",
            "parking 50 USD",
            "gross 840.75",
            "price 95",
            "\u{200b}\u{2060}",
            "\u{202e}\u{3164}",
            "...",
            "",
            "Dock Dock Dock Dock Dock Dock Dock Dock Dock Dock Dock Dock Dock Dock Dock Dock Dock Dock Dock Dock Dock Dock Dock Dock \
             Dock Dock Dock Dock Dock Dock Dock Dock Dock Dock Dock Dock Dock Dock Dock Dock Dock",
        ],
    ),
    (
        FirstName,
        &[
            "dana@example.com",
            "619 555 0123",
            "+1 (619) 555-0123 Dana",
            "Dana2 Whitfield",
            "$840 Dana",
            "€40",
            "@dana",
            "https://evil.example Dana",
            "www.evil.com",
            "evil.com",
            "\u{200b}\u{202e}",
            "\u{3164}",
            "...",
            "",
        ],
    ),
];

const STAYS: &[(Place, &[&str])] = &[
    (
        AttributeName,
        &[
            "network",
            "planet",
            "internet",
            "safety_net",
            "safetyNets",
            "fishing-net",
            "gross_tonnage",
            "net_weight",
            "rating",
            "separate",
            "corporate",
            "heart_rate",
            "mileage_rate",
            "rate_per_mile",
            "port",
            "tax_id",
            "airport_taxi",
            "captain",
            "captain_id",
            "crew_ids",
            "notes",
            "tips",
            "mileage",
            "supplies",
            "expenses",
            "amount",
            "duration_hours",
            "checklist",
            "",
        ],
    ),
    (
        SccText,
        &[
            "Pier 5",
            "net on deck",
            "net on deck, Pier 5",
            "net on deck 2",
            "net stowed: 2 hooks",
            "a net for 12 guests",
            "Bring the net. 12 guests",
            "Bring net 2 rods",
            "Net 3 torn",
            "Nets: 2 port, 1 starboard",
            "Bring a net: the blue one",
            "safety net: 120 cm wide",
            "Cruisers' net 0830 ch 68",
            "Net 140 lb",
            "Rate: 4.5 kn",
            "Descent rate: 30 ft",
            "fuel rate 12 gph",
            "first rate, 2:00 PM sharp",
            "gross weather expected",
            "gross tonnage: 82",
            "65 gross tons",
            "heart rate 120",
            "Payouts on Friday",
            "captain fee applies",
            "Meet at Pier 5",
            "airport taxi at 9",
            "8 guests at 2:00 PM",
            "Slip 12, Harbor Island Dr 1880",
            "VHF channel 72, 156.625",
            "Report Thu 27 May 11:15 PM, released Fri 4:15 AM",
            "Boatsetter booking ref: NET-289",
            "Boatsetter booking ref: BS:USD12 · calendar cal_net4",
            "calendar 7f1d2c3b-cad3-4f00-9e1a-0242ac120002",
            "tip: $40 cash, split",
            "- Tips $40",
            "mileage 31 miles, $20.77",
            "Mileage: rate 0.67, 31 miles",
            "supplies $18.50 (ice)",
            "Expenses: fuel $62",
            "anniversary",
            "",
        ],
    ),
    (CrewsAccount, &["cash, net of the split", "rate 0.67", "ice, $18.50", "gross weather gear", "fuel 62"]),
    (
        GuestNotes,
        &[
            "Two of us are allergic to nuts.",
            "It is our anniversary",
            "Shellfish allergy",
            "net on deck, Pier 5",
            "Dana has balance issues and is due in June",
            "8 of us, aged 12 to 64",
            "Dad's 50th birthday",
            "We are 12 people total, one in a wheelchair",
            "Electric wheelchair must be charged",
            "arrive at 2.30 pm, severe nut allergy",
            "arrive at 2:30, we paid at the dock",
            "Alergia a los mariscos",
            "born 2025-05-30",
            "pier 8",
            "18401 Harbor Drive",
            "will tip well",
        ],
    ),
    (
        BoatOrLocation,
        &[
            "Coronado Ferry Landing",
            "Coronado <Ferry> Landing",
            "Slip 12, 1880 Harbor Island Dr, San Diego, CA 92101-1234",
            "Slip #1204, Gate 5",
            "ZIP code 92101",
            "Pier 5, 12 Oak St",
            "Tip of Shelter Island, 2240 Shelter Island Dr",
            "Meet @ the dock",
            "Net Loft, 85 Harbor Dr",
            "Muelle 3, Ensenada",
            "Pine Dock 482",
            "Key West, 1204 Duval St",
            "Gate 5, 1880 Harbor Island Dr",
            "Access ramp 3, 1880 Harbor Island Dr",
            "Harbor Island, by the parking fee kiosk",
            "Queen of San Diego",
            "La Niña",
            "Bénéteau 46",
            "Hallberg-Rassy 40",
            "帆船",
            // The operator file's own words, even if they look like a code or an amount.
            "Net Gain 500",
            "Pier 5, gate code 1234",
        ],
    ),
    (FirstName, &["Dana Whitfield", "Zoë", "Prince", "José María", "Nguyễn", "李", "O'Brien", "Jean-Luc Picard"]),
];

/// The worked example, a thousand dollars dearer.
fn statement() -> Statement {
    let money = |dollars: &str| Money::rounded(dollars.parse().expect("a decimal"));
    Statement {
        gross: money("1840.75"),
        crew: money("250"),
        captain: money("150"),
        port_tax: money("331.34"),
        net: money("-8.60"),
    }
}

fn operator() -> Operator {
    let boats = r#"
        [[boats]]
        id = "net-gain"
        name = "Net Gain 500"
        [boats.meeting_point]
        name = "Pier 5, gate code 1234"
        address = "1880 Harbor Island Drive"
        map_url = "https://example.com/map"
    "#;
    toml::from_str(boats).expect("valid")
}

fn goes(place: Place, text: &str) -> bool {
    let operator = operator();
    let words = &operator.money_words;
    match place {
        AttributeName => words.names_money(text),
        SccText => words.without_money(text, |part| operator.knows(part)).is_some(),
        CrewsAccount => words.crews_own_states_money(text),
        GuestNotes => !DividedNotes::of(text, &statement(), &operator.money_words).withheld.is_empty(),
        BoatOrLocation => operator.pass(text).is_none(),
        FirstName => PublicText::first_name(text).is_none(),
    }
}

#[test]
fn each_text_goes_or_stays() {
    let wrong = |table: &[(Place, &'static [&'static str])], expected: bool| {
        let rows = table.iter().flat_map(|(place, texts)| texts.iter().map(|text| (*place, *text)));
        rows.filter(|(place, text)| goes(*place, text) != expected).collect::<Vec<_>>()
    };
    assert_eq!((wrong(GOES, true), wrong(STAYS, false)), (vec![], vec![]), "(should go, should stay)");
}

#[test]
fn only_the_sentence_that_states_money_goes() {
    let words = MoneyWords::default();
    let without = |text: &str| words.without_money(text, |_| false);
    let kept = "Shellfish allergy. Bring ice.\nReport Fri 30 May 1:00 PM, released 6:00 PM\nBoatsetter booking ref: BS-1\n\nPier 5";
    for (text, expected) in [
        (kept, None),
        ("Boatsetter booking ref: BS-1 · Gross: $840.75 · Pier 5", Some("Boatsetter booking ref: BS-1 · Pier 5")),
        ("Shellfish allergy. Owner keeps $289.41! Bring ice.", Some("Shellfish allergy. Bring ice.")),
        ("Bring ice; gross 840.75; blue net", Some("Bring ice; blue net")),
        ("Pier 5\nGross:\n840.75\n\nice", Some("Pier 5\nGross:\n\nice")),
        ("Captain fee\n150\nice", Some("Captain fee\nice")),
        ("$840", Some("")),
    ] {
        assert_eq!(without(text).as_deref(), expected, "{text:?}");
        let again = without(text).unwrap_or_default();
        assert_eq!(without(&again), None, "{text:?} is clean after one pass");
    }
}

#[test]
fn an_operator_may_have_other_labels() {
    let words = MoneyWords::from(vec!["Commission".into(), "profit and loss".into(), "tarifa".into()]);
    for (name, money) in [
        ("commission_usd", true),
        ("ownerCommissions", true),
        ("profit_loss", true),
        ("tarifas", true),
        ("revenue", false),
    ] {
        assert_eq!(words.names_money(name), money, "{name}");
    }
    assert_eq!(words.without_money("Gross 840\nTarifa: 30", |_| false).as_deref(), Some("Gross 840"));
    assert_eq!(MoneyWords::from(vec![]).without_money("revenue 840, net 289", |_| false), None);
}

#[test]
fn a_public_text_is_one_visible_line() {
    let operator = operator();
    for (text, shown) in [
        ("  Harbor\r\nIsland\t5 ", "Harbor Island 5"),
        ("Sun\u{202e}rise\u{200b} \u{2066}II\u{2069}", "Sunrise II"),
        ("Dock\u{0}\u{7} 5\u{2028}north", "Dock 5 north"),
        ("net gain 500", "net gain 500"),
    ] {
        assert_eq!(operator.pass(text).as_deref(), Some(shown), "{text:?}");
    }
}

#[test]
fn the_guest_is_called_by_the_first_name() {
    for (name, first) in [
        ("Dana Whitfield", "Dana"),
        ("  Zoë  ", "Zoë"),
        ("Whitfield, Dana", "Dana"),
        ("Whitfield, Dana Marie", "Dana"),
        ("Dana Whitfield, Jr.", "Dana"),
        ("Whitfield,", "Whitfield"),
        ("Dr. Dana Whitfield", "Dana"),
        ("Whitfield, Mrs Dana", "Dana"),
        ("Dana\nWhitfield", "Dana"),
        ("\u{202e}Dana Whitfield", "Dana"),
        ("\"Dana\" Whitfield", "Dana"),
        ("Dana 619 555 0123", "Dana"),
        ("Dana 2nd", "Dana"),
    ] {
        assert_eq!(PublicText::first_name(name).as_deref(), Some(first), "{name:?}");
    }
}

proptest! {
    /// Else the redaction would take away again and again what the gate let pass.
    #[test]
    fn what_passes_the_gate_the_redaction_leaves_alone(
        pieces in prop::collection::vec(prop::sample::select(vec![
            "net", "gross", "rate", "captain fee", "revenue", "pay", "tip", "Pier", "12", "5", "840", "840.75", "1,840", "$", "USD", "/h", "pm",
            "guests", "on", "to the", ",", ".", "!", ";", ":", "·", "\n", "(", "dollars", "forty", "0830", "2:00",
        ]), 0..12),
    ) {
        let (operator, text) = (operator(), pieces.join(" "));
        let untouched = |text: &str| operator.money_words.without_money(text, |part| operator.knows(part)).is_none();
        if let Some(shown) = operator.pass(&text) {
            prop_assert!(untouched(&format!("Boatsetter charter · {shown}")), "{text:?}");
        }
        for line in DividedNotes::of(&text, &statement(), &operator.money_words).for_crew {
            prop_assert!(untouched(&format!("Guest: “{line}”")), "{text:?}: {}", &*line);
        }
    }
}

#[test]
fn a_boat_reference_is_no_place_for_words() {
    let operator = operator();
    let gate = BoatReference { id: "net-gain".into(), name: "Gate code 4821, slip 9".into() };
    assert_eq!(operator.boat(&gate).map(|boat| boat.name.to_string()).as_deref(), Some("Net Gain 500"));
}
