/* session-cost.c: what does one SMTP session cost with the hook, compared with the same session without it?
 *
 *     session-cost WITHOUT WITH [SESSIONS]
 *
 * WITHOUT and WITH are two programs that speak SMTP on descriptors 0 and 1. Each is started SESSIONS times (default 300),
 * in turns, on a fresh TCP connection over loopback, with the environment of this program and tcpserver's variables.
 * The client says EHLO, MAIL, RCPT, QUIT, each after the reply to the one before. Measured for each process alone:
 * fork and exec to the first reply, the whole session, and CPU time as wait4 reports it. Then the same under tcpserver,
 * in batches, with tcpserver's own work in the CPU time, which is what a mail host pays for a session. The daemon's time
 * is in neither. Medians are printed, for the machine may have other work, and means of CPU time.
 */
#define _DEFAULT_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SESSIONS_DEFAULT = 300, SESSIONS_MAX = 100000, WARM_UP = 20, BATCH = 50, SIDES = 2, PATIENCE_SECONDS = 60 };

struct sample { double first_ms, session_ms, cpu_ms; };

static void die(const char *what)
{
  perror(what);
  exit(111);
}

static double now_ms(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static double timeval_ms(struct timeval t)
{
  return t.tv_sec * 1e3 + t.tv_usec / 1e3;
}

/* Both ends of a TCP connection over loopback. */
static void connect_pair(int listener, const struct sockaddr_in *address, int pair[2])
{
  pair[0] = socket(AF_INET, SOCK_STREAM, 0);
  if (pair[0] == -1) die("socket");
  if (connect(pair[0], (const struct sockaddr *)address, sizeof *address) == -1) die("connect");
  pair[1] = accept(listener, 0, 0);
  if (pair[1] == -1) die("accept");
}

/* Reads one reply, all its lines. Every command waits for its reply, so nothing of the next one is read. */
static void reply(int fd, const char *expected)
{
  char text[4096];
  size_t have = 0, line = 0;
  for (;;) {
    ssize_t got = read(fd, text + have, sizeof text - have);
    char *end;
    if (got <= 0) die("read a reply");
    have += (size_t)got;
    while ((end = memchr(text + line, '\n', have - line))) {
      if (have - line > 3 && text[line + 3] != '-') {
        if (strncmp(text + line, expected, 3) == 0) return;
        fprintf(stderr, "session-cost: expected %s, got: %.*s\n", expected, (int)(end - text - (long)line), text + line);
        exit(1);
      }
      line = (size_t)(end - text) + 1;
    }
    if (have == sizeof text) die("reply too long");
  }
}

static void say(int fd, const char *line, const char *expected)
{
  if (write(fd, line, strlen(line)) != (ssize_t)strlen(line)) die("write");
  reply(fd, expected);
}

static void start(const char *program, int pair[2])
{
  close(pair[0]);
  if (dup2(pair[1], 0) == -1 || dup2(pair[1], 1) == -1) die("dup2");
  if (pair[1] > 1) close(pair[1]);
  execl(program, program, (char *)0);
  die(program);
}

static void be_patient(int fd)
{
  struct timeval patience = { PATIENCE_SECONDS, 0 };
  if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == -1) die("setsockopt");
}

/* Everything after the greeting. */
static void talk(int fd)
{
  say(fd, "EHLO client.test\r\n", "250");
  say(fd, "MAIL FROM:<a@clean.test>\r\n", "250");
  say(fd, "RCPT TO:<x@mail.test>\r\n", "250");
  say(fd, "QUIT\r\n", "221");
}

static double cpu_ms(const struct rusage *used)
{
  return timeval_ms(used->ru_utime) + timeval_ms(used->ru_stime);
}

static struct sample session(const char *program, int listener, const struct sockaddr_in *address)
{
  struct rusage used;
  struct sample s;
  double begin;
  int pair[2];
  pid_t child;

  connect_pair(listener, address, pair);
  be_patient(pair[0]);
  begin = now_ms();
  child = fork();
  if (child == -1) die("fork");
  if (child == 0) {
    close(listener);
    start(program, pair);
  }
  close(pair[1]);
  reply(pair[0], "220");
  s.first_ms = now_ms() - begin;
  talk(pair[0]);
  s.session_ms = now_ms() - begin;
  close(pair[0]);
  if (wait4(child, 0, 0, &used) != child) die("wait4");
  s.cpu_ms = cpu_ms(&used);
  return s;
}

/* Starts tcpserver on a port of its choice. */
static pid_t tcpserver(const char *program, struct sockaddr_in *address)
{
  char port[16];
  int out[2];
  ssize_t got;
  pid_t child;

  if (pipe(out) == -1) die("pipe");
  child = fork();
  if (child == -1) die("fork");
  if (child == 0) {
    if (dup2(out[1], 1) == -1) die("dup2");
    close(out[0]);
    close(out[1]);
    execlp("tcpserver", "tcpserver", "-1", "-HR", "-l", "mail.test", "127.0.0.1", "0", program, (char *)0);
    die("tcpserver");
  }
  close(out[1]);
  got = read(out[0], port, sizeof port - 1); /* one short write */
  if (got <= 0) die("tcpserver's port");
  port[got] = 0;
  close(out[0]);
  address->sin_port = htons((unsigned short)atoi(port));
  return child;
}

/* CPU time of one session, tcpserver's part included. */
static double batch(const char *program)
{
  struct sockaddr_in address;
  struct rusage used;
  pid_t child;
  int i;

  memset(&address, 0, sizeof address);
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  child = tcpserver(program, &address);
  for (i = 0; i < BATCH; i++) {
    char end;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd == -1 || connect(fd, (struct sockaddr *)&address, sizeof address) == -1) die("connect");
    be_patient(fd);
    reply(fd, "220");
    talk(fd);
    if (read(fd, &end, 1) != 0) die("the end of a session");
    close(fd);
  }
  if (kill(child, SIGTERM) == -1 || wait4(child, 0, 0, &used) != child) die("end of tcpserver");
  return cpu_ms(&used) / BATCH;
}

static int by_value(const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double median(double *values, int count)
{
  qsort(values, (size_t)count, sizeof *values, by_value);
  return values[count / 2];
}

static double mean(const double *values, int count)
{
  double sum = 0;
  int i;
  for (i = 0; i < count; i++) sum += values[i];
  return sum / count;
}

/* first, session, CPU median, CPU mean. */
static void summary(const struct sample *samples, int count, double figures[4])
{
  double *column = calloc((size_t)count, sizeof *column);
  int i;
  if (!column) die("calloc");
  for (i = 0; i < count; i++) column[i] = samples[i].first_ms;
  figures[0] = median(column, count);
  for (i = 0; i < count; i++) column[i] = samples[i].session_ms;
  figures[1] = median(column, count);
  for (i = 0; i < count; i++) column[i] = samples[i].cpu_ms;
  figures[3] = mean(column, count);
  figures[2] = median(column, count);
  free(column);
}

static int listen_on_loopback(struct sockaddr_in *address)
{
  socklen_t length = sizeof *address;
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  memset(address, 0, sizeof *address);
  address->sin_family = AF_INET;
  address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (listener == -1 || bind(listener, (struct sockaddr *)address, sizeof *address) == -1) die("bind");
  if (listen(listener, 1) == -1 || getsockname(listener, (struct sockaddr *)address, &length) == -1) die("listen");
  return listener;
}

static void tcpserver_variables(void)
{
  setenv("PROTO", "TCP", 1);
  setenv("TCPREMOTEIP", "192.0.2.9", 1);
  setenv("TCPREMOTEPORT", "40000", 1);
  setenv("TCPLOCALIP", "127.0.0.1", 1);
  setenv("TCPLOCALPORT", "25", 1);
  setenv("TCPLOCALHOST", "mail.test", 1);
  unsetenv("RELAYCLIENT");
}

static void compare(const char *name, double without, double with)
{
  printf("%-28s %9.3f %9.3f %9.3f\n", name, without, with, with / without);
}

static void alone(char **programs, int sessions)
{
  static const char *const names[] = { "first reply, median", "whole session, median", "CPU, median", "CPU, mean" };
  struct sample *samples[SIDES];
  double figures[SIDES][4];
  struct sockaddr_in address;
  int listener = listen_on_loopback(&address);
  int side, i;

  for (side = 0; side < SIDES; side++) {
    samples[side] = calloc((size_t)sessions, sizeof **samples);
    if (!samples[side]) die("calloc");
    for (i = 0; i < WARM_UP; i++) session(programs[side], listener, &address);
  }
  for (i = 0; i < sessions; i++)
    for (side = 0; side < SIDES; side++) samples[side][i] = session(programs[side], listener, &address);
  for (side = 0; side < SIDES; side++) summary(samples[side], sessions, figures[side]);
  for (i = 0; i < 4; i++) compare(names[i], figures[0][i], figures[1][i]);
}

static void under_tcpserver(char **programs, int sessions)
{
  int batches = (sessions + BATCH - 1) / BATCH;
  double *cost[SIDES];
  int side, i;

  for (side = 0; side < SIDES; side++) {
    cost[side] = calloc((size_t)batches, sizeof **cost);
    if (!cost[side]) die("calloc");
  }
  for (i = 0; i < batches; i++)
    for (side = 0; side < SIDES; side++) cost[side][i] = batch(programs[side]);
  compare("CPU with tcpserver, mean", mean(cost[0], batches), mean(cost[1], batches));
  compare("CPU with tcpserver, median", median(cost[0], batches), median(cost[1], batches));
}

int main(int argc, char **argv)
{
  int sessions = argc > 3 ? atoi(argv[3]) : SESSIONS_DEFAULT;
  if (argc < 3 || argc > 4 || sessions < 1 || sessions > SESSIONS_MAX) {
    fprintf(stderr, "usage: session-cost WITHOUT WITH [SESSIONS]\n");
    return 100;
  }
  tcpserver_variables();
  printf("%d sessions each, in ms          without      with     ratio\n", sessions);
  alone(argv + 1, sessions);
  under_tcpserver(argv + 1, sessions);
  return 0;
}
