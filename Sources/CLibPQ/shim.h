#ifndef POOLGATE_CLIBPQ_SHIM_H
#define POOLGATE_CLIBPQ_SHIM_H

#include <fcntl.h>
#include <libpq-fe.h>
#include <unistd.h>

// libpq's codes of an error report's fields are character macros, which Swift does not import.
enum {
    POOLGATE_DIAG_SQLSTATE = PG_DIAG_SQLSTATE,
    POOLGATE_DIAG_SEVERITY = PG_DIAG_SEVERITY_NONLOCALIZED,
    POOLGATE_DIAG_MESSAGE_PRIMARY = PG_DIAG_MESSAGE_PRIMARY,
    POOLGATE_DIAG_MESSAGE_DETAIL = PG_DIAG_MESSAGE_DETAIL,
    POOLGATE_DIAG_MESSAGE_HINT = PG_DIAG_MESSAGE_HINT,
    POOLGATE_DIAG_SOURCE_FUNCTION = PG_DIAG_SOURCE_FUNCTION
};

// A pipe whose ends neither block nor pass to child processes. Swift cannot call the variadic fcntl, and pipe2
// hides behind _GNU_SOURCE.
static inline int poolgate_wake_pipe(int ends[2]) {
    if (pipe(ends) != 0) return -1;
    for (int end = 0; end < 2; end++) {
        if (fcntl(ends[end], F_SETFD, FD_CLOEXEC) != 0 || fcntl(ends[end], F_SETFL, O_NONBLOCK) != 0) {
            close(ends[0]);
            close(ends[1]);
            return -1;
        }
    }
    return 0;
}

#endif
