/* tollgate-post.h: which SMTP commands ask Tollgate before qmail answers them, and what becomes of its reply.
 *
 * Tollgate hook, second half. Included by qmail-smtpd.c right before smtpcommands[]; main() calls tg_open() where it
 * would greet. tg_open() puts the functions below in front of those in the table. NULL from tollgate_*() means: let
 * qmail answer as if nobody had asked. Anything else is the whole reply, and qmail's own function is not called.
 */
#ifndef TOLLGATE_POST_H
#define TOLLGATE_POST_H

/* What stock qmail sets at MAIL for a sender in badmailfrom. install-hook writes a flag of our own here for trees that
 * have none, or whose badmailfrom knows more than Tollgate's. */
#define TG_FLAGBARF flagbarf

/* RFC 5321 3.1: a refused client may still talk until it quits. It gets this many seconds in all. */
#define TG_REFUSED_SECONDS 60

extern unsigned int alarm();
extern struct commands smtpcommands[];

#define TG_HELO 0
#define TG_EHLO 1
#define TG_MAIL 2
#define TG_RCPT 3
#define TG_DATA 4
#define TG_RSET 5
#define TG_AUTH 6
#define TG_STARTTLS 7
#define TG_COMMANDS 8

static void (*tg_stock[TG_COMMANDS])(); /* qmail's own; 0 = not in this tree's table */

/* 421 asks to close (RFC 5321 3.8). */
static void tg_reply(r) const char *r;
{
  out((char *) r);
  if (r[0] == '4' && r[1] == '2' && r[2] == '1') { flush(); _exit(1); }
}

static void tg_greeted(n,arg,r) int n; char *arg; const char *r;
{
  if (!r) { (*tg_stock[n])(arg); return; }
  seenmail = 0; /* tollgate_helo has ended the transaction; qmail would have too */
  tg_reply(r);
}
static void tg_helo(arg) char *arg; { tg_greeted(TG_HELO,arg,tollgate_helo(arg,0)); }
static void tg_ehlo(arg) char *arg; { tg_greeted(TG_EHLO,arg,tollgate_helo(arg,1)); }

/* SPFRESULT tells qmail-queue, and what it runs, what SPF said, in the words of qmail's SPF patch. Of a tree with that
 * patch its own value stays where Tollgate has none. */
static int tg_spfresult = 0; /* it is ours */

static void tg_setspf(r) const char *r;
{
  int ok;
  if (*r) ok = env_put2("SPFRESULT",(char *) r);
  else ok = env_unset("SPFRESULT");
  if (!ok) tg_reply("421 out of memory (#4.3.0)\r\n");
  tg_spfresult = *r != 0;
}

static void tg_mail(arg) char *arg;
{
  const char *r;
  if (tg_spfresult) tg_setspf(""); /* what the last message was is nothing to this one */
  if (!addrparse(arg)) { (*tg_stock[TG_MAIL])(arg); return; } /* which says 555 */
  tollgate_set(TOLLGATE_RELAYCLIENT,relayclient);
  r = tollgate_mail(addr.s,arg);
  /* Refused by us or by qmail (size, AUTH wanted): no older MAIL may live on behind this one. */
  seenmail = 0;
  if (r) { tg_reply(r); return; }
  (*tg_stock[TG_MAIL])(arg);
  if (!seenmail) tollgate_rset();
}

/* Asks rcpthosts as smtp_rcpt is going to; in TLS patches that may turn a client with a certificate into a relay client. */
static int tg_rcpthosts()
{
  if (relayclient) return TOLLGATE_RCPTHOSTS_ALLOWED;
  return addrallowed() ? TOLLGATE_RCPTHOSTS_ALLOWED : TOLLGATE_RCPTHOSTS_REFUSED;
}

static void tg_rcpt(arg) char *arg;
{
  const char *r;
  int allowed;
  int barf;
  unsigned int len;

  if (!seenmail || !addrparse(arg)) { (*tg_stock[TG_RCPT])(arg); return; } /* which says 503 or 555 */
  allowed = tg_rcpthosts();
  tollgate_set(TOLLGATE_RELAYCLIENT,relayclient);
  r = tollgate_rcpt(addr.s,allowed); /* RELAYCLIENT's value is not yet behind the address */
  if (r) { tg_reply(r); return; }

  barf = TG_FLAGBARF;
  if (tollgate_answered()) TG_FLAGBARF = 0; /* Tollgate has weighed badmailfrom; else qmail's word stands */
  len = rcptto.len;
  (*tg_stock[TG_RCPT])(arg);
  TG_FLAGBARF = barf;
  tollgate_recipient(rcptto.len > len);
}

/* A refused DATA leaves the transaction open, as it does in the patches that refuse there. */
static void tg_data(arg) char *arg;
{
  const char *r;
  if (!seenmail || !rcptto.len) { (*tg_stock[TG_DATA])(arg); return; } /* which says 503 */
  r = tollgate_data();
  if (r) { tg_reply(r); return; }
  r = tollgate_spf_result();
  if (*r) tg_setspf(r);
  tg_told = 0;
  (*tg_stock[TG_DATA])(arg);
  if (!seenmail && !tg_told) tollgate_queued(0L,"Zqmail-queue could not be started");
}

static void tg_rset(arg) char *arg;
{
  tollgate_rset();
  (*tg_stock[TG_RSET])(arg);
}

/* AUTH patches point remoteinfo to the user and set relayclient when the password was right. Only a change made by this
 * very command counts: MAIL's AUTH= parameter, which anybody may send, can change remoteinfo as well. */
static void tg_auth(arg) char *arg;
{
  char *before;
  before = remoteinfo;
  remoteinfo = 0;
  (*tg_stock[TG_AUTH])(arg);
  if (!remoteinfo) { remoteinfo = before; return; }
  if (relayclient) tollgate_set(TOLLGATE_USER,remoteinfo);
}

/* A handshake that succeeds must forget the HELO before it (RFC 3207 4.2): TLS patches write helohost anew. */
static void tg_starttls(arg) char *arg;
{
  unsigned int len;
  len = helohost.len;
  helohost.len = 0;
  (*tg_stock[TG_STARTTLS])(arg);
  if (helohost.len) tollgate_set(TOLLGATE_TLS,"");
  else helohost.len = len;
}

static struct { char *text; void (*fun)(); } tg_commands[TG_COMMANDS] = {
  { "helo", tg_helo }
, { "ehlo", tg_ehlo }
, { "mail", tg_mail }
, { "rcpt", tg_rcpt }
, { "data", tg_data }
, { "rset", tg_rset }
, { "auth", tg_auth }
, { "starttls", tg_starttls }
} ;

static void tg_closed(arg) char *arg;
{
  out("503 connection refused, QUIT is all that is left (#5.5.1)\r\n");
}
static struct commands tg_refused[] = {
  { 0, tg_closed, flush } /* becomes QUIT */
, { 0, tg_closed, flush }
} ;
static void tg_drop() { _exit(1); }

/* Refused before the greeting. Never returns. */
static void tg_refuse(r) const char *r;
{
  sig_alarmcatch(tg_drop); /* a client that dribbles bytes never meets timeoutsmtpd */
  alarm(TG_REFUSED_SECONDS);
  tg_reply(r);
  if (r[0] == '5') commands(&ssin,tg_refused);
  flush();
  _exit(1);
}

static void tg_open()
{
  const char *r;
  int i;
  int n;

  tg_pid = getpid();
  for (i = 0;smtpcommands[i].text;++i) {
    if (case_equals(smtpcommands[i].text,"quit")) tg_refused[0] = smtpcommands[i];
    for (n = 0;n < TG_COMMANDS;++n)
      if (case_equals(smtpcommands[i].text,tg_commands[n].text)) {
        tg_stock[n] = smtpcommands[i].fun;
        smtpcommands[i].fun = tg_commands[n].fun;
      }
  }
  if (env_get("SPFRESULT")) tg_setspf(""); /* nobody but SPF says what SPF says */
  tollgate_set(TOLLGATE_REMOVES_FORGED,"");
  if (tg_stock[TG_AUTH]) tollgate_set(TOLLGATE_AUTH_OFFERED,"");
  if (tg_stock[TG_STARTTLS] && env_get("SMTPS")) tollgate_set(TOLLGATE_TLS,"");
  r = tollgate_connect();
  if (r) tg_refuse(r);
}

#endif
