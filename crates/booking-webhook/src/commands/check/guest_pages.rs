//! Publishes the canary's page, and opens it and the other pages as a guest or a chat would.

use futures::future::join_all;
use http::StatusCode;
use jiff::Timestamp;

use super::Check;
use crate::{
    booking::{CharterId, Operator},
    outbound::{CallError, Deadline, Page, Service},
    runtime::app::App,
    systems::guest_page::{
        Address, CACHE_CONTROL, CALENDAR, GuestPage, HTML, LinkPicture, PNG, Publisher, StandingPages,
    },
};

/// Marks both files of the canary, so that nothing else can be taken for them.
const MARK: &str = "booking-webhook-canary";
const NOT_REWRITTEN: &str = "Attach infra/viewer-request.js to g/* of the distribution, let the distribution read the bucket, and compare \
                             GUEST_PAGE_KEY with where it looks. The edge keeps an error for some seconds: then check again";
const SOMETHING_ELSE: &str = "Something else answers at /g/: look at the distribution's behaviours and its error pages, and at GUEST_PAGE_BASE_URL";
/// A charter id that is not the canary's; whether a booking has it does not matter much: one in a million million.
const UNKNOWN_LINK: &str = "/g/ZZZZZZZZ";
const NO_ERROR_PAGE: &str = "Let the distribution answer 403 and 404 with /g/not-found.html and the status 404 (docs/deploy.md). The edge keeps \
                             an error for some seconds: then check again";
const NO_PICTURE: &str = "Draw and put them: make fresh ENV=…, or make operator ENV=… FILE=… with a changed file. The edge keeps an error for some \
                          seconds: then check again. Until then chats show links without a picture";
const WRONG_HEADERS: &str =
    "Look at the distribution's response headers policy: it replaces what the object says. Then check again";

/// Publishes the canary, then opens it as a guest would.
pub(super) async fn guests(app: &App, operator: &Operator, deadline: &Deadline) -> [Check; 6] {
    let publisher = app.publisher();
    let now = deadline.now();
    let address = Address::of(&CharterId::canary(), &app.config.guest_page);
    let reference = format!("{}-{}", CharterId::canary(), now.as_millisecond());
    let html = app.renderer().not_found_page(operator).unwrap_or_default();
    let pictures = app.renderer().link_pictures(operator).unwrap_or_default();
    let canary = canary(now);
    let pages = StandingPages { canary: &canary, not_found_page: &html };
    let published = publisher.publish_standing_pages(&pages, &address, &reference, deadline).await;
    let (bucket, distribution) = publication(published);
    let base_url = &app.config.guest_page.base_url;
    let calendar_url = format!("{base_url}{}", address.calendar_path());
    let (page, calendar, not_found_page, link_picture) = tokio::join!(
        visit(&publisher, "guest_page", &address.url, HTML, deadline),
        visit(&publisher, "guest_page_calendar", &calendar_url, CALENDAR, deadline),
        not_found_page(&publisher, base_url, &html, deadline),
        link_picture(&publisher, base_url, &pictures, deadline),
    );
    [bucket, distribution, page, calendar, not_found_page, link_picture]
}

/// Opens each picture that a page may name, as chats do, and the icon. A deployment puts them, so any of them may be missing.
async fn link_picture(
    publisher: &Publisher<'_>,
    base_url: &str,
    pictures: &[LinkPicture],
    deadline: &Deadline,
) -> Check {
    let name = "link_picture";
    let seen = join_all(pictures.iter().map(|picture| async move {
        let path = picture.path();
        let page = publisher.visit(&format!("{base_url}{path}"), deadline).await;
        page.map_or_else(|error| Some(error.to_string()), |page| picture_fault(&path, &page))
    }));
    let faults: Vec<String> = seen.await.into_iter().flatten().collect();
    match (pictures.len(), faults.is_empty()) {
        (0, _) => Check::wrong(name, "no page can name one: the template cannot be rendered", NO_PICTURE),
        (count, true) => Check::right(name, format!("all {count} that pages name answer 200 with a picture")),
        (_, false) => Check::wrong(name, faults.join("; "), NO_PICTURE),
    }
}

fn picture_fault(path: &str, page: &Page) -> Option<String> {
    let kind = page.headers.get(http::header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    match (page.status, kind) {
        (StatusCode::OK, Some(PNG)) => None,
        (status, kind) => Some(format!("{path} answers {status} with {}", kind.unwrap_or("no content type"))),
    }
}

/// Follows a link that leads nowhere: it should show `html`, which was published just now with the operator's words of today.
async fn not_found_page(publisher: &Publisher<'_>, base_url: &str, html: &str, deadline: &Deadline) -> Check {
    let name = "not_found_page";
    match publisher.visit(&format!("{base_url}{UNKNOWN_LINK}"), deadline).await {
        Ok(page) if page.status == StatusCode::NOT_FOUND && page.body == html => {
            Check::right(name, "answers 404 with the page that says whom to ask")
        }
        Ok(page) => {
            let detail = format!("answers {}, but not with the page that says whom to ask", page.status);
            Check::wrong(name, detail, NO_ERROR_PAGE)
        }
        Err(error) => Check::wrong(name, error.to_string(), "Mend what keeps guest pages from being opened"),
    }
}

fn canary(now: Timestamp) -> GuestPage {
    let html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"robots\" content=\"noindex\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>No charter</title>\n</head>\n<body>\n<main>\n<h1>No charter is here</h1>\n\
         <p>This page shows that guest pages can be published.</p>\n<p>{MARK}, {now}</p>\n</main>\n</body>\n</html>\n"
    );
    let lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//booking-webhook//booking-webhook//EN",
        "BEGIN:VEVENT",
        &format!("UID:{MARK}"),
        "DTSTAMP:20000101T000000Z",
        "DTSTART:20000101T000000Z",
        "SUMMARY:No charter",
        "END:VEVENT",
        "END:VCALENDAR",
    ];
    GuestPage { html, calendar: lines.map(|line| format!("{line}\r\n")).concat() }
}

/// What was put into the bucket stays there when the invalidation fails.
fn publication(published: Result<(), CallError>) -> (Check, Check) {
    let (bucket, distribution) = ("guest_page_bucket", "distribution");
    let stored = || Check::right(bucket, "takes a page and its calendar file");
    match published {
        Ok(()) => (stored(), Check::right(distribution, "takes an invalidation of exactly their paths")),
        Err(error) if error.call.service == Service::Cloudfront => {
            let next = "Compare distribution_id in the guest-page secret with the distribution in front of the bucket";
            (stored(), Check::failed(distribution, &error, next))
        }
        Err(error) => (
            Check::failed(
                bucket,
                &error,
                "Compare GUEST_PAGE_BUCKET with the bucket's name, and the function's region with its own",
            ),
            Check::wrong(distribution, "was not asked: nothing could be put into the bucket", "Mend the bucket first"),
        ),
    }
}

/// No secret goes along and no redirect is followed, so the host need not be on the list of hosts that may be shown a token.
async fn visit(
    publisher: &Publisher<'_>,
    name: &'static str,
    url: &str,
    content_type: &str,
    deadline: &Deadline,
) -> Check {
    match publisher.visit(url, deadline).await {
        Ok(page) => judge(name, &page, content_type),
        Err(error) => {
            let next = "Compare GUEST_PAGE_BASE_URL with the distribution's domain names, its certificate and DNS";
            Check::wrong(name, error.to_string(), next)
        }
    }
}

fn judge(name: &'static str, page: &Page, content_type: &str) -> Check {
    let answered = format!("answers {}", page.status);
    let header = |name: &str| page.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("none");
    if page.status.is_redirection() {
        let next = "Set GUEST_PAGE_BASE_URL to where the site redirects to: guests should be sent there at once";
        return Check::wrong(name, format!("{answered}: it redirects to {}", header("location")), next);
    }
    if page.status != StatusCode::OK {
        return Check::wrong(name, answered, NOT_REWRITTEN);
    }
    if !page.body.contains(MARK) {
        return Check::wrong(name, format!("{answered}, but not with the page that was published"), SOMETHING_ELSE);
    }
    for (header_name, expected) in [("content-type", content_type), ("cache-control", CACHE_CONTROL)] {
        let found = header(header_name);
        if !found.eq_ignore_ascii_case(expected) {
            let detail = format!("{answered}, with {header_name} {found} instead of {expected}");
            return Check::wrong(name, detail, WRONG_HEADERS);
        }
    }
    let robots = match header("x-robots-tag") {
        words if words.contains("noindex") => "with",
        _ => "without",
    };
    Check::right(name, format!("{answered} as it was published, {robots} a noindex header"))
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;

    fn page(status: u16, headers: &[(&'static str, &str)], body: &str) -> Page {
        let headers =
            headers.iter().map(|(name, value)| (http::HeaderName::from_static(name), value.parse().expect("a header")));
        let status = StatusCode::from_u16(status).expect("a status");
        Page { status, headers: headers.collect::<HeaderMap>(), body: body.into() }
    }

    #[test]
    fn a_page_is_right_only_if_it_is_ours_as_it_was_published() {
        let (html, cache) = (("content-type", HTML), ("cache-control", CACHE_CONTROL));
        let noindex = ("x-robots-tag", "noindex, nofollow");
        let ours = canary(Timestamp::UNIX_EPOCH).html;
        for (page, ok, words) in [
            (page(200, &[html, cache, noindex], &ours), true, "with a noindex header"),
            (page(200, &[html, cache], &ours), true, "without a noindex header"),
            (page(200, &[html, cache], "<p>Welcome aboard"), false, "not with the page that was published"),
            (page(200, &[("content-type", "text/plain"), cache], &ours), false, "content-type text/plain"),
            (page(200, &[html, ("cache-control", "max-age=600")], &ours), false, "cache-control max-age=600"),
            (
                page(301, &[("location", "https://www.example.org/")], ""),
                false,
                "redirects to https://www.example.org/",
            ),
            (page(403, &[], "denied"), false, "answers 403"),
        ] {
            let check = judge("guest_page", &page, HTML);
            assert_eq!((check.ok, check.next.is_some()), (ok, !ok), "{check:?}");
            assert!(check.detail.contains(words), "{check:?}");
        }
    }
}
