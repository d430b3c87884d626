use rust_decimal::Decimal;

use super::*;
use crate::booking::Money;

/// The worked example.
fn statement() -> Statement {
    let money = |dollars: &str| Money::rounded(dollars.parse::<Decimal>().expect("a decimal"));
    Statement {
        gross: money("1840.75"),
        crew: money("250"),
        captain: money("150"),
        port_tax: money("331.34"),
        net: money("-8.60"),
    }
}

#[track_caller]
fn goes(line: &str) {
    assert_eq!(MoneyWords::default().without_money(line), Some(String::new()), "{line:?} must go");
}

#[track_caller]
fn stays(line: &str) {
    assert_eq!(MoneyWords::default().without_money(line), None, "{line:?} must stay");
}

#[test]
fn attributes_that_are_money() {
    let rules = MoneyWords::default();
    for money in [
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
        "net_after_expenses",
        "payout",
        "payouts",
        "ownerpayout",
        "rate",
        "hourly-rate",
        "hourly_rates",
        "hourlyrate",
        "captain_fee",
        "captain_fees",
        "captainFee",
        "CAPTAINFEE",
        "CaptainCost",
        "captain's fee",
        "crew_cost",
        "crew_costs",
        "crewCosts",
        "crewcosts",
        "crew_cost_2",
        "port_tax",
        "Port-Tax",
        "PORTTAX",
        "port tax",
        "port_taxes",
        "port_and_tax",
        "portAndTax",
        "portandtax",
        "port & tax",
        "port/tax",
    ] {
        assert!(rules.names_money(money), "{money} is money");
    }
}

#[test]
fn attributes_that_are_not() {
    let rules = MoneyWords::default();
    for other in [
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
    ] {
        assert!(!rules.names_money(other), "{other} is not money");
    }
}

#[test]
fn labels_in_lines() {
    for line in [
        "Revenue this month",
        "total_revenue 840",
        "GROSSREVENUE 840",
        "grossRevenue=840",
        "netprofit 289",
        "Payouts on Friday",
        "port tax 151.34",
        "port and tax 151.34",
        "Port & tax: 151.34",
        "port/taxes 151",
        "Port-Tax 18%",
        "captain fee applies",
        "Captain's fee: 150",
        "Captain’s fees: 150",
        "captain_fee: 150",
        "crew cost 250",
        "crews' pay 250",
    ] {
        goes(line);
    }
    for line in [
        "Leave port. Tax office is closed",
        "airport taxi at 9",
        "Captain: fee simple paperwork",
        "Meet at Pier 5",
        "The captain, cost what it may, sails",
    ] {
        stays(line);
    }
}

#[test]
fn everyday_words_in_lines() {
    for line in [
        "Gross: $840.75",
        "gross 840.75",
        "Gross amount 840.75",
        "gross total: 840.75",
        "Gross (USD): 840.75",
        "gross [with port] 840.75",
        "gross est. 840",
        "net for this trip 289",
        "289 net.",
        "gross for the charter 840",
        "Gross ~840",
        "Net: 289.41",
        "Net profit: 289.41",
        "Net - 289.41",
        "net – 289",
        "net = 289",
        "net is 289.41",
        "net to the owner 289",
        "net this time: 289",
        "rate: 25/h",
        "Rates: 25/h",
        "rate 25",
        "hourly rate 25",
        "840.75 gross",
        "289 net",
        "grossAmount: 840",
        "net_amount 289",
    ] {
        goes(line);
    }
    for line in [
        "net on deck",
        "net on deck, Pier 5",
        "net on deck 2",
        "a net for 12 guests",
        "net at Pier 5",
        "net stowed: 2 hooks",
        "Bring the net. 12 guests",
        "at 1400 net on deck",
        "Bring a net: the blue one",
        "bring a net, 2 rods",
        "safety net: 120 cm wide",
        "first rate crew",
        "first rate, 2:00 PM sharp",
        "net check 2 pm",
        "gross weather expected",
        "gross weather at 1400",
        "gross tonnage: 82",
        "65 gross tons",
    ] {
        stays(line);
    }
}

#[test]
fn what_crew_count_and_measure_stays() {
    for line in [
        "Nets: 2 port, 1 starboard",
        "Net 3 torn",
        "Bring net 2 rods",
        "Gross: 12 boxes of ice",
        "Battery charge rate 40 A",
        "Bilge rate 40 A",
        "fuel rate 12 gph",
        "Flow rate 25",
        "Cruisers' net 0830 ch 68",
        "Morning net 0830, ch 68",
        "Lifeline net 120 long",
        "Net 140 lb",
        "Rate: 4.5 kn",
        "rate 5 kts",
        "Descent rate: 30 ft",
    ] {
        stays(line);
    }
    for line in [
        "net 289.41",
        "Net: 289",
        "net 289",
        "Net: 8.60",
        "Net: $28",
        "net 28 USD",
        "Net (2 crew): 289.41",
        "net 2 days: 289",
        "rate 25",
        "rate: 25/h",
        "rate 25 a day",
        "Charge: rate 25",
        "Fuel, net 289",
        "Gross 840",
    ] {
        goes(line);
    }
}

#[test]
fn the_parts_that_we_wrote_ourselves_stay() {
    for id in ["RATE-100", "NET-289", "BS:USD12", "net_289.41", "revenue"] {
        stays(&format!("Boatsetter booking ref: {id}"));
    }
    for id in ["cal_7eur", "cal_net4", "NET-289", "7f1d2c3b-cad3-4f00-9e1a-0242ac120002"] {
        stays(&format!("calendar {id}"));
        stays(&format!("Boatsetter booking ref: RATE-100 · calendar {id} · Report 1:00 PM, released 6:00 PM"));
    }
    for line in [
        "Boatsetter booking ref: BS-1 net 289",
        "Boatsetter booking ref: net 289.41",
        "calendar net 289",
        "calendar $840",
        "see calendar USD12",
    ] {
        goes(line);
    }
    goes(&format!("Boatsetter booking ref: NET-289{}", "0".repeat(60)));
}

#[test]
fn amounts_in_lines() {
    for line in [
        "$840",
        "840.75",
        "  1,840.75 ",
        "840.75 USD",
        "USD 840",
        "USD840",
        "usd: 840",
        "CAD 840",
        "cad 840",
        "840 cad",
        "250 dollars",
        "€40",
        "deposit of $200",
        "Charter $840.75, tips extra",
        "Owner keeps $289.41 after expenses",
        "no tips, $840",
    ] {
        goes(line);
    }
    for line in [
        "calendar 7f1d2c3b-cad3-4f00-9e1a-0242ac120002",
        "calendar cad30001-3cad-4f00-9cad-0242ac120002",
        "calendar 00093cad-4f00-4cad-93ad-024200093cad",
        "8 guests at 2:00 PM",
        "Slip 12, Harbor Island Dr 1880",
        "VHF channel 72, 156.625",
        "anniversary",
        "",
    ] {
        stays(line);
    }
}

#[test]
fn what_crew_log_stays() {
    for line in [
        "tip: $40 cash, split",
        "- Tips $40",
        "TIPS: $40",
        "mileage 31 miles, $20.77",
        "Mileage: rate 0.67, 31 miles",
        "mileage rate 0.67",
        "supplies $18.50 (ice)",
        "Expenses: fuel $62",
    ] {
        stays(line);
    }
    for line in [
        "tips not included, gross 840.75",
        "tips extra, gross $840",
        "Expenses: captain fee 150",
        "Tips: port and tax 151.34",
    ] {
        goes(line);
    }
}

#[test]
fn only_the_part_that_speaks_of_money_goes() {
    let rules = MoneyWords::default();
    let notes =
        "Boatsetter booking ref: BS-1 · Gross: $840.75 · Report 1:00 PM, released 6:00 PM\nnet 289.41\n\nPier 5";
    let kept = "Boatsetter booking ref: BS-1 · Report 1:00 PM, released 6:00 PM\n\nPier 5";
    assert_eq!(rules.without_money(notes).as_deref(), Some(kept));
    assert_eq!(rules.without_money(kept), None);
    assert_eq!(rules.without_money("Pier 5 · Charter $840 · tip $40").as_deref(), Some("Pier 5 · tip $40"));
}

#[test]
fn an_operator_may_have_other_labels() {
    let rules = MoneyWords::from(vec!["Commission".into(), "profit and loss".into(), "tarifa".into()]);
    assert!(rules.names_money("commission_usd") && rules.names_money("ownerCommissions"));
    assert!(rules.names_money("profit_loss") && rules.names_money("tarifas") && !rules.names_money("revenue"));
    assert_eq!(rules.without_money("Gross 840\nTarifa: 30").as_deref(), Some("Gross 840"));
    assert!(MoneyWords::from(vec![]).without_money("revenue").is_none());
}

const MORE: &str = "The office has more of the guest's notes: ask";

#[track_caller]
fn check_guest(line: &str, fit: bool) {
    let kept = MoneyWords::default().fit_for_crew(line, &statement());
    assert_eq!(kept.as_deref(), (!fit).then_some(MORE), "{line:?}");
}

#[test]
fn guests_speak_of_money_in_more_ways() {
    for line in [
        "we paid 840.75 already",
        "will tip well",
        "¿cuánto pagamos?",
        "The total was 840, all in",
        "total: 95",
        "It was 1,999 for all of us",
        "balance due 420",
        "420 is still due",
        "tips not included, $40",
        "tip: $40 cash",
        "We are 12 people total, one in a wheelchair",
        "Electric wheelchair must be charged",
        "due on 06/15",
        "arrive at 2.30 pm, severe nut allergy",
    ] {
        check_guest(line, false);
    }
    for line in [
        "It is our anniversary",
        "Shellfish allergy",
        "net on deck, Pier 5",
        "Dana has balance issues and is due in June",
        "8 of us, aged 12 to 64",
        "calendar 7f1d2c3b-cad3-4f00-9e1a-0242ac120002",
    ] {
        check_guest(line, true);
    }
}

#[test]
fn an_amount_of_this_charter_is_not_for_crew_whatever_its_words() {
    for line in [
        "It came to 1840",
        "1,840 altogether",
        "1.840 altogether",
        "1 840 altogether",
        "1840.75!",
        "nearly 1841",
        "250 for them",
        "(331)",
        "we know that 150 is yours",
    ] {
        check_guest(line, false);
    }
    for line in ["pier 8", "9 or 10 of us", "18401 Harbor Drive", "route 2500", "8 or 9 of us"] {
        check_guest(line, true);
    }
}

#[test]
fn what_is_fit_for_crew_is_left_alone_in_their_notes() {
    let rules = MoneyWords::default();
    let notes =
        "Shellfish allergy\nGross: 1840.75\nnet on deck, Pier 5 · tip $40 · Bring a net: the blue one\n1,840.75";
    let fit = rules.fit_for_crew(notes, &statement());
    let kept = format!("Shellfish allergy\nnet on deck, Pier 5 · Bring a net: the blue one\n{MORE}");
    assert_eq!(fit.as_deref(), Some(kept.as_str()));
    assert_eq!(rules.without_money(&kept), None);
}

#[test]
fn a_number_of_two_digits_is_no_amount_of_a_charter() {
    let fifty = Statement { crew: Money::rounded(Decimal::from(50)), ..statement() };
    let rules = MoneyWords::default();
    assert_eq!(rules.fit_for_crew("Dad's 50th birthday, shellfish allergy", &fifty), None);
    assert_eq!(rules.fit_for_crew("We paid 50", &fifty).as_deref(), Some(MORE));
    let hundred = Statement { crew: Money::rounded(Decimal::ONE_HUNDRED), ..statement() };
    assert_eq!(rules.fit_for_crew("100 for them", &hundred).as_deref(), Some(MORE));
}

#[test]
fn an_everyday_label_alone_is_not_surely_money() {
    let rules = MoneyWords::default();
    for sure in ["revenue", "captain_fee", "port_tax", "netprofit", "gross_revenue"] {
        assert!(rules.surely_names_money(sure), "{sure}");
    }
    for everyday in ["gross", "Nets stowed", "rate_usd", "net", "amount"] {
        assert!(!rules.surely_names_money(everyday), "{everyday}");
    }
}
