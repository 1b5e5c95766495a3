/* Whatever is wrong with the daemon, each call ends in its deadline, the session in two, and mail passes or gets 451. */
#define _XOPEN_SOURCE 700
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "tollgate.h"

#define TIMEOUT_MS 300
/* What a busy machine may add to a deadline. */
#define GRACE_MS 250

static void passes_or_defers(const char *mode, int is_deferred)
{
    setenv("TOLLGATE_ON_FAILURE", mode, 1);
    CHECK(tollgate_connect() == NULL && tollgate_answered() == 0);
    CHECK(tollgate_mail("a", NULL) == NULL && tollgate_answered() == 0);
    const char *reply = tollgate_rcpt("b", 1);
    CHECK(is_deferred ? reply && strncmp(reply, "451 ", 4) == 0 : !reply);
    tollgate_set(TOLLGATE_RELAYCLIENT, "");
    CHECK(tollgate_rcpt("b", 1) == NULL);
    CHECK(tollgate_data() == NULL);
    tollgate_close(0);
}

static void in_time(long least, long most)
{
    long since = now_ms();
    long longest = session();
    long whole = now_ms() - since;
    CHECK(longest >= least && longest <= most + GRACE_MS);
    CHECK(whole <= 2 * most + 2 * GRACE_MS);
    passes_or_defers("pass", 0);
    passes_or_defers("defer", 1);
}

int main(void)
{
    static const struct { enum server kind; long least, most; } servers[] = {
        {REFUSING, 0, 0},
        {SILENT, TIMEOUT_MS, TIMEOUT_MS},
        {STOPPED, TIMEOUT_MS, TIMEOUT_MS},
        {NOT_TAKING, TIMEOUT_MS, TIMEOUT_MS},
        {CLOSING, 0, TIMEOUT_MS},
        {GARBAGE, 0, TIMEOUT_MS},
        {DRIPPING, TIMEOUT_MS, TIMEOUT_MS},
    };
    setenv("TOLLGATE_TIMEOUT_MS", "300", 1);
    setenv("TOLLGATE_FAILURE_FILE", "", 1);
    setenv("TOLLGATE_SOCKET", "/nonexistent/socket", 1);
    in_time(0, 0);
    setenv("TOLLGATE_SOCKET", "192.0.2.1:25", 1);
    in_time(0, 0);
    setenv("TOLLGATE_SOCKET", "127.0.0.1:1", 1);
    in_time(0, 0);
    for (size_t at = 0; at < sizeof servers / sizeof *servers; at++) {
        serve(servers[at].kind, NULL, 0);
        in_time(servers[at].least, servers[at].most);
        end_server();
    }
    return 0;
}
