/* What the C tests share; see check.h. */
#define _XOPEN_SOURCE 700
#include "check.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tollgate.h"

#define FRAME_HEAD 9
#define PREFACE 24

static pid_t child = -1;
static char path[100];

void check(int is_true, const char *what, const char *file, int line)
{
    if (is_true) return;
    /* Not to descriptor 2: tests watch it. */
    printf("%s:%d: not so: %s\n", file, line, what);
    fflush(stdout);
    end_server();
    _exit(1);
}

long now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void check_reply(const char *reply)
{
    if (!reply) return;
    CHECK(strlen(reply) <= 8 * 512);
    for (int is_last = 0; !is_last;) {
        const char *end = strstr(reply, "\r\n");
        CHECK(end != NULL);
        CHECK(end - reply + 2 <= 512 && end - reply >= 4);
        CHECK(reply[0] == '4' || reply[0] == '5');
        CHECK(reply[3] == ' ' || reply[3] == '-');
        for (const char *byte = reply; byte < end; byte++) CHECK(*byte >= ' ' && *byte <= '~');
        is_last = reply[3] == ' ';
        reply = end + 2;
    }
    CHECK(*reply == 0);
}

void check_headers(const char *headers)
{
    CHECK(headers != NULL);
    size_t length = strlen(headers);
    CHECK(length == 0 || headers[length - 1] == '\n');
    CHECK(headers[0] != '\n' && strstr(headers, "\n\n") == NULL && strchr(headers, '\r') == NULL);
}

static int put(int to, const void *bytes, size_t length)
{
    const char *rest = bytes;
    while (length) {
        ssize_t count = write(to, rest, length);
        if (count <= 0) return 0;
        rest += count;
        length -= (size_t)count;
    }
    return 1;
}

static int get(int from, void *bytes, size_t length)
{
    char *rest = bytes;
    while (length) {
        ssize_t count = read(from, rest, length);
        if (count <= 0) return 0;
        rest += count;
        length -= (size_t)count;
    }
    return 1;
}

static void frame(int to, size_t length, int kind, int flags, unsigned long stream, const void *payload)
{
    unsigned char head[FRAME_HEAD] = {
        (unsigned char)(length >> 16), (unsigned char)(length >> 8), (unsigned char)length, (unsigned char)kind,
        (unsigned char)flags, (unsigned char)(stream >> 24), (unsigned char)(stream >> 16), (unsigned char)(stream >> 8),
        (unsigned char)stream};
    if (put(to, head, sizeof head)) put(to, payload, length);
}

/* Speaks just enough HTTP/2 to answer every request on this connection. */
static void answer(int client, const unsigned char *message, size_t length)
{
    static unsigned char payload[1 << 16];
    unsigned char prefix[5] = {0, 0, (unsigned char)(length >> 16), (unsigned char)(length >> 8), (unsigned char)length};
    if (!get(client, payload, PREFACE)) return;
    frame(client, 0, 4, 0, 0, "");
    for (;;) {
        unsigned char head[FRAME_HEAD];
        if (!get(client, head, sizeof head)) return;
        size_t size = (size_t)head[0] << 16 | (size_t)head[1] << 8 | head[2];
        if (size > sizeof payload || !get(client, payload, size)) return;
        unsigned long stream = (unsigned long)head[5] << 24 | (unsigned long)head[6] << 16 | (unsigned long)head[7] << 8 | head[8];
        if (head[3] != 0 || !(head[4] & 1)) continue;
        frame(client, 1, 1, 4, stream, "\x88");
        frame(client, sizeof prefix, 0, 0, stream, prefix);
        frame(client, length, 0, 0, stream, message);
        frame(client, 15, 1, 5, stream, "\0\x0bgrpc-status\x01" "0");
    }
}

/* Says SETTINGS and then PINGs that are answered already, a byte every 20 ms. */
static void drip(int client)
{
    static const char hello[] = "\0\0\0\4\0\0\0\0\0", pong[] = "\0\0\x08\6\1\0\0\0\0" "12345678";
    int is_heard = put(client, hello, sizeof hello - 1);
    for (size_t at = 0; is_heard; at = (at + 1) % (sizeof pong - 1)) {
        poll(NULL, 0, 20);
        is_heard = put(client, pong + at, 1);
    }
}

static void misbehave(enum server kind, int client, const void *message, size_t length)
{
    static const char garbage[] = "220 mail.example ESMTP\r\n500 what\r\n";
    switch (kind) {
    case STOPPED: raise(SIGSTOP); break;
    case GARBAGE: put(client, garbage, sizeof garbage - 1); break;
    case DRIPPING: drip(client); break;
    case ANSWERING: answer(client, message, length); break;
    default: break;
    }
    if (kind == SILENT)
        for (;;) pause();
}

void serve(enum server kind, const void *message, size_t length)
{
    static int number;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *folder = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/tollgate-%ld-%d", folder ? folder : "/tmp", (long)getpid(), number++);
    memcpy(address.sun_path, path, sizeof path);
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK(bind(listener, (struct sockaddr *)&address, sizeof address) == 0);
    CHECK(kind == REFUSING || listen(listener, kind == NOT_TAKING ? 0 : 5) == 0);
    setenv("TOLLGATE_SOCKET", path, 1);
    fflush(stdout);
    child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        signal(SIGPIPE, SIG_IGN);
        while (kind == NOT_TAKING || kind == REFUSING) pause();
        for (;;) {
            int client = accept(listener, NULL, NULL);
            if (client < 0) _exit(0);
            misbehave(kind, client, message, length);
            close(client);
        }
    }
    close(listener);
}

void end_server(void)
{
    if (child <= 0) return;
    kill(child, SIGKILL);
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR) continue;
    unlink(path);
    child = -1;
}

static long longest;

static void took(long since, const char *reply)
{
    long spent = now_ms() - since;
    if (spent > longest) longest = spent;
    check_reply(reply);
}

long session(void)
{
    longest = 0;
    long since = now_ms();
    took(since, tollgate_connect());
    since = now_ms();
    took(since, tollgate_helo("mail.example", 1));
    for (int mail = 0; mail < 3; mail++) {
        since = now_ms();
        took(since, tollgate_mail("a@example.org", "<a@example.org> SIZE=100"));
        since = now_ms();
        took(since, tollgate_rcpt("b@example.net", TOLLGATE_RCPTHOSTS_ALLOWED));
        tollgate_recipient(1);
        since = now_ms();
        took(since, tollgate_data());
        check_headers(tollgate_headers());
        tollgate_count(100);
        since = now_ms();
        tollgate_queued(42, "");
        CHECK(now_ms() - since < 90);
        tollgate_rset();
    }
    since = now_ms();
    tollgate_close(1);
    CHECK(now_ms() - since < 200);
    return longest;
}
