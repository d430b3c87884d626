//! The picture that a chat shows beside a link to a guest page: the boat under sail, with its name.
//!
//! Chats take no SVG, so it is a PNG of 1200 x 630 pixels, drawn when the health check publishes what belongs to no charter. Its name
//! holds a digest of what is drawn: another picture has another name, and no cache of a chat shows the old one. A page needs the name
//! alone, which costs no drawing.

use std::sync::{Arc, LazyLock};

use resvg::{
    tiny_skia::{Pixmap, Transform},
    usvg::{Options, Tree, fontdb::Database},
};
use serde::Serialize;
use sha2::{Digest, Sha256};
use tera::{Context, Tera};

use crate::{booking::Operator, runtime::config::GuestPageConfig};

/// Tera escapes in a template whose name ends so.
const TEMPLATE: &str = "link-picture.xml";
const FONT: &[u8] = include_bytes!("../../../../../templates/fonts/EBGaramond-Latin.otf");
const TOUCH_ICON: &str = include_str!("../../../../../templates/touch-icon.svg");
/// The icon's place on the site, for a phone's home screen.
pub(super) const TOUCH_ICON_PATH: &str = "/g/touch-icon.png";

/// A longer name would be too small to read.
const MOST_CHARS: usize = 40;
/// In pixels.
const LARGEST_TEXT: usize = 100;
/// About as wide as the picture, in units of a letter one pixel high.
const LINE: usize = 2100;

static FONTS: LazyLock<Arc<Database>> = LazyLock::new(|| {
    let mut fonts = Database::new();
    fonts.load_font_data(FONT.to_vec());
    Arc::new(fonts)
});

/// A picture that is drawn when it is published.
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

/// Parses the compiled-in template into `tera`.
pub(super) fn add_template(tera: &mut Tera) -> Result<(), tera::Error> {
    tera.add_raw_template(TEMPLATE, include_str!("../../../../../templates/link-picture.svg"))
}

impl LinkPicture {
    /// The picture of a boat. A boat that the operator file does not describe has its name from the sender, which stays out of it.
    pub(super) fn of(tera: &Tera, operator: &Operator, boat: &str) -> Result<Self, tera::Error> {
        let known = operator.boats.iter().any(|known| known.name.as_str() == boat);
        let mut name: String = if known { boat.chars().take(MOST_CHARS).collect() } else { String::new() };
        if known && boat.chars().count() > MOST_CHARS {
            name.push('…');
        }
        let size = LARGEST_TEXT.min(LINE / name.chars().count().max(1));
        let words = Words { operator: &operator.name, boat: name, size };
        let svg = tera.render(TEMPLATE, &Context::from_serialize(&words)?)?;
        let digest = data_encoding::HEXLOWER.encode(&Sha256::digest(&svg)[..5]);
        Ok(Self { name: format!("link-{digest}"), svg })
    }

    /// All that pages of this operator may name: one for each boat without a picture of the operator's, one for boats that nobody
    /// described, and the icon.
    pub(super) fn all(tera: &Tera, operator: &Operator) -> Result<Vec<Self>, tera::Error> {
        let drawn = operator.boats.iter().filter(|boat| boat.picture.is_none()).map(|boat| boat.name.as_str());
        let mut pictures =
            drawn.chain([""]).map(|boat| Self::of(tera, operator, boat)).collect::<Result<Vec<_>, _>>()?;
        pictures.push(Self { name: "touch-icon".into(), svg: TOUCH_ICON.into() });
        Ok(pictures)
    }

    /// Where it is on the site: `/g/link-0123456789.png`.
    pub(crate) fn path(&self) -> String {
        format!("/g/{}.png", self.name)
    }

    /// Where it lies in the bucket, beside the guest pages.
    pub(super) fn key(&self, config: &GuestPageConfig) -> String {
        let key = config.key.replace("{charter_id}", &self.name);
        format!("{}.png", key.strip_suffix(".html").unwrap_or(&key))
    }

    /// Draws it. Letters that the font does not have are left out.
    pub(super) fn png(&self) -> Vec<u8> {
        let options = Options { fontdb: FONTS.clone(), font_family: "EB Garamond 12".into(), ..Options::default() };
        let tree = Tree::from_str(&self.svg, &options).expect("a test draws the templates, and values are escaped");
        let size = tree.size().to_int_size();
        let mut picture = Pixmap::new(size.width(), size.height()).expect("the templates say a size");
        resvg::render(&tree, Transform::identity(), &mut picture.as_mut());
        picture.encode_png().expect("a picture of this size can be encoded")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tera() -> Tera {
        let mut tera = Tera::default();
        add_template(&mut tera).expect("well formed");
        tera
    }

    fn operator(boats: &[&str]) -> Operator {
        let boats: String = boats.iter().map(|name| format!("[[boats]]\nname = {name:?}\n")).collect();
        toml::from_str(&format!("name = \"JADA & Sons\"\n{boats}")).expect("valid")
    }

    fn size(png: &[u8]) -> (u32, u32) {
        let number = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().expect("four bytes"));
        assert_eq!(&png[..8], b"\x89PNG\r\n\x1a\n");
        (number(16), number(20))
    }

    #[test]
    fn each_boat_has_a_picture_of_the_size_that_chats_ask_for() {
        let names = ["Queen of San Diego", "<Ñandú & Co>", "海の女王"];
        let pictures = LinkPicture::all(&tera(), &operator(&names)).expect("it renders");
        let sizes: Vec<_> = pictures.iter().map(|picture| size(&picture.png())).collect();
        assert_eq!(sizes, [(1200, 630), (1200, 630), (1200, 630), (1200, 630), (180, 180)]);
        assert!(
            pictures.iter().all(|picture| picture.png().len() < 150_000),
            "some chats take nothing larger than 300 kB"
        );
    }

    #[test]
    fn another_name_is_another_picture_under_another_address() {
        let operator = operator(&["Queen", "Star"]);
        let of = |boat: &str| LinkPicture::of(&tera(), &operator, boat).expect("it renders");
        let (queen, star, unknown) = (of("Queen"), of("Star"), of("<sender's words>"));
        assert_eq!(queen, of("Queen"));
        assert_eq!(unknown, of("another that nobody knows"), "what a sender calls a boat is on no picture");
        for (one, other) in [(&queen, &star), (&queen, &unknown)] {
            assert!(one.path() != other.path() && one.png() != other.png());
        }
        assert!(queen.path().starts_with("/g/link-") && queen.path().ends_with(".png"));
    }

    #[test]
    fn a_boat_with_a_picture_of_its_own_gets_none() {
        let boats = "[[boats]]\nname = \"Queen\"\npicture = \"https://example.com/queen.jpg\"\n";
        let pictures = LinkPicture::all(&tera(), &toml::from_str(boats).expect("valid")).expect("it renders");
        assert_eq!(pictures.len(), 2, "for boats that nobody described, and the icon");
    }
}
