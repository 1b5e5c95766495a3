/* tollgate.h: what a mail server calls to ask tollgated. Made from client-shim/src/api.rs; do not edit.
 *
 * One process, one SMTP session, one thread: there is no handle. The stage calls (connect, helo, mail, rcpt, data) return
 *     NULL      go on as if Tollgate were not there, or
 *     a reply   complete, each line ended by CRLF, maybe several lines ("550-...\r\n550 ...\r\n"), printable ASCII, at
 *               most 512 bytes a line. A reply that starts with "421" asks to close after it.
 * Every pointer returned stays the library's: nobody frees it. It is valid until the next call of a stage or of
 * tollgate_close. Every pointer passed is read during the call only, and may be NULL.
 *
 * A stage call ends within TOLLGATE_TIMEOUT_MS (default 2000) plus a delay the daemon asked for (at most 30 s). Without an
 * answer it returns NULL; with TOLLGATE_ON_FAILURE=defer tollgate_rcpt and tollgate_data return a 451 instead, unless the
 * client may relay or has passed AUTH. After a failed call nobody is asked until the next tollgate_mail, after two in a
 * session nobody any more.
 *
 * Settings: TOLLGATE_SOCKET (a path, 127.x.y.z:port or [::1]:port; default /run/tollgate/tollgate.sock),
 * TOLLGATE_TIMEOUT_MS (100 to 30000), TOLLGATE_ON_FAILURE (pass, defer), TOLLGATE_HOST (label of this mail host),
 * TOLLGATE_VIA_PROXY, TOLLGATE_OFF, TOLLGATE_LOG (1: one line to descriptor 2 for each failure), TOLLGATE_FAILURE_FILE
 * (default /var/lib/tollgate/failures, empty: none). Each from the environment, else from the file control/tollgate:
 * lines "name=value", without TOLLGATE_ and in lower case. They are read by tollgate_connect.
 *
 * The library takes no memory from the heap, starts no thread or process, sets no signal, environment or directory, uses
 * descriptors from 10 up, closed by exec, and touches 0 and 1 by poll(2) only.
 */


#ifndef TOLLGATE_H
#define TOLLGATE_H

/**
 * Address of the client; unsaid: TCPREMOTEIP.
 */
#define TOLLGATE_CLIENT_IP 1

/**
 * Port of the client; unsaid: TCPREMOTEPORT.
 */
#define TOLLGATE_CLIENT_PORT 2

/**
 * PTR name of the client; unsaid: TCPREMOTEHOST.
 */
#define TOLLGATE_CLIENT_NAME 3

/**
 * What the client's ident server said; unsaid: TCPREMOTEINFO.
 */
#define TOLLGATE_CLIENT_IDENT 4

/**
 * Address the client connected to; unsaid: TCPLOCALIP.
 */
#define TOLLGATE_SERVER_IP 5

/**
 * Port the client connected to; unsaid: TCPLOCALPORT.
 */
#define TOLLGATE_SERVER_PORT 6

/**
 * Name the mail server gives itself; unsaid: TCPLOCALHOST.
 */
#define TOLLGATE_SERVER_NAME 7

/**
 * The client may relay; the value is what qmail appends to recipients. Unsaid: RELAYCLIENT.
 */
#define TOLLGATE_RELAYCLIENT 8

/**
 * User who passed AUTH. No environment variable is believed.
 */
#define TOLLGATE_USER 9

/**
 * Any value: the session is encrypted.
 */
#define TOLLGATE_TLS 10

/**
 * "qmail" (default): replies end in "(#5.7.1)". "rfc": they begin with "5.7.1".
 */
#define TOLLGATE_REPLY_STYLE 11

/**
 * Any value: the server offers AUTH, so nothing is refused at connect.
 */
#define TOLLGATE_AUTH_OFFERED 12

/**
 * Any value: the server hands the message through tollgate_filter, or asks tollgate_is_forged, so that forged
 * Authentication-Results fields go. Without it none of ours is in tollgate_headers.
 */
#define TOLLGATE_REMOVES_FORGED 13

/**
 * Nobody knows whether this server takes mail for the recipient's domain.
 */
#define TOLLGATE_RCPTHOSTS_UNKNOWN 0

/**
 * It does, or the client may relay.
 */
#define TOLLGATE_RCPTHOSTS_ALLOWED 1

/**
 * It does not.
 */
#define TOLLGATE_RCPTHOSTS_REFUSED 2

#ifdef __cplusplus
extern "C" {
#endif /* __cplusplus */

/**
 * Says a fact (TOLLGATE_CLIENT_IP ...). The value is copied and cut at 255 bytes; NULL: unset, which differs from "".
 * What is said replaces what the environment says until tollgate_close. May be called at any time; facts about the
 * connection belong before tollgate_connect, RELAYCLIENT, USER and TLS where they change. Takes no time.
 * Returns 0, or -1 for an unknown fact.
 */
int tollgate_set(int fact, const char *value);

/**
 * A client connected. Call it before the greeting; it begins a session and reads the settings. Whether the client has
 * spoken already is seen by poll(2) on descriptor 0, at once and during a delay the daemon asks for.
 * Returns NULL or a reply instead of the greeting.
 */
const char *tollgate_connect(void);

/**
 * HELO (esmtp 0) or EHLO (esmtp 1) with its raw argument; cut at 1000 bytes. Also after STARTTLS. Ends a transaction.
 * Returns NULL or a reply.
 */
const char *tollgate_helo(const char *helo, int esmtp);

/**
 * MAIL FROM. Begins a transaction. sender: as parsed, unquoted, without brackets, "" for the null sender; of more than
 * 1000 bytes the end counts. params: the raw argument, for SIZE=; may be NULL.
 * Returns NULL or a reply.
 */
const char *tollgate_mail(const char *sender, const char *params);

/**
 * RCPT TO. recipient: as parsed, without the suffix of RELAYCLIENT; of more than 1000 bytes the end counts.
 * rcpthosts: TOLLGATE_RCPTHOSTS_ALLOWED ...; any other number is "unknown". It is asked about whatever rcpthosts says,
 * and no answer ever allows relaying: after NULL the server's own test stands.
 * Returns NULL or a reply, which counts as tollgate_recipient(0).
 */
const char *tollgate_rcpt(const char *recipient, int rcpthosts);

/**
 * How the server itself answered the RCPT just asked about: 1 accepted, 0 refused. Only the first call after each
 * tollgate_rcpt counts. Takes no time.
 */
void tollgate_recipient(int accepted);

/**
 * DATA, before 354 and before the queue is opened.
 * Returns NULL (then see tollgate_headers) or a reply.
 */
const char *tollgate_data(void);

/**
 * RSET. Takes no time: nobody is asked.
 */
void tollgate_rset(void);

/**
 * Did the daemon answer the newest stage call? 1: the server's own tests of the same things may be skipped.
 * 0: they must decide.
 */
int tollgate_answered(void);

/**
 * After tollgate_data returned NULL: header fields to put on top of the message, each ended by LF, without CR, without
 * an empty line; "" if there are none. Never NULL. Valid until the next stage call.
 */
const char *tollgate_headers(void);

/**
 * After tollgate_data returned NULL: the next bytes of the message as the client sent it, in pieces of any size, lines
 * ended by LF. Those that stay are handed to put, with to, in order; nothing is kept of the pointers. Authentication-Results
 * fields go, with all their lines, if they bear the name that ours in tollgate_headers bear (which do not come this
 * way), or if it cannot be read within 1024 bytes whose they are: so many are held back at most. A CR is a byte like
 * any other: the header ends with the first line in which there is nothing at all.
 * Returns 1 while the header lasts. 0: it is over, or nothing is to be removed; then no byte is held back, and the rest
 * need not come this way. bytes NULL: none come. put NULL: nothing is done, and the bytes stay the caller's; returns 0.
 */
int tollgate_filter(const char *bytes, unsigned long length, void (*put)(void *to, const char *bytes, unsigned long length), void *to);

/**
 * The message is over: hands what tollgate_filter holds back to put, unless it is forged. Needed where tollgate_filter
 * returned 1 to the end; a second call does nothing. put NULL: nothing is done.
 */
void tollgate_filter_end(void (*put)(void *to, const char *bytes, unsigned long length), void *to);

/**
 * For servers that have whole header fields: after tollgate_data returned NULL, is this one forged, as tollgate_filter
 * judges? field: with all its lines, which may end in CR LF, up to NUL. Ask about the client's fields only. 1: take it out
 * of the message. 0: leave it; so for NULL.
 */
int tollgate_is_forged(const char *field);

/**
 * After tollgate_data returned NULL: what SPF said, in the words qmail's SPF patch has for SPFRESULT ("pass", "softfail",
 * ...): at most 16 lower-case letters, "" if nothing is known. Never NULL. Valid until the next stage call,
 * tollgate_queued, tollgate_rset or tollgate_close.
 */
const char *tollgate_spf_result(void);

/**
 * Adds to the number of bytes of the message being received. Takes no time.
 */
void tollgate_count(unsigned long bytes);

/**
 * The queue has the message. qp: process id of qmail-queue, 0 if unknown. answer: "" accepted, "D..." refused,
 * "Z..." or NULL or anything else: deferred. The report is sent without waiting for anything.
 */
void tollgate_queued(unsigned long qp, const char *answer);

/**
 * The session ends: call it at every exit. quit: 1 after QUIT, whose 221 must have been flushed. Reports, waits at
 * most 100 ms, closes the connection and forgets everything. A second call does nothing.
 */
void tollgate_close(int quit);

/**
 * The version of the library, as "0.1.0". Never NULL; valid for ever.
 */
const char *tollgate_version(void);

#ifdef __cplusplus
}  /* extern "C" */
#endif  /* __cplusplus */

#endif  /* TOLLGATE_H */
