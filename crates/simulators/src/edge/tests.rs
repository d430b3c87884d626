use aws_sdk_cloudfront::types::{InvalidationBatch, Paths};

use super::*;
use crate::{aws::loopback_client, cloud::Cloud, emulator::Emulator};

const CONTROL: &str = "public, max-age=0, s-maxage=86400, must-revalidate";
const HTML: &str = "text/html; charset=utf-8";

struct Site {
    cloud: Cloud,
    edge: Edge,
    traffic: Traffic,
}

impl Site {
    async fn start() -> Self {
        let emulator = Emulator::shared().await.expect("ministack starts");
        let cloud = Cloud::create(&emulator.url()).await.expect("a bucket and a distribution");
        let traffic = Traffic::new();
        let edge = Edge::start(EdgeOptions {
            traffic: traffic.clone(),
            emulator_url: emulator.url(),
            bucket: cloud.bucket.clone(),
            distribution_id: cloud.distribution_id.clone(),
            clock: Clock::system(),
        });
        let edge = edge.await.expect("a free port");
        Self { cloud, edge, traffic }
    }

    async fn put(&self, key: &str, body: &'static str) {
        let put = self.cloud.s3.put_object().bucket(&self.cloud.bucket).key(key).body(body.as_bytes().to_vec().into());
        put.content_type(HTML).cache_control(CONTROL).send().await.expect("the bucket takes it");
    }

    async fn invalidate(&self, reference: &str, paths: &[&str]) {
        let items = paths.iter().map(|path| (*path).to_owned()).collect();
        let quantity = i32::try_from(paths.len()).expect("a few");
        let paths = Paths::builder().quantity(quantity).set_items(Some(items)).build().expect("complete");
        let batch = InvalidationBatch::builder().paths(paths).caller_reference(reference).build().expect("complete");
        let create = self.cloud.cloudfront.create_invalidation().distribution_id(&self.cloud.distribution_id);
        create.invalidation_batch(batch).send().await.expect("the distribution exists");
    }

    async fn get(&self, path: &str) -> (u16, String, String) {
        let answer = loopback_client().get(format!("{}{path}", self.edge.url())).send().await.expect("an answer");
        let x_cache = answer.headers()["x-cache"].to_str().expect("text").to_owned();
        assert!(answer.headers().contains_key("via"));
        (answer.status().as_u16(), x_cache, answer.text().await.expect("text"))
    }
}

fn seen(status: u16, x_cache: &str, body: &str) -> (u16, String, String) {
    (status, format!("{x_cache} from cloudfront"), body.to_owned())
}

#[tokio::test]
async fn a_page_is_cached_until_it_is_invalidated() {
    let site = Site::start().await;
    site.put("g/XHQGMDH1.html", "first").await;
    assert_eq!(site.get("/g/xhqgmdh1").await, seen(200, "Miss", "first"));
    site.put("g/XHQGMDH1.html", "second").await;
    assert_eq!(site.get("/g/XHQGMDH1?from=mail").await, seen(200, "Hit", "first"));
    site.invalidate("1", &["/g/OTHER123.html", "/g/XHQGMDH1"]).await;
    assert_eq!(site.get("/g/XHQGMDH1").await, seen(200, "Hit", "first"));
    site.invalidate("2", &["/g/XHQGMDH1", "/g/XHQGMDH1.html", "/g/XHQGMDH1.ics"]).await;
    assert_eq!(site.get("/g/XHQGMDH1").await, seen(200, "Miss", "second"));
    assert_eq!(site.get("/g/XHQGMDH1").await, seen(200, "Hit", "second"));
    assert_eq!(site.traffic.calls_to(Service::Edge)[0].operation, "GET /g/xhqgmdh1");
}

#[tokio::test]
async fn a_missing_page_is_403_until_it_is_put_and_invalidated() {
    let site = Site::start().await;
    assert_eq!(site.get("/g/XHQGMDH1").await, seen(403, "Error", ACCESS_DENIED));
    site.put("g/XHQGMDH1.html", "first").await;
    assert_eq!(site.get("/g/XHQGMDH1").await, seen(403, "Error", ACCESS_DENIED));
    site.invalidate("1", &["/g/XHQGMDH1.html"]).await;
    assert_eq!(site.get("/g/XHQGMDH1").await, seen(200, "Miss", "first"));
    // No way out of the bucket, and none to its listing.
    for path in ["/", "/g/%2e%2e/%2e%2e/other/key", "/%2E%2E/", "/g"] {
        assert_eq!(site.get(path).await.0, 403, "{path}");
    }
}

#[tokio::test]
async fn an_unknown_link_is_a_friendly_404_and_never_a_304() {
    let site = Site::start().await;
    site.put("g/not-found.html", "ask whoever sent it").await;
    for path in ["/g/XHQGMDH1", "/g/xhqgmdh", "/", "/g/%2e%2e/other/key"] {
        assert_eq!(site.get(path).await, seen(404, "Error", "ask whoever sent it"), "{path}");
    }
    let (client, page) = (loopback_client(), format!("{}/g/not-found.html", site.edge.url()));
    let page = client.get(page).send().await.expect("an answer");
    assert_eq!((page.status().as_u16(), &page.headers()["content-type"]), (200, &HeaderValue::from_static(HTML)));
    let unknown =
        client.get(format!("{}/g/XHQGMDH1", site.edge.url())).header("if-none-match", &page.headers()["etag"]);
    let unknown = unknown.send().await.expect("an answer");
    assert_eq!((unknown.status().as_u16(), &unknown.headers()["content-type"]), (404, &HeaderValue::from_static(HTML)));

    site.put("g/XHQGMDH1.html", "first").await;
    site.invalidate("1", &["/g/XHQGMDH1.html"]).await;
    assert_eq!(site.get("/g/XHQGMDH1").await, seen(200, "Miss", "first"));
}

#[tokio::test]
async fn visitors_read_only_and_ask_again_cheaply() {
    let site = Site::start().await;
    site.put("g/XHQGMDH1.html", "first").await;
    let (client, url) = (loopback_client(), format!("{}/g/XHQGMDH1", site.edge.url()));
    assert_eq!(client.post(&url).send().await.expect("an answer").status(), 403);

    let answer = client.get(&url).send().await.expect("an answer");
    assert_eq!(answer.headers()["content-type"], HTML);
    assert_eq!(answer.headers()["cache-control"], CONTROL);
    let again = client.get(&url).header("if-none-match", &answer.headers()["etag"]).send().await.expect("an answer");
    assert_eq!(again.status(), 304);
    let head = client.head(&url).send().await.expect("an answer");
    assert_eq!((head.status().as_u16(), head.text().await.expect("no body")), (200, String::new()));
}

#[tokio::test]
async fn credentials_do_not_reach_a_service_through_the_edge() {
    let echo = |headers: HeaderMap, body: String| async move { (StatusCode::CREATED, format!("{headers:?} {body}")) };
    let service = Server::start(Router::new().fallback(echo), Traffic::new(), |_| None).await.expect("a free port");
    let edge = Edge::in_front_of(&service.url(), Traffic::new()).await.expect("a free port");
    let ask = |url: String| {
        let request = loopback_client().post(format!("{url}/prod/events")).header("authorization", "Bearer secret-key");
        request.header("x-service-key", "secret-key").header("content-type", "application/json").body("{}").send()
    };
    let direct = ask(service.url()).await.expect("an answer").text().await.expect("text");
    assert_eq!(direct.matches("secret-key").count(), 2, "{direct}");
    let through = ask(edge.url()).await.expect("an answer");
    assert_eq!(through.status(), 201);
    let through = through.text().await.expect("text");
    assert!(
        !through.contains("secret-key") && through.contains("application/json") && through.ends_with("{}"),
        "{through}"
    );
}
