//! Text and names of attributes as words, numbers and marks, so that both are judged alike: `captainFees`, `captain_fee` and
//! "Captain's fee" are the same two words.

/// A piece of a text.
#[derive(Debug, PartialEq)]
pub(super) enum Token {
    /// In lower case and singular.
    Word(String),
    /// With the marks inside it: `840.75`, `1,840`, `2:00`.
    Number(String),
    /// Anything else but white space and underscores.
    Mark(char),
}

impl Token {
    pub(super) fn is_one_of(&self, words: &[&str]) -> bool {
        matches!(self, Self::Word(word) if words.contains(&word.as_str()))
    }
}

/// Marks that do not part the words of a label: "port/tax", "Port & tax".
const JOINERS: [char; 4] = ['-', '/', '&', '+'];

const APOSTROPHES: [char; 2] = ['\'', '’'];

/// The tokens of a text; words are split at camelCase humps too, and lose an `'s`.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = text.chars().peekable();
    while let Some(first) = rest.next() {
        if first.is_ascii_digit() {
            let mut number = String::from(first);
            while let Some(more) = rest.next_if(|more| more.is_ascii_digit() || ".,:".contains(*more)) {
                number.push(more);
            }
            let digits = number.trim_end_matches(['.', ',', ':']);
            let mark = number[digits.len()..].chars().next().map(Token::Mark);
            tokens.push(Token::Number(digits.to_owned()));
            tokens.extend(mark);
        } else if first.is_alphabetic() {
            let mut word = String::from(first);
            while let Some(more) = rest.next_if(|more| more.is_alphabetic() && !is_hump(&word, *more)) {
                word.push(more);
            }
            let possessive =
                word == "s" && matches!(tokens.last(), Some(Token::Mark(mark)) if APOSTROPHES.contains(mark));
            if possessive {
                tokens.pop();
            } else {
                tokens.push(Token::Word(singular(&word.to_lowercase())));
            }
        } else if !first.is_whitespace() && first != '_' {
            tokens.push(Token::Mark(first));
        }
    }
    tokens
}

/// The words of a name, whatever stands between them.
pub(super) fn words(name: &str) -> Vec<String> {
    let significant = |token| match token {
        Token::Word(word) if word != "and" => Some(word),
        Token::Number(number) => Some(number),
        Token::Word(_) | Token::Mark(_) => None,
    };
    tokens(name).into_iter().filter_map(significant).collect()
}

/// The words that stand together in a text, without those in between that part no label.
pub(super) fn runs(tokens: &[Token]) -> Vec<Vec<String>> {
    let mut runs = vec![Vec::new()];
    for token in tokens {
        match token {
            Token::Word(word) if word == "and" => {}
            Token::Mark(mark) if JOINERS.contains(mark) || APOSTROPHES.contains(mark) => {}
            Token::Word(word) => {
                if let Some(run) = runs.last_mut() {
                    run.push(word.clone());
                }
            }
            Token::Number(_) | Token::Mark(_) => runs.push(Vec::new()),
        }
    }
    runs
}

fn is_hump(before: &str, next: char) -> bool {
    next.is_uppercase() && before.ends_with(char::is_lowercase)
}

/// `fees` is `fee`, `taxes` is `tax`, `supplies` is `supply`, `gross` is itself. English, and good enough to compare with.
fn singular(word: &str) -> String {
    if word.len() <= 3 || ["ss", "is", "us"].iter().any(|end| word.ends_with(end)) {
        return word.to_owned();
    }
    if let Some(stem) = word.strip_suffix("ies") {
        return format!("{stem}y");
    }
    word.strip_suffix("xes")
        .map_or_else(|| word.strip_suffix('s').unwrap_or(word).to_owned(), |stem| format!("{stem}x"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_as_words() {
        for (name, expected) in [
            ("captainFees", "captain fee"),
            ("CAPTAIN_FEES", "captain fee"),
            ("Captain's fee", "captain fee"),
            ("portAndTaxes", "port tax"),
            ("supplies", "supply"),
            ("gross", "gross"),
            ("this bus", "this bus"),
            ("crew-1", "crew 1"),
            ("¿tarifaDía?", "tarifa día"),
            ("", ""),
        ] {
            assert_eq!(words(name).join(" "), expected, "{name}");
        }
    }

    #[test]
    fn numbers_keep_their_marks_but_not_the_sentences() {
        let word = |text: &str| Token::Word(text.into());
        let number = |text: &str| Token::Number(text.into());
        let expected = [word("at"), number("2:00"), word("pay"), number("1,840.75"), Token::Mark('.'), word("go")];
        assert_eq!(tokens("at 2:00 pay 1,840.75. Go"), expected);
    }
}
