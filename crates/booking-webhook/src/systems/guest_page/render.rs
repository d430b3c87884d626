//! One rendering of a charter's page, and what it is made from.

use jiff::Timestamp;
use tera::{Context, Tera};

use super::{
    Address, Uploads,
    content::Content,
    ics::calendar_file,
    csp::ContentSecurityPolicy,
    not_found_page,
    words::{Vocabulary, fill_html},
};
use crate::booking::{Charter, Operator};

const TEMPLATE: &str = "guest-page.html";
const STYLE: &str = include_str!("../../../../../templates/guest-page.css");
const SCRIPT: &str = include_str!("../../../../../templates/guest-page.js");

/// What one rendering of a charter's page is made from. The same input renders to the same bytes, so that whether a page must be put
/// again can be told from its digest.
#[derive(Debug, Clone, Copy)]
pub struct PageInput<'a> {
    /// What everybody may know of the charter.
    pub charter: &'a Charter,
    /// Where the page is.
    pub address: &'a Address,
    /// Whose charter it is.
    pub operator: &'a Operator,
    /// The charter is off: the page stays and says so.
    pub cancelled: bool,
    /// How many changes there were before this one (RFC 5545, `SEQUENCE`).
    pub sequence: u64,
    /// When the sender made the newest change.
    pub changed_at: Timestamp,
    /// The last time that a page which guests may have seen named another start.
    pub moved: Option<Moved>,
    /// Where guests send their photos to; `None` leaves photos out of the page.
    pub uploads: Option<&'a Uploads>,
}

/// A charter that starts at another time than its page said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moved {
    /// The start that the page said before.
    pub from: Timestamp,
    /// When the sender changed it.
    pub at: Timestamp,
}

/// Both files of a charter's page, and the page for links that lead to none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuestPage {
    /// The page.
    pub html: String,
    /// The file that adds the charter to a calendar (RFC 5545).
    pub calendar: String,
}

/// The page's template and words, ready to render. Everything that it prints is escaped.
#[derive(Debug)]
pub struct Renderer {
    tera: Tera,
    vocabulary: Vocabulary,
    csp: ContentSecurityPolicy,
}

/// The template and what it was given do not fit.
#[derive(Debug, thiserror::Error)]
#[error("the guest page cannot be rendered")]
pub struct RenderError(#[from] tera::Error);

impl Renderer {
    /// Parses the compiled-in template.
    ///
    /// # Errors
    /// [`RenderError`] when the template is malformed; a test renders it.
    pub fn new() -> Result<Self, RenderError> {
        let mut tera = Tera::default();
        tera.register_filter("fill", fill_html);
        tera.add_raw_template(TEMPLATE, include_str!("../../../../../templates/guest-page.html"))?;
        not_found_page::add_template(&mut tera)?;
        Ok(Self { tera, vocabulary: Vocabulary::compiled_in(), csp: ContentSecurityPolicy::of(SCRIPT, STYLE) })
    }

    /// Renders both files.
    ///
    /// # Errors
    /// [`RenderError`] when the template asks for something that it is not given.
    pub fn render(&self, input: &PageInput<'_>) -> Result<GuestPage, RenderError> {
        let mut context = Context::from_serialize(&Content::of(input, &self.vocabulary))?;
        context.insert("policy", &self.csp.text(input.uploads.filter(|_| !input.cancelled)));
        context.insert("style", STYLE);
        context.insert("script", SCRIPT);
        let html = self.tera.render(TEMPLATE, &context)?;
        Ok(GuestPage { html, calendar: calendar_file(input, self.vocabulary.of(input.charter.language)) })
    }

    /// What everybody sees whose link leads nowhere. The operator's words alone: it is the same for each charter.
    ///
    /// # Errors
    /// [`RenderError`] when the template asks for something that it is not given.
    pub fn not_found_page(&self, operator: &Operator) -> Result<String, RenderError> {
        not_found_page::render(&self.tera, operator)
    }
}
