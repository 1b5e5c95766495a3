/* What the C tests share: a check that says where it failed, a clock, and servers in child processes. */
#ifndef CHECK_H
#define CHECK_H

#include <stddef.h>

#define CHECK(condition) check((condition) != 0, #condition, __FILE__, __LINE__)

void check(int is_true, const char *what, const char *file, int line);

long now_ms(void);

/* A reply as RFC 5321 wants it, or NULL. */
void check_reply(const char *reply);

/* Header fields as the header promises them. */
void check_headers(const char *headers);

/* How a server misbehaves. */
enum server {
    REFUSING,   /* a socket nobody listens on */
    SILENT,     /* takes connections, says nothing */
    STOPPED,    /* the same, and is stopped by SIGSTOP */
    NOT_TAKING, /* listens and never takes a connection */
    CLOSING,    /* takes connections and closes them */
    GARBAGE,    /* says bytes that are no HTTP/2 */
    DRIPPING,   /* says PINGs for ever, a byte at a time */
    ANSWERING   /* answers every call by the message given to serve */
};

/* Starts a server on a new Unix socket and sets TOLLGATE_SOCKET; ANSWERING sends `message`. */
void serve(enum server kind, const void *message, size_t length);

/* Ends the server. */
void end_server(void);

/* A whole session; the longest call in milliseconds. */
long session(void);

#endif
