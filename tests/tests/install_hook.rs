//! Does `client-shim/qmail/install-hook` place the hook in a tree it understands, and leave alone what it does not?
//!
//! The trees are our own: names and anchors in the shape of a qmail-smtpd.c, no code of anybody's.
#![allow(clippy::expect_used, reason = "a failed set-up step ends the test")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

const SMTPD: &str = r#"#include "sig.h"
#include "exit.h"
#include "commands.h"

int timeout = 1200;
char ssoutbuf[512];
void flush() { put_out(); }
void out(s) char *s; { collect(s); }
char *remoteinfo;
char *relayclient;
stralloc helohost = {0};
stralloc addr = {0}; /* parsed */
int addrparse(arg)
char *arg;
{
  return parse(arg);
}
int addrallowed()
{
  return 1;
}
int seenmail = 0;
int flagbarf; /* defined if seenmail */
stralloc rcptto = {0};
int saferead(fd,buf,len) int fd; char *buf; int len;
{
  return take(fd,buf,len);
}
substdio ssin = SUBSTDIO_FDBUF(saferead,0,ssinbuf,sizeof ssinbuf);
struct qmail qqt;
void smtp_data() {
  received(&qqt,"SMTP");
  answer(qmail_close(&qqt));
}

struct commands smtpcommands[] = {
  { "data", smtp_data, flush }
} ;

void main()
{
  setup();
  if (ipme_init() != 1) die_ipme();
  greet();
}
"#;

const MAKEFILE: &str = "it: qmail-smtpd qmail-send

qmail-send: \\
load qmail-send.o
\t./load qmail-send qsutil.o \\
\tcontrol.o

qmail-smtpd: \\
load qmail-smtpd.o rcpthosts.o
\t./load qmail-smtpd rcpthosts.o \\
\tcommands.o `cat \\
\tsocket.lib`
";

const LIBRARY: &str = "!<arch>\nfor the test\n";
const COMPANIONS: [&str; 4] = ["libtollgate.a", "tollgate.h", "tollgate-post.h", "tollgate-pre.h"];

struct Tree {
    scratch: TempDir,
}

impl Tree {
    fn new(smtpd: &str, makefile: &str) -> Tree {
        let tree = Tree { scratch: tempfile::tempdir().expect("scratch folder") };
        fs::create_dir(tree.dir()).expect("tree");
        fs::write(tree.dir().join("qmail-smtpd.c"), smtpd).expect("qmail-smtpd.c");
        fs::write(tree.dir().join("Makefile"), makefile).expect("Makefile");
        fs::write(tree.library(), LIBRARY).expect("library");
        tree
    }

    fn dir(&self) -> PathBuf {
        self.scratch.path().join("qmail tree")
    }

    fn library(&self) -> PathBuf {
        self.scratch.path().join("some-lib.a")
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../client-shim/qmail/install-hook");
        Command::new("sh").arg(script).arg(self.dir()).args(arguments).output().expect("sh runs")
    }

    fn install(&self) -> Output {
        let library = self.library();
        self.run(&["--lib", library.to_str().expect("UTF-8 path")])
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.dir().join(name)).expect("file of the tree")
    }

    /// Every file with its bytes, so that nothing left behind goes unseen.
    fn contents(&self) -> BTreeMap<String, Vec<u8>> {
        let entries = fs::read_dir(self.dir()).expect("tree is listed");
        entries
            .map(|entry| {
                let path = entry.expect("entry").path();
                let name = path.file_name().expect("name").to_string_lossy().into_owned();
                (name, fs::read(path).expect("file is read"))
            })
            .collect()
    }
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Lines of `after` that are not in `before`, each with the line above it.
fn added(before: &str, after: &str) -> Vec<(String, String)> {
    let old: Vec<&str> = before.lines().collect();
    let new: Vec<&str> = after.lines().collect();
    assert!(old.iter().all(|line| new.contains(line)), "a line went missing");
    let fresh = new.iter().enumerate().filter(|(_, line)| !old.contains(line));
    fresh.map(|(at, line)| (new[at - 1].to_owned(), (*line).to_owned())).collect()
}

fn pair(above: &str, line: &str) -> (String, String) {
    (above.to_owned(), line.to_owned())
}

#[test]
fn four_lines_go_in_by_anchor() {
    let tree = Tree::new(SMTPD, MAKEFILE);
    let output = tree.install();
    assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(0), ""));

    let smtpd = added(SMTPD, &tree.read("qmail-smtpd.c"));
    let expected = [
        pair(r#"#include "commands.h""#, r#"#include "tollgate-pre.h""#),
        pair("", r#"#include "tollgate-post.h""#),
        pair("  if (ipme_init() != 1) die_ipme();", "  tg_open();"),
    ];
    assert_eq!(smtpd, expected);
    assert!(tree.read("qmail-smtpd.c").contains("#include \"tollgate-post.h\"\nstruct commands smtpcommands[] = {\n"));
    let makefile = added(MAKEFILE, &tree.read("Makefile"));
    assert_eq!(makefile, [pair("\t./load qmail-smtpd rcpthosts.o \\", "\tlibtollgate.a \\")]);

    let names: Vec<String> = tree.contents().into_keys().collect();
    let mut all = vec!["Makefile".to_owned(), "qmail-smtpd.c".to_owned()];
    all.extend(COMPANIONS.map(str::to_owned));
    all.sort();
    assert_eq!(names, all);
    assert_eq!(tree.read("libtollgate.a"), LIBRARY);
    assert!(tree.read("tollgate-post.h").contains("#define TG_FLAGBARF flagbarf\n"));
}

#[test]
fn installing_twice_changes_nothing() {
    let tree = Tree::new(SMTPD, MAKEFILE);
    assert!(tree.install().status.success());
    let once = tree.contents();
    let stamp = |name: &str| fs::metadata(tree.dir().join(name)).expect("metadata").modified().expect("time");
    let stamps = COMPANIONS.map(stamp);
    assert!(tree.install().status.success());
    assert_eq!(tree.contents(), once);
    assert_eq!(COMPANIONS.map(stamp), stamps);
}

#[test]
fn a_new_library_makes_make_work_again() {
    let tree = Tree::new(SMTPD, MAKEFILE);
    assert!(tree.install().status.success());
    let source = tree.dir().join("qmail-smtpd.c");
    let long_ago = fs::File::options().write(true).open(&source).expect("source");
    long_ago.set_modified(std::time::UNIX_EPOCH).expect("old time stamp");
    fs::write(tree.library(), "!<arch>\nnewer\n").expect("library");

    assert!(tree.install().status.success());
    assert_eq!(tree.read("libtollgate.a"), "!<arch>\nnewer\n");
    assert_ne!(fs::metadata(source).expect("metadata").modified().expect("time"), std::time::UNIX_EPOCH);
}

#[test]
fn remove_gives_the_bytes_back() {
    let smtpd = SMTPD.replace("parse(arg)", "parse(arg) /* \u{e9}, tab\there */");
    let tree = Tree::new(&smtpd, MAKEFILE);
    let before = tree.contents();
    assert!(tree.install().status.success());
    assert_ne!(tree.contents(), before);
    let output = tree.run(&["--remove"]);
    assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(0), ""));
    assert_eq!(tree.contents(), before);
    assert!(tree.run(&["--remove"]).status.success(), "removing what is not there is no fault");
    assert_eq!(tree.contents(), before);
}

#[test]
fn a_half_done_install_is_finished() {
    let tree = Tree::new(SMTPD, MAKEFILE);
    assert!(tree.install().status.success());
    let whole = tree.contents();
    let half = tree.read("qmail-smtpd.c").replace("  tg_open();\n", "");
    fs::write(tree.dir().join("qmail-smtpd.c"), half).expect("qmail-smtpd.c");
    fs::remove_file(tree.dir().join("tollgate-pre.h")).expect("header");
    assert!(tree.install().status.success());
    assert_eq!(tree.contents(), whole);
}

#[test]
fn includes_of_a_tls_patch_come_first() {
    let late = "int timeout = 1200;\n#ifdef TLS\n#include \"tls.h\"\nint ssl_rfd;\n#endif\nint rest;\n";
    let tree = Tree::new(&SMTPD.replace("int timeout = 1200;\n", late), MAKEFILE);
    assert!(tree.install().status.success());
    assert!(tree.read("qmail-smtpd.c").contains("#endif\n#include \"tollgate-pre.h\"\nint rest;\n"));
}

#[test]
fn unknown_trees_stay_untouched() {
    let two = |line: &str| SMTPD.replace(line, &format!("{line}{line}"));
    let cases = [
        (SMTPD.replace("\"commands.h\"", "\"verbs.h\""), "has no #include \"commands.h\""),
        (SMTPD.replace("smtpcommands[]", "verbs[]"), "has no struct commands smtpcommands[]"),
        (SMTPD.replace("ipme_init() != 1", "ipme_init() < 1"), "has no call of ipme_init"),
        (two("  if (ipme_init() != 1) die_ipme();\n"), "has more than one call of ipme_init"),
        (SMTPD.replace("int addrparse(", "int parseaddr("), "has no function addrparse"),
        (SMTPD.replace("addrallowed()", "addrallowed(who)"), "has an addrallowed that takes arguments"),
        (SMTPD.replace("int seenmail", "int mailseen"), "has no variable seenmail"),
        (SMTPD.replace("char *relayclient", "char *relay"), "has no variable relayclient"),
        (SMTPD.replace("int seenmail = 0;", "/* int seenmail = 0; */"), "has no variable seenmail"),
        (SMTPD.replace("received(&qqt", "trace(&qqt"), "never calls received(&qqt, ...)"),
        (SMTPD.replace("qmail_close(&qqt)", "qmail_end(&qqt)"), "never calls qmail_close(&qqt)"),
        (SMTPD.trim_end().to_owned(), "does not end with a line feed"),
    ];
    for (smtpd, reason) in cases {
        assert_refused(&Tree::new(&smtpd, MAKEFILE), reason);
    }
    let one_line = MAKEFILE.replace("rcpthosts.o \\\n\tcommands.o `cat", "rcpthosts.o commands.o `cat");
    let short = one_line.replace("`cat \\\n\tsocket.lib`", "`cat socket.lib`");
    assert_refused(&Tree::new(SMTPD, &short), "Makefile has no load line of qmail-smtpd that goes on in a next line");
}

#[test]
fn order_of_the_anchors_matters() {
    let table = "struct commands smtpcommands[] = {\n  { \"data\", smtp_data, flush }\n} ;\n";
    let moved = format!("{}\n{table}", SMTPD.replace(table, ""));
    assert_refused(&Tree::new(&moved, MAKEFILE), "has its parts in no known order");
}

#[test]
fn links_foreign_files_and_a_missing_library_are_refused() {
    let tree = Tree::new(SMTPD, MAKEFILE);
    fs::write(tree.dir().join("tollgate.h"), "int somebody_elses;\n").expect("header");
    assert_refused(&tree, "tollgate.h is there already, and is not ours");

    let tree = Tree::new(SMTPD, MAKEFILE);
    fs::remove_file(tree.library()).expect("library");
    assert_refused(&tree, "no library at");

    let tree = Tree::new(SMTPD, MAKEFILE);
    let source = tree.dir().join("qmail-smtpd.c");
    fs::rename(&source, tree.dir().join("real.c")).expect("moved");
    std::os::unix::fs::symlink("real.c", source).expect("link");
    assert_refused(&tree, "qmail-smtpd.c is a symbolic link");

    let tree = Tree::new(SMTPD, MAKEFILE);
    fs::remove_file(tree.dir().join("Makefile")).expect("Makefile");
    assert_refused(&tree, "no Makefile: not a qmail source tree");
}

fn assert_refused(tree: &Tree, reason: &str) {
    let before = tree.contents();
    let output = tree.install();
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert_eq!(said.lines().count(), 1, "one line, not: {said}");
    assert!(said.starts_with("install-hook: ") && said.contains(reason), "{reason:?} not in: {said}");
    assert!(said.ends_with("; nothing was changed\n"), "{said}");
    assert_eq!(tree.contents(), before);
}

#[test]
fn wrong_usage_is_told_apart() {
    let tree = Tree::new(SMTPD, MAKEFILE);
    for arguments in [&["--frob"][..], &["--lib"], &["another"]] {
        let output = tree.run(arguments);
        assert_eq!(output.status.code(), Some(100));
        assert!(stderr(&output).starts_with("install-hook: usage: "));
    }
}

#[test]
fn checks_patched_in_are_warned_of() {
    let patches = [
        ("  brtok = control_readfile(&brt,\"control/badrcptto\",0);\n", "badrcptto is patched in"),
        ("  realrcptto_init();\n", "realrcptto is patched in"),
        ("  if (control_readint(&spfbehavior,\"control/spfbehavior\") == -1) die_control();\n", "SPF is patched in"),
        ("  chkuser_realrcpt(&user,&domain);\n", "chkuser is patched in"),
        ("  rcptcheck[0] = env_get(\"RCPTCHECK\");\n", "RCPTCHECK is patched in"),
        ("  if (!spp_mail()) return;\n", "qmail-spp is patched in"),
    ];
    for (code, warning) in patches {
        let tree = Tree::new(&SMTPD.replace("  setup();\n", code), MAKEFILE);
        let output = tree.install();
        let said = stderr(&output);
        assert!(output.status.success(), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(said.contains(warning) && said.contains("stays authoritative"), "{said}");

        let comment = format!("/*\n{code}*/\n  setup();\n");
        let quiet = Tree::new(&SMTPD.replace("  setup();\n", &comment), MAKEFILE);
        assert_eq!(stderr(&quiet.install()), "", "what is commented out is not there");
    }
}

#[test]
fn a_badmailfrom_of_its_own_is_left_alone() {
    let flag = "int flagbarf; /* defined if seenmail */";
    let tree = Tree::new(&SMTPD.replace(flag, "/* int flagbarf; */\nint flagbarfbmf;"), MAKEFILE);
    let output = tree.install();
    assert!(output.status.success());
    assert!(stderr(&output).contains("badmailfrom is not stock (no flagbarf): it stays authoritative"));
    assert!(tree.read("tollgate-post.h").contains("#define TG_FLAGBARF tg_nobarf\n"));
}
