//! Do tcpserver's rules say what they seem to? Forms that never match, doubles, open relays, variables that get lost.

use super::{Level, Linter, files::File, shown};
use crate::lists::{KeyedBy, RuleLine, TcpRules, control_files::number};
use std::{collections::HashMap, path::Path};

/// Variables of the default rule that a rule for somebody easily forgets.
const POLICY: [&[u8]; 5] = [b"RBLSMTPD", b"SPFBEHAVIOR", b"QMAILRRTDENYALL", b"QMAILQUEUE", b"DATABYTES"];

pub(super) fn look(linter: &mut Linter<'_>) {
    let Some(path) = linter.place.tcp_rules.clone() else { return };
    let cdb_path = path.with_file_name(format!("{}.cdb", path.file_name().unwrap_or_default().to_string_lossy()));
    let cdb = linter.cdb(&cdb_path);
    if cdb.is_some() {
        linter.look_at_reader(&cdb_path, Level::Error);
    }
    let Some(file) = linter.text(&path) else {
        if cdb.is_some() && !path.exists() {
            linter.note(&path, 0, "missing, but there is a cdb beside it: what it holds cannot be looked at");
        }
        return;
    };
    let lines = read(linter, &file);
    look_at_names(linter, &file, &lines);
    let mut first: HashMap<&[u8], usize> = HashMap::new();
    let default = lines.iter().find(|(_, rule)| rule.address.is_empty());
    for (line, rule) in &lines {
        look_at_address(linter, &file, *line, rule);
        look_at_relaying(linter, &file, *line, rule);
        look_at_values(linter, &file, *line, rule);
        if let Some((_, default)) = default {
            look_at_variables(linter, &file, *line, (rule, default));
        }
        if let Some((key, other)) = rule.keys.iter().find_map(|key| Some((key, first.get(&key[..])?))) {
            let text = format!("{} has a rule in line {other} already, and the first counts", shown(key));
            linter.warning(&file.path, *line, text);
        }
        for key in &rule.keys {
            first.entry(key).or_insert(*line);
        }
    }
    match cdb {
        None if !cdb_path.exists() => linter.error(&path, 0, "has no effect: expected the cdb beside it: run tcprules"),
        None => {}
        Some((cdb, modified)) => {
            linter.look_at_age(&file, &cdb_path, modified, "tcprules");
            if modified >= file.modified && !is_made_of(&TcpRules::from_cdb(cdb), &lines) {
                linter.error(&cdb_path, 0, format!("other rules than {} has: run tcprules", path.display()));
            }
        }
    }
}

/// The rules that tcprules takes. It stops at the first line that it does not; all such are told.
fn read(linter: &mut Linter<'_>, file: &File) -> Vec<(usize, RuleLine)> {
    let mut lines = Vec::new();
    for (line, text) in (1..).zip(file.content.split(|&byte| byte == b'\n')) {
        match RuleLine::read(text) {
            Ok(Some(rule)) => lines.push((line, rule)),
            Ok(None) if text.trim_ascii().is_empty() || text.starts_with(b"#") => {}
            Ok(None) => {
                let text =
                    format!("{} has no colon and is passed over: expected address:allow or address:deny", shown(text));
                linter.warning(&file.path, line, text);
            }
            Err(_) if text.ends_with(b"\r") => {
                linter.error(&file.path, line, "ends in CR LF, and tcprules refuses it: expected LF");
            }
            Err(_) if is_ipv6(text) => {
                let text = "tcprules refuses the line, for stock tcpserver knows no IPv6: expected an IPv4 address";
                linter.error(&file.path, line, text);
            }
            Err(wrong) => linter.error(&file.path, line, format!("tcprules refuses the line: {wrong}")),
        }
    }
    lines
}

/// Does an IPv6 address or prefix stand before the last colon? The first one ends an address.
fn is_ipv6(text: &[u8]) -> bool {
    let word = |word: &&[u8]| word.starts_with(b"allow") || word.starts_with(b"deny");
    let parts: Vec<&[u8]> = text.split(|&byte| byte == b':').collect();
    let end = parts.iter().position(word).unwrap_or(0);
    let is_group = |part: &&[u8]| part.len() <= 4 && part.iter().all(u8::is_ascii_hexdigit);
    end > 1 && parts[..end].iter().all(is_group)
}

/// Are all rules there as they are written, and no others?
fn is_made_of(made: &TcpRules, lines: &[(usize, RuleLine)]) -> bool {
    let mut wanted: HashMap<&[u8], &[u8]> = HashMap::new();
    for (_, rule) in lines {
        for key in &rule.keys {
            wanted.entry(key).or_insert(&rule.data);
        }
    }
    wanted.iter().all(|(key, data)| made.data(key) == Some(data)) && made.keys().all(|key| wanted.contains_key(key))
}

fn look_at_address(linter: &mut Linter<'_>, file: &File, line: usize, rule: &RuleLine) {
    let address = &rule.address[..];
    let never = |expected: &str| format!("{} never matches: expected {expected}", shown(address));
    let host = address.rsplit(|&byte| byte == b'@').next().unwrap_or_default();
    let text = if address.first().is_some_and(u8::is_ascii_whitespace) {
        never("no blank in front")
    } else if host.is_empty() && !address.is_empty() {
        never("an address behind the @")
    } else if host.is_empty() || host.starts_with(b"=") {
        return;
    } else if rule.keys.is_empty() {
        format!("{} is an empty range: expected its smaller number first, such as 192.0.2.1-9", shown(address))
    } else if address.contains(&b'-') && number_behind_dash(address) > 255 {
        format!("{} ends at 255: expected numbers up to that", shown(address))
    } else if host.contains(&b'/') {
        never("a prefix such as 192.0.2. (no CIDR here)")
    } else if let Some(wrong) = rule.keys.iter().find_map(|key| wrong_octets(key)) {
        never(&wrong)
    } else {
        return;
    };
    linter.error(&file.path, line, text);
}

fn number_behind_dash(address: &[u8]) -> u64 {
    let digits = address.split(|&byte| byte == b'-').nth(1).unwrap_or_default();
    let digits = digits.iter().take_while(|byte| byte.is_ascii_digit());
    digits.fold(0, |number: u64, digit| number.saturating_mul(10).saturating_add(u64::from(digit - b'0')))
}

/// What is wrong with an IPv4 address or prefix.
fn wrong_octets(key: &[u8]) -> Option<String> {
    let host = key.rsplit(|&byte| byte == b'@').next().unwrap_or_default();
    let text = std::str::from_utf8(host).ok()?;
    let octets: Vec<&str> = text.strip_suffix('.').unwrap_or(text).split('.').collect();
    let canonical = |octet: &&str| octet.parse::<u8>().is_ok_and(|number| number.to_string() == **octet);
    if !octets.iter().all(canonical) || octets.len() > 4 {
        return Some("numbers from 0 to 255 without zeros in front, or =host".to_owned());
    }
    match (octets.len(), text.ends_with('.')) {
        (4, true) => Some(format!("\"{}\" without the dot", octets.join("."))),
        (1..=3, false) => Some(format!("\"{text}.\" with the dot at its end")),
        _ => None,
    }
}

/// Who may relay?
fn look_at_relaying(linter: &mut Linter<'_>, file: &File, line: usize, rule: &RuleLine) {
    if rule.denies() || rule.variable(b"RELAYCLIENT").is_none() {
        return;
    }
    let key = rule.keys.first().map(Vec::as_slice).unwrap_or_default();
    match rule.by() {
        KeyedBy::Ident => {
            linter.error(
                &file.path,
                line,
                "RELAYCLIENT for whoever says so (ident can be forged): expected an address",
            );
        }
        KeyedBy::Name if key == b"=" => {
            linter.error(
                &file.path,
                line,
                "RELAYCLIENT for every client with a name, an open relay: expected addresses",
            );
        }
        KeyedBy::Name => {
            linter.warning(
                &file.path,
                line,
                "RELAYCLIENT by host name, which can be forged unless tcpserver runs with -p: expected addresses",
            );
        }
        KeyedBy::Address if key.is_empty() => {
            linter.error(&file.path, line, "RELAYCLIENT for everybody, an open relay: expected addresses of our own");
        }
        KeyedBy::Address if is_huge(key) => {
            let text =
                format!("RELAYCLIENT for all of {}, most likely an open relay: expected smaller networks", shown(key));
            linter.error(&file.path, line, text);
        }
        KeyedBy::Address => {}
    }
}

/// Values that qmail-smtpd reads otherwise than they look.
fn look_at_values(linter: &mut Linter<'_>, file: &File, line: usize, rule: &RuleLine) {
    // A domain is put behind on purpose, so that virtualdomains sees who relays.
    let is_suffix = |value: &[u8]| matches!(value.first(), None | Some(b'@' | b'.'));
    if let Some(value) = rule.variable(b"RELAYCLIENT").filter(|value| !is_suffix(value)) {
        let (value, suffix) = (shown(value), String::from_utf8_lossy(value));
        let text =
            format!("RELAYCLIENT={value} is put behind each recipient, as user@example.com{suffix}: expected \"\"");
        linter.error(&file.path, line, text);
    }
    let is_number = |value: &[u8]| !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    if let Some(value) = rule.variable(b"DATABYTES").filter(|value| !is_number(value)) {
        let text =
            format!("DATABYTES={} counts as {}: expected digits alone", shown(value), number(value).unwrap_or(0));
        linter.error(&file.path, line, text);
    }
}

/// A whole /8 that is not private.
fn is_huge(key: &[u8]) -> bool {
    key.ends_with(b".") && key.iter().filter(|&&byte| byte == b'.').count() == 1 && !matches!(key, b"10." | b"127.")
}

/// One rule holds, and nothing is merged: what the default sets is lost unless the rule sets it too.
fn look_at_variables(linter: &mut Linter<'_>, file: &File, line: usize, (rule, default): (&RuleLine, &RuleLine)) {
    // Whoever may relay is meant to be spared.
    if rule.address.is_empty() || rule.denies() || rule.variable(b"RELAYCLIENT").is_some() {
        return;
    }
    let lost: Vec<String> = POLICY
        .iter()
        .filter(|name| default.variable(name).is_some() && rule.variable(name).is_none())
        .map(|name| String::from_utf8_lossy(name).into_owned())
        .collect();
    if !lost.is_empty() {
        let text = format!(
            "{} does not have the default rule's {}, for a rule replaces it: expected it here too, if it is meant",
            shown(&rule.address),
            lost.join(", ")
        );
        linter.warning(&file.path, line, text);
    }
}

/// Rules by host name need a tcpserver that looks names up.
fn look_at_names(linter: &mut Linter<'_>, file: &File, lines: &[(usize, RuleLine)]) {
    let run = linter.place.run.clone().and_then(|path| linter.text(&path));
    let flags = run.as_ref().map(|run| flags(&run.content)).unwrap_or_default();
    let shown_run = run.map(|run| run.path);
    let by = |wanted: KeyedBy| lines.iter().find(|(_, rule)| rule.by() == wanted).map(|(line, _)| *line);
    for (flag, by, what) in [('H', by(KeyedBy::Name), "by host name"), ('R', by(KeyedBy::Ident), "by ident")] {
        let (Some(line), Some(run)) = (by.filter(|_| flags.contains(flag)), shown_run.as_deref().map(Path::display))
        else {
            continue;
        };
        let text = format!("rules {what} never match, for {run} starts tcpserver with -{flag}: expected it without");
        linter.error(&file.path, line, text);
    }
}

/// The letters behind tcpserver's hyphens in a script.
fn flags(script: &[u8]) -> String {
    /// Flags that take a word.
    const WITH_WORD: &str = "cxuglbtB";
    let text = String::from_utf8_lossy(script);
    let code: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with('#')).collect();
    let code = code.join(" ");
    let mut words =
        code.split_whitespace().skip_while(|word| !word.ends_with("tcpserver")).skip(1).filter(|word| *word != "\\");
    let mut flags = String::new();
    while let Some(letters) = words.next().and_then(|word| word.strip_prefix('-')) {
        for (at, letter) in letters.char_indices() {
            flags.push(letter);
            if WITH_WORD.contains(letter) {
                // Its word is the rest of this one, or the next.
                if at + 1 == letters.len() {
                    words.next();
                }
                break;
            }
        }
    }
    flags
}

#[cfg(test)]
mod tests {
    use super::flags;

    #[test]
    fn flags_of_a_script_are_read() {
        for (script, expected) in [
            (
                "#!/bin/sh\n# tcpserver -H\nexec tcpserver -vR -l mx.example -x /etc/tcp.smtp.cdb -u 64011 0 smtp qmail-smtpd -H\n",
                "vRlxu",
            ),
            ("exec /usr/bin/tcpserver -H \\\n -R -c40 -l0 0 25 x\n", "HRcl"),
            ("exec softlimit -m 2 tcpserver 0 25 x -H\n", ""),
            ("nothing", ""),
        ] {
            assert_eq!(flags(script.as_bytes()), expected);
        }
    }
}
