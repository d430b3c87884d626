use serde_json::json;

use super::*;

/// A request that its sender's own documentation publishes, or that another implementation made.
struct Vector {
    secret: serde_json::Value,
    headers: Vec<(&'static str, String)>,
    body: &'static str,
    signed_at: i64,
}

/// The example of the Standard Webhooks specification's reference libraries.
fn standard() -> Vector {
    Vector {
        secret: json!({ "scheme": "standard-webhooks", "signing_secrets": ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"] }),
        headers: vec![
            ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek".into()),
            ("webhook-timestamp", "1614265330".into()),
            ("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=".into()),
        ],
        body: r#"{"test": 2432232314}"#,
        signed_at: 1_614_265_330,
    }
}

fn vectors() -> Vec<Vector> {
    vec![
        standard(),
        // Svix, "How to verify webhooks manually" (docs.svix.com/receiving/verifying-payloads/how-manual).
        Vector {
            secret: json!({ "scheme": "svix", "signing_secrets": ["whsec_plJ3nmyCDGBKInavdOK15jsl"] }),
            headers: vec![
                ("svix-id", "msg_loFOjxBNrRLzqYUf".into()),
                ("svix-timestamp", "1731705121".into()),
                ("svix-signature", "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=".into()),
            ],
            body: r#"{"event_type":"ping","data":{"success":true}}"#,
            signed_at: 1_731_705_121,
        },
        // GitHub, "Validating webhook deliveries", the values for testing.
        Vector {
            secret: json!({ "scheme": "github", "signing_secrets": ["It's a Secret to Everybody"] }),
            headers: vec![(
                "x-hub-signature-256",
                "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17".into(),
            )],
            body: "Hello, World!",
            signed_at: 0,
        },
        // The scheme of Stripe, "Verify webhook signatures manually"; the value by
        // printf '1492774577.{"id":"evt_1"}' | openssl dgst -sha256 -hmac whsec_test_secret
        Vector {
            secret: json!({ "scheme": "stripe", "signing_secrets": ["whsec_test_secret"] }),
            headers: vec![("stripe-signature", STRIPE.into())],
            body: r#"{"id":"evt_1"}"#,
            signed_at: 1_492_774_577,
        },
        // The scheme of Cal.com, "Webhooks", verifying authenticity; the value by openssl as above.
        Vector {
            secret: json!({ "scheme": "cal.com", "signing_secrets": ["cal-com-webhook-secret"] }),
            headers: vec![("x-cal-signature-256", CAL_COM.into())],
            body: r#"{"triggerEvent":"BOOKING_CREATED"}"#,
            signed_at: 0,
        },
    ]
}

const STRIPE: &str = "t=1492774577,v0=00,v1=799c4ba7bb339f3c8601adfd112f0e477c930a268be1243d341abb8286501c2f";
const CAL_COM: &str = "a2367ca8faf83eb050207723339fb4d095d297564cc6ef64564b927309501149";

fn verifier(secret: &serde_json::Value) -> Verifier {
    Verifier::parse(&secret.to_string()).expect("a sound secret")
}

fn headers(pairs: &[(&'static str, String)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().expect("a value"))).collect()
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).expect("in range")
}

fn check(vector: &Vector, body: &[u8], now: i64, age: Age) -> Result<(), SignatureError> {
    verifier(&vector.secret).verify(&headers(&vector.headers), body, at(now), age)
}

#[test]
fn published_examples_verify_and_changed_ones_do_not() {
    for vector in vectors() {
        let (body, at) = (vector.body.as_bytes(), vector.signed_at);
        assert_eq!(check(&vector, body, at, Age::Fresh), Ok(()), "{}", vector.secret);
        let changed = [body, b" "].concat();
        assert_eq!(check(&vector, &changed, at, Age::Fresh), Err(SignatureError::NoMatch), "{}", vector.secret);
        for missing in 0..vector.headers.len() {
            let mut headers = headers(&vector.headers);
            let name = HeaderName::from_static(vector.headers[missing].0);
            headers.remove(&name);
            let refused = verifier(&vector.secret).verify(&headers, body, super::tests::at(at), Age::Fresh);
            assert_eq!(refused, Err(SignatureError::Header(name)), "{}", vector.secret);
        }
    }
}

/// Square publishes its example with a key that is shorter than we take: `asdf1234`, in "Validate notifications".
#[test]
fn squares_published_example_is_what_we_compute() {
    let long =
        json!({ "scheme": "square", "signing_secrets": ["sixteen-or-longer"], "url": "https://example.com/webhook" });
    let Verifier::Signature(mut scheme) = verifier(&long) else { panic!("square signs") };
    scheme.keys = vec![b"asdf1234".to_vec().into()];
    let sent = [("x-square-hmacsha256-signature", "2kRE5qRU2tR+tBGlDwMEw2avJ7QM4ikPYD/PJ3bd9Og=".to_owned())];
    assert_eq!(scheme.verify(&headers(&sent), br#"{"hello":"world"}"#, at(0), Age::Fresh), Ok(()));
    scheme.url = "https://example.com/another".into();
    let elsewhere = scheme.verify(&headers(&sent), br#"{"hello":"world"}"#, at(0), Age::Fresh);
    assert_eq!(elsewhere, Err(SignatureError::NoMatch));
}

#[test]
fn any_of_several_secrets_and_signatures_may_fit() {
    let mut vector = standard();
    let fits = vector.headers[2].1.clone();
    vector.headers[2].1 = format!("v1,AAAA v2,ignored v1,not-base64 {fits}");
    vector.secret["signing_secrets"] = json!(["whsec_MDEyMzQ1Njc4OWFiY2RlZg==", vector.secret["signing_secrets"][0]]);
    assert_eq!(check(&vector, vector.body.as_bytes(), vector.signed_at, Age::Fresh), Ok(()));
    vector.headers[2].1 = fits.replace("v1,", "v2,");
    assert_eq!(check(&vector, vector.body.as_bytes(), vector.signed_at, Age::Fresh), Err(SignatureError::NoMatch));
}

/// What a stranger sends decides nothing about what a check costs: the first few count.
#[test]
fn only_the_first_signatures_are_compared() {
    let mut vector = standard();
    let fits = vector.headers[2].1.clone();
    let wrong = "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= ";
    for (before, expected) in [(MOST_SIGNATURES - 1, Ok(())), (MOST_SIGNATURES, Err(SignatureError::NoMatch))] {
        vector.headers[2].1 = format!("{}{fits}", wrong.repeat(before));
        assert_eq!(check(&vector, vector.body.as_bytes(), vector.signed_at, Age::Fresh), expected, "{before}");
    }
}

#[test]
fn a_signature_is_good_for_its_tolerance() {
    for (tolerance, off, fresh) in
        [(None, 300, true), (None, 301, false), (None, -300, true), (None, -301, false), (Some(60), 61, false)]
    {
        let mut vector = standard();
        if let Some(seconds) = tolerance {
            vector.secret["tolerance_seconds"] = json!(seconds);
        }
        let now = vector.signed_at + off;
        let outcome = check(&vector, vector.body.as_bytes(), now, Age::Fresh);
        assert_eq!(outcome.is_ok(), fresh, "{off}");
        assert_eq!(matches!(outcome, Err(SignatureError::Expired { .. })), !fresh, "{off}");
        assert_eq!(check(&vector, vector.body.as_bytes(), now, Age::Any), Ok(()), "{off}");
    }
}

#[test]
fn a_scheme_can_be_stated_whole() {
    let key = "000102030405060708090a0b0c0d0e0f";
    let secret = json!({ "scheme": "hmac", "signing_secrets": [key], "header": "X-Signature", "signed": "{id}|{timestamp}|{body}",
        "id": "X-Id", "timestamp": "ts=", "hash": "sha512", "encoding": "base64url", "key_encoding": "hex",
        "prefix": "sig=", "tolerance_seconds": 60 });
    let verifier = verifier(&secret);
    let signed = verifier.sign("msg_1", at(1_000), b"{}");
    let mut sent: HeaderMap = signed.into_iter().map(|(name, value)| (name, value.parse().expect("a value"))).collect();
    assert!(sent["x-signature"].to_str().expect("text").starts_with("ts=1000,sig="), "{sent:?}");
    assert_eq!(verifier.verify(&sent, b"{}", at(1_060), Age::Fresh), Ok(()));
    assert_eq!(verifier.delivery_name(&sent), Some("msg_1"));
    sent.insert("x-id", "msg_2".parse().expect("a value"));
    assert_eq!(verifier.verify(&sent, b"{}", at(1_060), Age::Fresh), Err(SignatureError::NoMatch));
}

#[test]
fn tokens_are_shown_as_their_scheme_says() {
    let token = "a-token-of-some-length";
    let basic = BASE64.encode(format!("bridge:{token}").as_bytes());
    for (secret, name, value, fits) in [
        (
            json!({ "scheme": "bearer", "tokens": ["another-long-token", token] }),
            "authorization",
            format!("Bearer {token}"),
            true,
        ),
        (json!({ "scheme": "bearer", "tokens": [token] }), "authorization", format!("bearer {token}"), true),
        (json!({ "scheme": "bearer", "tokens": [token] }), "authorization", format!("Bearer {token}x"), false),
        (json!({ "scheme": "header", "header": "X-Api-Key", "tokens": [token] }), "x-api-key", token.to_owned(), true),
        (
            json!({ "scheme": "header", "header": "X-Api-Key", "tokens": [token] }),
            "x-api-key",
            "other".to_owned(),
            false,
        ),
        (json!({ "scheme": "basic", "users": { "bridge": token } }), "authorization", format!("Basic {basic}"), true),
        (json!({ "scheme": "basic", "users": { "other": token } }), "authorization", format!("Basic {basic}"), false),
    ] {
        let outcome = verifier(&secret).verify(&headers(&[(name, value.clone())]), b"", at(0), Age::Fresh);
        assert_eq!(outcome.is_ok(), fits, "{secret} {value}");
    }
}

/// By the field's name, all at once, and without a character of a value.
#[test]
fn slips_in_a_secret_are_named_by_field() {
    let key = "s3cret-s3cret-s3cret";
    for (secret, words) in [
        (json!({}), "has no scheme"),
        (json!({ "scheme": "s3cret" }), "has a scheme that is none of standard-webhooks"),
        (json!({ "scheme": "standard-webhooks" }), "has no signing_secrets"),
        (json!({ "scheme": "standard-webhooks", "signing_secrets": [] }), "the list is empty"),
        (json!({ "scheme": "standard-webhooks", "signing_secrets": [key] }), "not whsec_ and base64"),
        (json!({ "scheme": "standard-webhooks", "signing_secrets": ["whsec_c2hvcnQ="] }), "fewer than 16"),
        (json!({ "scheme": "github", "signing_secrets": ["s3cret"] }), "fewer than 16"),
        (json!({ "scheme": "github", "signing_secrets": "s3cret" }), "not a list"),
        (
            json!({ "scheme": "github", "signing_secrets": [key], "signing_secret": "s3cret" }),
            "nobody reads: signing_secret",
        ),
        (
            json!({ "scheme": "github", "signing_secrets": [key], "S3cret-s3cret": 1 }),
            "nobody reads: (a key that is no name)",
        ),
        (json!({ "scheme": "github", "signing_secrets": [key], "tolerance_seconds": 300 }), "no signed timestamp"),
        (json!({ "scheme": "square", "signing_secrets": [key] }), "has no url"),
        (json!({ "scheme": "hmac", "signing_secrets": [key] }), "has no header"),
        (
            json!({ "scheme": "hmac", "signing_secrets": [key], "header": "X Signature" }),
            "has a header that is no header",
        ),
        (
            json!({ "scheme": "hmac", "signing_secrets": [key], "header": "x", "signed": "{timestamp}" }),
            "without {body}",
        ),
        (
            json!({ "scheme": "hmac", "signing_secrets": [key], "header": "x", "signed": "{boddy}" }),
            "placeholder other than",
        ),
        (
            json!({ "scheme": "hmac", "signing_secrets": [key], "header": "x", "signed": "{timestamp}.{body}" }),
            "has no timestamp",
        ),
        (
            json!({ "scheme": "hmac", "signing_secrets": [key], "header": "x", "timestamp": "t=" }),
            "would protect nothing",
        ),
        (json!({ "scheme": "hmac", "signing_secrets": [key], "header": "x", "hash": "md5" }), "hash that is none of"),
        (
            json!({ "scheme": "hmac", "signing_secrets": [key], "header": "x", "key_encoding": "hex" }),
            "not hexadecimal",
        ),
        (json!({ "scheme": "bearer", "tokens": ["s3cret"] }), "token of fewer than 16"),
        (json!({ "scheme": "bearer", "tokens": ["s3cret-s3cret-s3cret\n"] }), "token that no header can carry"),
        (json!({ "scheme": "header", "tokens": [key] }), "has no header"),
        (json!({ "scheme": "basic", "users": {} }), "has no users"),
        (json!({ "scheme": "basic", "users": { "bridge": "s3cret" } }), "password of fewer than 16"),
    ] {
        let faults = Verifier::parse(&secret.to_string()).expect_err("faulty");
        assert!(faults.iter().any(|fault| fault.contains(words)), "{secret}: {faults:?}");
        assert!(!faults.concat().contains("s3cret"), "{faults:?}");
    }
    let several =
        json!({ "scheme": "hmac", "signing_secrets": ["short"], "header": "X Y", "hash": "md5", "tolerance": 1 });
    assert_eq!(Verifier::parse(&several.to_string()).expect_err("faulty").len(), 4, "all of them at once");
    assert_eq!(Verifier::parse("{\"scheme\": ").expect_err("faulty"), ["is not JSON: it breaks at line 1, column 11"]);
}

/// A captured request can be sent again with other headers.
#[test]
fn only_a_signed_id_names_a_delivery() {
    let vector = standard();
    let mut sent = headers(&vector.headers);
    assert_eq!(verifier(&vector.secret).delivery_name(&sent), Some("msg_p5jXN8AQM9LWM0D4loKWxJek"));
    sent.insert("webhook-id", "msg_1".parse().expect("a value"));
    let github = verifier(&json!({ "scheme": "github", "signing_secrets": ["It's a Secret to Everybody"] }));
    assert_eq!((github.delivery_name(&sent), github.vouches_for_headers()), (None, false));
    let bearer = verifier(&json!({ "scheme": "bearer", "tokens": ["a-token-of-some-length"] }));
    assert_eq!((bearer.delivery_name(&sent), bearer.vouches_for_headers()), (Some("msg_1"), true));
}

#[test]
fn an_explanation_says_which_part_does_not_fit() {
    for vector in vectors() {
        let verifier = verifier(&vector.secret);
        let (sent, now) = (headers(&vector.headers), at(vector.signed_at));
        assert_eq!(verifier.explain(&sent, vector.body.as_bytes(), now), [""; 0]);
        let with_line_end = format!("{}\n", vector.body);
        let words = verifier.explain(&sent, with_line_end.as_bytes(), now).join("; ");
        assert!(words.contains("without the blanks around it"), "{words}");
        let words = verifier.explain(&sent, b"{}", now).join("; ");
        assert!(words.contains("another key, or another body"), "{words}");
    }
    let words = verifier(&standard().secret).explain(&HeaderMap::new(), b"", at(0)).join("; ");
    assert!(words.contains("webhook-signature is looked for"), "{words}");
    let vector = standard();
    let words = verifier(&vector.secret).explain(&headers(&vector.headers), vector.body.as_bytes(), at(0)).join("; ");
    assert!(words.contains("beside its age the signature fits"), "{words}");
}

proptest::proptest! {
    /// Nothing that comes in makes a check panic.
    #[test]
    fn any_header_and_body_is_judged(
        names in proptest::collection::vec(0_usize..8, 0..6),
        values in proptest::collection::vec("[ -~]{0,80}", 6),
        body in proptest::collection::vec(proptest::num::u8::ANY, 0..200),
        now in -100_000_i64..2_000_000_000,
    ) {
        const NAMES: [&str; 8] = ["webhook-id", "webhook-timestamp", "webhook-signature", "stripe-signature",
            "x-hub-signature-256", "x-cal-signature-256", "svix-id", "svix-signature"];
        let sent = names.iter().zip(&values).map(|(name, value)| {
            (HeaderName::from_static(NAMES[*name]), value.parse().expect("visible ASCII"))
        });
        let sent: HeaderMap = sent.collect();
        for vector in vectors() {
            let outcome = verifier(&vector.secret).verify(&sent, &body, at(now), Age::Fresh);
            proptest::prop_assert!(outcome.is_err());
        }
    }
}

/// Run by hand, for the figure: `cargo test --lib --workspace cost_of_a_check -- --ignored --nocapture`.
#[test]
#[ignore = "measures"]
#[expect(clippy::print_stdout, reason = "a figure for a person")]
fn cost_of_a_check() {
    let mut vector = standard();
    let body = vec![b'x'; 200 * 1024];
    let wrong = "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= ";
    let verifier = verifier(&vector.secret);
    for count in [1, 8, 190] {
        vector.headers[2].1 = wrong.repeat(count);
        let sent = headers(&vector.headers);
        let mut taken: Vec<u128> = (0..21)
            .map(|_| {
                let since = std::time::Instant::now();
                assert!(verifier.verify(&sent, &body, at(vector.signed_at), Age::Fresh).is_err());
                since.elapsed().as_micros()
            })
            .collect();
        taken.sort_unstable();
        println!("{count} signatures: median {} µs", taken[10]);
    }
}
