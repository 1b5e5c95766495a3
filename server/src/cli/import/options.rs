//! What does a command line of rblsmtpd say? Options from left to right, as its getopt reads them (ucspi-tcp 0.88,
//! netqmail's A-record patch, ucspi-tcp6).

use super::words::Word;
use crate::dns_lists::LISTS_MAX;

/// rblsmtpd's own, when no `-r` names one; its zone died with MAPS' free service.
pub(super) const DEFAULT_ZONE: &str = "rbl.maps.vix.com";
/// With 64 octets of IPv6 nibbles in front, a name still fits into the DNS (RFC 1035 §2.3.4).
const ZONE_OCTETS_MAX: usize = 253 - 64;
/// Octets of a text that a list is given in place of its own: the configuration's limit of a reply.
const MESSAGE_OCTETS_MAX: usize = 200;
/// Options that ask for a word.
const WITH_ARGUMENT: &str = "ratw";

/// One `-r` or `-a`, with the flags in force when rblsmtpd reads it: it looks up while it parses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct List {
    /// Lower case, without the final dot.
    pub(super) zone: String,
    pub(super) does: Does,
    /// `-c`: a failure of this list defers (`-r`), or does not let the client in (`-a`).
    pub(super) fail_closed: bool,
    /// Nobody typed it: rblsmtpd's default.
    pub(super) is_default: bool,
}

/// What a listing does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Does {
    /// `-a zone`: A records, let in.
    Allow,
    /// `-r zone`: TXT records, 553 (`-b`) or 451.
    Refuse { bounce: bool },
    /// `-r zone:message`, netqmail's patch: A records, answered with the message.
    Answer { bounce: bool, message: String },
}

/// The whole line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) lists: Vec<List>,
    /// `-t`, in seconds.
    pub(super) session_seconds: Option<String>,
    /// `-i` (ucspi-tcp6): it only tells qmail-smtpd, and refuses nobody.
    pub(super) only_tells: bool,
    /// `-w` or `-W` (ucspi-tcp6): it greets late.
    pub(super) greets_late: bool,
    /// rblsmtpd started rblsmtpd, so many times.
    pub(super) chained: usize,
}

/// Of the commands of a script: the one that starts rblsmtpd, or that somebody gave as options alone; else the first.
pub(super) fn ours(commands: &[Vec<Word>]) -> &[Word] {
    let options = |words: &&Vec<Word>| words.first().is_some_and(is_option) || words.iter().any(is_rblsmtpd);
    commands.iter().find(options).or(commands.first()).map_or(&[], Vec::as_slice)
}

/// Reads the words. `Err` is one line.
pub(super) fn read(words: &[Word]) -> Result<Line, String> {
    let mut words = command(words);
    let mut line = Line::default();
    loop {
        words = one(words, &mut line)?;
        // `rblsmtpd -r a rblsmtpd -r b qmail-smtpd` was a way to ask several lists before `-r` could be repeated.
        match words.split_first() {
            Some((program, rest)) if is_rblsmtpd(program) => (words, line.chained) = (rest, line.chained + 1),
            _ => return Ok(line),
        }
    }
}

fn is_rblsmtpd(word: &Word) -> bool {
    word.text.rsplit('/').next() == Some("rblsmtpd")
}

fn is_option(word: &Word) -> bool {
    word.text.starts_with('-')
}

/// The words behind `rblsmtpd`, where a whole line was pasted (`tcpserver … rblsmtpd …`).
fn command(words: &[Word]) -> &[Word] {
    let at = if words.first().is_some_and(is_option) { None } else { words.iter().position(is_rblsmtpd) };
    words.get(at.map_or(0, |at| at + 1)..).unwrap_or_default()
}

/// Flags as they stand at one place of the line.
#[derive(Clone, Copy, Default)]
struct Flags {
    bounce: bool,
    fail_closed: bool,
}

/// Options of one rblsmtpd; what it would start is left.
fn one<'a>(mut words: &'a [Word], line: &mut Line) -> Result<&'a [Word], String> {
    let mut flags = Flags::default();
    let mut names_a_list = false;
    while let Some((word, rest)) = words.split_first() {
        if word.expands {
            return Err(format!("{}: only your shell knows what this stands for: write it out", word.text));
        }
        let Some(options) = word.text.strip_prefix('-').filter(|options| !options.is_empty()) else { break };
        words = rest;
        // djb's getopt ends at any word that starts so.
        if options.starts_with('-') {
            break;
        }
        for (at, option) in options.char_indices() {
            if !WITH_ARGUMENT.contains(option) {
                flag(option, &mut flags, line)?;
                continue;
            }
            // The rest of the word, else the next word.
            let mut argument = options[at + option.len_utf8()..].to_owned();
            if argument.is_empty() {
                let (next, rest) =
                    words.split_first().ok_or_else(|| format!("-{option} is the end: {}", wanted(option)))?;
                if next.expands {
                    return Err(format!("{}: only your shell knows what this stands for: write it out", next.text));
                }
                (argument, words) = (next.text.clone(), rest);
            }
            names_a_list |= option == 'r';
            with_argument(option, &argument, flags, line)?;
            break;
        }
    }
    if !names_a_list {
        let does = Does::Refuse { bounce: flags.bounce };
        let list = List { zone: DEFAULT_ZONE.to_owned(), does, fail_closed: flags.fail_closed, is_default: true };
        add(list, line)?;
    }
    Ok(words)
}

fn flag(option: char, flags: &mut Flags, line: &mut Line) -> Result<(), String> {
    match option {
        'b' => flags.bounce = true,
        'B' => flags.bounce = false,
        'c' => flags.fail_closed = true,
        'C' => flags.fail_closed = false,
        'i' => line.only_tells = true,
        'W' => line.greets_late = true,
        other => return Err(format!("-{other} is no option of rblsmtpd: expected -r, -a, -b, -B, -c, -C or -t")),
    }
    Ok(())
}

fn with_argument(option: char, argument: &str, flags: Flags, line: &mut Line) -> Result<(), String> {
    let Flags { bounce, fail_closed } = flags;
    let does = match option {
        't' | 'w' => {
            if argument.is_empty() || !argument.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(format!("-{option} \"{argument}\": {}", wanted(option)));
            }
            if option == 't' {
                line.session_seconds = Some(argument.to_owned());
            } else {
                line.greets_late = true;
            }
            return Ok(());
        }
        'a' => Does::Allow,
        _ => match argument.split_once(':') {
            None => Does::Refuse { bounce },
            Some((_, message)) => Does::Answer { bounce, message: self::message(message)? },
        },
    };
    let zone = if option == 'r' { argument.split(':').next().unwrap_or_default() } else { argument };
    add(List { zone: self::zone(zone, option)?, does, fail_closed, is_default: false }, line)
}

fn add(list: List, line: &mut Line) -> Result<(), String> {
    if line.lists.len() == LISTS_MAX {
        return Err(format!("more than {LISTS_MAX} lists: a policy holds no more"));
    }
    line.lists.push(list);
    Ok(())
}

fn wanted(option: char) -> &'static str {
    match option {
        't' => "expected the seconds a refused session may last",
        'w' => "expected the seconds of the greeting's delay",
        _ => "expected a zone such as zen.spamhaus.org",
    }
}

fn zone(text: &str, option: char) -> Result<String, String> {
    let zone = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
    let good = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let label = |label: &str| (1..=63).contains(&label.len()) && label.bytes().all(good);
    if zone.len() > ZONE_OCTETS_MAX || !zone.split('.').all(label) {
        return Err(format!("-{option} \"{text}\": {}", wanted(option)));
    }
    Ok(zone)
}

/// The configuration's form of a netqmail message: `%IP%` becomes our variable.
fn message(text: &str) -> Result<String, String> {
    let printable = text.bytes().all(|byte| (32..=126).contains(&byte));
    if text.is_empty() || text.len() > MESSAGE_OCTETS_MAX || !printable || text.contains("%{") {
        return Err(format!(
            "\"{text}\": expected a reply of 1 to {MESSAGE_OCTETS_MAX} printable ASCII characters, without %{{"
        ));
    }
    Ok(text.replace("%IP%", "%{client_ip}"))
}
