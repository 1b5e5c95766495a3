/* tollgate-pre.h: what happens to a message between DATA and the answer of qmail-queue, and at every exit.
 *
 * Tollgate hook, first half. Included by qmail-smtpd.c after its last #include: from here on the functions below
 * stand in front of qmail's own by way of macros, so that smtp_data needs no change. The second half is
 * tollgate-post.h; install-hook places both.
 */
#ifndef TOLLGATE_PRE_H
#define TOLLGATE_PRE_H

#include "tollgate.h"

extern int getpid();

static int tg_pid = 0; /* of the process that called tg_open; 0 before */
static unsigned long tg_bytes; /* of the message, as handed to qmail-queue */
static int tg_inmessage = 0; /* between received() and qmail_from() */
static int tg_failed; /* qmail-smtpd itself gave the message up: too long, or looping */
static int tg_told; /* tollgate_queued has been called for this message */
static int tg_filters; /* tollgate_filter has not seen the end of the header yet */

/* Header fields go above this hop's Received line, where RFC 7208 9.1 and RFC 8601 4 want them. */
static void tg_begin(qq) struct qmail *qq;
{
  char *h;
  h = (char *) tollgate_headers();
  if (*h) qmail_put(qq,h,str_len(h));
  tg_bytes = 0;
  tg_failed = 0;
  tg_filters = 1;
  tg_inmessage = 1;
}

/* What stays of the client's header. */
static void tg_pass(qq,s,n) void *qq; const char *s; unsigned long n;
{
  qmail_put((struct qmail *) qq,(char *) s,(unsigned int) n);
}

/* blast() puts the client's message byte by byte. Whatever becomes of them, bytes count as they were received. */
static void tg_put(qq,s,n) struct qmail *qq; char *s; unsigned int n;
{
  tg_bytes += n;
  if (tg_filters) tg_filters = tollgate_filter(s,(unsigned long) n,tg_pass,(void *) qq);
  else qmail_put(qq,s,n);
}

static void tg_end(qq) struct qmail *qq;
{
  if (tg_filters) tollgate_filter_end(tg_pass,(void *) qq); /* a message that is all header */
  tg_filters = 0;
  tg_inmessage = 0;
}

/* After qmail_fail, qmail-queue says "Z": it saw a short envelope. The client is told 552 or 554. */
static char *tg_result(qp,qqx) unsigned long qp; char *qqx;
{
  tollgate_count(tg_bytes);
  if (*qqx && tg_failed)
    tollgate_queued(qp,"Dmessage too long or looping");
  else
    tollgate_queued(qp,qqx);
  tg_told = 1;
  return qqx;
}

/* The child that an AUTH patch forks for checkpassword exits too: the session is its parent's. */
static void tg_exit(code) int code;
{
  if (tg_pid != getpid()) return;
  tollgate_close(code == 0); /* smtp_quit alone exits 0 */
}

/* Forks call received() with more arguments than stock, hence no parameter list. It puts its own line by itself. */
#define received tg_begin(&qqt), received
#define qmail_put(qq,s,n) (tg_inmessage ? (void) tg_put(qq,s,(unsigned int) (n)) : (void) qmail_put(qq,s,n))
#define qmail_from tg_end(&qqt), qmail_from
#define qmail_fail(qq) (tg_failed = 1, qmail_fail(qq))
#define qmail_close(qq) tg_result(qmail_qp(qq),qmail_close(qq))

/* TLS patches have made _exit another word for ssl_exit by now. */
#ifdef _exit
#define ssl_exit(code) (tg_exit(code), ssl_exit(code))
#else
#define _exit(code) (tg_exit(code), _exit(code))
#endif

#endif
