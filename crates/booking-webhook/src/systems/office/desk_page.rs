//! The desk's pages: what the office sees of a case, rendered from words alone. No token of a service, no key and no amount comes here but
//! what a person types into the form.

use data_encoding::BASE64;
use serde::Serialize;
use sha2::{Digest, Sha256};
use tera::{Context, Tera};

const STYLE: &str = include_str!("../../../../../templates/desk/desk.css");
const SCRIPT: &str = include_str!("../../../../../templates/desk/copy.js");

macro_rules! templates {
    ($($name:literal),+) => {
        [$(($name, include_str!(concat!("../../../../../templates/desk/", $name)))),+]
    };
}

const TEMPLATES: [(&str, &str); 7] =
    templates!["layout.html", "line.html", "case.html", "whole.html", "confirm.html", "entry.html", "notice.html"];

/// How something stands, for its colour and its sign; the words stand beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Tone {
    /// As it should be.
    Good,
    /// Time will bring it.
    Waits,
    /// A person is needed.
    Stop,
    /// Nothing to show.
    Quiet,
}

/// How a case stands, in words.
#[derive(Debug, Clone, Serialize)]
pub struct Standing {
    /// Its colour.
    pub tone: Tone,
    /// In words.
    pub words: String,
}

/// What one system shows of a booking.
#[derive(Debug, Clone, Serialize)]
pub struct SystemView {
    /// As the office calls it.
    pub name: &'static str,
    /// Whether it shows what it should.
    pub standing: Standing,
    /// What is the matter.
    pub detail: Option<String>,
    /// What to do about it.
    pub next: Option<String>,
    /// When it is tried next, at the dock.
    pub again: Option<String>,
}

/// Why a person must look, and what they can do.
#[derive(Debug, Clone, Serialize)]
pub struct ConcernView {
    /// What is the matter.
    pub what: String,
    /// What to do about it.
    pub next: String,
}

/// A button; where it leads changes nothing yet.
#[derive(Debug, Clone, Serialize)]
pub struct ButtonView {
    /// What stands on it.
    pub label: &'static str,
    /// What it does, in one line.
    pub hint: &'static str,
    /// Where it leads.
    pub url: String,
    /// The one that decides.
    pub is_first: bool,
}

/// The message for the guest.
#[derive(Debug, Clone, Serialize)]
pub struct MessageView {
    /// Ready to paste.
    pub text: String,
    /// When exactly this was sent, and by which link.
    pub sent: Option<String>,
    /// Where *Sent* posts to.
    pub url: Option<String>,
}

/// One line of the timeline.
#[derive(Debug, Clone, Serialize)]
pub struct LineView {
    /// At the dock.
    pub when: String,
    /// `delivery`, `step`, `office`, or `planned` for what is still to come.
    pub kind: &'static str,
    /// Who or what did it.
    pub who: &'static str,
    /// What happened.
    pub what: String,
}

/// One case, as it is now.
#[derive(Debug, Clone, Serialize)]
pub struct CasePage {
    /// Its id.
    pub id: String,
    /// Who booked, or who sent it.
    pub who: String,
    /// Day and time at the dock.
    pub when: Option<String>,
    /// Boat, guests, sender.
    pub facts: Vec<String>,
    /// As a whole.
    pub standing: Standing,
    /// Who has it all the same.
    pub besides: Option<String>,
    /// Why a person must look.
    pub concerns: Vec<ConcernView>,
    /// What to look at; nothing was stopped.
    pub flags: Vec<String>,
    /// System by system.
    pub systems: Vec<SystemView>,
    /// Where the guest looks, if there is a page.
    pub guest_page: Option<String>,
    /// For the guest.
    pub message: Option<MessageView>,
    /// What can be done.
    pub buttons: Vec<ButtonView>,
    /// How it came to where it is.
    pub timeline: Vec<LineView>,
    /// Deliveries that wait for this booking.
    pub waiting: Vec<String>,
    /// The whole desk, for who came from there.
    pub back: Option<String>,
}

/// One charter's line.
#[derive(Debug, Clone, Serialize)]
pub struct CharterLine {
    /// Where its case is.
    pub url: String,
    /// The time of day, or the day too where the line stands alone.
    pub time: String,
    /// First name.
    pub name: String,
    /// Boat, or sender.
    pub boat: String,
    /// The booking's id.
    pub id: String,
    /// The dots, one for each of the four.
    pub dots: Vec<SystemView>,
    /// As a whole.
    pub standing: Standing,
    /// What is the matter.
    pub notes: Vec<String>,
}

/// The charters of one day.
#[derive(Debug, Clone, Serialize)]
pub struct DayView {
    /// `Sat May 31`.
    pub day: String,
    /// In the order of their starts.
    pub lines: Vec<CharterLine>,
}

/// The whole desk.
#[derive(Debug, Clone, Serialize)]
pub struct WholePage {
    /// Its own address, for the search and for a way back.
    pub url: String,
    /// Until when the link is good, at the dock.
    pub expires: String,
    /// What was looked for.
    pub query: String,
    /// On which day.
    pub date: String,
    /// What is listed: the next 60 days, or what was found.
    pub listed: String,
    /// What needs a person.
    pub waiting: Vec<CharterLine>,
    /// What sails.
    pub days: Vec<DayView>,
    /// More than one page shows.
    pub left_off: bool,
}

/// What a button is about to do.
#[derive(Debug, Clone, Serialize)]
pub struct ConfirmPage {
    /// What stands on the button.
    pub label: &'static str,
    /// What it does.
    pub hint: &'static str,
    /// Who and when.
    pub heading: String,
    /// What it is about.
    pub concerns: Vec<ConcernView>,
    /// A reason may be given.
    pub asks_why: bool,
    /// The case.
    pub back: String,
}

/// One field of the form.
#[derive(Debug, Clone, Serialize)]
pub struct FieldView {
    /// As the form sends it.
    pub name: &'static str,
    /// What stands above it.
    pub label: &'static str,
    /// `text`, `date`, `time`, `number`, `select` or `textarea`.
    pub kind: &'static str,
    /// What stands in it.
    pub value: String,
    /// For a `select`: what is sent, and what is read.
    pub choices: Vec<(String, String)>,
    /// What it means.
    pub hint: Option<&'static str>,
    /// What is wrong with it.
    pub fault: Option<String>,
    /// A confirmed booking needs it.
    pub is_needed: bool,
    /// For a phone's keyboard.
    pub keyboard: Option<&'static str>,
}

/// The form for a person's own entry.
#[derive(Debug, Clone, Serialize)]
pub struct EntryPage {
    /// What is entered.
    pub heading: String,
    /// What to know before.
    pub notes: Vec<String>,
    /// What is wrong, with the field that it concerns.
    pub faults: Vec<(String, String)>,
    /// In their order.
    pub fields: Vec<FieldView>,
    /// How many snapshots the writer has seen accepted; empty when the booking was not on record.
    pub seen: String,
    /// The case.
    pub back: String,
}

/// A page that says one thing.
#[derive(Debug, Clone, Serialize)]
pub struct NoticePage {
    /// In a few words.
    pub title: String,
    /// What it means, paragraph by paragraph.
    pub words: Vec<String>,
    /// Where to go on.
    pub links: Vec<(String, String)>,
}

/// Any page.
#[derive(Debug, Clone)]
pub enum DeskPage {
    /// One case.
    Case(Box<CasePage>),
    /// All of them.
    Whole(Box<WholePage>),
    /// Before something is done.
    Confirm(ConfirmPage),
    /// The form.
    Entry(Box<EntryPage>),
    /// What went otherwise.
    Notice(NoticePage),
}

/// The templates, parsed, and what the pages may do in a browser.
#[derive(Debug)]
pub struct DeskRenderer {
    tera: Tera,
    policy: String,
}

/// A template and what it was given do not fit.
#[derive(Debug, thiserror::Error)]
#[error("a page of the desk cannot be rendered")]
pub struct DeskRenderError(#[from] tera::Error);

impl DeskRenderer {
    /// Parses the compiled-in templates.
    ///
    /// # Errors
    /// [`DeskRenderError`] when one is malformed; a test renders them all.
    pub fn new() -> Result<Self, DeskRenderError> {
        let mut tera = Tera::default();
        tera.add_raw_templates(TEMPLATES)?;
        let [script, style] = [SCRIPT, STYLE].map(|text| format!("'sha256-{}'", BASE64.encode(&Sha256::digest(text))));
        // Its own site may frame it (the harbour does); nobody else may lay anything over a button.
        let policy = format!(
            "default-src 'none'; script-src {script}; style-src {style}; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
        );
        Ok(Self { tera, policy })
    }

    /// What `Content-Security-Policy` says of every page.
    pub fn policy(&self) -> &str {
        &self.policy
    }

    /// The page's HTML. Everything in it is escaped.
    ///
    /// # Errors
    /// [`DeskRenderError`] when the template asks for something that it is not given.
    pub fn render(&self, page: &DeskPage) -> Result<String, DeskRenderError> {
        let (name, context) = match page {
            DeskPage::Case(page) => ("case.html", Context::from_serialize(page)),
            DeskPage::Whole(page) => ("whole.html", Context::from_serialize(page)),
            DeskPage::Confirm(page) => ("confirm.html", Context::from_serialize(page)),
            DeskPage::Entry(page) => ("entry.html", Context::from_serialize(page)),
            DeskPage::Notice(page) => ("notice.html", Context::from_serialize(page)),
        };
        let mut context = context?;
        context.insert("style", STYLE);
        context.insert("script", SCRIPT);
        Ok(self.tera.render(name, &context)?)
    }
}
