use std::sync::atomic::{AtomicUsize, Ordering};

use axum::routing::{get, post};

use super::*;

/// A service whose only effect is a number that grows.
struct Counter {
    server: Server,
    traffic: Traffic,
    effects: Arc<AtomicUsize>,
    client: reqwest::Client,
}

impl Counter {
    async fn start() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let traffic = Traffic::new();
        let effects = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&effects);
        let act = post(move || async move {
            counted.fetch_add(1, Ordering::SeqCst);
            StatusCode::CREATED
        });
        let router = Router::new().route("/events", act).route("/page", get(|| async { "a page" }));
        let server = Server::start(router, traffic.clone(), |request| {
            (request.method == http::Method::POST).then(|| (Service::Scc, format!("POST {}", request.uri.path())))
        })
        .await
        .expect("a free port");
        Self { server, traffic, effects, client: reqwest::Client::new() }
    }

    fn fail_next(&self, fault: Fault) {
        self.traffic.fail_next(Service::Scc, "POST /events", fault, 1);
    }

    async fn call(&self) -> reqwest::Result<reqwest::Response> {
        self.client.post(format!("{}/events", self.server.url())).body("{}").send().await
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
    let url = format!("{}/events", counter.server.url());
    let gave_up = counter.client.post(url).timeout(Duration::from_millis(50)).send().await;
    assert!(gave_up.expect_err("no answer in time").is_timeout());
    counter.traffic.wait_for(|calls| calls.iter().all(|call| call.milliseconds.is_some())).await;
    assert_eq!((counter.effects(), counter.seen()), (2, None));
}

#[tokio::test]
async fn a_caller_who_is_gone_before_its_request_arrives_has_asked_for_nothing() {
    let counter = Counter::start().await;
    counter.fail_next(Fault::ArriveLate { milliseconds: 20 });
    assert_eq!(counter.call().await.expect("an answer").status(), 201);

    counter.fail_next(Fault::ArriveLate { milliseconds: 60_000 });
    let url = format!("{}/events", counter.server.url());
    counter.client.post(url).timeout(Duration::from_millis(50)).send().await.expect_err("no answer in time");
    counter.traffic.idle().await;
    assert_eq!((counter.effects(), counter.seen()), (1, None));
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
        counter.fail_next(Fault::ActLate { milliseconds: 100, status });
        let answer = counter.call().await.ok().map(|answer| answer.status().as_u16());
        assert_eq!((answer, counter.effects()), (status, effects - 1));
        tokio::time::timeout(Duration::from_secs(5), counter.traffic.idle()).await.expect("it acts in the end");
        assert_eq!(counter.effects(), effects);
    }
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
