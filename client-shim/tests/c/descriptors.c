/* The process around the library stays as it was: descriptors, signals, environment, directory, standard error. */
#define _XOPEN_SOURCE 700
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "tollgate.h"

#define HIGHEST 64
#define OURS 10

static int is_open(int fd)
{
    return fcntl(fd, F_GETFD) != -1;
}

static int count_from(int lowest, int is_below)
{
    int count = 0;
    for (int fd = is_below ? 0 : lowest; fd < (is_below ? lowest : HIGHEST); fd++) count += is_open(fd);
    return count;
}

static void check_descriptors(void)
{
    /* Whoever started the test may have left descriptors open: they are no concern of ours. */
    for (int fd = OURS; fd < HIGHEST; fd++) close(fd);
    int below = count_from(OURS, 1);
    int flags = fcntl(0, F_GETFL);
    tollgate_connect();
    CHECK(tollgate_answered());
    CHECK(count_from(OURS, 1) == below);
    CHECK(count_from(OURS, 0) == 1);
    for (int fd = OURS; fd < HIGHEST; fd++)
        if (is_open(fd)) CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    int next = dup(0);
    CHECK(next == below);
    close(next);
    CHECK(fcntl(0, F_GETFL) == flags);
    session();
    CHECK(count_from(OURS, 0) == 0);
    CHECK(count_from(OURS, 1) == below);
}

/* With no descriptor left the library cannot ask; nothing else happens. */
static void check_none_left(void)
{
    struct rlimit few, before;
    CHECK(getrlimit(RLIMIT_NOFILE, &before) == 0);
    few = before;
    few.rlim_cur = OURS;
    CHECK(setrlimit(RLIMIT_NOFILE, &few) == 0);
    CHECK(tollgate_connect() == NULL && !tollgate_answered());
    tollgate_close(0);
    few.rlim_cur = 3;
    CHECK(setrlimit(RLIMIT_NOFILE, &few) == 0);
    CHECK(tollgate_connect() == NULL && !tollgate_answered());
    tollgate_close(0);
    CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
}

static void check_signals(void)
{
    struct sigaction now;
    static const int signals[] = {SIGPIPE, SIGALRM, SIGCHLD};
    for (size_t at = 0; at < sizeof signals / sizeof *signals; at++) {
        CHECK(sigaction(signals[at], NULL, &now) == 0);
        CHECK(now.sa_handler == SIG_DFL);
    }
}

/* Records of failures: fixed size, appended, and no further than the bound. */
static void check_records(const char *path)
{
    struct stat file;
    setenv("TOLLGATE_FAILURE_FILE", path, 1);
    setenv("TOLLGATE_SOCKET", "/nonexistent", 1);
    session();
    CHECK(stat(path, &file) == 0 && file.st_size == 2 * 128);
    session();
    CHECK(stat(path, &file) == 0 && file.st_size == 4 * 128);
    CHECK(truncate(path, (1 << 20) - 128) == 0);
    session();
    CHECK(stat(path, &file) == 0 && file.st_size == 1 << 20);
    /* Nothing through a link, nothing into a pipe without a reader. */
    CHECK(unlink(path) == 0 && symlink("/nonexistent/target", path) == 0);
    session();
    CHECK(unlink(path) == 0 && mkfifo(path, 0600) == 0);
    session();
    CHECK(unlink(path) == 0);
    setenv("TOLLGATE_FAILURE_FILE", "", 1);
}

int main(int count, char **arguments)
{
    char directory[4096], after[4096], text[200];
    struct stat errors;
    CHECK(count == 2 && chdir(arguments[1]) == 0);
    CHECK(freopen("errors", "w", stderr) != NULL);
    CHECK(getcwd(directory, sizeof directory) != NULL);
    setenv("TOLLGATE_FAILURE_FILE", "", 1);
    setenv("TOLLGATE_TIMEOUT_MS", "300", 1);
    serve(ANSWERING, "", 0);
    char **environment = NULL;
    extern char **environ;
    environment = environ;
    check_descriptors();
    CHECK(environ == environment);
    check_none_left();
    end_server();
    /* A server that closes: no SIGPIPE ends us. */
    serve(CLOSING, NULL, 0);
    session();
    end_server();
    check_signals();
    check_records("failures");
    CHECK(getcwd(after, sizeof after) != NULL && strcmp(directory, after) == 0);
    CHECK(fstat(2, &errors) == 0 && errors.st_size == 0);
    /* Asked for, it says one line for each failure. */
    CHECK(mkdir("control", 0700) == 0);
    FILE *file = fopen("control/tollgate", "w");
    CHECK(file != NULL && fputs("log=1\non_failure=defer\nsocket=/nowhere\n", file) > 0 && fclose(file) == 0);
    unsetenv("TOLLGATE_SOCKET");
    session();
    file = fopen("errors", "r");
    CHECK(file != NULL && fgets(text, sizeof text, file) != NULL);
    CHECK(strcmp(text, "tollgate: connect: no answer: connect\n") == 0);
    CHECK(fgets(text, sizeof text, file) != NULL && fgets(text, sizeof text, file) == NULL);
    fclose(file);
    return 0;
}
