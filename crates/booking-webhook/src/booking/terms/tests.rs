use super::*;

const TWO_BOATS: &str = r#"
[rates]
crew_hourly = "25"
[[boats]]
id = "qosd"
name = "Queen of San Diego"
aliases = ["queen"]
[boats.roster]
crew = ["crew-1", "crew-1", "captain-2"]
captain = "captain-1"
[[boats]]
id = "jada"
name = "Jada"
[boats.roster]
crew = ["crew-8"]
captain = "captain-9"
[boats.rates]
crew_hourly = "40"
"#;

fn operator() -> Operator {
    toml::from_str(TWO_BOATS).expect("valid")
}

/// The same file with other rosters and rates, or without any boat.
fn edited(boats: bool) -> Operator {
    let mut operator: Operator =
        toml::from_str(&TWO_BOATS.replace("crew-1\"", "crew-7\"").replace("25", "99")).expect("valid");
    if !boats {
        operator.boats.clear();
    }
    operator
}

fn person(id: &str) -> PersonId {
    PersonId::parse(id).expect("valid")
}

fn boat(id: &str) -> BoatReference {
    BoatReference { id: id.into(), name: id.into() }
}

/// "crew-1 crew-2 / captain-1"; nothing before or behind the stroke names nobody.
fn assigned(people: &str) -> Assigned {
    let (crew, captain) = people.split_once('/').expect("a stroke");
    let crew: Vec<PersonId> = crew.split_whitespace().map(person).collect();
    Assigned {
        crew: (!crew.is_empty()).then_some(crew),
        captain: (!captain.trim().is_empty()).then(|| person(captain.trim())),
    }
}

fn sail(terms: &Terms) -> String {
    let crew: Vec<&str> = terms.crew.iter().map(PersonId::as_str).collect();
    format!("{} / {}", crew.join(" "), terms.captain)
}

fn kept(terms: &Terms) -> String {
    match terms.flag() {
        Some(Flag::NamedForAnotherBoat { people }) => people.iter().map(PersonId::as_str).collect::<Vec<_>>().join(" "),
        _ => String::new(),
    }
}

#[test]
fn the_captain_is_not_crew_too() {
    let (with_roster, without) = (operator(), Operator::default());
    for (operator, named, expected) in [
        (&without, "crew-1 captain-1 crew-2 / captain-1", Ok("crew-1 crew-2 / captain-1")),
        (&without, "crew-1 crew-2 crew-1 / captain-1", Ok("crew-1 crew-2 / captain-1")),
        (&without, "captain-1 / captain-1", Err(vec![Field::CrewIds])),
        (&without, "captain-1 /", Err(vec![Field::CaptainId])),
        (&without, "/", Err(vec![Field::CrewIds, Field::CaptainId])),
        (&with_roster, "/", Ok("crew-1 captain-2 / captain-1")),
        (&with_roster, "/ captain-2", Ok("crew-1 / captain-2")),
        (&with_roster, "captain-1 crew-3 /", Ok("crew-3 / captain-1")),
        (&with_roster, "captain-1 / captain-1", Ok("crew-1 captain-2 / captain-1")),
    ] {
        let terms = Terms::resolve(&boat("qosd"), &assigned(named), operator).map(|terms| sail(&terms));
        let fields = terms.map_err(|faults| faults.into_iter().map(|fault| fault.field).collect());
        assert_eq!(fields, expected.map(String::from), "{named}");
    }
}

/// One snapshot after the other: boat, who is named, who then sails, at which rate, and who was named for another boat.
#[test]
fn people_and_boats_follow_the_snapshots() {
    type Snapshots = &'static [(&'static str, &'static str, &'static str, u32, &'static str)];
    let stories: [Snapshots; 10] = [
        // Somebody who was named once stays named, list by list.
        &[
            ("qosd", "crew-5 crew-6 crew-4 /", "crew-5 crew-6 crew-4 / captain-1", 25, ""),
            ("qosd", "/", "crew-5 crew-6 crew-4 / captain-1", 25, ""),
            ("qosd", "/ captain-3", "crew-5 crew-6 crew-4 / captain-3", 25, ""),
            ("qosd", "crew-1 /", "crew-1 / captain-3", 25, ""),
        ],
        // A captain from the crew leaves it, and comes back to it.
        &[
            ("qosd", "/", "crew-1 captain-2 / captain-1", 25, ""),
            ("qosd", "/ captain-2", "crew-1 / captain-2", 25, ""),
            ("qosd", "/ captain-1", "crew-1 captain-2 / captain-1", 25, ""),
        ],
        // Another boat brings its roster and rates, also on the way back.
        &[
            ("qosd", "/", "crew-1 captain-2 / captain-1", 25, ""),
            ("jada", "/", "crew-8 / captain-9", 40, ""),
            ("qosd", "/", "crew-1 captain-2 / captain-1", 25, ""),
        ],
        // The same boat under another name is no other boat.
        &[
            ("qosd", "/", "crew-1 captain-2 / captain-1", 25, ""),
            ("Queen of San Diego", "/", "crew-1 captain-2 / captain-1", 25, ""),
            ("QUEEN", "/", "crew-1 captain-2 / captain-1", 25, ""),
        ],
        // Who was named stays on another boat, and a person hears of it until somebody is named there.
        &[
            ("qosd", "crew-5 / captain-3", "crew-5 / captain-3", 25, ""),
            ("jada", "/", "crew-5 / captain-3", 40, "crew-5 captain-3"),
            ("jada", "/", "crew-5 / captain-3", 40, "crew-5 captain-3"),
            ("jada", "crew-8 /", "crew-8 / captain-3", 40, "captain-3"),
            ("jada", "crew-8 / captain-9", "crew-8 / captain-9", 40, ""),
        ],
        // A captain who was named; the other boat's crew.
        &[
            ("qosd", "/ captain-3", "crew-1 captain-2 / captain-3", 25, ""),
            ("jada", "/", "crew-8 / captain-3", 40, "captain-3"),
        ],
        // Named with the move: nobody was kept.
        &[
            ("qosd", "crew-5 / captain-3", "crew-5 / captain-3", 25, ""),
            ("jada", "crew-8 / captain-9", "crew-8 / captain-9", 40, ""),
        ],
        // A boat that nobody knows has no roster: who was named sails, at the operator's rates.
        &[
            ("qosd", "crew-5 / captain-3", "crew-5 / captain-3", 25, ""),
            ("dinghy", "/", "crew-5 / captain-3", 25, "crew-5 captain-3"),
        ],
        // A list that names the captain alone names no crew: who was named before stays.
        &[
            ("dinghy", "crew-5 / captain-3", "crew-5 / captain-3", 25, ""),
            ("dinghy", "captain-3 /", "crew-5 / captain-3", 25, ""),
            ("dinghy", "/ captain-4", "crew-5 / captain-4", 25, ""),
        ],
        // From a boat that nobody knows to one of ours.
        &[
            ("dinghy", "crew-5 / captain-3", "crew-5 / captain-3", 25, ""),
            ("dinghy", "/", "crew-5 / captain-3", 25, ""),
            ("jada", "/ captain-9", "crew-5 / captain-9", 40, "crew-5"),
        ],
    ];
    for story in stories {
        let mut terms: Option<Terms> = None;
        for (on, named, expected, hourly, flagged) in story {
            let settled = Terms::settle(terms.as_ref(), &boat(on), &assigned(named), &operator());
            let settled = settled.expect("somebody sails");
            assert_eq!(
                (sail(&settled).as_str(), settled.rates().crew_hourly, kept(&settled).as_str()),
                (*expected, (*hourly).into(), *flagged),
                "{story:?}: {on} {named}"
            );
            let stored = serde_json::to_string(&settled).expect("it serialises");
            assert_eq!(serde_json::from_str::<Terms>(&stored).expect("it is read"), settled, "{stored}");
            terms = Some(settled);
        }
    }
}

#[test]
fn editing_the_operator_file_changes_no_charter() {
    for named in ["/", "crew-5 /", "/ captain-3", "crew-5 / captain-3"] {
        let before = Terms::resolve(&boat("qosd"), &assigned(named), &operator()).expect("all are named");
        for operator in [edited(true), edited(false), Operator::default()] {
            for reference in ["qosd", "Queen of San Diego"] {
                let after = Terms::settle(Some(&before), &boat(reference), &assigned("/"), &operator);
                let after = after.expect("they are named still");
                assert_eq!((sail(&after), after.rates()), (sail(&before), before.rates()), "{named} {reference}");
                assert_eq!(after.boat().map(|boat| boat.name.to_string()).as_deref(), Some("Queen of San Diego"));
            }
        }
    }
    let moved = Terms::resolve(&boat("qosd"), &assigned("/"), &operator()).expect("the roster names all");
    let nobody = Terms::settle(Some(&moved), &boat("dinghy"), &assigned("/"), &operator());
    assert!(nobody.is_err(), "an unknown boat has no roster, and nobody was named");
}
