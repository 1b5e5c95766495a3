/* Every exported function: with NULL, with nothing, with too much, in the wrong order, and with hostile Verdicts. */
#define _XOPEN_SOURCE 700
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "tollgate.h"

#define TOO_MUCH 100000

static void with(const char *text, int number)
{
    for (int fact = -2; fact <= 15; fact++)
        CHECK(tollgate_set(fact, text) == (fact >= 1 && fact <= 12 ? 0 : -1));
    check_reply(tollgate_connect());
    check_reply(tollgate_helo(text, number));
    check_reply(tollgate_mail(text, text));
    check_reply(tollgate_rcpt(text, number));
    tollgate_recipient(number);
    check_reply(tollgate_data());
    check_headers(tollgate_headers());
    CHECK(tollgate_answered() == 0 || tollgate_answered() == 1);
    tollgate_count((unsigned long)number);
    tollgate_queued((unsigned long)number, text);
    tollgate_rset();
    tollgate_close(number);
    tollgate_close(number);
    CHECK(tollgate_answered() == 0);
    CHECK(strcmp(tollgate_headers(), "") == 0);
}

static void in_any_order(void)
{
    tollgate_close(0);
    tollgate_recipient(1);
    tollgate_rset();
    tollgate_count(~0UL);
    tollgate_queued(~0UL, "Dno");
    CHECK(tollgate_headers() && !*tollgate_headers());
    check_reply(tollgate_data());
    check_reply(tollgate_rcpt("x", 1));
    check_reply(tollgate_mail("x", NULL));
    check_reply(tollgate_connect());
    tollgate_queued(1, "");
    tollgate_close(1);
    CHECK(strcmp(tollgate_version(), "0.1.0") == 0);
}

static void with_everything(void)
{
    char *too_much = malloc(TOO_MUCH + 1);
    for (int at = 0; at < TOO_MUCH; at++) too_much[at] = (char)(1 + at % 255);
    too_much[TOO_MUCH] = 0;
    with(NULL, 0);
    with("", 1);
    with("a@b.example", 2);
    with("\xff\r\n\x01\"%s%n", -1);
    with(too_much, 2147483647);
    setenv("TCPREMOTEIP", too_much, 1);
    setenv("RBLSMTPD", too_much, 1);
    with(too_much, -2147483647 - 1);
    unsetenv("TCPREMOTEIP");
    unsetenv("RBLSMTPD");
    in_any_order();
    free(too_much);
}

/* Verdicts nobody should send: each as bytes of protobuf. */
static void with_hostile_verdicts(void)
{
    static const struct { size_t length; const char *bytes; int is_verdict; } hostile[] = {
        {0, "", 1},
        /* reject 550, text with CR, LF, NUL and 8-bit bytes */
        {19, "\x08\x02\x10\xa6\x04\x22\x0c" "a\r\nDATA\r\n\0\xff\x7f", 1},
        /* reject with 250; an action nobody knows; a code far out of range */
        {5, "\x08\x02\x10\xfa\x01", 0},
        {2, "\x08\x63", 0},
        {8, "\x08\x02\x10\xff\xff\xff\xff\x0f", 0},
        /* lengths that lie, a varint without end, a group, field number 0 */
        {3, "\x22\x7f" "a", 0},
        {7, "\x22\xff\xff\xff\xff\x0f" "a", 0},
        {11, "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 0},
        {2, "\x0b\x0c", 0},
        {2, "\x02\x00", 0},
        /* header fields that would end the header or begin the body */
        {14, "\x3a\x0c" "X: a\r\n\r\nBody", 1},
        {9, "\x3a\x07" "X: a\n\nb", 1},
        {8, "\x3a\x06" "X: a\0b", 1},
    };
    for (size_t at = 0; at < sizeof hostile / sizeof *hostile; at++) {
        serve(ANSWERING, hostile[at].bytes, hostile[at].length);
        tollgate_connect();
        CHECK(tollgate_answered() == hostile[at].is_verdict);
        tollgate_close(0);
        with_everything();
        session();
        end_server();
    }
}

int main(void)
{
    setenv("TOLLGATE_TIMEOUT_MS", "1000", 1);
    setenv("TOLLGATE_FAILURE_FILE", "", 1);
    setenv("TOLLGATE_SOCKET", "/nonexistent/socket", 1);
    with_everything();
    setenv("TOLLGATE_ON_FAILURE", "defer", 1);
    with_everything();
    with_hostile_verdicts();
    return 0;
}
