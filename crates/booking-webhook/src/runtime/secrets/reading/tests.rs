use aws_sdk_secretsmanager::types::SecretValueEntry;
use secrecy::ExposeSecret;

use super::*;

const WEBHOOK: &str = "webhook";

const SOUND: [(&str, &str); 4] = [
    (WEBHOOK, r#"{"scheme": "bearer", "tokens": ["t0ken-t0ken-t0ken"]}"#),
    (CALENDAR, r#"{"url": " https://a1.execute-api.us-west-2.amazonaws.com/prod/ ", "dashboard_token": "d4sh"}"#),
    (SCC, r#"{"url": "https://a2.execute-api.us-west-2.amazonaws.com/prod", "service_key": "k3y"}"#),
    (GUEST_PAGE, r#"{"distribution_id": "E1", "link_key": "l1nk"}"#),
];

fn read(secrets: &[(&str, &str)]) -> Reading {
    let entry = |(name, json): &(&str, &str)| {
        SecretValueEntry::builder().name(format!("p/{name}")).secret_string(*json).version_id(*json).build()
    };
    let denied = ApiErrorType::builder().secret_id("p/scc").error_code("AccessDeniedException").build();
    let answer = BatchGetSecretValueOutput::builder()
        .set_secret_values(Some(secrets.iter().map(entry).collect()))
        .errors(denied)
        .build();
    Reading::of(&Batch { prefix: "p", answers: &[answer] }, &AllowedHosts::default(), &[SenderName::built_in()])
}

fn read_with(name: &str, json: &str) -> Reading {
    read(&SOUND.map(|(known, sound)| (known, if known == name { json } else { sound })))
}

#[test]
fn sound_secrets_are_taken_and_a_url_is_what_is_called() {
    let reading = read(&SOUND);
    assert_eq!(reading.faults, []);
    let calendar = reading.calendar.expect("sound").content;
    assert_eq!(calendar.url, "https://a1.execute-api.us-west-2.amazonaws.com/prod");
}

#[test]
fn each_fault_is_said_once_without_a_character_of_the_secret() {
    for (name, json, words) in [
        (WEBHOOK, r#"{"scheme": "bearer", "tokens": ["s3cret\n"]}"#, "token that no header can carry"),
        (WEBHOOK, r#"{"scheme": "s3cret", "tokens": []}"#, "has a scheme that is none of"),
        (WEBHOOK, r#"{"scheme": "#, "is not JSON: it breaks at line 1, column 11"),
        (CALENDAR, r#"{"url": "http://localhost/prod"}"#, "has no dashboard_token"),
        (CALENDAR, r#"{"url": 1}"#, "has a url that is not text, and has no dashboard_token"),
        (CALENDAR, r#"["s3cret"]"#, "is not a JSON object"),
        (
            CALENDAR,
            r#"{"url": "http://localhost/prod", "dashboard_token": "s3cret\n"}"#,
            "dashboard_token that no header",
        ),
        (CALENDAR, r#"{"url": "http://localhost/prod", "dashboard_token": ""}"#, "has an empty dashboard_token"),
        (CALENDAR, r#"{"url": "s3cret", "dashboard_token": "t"}"#, "no absolute URL"),
        (SCC, r#"{"url": "http://localhost/prod", "service_key": " s3cret"}"#, "service_key that no header"),
        (SCC, r#"{"url": "http://localhost/prod", "service_key": "s3cr\u0007t"}"#, "service_key that no header"),
        (
            SCC,
            r#"{"url": "http://localhost/prod", "service_key": "s3cret", "auth": "s3cret"}"#,
            "has a auth that is none of",
        ),
        (
            SCC,
            r#"{"url": "http://localhost/prod", "service_key": "k", "presign_url": "https://s3cret.example/presign"}"#,
            "presign_url that is no https URL with {event_id}",
        ),
        (
            SCC,
            r#"{"url": "http://localhost/prod", "service_key": "k", "presign_url": "http://s3cret.example/{event_id}"}"#,
            "presign_url that is no https URL",
        ),
        (
            SCC,
            r#"{"url": "http://localhost/prod", "service_key": "k", "upload_url": "https://s3cret.example/;a"}"#,
            "upload_url that is no https URL",
        ),
        (GUEST_PAGE, r#"{"link_key": "s3cret", "distribution_id": 1}"#, "has a distribution_id that is not text"),
        (GUEST_PAGE, r#"{"link_key": "s3cret"}"#, "no distribution_id"),
        (GUEST_PAGE, r#"{"link_key": "", "distribution_id": "E1"}"#, "empty link_key"),
    ] {
        let faults: Vec<String> = read_with(name, json).faults.iter().map(ToString::to_string).collect();
        let [fault] = &faults[..] else { panic!("{json}: {faults:?}") };
        assert!(fault.starts_with(&format!("the secret p/{name} ")) && fault.contains(words), "{json}: {fault}");
        assert!(!fault.contains("s3cr"), "{fault}");
    }
    let denied = read(&[SOUND[0], SOUND[1], SOUND[3]]).faults;
    assert!(denied[0].to_string().ends_with("cannot be read: AccessDeniedException"), "{denied:?}");
}

#[test]
fn the_desks_key_may_be_missing_and_not_faulty() {
    let with = |json: &str| read(&[&SOUND[..], &[(DESK, json)]].concat());
    let sound = with(r#"{"key": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="}"#);
    assert_eq!((sound.desk.map(|key| key.is_some()), sound.faults), (Ok(true), vec![]));
    assert_eq!(read(&SOUND).desk.map(|key| key.is_some()), Ok(false));
    for (json, words) in [
        (r#"{"key": "czNjcmV0"}"#, "the secret p/desk has a key that is no base64 of 32 bytes or more"),
        (r#"{"key": "s3cret s3cret s3cret s3cret s3cret s3cret s3cret"}"#, "has a key that is no base64"),
        (r#"{"Key": "s3cret"}"#, "the secret p/desk has no key"),
        ("s3cret", "the secret p/desk is not JSON"),
    ] {
        let faulty = with(json);
        let [fault] = &faulty.faults[..] else { panic!("{json}: {:?}", faulty.faults) };
        assert!(faulty.desk.is_err() && fault.to_string().contains(words), "{fault}");
        assert!(!fault.to_string().contains("s3cr"), "{fault}");
    }
}

#[test]
fn any_new_key_of_the_desk_ends_the_old_one() {
    let key = (DESK, r#"{"key": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="}"#);
    let before = Secrets::of(read(&[&SOUND[..], &[key]].concat())).expect("sound");
    assert!(matches!(before.desk, Ok(Some(_))));
    let gone = Secrets::of(read(&SOUND).keeping_what_works_in(&before)).expect("sound");
    assert!(matches!(gone.desk, Ok(None)));
    let faulty = read(&[&SOUND[..], &[(DESK, r#"{"key": "short"}"#)]].concat());
    assert!(Secrets::of(faulty.keeping_what_works_in(&before)).expect("sound").desk.is_err());
}

#[test]
fn a_faulty_address_for_photos_costs_the_photos_alone() {
    let with = |presign_url: &str, upload_url: &str| {
        let json =
            SOUND[2].1.replace('}', &format!(r#", "presign_url": "{presign_url}", "upload_url": "{upload_url}"}}"#));
        let reading = read_with(SCC, &json);
        let scc = reading.scc.expect("it can be called").content;
        (scc.presign_url.is_some(), scc.upload_url.is_some(), reading.faults.len())
    };
    assert_eq!(with("https://a2.example/g/{event_id}/presign", "https://photos.example/"), (true, true, 0));
    assert_eq!(with("http://127.0.0.1:1/g/{event_id}/presign", "http://127.0.0.1:2/photos"), (true, true, 0));
    assert_eq!(with("/g/{event_id}/presign", "https://photos.example/"), (false, true, 1));
    assert_eq!(with("javascript:{event_id}", "photos"), (false, false, 2));
}

#[test]
fn what_cannot_be_used_any_more_leaves_the_version_before() {
    let before = Secrets::of(read(&SOUND)).expect("sound");
    let worse = Secrets::of(read(&[]).keeping_what_works_in(&before)).expect("what was there can be used");
    assert_eq!(worse.calendar.expect("kept").version, SOUND[1].1);
    assert_eq!(worse.scc.expect("kept").content.service_key.expose_secret(), "k3y");
    assert_eq!((worse.link_key.expose_secret(), worse.distribution_id), ("l1nk", Ok("E1".to_owned())));
    assert_eq!(worse.faults.len(), 4, "{:?}", worse.faults);

    let rotated = SOUND[1].1.replace("d4sh", "n3w");
    let mended = Secrets::of(read_with(CALENDAR, &rotated).keeping_what_works_in(&before)).expect("sound");
    assert_eq!(mended.calendar.expect("sound").content.dashboard_token.expose_secret(), "n3w");
}
