/* The library takes nothing from the heap, at open or later, and works or fails open when there is none left.
 * Linked with --wrap for malloc, calloc, realloc and mmap. */
#define _XOPEN_SOURCE 700
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "check.h"
#include "tollgate.h"

static int is_counting;
static int taken;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset);

void *__wrap_malloc(size_t size)
{
    taken += is_counting;
    return is_counting ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    taken += is_counting;
    return is_counting ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    taken += is_counting;
    return is_counting ? NULL : __real_realloc(old, size);
}

void *__wrap_mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset)
{
    taken += is_counting;
    return is_counting ? MAP_FAILED : __real_mmap(address, length, protection, flags, fd, offset);
}

/* From here on the system gives no page to anybody. */
static void exhaust(void)
{
    struct rlimit none = {1, RLIM_INFINITY};
    CHECK(getrlimit(RLIMIT_AS, &none) == 0);
    none.rlim_cur = 1;
    CHECK(setrlimit(RLIMIT_AS, &none) == 0);
}

int main(void)
{
    /* A reject, 550 "no". */
    static const char no[] = "\x08\x02\x10\xa6\x04\x22\x02no";
    setenv("TOLLGATE_FAILURE_FILE", "", 1);
    serve(ANSWERING, no, sizeof no - 1);
    is_counting = 1;
    for (int round = 0; round < 3; round++) {
        /* First with memory, then exhausted in mid-session, then from the start. */
        CHECK(strcmp(tollgate_connect(), "550 no\r\n") == 0);
        if (round == 1) exhaust();
        CHECK(strcmp(tollgate_mail("a", NULL), "550 no\r\n") == 0);
        CHECK(strcmp(tollgate_rcpt("a", 1), "550 no\r\n") == 0);
        tollgate_close(1);
    }
    is_counting = 0;
    end_server();
    is_counting = 1;
    CHECK(tollgate_connect() == NULL);
    CHECK(tollgate_rcpt("a", 1) == NULL);
    tollgate_close(0);
    CHECK(taken == 0);
    return 0;
}
