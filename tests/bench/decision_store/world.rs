//! A world that knows every answer at once: some clients are listed, all have names, and SPF is of one mind.

use std::{sync::Arc, time::Duration};
use tokio::sync::oneshot;
use tollgate::ask::{
    Answer, Answered, Ask, Asker, DnsAnswer, Failure, Question, Record, RecordType,
    spf::{Evaluation, Input, Matched, SpfResult},
};

/// Three lists, and what is on by default.
pub(crate) const POLICY: &str = "\
[[check.rbl.list]]
zone = 'zen.example'
[[check.rbl.list]]
zone = 'bl.example'
[[check.rbl.list]]
zone = 'dnswl.example'
action = 'allow'
";

pub(crate) struct World;

impl Ask for World {
    fn cached(&self, question: &Question) -> Option<Answered> {
        let found = |record| DnsAnswer::Found(Arc::new([record]));
        let answer = match question {
            Question::Dns(dns) => Answer::Dns(match (dns.name.expose(), dns.kind) {
                // One client of four.
                (name, RecordType::A) if name.ends_with(".zen.example") && name.as_bytes()[0] % 4 == 0 => {
                    found(Record::A([127, 0, 0, 2].into()))
                }
                (name, RecordType::Txt) if name.ends_with(".zen.example") => {
                    found(Record::Txt(b"https://www.zen.example/query/ip".as_slice().into()))
                }
                (name, _) if name.ends_with("bl.example") || name.ends_with("wl.example") => DnsAnswer::NotFound,
                (_, RecordType::Ptr) => found(Record::Ptr("mail.sender.example".into())),
                (_, RecordType::Mx) => found(Record::Mx(10, "mx.sender.example".into())),
                (_, RecordType::A) => found(Record::A([198, 0, 2, 1].into())),
                (_, RecordType::Aaaa | RecordType::Txt) => DnsAnswer::NotFound,
            }),
            Question::ListHealth | Question::State(_) | Question::Mailbox(_) | Question::Exceptions => return None,
            Question::Spf(_) => Answer::Spf(Arc::new(Evaluation {
                matched: Some(Matched {
                    mechanism: "ip4:198.0.0.0/15".into(),
                    domain: "sender.example".into(),
                    is_local: false,
                }),
                lookups: 3,
                depends: vec![Input::Ip],
                ttl: Duration::from_secs(300),
                ..Evaluation::bare(SpfResult::Pass)
            })),
        };
        let (age, ttl) = (Duration::from_secs(12), Duration::from_secs(288));
        Some(Answered { answer, cached: true, age, ttl, ..Answered::failed(Failure::Timeout, Duration::ZERO) })
    }

    fn ask(&self, _question: Question, _asker: Asker) -> oneshot::Receiver<Answered> {
        // Nothing is ever asked twice: this is the end of whatever was not known.
        oneshot::channel().1
    }
}
