//! The office's desk: pages that show a case as it is now, and buttons that lead to the same commands as a direct invocation.
//!
//! `GET /desk/{page}` shows, and never changes anything: mail scanners follow links. `{page}/{button}` asks once more, and a `POST` to it
//! acts. What a link is good for stands in its token ([`crate::systems::office::desk_token`]), never in its path: the path is the
//! caller's to choose. From the whole desk one comes to any case: `{page}/{subject}`.

mod buttons;
mod case;
mod entry;
mod noting;
mod press;
mod whole;

use http::{Method, StatusCode};
use jiff::{SignedDuration, Timestamp, Zoned};
use lambda_http::{Context, Request};
use serde_json::{Value, json};

use self::case::{Case, page};
use crate::{
    outbound::Deadline,
    response::{Problem, Reply},
    runtime::{app::App, secrets::DeskKey},
    systems::office::{
        desk_links::DESK,
        desk_page::{DeskPage, NoticePage},
        desk_token::{DeskToken, Grant, Subject, TokenError, link_name},
        notices::dock_time,
    },
};

/// So soon does a key that was replaced end the links that it signed.
const SECRETS_KEPT_FOR: SignedDuration = SignedDuration::from_mins(1);
const DAYS: i64 = 30;
const MOST_DAYS: i64 = 90;

/// Who came, by which link, and what they are looking at.
struct Visit<'a> {
    app: &'a App,
    deadline: &'a Deadline,
    context: &'a Context,
    key: DeskKey,
    subject: Subject,
    /// The address of what they are looking at, without its host.
    path: String,
    /// The whole desk's, for who came from there.
    desk: Option<String>,
    /// In the history: which link it was.
    link: String,
    /// Until when the link is good.
    expires_at: Timestamp,
    now: Timestamp,
}

/// The part of a path that is the desk's, segment by segment, also below a stage; `None` for every other path.
pub(crate) fn segments(path: &str) -> Option<Vec<&str>> {
    let mut segments = path.trim_matches('/').split('/');
    let desk = DESK.trim_start_matches('/');
    let first = segments.next()?;
    let is_desk = first == desk || (first != "webhooks" && segments.next() == Some(desk));
    is_desk.then(|| segments.collect())
}

/// Answers a browser at the desk.
pub(crate) async fn visit(
    app: &App,
    request: &Request,
    segments: &[&str],
    context: &Context,
    deadline: &Deadline,
) -> Reply {
    let reply = Box::pin(answer(app, request, segments, context, deadline)).await;
    reply.unwrap_or_else(|refusal| notice(app, refusal.status, refusal.page))
}

/// Why nothing was shown or done, for a person.
struct Refusal {
    status: StatusCode,
    page: NoticePage,
}

impl Refusal {
    fn new(status: StatusCode, title: &str, words: impl Into<String>) -> Self {
        let page = NoticePage { title: title.to_owned(), words: vec![words.into()], links: Vec::new() };
        Self { status, page }
    }

    /// With a way back to what the visitor looked at.
    fn back_to(mut self, visit: &Visit<'_>) -> Self {
        self.page.links.push(("See it as it is now".to_owned(), visit.path.clone()));
        self
    }
}

async fn answer(
    app: &App,
    request: &Request,
    segments: &[&str],
    context: &Context,
    deadline: &Deadline,
) -> Result<Reply, Refusal> {
    let (visit, button) = enter(app, segments, context, deadline).await?;
    match (request.method(), button) {
        (&Method::GET | &Method::HEAD, None) if visit.subject == Subject::Everything => {
            let query = request.uri().query().unwrap_or_default();
            Ok(show(app, StatusCode::OK, &whole::page(&visit, query).await?))
        }
        (&Method::GET | &Method::HEAD, None) => {
            let case = Case::load(&visit).await?;
            Ok(show(app, StatusCode::OK, &DeskPage::Case(Box::new(page(&visit, &case)))))
        }
        (&Method::GET | &Method::HEAD, Some(sealed)) => press::ask(&visit, sealed).await,
        (&Method::POST, Some(sealed)) => press::press(&visit, sealed, request.body()).await,
        _ => Err(Refusal::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "Nothing was done",
            "This link only shows. Press one of the page's buttons instead.",
        )
        .back_to(&visit)),
    }
}

/// Whom the first segment lets in, what the rest of the path leads to, and the button's token, if there is one.
async fn enter<'a>(
    app: &'a App,
    segments: &[&'a str],
    context: &'a Context,
    deadline: &'a Deadline,
) -> Result<(Visit<'a>, Option<&'a str>), Refusal> {
    let [sealed, rest @ ..] = segments else { return Err(no_such_link()) };
    let secrets = app.secrets.no_older_than(SECRETS_KEPT_FOR, deadline).await;
    let key = secrets.desk.as_ref().ok().and_then(Option::as_ref).ok_or_else(no_such_link)?;
    let now = deadline.now();
    let token = DeskToken::open(key, sealed, now).map_err(|error| not_taken(error, None))?;
    if token.grants != Grant::Show {
        return Err(no_such_link());
    }
    let own = format!("{DESK}/{sealed}");
    let (subject, path, desk, button) = match (&token.subject, rest) {
        (Subject::Everything, [segment, rest @ ..]) => {
            let subject = Subject::of_segment(segment).filter(|subject| *subject != Subject::Everything);
            let path = format!("{own}/{segment}");
            (subject.ok_or_else(no_such_link)?, path, Some(own), rest)
        }
        (subject, rest) => (subject.clone(), own, None, rest),
    };
    let button = match button {
        [] => None,
        [button] => Some(*button),
        _ => return Err(no_such_link()),
    };
    let whose = if token.subject == Subject::Everything { "the office's own link" } else { "the mail's link" };
    let link = format!("{whose} {}", link_name(sealed));
    let (key, expires_at) = (key.clone(), token.expires_at);
    Ok((Visit { app, deadline, context, key, subject, path, desk, link, expires_at, now }, button))
}

/// A link that nobody here made, or that was changed on its way: the same words for all, so that nobody learns what there is.
fn no_such_link() -> Refusal {
    Refusal::new(
        StatusCode::NOT_FOUND,
        "This link leads nowhere",
        "It may have been cut off on its way: open it from the mail itself. If it still leads nowhere, ask for a new one.",
    )
}

fn not_taken(error: TokenError, visit: Option<&Visit<'_>>) -> Refusal {
    match (error, visit) {
        (TokenError::NotOurs, None) => no_such_link(),
        (TokenError::NotOurs, Some(visit)) => wrong_button().back_to(visit),
        (TokenError::Expired, None) => Refusal::new(
            StatusCode::GONE,
            "This link is too old",
            "A mail's link is good for seven days. Open the newest mail about this booking, or ask for a link to the whole desk.",
        ),
        (TokenError::Expired, Some(visit)) => Refusal::new(
            StatusCode::GONE,
            "You waited a little too long",
            "A button is good for a quarter of an hour. Nothing was done: look at the case again, then press it again.",
        )
        .back_to(visit),
    }
}

fn wrong_button() -> Refusal {
    Refusal::new(
        StatusCode::FORBIDDEN,
        "Nothing was done",
        "This button does not belong to this page. Look at the case again, then press it again.",
    )
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        let status = StatusCode::from_u16(problem.status).expect("problems are made from a StatusCode");
        let mut refusal = Self::new(status, problem.title, format!("{}.", problem.detail.trim_end_matches('.')));
        refusal.page.words.extend(problem.errors.iter().map(|fault| format!("{} {}", fault.pointer, fault.detail)));
        refusal
    }
}

impl Visit<'_> {
    /// A time at the dock, with its year where that is another than now.
    fn dock(&self, at: Timestamp) -> String {
        let zone = &self.app.operator.time_zone;
        let (at, now) = (at.to_zoned(zone.clone()), self.now.to_zoned(zone.clone()));
        said(&at, &now)
    }
}

fn said(at: &Zoned, now: &Zoned) -> String {
    let time = dock_time(at);
    if at.year() == now.year() { time } else { time.replacen(',', &format!(" {},", at.year()), 1) }
}

fn notice(app: &App, status: StatusCode, page: NoticePage) -> Reply {
    show(app, status, &DeskPage::Notice(page))
}

fn show(app: &App, status: StatusCode, page: &DeskPage) -> Reply {
    let renderer = app.desk_renderer();
    let html = renderer.render(page).expect("compiled-in templates, which a test renders");
    Reply::Page { status, html, policy: renderer.policy().to_owned() }
}

/// Answers `{"days": 30}` with a link to the whole desk, for the office's own phone.
///
/// # Errors
/// [`Problem`] 400 for a number of days that is none, 503 when the desk has no key or no address.
pub(crate) async fn link(app: &App, request: &Value, deadline: &Deadline) -> Result<Reply, Problem> {
    let days = match request.get("days") {
        None => Some(DAYS),
        Some(days) => days.as_i64().filter(|days| (1..=MOST_DAYS).contains(days)),
    };
    let Some(days) = days else {
        let detail = format!(r#"Send {{"desk_link": {{"days": 30}}}}, with 1 to {MOST_DAYS} days"#);
        return Err(Problem::new(StatusCode::BAD_REQUEST, "The number of days is not understood", detail));
    };
    app.secrets.no_older_than(SECRETS_KEPT_FOR, deadline).await;
    let Some(links) = app.desk_links() else {
        let detail = app.no_desk();
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "There is no desk", detail));
    };
    let expires_at = deadline.now().saturating_add(SignedDuration::from_hours(24 * days)).unwrap_or(Timestamp::MAX);
    // Whole seconds, as the token has it.
    let expires_at = Timestamp::from_second(expires_at.as_second()).unwrap_or(expires_at);
    let url = links.page(Subject::Everything, expires_at);
    Ok(Reply::Document(json!({ "url": url, "expires_at": expires_at, "local": app.local(expires_at) })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_desk_is_told_from_webhooks_by_its_segment() {
        for (path, found) in [
            ("/desk/abc", Some(vec!["abc"])),
            ("/desk/abc/def/", Some(vec!["abc", "def"])),
            ("/prod/desk/abc", Some(vec!["abc"])),
            ("/desk", Some(vec![])),
            ("/webhooks/desk", None),
            ("/webhooks/desk/abc", None),
            ("/webhooks/boatsetter", None),
            ("/prod/webhooks/desk", None),
            ("/", None),
        ] {
            assert_eq!(segments(path), found, "{path}");
        }
    }

    #[test]
    fn a_year_is_said_where_it_is_another() {
        let at = |text: &str| text.parse::<Zoned>().expect("a time");
        let now = at("2031-05-20T12:00:00-07:00[America/Los_Angeles]");
        for (time, words) in [
            ("2031-05-30T14:00:00-07:00[America/Los_Angeles]", "Fri May 30, 2:00 PM"),
            ("2032-01-03T09:30:00-08:00[America/Los_Angeles]", "Sat Jan 3 2032, 9:30 AM"),
        ] {
            assert_eq!(said(&at(time), &now), words);
        }
    }
}
