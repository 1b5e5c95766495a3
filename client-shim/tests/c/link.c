/* The smallest program that reaches everything: it links only if no panic can be reached. */
#include "tollgate.h"

int main(int count, char **arguments)
{
    const char *text = arguments[0];
    tollgate_set(count, text);
    tollgate_recipient(count);
    tollgate_count(1);
    tollgate_queued(1, text);
    tollgate_rset();
    tollgate_close(count);
    return tollgate_connect() || tollgate_helo(text, 1) || tollgate_mail(text, text) || tollgate_rcpt(text, 1) ||
           tollgate_data() || tollgate_answered() || *tollgate_headers() || *tollgate_version() != '0';
}
