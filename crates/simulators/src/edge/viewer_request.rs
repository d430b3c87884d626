//! Runs the viewer-request function that is deployed, so that its rule is written once.

use rquickjs::{Context, Ctx, Function, Runtime, Value as JsValue};
use serde_json::{Map, Value, json};

/// The file that CloudFront runs.
pub(super) const SOURCE: &str = include_str!("../../../../infra/viewer-request.js");

/// CloudFront's own limits for a function.
const SOURCE_LIMIT_BYTES: usize = 10 * 1024;
const MEMORY_LIMIT_BYTES: usize = 2 * 1024 * 1024;
/// How often the engine may ask whether to go on; CloudFront stops a function after about a millisecond of work.
const PATIENCE: u32 = 1_000;

/// Why CloudFront would answer 503 instead of the function.
#[derive(Debug, thiserror::Error)]
pub(super) enum FunctionError {
    #[error("the function is larger than 10 KB")]
    TooLarge,
    #[error("the function failed: {0}")]
    Failed(String),
    #[error("the function returned no request with a path: {0}")]
    NotARequest(String),
}

/// The path that goes on to the cache and the origin, by `source`'s `handler(event)`.
pub(super) fn rewrite(source: &str, request: &http::request::Parts) -> Result<String, FunctionError> {
    if source.len() > SOURCE_LIMIT_BYTES {
        return Err(FunctionError::TooLarge);
    }
    let returned = call(source, &event(request))?;
    let uri = returned["uri"].as_str().filter(|uri| uri.starts_with('/'));
    uri.map(str::to_owned).ok_or_else(|| FunctionError::NotARequest(returned.to_string()))
}

/// As CloudFront, every request gets an engine without memory of the others.
fn call(source: &str, event: &Value) -> Result<Value, FunctionError> {
    let failed = |error: rquickjs::Error| FunctionError::Failed(error.to_string());
    let runtime = Runtime::new().map_err(failed)?;
    runtime.set_memory_limit(MEMORY_LIMIT_BYTES);
    let mut asked = 0;
    runtime.set_interrupt_handler(Some(Box::new(move || {
        asked += 1;
        asked > PATIENCE
    })));
    let context = Context::full(&runtime).map_err(failed)?;
    context.with(|ctx| {
        let returned = handle(&ctx, source, event).map_err(|error| match error {
            rquickjs::Error::Exception => FunctionError::Failed(format!("{:?}", ctx.catch())),
            error => failed(error),
        })?;
        serde_json::from_str(&returned).map_err(|error| FunctionError::NotARequest(error.to_string()))
    })
}

fn handle(ctx: &Ctx<'_>, source: &str, event: &Value) -> rquickjs::Result<String> {
    ctx.eval::<(), _>(source)?;
    let handler: Function<'_> = ctx.globals().get("handler")?;
    let returned: JsValue<'_> = handler.call((ctx.json_parse(event.to_string())?,))?;
    ctx.json_stringify(returned)?.map_or_else(|| Ok("null".to_owned()), |json| json.to_string())
}

/// The event of a viewer request, in CloudFront's structure.
fn event(request: &http::request::Parts) -> Value {
    let mut headers = Map::new();
    for (name, value) in &request.headers {
        headers.insert(name.to_string(), json!({ "value": String::from_utf8_lossy(value.as_bytes()) }));
    }
    headers.remove("cookie");
    let query = request.uri.query().unwrap_or_default();
    let pairs = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let querystring: Map<_, _> = pairs.map(|(name, value)| (name.to_owned(), json!({ "value": value }))).collect();
    json!({
        "version": "1.0",
        "context": {
            "distributionDomainName": "d111111abcdef8.cloudfront.net",
            "distributionId": "EDFDVBD6EXAMPLE",
            "eventType": "viewer-request",
            "requestId": "rehearsal",
        },
        "viewer": { "ip": "127.0.0.1" },
        "request": {
            "method": request.method.as_str(),
            "uri": request.uri.path(),
            "querystring": querystring,
            "headers": headers,
            "cookies": {},
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewritten(uri: &str) -> String {
        let request = http::Request::get(uri).header("Accept", "text/html").body(()).expect("a valid request");
        rewrite(SOURCE, &request.into_parts().0).expect("the function does not throw")
    }

    #[test]
    fn clean_links_lead_to_the_page() {
        for (uri, expected) in [
            ("/g/XHQGMDH1", "/g/XHQGMDH1.html"),
            ("/g/xhqgmdh1", "/g/XHQGMDH1.html"),
            ("/g/XhQgMdH1/", "/g/XHQGMDH1.html"),
            ("/g/XHQGMDH1.html", "/g/XHQGMDH1.html"),
            ("/g/xhqgmdh1.html", "/g/XHQGMDH1.html"),
            ("/g/xhqgmdh1.ics", "/g/XHQGMDH1.ics"),
            ("/g/01234567?utm_source=mail&x", "/g/01234567.html"),
        ] {
            assert_eq!(rewritten(uri), expected, "{uri}");
        }
    }

    #[test]
    fn everything_else_is_left_alone() {
        for uri in [
            "/",
            "/g",
            "/g/",
            "/g//",
            "/g/../x",
            "/g/../g/XHQGMDH1",
            "/%67/XHQGMDH1",
            "/g/XHQGMDH%31",
            "/g/%2e%2e/x",
            "/g/%2e",
            "/g/XHQGMDH",
            "/g/XHQGMDH12",
            "/g/XHQGMDHI",
            "/g/XHQGMDHL",
            "/g/XHQGMDHO",
            "/g/XHQGMDHu",
            "/g/XHQGMDH1//",
            "/g/XHQGMDH1.html/",
            "/g/XHQGMDH1.htm",
            "/g/XHQGMDH1.ICS",
            "/g/XHQGMDH1.json",
            "/g/XHQGMDH1/photo",
            "/G/XHQGMDH1",
            "/a/g/XHQGMDH1",
            "/index.html",
            "/g/%00%0A%0D",
            "/g/%C5%BFHQGMDH1",
            "/g/$(id);'",
        ] {
            assert_eq!(rewritten(uri), uri, "{uri}");
        }
    }

    #[test]
    fn a_function_that_does_not_return_a_request_is_an_error() {
        let request = http::Request::get("/").body(()).expect("a valid request").into_parts().0;
        for source in [
            "function handler(event) { throw new Error('no'); }",
            "function handler(event) { }",
            "function handler(event) { for (;;) {} }",
            "function handler(event) { return { uri: 'https://elsewhere.example/' }; }",
            "syntax error",
            "",
        ] {
            assert!(rewrite(source, &request).is_err(), "{source}");
        }
    }
}
