//! What must hold for any input.

use booking_webhook::{Age, Booking, Charter, CharterId, Mapping, Operator, Reading, Terms, Verifier, parse_body};
use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use serde_json::json;

use crate::corpus;

/// Something that reads what others wrote.
pub(crate) struct Target {
    pub(crate) name: &'static str,
    pub(crate) seeds: fn() -> Vec<Vec<u8>>,
    /// Panics, or says what does not hold.
    pub(crate) check: fn(&[u8]) -> Result<(), String>,
}

pub(crate) fn all() -> Vec<Target> {
    vec![
        Target { name: "signature", seeds: requests, check: signature },
        Target { name: "secret", seeds: secrets, check: secret },
        Target { name: "body", seeds: bodies, check: body },
        Target { name: "mapping_file", seeds: mapping_files, check: mapping_file },
        Target { name: "mapping", seeds: mapped, check: mapping },
        Target { name: "public_text", seeds: outside_texts, check: public_text },
    ]
}

fn holds(holds: bool, what: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what.to_owned()) }
}

const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const SCHEMES: [&str; 6] = [
    r#"{"scheme": "standard-webhooks", "signing_secrets": ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]}"#,
    r#"{"scheme": "stripe", "signing_secrets": ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]}"#,
    r#"{"scheme": "square", "signing_secrets": ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"], "url": "https://x.example/"}"#,
    r#"{"scheme": "hmac", "signing_secrets": ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"], "key_encoding": "whsec", "header": "x-s",
        "signed": "{id}|{timestamp}|{body}", "id": "i=", "timestamp": "t=", "hash": "sha512", "encoding": "base64url", "prefix": "s="}"#,
    r#"{"scheme": "bearer", "tokens": ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]}"#,
    r#"{"scheme": "basic", "users": {"bridge": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}}"#,
];
const BODY: &str = r#"{"id": 1}"#;
const SIGNED_AT: i64 = 1_614_265_330;

fn signed_at() -> Timestamp {
    Timestamp::from_second(SIGNED_AT).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Header lines, an empty line, the body: each scheme's own, authentic as it stands.
fn requests() -> Vec<Vec<u8>> {
    let request = |scheme: &str| {
        let verifier = Verifier::parse(scheme).unwrap_or_else(|faults| panic!("{faults:?}"));
        let headers = verifier.sign("msg_1", signed_at(), BODY.as_bytes());
        let lines: Vec<String> = headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
        format!("{}\n{BODY}", lines.concat()).into_bytes()
    };
    SCHEMES.into_iter().map(request).collect()
}

/// Only what was signed is authentic: a changed body never is, but under a token.
fn signature(request: &[u8]) -> Result<(), String> {
    let end = request.windows(2).position(|pair| pair == b"\n\n").map_or(request.len(), |at| at + 1);
    let (head, body) = request.split_at(end);
    let body = body.strip_prefix(b"\n").unwrap_or(body);
    let mut headers = HeaderMap::new();
    for line in head.split(|byte| *byte == b'\n') {
        let Some(at) = line.iter().position(|byte| *byte == b':') else { continue };
        let name = HeaderName::from_bytes(line[..at].trim_ascii());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(line[at + 1..].trim_ascii())) {
            headers.append(name, value);
        }
    }
    for scheme in SCHEMES {
        let verifier = Verifier::parse(scheme).map_err(|faults| faults.concat())?;
        let authentic = verifier.verify(&headers, body, signed_at(), Age::Fresh).is_ok();
        holds(!authentic || verifier.vouches_for_headers() || body == BODY.as_bytes(), "a changed body is authentic")?;
        holds(
            verifier.explain(&headers, body, signed_at()).is_empty() == authentic,
            "the explanation is of something else",
        )?;
        let _named = verifier.delivery_name(&headers);
    }
    Ok(())
}

fn secrets() -> Vec<Vec<u8>> {
    SCHEMES.into_iter().map(|scheme| scheme.as_bytes().to_vec()).collect()
}

/// A secret is read, or said to be faulty without a character of a key.
fn secret(json: &[u8]) -> Result<(), String> {
    match Verifier::parse(&String::from_utf8_lossy(json)) {
        Ok(_) => Ok(()),
        Err(faults) => {
            holds(!faults.is_empty(), "faulty without a fault")?;
            holds(!faults.concat().contains(&KEY[6..20]), "a fault shows a key")
        }
    }
}

fn bodies() -> Vec<Vec<u8>> {
    corpus::bodies().into_iter().map(|(_, _, body)| body.into_bytes()).collect()
}

/// What is JSON for us is JSON.
fn body(bytes: &[u8]) -> Result<(), String> {
    for content_type in [None, Some("application/x-www-form-urlencoded")] {
        if let Ok(value) = parse_body(bytes, content_type) {
            let again: Result<serde_json::Value, _> = serde_json::from_str(&value.to_string());
            holds(again.is_ok_and(|again| again == value), "what was read is not what is written")?;
        }
    }
    Ok(())
}

fn mapping_files() -> Vec<Vec<u8>> {
    corpus::mappings().into_iter().map(|(_, text)| text.into_bytes()).collect()
}

/// A file is a mapping, or each of its slips has a line of it.
fn mapping_file(text: &[u8]) -> Result<(), String> {
    let text = String::from_utf8_lossy(text);
    match Mapping::parse("harbor", "harbor.toml", &text) {
        Ok(mapping) => holds(!mapping.prefix().is_empty(), "a sender without a prefix"),
        Err(fault) => {
            holds(!fault.slips.is_empty(), "faulty without a slip")?;
            let lines = text.matches('\n').count() + 1;
            holds(fault.slips.iter().all(|(line, _)| (1..=lines).contains(line)), "a slip on no line")
        }
    }
}

/// A mapping's number, a space, a body.
fn mapped() -> Vec<Vec<u8>> {
    let mappings = corpus::mappings();
    let seed = |(mapping, _, body): (String, String, String)| {
        let number = mappings.iter().position(|(path, _)| *path == mapping).unwrap_or_default();
        format!("{} {body}", char::from(b'a' + u8::try_from(number).unwrap_or_default())).into_bytes()
    };
    corpus::bodies().into_iter().map(seed).collect()
}

/// A body is read by a mapping, or each of its faults is named; a booking has its sender's prefix.
fn mapping(input: &[u8]) -> Result<(), String> {
    thread_local! {
        static MAPPINGS: Vec<Mapping> = corpus::mappings().iter().map(|(path, text)| {
            let sender = if path.ends_with("boatsetter.toml") { "boatsetter" } else { "harbor" };
            Mapping::parse(sender, path, text).unwrap_or_else(|fault| panic!("{fault}"))
        }).collect();
    }
    let (Some(number), Some(body)) = (input.first(), input.get(2..)) else { return Ok(()) };
    for content_type in [None, Some("application/x-www-form-urlencoded")] {
        let Ok(body) = parse_body(body, content_type) else { continue };
        MAPPINGS.with(|mappings| -> Result<(), String> {
            let mapping = &mappings[usize::from(number.wrapping_sub(b'a')) % mappings.len()];
            let (headers, operator) = (HeaderMap::new(), Operator::default());
            let _shown = mapping.fields_of(&body, &headers, &operator);
            let Reading::Bookings(bookings) = mapping.interpret(&body, &headers, &operator, signed_at()) else {
                return Ok(());
            };
            holds((1..=25).contains(&bookings.len()), "no booking, or too many")?;
            for booking in bookings {
                match booking {
                    Ok(received) => {
                        let id = received.snapshot.booking_id.as_str();
                        holds(id.starts_with(mapping.prefix()), "a booking without its sender's prefix")?;
                        let is_confirmed = received.snapshot.status.name() == "confirmed";
                        holds(
                            received.snapshot.sale.is_some() == is_confirmed,
                            "what was sold does not fit the status",
                        )?;
                    }
                    Err(faults) => holds(!faults.is_empty(), "not understood without a fault")?,
                }
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// A boat's name, a place, a guest's name and notes, a line each.
fn outside_texts() -> Vec<Vec<u8>> {
    [
        "Queen of San Diego\nDock 5, Harbor Island\nDana Whitfield\nTwo of us are allergic to nuts. Can we pay the captain a $50 tip?",
        "Sunset Special $275/hr\nGate code 4821, slip 9\nWhitfield, Dana\nOur gate code is *4821#, call 619-555-0123",
        "call (619) 555-0123\nwww.example.com/map\n\u{202e}Dana\nQuinientos dolares en efectivo para el capitan",
        "USD 1,840.75\n1380 Harbor Island Dr, San Diego, CA 92101\n\u{200b}\ndana@example.com will pay 20 bucks",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}

/// Of any text: what crew and guests read is one visible line, and states no amount, address or number to call. Judged by
/// rules of its own, simpler than the gate's.
fn public_text(input: &[u8]) -> Result<(), String> {
    thread_local! {
        static READERS: (Mapping, Operator) = (Mapping::canonical_at("/booking"), Operator::default());
    }
    let text = String::from_utf8_lossy(input);
    let mut parts = text.splitn(4, '\n');
    let mut part = || parts.next().unwrap_or_default();
    let booking = json!({
        "id": "BS-1", "status": "confirmed", "start_at": "2031-05-30T14:00:00-07:00", "duration_minutes": 180, "party_size": 8,
        "currency": "USD", "gross": "840.75", "crew_ids": ["crew-1"], "captain_id": "captain-1",
        "boat": { "id": "qosd", "name": part() }, "location": part(), "guest": { "name": part() }, "notes": part(),
    });
    READERS.with(|(mapping, operator)| {
        let Ok(received) = mapping.read(&json!({ "booking": booking }), operator, signed_at()) else { return Ok(()) };
        let (id, Some(sale)) = (received.snapshot.booking_id, received.snapshot.sale) else { return Ok(()) };
        let terms =
            Terms::resolve(&sale.boat, &sale.assigned, operator).map_err(|_faults| "nobody sails".to_owned())?;
        let charter_id = CharterId::derive(b"fuzz", &id);
        fit_for_all(&Booking::assemble(id, *sale, terms, operator, charter_id).charter)
    })
}

fn fit_for_all(charter: &Charter) -> Result<(), String> {
    let place = charter.place.as_ref().map(|place| place.name().to_owned());
    let shown = [charter.boat.name.to_string(), charter.guest_first_name.to_string()].into_iter().chain(place);
    for text in shown.chain(charter.crew_notes.iter().map(ToString::to_string)) {
        let is_visible = |letter: char| {
            !letter.is_control()
                && !matches!(letter, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
        };
        holds(!text.trim().is_empty() && text.chars().all(is_visible), "a line that is blank, or hides something")?;
        let digits = |run: &str, least: usize| run.chars().take_while(char::is_ascii_digit).count() >= least;
        let after = |mark: &str, least: usize| text.split(mark).skip(1).any(|rest| digits(rest, least));
        holds(!after("$", 1), "an amount is shown")?;
        holds(!text.contains("://"), "an address is shown")?;
        holds(
            !text.split(|letter: char| !letter.is_ascii_digit()).any(|run| run.len() >= 7),
            "a number to call is shown",
        )?;
    }
    Ok(())
}
