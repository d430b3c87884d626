//! Takes out of the page's sources what only their authors read: a guest at the dock waits for every byte.
//!
//! Lines keep their ends, because JavaScript counts on them; so a comment that stands behind code on its line stays.

/// Without comments that have their line, and without white space around signs. Our script quotes nothing with such a space in it that
/// is more than a selector: its words are data.
pub(super) fn script(source: &str) -> String {
    let script = lines(source).filter(|line| !line.starts_with("//")).collect::<Vec<_>>().join("\n");
    let signs =
        [" => ", " = ", " === ", " && ", " || ", " ? ", " : ", ": ", ", ", "; ", " {", "{ ", " }", " < ", " > "];
    signs.into_iter().fold(script, |script, sign| script.replace(sign, sign.trim()))
}

/// Without comments and white space that means nothing. In our style sheet no text within quotes holds any of these pairs.
pub(super) fn style(source: &str) -> String {
    let mut chunks = source.split("/*");
    let first = chunks.next().unwrap_or_default().to_owned();
    let rest = chunks.filter_map(|chunk| chunk.split_once("*/")).map(|(_, style)| style);
    let style = lines(&rest.fold(first, |style, chunk| style + chunk)).collect::<Vec<_>>().join(" ");
    let pairs = [
        (": ", ":"),
        ("; ", ";"),
        (", ", ","),
        (" {", "{"),
        ("{ ", "{"),
        (" }", "}"),
        ("} ", "}"),
        (";}", "}"),
        (" > ", ">"),
    ];
    pairs.into_iter().fold(style, |style, (pair, sign)| style.replace(pair, sign))
}

/// Without indentation, empty lines, and line ends between tags. Elements between which a space is read stand on one line.
pub(super) fn markup(source: &str) -> String {
    let markup = lines(source).collect::<Vec<_>>().join("\n");
    markup.replace(">\n<", "><").replace("%}\n<", "%}<")
}

fn lines(source: &str) -> impl Iterator<Item = &str> {
    source.lines().map(str::trim).filter(|line| !line.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_authors_read_is_left_out() {
        assert_eq!(script("  a();\n  // why\n\n  b('//'); // c\n"), "a();\nb('//');// c");
        assert_eq!(style("/* why */\na { b: c; }\n/* one\n * two */ d { e: f; }\n\n"), "a{b:c}d{e:f}");
        assert_eq!(markup("<p>\n  a\n\n  <b>c</b>\n</p>\n"), "<p>\na\n<b>c</b></p>");
    }
}
