use std::sync::atomic::{AtomicUsize, Ordering};

use axum::routing::{get, post};
use serde_json::json;

use super::*;

/// A service whose only effect is a number that grows.
struct Counter {
    server: Server,
    traffic: Traffic,
    effects: Arc<AtomicUsize>,
    /// How many of them came when their call was over.
    unheard: Arc<AtomicUsize>,
    client: reqwest::Client,
}

impl Counter {
    async fn start() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let traffic = Traffic::new();
        let (effects, unheard) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (counted, late, calls) = (Arc::clone(&effects), Arc::clone(&unheard), traffic.clone());
        let act = post(move || async move {
            let is_over = calls.calls().last().is_some_and(|call| call.milliseconds.is_some());
            late.fetch_add(usize::from(is_over), Ordering::SeqCst);
            counted.fetch_add(1, Ordering::SeqCst);
            (StatusCode::CREATED, axum::Json(json!({ "id": "evt_1", "title": "Dana" })))
        });
        let router = Router::new().route("/events", act).route("/page", get(|| async { "a page" }));
        let server = Server::start(router, traffic.clone(), |request| {
            (request.method == http::Method::POST).then(|| (Service::Scc, format!("POST {}", request.uri.path())))
        })
        .await
        .expect("a free port");
        Self { server, traffic, effects, unheard, client: reqwest::Client::new() }
    }

    fn fail_next(&self, fault: Fault) {
        self.traffic.fail_next(Service::Scc, "POST /events", fault, 1);
    }

    async fn call(&self) -> reqwest::Result<reqwest::Response> {
        self.client.post(format!("{}/events", self.server.url())).body("{}").send().await
    }

    /// A caller who goes away as soon as its call has arrived.
    async fn call_and_give_up(&self) {
        let before = self.traffic.calls().len();
        tokio::select! {
            () = self.traffic.wait_for(|calls| calls.len() > before) => {}
            answer = self.call() => panic!("it was answered: {answer:?}"),
        }
    }

    fn effects(&self) -> usize {
        self.effects.load(Ordering::SeqCst)
    }

    /// What the log says that the caller saw.
    fn seen(&self) -> Option<u16> {
        let calls = self.traffic.calls();
        let last = calls.last().expect("a call was made");
        assert!(last.milliseconds.is_some(), "the call is over");
        last.status
    }
}

#[tokio::test]
async fn behaves_when_nothing_is_scripted() {
    let counter = Counter::start().await;
    assert_eq!(counter.call().await.expect("an answer").status(), 201);
    assert_eq!((counter.effects(), counter.seen()), (1, Some(201)));
    assert_eq!(counter.traffic.calls()[0].request_body, "{}");

    let page = counter.client.get(format!("{}/page", counter.server.url())).send().await.expect("an answer");
    assert_eq!(page.text().await.expect("text"), "a page");
    assert_eq!(counter.traffic.calls().len(), 1, "pages are not logged");
}

#[tokio::test]
async fn answers_with_or_without_acting() {
    let counter = Counter::start().await;
    counter.fail_next(Fault::Answer { status: 429, acted: false, retry_after: Some(7) });
    let answer = counter.call().await.expect("an answer");
    assert_eq!(answer.status(), 429);
    assert_eq!(answer.headers()["retry-after"], "7");
    assert_eq!((counter.effects(), counter.seen()), (0, Some(429)));

    counter.fail_next(Fault::Answer { status: 502, acted: true, retry_after: None });
    assert_eq!(counter.call().await.expect("an answer").status(), 502);
    assert_eq!((counter.effects(), counter.seen()), (1, Some(502)));
}

#[tokio::test]
async fn acts_before_a_delay_and_the_caller_may_give_up() {
    let counter = Counter::start().await;
    counter.fail_next(Fault::Delay { milliseconds: 20 });
    assert_eq!(counter.call().await.expect("an answer").status(), 201);

    counter.fail_next(Fault::Delay { milliseconds: 60_000 });
    counter.call_and_give_up().await;
    counter.traffic.idle().await;
    assert_eq!((counter.effects(), counter.seen()), (2, None));
}

#[tokio::test]
async fn a_request_whose_caller_is_gone_does_not_act() {
    let counter = Counter::start().await;
    counter.fail_next(Fault::ArriveLate { milliseconds: 20 });
    assert_eq!(counter.call().await.expect("an answer").status(), 201);

    counter.fail_next(Fault::ArriveLate { milliseconds: 60_000 });
    counter.call_and_give_up().await;
    counter.traffic.idle().await;
    assert_eq!((counter.effects(), counter.seen()), (1, None));
}

#[tokio::test]
async fn acts_and_holds_its_answer_back_until_it_may_answer() {
    let counter = Counter::start().await;
    counter.fail_next(Fault::Hold);
    let let_go = async {
        counter.traffic.wait_for(|calls| !calls.is_empty()).await;
        while counter.effects() == 0 {
            tokio::task::yield_now().await;
        }
        assert!(counter.traffic.calls()[0].milliseconds.is_none(), "it is held");
        counter.traffic.answer_held();
    };
    let (answer, ()) = tokio::join!(counter.call(), let_go);
    assert_eq!((answer.expect("an answer").status().as_u16(), counter.seen()), (201, Some(201)));
}

#[tokio::test]
async fn drops_the_connection_before_or_after_acting() {
    let counter = Counter::start().await;
    for (fault, effects) in [(Fault::DropBefore, 0), (Fault::DropAfter, 1)] {
        counter.fail_next(fault);
        let error = counter.call().await.expect_err("no answer");
        assert!(error.is_request() && !error.is_timeout(), "{error:?}");
        counter.traffic.wait_for(|calls| calls.iter().all(|call| call.milliseconds.is_some())).await;
        assert_eq!((counter.effects(), counter.seen()), (effects, None));
    }
    assert_eq!(counter.call().await.expect("the server goes on").status(), 201);
}

#[tokio::test]
async fn acts_after_its_answer() {
    let counter = Counter::start().await;
    for (status, effects) in [(Some(504), 1), (None, 2)] {
        counter.fail_next(Fault::ActLate { milliseconds: 20, status });
        let answer = counter.call().await.ok().map(|answer| answer.status().as_u16());
        assert_eq!(answer, status);
        tokio::time::timeout(Duration::from_secs(5), counter.traffic.idle()).await.expect("it acts in the end");
        assert_eq!((counter.effects(), counter.unheard.load(Ordering::SeqCst)), (effects, effects));
    }
}

#[tokio::test]
async fn answers_what_no_service_says() {
    let counter = Counter::start().await;
    let as_it_would = json!({ "id": "evt_1", "title": "Dana" }).to_string();
    for (fault, effects, status, content_type, body) in [
        (Fault::maintenance_page(), 0, 200, "text/html; charset=utf-8", "back soon"),
        (Fault::somebody_else(), 0, 200, "application/json", r#""id":"order-7""#),
        (Fault::created_unreadable(), 1, 201, "application/json", r#"{"event":{"id":"chr_1"}}"#),
        (Fault::other_id("id", json!(17)), 2, 201, "application/json", r#"{"id":17,"title":"Dana"}"#),
        (Fault::other_id("id", json!("../users?all=true")), 3, 201, "application/json", "../users?all=true"),
        (Fault::LongAnswer { bytes: 3 * 1024 * 1024 }, 4, 201, "application/json", &as_it_would),
    ] {
        counter.fail_next(fault.clone());
        let answer = counter.call().await.expect("an answer");
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["content-type"]),
            (status, &content_type.parse().unwrap())
        );
        let text = answer.text().await.expect("text");
        assert!(text.contains(body), "{fault:?}: {}", text.trim_end());
        assert_eq!((counter.effects(), counter.seen()), (effects, Some(status)), "{fault:?}");
        if let Fault::LongAnswer { bytes } = fault {
            assert_eq!(text.len(), as_it_would.len() + bytes);
            serde_json::from_str::<Value>(&text).expect("it is JSON all the same");
        }
    }
    counter.fail_next(Fault::moved_permanently());
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
    let answer = client.post(format!("{}/events", counter.server.url())).send().await.expect("an answer");
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["location"]),
        (301, &"https://moved.example.com/".parse().unwrap())
    );
}

#[tokio::test]
async fn a_503_says_nothing_of_when_and_acts_all_the_same() {
    let counter = Counter::start().await;
    counter.fail_next(Fault::UNAVAILABLE_ACTS_LATE);
    let answer = counter.call().await.expect("an answer");
    assert_eq!((answer.status().as_u16(), answer.headers().get("retry-after"), counter.effects()), (503, None, 0));
    counter.traffic.idle().await;
    assert_eq!((counter.effects(), counter.unheard.load(Ordering::SeqCst)), (1, 1));
}

#[tokio::test]
async fn stops_when_dropped() {
    let Counter { server, client, .. } = Counter::start().await;
    let url = server.url();
    drop(server);
    tokio::time::timeout(Duration::from_secs(5), async {
        while client.get(format!("{url}/page")).send().await.is_ok() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("nobody listens any more");
}
