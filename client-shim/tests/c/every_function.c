/* Every exported function: with NULL, with nothing, with too much, in the wrong order, and with hostile Verdicts. */
#define _XOPEN_SOURCE 700
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "tollgate.h"

#define TOO_MUCH 100000

/* Where the filter's bytes go. */
static char left[TOO_MUCH + 1];
static unsigned long left_length;

static void put(void *to, const char *bytes, unsigned long length)
{
    CHECK(to == left && bytes && length <= sizeof left - left_length);
    memcpy(left + left_length, bytes, length);
    left_length += length;
}

/* Puts from within the filter: the bytes come through, and nothing is stuck. */
static void put_again(void *to, const char *bytes, unsigned long length)
{
    CHECK(tollgate_filter(bytes, length, put, to) == 0);
    CHECK(tollgate_is_forged("Authentication-Results: mx.test") == 0 && !*tollgate_spf_result());
}

/* In pieces of this size; how much is left. */
static unsigned long filter(const char *text, unsigned long length, unsigned long piece)
{
    left_length = 0;
    for (unsigned long at = 0; at < length; at += piece) {
        char *exact = malloc(piece); /* so that a byte read too far is seen */
        unsigned long now = length - at < piece ? length - at : piece;
        memcpy(exact, text + at, now);
        int goes_on = tollgate_filter(exact, now, put, left);
        CHECK(goes_on == 0 || goes_on == 1);
        free(exact);
    }
    tollgate_filter_end(put, left);
    tollgate_filter_end(put, left);
    return left_length;
}

/* Without a name of ours nothing changes; bad pointers do nothing. */
static void without_a_name(const char *text)
{
    unsigned long length = text ? strlen(text) : 0;
    CHECK(tollgate_filter(text, length, NULL, NULL) == 0);
    CHECK(tollgate_filter(NULL, length, put, left) == 0);
    CHECK(tollgate_filter("", 0, put, left) == 0);
    tollgate_filter_end(NULL, NULL);
    CHECK(filter(text, length, 7) == length && (!text || memcmp(left, text, length) == 0));
    CHECK(tollgate_is_forged(text) == 0 && tollgate_is_forged("Authentication-Results: mx.test") == 0);
    CHECK(strcmp(tollgate_spf_result(), "") == 0);
}

static void with(const char *text, int number)
{
    for (int fact = -2; fact <= 16; fact++)
        CHECK(tollgate_set(fact, text) == (fact >= 1 && fact <= 13 ? 0 : -1));
    check_reply(tollgate_connect());
    check_reply(tollgate_helo(text, number));
    check_reply(tollgate_mail(text, text));
    check_reply(tollgate_rcpt(text, number));
    tollgate_recipient(number);
    check_reply(tollgate_data());
    check_headers(tollgate_headers());
    without_a_name(text);
    CHECK(tollgate_answered() == 0 || tollgate_answered() == 1);
    tollgate_count((unsigned long)number);
    tollgate_queued((unsigned long)number, text);
    tollgate_rset();
    tollgate_close(number);
    tollgate_close(number);
    CHECK(tollgate_answered() == 0);
    CHECK(strcmp(tollgate_headers(), "") == 0);
    without_a_name(text);
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
        /* a name that is no token, only dots, a number; a word with a capital, with NUL */
        {6, "\x5a\x04" "a\nb:", 0},
        {4, "\x5a\x02" "..", 0},
        {2, "\x58\x01", 0},
        {6, "\x62\x04" "Pass", 0},
        {4, "\x62\x02" "p\0", 0},
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

/* An answer to DATA with authserv_id mx.test and spf_result softfail. */
static void with_a_name(void)
{
    static const char verdict[] = "\x5a\x07mx.test\x62\x08softfail";
    static const char message[] = "A: b\nAuthentication-Results:\n (c) \"MX.test\";\n\tnone\nC: d\n\n"
                                  "Authentication-Results: mx.test; none\n\0\xff";
    static const char rest[] = "A: b\nC: d\n\nAuthentication-Results: mx.test; none\n\0\xff";
    char *padded = malloc(TOO_MUCH + 1);
    serve(ANSWERING, verdict, sizeof verdict - 1);
    for (unsigned long piece = 1; piece < sizeof message; piece++) {
        CHECK(tollgate_data() == NULL && tollgate_answered());
        CHECK(strcmp(tollgate_spf_result(), "softfail") == 0);
        CHECK(filter(message, sizeof message - 1, piece) == sizeof rest - 1);
        CHECK(memcmp(left, rest, sizeof rest - 1) == 0);
        CHECK(tollgate_filter("x", 1, put, left) == 0);
        CHECK(tollgate_is_forged("authentication-results : mx.test (x)\r\n\tnone\r\n") == 1);
        CHECK(tollgate_is_forged("Authentication-Results: other.test; none\n") == 0);
        CHECK(tollgate_is_forged("") == 0 && tollgate_is_forged(NULL) == 0);
    }
    /* What cannot be read in 1024 bytes; what is held back at the end; a put that comes back. */
    strcpy(padded, "Authentication-Results:");
    memset(padded + 23, ' ', TOO_MUCH - 23);
    padded[TOO_MUCH] = 0;
    CHECK(tollgate_data() == NULL && filter(padded, TOO_MUCH, 4096) == 0 && tollgate_is_forged(padded) == 1);
    CHECK(tollgate_data() == NULL && filter("Authentication-Res", 18, 5) == 18);
    CHECK(tollgate_data() == NULL);
    left_length = 0;
    CHECK(tollgate_filter("A: b\nB", 6, put_again, left) == 1);
    tollgate_filter_end(put_again, left);
    CHECK(left_length == 6 && memcmp(left, "A: b\nB", 6) == 0);
    tollgate_rset();
    without_a_name("Authentication-Results: mx.test\n\n");
    tollgate_close(1);
    end_server();
    free(padded);
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
    with_a_name();
    return 0;
}
