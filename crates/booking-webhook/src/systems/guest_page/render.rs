//! Renders a charter's page and its calendar file, and what belongs to no charter.

use tera::{Context, Tera};

use super::{
    LinkPicture, PageInput, compact,
    content::Content,
    csp::ContentSecurityPolicy,
    ics::calendar_file,
    link_picture, not_found_page,
    words::{Vocabulary, fill_html},
};
use crate::booking::Operator;

const TEMPLATE: &str = "guest-page.html";
const STYLE: &str = include_str!("../../../../../templates/guest-page.css");
const SCRIPT: &str = include_str!("../../../../../templates/guest-page.js");

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
    script: String,
    style: String,
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
        tera.add_raw_template(TEMPLATE, &compact::markup(include_str!("../../../../../templates/guest-page.html")))?;
        not_found_page::add_template(&mut tera)?;
        link_picture::add_template(&mut tera)?;
        let (script, style) = (compact::script(SCRIPT), compact::style(STYLE));
        let csp = ContentSecurityPolicy::of(&script, &style);
        Ok(Self { tera, vocabulary: Vocabulary::compiled_in(), script, style, csp })
    }

    /// Renders both files.
    ///
    /// # Errors
    /// [`RenderError`] when the template asks for something that it is not given.
    pub fn render(&self, input: &PageInput<'_>) -> Result<GuestPage, RenderError> {
        let picture = LinkPicture::of(&self.tera, input.operator, &input.charter.boat.name)?.path();
        let mut context = Context::from_serialize(&Content::of(input, &self.vocabulary, &picture))?;
        context.insert("touch_icon", link_picture::TOUCH_ICON_PATH);
        context.insert("policy", &self.csp.text(input.uploads.filter(|_| !input.cancelled)));
        context.insert("style", &self.style);
        context.insert("script", &self.script);
        let html = self.tera.render(TEMPLATE, &context)?;
        Ok(GuestPage { html, calendar: calendar_file(input, self.vocabulary.of(input.charter.language)) })
    }

    /// What everybody sees whose link leads nowhere. The operator's words alone: it is the same for each charter.
    ///
    /// # Errors
    /// [`RenderError`] when the template asks for something that it is not given.
    pub fn not_found_page(&self, operator: &Operator) -> Result<String, RenderError> {
        Ok(not_found_page::render(&self.tera, operator)?)
    }

    /// The pictures that this operator's pages name.
    ///
    /// # Errors
    /// [`RenderError`] when the template asks for something that it is not given.
    pub fn link_pictures(&self, operator: &Operator) -> Result<Vec<LinkPicture>, RenderError> {
        Ok(LinkPicture::all(&self.tera, operator)?)
    }
}
