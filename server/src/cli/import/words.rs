//! Which words does a shell make of a pasted command line? Quotes, backslashes and comments as sh(1) reads them;
//! nothing is expanded.

/// A word, and what a shell would still have to do to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) text: String,
    /// It holds an unquoted or double-quoted `$` or backquote: only the shell that ran it knows what stands there.
    pub(super) expands: bool,
}

/// The commands of a line or script, each as its words; none is empty. `Err` = a quote is left open.
pub(super) fn commands(line: &str) -> Result<Vec<Vec<Word>>, String> {
    let mut commands = Vec::new();
    let mut words = Vec::new();
    let mut word: Option<Word> = None;
    let mut chars = line.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '\\' => match chars.next() {
                // A line that goes on.
                Some('\n') | None => {}
                Some(kept) => word.get_or_insert_default().text.push(kept),
            },
            '\'' => quoted(&mut chars, '\'', word.get_or_insert_default())?,
            '"' => quoted(&mut chars, '"', word.get_or_insert_default())?,
            '#' if word.is_none() => while chars.next_if(|&char| char != '\n').is_some() {},
            // What follows is another command, or where the output goes.
            '|' | ';' | '&' | '<' | '>' | '(' | ')' => {
                // `2>&1`: the number belongs to what follows.
                let is_number = |word: &Word| word.text.bytes().all(|byte| byte.is_ascii_digit());
                if matches!(char, '<' | '>') && word.as_ref().is_some_and(is_number) {
                    word = None;
                }
                words.extend(word.take());
                commands.push(std::mem::take(&mut words));
            }
            char if char.is_ascii_whitespace() => words.extend(word.take()),
            '$' | '`' => {
                let word = word.get_or_insert_default();
                word.text.push(char);
                word.expands = true;
            }
            char => word.get_or_insert_default().text.push(char),
        }
    }
    words.extend(word);
    commands.push(words);
    commands.retain(|words| !words.is_empty());
    Ok(commands)
}

/// The rest of a quoted part, its closing quote included.
fn quoted(chars: &mut impl Iterator<Item = char>, quote: char, word: &mut Word) -> Result<(), String> {
    while let Some(char) = chars.next() {
        match char {
            char if char == quote => return Ok(()),
            '\\' if quote == '"' => match chars.next() {
                Some(kept @ ('"' | '\\' | '$' | '`')) => word.text.push(kept),
                Some('\n') | None => {}
                Some(other) => word.text.extend(['\\', other]),
            },
            '$' | '`' if quote == '"' => {
                word.text.push(char);
                word.expands = true;
            }
            char => word.text.push(char),
        }
    }
    Err(format!("a {quote} is opened and not closed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(line: &str) -> Vec<Word> {
        commands(line).expect("commands").into_iter().next().unwrap_or_default()
    }

    fn texts(line: &str) -> Vec<String> {
        first(line).into_iter().map(|word| word.text).collect()
    }

    #[test]
    fn words_are_those_of_a_shell() {
        for (line, expected) in [
            ("", &[][..]),
            ("  -b\t-r  a.example\n", &["-b", "-r", "a.example"]),
            ("-r 'a:see %IP%, \"it\"'", &["-r", "a:see %IP%, \"it\""]),
            (r#"-r "a:b \"c\" \$ \x""#, &["-r", r#"a:b "c" $ \x"#]),
            (
                r"-r a\ b\\ \
            -b",
                &["-r", r"a b\", "-b"],
            ),
            ("''", &[""]),
            ("a'b'\"c\"d", &["abcd"]),
            ("-b # -r a.example\n-r b#c", &["-b", "-r", "b#c"]),
            ("-b qmail-smtpd 2>&1 | splogger smtpd", &["-b", "qmail-smtpd"]),
            ("-b smtpd>/dev/null", &["-b", "smtpd"]),
            ("-b; rm x", &["-b"]),
            ("a\\", &["a"]),
        ] {
            assert_eq!(texts(line), expected, "{line}");
        }
    }

    #[test]
    fn commands_are_told_apart() {
        let texts = |words: &Vec<Word>| words.iter().map(|word| word.text.clone()).collect::<Vec<_>>();
        let found = commands("cd /x && (exec a -b 2>&1) | c; ;d >log &").expect("commands");
        let expected = [&["cd", "/x"][..], &["exec", "a", "-b"], &["1"], &["c"], &["d"], &["log"]];
        assert_eq!(found.iter().map(texts).collect::<Vec<_>>(), expected);
        assert_eq!(commands(" # nothing\n;"), Ok(Vec::new()));
    }

    #[test]
    fn what_only_a_shell_knows_is_marked() {
        let expands = |line: &str| first(line).iter().map(|word| word.expands).collect::<Vec<_>>();
        assert_eq!(
            expands(r#"$A "$A" '$A' \$A "\$A" `cat x` a"#),
            [true, true, false, false, false, true, true, false]
        );
    }

    #[test]
    fn an_open_quote_is_told() {
        for line in ["'", "-r 'a", "\"a", "\"a\\\"", "a'b\"c'\""] {
            assert!(commands(line).is_err_and(|error| error.ends_with("is opened and not closed")), "{line}");
        }
    }
}
