//! Renders a charter's page and its calendar file, and what belongs to no charter.

use std::sync::LazyLock;

use tera::{Context, Tera};

use super::{
    LinkPicture, PageInput,
    content::Content,
    csp,
    ics::calendar_file,
    link_picture::{self, LinkPictures},
    not_found_page,
    words::{Vocabulary, fill_html},
};
use crate::booking::Operator;

const TEMPLATE: &str = "guest-page.html";
/// What only authors read is taken out of these when the function is built (`build.rs`).
const MARKUP: &str = include_str!(concat!(env!("OUT_DIR"), "/guest-page.html"));
const STYLE: &str = include_str!(concat!(env!("OUT_DIR"), "/guest-page.css"));
const SCRIPT: &str = include_str!(concat!(env!("OUT_DIR"), "/guest-page.js"));

/// Both files of a charter's page, and the page for links that lead to none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GuestPage {
    /// The page.
    pub(crate) html: String,
    /// The file that adds the charter to a calendar (RFC 5545).
    pub(crate) calendar: String,
}

/// The page's template and words, each read when it is first needed: a cold start has no use for them. Everything that it prints is
/// escaped.
#[derive(Debug)]
pub struct Renderer {
    page: LazyLock<Tera>,
    vocabulary: Vocabulary,
    pictures: LinkPictures,
}

/// The template and what it was given do not fit.
#[derive(Debug, thiserror::Error)]
#[error("the guest page cannot be rendered")]
pub struct RenderError(#[from] tera::Error);

impl Default for Renderer {
    fn default() -> Self {
        Self {
            page: LazyLock::new(page_template),
            vocabulary: Vocabulary::default(),
            pictures: LinkPictures::default(),
        }
    }
}

fn page_template() -> Tera {
    let mut tera = Tera::default();
    tera.register_filter("fill", fill_html);
    tera.add_raw_template(TEMPLATE, MARKUP).expect("a test parses the compiled-in template");
    tera
}

impl Renderer {
    /// Renders both files.
    ///
    /// # Errors
    /// [`RenderError`] when the template asks for something that it is not given.
    pub(crate) fn render(&self, input: &PageInput<'_>) -> Result<GuestPage, RenderError> {
        let picture = self.pictures.path_of(input.operator, &input.charter.boat.name)?;
        let mut context = Context::from_serialize(&Content::of(input, &self.vocabulary, &picture))?;
        context.insert("touch_icon", link_picture::TOUCH_ICON_PATH);
        context.insert("policy", &csp::policy(input.uploads.filter(|_| !input.cancelled)));
        context.insert("style", STYLE);
        context.insert("script", SCRIPT);
        let html = self.page.render(TEMPLATE, &context)?;
        Ok(GuestPage { html, calendar: calendar_file(input, self.vocabulary.of(input.charter.language)) })
    }

    /// What everybody sees whose link leads nowhere. The operator's words alone: it is the same for each charter.
    ///
    /// # Errors
    /// [`RenderError`] when the template asks for something that it is not given.
    pub(crate) fn not_found_page(&self, operator: &Operator) -> Result<String, RenderError> {
        Ok(not_found_page::render(operator)?)
    }

    /// The pictures that this operator's pages name.
    ///
    /// # Errors
    /// [`RenderError`] when the template asks for something that it is not given.
    pub fn link_pictures(&self, operator: &Operator) -> Result<Vec<LinkPicture>, RenderError> {
        Ok(self.pictures.all(operator)?)
    }
}
