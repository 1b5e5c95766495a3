/* tollgate.h: what a mail server calls. Draft of the contract; generated from client-shim/src by cbindgen.
 *
 * One process, one SMTP session, one thread: there is no handle. Every stage call returns
 *     NULL        go on as if Tollgate were not there, or
 *     a reply     complete SMTP reply, every line CRLF-ended, maybe several lines ("550-...\r\n550 ...\r\n"),
 *                 printable ASCII; valid until the next call. A reply that starts with "421" asks to close.
 * A call never blocks longer than the deadline (TOLLGATE_TIMEOUT_MS, default 2000) plus a delay the daemon asked for
 * (at most 30 s), never touches fds 0, 1 (but poll(2) on 0), never writes to fd 2 unless TOLLGATE_LOG is set, never
 * changes signals, environment or cwd. When the daemon cannot be asked the call returns NULL, or a 451 with
 * TOLLGATE_ON_FAILURE=defer.
 */
#ifndef TOLLGATE_H
#define TOLLGATE_H

/* Facts for tollgate_set. Values are copied (cut at 1000 bytes); NULL = unset, which differs from "". Before
 * tollgate_connect they replace what the environment says; RELAYCLIENT, USER and TLS may be set at any time. */
#define TOLLGATE_CLIENT_IP 1     /* else TCPREMOTEIP */
#define TOLLGATE_CLIENT_PORT 2   /* else TCPREMOTEPORT */
#define TOLLGATE_CLIENT_NAME 3   /* else TCPREMOTEHOST */
#define TOLLGATE_CLIENT_IDENT 4  /* else TCPREMOTEINFO */
#define TOLLGATE_SERVER_IP 5     /* else TCPLOCALIP */
#define TOLLGATE_SERVER_PORT 6   /* else TCPLOCALPORT */
#define TOLLGATE_SERVER_NAME 7   /* else TCPLOCALHOST */
#define TOLLGATE_RELAYCLIENT 8   /* else RELAYCLIENT */
#define TOLLGATE_USER 9          /* AUTH user; no environment variable is believed */
#define TOLLGATE_TLS 10          /* any value = the session is encrypted */
#define TOLLGATE_REPLY_STYLE 11  /* "qmail" (default) or "rfc" */
#define TOLLGATE_AUTH_OFFERED 12 /* any value = the server offers AUTH */

#define TOLLGATE_RCPTHOSTS_UNKNOWN 0
#define TOLLGATE_RCPTHOSTS_ALLOWED 1
#define TOLLGATE_RCPTHOSTS_REFUSED 2

int tollgate_set(int fact, const char *value);              /* 0, or -1 for an unknown fact */

const char *tollgate_connect(void);
const char *tollgate_helo(const char *helo, int esmtp);     /* esmtp: 1 for EHLO */
const char *tollgate_mail(const char *sender, const char *params); /* params: raw argument, for SIZE=; may be NULL */
const char *tollgate_rcpt(const char *recipient, int rcpthosts);
const char *tollgate_data(void);
/* How the server itself answered the RCPT just asked about: 1 accepted, 0 refused. */
void tollgate_recipient(int accepted);
void tollgate_rset(void);

/* Did the daemon answer the newest stage call? 1 yes, 0 no. (Then stock checks may be cleared or must decide.) */
int tollgate_answered(void);
/* After tollgate_data returned NULL: header fields to put on top, each LF-ended, no CR, no empty line; "" = none. */
const char *tollgate_headers(void);

/* The message just received: bytes seen, then how the queue answered ("" accepted, "D..." refused, "Z..." deferred). */
void tollgate_count(unsigned long bytes);                   /* adds */
void tollgate_queued(unsigned long qp, const char *answer); /* never waits */

/* At every exit. quit: 1 after QUIT (the 221 must be flushed before). Waits at most 100 ms. Safe to call twice. */
void tollgate_close(int quit);

const char *tollgate_version(void);

#endif
