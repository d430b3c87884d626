use std::time::Duration;

use super::*;
use crate::aws::loopback_client;

fn request(content_type: &str, body: &'static [u8]) -> Request<Bytes> {
    Request::post("/webhooks/boatsetter?a=1&a=2&b=x%20y")
        .header("Webhook-Id", "msg_1")
        .header("Accept", "text/html")
        .header("Accept", "application/json")
        .header("Content-Type", content_type)
        .header("User-Agent", "Boatsetter/1")
        .header("Cookie", "c=1; d=2")
        .body(Bytes::from_static(body))
        .expect("a valid request")
}

#[test]
fn an_http_api_event_is_of_format_2_0() {
    let event = http_api_event(&request("application/json; charset=utf-8", b"{\"n\": 1}"), BodyEncoding::ByContentType);
    assert_eq!(event["version"], "2.0");
    assert_eq!(event["rawPath"], "/webhooks/boatsetter");
    assert_eq!(event["rawQueryString"], "a=1&a=2&b=x%20y");
    assert_eq!(event["queryStringParameters"], json!({ "a": "1,2", "b": "x y" }));
    assert_eq!(event["headers"]["webhook-id"], "msg_1");
    assert_eq!(event["headers"]["accept"], "text/html,application/json");
    assert_eq!(event["cookies"], json!(["c=1", "d=2"]));
    assert_eq!(event["headers"]["cookie"], Value::Null);
    assert_eq!(event["requestContext"]["stage"], "$default");
    assert_eq!(event["requestContext"]["http"]["method"], "POST");
    assert_eq!(event["requestContext"]["http"]["userAgent"], "Boatsetter/1");
    assert!(event["requestContext"]["timeEpoch"].is_i64());
    assert_eq!((&event["body"], &event["isBase64Encoded"]), (&json!("{\"n\": 1}"), &json!(false)));
}

#[test]
fn a_rest_event_is_of_format_1_0() {
    let event = rest_event(&request("application/json", b"{}"), BodyEncoding::ByContentType);
    assert_eq!(event["path"], "/webhooks/boatsetter");
    assert_eq!(event["httpMethod"], "POST");
    assert_eq!(event["headers"]["accept"], "application/json");
    assert_eq!(event["multiValueHeaders"]["accept"], json!(["text/html", "application/json"]));
    assert_eq!(event["queryStringParameters"], json!({ "a": "2", "b": "x y" }));
    assert_eq!(event["multiValueQueryStringParameters"]["a"], json!(["1", "2"]));
    assert_eq!(event["requestContext"]["path"], "/prod/webhooks/boatsetter");
    assert_eq!((&event["body"], &event["isBase64Encoded"]), (&json!("{}"), &json!(false)));
}

#[test]
fn what_is_not_text_travels_in_base64() {
    let cases: [(&str, &[u8], BodyEncoding, &str, bool); 4] = [
        ("application/octet-stream", b"{}", BodyEncoding::ByContentType, "e30=", true),
        ("application/json", b"{}", BodyEncoding::Base64, "e30=", true),
        ("application/json", &[0xff], BodyEncoding::ByContentType, "/w==", true),
        ("application/problem+json", b"{}", BodyEncoding::ByContentType, "{}", false),
    ];
    for (content_type, body, encoding, expected, is_base64) in cases {
        for event in [http_api_event, rest_event].map(|build| build(&request(content_type, body), encoding)) {
            assert_eq!((&event["body"], &event["isBase64Encoded"]), (&json!(expected), &json!(is_base64)));
        }
    }
}

/// Answers one invocation with `answer`, at `response` or `error`, and returns the event.
async fn function(lambda: &Lambda, outcome: &str, answer: Value) -> Value {
    let (client, base) = (loopback_client(), format!("http://{}/2018-06-01/runtime/invocation", lambda.address()));
    let next = client.get(format!("{base}/next")).send().await.expect("a poll");
    let id = next.headers()["lambda-runtime-aws-request-id"].to_str().expect("text").to_owned();
    client.post(format!("{base}/{id}/{outcome}")).json(&answer).send().await.expect("an answer");
    next.json().await.expect("JSON")
}

async fn start(time_out: Duration) -> (Arc<Lambda>, FrontDoor) {
    let lambda = Arc::new(Lambda::start(time_out).await.expect("a free port"));
    let front_door = FrontDoor::start(Arc::clone(&lambda), Traffic::new()).await.expect("a free port");
    (lambda, front_door)
}

async fn post(url: String) -> (u16, HeaderMap, String) {
    let answer = loopback_client().post(url).body("{}").send().await.expect("an answer");
    (answer.status().as_u16(), answer.headers().clone(), answer.text().await.expect("text"))
}

use http::HeaderMap;

#[tokio::test]
async fn it_answers_what_the_function_answered() {
    let (lambda, front_door) = start(Duration::from_secs(29)).await;
    let plain =
        json!({ "statusCode": 202, "headers": { "content-type": "application/json", "x-a": "1" }, "body": "{}" });
    let base64 = json!({ "statusCode": 200, "multiValueHeaders": { "x-a": ["1", "2"] }, "body": "aGk=", "isBase64Encoded": true });

    let (seen, event) =
        tokio::join!(post(format!("{}/webhooks/boatsetter", front_door.url())), function(&lambda, "response", plain));
    assert_eq!((seen.0, seen.1["x-a"].to_str().expect("text"), seen.2.as_str()), (202, "1", "{}"));
    assert_eq!(event["rawPath"], "/webhooks/boatsetter");

    let rest = format!("{}/webhooks/boatsetter?a=1", front_door.rest_url());
    let (seen, event) = tokio::join!(post(rest), function(&lambda, "response", base64));
    assert_eq!((seen.0, seen.1.get_all("x-a").iter().count(), seen.2.as_str()), (200, 2, "hi"));
    assert_eq!((&event["path"], &event["queryStringParameters"]["a"]), (&json!("/webhooks/boatsetter"), &json!("1")));
}

#[tokio::test]
async fn it_speaks_for_a_function_that_fails() {
    let (lambda, front_door) = start(Duration::from_secs(29)).await;
    let error = json!({ "errorType": "Broken", "errorMessage": "secret words" });
    let cases =
        [(front_door.url(), 500, "Internal Server Error"), (front_door.rest_url(), 502, "Internal server error")];
    for (url, status, words) in cases {
        let seen = tokio::join!(post(format!("{url}/x")), function(&lambda, "error", error.clone())).0;
        assert_eq!((seen.0, seen.2), (status, json!({ "message": words }).to_string()));
    }
    let seen =
        tokio::join!(post(format!("{}/x", front_door.url())), function(&lambda, "response", json!("not an answer"))).0;
    assert_eq!(seen.0, 500);
}

#[tokio::test]
async fn it_speaks_for_a_function_that_nobody_runs() {
    let (_lambda, front_door) = start(Duration::from_millis(50)).await;
    let cases =
        [(front_door.url(), 503, "Service Unavailable"), (front_door.rest_url(), 504, "Endpoint request timed out")];
    for (url, status, words) in cases {
        let seen = post(format!("{url}/x")).await;
        assert_eq!((seen.0, seen.2), (status, json!({ "message": words }).to_string()));
    }
}

#[tokio::test]
async fn it_refuses_more_than_10_mb_before_the_function_sees_it() {
    let (_lambda, front_door) = start(Duration::from_secs(29)).await;
    let body = vec![b' '; BODY_LIMIT_BYTES + 1];
    let answer = loopback_client().post(front_door.url()).body(body).send().await.expect("an answer");
    assert_eq!(answer.status(), 413);
}
