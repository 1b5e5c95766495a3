//! What an answer to DATA does to the message holds for this message only.

use super::{
    fake::Fake,
    server::{Server, go_on, refusal},
};
use crate::Session;
use tollgate_proto::v1::Verdict;

const OURS: &str = "mx.test";

#[test]
fn the_filter_works_for_one_answer_to_data() {
    let verdict = |_: &_| Verdict { authserv_id: OURS.into(), spf_result: "softfail".into(), ..go_on() };
    let mut sys = Fake::new(Server::deciding(verdict));
    let mut session = Box::new(Session::new());
    type End<'a> = &'a dyn Fn(&mut Session, &mut Fake<Server>);
    let ends: [End<'_>; 5] = [
        &|session, _| session.rset(),
        &|session, sys| assert!(session.helo(sys, b"x", true).is_none()),
        &|session, sys| assert!(session.mail(sys, b"x", b"").is_none()),
        &|session, sys| session.queued(sys, 1, Some(b"")),
        &|session, sys| session.close(sys, true),
    ];
    for end in ends {
        session.mail(&mut sys, b"x", b"");
        assert_eq!((session.spf_result(), session.is_forged(b"Authentication-Results: mx.test")), (c"", false));
        session.data(&mut sys);
        assert_eq!((session.spf_result(), session.is_forged(b"Authentication-Results: mx.test")), (c"softfail", true));
        let mut left = Vec::new();
        assert!(session.filter(b"Authentication-Results: mx.test\nA: b", &mut |bytes| left.extend_from_slice(bytes)));
        assert!(!session.filter(b"\n\n", &mut |bytes| left.extend_from_slice(bytes)));
        session.end_filter(&mut |_| panic!("nothing is held"));
        assert_eq!(left, b"A: b\n\n");
        end(&mut session, &mut sys);
        assert_eq!((session.spf_result(), session.is_forged(b"Authentication-Results: mx.test")), (c"", false));
        assert!(!session.filter(b"Authentication-Results: mx.test\n", &mut |bytes| assert_eq!(bytes.len(), 32)));
    }
    sys.env.insert("TOLLGATE_OFF", "1".into());
    session.connect(&mut sys);
    session.data(&mut sys);
    assert_eq!(session.spf_result(), c"");
    assert!(!session.filter(b"", &mut |_| {}));
}

#[test]
fn a_refusal_brings_no_word_and_no_name() {
    let verdict = |_: &_| Verdict { authserv_id: OURS.into(), spf_result: "fail".into(), ..refusal(550, "no") };
    let mut sys = Fake::new(Server::deciding(verdict));
    let mut session = Box::new(Session::new());
    session.data(&mut sys);
    assert_eq!(session.spf_result(), c"");
    assert!(!session.filter(b"A", &mut |_| {}));
}
