//! Whether everything that the function needs is there and lets it in: for after a deployment, or when a secret was rotated.
//!
//! It creates nothing at the calendar or at SCC and mails nobody. What it writes is one page of its own, the canary's, for a charter
//! id that no booking can get (whether pages can be published cannot be told without publishing one), and the page for links that lead
//! nowhere, which belongs to no booking. It asks for no permission that a booking does not need.

use std::collections::BTreeSet;

use futures::future::join_all;
use http::StatusCode;
use jiff::{Timestamp, civil::date};
use serde::Serialize;
use serde_json::json;

use crate::{
    booking::{BookingId, CharterId, Operator},
    inbound::Senders,
    outbound::{CallError, Class, Deadline, Page, Service},
    reconcile::retry::credentials,
    response::Reply,
    runtime::app::{App, senders},
    runtime::config::FileError,
    runtime::secrets::SecretsError,
    runtime::telemetry::with_causes,
    systems::guest_page::{
        Address, CACHE_CONTROL, CALENDAR, GuestPage, HTML, LinkPicture, PNG, Publisher, StandingPages,
    },
    systems::remote_id::EventId,
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

/// What was looked at, and what was found.
#[derive(Debug, Clone, Serialize)]
struct Check {
    name: &'static str,
    ok: bool,
    detail: String,
    /// What to do, if it is not right.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// Looks at everything, all at once. The status is 200 when all is right, else 503; a direct invocation reads `ok`.
pub(crate) async fn check(app: &App, deadline: &Deadline) -> Reply {
    // Before the rest: what the services are shown is what is stored now, not what this process once read.
    let secrets = secrets(app, deadline).await;
    let (files, operator) = files(app, deadline).await;
    let operator = operator.as_ref().unwrap_or(&app.operator);
    let (ledger, services, guests, office) = tokio::join!(
        ledger(app, deadline),
        services(app, deadline),
        guests(app, operator, deadline),
        office(app, deadline),
    );
    let checks: Vec<Check> = [environment(app), secrets]
        .into_iter()
        .chain(files)
        .chain(ledger)
        .chain(services)
        .chain(guests)
        .chain([office])
        .collect();
    let failed: Vec<&str> = checks.iter().filter(|check| !check.ok).map(|check| check.name).collect();
    if failed.is_empty() {
        tracing::info!("checked: everything is right");
    } else {
        tracing::warn!(?failed, "checked: something is not right");
    }
    let ok = failed.is_empty();
    let status = if ok { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    Reply::Report { status, document: json!({ "ok": ok, "status": status.as_u16(), "checks": checks }) }
}

impl Check {
    fn right(name: &'static str, detail: impl Into<String>) -> Self {
        Self { name, ok: true, detail: detail.into(), next: None }
    }

    fn wrong(name: &'static str, detail: impl Into<String>, next: impl Into<String>) -> Self {
        Self { name, ok: false, detail: detail.into(), next: Some(next.into()) }
    }

    /// A denial has a `next` of its own; every other failure has `next`.
    fn of(name: &'static str, outcome: Result<impl Into<String>, CallError>, next: &str) -> Self {
        match outcome {
            Ok(detail) => Self::right(name, detail),
            Err(error) => Self::failed(name, &error, next),
        }
    }

    fn failed(name: &'static str, error: &CallError, next: &str) -> Self {
        let next = match error.class {
            Class::Denied => credentials(error.call.service),
            Class::Transient | Class::Unknown { .. } | Class::Unreadable | Class::Refused => next,
        };
        Self::wrong(name, error.to_string(), next)
    }
}

fn environment(app: &App) -> Check {
    match &*app.config.faults {
        [] => Check::right("environment", "every variable can be used"),
        faults => Check::wrong("environment", faults.join("; "), "Mend these variables of the function"),
    }
}

async fn secrets(app: &App, deadline: &Deadline) -> Check {
    match app.secrets.refresh(deadline).await {
        Ok(secrets) if secrets.faults.is_empty() => Check::right("secrets", "all of them were read just now"),
        Ok(secrets) => {
            let faults: Vec<String> = secrets.faults.iter().map(ToString::to_string).collect();
            Check::wrong("secrets", faults.join("; "), "Mend these secrets in Secrets Manager, then check again")
        }
        Err(SecretsError::Unreachable { source, .. }) => Check::failed("secrets", &source, "Check again in a minute"),
        Err(error) => Check::wrong("secrets", error.to_string(), "Mend these secrets in Secrets Manager"),
    }
}

/// The operator's file and the senders' mappings, and what the former says today.
async fn files(app: &App, deadline: &Deadline) -> ([Check; 2], Option<Operator>) {
    let files = app.files(deadline);
    let (operator, senders) = tokio::join!(
        files.load("OPERATOR_FILE", app.config.operator_file.as_ref(), Operator::parse),
        senders(&files, &app.config),
    );
    ([file("operator_file", &operator), mappings(&senders)], operator.ok().flatten())
}

fn mappings(senders: &Senders) -> Check {
    let faults: Vec<&str> = senders.faults().collect();
    if faults.is_empty() {
        let names: Vec<&str> = senders.all().map(|sender| sender.name.as_str()).collect();
        return Check::right(
            "mappings",
            format!("can be read, of: {}; in use is what the last cold start read", names.join(", ")),
        );
    }
    let next = "Mend them, or the function's right to list and get them, before the next cold start: these senders' deliveries would be quarantined";
    Check::wrong("mappings", faults.join("; "), next)
}

fn file<T>(name: &'static str, loaded: &Result<Option<T>, FileError>) -> Check {
    match loaded {
        Ok(Some(_)) => Check::right(name, "can be read; in use is what the last cold start read"),
        Ok(None) => Check::right(name, "none is configured: the compiled-in defaults apply"),
        Err(error) => {
            let next = "Mend the file, or the function's right to GetObject on it, before the next cold start: every delivery would be quarantined";
            Check::wrong(name, with_causes(error), next)
        }
    }
}

async fn ledger(app: &App, deadline: &Deadline) -> [Check; 2] {
    let nobody = BookingId::parse(CharterId::canary().as_str()).expect("eight digits are an identifier");
    let (item, backlog) = tokio::join!(app.ledger.state(&nobody, deadline), app.ledger.backlog(deadline));
    let backlog = backlog.map(|waits| {
        format!(
            "bookings due: {}, parked: {}; deliveries in quarantine: {}",
            waits.due, waits.parked, waits.quarantined
        )
    });
    let next =
        "Compare LEDGER_TABLE with the stack's output LedgerTable; the table must be the template's, with its index";
    [Check::of("ledger", item.map(|_| "answers in its own table"), next), Check::of("ledger_index", backlog, next)]
}

/// Whether anybody hears of what needs a person.
async fn office(app: &App, deadline: &Deadline) -> Check {
    const NOTICES: &str = "notices";
    let Some(notices) = app.notices() else {
        return Check::right(NOTICES, "no NOTICES_TOPIC is set: what the office should hear is a line of the log");
    };
    let subscribers = notices.subscribers(deadline).await;
    let next = "Subscribe the office's address to the topic and confirm the mail that it gets (docs/deploy.md); if the topic is not found, compare NOTICES_TOPIC";
    Check::of(NOTICES, subscribers.map(|confirmed| format!("{confirmed} confirmed subscriptions")), next)
}

async fn services(app: &App, deadline: &Deadline) -> [Check; 3] {
    // A day long past, and an event that does not exist.
    let day = BTreeSet::from([date(2000, 1, 1)]);
    let nobodys = EventId::from(&CharterId::canary());
    let (calendar, scc) = (app.calendar(), app.scc());
    let (entries, key, items) = tokio::join!(
        calendar.find(nobodys.as_str(), &day, deadline),
        scc.check_key(&nobodys, deadline),
        scc.check_table(&nobodys, deadline),
    );
    [
        Check::of(
            "calendar",
            entries.map(|_| "takes our token"),
            "Compare url in the calendar secret with its API Gateway's, stage included; if it is right, look whether the service works",
        ),
        Check::of(
            "scc",
            key.map(|()| "takes our service key, and no request without one"),
            "Compare url in the scc secret with its API Gateway's, stage included; if it is right, look whether the service works",
        ),
        Check::of(
            "scc_events",
            items.map(|()| "can be queried by event_id"),
            "Compare SCC_EVENTS_TABLE with SCC's table, and the function's region with the table's",
        ),
    ]
}

/// Publishes the canary, then opens it as a guest would.
async fn guests(app: &App, operator: &Operator, deadline: &Deadline) -> [Check; 6] {
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
