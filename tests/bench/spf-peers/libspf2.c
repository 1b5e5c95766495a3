/* How fast is libspf2, used as a library by one lasting process? `bench-spf` builds and runs this.
 *
 *   peer-libspf2 ADDRESS PORT QUERIES RESULTS cold|warm
 *
 * QUERIES has a line for each query: client address, HELO name and sender, with tabs between them. RESULTS gets a line for
 * each: the result's word. Printed is a line for each kind of pass: its name, evaluations, nanoseconds, nanoseconds of
 * processor time. "cold" has a new server, so an empty cache, for each evaluation; making it is not measured. "warm" keeps
 * one: the pass that fills the cache is "first"; the passes after it are "warm".
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <netinet/in.h>
#include <resolv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <spf2/spf.h>
#include <spf2/spf_dns_cache.h>
#include <spf2/spf_dns_resolv.h>

#define QUERIES_MAX 100000
/* The library's own choice is 8; it has room for 2^bits answers, and ours would not fit. */
#define CACHE_BITS 15
/* Warm passes are repeated until so much time has gone by. */
#define WARM_NS 500000000LL

struct query { char *ip, *helo, *sender; const char *result; };
struct times { long long evaluations, wall, cpu; };

static struct sockaddr_in dns_server;

/* libspf2 reads resolv.conf, which has no ports. The program's symbols come before those of the C library: this stands in
 * for `res_ninit` and puts our server in the place of those found. */
int __res_ninit(res_state state)
{
    int (*real)(res_state) = (int (*)(res_state))dlsym(RTLD_NEXT, "__res_ninit");
    int status = real ? real(state) : -1;
    state->nscount = 1;
    state->nsaddr_list[0] = dns_server;
    return status;
}

static void die(const char *what)
{
    fprintf(stderr, "peer-libspf2: %s\n", what);
    exit(1);
}

static long long now(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static struct query *read_queries(const char *path, int *count)
{
    static struct query queries[QUERIES_MAX];
    char *line = NULL;
    size_t size = 0;
    FILE *file = fopen(path, "r");
    if (!file) die("cannot read the queries");
    for (*count = 0; *count < QUERIES_MAX && getline(&line, &size, file) > 0; ++*count) {
        char *rest = strdup(line);
        rest[strcspn(rest, "\n")] = 0;
        struct query *query = &queries[*count];
        query->ip = strsep(&rest, "\t");
        query->helo = strsep(&rest, "\t");
        query->sender = rest ? rest : "";
    }
    fclose(file);
    return queries;
}

static SPF_server_t *new_server(void)
{
    SPF_dns_server_t *resolver = SPF_dns_resolv_new(NULL, NULL, 0);
    SPF_dns_server_t *cache = SPF_dns_cache_new(resolver, NULL, 0, CACHE_BITS);
    SPF_server_t *server = cache ? SPF_server_new_dns(cache, 0) : NULL;
    if (!server) die("no server");
    /* The server frees its layers. */
    server->destroy_resolver = 1;
    SPF_server_set_rec_dom(server, "mx.ours.example");
    return server;
}

static void evaluate(SPF_server_t *server, struct query *query)
{
    SPF_response_t *response = NULL;
    SPF_request_t *request = SPF_request_new(server);
    if (strchr(query->ip, ':')) SPF_request_set_ipv6_str(request, query->ip);
    else SPF_request_set_ipv4_str(request, query->ip);
    SPF_request_set_helo_dom(request, query->helo);
    if (*query->sender) SPF_request_set_env_from(request, query->sender);
    SPF_request_query_mailfrom(request, &response);
    /* The words are constants of the library. */
    query->result = SPF_strresult(SPF_response_result(response));
    SPF_response_free(response);
    SPF_request_free(request);
}

static struct times pass(SPF_server_t *server, struct query *queries, int count)
{
    struct times times = {count, now(CLOCK_MONOTONIC), now(CLOCK_PROCESS_CPUTIME_ID)};
    for (int at = 0; at < count; at++) evaluate(server, &queries[at]);
    times.wall = now(CLOCK_MONOTONIC) - times.wall;
    times.cpu = now(CLOCK_PROCESS_CPUTIME_ID) - times.cpu;
    return times;
}

static void add(struct times *sum, struct times more)
{
    sum->evaluations += more.evaluations;
    sum->wall += more.wall;
    sum->cpu += more.cpu;
}

static void print(const char *kind, struct times times)
{
    printf("%s %lld %lld %lld\n", kind, times.evaluations, times.wall, times.cpu);
}

static void cold(struct query *queries, int count)
{
    struct times sum = {0};
    for (int at = 0; at < count; at++) {
        SPF_server_t *server = new_server();
        add(&sum, pass(server, &queries[at], 1));
        SPF_server_free(server);
    }
    print("cold", sum);
}

static void warm(struct query *queries, int count)
{
    struct times sum = {0};
    SPF_server_t *server = new_server();
    print("first", pass(server, queries, count));
    while (sum.wall < WARM_NS) add(&sum, pass(server, queries, count));
    print("warm", sum);
    SPF_server_free(server);
}

int main(int argc, char **argv)
{
    int count;
    if (argc != 6) die("usage: peer-libspf2 ADDRESS PORT QUERIES RESULTS cold|warm");
    dns_server.sin_family = AF_INET;
    dns_server.sin_port = htons(atoi(argv[2]));
    if (inet_pton(AF_INET, argv[1], &dns_server.sin_addr) != 1) die("no IPv4 address");
    struct query *queries = read_queries(argv[3], &count);
    if (count == 0) die("no queries");
    if (strcmp(argv[5], "cold") == 0) cold(queries, count);
    else warm(queries, count);
    FILE *results = fopen(argv[4], "w");
    if (!results) die("cannot write the results");
    for (int at = 0; at < count; at++) fprintf(results, "%s\n", queries[at].result);
    return fclose(results);
}
