//! From SVG to PNG, with a font of our own: it looks the same on every machine.

use std::sync::{Arc, LazyLock};

use resvg::{
    tiny_skia::{Pixmap, Transform},
    usvg::{Options, Tree, fontdb::Database},
};

const FONT: &[u8] = include_bytes!("../../../templates/fonts/EBGaramond-Latin.otf");
const FONT_FAMILY: &str = "EB Garamond 12";

static FONTS: LazyLock<Arc<Database>> = LazyLock::new(|| {
    let mut fonts = Database::new();
    fonts.load_font_data(FONT.to_vec());
    Arc::new(fonts)
});

/// Draws at the size that the SVG says. Letters that the font does not have are left out.
pub(crate) fn png(svg: &str) -> Result<Vec<u8>, String> {
    let options = Options { fontdb: FONTS.clone(), font_family: FONT_FAMILY.into(), ..Options::default() };
    let tree = Tree::from_str(svg, &options).map_err(|error| error.to_string())?;
    let size = tree.size().to_int_size();
    let mut picture = Pixmap::new(size.width(), size.height()).ok_or("its size is none")?;
    resvg::render(&tree, Transform::identity(), &mut picture.as_mut());
    picture.encode_png().map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use booking_webhook::{LinkPicture, Operator, Renderer};

    use super::*;

    fn pictures(boats: &[&str]) -> Vec<LinkPicture> {
        let boats: String = boats.iter().map(|name| format!("[[boats]]\nname = {name:?}\n")).collect();
        let operator: Operator = toml::from_str(&format!("name = \"JADA & Sons\"\n{boats}")).expect("valid");
        Renderer::default().link_pictures(&operator).expect("they render")
    }

    fn size(png: &[u8]) -> (u32, u32) {
        let number = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().expect("four bytes"));
        assert_eq!(&png[..8], b"\x89PNG\r\n\x1a\n");
        (number(16), number(20))
    }

    #[test]
    fn each_boat_has_a_picture_of_the_size_that_chats_ask_for() {
        let drawn: Vec<Vec<u8>> = pictures(&["Queen of San Diego", "<Ñandú & Co>", "海の女王"])
            .iter()
            .map(|picture| png(picture.svg()).expect("it can be drawn"))
            .collect();
        let sizes: Vec<_> = drawn.iter().map(|png| size(png)).collect();
        assert_eq!(sizes, [(1200, 630), (1200, 630), (1200, 630), (1200, 630), (180, 180)]);
        assert!(drawn.iter().all(|png| png.len() < 150_000), "some chats take nothing larger than 300 kB");
    }

    #[test]
    fn another_name_looks_different() {
        let drawn: Vec<_> =
            pictures(&["Queen", "Star"]).iter().map(|picture| png(picture.svg()).expect("it can be drawn")).collect();
        assert!(drawn[0] != drawn[1] && drawn[1] != drawn[2], "the boats' names and the one without are all drawn");
    }
}
