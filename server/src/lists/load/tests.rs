//! Do lists of all forms arrive, and are their mistakes told with file and line?

use super::*;
use crate::mode::Mode;
use crate::{
    config::{Document, Field, Kind},
    files::{Files, LoadedFile},
    session::Address,
};
use std::cell::RefCell;

const FIELDS: &[Field] = &[
    Field { name: "keys", kind: Kind::Texts(&[]), doc: "" },
    Field { name: "keys_file", kind: Kind::Path(""), doc: "" },
    Field { name: "networks", kind: Kind::Networks(&[]), doc: "" },
    Field { name: "networks_file", kind: Kind::Path(""), doc: "" },
    Field { name: "tcp_rules", kind: Kind::Path(""), doc: "" },
];
const KEYS: Place = Place { texts: "keys", file: "keys_file" };
const NETWORKS: Place = Place { texts: "networks", file: "networks_file" };

struct Loaded {
    keys: KeyList,
    networks: Networks,
    rules: Option<Arc<TcpRules>>,
    files: Vec<LoadedFile>,
    faults: Vec<String>,
}

fn load(folder: &Path, toml: &str) -> Loaded {
    let file = folder.join("tollgate.toml").display().to_string();
    let document = Document::parse(&file, toml).expect("TOML");
    let faults = RefCell::new(Vec::new());
    let mut files = Files::default();
    let section = Section::new(&document, "", &[FIELDS], &[], &faults);
    let mut build = Build {
        check: "test",
        mode: Mode::default(),
        control: folder,
        resolvers: &[],
        domains: &[],
        own_addresses: &[],
        defer_at: i64::MAX,
        files: &mut files,
        dns_lists: &mut Vec::new(),
        settled: &mut Default::default(),
    };
    let keys = keys(&section, &mut build, KEYS, Some(folder.join("default")));
    let networks = networks(&section, &mut build, NETWORKS);
    let rules = tcp_rules(&section, &mut build, "tcp_rules");
    let prefix = format!("{}/", folder.display());
    let faults = faults.borrow().iter().map(|fault| fault.to_string().replace(&prefix, "")).collect();
    Loaded { keys, networks, rules, files: files.into_loaded(), faults }
}

fn write_cdb(path: &Path, records: &[(&str, &str)]) {
    let mut maker = ::cdb::CDBMake::new(std::fs::File::create(path).expect("a file")).expect("a writer");
    for (key, data) in records {
        maker.add(key.as_bytes(), data.as_bytes()).expect("a record");
    }
    maker.finish().expect("tables");
}

#[test]
fn all_sources_count_as_one_list() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("default"), "@Default.example\r\n#no\n").expect("written");
    write_cdb(&folder.path().join("nets.cdb"), &[("192.0.2.", ""), ("2001:db8::/32", ""), ("198.51.100.7", "")]);
    write_cdb(&folder.path().join("tcp.smtp.cdb"), &[("192.0.2.", "D\0")]);
    let toml =
        "keys = [\"A@b\"]\nnetworks = [\"10.0.0.0/8\"]\nnetworks_file = \"nets.cdb\"\ntcp_rules = \"tcp.smtp.cdb\"";
    let loaded = load(folder.path(), toml);
    assert_eq!(loaded.faults, Vec::<String>::new());
    assert!(loaded.keys.contains(b"a@b") && loaded.keys.contains(b"@default.example"));
    let list = crate::lists::AddressList::new(loaded.keys, false);
    assert!(list.find(&Address::new("u@DEFAULT.example".into())).is_some());
    assert_eq!(loaded.networks.len(), 4);
    assert_eq!(loaded.rules.expect("rules").len(), 1);
    assert_eq!(loaded.files.iter().map(|file| file.entries).collect::<Vec<_>>(), [1, 3, 1]);
    assert!(loaded.files[0].warnings[0].contains("line 1 ends in CR LF"), "{:?}", loaded.files[0].warnings);
}

#[test]
fn remarks_in_network_files_are_passed_over() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("nets"), "; list\n1.10.16.0/20 ; SBL256894\n  10.\n# x\n10.1.2. # net\n")
        .expect("written");
    let loaded = load(folder.path(), "networks_file = \"nets\"");
    assert_eq!(loaded.faults, Vec::<String>::new());
    let longest = |ip: &str| loaded.networks.longest(ip.parse().expect("an address")).map(|net| net.to_string());
    assert_eq!(longest("1.10.31.255").as_deref(), Some("1.10.16.0/20"));
    assert_eq!(longest("10.9.9.9").as_deref(), Some("10.0.0.0/8"));
    assert_eq!(longest("10.1.2.3").as_deref(), Some("10.1.2.0/24"));
}

#[test]
fn mistakes_have_file_and_line() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("nets"), "192.0.2.1/24\n0.0.0.0/0\nhost.example\n1.2.3.4.\n").expect("written");
    std::fs::write(folder.path().join("keys.cdb"), "not a cdb").expect("written");
    std::fs::write(folder.path().join("rules"), ":allow\n1.2.3.4:Deny\n").expect("written");
    let toml = "keys_file = \"keys.cdb\"\nnetworks = [\"::/0\"]\nnetworks_file = \"nets\"\ntcp_rules = \"rules\"";
    let network = "is no network: expected an address such as 192.0.2.1, 192.0.2.0/24 or 2001:db8::/32";
    assert_eq!(
        load(folder.path(), toml).faults,
        [
            "keys.cdb: 9 bytes: expected a cdb file of at least 2048".to_owned(),
            "tollgate.toml:2: [] networks: ::/0 covers every client: expected smaller networks".to_owned(),
            "nets:1: \"192.0.2.1/24\" has host bits set: expected 192.0.2.0/24".to_owned(),
            "nets:2: 0.0.0.0/0 covers every client: expected smaller networks".to_owned(),
            format!("nets:3: \"host.example\" {network}"),
            format!("nets:4: \"1.2.3.4.\" {network}"),
            "rules:2: expected allow or deny (in small letters) after the colon".to_owned(),
        ]
    );
}

#[test]
fn networks_may_be_wide_only_where_no_client_is() {
    for (network, wide) in [
        ("0.0.0.0/1", true),
        ("128.0.0.0/1", true),
        ("192.0.0.0/3", true),
        ("10.0.0.0/7", true),
        ("10.0.0.0/8", false),
        ("224.0.0.0/3", false),
        ("240.0.0.0/4", false),
        ("::/1", true),
        ("2000::/3", true),
        ("2000::/15", true),
        ("2001::/16", false),
        ("::/3", false),
        ("4000::/2", false),
        ("8000::/1", false),
        ("fc00::/7", false),
        ("::ffff:0:0/97", true),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, line) in [("nets", network.to_owned()), ("zone.rbldnsd", network.to_owned())] {
            std::fs::write(folder.path().join(name), format!("{line}\n")).expect("written");
            // rbldnsd knows no IPv4 in IPv6.
            if name == "zone.rbldnsd" && network.starts_with("::ffff") {
                continue;
            }
            let faults = load(folder.path(), &format!("networks_file = \"{name}\"")).faults;
            let told = faults.iter().any(|fault| fault.contains("covers a large part of the Internet"));
            assert_eq!((told, faults.len()), (wide, usize::from(wide)), "{name}: {network}: {faults:?}");
        }
        let faults = load(folder.path(), &format!("networks = [\"{network}\"]")).faults;
        assert_eq!(faults.len(), usize::from(wide), "{network}: {faults:?}");
    }
}

#[test]
fn faults_of_one_file_are_bounded() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("nets"), "x\n".repeat(1000)).expect("written");
    assert_eq!(load(folder.path(), "networks_file = \"nets\"").faults.len(), FAULTS_MAX);
}

#[test]
fn a_file_that_was_named_must_be_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let loaded = load(folder.path(), "keys_file = \"absent\"");
    assert_eq!(loaded.faults, ["absent: no such file: expected one, if only an empty one"]);
}
