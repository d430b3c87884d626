//! What a visitor of the guest site reads where there is no page: whom to ask, and whom to call.
//!
//! Half a link gets lost in a message, and the guest who opens the other half may be on the way to the dock. CloudFront serves this page with a
//! 404 (`infra/guest-site.yaml`), so it lies in the bucket beside the guest pages. The health check puts it there: after each
//! deployment, and when the operator has changed whom to call. It holds nothing of any charter.

use data_encoding::BASE64;
use serde::Serialize;
use sha2::{Digest, Sha256};
use tera::{Context, Tera};

use super::dial;
use crate::{
    booking::{Boat, EmergencyContact, Language, Operator},
    runtime::config::GuestPageConfig,
};

/// Takes the charter id's place in the key of a guest page, so `g/not-found.html` lies beside `g/XHQGMDH1.html`.
const NAME: &str = "not-found";
/// Where the distribution looks for it, wherever the objects lie.
pub(super) const PATH: &str = "/g/not-found.html";

const TEMPLATE: &str = "not-found-page.html";
const STYLE: &str = include_str!("../../../../../templates/not-found-page.css");

/// Where it lies: `g/not-found.html`.
pub(super) fn key(config: &GuestPageConfig) -> String {
    config.key.replace("{charter_id}", NAME)
}

/// Renders the page in both languages at once, because the visitor's language is unknown.
pub(super) fn render(operator: &Operator) -> Result<String, tera::Error> {
    let mut tera = Tera::default();
    tera.add_raw_template(TEMPLATE, include_str!("../../../../../templates/not-found-page.html"))?;
    let digest = BASE64.encode(&Sha256::digest(STYLE));
    let policy =
        format!("default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'");
    let mut context = Context::new();
    context.insert("policy", &policy);
    context.insert("style", STYLE);
    context.insert("operator", &operator.name);
    context.insert("contacts", &Contacts::of(operator));
    tera.render(TEMPLATE, &context)
}

/// Whom to call, once for each number.
#[derive(Debug, Serialize)]
struct Contacts<'a> {
    en: Vec<Contact<'a>>,
    es: Vec<Contact<'a>>,
}

#[derive(Debug, Serialize)]
struct Contact<'a> {
    name: &'a str,
    /// The language of the name, where it is not the one of the words around it.
    lang: Option<&'static str>,
    phone: &'a str,
    /// For a `tel:` link.
    dial: String,
    /// Whose guests call it; empty when that goes without saying.
    boats: String,
}

impl<'a> Contacts<'a> {
    fn of(operator: &'a Operator) -> Self {
        Self { en: contacts(operator, Language::English), es: contacts(operator, Language::Spanish) }
    }
}

fn contacts<'operator>(operator: &'operator Operator, language: Language) -> Vec<Contact<'operator>> {
    let mut callers: Vec<(&EmergencyContact, Vec<&str>)> = Vec::new();
    for Boat { name, emergency_contact, .. } in &operator.boats {
        let Some(contact) = emergency_contact else { continue };
        match callers.iter_mut().find(|(known, _)| known.phone == contact.phone) {
            Some((_, boats)) => boats.push(name),
            None => callers.push((contact, vec![name])),
        }
    }
    let several = callers.len() > 1;
    let contact = |(contact, boats): (&'operator EmergencyContact, Vec<&str>)| {
        let (name, spoken) = contact.name.in_language(language);
        Contact {
            name,
            lang: (spoken != language).then(|| spoken.tag()),
            phone: &contact.phone,
            dial: dial(&contact.phone),
            boats: if several { boats.join(", ") } else { String::new() },
        }
    };
    callers.into_iter().map(contact).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(operator: &str) -> String {
        render(&toml::from_str(operator).expect("a valid operator file")).expect("it renders")
    }

    #[test]
    fn it_names_whom_to_call_and_nothing_of_a_charter() {
        let page = page(include_str!("../../../../../operator.example.toml"));
        assert_eq!(page.matches(r#"<a href="tel:+16195550100">+1 619 555 0100</a>"#).count(), 2, "{page}");
        for text in [
            "JADA Sailing",
            "Ask the person who sent it",
            "or call:",
            "o llame a:",
            r#"content="noindex""#,
            r#"lang="es""#,
        ] {
            assert!(page.contains(text), "{text}");
        }
        for text in ["{{", "{%", "<script", "0.18", "Soft-soled", "captain-1", "(Queen of San Diego)"] {
            assert!(!page.contains(text), "{text}");
        }
    }

    #[test]
    fn each_number_stands_once_with_its_boats() {
        let boat = |name: &str, who: &str, phone: &str| {
            format!("[[boats]]\nname = {name:?}\n[boats.emergency_contact]\nname = {who}\nphone = {phone:?}\n")
        };
        let office = r#"{ en = "the office", es = "la oficina" }"#;
        let boats = boat("Queen", office, "1 & 2") + &boat("<Jada>", office, "1 & 2") + &boat("Star", "\"Kim\"", "+3");
        let page = page(&format!("name = \"A & B\"\n{boats}"));
        assert!(page.contains("<p>A &amp; B</p>"), "{page}");
        assert!(page.contains(r#"<span class="who">the office (Queen, &lt;Jada&gt;)</span>"#), "{page}");
        assert!(page.contains(r#"<span class="who">la oficina (Queen, &lt;Jada&gt;)</span>"#), "{page}");
        assert!(page.contains(r#"<span class="who" lang="en">Kim (Star)</span>"#), "{page}");
        assert_eq!(page.matches(r#"<a href="tel:12">1 &amp; 2</a>"#).count(), 2, "{page}");
    }

    #[test]
    fn without_a_number_it_names_the_person_who_sent_it() {
        let page = page("name = \"JADA\"");
        assert!(page.contains("send it again.") && page.contains("otra vez."), "{page}");
        assert!(!page.contains("tel:") && !page.contains("call:"), "{page}");
    }

    #[test]
    fn a_browser_takes_its_style_and_no_script() {
        let page = page("");
        let digest = BASE64.encode(&Sha256::digest(STYLE));
        assert!(page.contains(&format!("<style>{STYLE}</style>")));
        assert!(
            page.replace("&#39;", "'").contains(&format!("default-src 'none'; style-src 'sha256-{digest}'")),
            "{page}"
        );
        assert!(!page.contains("style=") && page.len() < 10_000, "{} bytes", page.len());
    }
}
