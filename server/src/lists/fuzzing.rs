//! Is any file read as a list, or refused with its place? The bodies of the fuzz targets `cdb`, `tcp_rules` and `lists`
//! (`server/fuzz/`), and of the tests that try their finds again.

use super::{
    AddressList, Cdb, Client, KeyList, Keys, NameList, RuleLine, SpamControlList, Standing, TcpRules, control,
    control_files::{RcptHosts, number, single_line},
    domain_zone,
    ezmlm::subscribers::addresses,
    keys::Sorted,
    network_zone,
};
use crate::session::{Address, parse_ip};
use bytes::Bytes;
use std::sync::Arc;

/// Reads octets as a cdb and asks for all that is in it.
///
/// # Panics
/// When more comes out than the file holds, or a record of its chain is not found.
pub fn cdb(octets: &[u8]) {
    let Ok(cdb) = Cdb::new(octets.to_vec()) else { return };
    let (mut held, mut records) = (0, 0);
    for (key, data) in cdb.iter() {
        held += key.len() + data.len();
        records += 1;
        let _first_of_its_key = cdb.find(key);
    }
    assert!(held <= octets.len(), "{held} octets in a file of {}", octets.len());
    assert_eq!(records, cdb.len());
    let _not_found = cdb.find(b"no such key");
}

/// Reads octets as tcpserver's rules. The first line is the client: address, host name and ident, with blanks between.
///
/// # Panics
/// When a rule that holds is not one of the file's, or an error has no line of the file.
pub fn tcp_rules(octets: &[u8]) {
    let (client, text) = octets.split_at(octets.iter().position(|&byte| byte == b'\n').unwrap_or(0));
    let mut words = client.split(|&byte| byte == b' ');
    let client = Client { ip: words.next().unwrap_or_default(), host: words.next(), info: words.next() };
    // A range may make 256 keys of a line: the rest of the time is better spent.
    let lines = text.split(|&byte| byte == b'\n');
    let read: Vec<_> = lines.clone().map(RuleLine::read).collect();
    match TcpRules::parse(text) {
        Ok(rules) => {
            assert!(read.iter().all(Result::is_ok), "a line is refused that the file holds");
            if let Some(hit) = rules.find(&client) {
                let made = |rule: &RuleLine| rule.keys.contains(&hit.key);
                assert!(read.iter().flatten().flatten().any(made), "{}", hit.key.escape_ascii());
                let _all = (hit.denies(), hit.prefix_bits(), hit.variables().count());
            }
        }
        Err((line, _)) => assert!(read.get(line - 1).is_some_and(Result::is_err), "line {line} of {}", read.len()),
    }
}

/// Reads octets as every other kind of list. The first line is asked for, as address, host name and network.
///
/// # Panics
/// When an error has no line of the file, or something is found in a list of nothing.
pub fn lists(octets: &[u8]) {
    let (asked, text) = octets.split_at(octets.iter().position(|&byte| byte == b'\n').unwrap_or(0));
    let address = Address::new(Bytes::copy_from_slice(asked));
    let lines = text.split(|&byte| byte == b'\n').count();

    let entries: Vec<_> = control::entries(text).collect();
    assert!(entries.iter().all(|entry| (1..=lines).contains(&entry.line) && !entry.text.is_empty()));
    let keys = KeyList::new(vec![Arc::new(Keys::Sorted(Sorted::new(entries.iter().map(|entry| entry.text))))]);
    let names = NameList::new(keys.clone());
    let addresses_list = AddressList::new(keys, true);
    let found = (names.find(asked), addresses_list.find(&address), addresses_list.find_useless());
    assert!(!entries.is_empty() || found == (None, None, None), "{found:?}");
    let hosts = RcptHosts::new(text, None);
    let _small = (hosts.allows(&address), number(text), single_line(text));

    if let Ok(list) = SpamControlList::new(entries.iter().map(|entry| entry.text)) {
        let _reachable = list.postmaster_stays_reachable(&["here.example".to_owned()]);
        let lists = [Arc::new(list)];
        let found = SpamControlList::find(&lists, &address, Standing { host: Some(asked), may_relay: false });
        assert!(found.is_none_or(|found| entries.iter().any(|entry| entry.text == found)));
    }

    let (networks, mistakes) = network_zone(text);
    assert!(mistakes.iter().all(|(line, _)| (1..=lines).contains(line)));
    if let Some(ip) = parse_ip(asked.trim_ascii()) {
        assert!(networks.longest(ip).is_none_or(|network| network.contains(ip)));
    }
    let (domains, mistakes) = domain_zone(text);
    assert!(mistakes.iter().all(|(line, _)| (1..=lines).contains(line)));
    let _name = NameList::new(KeyList::new(vec![Arc::new(Keys::Domains(domains))])).find(asked);

    let mut subscribers = Vec::new();
    let misplaced = addresses('S', text, &mut subscribers);
    assert!(misplaced + subscribers.len() <= text.len());
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{env, fs, path::PathBuf};

    const RULES: [(&str, &str); 4] = [
        (
            "order",
            "192.0.2.9 a.b.example me\nme@192.0.2.9:deny\n=a.b.example:allow\n192.0.2.:allow,A=\"1\"\n=.example:deny\n:allow\n",
        ),
        ("ranges", "10.1.2.3\n10.0-2.:deny\n10.1.2.250-999:allow\n10.3.0.9-1:deny\n=host-1-2:deny\n"),
        ("remarks", "10.1.2.3\n# no:rule\n\nno colon\n :deny\n"),
        ("fault", "10.1.2.3\n:allow\n1.2.3.4:Deny\n1.2.3.4:allow,X=\"\n"),
    ];
    const LISTS: [(&str, &str); 6] = [
        (
            "addresses",
            "u@a.spam.example\n@spam.example\n.spam.example\n# remark\n leading\nPostmaster@here.example\r\n",
        ),
        (
            "spamcontrol",
            "u@bank.example\n*@bank.*\n!good@*\n?[a-f]*@x\nbank.example=\nbank.example+\n@x-\n~dyn.example\n",
        ),
        ("networks", "192.0.2.77\n:2:Listed $\n192.0.2 :3: net\n!192.0.2.77\n10.1-3\n10/8 # ten\n$MAXRANGE4 /24\n"),
        ("networks6", "2001:db8:1::9\n2001:db8:1/48\n::1\n!2001:db8:1::9\n"),
        ("domains", "x.dyn.example\n.dyn.example :2:pool\n*.b.example\n!mail.dyn.example\n"),
        ("subscribers", "joe@example.org\nTjoe@example.org\0TJoe@Example.org\0"),
    ];

    /// Three records, two of one key.
    fn a_cdb() -> Vec<u8> {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let mut maker = ::cdb::CDBMake::new(file.reopen().expect("a handle")).expect("a writer");
        for (key, data) in [("a", "1"), ("b", ""), ("a", "2")] {
            maker.add(key.as_bytes(), data.as_bytes()).expect("a record");
        }
        maker.finish().expect("tables");
        fs::read(file.path()).expect("the file")
    }

    /// The seeds are there, and every file is tried again.
    fn replay(target: &str, seeds: &[(&str, Vec<u8>)], body: fn(&[u8])) {
        let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus")).join(target);
        for (name, octets) in seeds {
            let file = folder.join(name);
            if env::var_os("TOLLGATE_BLESS").is_some() {
                fs::create_dir_all(&folder).expect("the folder can be made");
                fs::write(&file, octets).expect("the seed can be written");
            }
            let kept = fs::read(&file).ok();
            assert_eq!(kept.as_ref(), Some(octets), "{target}/{name}: run the test with TOLLGATE_BLESS=1");
        }
        for file in fs::read_dir(folder).expect("the corpus") {
            body(&fs::read(file.expect("a file").path()).expect("its octets"));
        }
    }

    #[test]
    fn the_corpora_hold_the_seeds_and_break_nothing() {
        let whole = a_cdb();
        let mut cut = whole.clone();
        cut.truncate(2060);
        replay("cdb", &[("whole", whole), ("cut", cut)], cdb);
        let texts = |seeds: &[(&'static str, &str)]| -> Vec<(&'static str, Vec<u8>)> {
            seeds.iter().map(|(name, text)| (*name, text.as_bytes().to_vec())).collect()
        };
        replay("tcp_rules", &texts(&RULES), tcp_rules);
        replay("lists", &texts(&LISTS), lists);
    }
}
