// An ext_authz server that says yes at once: what Envoy's asking costs whoever answers.
//
//   ext-authz-yes PORT
//
// It speaks gRPC over HTTP/2 in clear, by libnghttp2: every call, whatever its path and message, is answered with an
// admitting CheckResponse that changes no header. One epoll loop; nothing is read of a message.
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <nghttp2/nghttp2.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS = 64, BUFFER = 65536 };

// A message of four bytes: an empty `status`, whose code 0 is OK, and an empty `ok_response`.
static const uint8_t admitted[] = { 0, 0, 0, 0, 4, 0x0A, 0, 0x1A, 0 };

#define FIELD(name, value) { (uint8_t *)(name), (uint8_t *)(value), sizeof(name) - 1, sizeof(value) - 1, 0 }
static const nghttp2_nv head[] = { FIELD(":status", "200"), FIELD("content-type", "application/grpc") };
static const nghttp2_nv trailer[] = { FIELD("grpc-status", "0") };

struct connection {
    int descriptor;
    nghttp2_session *session;
};

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static ssize_t read_message(
    nghttp2_session *session, int32_t stream, uint8_t *into, size_t room, uint32_t *flags, nghttp2_data_source *source,
    void *user) {
    (void)source, (void)user;
    if (room < sizeof admitted) return NGHTTP2_ERR_CALLBACK_FAILURE;
    memcpy(into, admitted, sizeof admitted);
    *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
    return nghttp2_submit_trailer(session, stream, trailer, 1) ? NGHTTP2_ERR_CALLBACK_FAILURE : (ssize_t)sizeof admitted;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user) {
    (void)user;
    if (frame->hd.type != NGHTTP2_DATA && frame->hd.type != NGHTTP2_HEADERS) return 0;
    if (!(frame->hd.flags & NGHTTP2_FLAG_END_STREAM)) return 0;
    nghttp2_data_provider provider = { .read_callback = read_message };
    return nghttp2_submit_response(session, frame->hd.stream_id, head, 2, &provider);
}

static int flush(struct connection *connection) {
    static uint8_t out[BUFFER];
    size_t held = 0;
    for (;;) {
        const uint8_t *bytes;
        ssize_t count = nghttp2_session_mem_send(connection->session, &bytes);
        if (count < 0) return 0;
        int is_last = count == 0;
        if (is_last || held + (size_t)count > sizeof out) {
            for (size_t sent = 0; sent < held;) {
                ssize_t taken = send(connection->descriptor, out + sent, held - sent, MSG_NOSIGNAL);
                if (taken >= 0) { sent += (size_t)taken; continue; }
                if (errno != EAGAIN) return 0;
                poll(&(struct pollfd){ .fd = connection->descriptor, .events = POLLOUT }, 1, -1);
            }
            held = 0;
        }
        if (is_last) return 1;
        memcpy(out + held, bytes, (size_t)count);
        held += (size_t)count;
    }
}

static void end(struct connection *connection) {
    close(connection->descriptor);
    nghttp2_session_del(connection->session);
    free(connection);
}

static void readable(struct connection *connection) {
    static uint8_t in[BUFFER];
    ssize_t count = recv(connection->descriptor, in, sizeof in, 0);
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0 || nghttp2_session_mem_recv(connection->session, in, (size_t)count) != count || !flush(connection))
        end(connection);
}

static void accepted(int poll_descriptor, int descriptor, nghttp2_session_callbacks *callbacks) {
    int yes = 1;
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    struct connection *made = calloc(1, sizeof *made);
    if (!made || nghttp2_session_server_new(&made->session, callbacks, made)) fail("nghttp2_session_server_new");
    made->descriptor = descriptor;
    nghttp2_submit_settings(made->session, NGHTTP2_FLAG_NONE, NULL, 0);
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = made };
    if (epoll_ctl(poll_descriptor, EPOLL_CTL_ADD, descriptor, &event)) fail("epoll_ctl");
    if (!flush(made)) end(made);
}

int main(int count, char **words) {
    if (count != 2) return fprintf(stderr, "usage: ext-authz-yes PORT\n"), 64;
    nghttp2_session_callbacks *callbacks;
    if (nghttp2_session_callbacks_new(&callbacks)) fail("nghttp2_session_callbacks_new");
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(words[1])) };
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 128)) fail("listen");
    int poll_descriptor = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = NULL }, events[EVENTS];
    if (epoll_ctl(poll_descriptor, EPOLL_CTL_ADD, listener, &event)) fail("epoll_ctl");
    for (;;) {
        int ready = epoll_wait(poll_descriptor, events, EVENTS, -1);
        for (int place = 0; place < ready; place++) {
            if (events[place].data.ptr) readable(events[place].data.ptr);
            else {
                int descriptor = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
                if (descriptor >= 0) accepted(poll_descriptor, descriptor, callbacks);
            }
        }
    }
}
