//! The picture that a chat shows beside a link to a guest page: the boat under sail, with its name.
//!
//! Chats take no SVG, so it is a PNG of 1200 x 630 pixels. `crates/link-pictures` draws it and a deployment puts it into the bucket: a
//! page needs the name alone, and the function would be larger and start later with what draws. The name holds a digest of what is
//! drawn: another picture has another name, and no cache of a chat shows the old one.

use std::{
    collections::BTreeMap,
    sync::{LazyLock, Mutex, PoisonError},
};

use serde::Serialize;
use sha2::{Digest, Sha256};
use tera::{Context, Tera};

use crate::booking::Operator;

/// Tera escapes in a template whose name ends so.
const TEMPLATE: &str = "link-picture.xml";
const TOUCH_ICON: &str = include_str!("../../../../../templates/touch-icon.svg");
/// The icon's place on the site, for a phone's home screen.
pub(super) const TOUCH_ICON_PATH: &str = "/g/touch-icon.png";

/// A longer name would be too small to read.
const MOST_CHARS: usize = 40;
/// In pixels.
const LARGEST_TEXT: usize = 100;
/// About as wide as the picture, in units of a letter one pixel high.
const LINE: usize = 2100;

/// A picture that a page of the operator's may name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkPicture {
    name: String,
    svg: String,
}

#[derive(Serialize)]
struct Words<'a> {
    operator: &'a str,
    boat: String,
    size: usize,
}

/// The pictures that were asked for so far. What is drawn follows from two names, and a page needs but its digest.
#[derive(Debug)]
pub(super) struct LinkPictures {
    template: LazyLock<Tera>,
    /// By operator and name on the picture: as many as the operator has boats, and one.
    paths: Mutex<BTreeMap<(String, String), String>>,
}

impl Default for LinkPictures {
    fn default() -> Self {
        let template = || {
            let mut tera = Tera::default();
            tera.add_raw_template(TEMPLATE, include_str!("../../../../../templates/link-picture.svg"))
                .expect("a test parses the compiled-in template");
            tera
        };
        Self { template: LazyLock::new(template), paths: Mutex::default() }
    }
}

impl LinkPictures {
    /// Where the picture of a boat is on the site.
    pub(super) fn path_of(&self, operator: &Operator, boat: &str) -> Result<String, tera::Error> {
        let key = (operator.name.clone(), name_on_the_picture(operator, boat));
        let mut paths = self.paths.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(path) = paths.get(&key) {
            return Ok(path.clone());
        }
        let path = LinkPicture::of(&self.template, operator, boat)?.path();
        Ok(paths.entry(key).or_insert(path).clone())
    }

    /// All that pages of this operator may name: one for each boat without a picture of the operator's, one for boats that nobody
    /// described, and the icon.
    pub(super) fn all(&self, operator: &Operator) -> Result<Vec<LinkPicture>, tera::Error> {
        let drawn = operator.boats.iter().filter(|boat| boat.picture.is_none()).map(|boat| boat.name.as_str());
        let of = |boat| LinkPicture::of(&self.template, operator, boat);
        let mut pictures = drawn.chain([""]).map(of).collect::<Result<Vec<_>, _>>()?;
        pictures.push(LinkPicture { name: "touch-icon".into(), svg: TOUCH_ICON.into() });
        Ok(pictures)
    }
}

/// A boat that the operator file does not describe has its name from the sender, which stays out of it.
fn name_on_the_picture(operator: &Operator, boat: &str) -> String {
    let known = operator.boats.iter().any(|known| known.name.as_str() == boat);
    let mut name: String = if known { boat.chars().take(MOST_CHARS).collect() } else { String::new() };
    if known && boat.chars().count() > MOST_CHARS {
        name.push('…');
    }
    name
}

impl LinkPicture {
    /// The picture of a boat.
    fn of(tera: &Tera, operator: &Operator, boat: &str) -> Result<Self, tera::Error> {
        let name = name_on_the_picture(operator, boat);
        let size = LARGEST_TEXT.min(LINE / name.chars().count().max(1));
        let words = Words { operator: &operator.name, boat: name, size };
        let svg = tera.render(TEMPLATE, &Context::from_serialize(&words)?)?;
        let digest = data_encoding::HEXLOWER.encode(&Sha256::digest(&svg)[..5]);
        Ok(Self { name: format!("link-{digest}"), svg })
    }

    /// Its file, which lies beside the guest pages: `link-0123456789.png`.
    #[must_use]
    pub fn file_name(&self) -> String {
        format!("{}.png", self.name)
    }

    /// What is drawn into the file.
    #[must_use]
    pub fn svg(&self) -> &str {
        &self.svg
    }

    /// Where it is on the site: `/g/link-0123456789.png`.
    pub(crate) fn path(&self) -> String {
        format!("/g/{}", self.file_name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operator(boats: &[&str]) -> Operator {
        let boats: String = boats.iter().map(|name| format!("[[boats]]\nname = {name:?}\n")).collect();
        toml::from_str(&format!("name = \"JADA & Sons\"\n{boats}")).expect("valid")
    }

    #[test]
    fn another_name_is_another_picture_under_another_address() {
        let operator = operator(&["Queen", "Star"]);
        let of = |boat: &str| LinkPicture::of(&LinkPictures::default().template, &operator, boat).expect("it renders");
        let (queen, star, unknown) = (of("Queen"), of("Star"), of("<sender's words>"));
        assert_eq!(queen, of("Queen"));
        assert_eq!(unknown, of("another that nobody knows"), "what a sender calls a boat is on no picture");
        for (one, other) in [(&queen, &star), (&queen, &unknown)] {
            assert!(one.path() != other.path() && one.svg() != other.svg());
        }
        let path = queen.path();
        let digits =
            path.strip_prefix("/g/link-").and_then(|rest| rest.strip_suffix(".png")).expect("a page's neighbour");
        assert!(digits.len() == 10 && digits.chars().all(|digit| digit.is_ascii_hexdigit()), "{path}");
        assert_eq!(path, format!("/g/{}", queen.file_name()), "what is drawn is where pages look for it");
        let pictures = LinkPictures::default();
        let asked_twice = ["Queen", "Star", "Queen"].map(|boat| pictures.path_of(&operator, boat).expect("it renders"));
        assert_eq!(asked_twice, [queen.path(), star.path(), queen.path()]);
    }

    #[test]
    fn a_boat_with_a_picture_of_its_own_gets_none() {
        let boats = "[[boats]]\nname = \"Queen\"\npicture = \"https://example.com/queen.jpg\"\n";
        let pictures = LinkPictures::default().all(&toml::from_str(boats).expect("valid")).expect("it renders");
        let names: Vec<String> = pictures.iter().map(LinkPicture::file_name).collect();
        assert_eq!(names.len(), 2, "for boats that nobody described, and the icon: {names:?}");
        assert_eq!(format!("/g/{}", names[1]), TOUCH_ICON_PATH);
    }
}
