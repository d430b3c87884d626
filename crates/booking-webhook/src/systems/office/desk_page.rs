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
pub(crate) enum Tone {
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
pub(crate) struct Standing {
    /// Its colour.
    pub(crate) tone: Tone,
    /// In words.
    pub(crate) words: String,
}

/// What one system shows of a booking.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct SystemView {
    /// As the office calls it.
    pub(crate) name: &'static str,
    /// Whether it shows what it should.
    pub(crate) standing: Standing,
    /// What is the matter.
    pub(crate) detail: Option<String>,
    /// What to do about it.
    pub(crate) next: Option<String>,
    /// When it is tried next, at the dock.
    pub(crate) again: Option<String>,
}

/// Why a person must look, and what they can do.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ConcernView {
    /// What is the matter.
    pub(crate) what: String,
    /// What to do about it.
    pub(crate) next: String,
}

/// A button; where it leads changes nothing yet.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ButtonView {
    /// What stands on it.
    pub(crate) label: &'static str,
    /// What it does, in one line.
    pub(crate) hint: &'static str,
    /// Where it leads.
    pub(crate) url: String,
    /// The one that decides.
    pub(crate) is_first: bool,
}

/// The message for the guest.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct MessageView {
    /// Ready to paste.
    pub(crate) text: String,
    /// When exactly this was sent, and by which link.
    pub(crate) sent: Option<String>,
    /// Where *Sent* posts to.
    pub(crate) url: Option<String>,
}

/// One line of the timeline.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct LineView {
    /// At the dock.
    pub(crate) when: String,
    /// `delivery`, `step`, `office`, or `planned` for what is still to come.
    pub(crate) kind: &'static str,
    /// Who or what did it.
    pub(crate) who: &'static str,
    /// What happened.
    pub(crate) what: String,
}

/// One case, as it is now.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct CasePage {
    /// Its id.
    pub(crate) id: String,
    /// Who booked, or who sent it.
    pub(crate) who: String,
    /// Day and time at the dock.
    pub(crate) when: Option<String>,
    /// Boat, guests, sender.
    pub(crate) facts: Vec<String>,
    /// As a whole.
    pub(crate) standing: Standing,
    /// Who has it all the same.
    pub(crate) besides: Option<String>,
    /// Why a person must look.
    pub(crate) concerns: Vec<ConcernView>,
    /// What to look at; nothing was stopped.
    pub(crate) flags: Vec<String>,
    /// System by system.
    pub(crate) systems: Vec<SystemView>,
    /// Where the guest looks, if there is a page.
    pub(crate) guest_page: Option<String>,
    /// For the guest.
    pub(crate) message: Option<MessageView>,
    /// What can be done.
    pub(crate) buttons: Vec<ButtonView>,
    /// How it came to where it is.
    pub(crate) timeline: Vec<LineView>,
    /// Deliveries that wait for this booking.
    pub(crate) waiting: Vec<String>,
    /// The whole desk, for who came from there.
    pub(crate) back: Option<String>,
}

/// One charter's line.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct CharterLine {
    /// Where its case is.
    pub(crate) url: String,
    /// The time of day, or the day too where the line stands alone.
    pub(crate) time: String,
    /// First name.
    pub(crate) name: String,
    /// Boat, or sender.
    pub(crate) boat: String,
    /// The booking's id.
    pub(crate) id: String,
    /// The dots, one for each of the four.
    pub(crate) dots: Vec<SystemView>,
    /// As a whole.
    pub(crate) standing: Standing,
    /// What is the matter.
    pub(crate) notes: Vec<String>,
}

/// The charters of one day.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct DayView {
    /// `Sat May 31`.
    pub(crate) day: String,
    /// In the order of their starts.
    pub(crate) lines: Vec<CharterLine>,
}

/// The whole desk.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct WholePage {
    /// Its own address, for the search and for a way back.
    pub(crate) url: String,
    /// Until when the link is good, at the dock.
    pub(crate) expires: String,
    /// What was looked for.
    pub(crate) query: String,
    /// On which day.
    pub(crate) date: String,
    /// What is listed: the next 60 days, or what was found.
    pub(crate) listed: String,
    /// What needs a person.
    pub(crate) waiting: Vec<CharterLine>,
    /// What sails.
    pub(crate) days: Vec<DayView>,
    /// More than one page shows.
    pub(crate) left_off: bool,
}

/// What a button is about to do.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ConfirmPage {
    /// What stands on the button.
    pub(crate) label: &'static str,
    /// What it does.
    pub(crate) hint: &'static str,
    /// Who and when.
    pub(crate) heading: String,
    /// What it is about.
    pub(crate) concerns: Vec<ConcernView>,
    /// A reason may be given.
    pub(crate) asks_why: bool,
    /// The case.
    pub(crate) back: String,
}

/// One field of the form.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct FieldView {
    /// As the form sends it.
    pub(crate) name: &'static str,
    /// What stands above it.
    pub(crate) label: &'static str,
    /// `text`, `date`, `time`, `number`, `select` or `textarea`.
    pub(crate) kind: &'static str,
    /// What stands in it.
    pub(crate) value: String,
    /// For a `select`: what is sent, and what is read.
    pub(crate) choices: Vec<(String, String)>,
    /// What it means.
    pub(crate) hint: Option<&'static str>,
    /// What is wrong with it.
    pub(crate) fault: Option<String>,
    /// A confirmed booking needs it.
    pub(crate) is_needed: bool,
    /// For a phone's keyboard.
    pub(crate) keyboard: Option<&'static str>,
}

/// The form for a person's own entry.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct EntryPage {
    /// What is entered.
    pub(crate) heading: String,
    /// What to know before.
    pub(crate) notes: Vec<String>,
    /// What is wrong, with the field that it concerns.
    pub(crate) faults: Vec<(String, String)>,
    /// In their order.
    pub(crate) fields: Vec<FieldView>,
    /// How many snapshots the writer has seen accepted; empty when the booking was not on record.
    pub(crate) seen: String,
    /// The case.
    pub(crate) back: String,
}

/// A page that says one thing.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct NoticePage {
    /// In a few words.
    pub(crate) title: String,
    /// What it means, paragraph by paragraph.
    pub(crate) words: Vec<String>,
    /// Where to go on.
    pub(crate) links: Vec<(String, String)>,
}

/// Any page.
#[derive(Debug, Clone)]
pub(crate) enum DeskPage {
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
pub(crate) struct DeskRenderer {
    tera: Tera,
    policy: String,
}

/// A template and what it was given do not fit.
#[derive(Debug, thiserror::Error)]
#[error("a page of the desk cannot be rendered")]
pub(crate) struct DeskRenderError(#[from] tera::Error);

impl DeskRenderer {
    /// Parses the compiled-in templates.
    ///
    /// # Errors
    /// [`DeskRenderError`] when one is malformed; a test renders them all.
    pub(crate) fn new() -> Result<Self, DeskRenderError> {
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
    pub(crate) fn policy(&self) -> &str {
        &self.policy
    }

    /// The page's HTML. Everything in it is escaped.
    ///
    /// # Errors
    /// [`DeskRenderError`] when the template asks for something that it is not given.
    pub(crate) fn render(&self, page: &DeskPage) -> Result<String, DeskRenderError> {
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
