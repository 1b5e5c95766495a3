/* The smallest program that reaches everything: it links only if no panic can be reached. */
#include "tollgate.h"

static void put(void *to, const char *bytes, unsigned long length)
{
    *(unsigned long *)to += length + (bytes == 0);
}

int main(int count, char **arguments)
{
    const char *text = arguments[0];
    unsigned long length = 0;
    tollgate_filter(text, 1, put, &length);
    tollgate_filter_end(put, &length);
    tollgate_set(count, text);
    tollgate_recipient(count);
    tollgate_count(1);
    tollgate_queued(1, text);
    tollgate_rset();
    tollgate_close(count);
    return tollgate_connect() || tollgate_helo(text, 1) || tollgate_mail(text, text) || tollgate_rcpt(text, 1) ||
           tollgate_data() || tollgate_answered() || *tollgate_headers() || tollgate_is_forged(text) ||
           *tollgate_spf_result() || length || *tollgate_version() != '0';
}
