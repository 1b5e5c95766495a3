/* Many calls in one session with a server that is not ours, with a rest in the middle; says what came of them.
 * Usage: interop CALLS CONNECTIONS: every call must be answered, over at least so many connections. */
#define _XOPEN_SOURCE 700
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "check.h"
#include "tollgate.h"

#define REST_MS 2500
#define OURS 10
#define HIGHEST 64

/* The socket's number tells connections apart. */
static unsigned long connection(void)
{
    struct stat socket;
    for (int fd = OURS; fd < HIGHEST; fd++)
        if (fstat(fd, &socket) == 0 && S_ISSOCK(socket.st_mode)) return (unsigned long)socket.st_ino;
    return 0;
}

int main(int count, char **arguments)
{
    CHECK(count == 3);
    long calls = atol(arguments[1]), least = atol(arguments[2]), longest = 0, connections = 0;
    unsigned long newest = 0;
    tollgate_connect();
    CHECK(tollgate_answered());
    for (long call = 0; call < calls; call++) {
        if (call == calls / 2) poll(NULL, 0, REST_MS);
        long since = now_ms();
        if (call % 2) check_reply(tollgate_rcpt("b@example.net", TOLLGATE_RCPTHOSTS_ALLOWED));
        else check_reply(tollgate_mail("a@example.org", "SIZE=1"));
        long spent = now_ms() - since;
        if (!tollgate_answered()) printf("call %ld is not answered\n", call);
        CHECK(tollgate_answered());
        if (spent > longest) longest = spent;
        unsigned long now = connection();
        connections += now != newest && now;
        newest = now;
        if (call % 100 == 99) tollgate_queued(1, "");
    }
    tollgate_close(1);
    printf("%ld calls answered over %ld connections, the longest in %ld ms\n", calls, connections, longest);
    CHECK(connections >= least);
    return 0;
}
