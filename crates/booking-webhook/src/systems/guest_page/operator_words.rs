//! What the operator says to guests, in the language of a view.

use serde::Serialize;

use super::dial;
use crate::booking::{EmergencyContact, GuestLink, GuestSection, Language, Phase, Phases, Place, Translated};

/// Something that the operator says, with its language if that is not the view's.
#[derive(Debug, Serialize)]
pub(super) struct Localized<'a, T> {
    said: &'a T,
    lang: Option<&'static str>,
}

impl<'a, T> Localized<'a, T> {
    pub(super) fn of(translated: &'a Translated<T>, language: Language) -> Self {
        let (said, said_in) = translated.in_language(language);
        Self { said, lang: (said_in != language).then(|| said_in.tag()) }
    }
}

#[derive(Debug, Serialize)]
pub(super) struct PlaceView<'a> {
    name: &'a str,
    lang: Option<&'static str>,
    address: &'a str,
    map_url: &'a str,
}

impl<'a> PlaceView<'a> {
    pub(super) fn of(place: &'a Place, language: Language) -> Self {
        match place {
            Place::MeetingPoint(point) => {
                let Localized { said, lang } = Localized::of(&point.name, language);
                Self { name: said, lang, address: &point.address, map_url: &point.map_url }
            }
            Place::Elsewhere(words) => Self { name: words, lang: None, address: "", map_url: "" },
        }
    }
}

#[derive(Debug, Serialize)]
pub(super) struct Contact<'a> {
    name: Localized<'a, String>,
    number: Number<'a>,
}

impl<'a> Contact<'a> {
    pub(super) fn of(contact: &'a EmergencyContact, language: Language) -> Self {
        Self { name: Localized::of(&contact.name, language), number: Number::of(&contact.phone) }
    }
}

#[derive(Debug, Serialize)]
pub(super) struct Number<'a> {
    said: &'a str,
    /// For a `tel:` or `sms:` link.
    dial: String,
}

impl<'a> Number<'a> {
    pub(super) fn of(number: &'a str) -> Self {
        Self { said: number, dial: dial(number) }
    }
}

/// When an entry of the operator's is on the page.
#[derive(Debug, Serialize)]
pub(super) struct Shown {
    /// For `data-on`; empty on the page of a cancelled charter, which has one phase.
    on: String,
    /// Hidden until the script has looked at the clock.
    hidden: bool,
}

impl Shown {
    /// `None` if it is never on this page.
    pub(super) fn of(phases: &Phases, cancelled: bool) -> Option<Self> {
        if cancelled {
            return phases.contains(Phase::Cancelled).then(|| Self { on: String::new(), hidden: false });
        }
        let on = phases.tokens();
        (!on.is_empty()).then(|| Self { on, hidden: !phases.contains(Phase::Upcoming) })
    }
}

/// The card with the links is there as long as one of them is.
#[derive(Debug, Serialize)]
pub(super) struct LinksView<'a> {
    items: Vec<LinkView<'a>>,
    shown: Shown,
}

impl<'a> LinksView<'a> {
    pub(super) fn of(links: &'a [GuestLink], language: Language, cancelled: bool) -> Option<Self> {
        let shown = Shown::of(&Phases::union(links.iter().map(|link| &link.phases)), cancelled)?;
        let items = links.iter().filter_map(|link| LinkView::of(link, language, cancelled)).collect();
        Some(Self { items, shown })
    }
}

#[derive(Debug, Serialize)]
pub(super) struct LinkView<'a> {
    label: Localized<'a, String>,
    url: &'a str,
    /// The host that the link leads to, shown beside it.
    host: &'a str,
    shown: Shown,
}

impl<'a> LinkView<'a> {
    pub(super) fn of(link: &'a GuestLink, language: Language, cancelled: bool) -> Option<Self> {
        let (url, _) = link.url.in_language(language);
        let shown = Shown::of(&link.phases, cancelled)?;
        Some(Self { label: Localized::of(&link.label, language), url: url.as_str(), host: url.host(), shown })
    }
}

#[derive(Debug, Serialize)]
pub(super) struct SectionView<'a> {
    title: Localized<'a, String>,
    paragraphs: Vec<&'a str>,
    /// The language of the paragraphs if that is not the view's.
    lang: Option<&'static str>,
    shown: Shown,
}

impl<'a> SectionView<'a> {
    pub(super) fn of(section: &'a GuestSection, language: Language, cancelled: bool) -> Option<Self> {
        let text = Localized::of(&section.text, language);
        let paragraphs = text.said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let shown = Shown::of(&section.phases, cancelled)?;
        Some(Self { title: Localized::of(&section.title, language), paragraphs, lang: text.lang, shown })
    }
}
