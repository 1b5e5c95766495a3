/* How does Exim ask Tollgate? Functions for ${dlfunc{...}}, one a hook; acl.conf has the ACL lines, README.md the rest.
 *
 * Exim's documented dlfunc interface on one side, tollgate.h on the other, nothing in between. A stage function gives
 * "" (go on) or a reply, which an ACL hands to deny or defer as its message: code and text on the first line,
 * text alone on the others. No function ever fails an expansion: where Tollgate cannot speak, Exim goes on.
 *
 * A process serves one connection, as libtollgate wants it: exim -bs under tcpserver or inetd, and the child that
 * Exim's daemon forks for each connection. Facts are read at every hook, because STARTTLS, AUTH and the PROXY protocol
 * change them in mid-session.
 */
#define DLFUNC_IMPL
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include <local_scan.h>
#include "tollgate.h"

#define HOOK __attribute__((visibility("default")))
#define REPLY_SIZE 4096   /* bytes of one reply; what is longer is cut */
#define HEADERS_SIZE 8192 /* bytes of all header fields of a message */
#define ADDRESS_SIZE 1024 /* bytes of a recipient; RFC 5321 4.5.3.1.3 allows 256 */
#define PORT_SIZE 12

static pid_t owner;          /* the process that asks; a child forked for delivery is not it. 0 = not asked yet */
static int recipients_before; /* recipients_count when the newest recipient was passed on; -1 = none is open */
static int data_asked;       /* the DATA stage was asked in this transaction */
static int message_open;     /* a message came in and nobody has said what became of it */
static int quit_seen;

/* An expanded variable, "" when it is empty or unknown to this Exim. */
static const char *variable(const char *name)
{
  uschar *value = expand_string((uschar *)name);
  return value ? (const char *)value : "";
}

static void tell(int fact, const char *value)
{
  tollgate_set(fact, value && *value ? value : 0);
}

static void tell_number(int fact, int value)
{
  char digits[PORT_SIZE];
  snprintf(digits, sizeof digits, "%d", value);
  tollgate_set(fact, value > 0 ? digits : 0);
}

/* sender_host_name is the plain variable: expanding $sender_host_name would look the name up, without a deadline. */
static void tell_facts(void)
{
  const char *user = variable("$authenticated_id");
  if (!*user && sender_host_authenticated) user = (const char *)sender_host_authenticated;
  tell(TOLLGATE_CLIENT_IP, (const char *)sender_host_address);
  tell_number(TOLLGATE_CLIENT_PORT, sender_host_port);
  tell(TOLLGATE_CLIENT_NAME, (const char *)sender_host_name);
  tell(TOLLGATE_CLIENT_IDENT, variable("$sender_ident"));
  tell(TOLLGATE_SERVER_IP, (const char *)interface_address);
  tell_number(TOLLGATE_SERVER_PORT, interface_port);
  tell(TOLLGATE_SERVER_NAME, variable("$smtp_active_hostname"));
  tell(TOLLGATE_USER, user);
  tell(TOLLGATE_TLS, variable("$tls_in_cipher"));
  tollgate_set(TOLLGATE_REPLY_STYLE, "rfc");
  tollgate_set(TOLLGATE_REMOVES_FORGED, "1");
}

/* What did Exim answer to the recipient it was told to go on with? It shows in the number of recipients. */
static void settle_recipient(void)
{
  if (recipients_before >= 0) tollgate_recipient(recipients_count > recipients_before);
  recipients_before = -1;
}

/* A message that reached the DATA ACL and did not pass its last line was refused by a line in between. */
static void settle_message(void)
{
  if (message_open) tollgate_queued(0, "Drefused after the end of data");
  message_open = 0;
}

/* A transaction begins or is forgotten: HELO, MAIL or the end. */
static void settle_transaction(void)
{
  settle_recipient();
  settle_message();
  data_asked = 0;
}

/* Length of "550-" or "550 5.7.1 " at the start of a reply line. */
static size_t prefix_length(const char *line, size_t length)
{
  size_t n = 4, digits;
  if (length < n) return length;
  digits = strspn(line + n, "0123456789.");
  if (digits >= 5 && line[n + 1] == '.' && line[n + digits] == ' ') n += digits + 1;
  return n;
}

/* Exim repeats code and status itself: "550-5.7.1 one\r\n550 5.7.1 two\r\n" becomes "550 5.7.1 one\ntwo". */
static uschar *for_exim(const char *reply)
{
  char text[REPLY_SIZE];
  size_t n = 0;
  while (*reply) {
    size_t length = strcspn(reply, "\r\n");
    size_t skip = n ? prefix_length(reply, length) : 0;
    if (n + 1 + length - skip >= sizeof text) break;
    if (n) text[n++] = '\n';
    memcpy(text + n, reply + skip, length - skip);
    if (!n && length > 3) text[3] = ' ';
    n += length - skip;
    reply += length;
    reply += strspn(reply, "\r\n");
  }
  text[n] = 0;
  return string_copy((uschar *)text);
}

static int answer(uschar **yield, const char *reply)
{
  *yield = reply ? for_exim(reply) : string_copy((uschar *)"");
  return OK;
}

static int has_word(int argc, uschar **argv, const char *word)
{
  return argc > 0 && strcmp((const char *)argv[0], word) == 0;
}

/* The client may relay: called from a line with "hosts = +relay_from_hosts", before the stage it concerns. */
HOOK int tollgate_exim_relay(uschar **yield, int argc, uschar **argv)
{
  tollgate_set(TOLLGATE_RELAYCLIENT, "");
  return answer(yield, 0);
}

/* {auth_offered}: this port offers AUTH, so nothing may be refused before it. */
HOOK int tollgate_exim_connect(uschar **yield, int argc, uschar **argv)
{
  owner = getpid();
  recipients_before = -1;
  tell_facts();
  tollgate_set(TOLLGATE_AUTH_OFFERED, has_word(argc, argv, "auth_offered") ? "1" : 0);
  return answer(yield, tollgate_connect());
}

HOOK int tollgate_exim_helo(uschar **yield, int argc, uschar **argv)
{
  settle_transaction();
  tell_facts();
  return answer(yield, tollgate_helo(variable("$sender_helo_name"), !strncasecmp(variable("$smtp_command"), "EHLO", 4)));
}

HOOK int tollgate_exim_mail(uschar **yield, int argc, uschar **argv)
{
  settle_transaction();
  tell_facts();
  return answer(yield, tollgate_mail(variable("$sender_address"), variable("$smtp_command_argument")));
}

/* {allowed} or {refused}: what Exim's own relay test says of the recipient's domain; anything else is "unknown". */
HOOK int tollgate_exim_rcpt(uschar **yield, int argc, uschar **argv)
{
  char recipient[ADDRESS_SIZE];
  const char *reply;
  int rcpthosts = TOLLGATE_RCPTHOSTS_UNKNOWN;
  if (has_word(argc, argv, "allowed")) rcpthosts = TOLLGATE_RCPTHOSTS_ALLOWED;
  if (has_word(argc, argv, "refused")) rcpthosts = TOLLGATE_RCPTHOSTS_REFUSED;
  settle_recipient();
  tell_facts();
  snprintf(recipient, sizeof recipient, "%s", variable("$local_part@$domain"));
  reply = tollgate_rcpt(recipient, rcpthosts);
  if (!reply) recipients_before = recipients_count;
  return answer(yield, reply);
}

static const char *ask_data(void)
{
  settle_recipient();
  tell_facts();
  data_asked = 1;
  return tollgate_data();
}

HOOK int tollgate_exim_data(uschar **yield, int argc, uschar **argv)
{
  return answer(yield, ask_data());
}

/* Takes out fields that pretend to be ours, before ours are there (RFC 8601 5). Exim keeps a deleted field with a '*'
 * for its type, and neither expands nor sends it. */
static void remove_forged(void)
{
  header_line *field;
  for (field = header_list; field; field = field->next)
    if (field->type != '*' && field->slen > 0 && tollgate_is_forged((const char *)field->text, (unsigned long)field->slen))
      field->type = '*';
}

/* First line of the DATA ACL. Exim runs no predata ACL before BDAT, so the DATA stage may still have to be asked. */
HOOK int tollgate_exim_message(uschar **yield, int argc, uschar **argv)
{
  const char *reply = data_asked ? 0 : ask_data();
  message_open = !reply;
  if (!reply) remove_forged();
  return answer(yield, reply);
}

/* Length of a header field with its continuation lines, without the last LF. */
static size_t field_length(const char *field)
{
  size_t n = strcspn(field, "\n");
  while (field[n] == '\n' && (field[n + 1] == ' ' || field[n + 1] == '\t')) n += 1 + strcspn(field + n + 1, "\n");
  return n;
}

/* Header fields as add_header takes them; "" = none. Exim puts each ":at_start:" above the one before: the last field
 * goes first. What does not fit is left out whole. */
HOOK int tollgate_exim_headers(uschar **yield, int argc, uschar **argv)
{
  static const char on_top[] = ":at_start:";
  const size_t extra = sizeof on_top; /* the word, and the LF in place of its NUL */
  char text[HEADERS_SIZE];
  size_t n = 0;
  const char *field = tollgate_headers();
  while (field && *field) {
    size_t length = field_length(field);
    if (n + length + extra >= sizeof text) break;
    memmove(text + length + extra, text, n);
    memcpy(text, on_top, extra - 1);
    memcpy(text + extra - 1, field, length);
    text[extra - 1 + length] = '\n';
    n += length + extra;
    field += length + (field[length] == '\n');
  }
  text[n] = 0;
  *yield = string_copy((uschar *)text);
  return OK;
}

/* Last line of the DATA ACL before it accepts: the message is about to be written to the spool. */
HOOK int tollgate_exim_queued(uschar **yield, int argc, uschar **argv)
{
  long bytes = strtol(variable("$message_size"), 0, 10);
  if (message_open) {
    tollgate_count(bytes > 0 ? (unsigned long)bytes : 0);
    tollgate_queued(0, "");
  }
  message_open = 0;
  return answer(yield, 0);
}

HOOK int tollgate_exim_quit(uschar **yield, int argc, uschar **argv)
{
  quit_seen = 1;
  return answer(yield, 0);
}

/* Every way out of Exim ends here, after its last reply was flushed: QUIT, a lost client, a timeout. */
__attribute__((destructor)) static void tollgate_exim_exit(void)
{
  if (owner != getpid()) return;
  owner = 0;
  settle_transaction();
  tollgate_close(quit_seen);
}
