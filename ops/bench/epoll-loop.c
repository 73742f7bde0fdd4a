// The floor of a proxy: one epoll loop that passes requests to an upstream as they came, and responses back.
//
//   epoll-loop LISTEN-PORT UPSTREAM-PORT
//
// It does what no HTTP/1.1 proxy can leave out, and nothing else: accept, find the end of a request's head, send it to a
// kept-alive connection of the upstream, find where the response ends by its Content-Length, send it to the client. It reads
// no field but that one, rewrites nothing, verifies nothing, has no clock, and takes no request body. What a request costs
// here is two reads, two writes and its share of an epoll_wait.
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS = 256, BUFFER = 65536 };

// A client holds an upstream connection only while its request is under way; idle ones wait in a stack, as in nginx's
// `keepalive`.
struct connection {
    int descriptor;
    struct connection *other;     // the client of a busy upstream connection, and the reverse; none where idle
    struct connection *next_idle;
    int is_upstream;
    long missing;                 // bytes of the response that are still to come; -1 while its head is
    size_t held;                  // bytes of an unfinished head
    char buffer[BUFFER];
};

static int poll_descriptor;
static struct sockaddr_in upstream_address;
static struct connection *idle, *dead;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static struct sockaddr_in loopback(int port) {
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

static struct connection *watch(int descriptor, int is_upstream) {
    int yes = 1;
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    struct connection *made = malloc(sizeof *made);
    if (!made) fail("malloc");
    *made = (struct connection){ .descriptor = descriptor, .is_upstream = is_upstream };
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = made };
    if (epoll_ctl(poll_descriptor, EPOLL_CTL_ADD, descriptor, &event)) fail("epoll_ctl");
    return made;
}

static struct connection *upstream(void) {
    if (idle) {
        struct connection *taken = idle;
        idle = taken->next_idle;
        return taken;
    }
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0 || connect(descriptor, (struct sockaddr *)&upstream_address, sizeof upstream_address)) fail("connect");
    return watch(descriptor, 1);
}

// Freed after the events of one epoll_wait, of which a later one may name it.
static void bury(struct connection *connection) {
    close(connection->descriptor);
    connection->descriptor = -1;
    connection->next_idle = dead;
    dead = connection;
}

static void drop(struct connection *connection) {
    if (connection->descriptor < 0) return;
    if (connection->other) bury(connection->other);
    for (struct connection **place = &idle; *place; place = &(*place)->next_idle)
        if (*place == connection) {
            *place = connection->next_idle;
            break;
        }
    bury(connection);
}

// What a benchmark sends fits a socket's buffer; a peer that takes less is none that this serves.
static int send_whole(struct connection *to, const char *bytes, size_t count) {
    return send(to->descriptor, bytes, count, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)count;
}

static const char *head_end(const char *bytes, size_t count) {
    const char *found = memmem(bytes, count, "\r\n\r\n", 4);
    return found ? found + 4 : NULL;
}

static long content_length(const char *head, const char *end) {
    for (const char *line = head; line < end;) {
        const char *next = memchr(line, '\n', end - line);
        if (!next) break;
        if (next - line > 15 && !strncasecmp(line, "Content-Length:", 15)) return strtol(line + 15, NULL, 10);
        line = next + 1;
    }
    return -1;
}

static void from_client(struct connection *client, size_t count) {
    client->held += count;
    if (client->other) return drop(client);  // it does not wait for its response
    const char *end = head_end(client->buffer, client->held);
    if (!end) return client->held == BUFFER ? drop(client) : (void)0;
    if (end != client->buffer + client->held) return drop(client);  // a body, or a second request
    struct connection *to = upstream();
    to->other = client, client->other = to, to->missing = -1, to->held = 0;
    if (!send_whole(to, client->buffer, client->held)) return drop(client);
    client->held = 0;
}

static void from_upstream(struct connection *from, size_t count) {
    struct connection *client = from->other;
    if (!client) return drop(from);
    from->held += count;
    if (from->missing < 0) {
        const char *end = head_end(from->buffer, from->held);
        if (!end) return from->held == BUFFER ? drop(from) : (void)0;
        long length = content_length(from->buffer, end);
        if (length < 0) return drop(from);
        from->missing = (end - from->buffer) + length;
    }
    if (!send_whole(client, from->buffer, from->held)) return drop(from);
    from->missing -= from->held, from->held = 0;
    if (from->missing < 0) return drop(from);
    if (from->missing > 0) return;
    from->other = client->other = NULL;
    from->next_idle = idle, idle = from;
}

int main(int count, char **words) {
    if (count != 3) return fprintf(stderr, "usage: epoll-loop LISTEN-PORT UPSTREAM-PORT\n"), 2;
    int yes = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_in own = loopback(atoi(words[1]));
    upstream_address = loopback(atoi(words[2]));
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(listener, (struct sockaddr *)&own, sizeof own) || listen(listener, 4096)) fail("listen");
    poll_descriptor = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = { .events = EPOLLIN }, events[EVENTS];
    if (epoll_ctl(poll_descriptor, EPOLL_CTL_ADD, listener, &event)) fail("epoll_ctl");
    for (;;) {
        int ready = epoll_wait(poll_descriptor, events, EVENTS, -1);
        if (ready < 0 && errno != EINTR) fail("epoll_wait");
        for (int number = 0; number < ready; number++) {
            struct connection *connection = events[number].data.ptr;
            if (!connection) {
                int accepted = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
                if (accepted >= 0) watch(accepted, 0);
                continue;
            }
            if (connection->descriptor < 0) continue;
            ssize_t received = recv(connection->descriptor, connection->buffer + connection->held,
                                    BUFFER - connection->held, MSG_DONTWAIT);
            if (received < 0 && (errno == EAGAIN || errno == EINTR)) continue;
            if (received <= 0) drop(connection);
            else if (connection->is_upstream) from_upstream(connection, received);
            else from_client(connection, received);
        }
        while (dead) {
            struct connection *next = dead->next_idle;
            free(dead);
            dead = next;
        }
    }
}
