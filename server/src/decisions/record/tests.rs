//! Does a decision come back as it was written, and nothing else for one?

use super::*;
use crate::{
    ask::{
        Ailing, Answer, Answered, DnsAnswer, DnsName, DnsQuestion, Existence, Failure, Health, HealthBoard, ListId,
        Looked, MailboxQuestion, Record, RecordType, SpfQuestion, SpfRole, SpfTerms, StateAnswer, StateQuestion,
        Upstream,
        mailbox::Source,
        spf::{Evaluation, Explanation, Flaw, Input, Matched, Query, SpfResult},
    },
    check::{Exemption, Outcome},
    clock::Clock,
    config::Network,
    dns_lists::{Remembered, health::Cause},
    exceptions::Excepted,
    mode::Mode,
    pipeline::{Action, Course, DecisionId, Judged, ListsHeard, Part, StepSeen, Verdict, degraded},
    session::{
        Address, Connection, Facts, Helo, History, ListsNote, Missing, Rcpthosts, ReplyStyle, Sender, SessionId, Stage,
        Tally, Tried,
    },
    state::{Digest, Exception, Experience, Standing, Subject, Tokens, Triplet},
};
use proptest::{collection::vec, option, prelude::*, sample::select};
use std::{net::IpAddr, sync::Arc};

fn bytes() -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 0..40).prop_map(Bytes::from)
}

fn text() -> impl Strategy<Value = String> {
    "\\PC{0,30}"
}

fn shared() -> impl Strategy<Value = Arc<str>> {
    text().prop_map(Arc::from)
}

fn ip() -> impl Strategy<Value = IpAddr> {
    prop_oneof![any::<[u8; 4]>().prop_map(IpAddr::from), any::<[u8; 16]>().prop_map(IpAddr::from)]
}

fn ms_time() -> impl Strategy<Value = Duration> {
    prop_oneof![9 => any::<u32>().prop_map(|ms| Duration::from_millis(ms.into())), 1 => Just(Duration::MAX)]
}

fn us_time() -> impl Strategy<Value = Duration> {
    any::<u32>().prop_map(|us| Duration::from_micros(us.into()))
}

/// A name of this release, or of another.
fn word() -> impl Strategy<Value = &'static str> {
    select(&["", "rbl", "listed", "spf", "rcpthosts", "score", "greylist_of_tomorrow"][..])
}

fn connection() -> impl Strategy<Value = Connection> {
    let values = (option::of(bytes()), option::of(bytes()), option::of(bytes()), option::of(bytes()));
    let more = (option::of(bytes()), option::of(bytes()), option::of(bytes()), option::of(bytes()));
    let ends = (option::of(ip()), any::<u16>(), option::of(ip()), any::<u16>(), bytes(), text(), any::<u32>());
    (ends, values, more, any::<[bool; 6]>()).prop_map(|(ends, values, more, flags)| Connection {
        client_ip: ends.0,
        client_port: ends.1,
        server_ip: ends.2,
        server_port: ends.3,
        server_name: ends.4,
        host: ends.5,
        smtpd_pid: ends.6,
        client_name: values.0,
        client_ident: values.1,
        authenticated_user: values.2,
        relayclient: values.3,
        rblsmtpd: more.0,
        spfbehavior: more.1,
        qmailrrtdenyall: more.2,
        databytes: more.3,
        tls: flags[0],
        early_talk: flags[1],
        via_proxy: flags[2],
        auth_offered: flags[3],
        removes_forged: flags[4],
        reply_style: if flags[5] { ReplyStyle::Rfc } else { ReplyStyle::Qmail },
    })
}

fn history() -> impl Strategy<Value = History> {
    let tally = || {
        (any::<[u32; 3]>(), vec((text(), any::<u32>()), 0..3)).prop_map(|(counts, refused_by)| Tally {
            recipients: counts[0],
            exempt: counts[1],
            rcpthosts_refused: counts[2],
            refused_by,
        })
    };
    let listed = vec(any::<u64>().prop_map(ListId::from_number), 0..ListsNote::LISTED_MAX);
    let rest = any::<(bool, bool, bool, u32)>();
    let missing = (any::<u32>(), vec(any::<u16>(), 0..Missing::DISTINCT_MAX))
        .prop_map(|(in_transaction, distinct)| Missing { in_transaction, distinct });
    (tally(), tally(), select(&Mode::ALL[..]), listed, (rest, missing)).prop_map(
        |(transaction, connection, mildest, listed, ((seen, welcomed, identified, delayed_ms), missing))| History {
            transaction,
            connection,
            mildest,
            lists: ListsNote { seen, listed },
            welcomed,
            identified,
            delayed_ms,
            missing,
        },
    )
}

fn facts() -> impl Strategy<Value = Facts> {
    let helo = (bytes(), any::<bool>()).prop_map(|(name, esmtp)| Helo { name, esmtp });
    let sender =
        (bytes(), any::<u64>()).prop_map(|(raw, declared_size)| Sender { address: Address::new(raw), declared_size });
    let rcpthosts = select(&[Rcpthosts::Unknown, Rcpthosts::Allowed, Rcpthosts::Refused][..]);
    let tried = (bytes(), rcpthosts).prop_map(|(raw, rcpthosts)| Tried { address: Address::new(raw), rcpthosts });
    let said = (option::of(helo), option::of(sender), option::of(tried), option::of(any::<(u32, u32)>()));
    (any::<[u8; 16]>(), any::<u32>(), connection(), said, history()).prop_map(|(id, seq, connection, said, history)| {
        let session_id = SessionId(id);
        let (helo, sender, recipient, recipients) = said;
        Facts { session_id, seq, connection, helo, sender, recipient, recipients, report: None, history }
    })
}

fn question() -> impl Strategy<Value = Question> {
    let name = prop_oneof![
        "[a-z0-9.]{0,40}".prop_map(DnsName::from),
        // A key reads back as what stands in its place.
        ("[a-z.]{0,20}", "[a-z.]{0,20}")
            .prop_map(|(a, b)| DnsName::with_secret(format!("{a}s3cret{b}"), a.len()..a.len() + 6)),
    ];
    let kinds = [RecordType::A, RecordType::Aaaa, RecordType::Txt, RecordType::Mx, RecordType::Ptr];
    let dns = (name, select(kinds.to_vec()), any::<u64>(), any::<u64>()).prop_map(|(name, kind, upstream, list)| {
        let (upstream, list) = (Upstream::from_number(upstream), ListId::from_number(list));
        Question::Dns(DnsQuestion { name, kind, upstream, list })
    });
    let role = select(&[SpfRole::Sender, SpfRole::Helo, SpfRole::Voucher][..]);
    let terms = Arc::new(SpfTerms::new(Default::default(), Default::default()));
    let spf = (role, ip(), bytes(), bytes()).prop_map(move |(role, ip, sender, helo)| {
        let query = Query::mail_from(ip, &sender, &helo);
        Question::Spf(Arc::new(SpfQuestion { role, query, terms: terms.clone() }))
    });
    let state = prop_oneof![
        ip().prop_map(|ip| StateQuestion::Standing(Subject::Ip(ip))),
        any::<u64>().prop_map(|key| StateQuestion::Triplet(Digest::of(&[&key.to_be_bytes()]))),
        any::<u64>().prop_map(|key| StateQuestion::Tokens(Digest::of(&[&key.to_be_bytes()]))),
    ];
    let mailbox = (bytes(), text()).prop_map(|(address, name)| {
        Question::Mailbox(Arc::new(MailboxQuestion { address, source: Arc::new(Source::recorded(&name)) }))
    });
    let other = prop_oneof![Just(Question::ListHealth), Just(Question::Exceptions)];
    prop_oneof![5 => dns, 2 => other, 2 => spf, 2 => state.prop_map(Question::State), 1 => mailbox]
}

fn evaluation() -> impl Strategy<Value = Evaluation> {
    let matched = (shared(), shared(), any::<bool>());
    let matched = matched.prop_map(|(mechanism, domain, is_local)| Matched { mechanism, domain, is_local });
    let flaw = prop_oneof![
        select(vec![Flaw::Syntax, Flaw::SeveralRecords, Flaw::Limit, Flaw::NoRecord]),
        text().prop_map(Flaw::UnknownMechanism),
    ];
    let explanation = select(&["%{i} is not one of %{d}'s", "see https://x.example/?s=%{S}&%%", "no"][..]);
    let explanation = (explanation, shared(), option::of(shared()))
        .prop_map(|(text, domain, name)| Explanation::read(text.as_bytes(), domain).expect("one").named(name));
    let depends = select(vec![vec![], vec![Input::Ip], vec![Input::Helo, Input::LocalPart, Input::Ip]]);
    let numbers = (any::<u8>(), any::<u8>(), ms_time(), any::<bool>(), any::<bool>());
    let parts = (option::of(matched), option::of(text()), option::of(flaw), option::of(explanation), depends);
    (select(&SpfResult::ALL[..]), numbers, parts).prop_map(|(result, numbers, parts)| {
        let (matched, problem, flaw, explanation, depends) = parts;
        let (lookups, voids, ttl, is_identity, is_ours) = numbers;
        let (lookups, voids) = (lookups.into(), voids.into());
        let bare = Evaluation::bare(result);
        Evaluation { matched, is_identity, lookups, voids, ttl, problem, flaw, is_ours, explanation, depends, ..bare }
    })
}

fn answer() -> impl Strategy<Value = Answer> {
    let record = prop_oneof![
        any::<[u8; 4]>().prop_map(|ip| Record::A(ip.into())),
        any::<[u8; 16]>().prop_map(|ip| Record::Aaaa(ip.into())),
        vec(any::<u8>(), 0..300).prop_map(|text| Record::Txt(text.into())),
        (any::<u16>(), shared()).prop_map(|(preference, exchange)| Record::Mx(preference, exchange)),
        shared().prop_map(Record::Ptr),
    ];
    let ailing = (any::<u64>(), shared(), select(&Health::ALL[1..]), select(&Cause::ALL[..])).prop_map(
        |(list, name, health, cause)| Ailing { list: ListId::from_number(list), name, health, cause: cause.name() },
    );
    prop_oneof![
        4 => vec(record, 1..4).prop_map(|records| Answer::Dns(DnsAnswer::Found(records.into()))),
        2 => Just(Answer::Dns(DnsAnswer::NotFound)),
        2 => select(&Failure::ALL[..]).prop_map(|failure| Answer::Dns(DnsAnswer::Failed(failure))),
        1 => vec(ailing, 0..4).prop_map(|lists| Answer::ListHealth(Arc::new(HealthBoard::new(lists)))),
        2 => evaluation().prop_map(|evaluation| Answer::Spf(Arc::new(evaluation))),
        2 => state_answer().prop_map(Answer::State),
        1 => vec(excepted(), 0..4).prop_map(|all| Answer::Exceptions(all.into())),
        1 => (select(&Existence::ALL[..]), any::<bool>(), text())
            .prop_map(|(existence, is_ours, why)| Answer::Mailbox(Arc::new(Looked { existence, is_ours, why }))),
    ]
}

fn excepted() -> impl Strategy<Value = Excepted> {
    (any::<u64>(), any::<bool>(), text(), text(), 0..33_u8).prop_map(|(id, allows, sender, reason, prefix)| {
        let clients = Some(Network::around([192, 0, 2, 9].into(), prefix));
        let said = Exception { allows, clients, sender, reason, made_at: id, until: id, ..Exception::default() };
        Excepted { id: Digest::of(&[&id.to_be_bytes()]), said: Arc::new(said) }
    })
}

fn state_answer() -> impl Strategy<Value = StateAnswer> {
    let standing = (any::<u32>(), 0..9_i16).prop_map(|(at, points)| {
        let mut standing = Standing::default();
        standing.learn(Experience::Refused, f32::from(-points), at.into());
        StateAnswer::Standing(Box::new(standing))
    });
    let triplet = any::<u32>().prop_map(|at| StateAnswer::Triplet(Triplet::begun(at.into())));
    let tokens = any::<(u32, u32, u32)>().prop_map(|(full_at_ms, spent, every_ms)| {
        StateAnswer::Tokens(Tokens { full_at_ms: full_at_ms.into(), spent, every_ms })
    });
    prop_oneof![Just(StateAnswer::Unknown), Just(StateAnswer::Nothing), standing, triplet, tokens]
}

fn evidence() -> impl Strategy<Value = Answers> {
    let answered = (answer(), any::<bool>(), any::<bool>(), ms_time(), ms_time(), us_time())
        .prop_map(|(answer, cached, stale, age, ttl, took)| Answered { answer, cached, stale, age, ttl, took });
    vec((question(), answered), 0..12).prop_map(|all| all.into_iter().collect())
}

fn verdict() -> impl Strategy<Value = Verdict> {
    let said = (select(&Action::ALL[..]), 0..600_u16, text(), text(), any::<u32>(), vec(text(), 0..3));
    (said, select(&degraded::ALL[..]), any::<bool>(), text(), word()).prop_map(
        |((action, code, status, text, delay_ms, headers), lacks, close, authserv_id, spf_result)| Verdict {
            action,
            code,
            status,
            text,
            decision_id: DecisionId::random(),
            delay_ms,
            headers,
            degraded: vec![lacks],
            close,
            session_state: Bytes::new(),
            authserv_id,
            spf_result,
        },
    )
}

fn findings() -> impl Strategy<Value = Vec<Judged>> {
    let outcome = prop_oneof![
        select(&[Outcome::Allow, Outcome::Defer, Outcome::Reject][..]),
        any::<i32>().prop_map(Outcome::Score),
        any::<u32>().prop_map(Outcome::Delay),
    ];
    let excused = [Exemption::Relay, Exemption::Allowed, Exemption::ExemptRecipient, Exemption::TrustedClient];
    let excused = option::of(select(excused.to_vec()));
    let one = (word(), word(), outcome, select(&Mode::ALL[..]), text(), excused, any::<bool>());
    let one = one.prop_map(|(check, rule, outcome, mode, detail, excused, despite_allowed)| Judged {
        check,
        rule,
        outcome,
        mode,
        detail,
        excused,
        despite_allowed,
    });
    vec(one, 0..5)
}

fn course() -> impl Strategy<Value = Course> {
    let parts = vec![Part::Asked, Part::Off, Part::Hushed, Part::Excused(Exemption::Relay)];
    let step = (word(), select(parts), any::<bool>());
    let step = step.prop_map(|(name, part, despite_allowed)| StepSeen { name, part, despite_allowed });
    let sums = (-1_000_000..i64::MAX, prop_oneof![Just(i64::MIN + 1), any::<i32>().prop_map(i64::from)]);
    (vec(step, 0..12), 0..12_usize, select(&Mode::ALL[..]), sums, ms_time()).prop_map(
        |(steps, rcpthosts, score_mode, (defer_at, reject_at), budget)| Course {
            steps,
            rcpthosts,
            score_mode,
            defer_at,
            reject_at,
            budget,
        },
    )
}

pub(in crate::decisions) fn decision() -> impl Strategy<Value = Decision> {
    let lists = (0..9_usize, vec(shared(), 0..3), vec(shared(), 0..3));
    let lists = option::of(lists.prop_map(|(heard, listed, failed)| {
        let remembered = Remembered { good_history: heard % 2 == 0, proven_good: heard % 3 == 0 };
        ListsHeard { heard, listed, failed, remembered }
    }));
    let would_have = option::of((select(&Action::ALL[..]), word()));
    let about = (select(&Stage::ALL[..]), us_time(), any::<u64>(), any::<bool>(), any::<u32>());
    let said = (verdict(), findings(), word(), would_have, lists);
    (about, said, facts(), evidence(), course()).prop_map(|(about, said, facts, evidence, course)| {
        let (stage, took, generation, off, millis) = about;
        let (verdict, findings, decided_by, would_have, lists) = said;
        let clock = Clock::manual(1_700_000_000);
        clock.advance(Duration::from_millis(millis.into()));
        Decision {
            stage,
            facts,
            at: clock.now(),
            took,
            verdict,
            findings,
            evidence,
            decided_by,
            would_have,
            lists,
            off,
            generation,
            course,
        }
    })
}

proptest! {
    #[test]
    fn a_decision_comes_back_as_it_was(decision in decision()) {
        let octets = Bytes::from(encode(&decision));
        let back = decode(&octets, decision.at.steady).expect("it can be read");
        prop_assert_eq!(back.left_out, 0);
        // Names with a key, and its absence, look the same: that is what `Debug` is for.
        prop_assert_eq!(format!("{:?}", back.decision), format!("{decision:?}"));
        prop_assert!(!octets.windows(6).any(|window| window == b"s3cret"));
    }

    #[test]
    fn whatever_is_cut_or_damaged_reads_as_nothing_or_as_a_decision(
        decision in decision(), at in any::<prop::sample::Index>(), with in any::<u8>(), cut in any::<bool>(),
    ) {
        let mut octets = encode(&decision);
        let at = at.index(octets.len());
        if cut { octets.truncate(at) } else { octets[at] = with }
        let back = decode(&octets.into(), decision.at.steady);
        prop_assert!(!cut || back.is_none());
    }

    #[test]
    fn noise_never_panics(octets in vec(any::<u8>(), 0..600)) {
        let record = Bytes::from([&[VERSION][..], &octets].concat());
        let _ = decode(&record, Clock::manual(0).steady());
    }
}

fn quiet() -> Decision {
    Decision {
        stage: Stage::Rcpt,
        facts: Facts::default(),
        at: Clock::manual(1_700_000_000).now(),
        took: Duration::ZERO,
        verdict: Verdict::default(),
        findings: Vec::new(),
        evidence: Answers::default(),
        decided_by: "",
        would_have: None,
        lists: None,
        off: false,
        generation: 1,
        course: Course::default(),
    }
}

fn asked(name: &str, answer: DnsAnswer) -> (Question, Answered) {
    let answered = Answered { answer: Answer::Dns(answer), ..Answered::failed(Failure::Timeout, Duration::ZERO) };
    (Question::Dns(DnsQuestion::new(name, RecordType::Txt)), answered)
}

#[test]
fn answers_without_room_are_left_out_and_counted() {
    let long: Arc<[Record]> = vec![Record::Txt(vec![b'x'; 40_000].into())].into();
    let all = (0..9).map(|number| asked(&format!("{number}.example"), DnsAnswer::Found(long.clone())));
    let decision = Decision { evidence: all.collect(), ..quiet() };
    let octets = Bytes::from(encode(&decision));
    assert!(octets.len() <= OCTETS_MAX);
    let back = decode(&octets, decision.at.steady).expect("it can be read");
    assert_eq!((back.decision.evidence.len(), back.left_out), (3, 6));
}

#[test]
fn an_answer_of_a_kind_not_known_here_is_left_out_and_counted() {
    let decision = Decision { evidence: [asked("a.example", DnsAnswer::NotFound)].into_iter().collect(), ..quiet() };
    let mut octets = encode(&decision);
    // The item's tag stands behind its mark and length, near the end.
    let tag = octets.windows(4).rposition(|window| window == [1, 0, 20, 1]).expect("an item") + 3;
    octets[tag] = 200;
    let back = decode(&octets.into(), decision.at.steady).expect("the rest can be read");
    assert_eq!((back.decision.evidence.len(), back.left_out), (0, 1));
}

#[test]
fn another_version_is_nothing() {
    let mut octets = encode(&quiet());
    octets[0] += 1;
    assert!(decode(&octets.into(), Clock::manual(0).steady()).is_none());
}
