//! What does the store do with servers that answer oddly, slowly or not at all? Scripted ones, on loopback.

use super::*;
use crate::state::{
    Digest, Held, Record, Shelf, Tokens, Trouble,
    conformance::shelves::{NOON, Sample},
};
use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

/// Plays a Redis: what it does with its connections, the first, the second and so on. Ends when the store does.
fn play(script: impl Fn(usize, TcpStream) + Send + Sync + 'static) -> (Redis, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let count = Arc::new(AtomicUsize::new(0));
    let (counted, script) = (Arc::clone(&count), Arc::new(script));
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let (number, script) = (counted.fetch_add(1, Ordering::SeqCst), Arc::clone(&script));
            thread::spawn(move || script(number, stream));
        }
    });
    (store(Node::Tcp("127.0.0.1".to_owned(), port), 100), count)
}

fn store(node: Node, timeout_ms: u64) -> Redis {
    let settings = RedisSettings {
        nodes: vec![node],
        cluster: false,
        database: 0,
        user: None,
        password: None,
        tls: None,
        prefix: "t".to_owned(),
        timeout: Duration::from_millis(timeout_ms),
        server_name: "here".to_owned(),
    };
    Redis::new(&settings, Clock::system()).expect("a store")
}

fn trouble_of(store: &Redis) -> Trouble {
    read(store, 1).expect_err("an error").trouble()
}

fn read(store: &Redis, keys: u32) -> Result<Vec<Held<Tokens>>, StateError> {
    store.read(&(0..keys).map(|number| Digest::of(&[&number.to_be_bytes()])).collect::<Vec<_>>(), NOON)
}

/// Reads until the request's mark is there, and gives it.
fn mark_of(stream: &mut TcpStream) -> Option<String> {
    let (mut seen, mut some) = (Vec::new(), [0; 4_096]);
    loop {
        let read = stream.read(&mut some).ok().filter(|&read| read > 0)?;
        seen.extend(&some[..read]);
        let text = String::from_utf8_lossy(&seen);
        if let Some((_, mark)) = text.rsplit_once("ECHO\r\n$1\r\n")
            && mark.ends_with("\r\n")
        {
            return Some(format!("$1\r\n{mark}"));
        }
    }
}

/// A hash whose only field is another server's.
fn hash_of(record: &Tokens) -> Vec<u8> {
    let value = record.encode();
    [format!("*2\r\n$1\r\nx\r\n${}\r\n", value.len()).as_bytes(), &value, b"\r\n"].concat()
}

#[test]
fn keys_are_written_in_digits_and_read_back() {
    for octets in [&b""[..], b"\x00\xff", b"{x}*"] {
        assert_eq!(unhex(hex(octets).as_bytes()).as_deref(), Some(octets));
    }
    assert_eq!((unhex(b"0"), unhex(b"0g"), unhex(b"AB")), (None, None, None));
}

#[test]
fn nobody_there_is_refused() {
    let free = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let store = store(Node::Tcp("127.0.0.1".to_owned(), free.port()), 1_000);
    let error = read(&store, 1).expect_err("nobody is there");
    assert_eq!(error.trouble(), Trouble::Refused);
    assert!(error.to_string().starts_with(&format!("{free}: refused: ")), "{error}");
    let nowhere = tempfile::tempdir().expect("a folder").path().join("socket");
    assert_eq!(trouble_of(&super::tests::store(Node::Unix(nowhere), 1_000)), Trouble::Refused);
    let unknown = super::tests::store(Node::Tcp("no-such-host.invalid".to_owned(), 1), 5_000);
    assert!(matches!(trouble_of(&unknown), Trouble::Refused | Trouble::Timeout));
}

#[test]
fn a_silent_server_and_one_that_dribbles_are_out_of_time() {
    let (silent, _) = play(|_, mut stream| drop(stream.read_to_end(&mut Vec::new())));
    assert_eq!(trouble_of(&silent), Trouble::Timeout);
    let (dribbling, _) = play(|_, mut stream| {
        // An octet well within every time-out of a read alone.
        while stream.write_all(b"*").is_ok() && stream.write_all(b"1\r\n").is_ok() {
            thread::sleep(Duration::from_millis(5));
        }
    });
    assert!(matches!(trouble_of(&dribbling), Trouble::Timeout | Trouble::Protocol));
    let (endless, _) = play(|_, mut stream| {
        let _asked = stream.write_all(b"$999999\r\n");
        while stream.write_all(b"x").is_ok() {
            thread::sleep(Duration::from_millis(5));
        }
    });
    assert_eq!(trouble_of(&endless), Trouble::Timeout);
}

#[test]
fn who_hangs_up_is_refused() {
    let (store, count) = play(|_, mut stream| drop(mark_of(&mut stream)));
    assert_eq!((trouble_of(&store), trouble_of(&store)), (Trouble::Refused, Trouble::Refused));
    assert_eq!(count.load(Ordering::SeqCst), 2, "each time anew");
}

#[test]
fn nonsense_is_a_protocol_error_and_never_a_panic() {
    let shapes: [&[u8]; 22] = [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"+OK\r\n+OK\r\n",
        b":7\r\n:8\r\n",
        b"$-1\r\n$-1\r\n",
        b"*-1\r\n*-1\r\n",
        b"*1\r\n$1\r\nx\r\n$1\r\n1\r\n",
        b"*2\r\n$1\r\nx\r\n:1\r\n$1\r\n1\r\n",
        b"*2\r\n*0\r\n*0\r\n$1\r\n1\r\n",
        b"%1\r\n$1\r\nx\r\n$1\r\ny\r\n$1\r\n1\r\n",
        b"*9223372036854775807\r\n",
        b"%9223372036854775807\r\n",
        b"|9223372036854775807\r\n",
        b">9223372036854775807\r\n",
        b"$9223372036854775807\r\n",
        b"!-5\r\nx\r\n",
        b"=-1\r\n",
        b"=3\r\nabc\r\n",
        b"%-1\r\n|-1\r\n",
        b"~-1\r\n>-1\r\n",
        b"#x\r\n,y\r\n",
        b"-\r\n-\r\n",
        b"+\xff\xfe\r\n",
    ];
    for shape in shapes {
        let (store, _) = play(move |_, mut stream| {
            let _asked = (mark_of(&mut stream), stream.write_all(shape));
        });
        let trouble = trouble_of(&store);
        assert!(
            matches!(trouble, Trouble::Protocol | Trouble::Refused | Trouble::Timeout | Trouble::Other),
            "{trouble}"
        );
    }
    let deep = [b'*', b'1', b'\r', b'\n'].repeat(5_000);
    let (store, _) = play(move |_, mut stream| {
        let _asked = (mark_of(&mut stream), stream.write_all(&deep));
    });
    assert_eq!(trouble_of(&store), Trouble::Protocol);
}

#[test]
fn an_answer_is_bounded() {
    let (store, _) = play(|_, mut stream| {
        let _asked = (mark_of(&mut stream), stream.write_all(b"$999999999\r\n"));
        while stream.write_all(&[b'x'; 65_536]).is_ok() {}
    });
    let store = Redis { timeout: Duration::from_secs(60), ..store };
    assert_eq!(trouble_of(&store), Trouble::Protocol);
}

#[test]
fn too_many_answers_are_found_out_at_once() {
    let (store, _) = play(|_, mut stream| {
        while let Some(mark) = mark_of(&mut stream) {
            // One more than was asked for: every later answer would be that to another question.
            let _asked = stream.write_all(format!("*0\r\n*0\r\n{mark}").as_bytes());
        }
    });
    assert_eq!(trouble_of(&store), Trouble::Protocol);
    let (store, _) = play(|_, mut stream| {
        while let Some(mark) = mark_of(&mut stream) {
            let _asked = stream.write_all(mark.as_bytes());
        }
    });
    assert!(matches!(trouble_of(&store), Trouble::Protocol | Trouble::Timeout), "too few");
}

/// The first connection answers the first question late: never, as far as the store knows.
#[test]
fn a_cut_request_never_answers_a_later_one() {
    let (early, late) = (Tokens::sample(1, NOON + 99), Tokens::sample(2, NOON + 99));
    let answers = [hash_of(&early), hash_of(&late)];
    let (store, count) = play(move |number, mut stream| {
        let Some(mark) = mark_of(&mut stream) else { return };
        if number == 0 {
            // One answer of two in time; the other when the store asks the next time, wherever that is.
            let _asked = stream.write_all(&answers[0]);
            let _given_up = mark_of(&mut stream);
            let _asked = stream.write_all(&[&answers[0], mark.as_bytes()].concat());
        } else {
            let _asked = stream.write_all(&[&answers[1], &answers[1], mark.as_bytes()].concat());
            let _ended = mark_of(&mut stream);
        }
    });
    assert_eq!(read(&store, 2).expect_err("cut").trouble(), Trouble::Timeout);
    let expected = Held { own: None, others: Some(late) };
    assert_eq!(read(&store, 2).expect("reads anew"), [expected.clone(), expected]);
    assert_eq!(count.load(Ordering::SeqCst), 2, "the connection that was cut is not asked again");
}

#[test]
fn reading_and_writing_have_a_connection_each_and_keep_it() {
    let (store, count) = play(|_, mut stream| {
        while let Some(mark) = mark_of(&mut stream) {
            let queued = "+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n*3\r\n:1\r\n:1\r\n:0\r\n";
            let _asked = stream.write_all([queued, &mark].concat().as_bytes());
        }
    });
    for _ in 0..3 {
        store.keep(&[(Tokens::key(0), Tokens::sample(1, NOON))]).expect("keeps");
    }
    assert_eq!(count.load(Ordering::SeqCst), 1);
    let _odd = read(&store, 1);
    assert_eq!(count.load(Ordering::SeqCst), 2);
}
