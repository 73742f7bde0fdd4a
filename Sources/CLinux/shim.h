#ifndef POOLGATE_CLINUX_SHIM_H
#define POOLGATE_CLINUX_SHIM_H

#include <errno.h>
#include <linux/filter.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

// Names the calling thread, for those who look at it from outside (prctl(2)); at most 15 bytes count.
// Swift cannot call prctl, which is variadic.
static inline void poolgate_name_thread(const char *name) {
    prctl(PR_SET_NAME, name, 0, 0, 0);
}

// The columns of the terminal's window (ioctl_tty(2)); 0 where it is no terminal or does not know. Swift cannot call ioctl,
// which is variadic.
static inline int poolgate_terminal_columns(int descriptor) {
    struct winsize size;
    return ioctl(descriptor, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

// What the socket option SO_ATTACH_FILTER takes (socket(7)): the kernel's struct sock_fprog, with the address of the
// instructions as a number, so that Swift may hand the value from one thread to another.
typedef struct {
    unsigned short count;
    uintptr_t instructions;
} poolgate_socket_filter;

_Static_assert(sizeof(poolgate_socket_filter) == sizeof(struct sock_fprog), "a filter is laid out as the kernel reads it");
_Static_assert(
    offsetof(poolgate_socket_filter, count) == offsetof(struct sock_fprog, len)
        && offsetof(poolgate_socket_filter, instructions) == offsetof(struct sock_fprog, filter),
    "a filter is laid out as the kernel reads it");

// The filter for a listening TCP socket that drops every segment which asks for a new connection, and keeps all others.
// Its instructions live as long as the process does, and the kernel copies them when the filter is attached.
//
// The kernel hands the filter a segment from its TCP header on (RFC 9293, section 3.1): the flags stand in byte 13, and
// SYN is the bit of value 2.
static inline poolgate_socket_filter poolgate_filter_without_new_connections(void) {
    static const struct sock_filter instructions[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 13),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 2, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 0),
        BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
    };
    poolgate_socket_filter filter = {
        sizeof(instructions) / sizeof(instructions[0]),
        (uintptr_t)instructions,
    };
    return filter;
}

// What the socket option SO_LINGER takes (socket(7)), set so that closing the socket resets the connection. A type of our
// own, since more than one module declares the system's.
typedef struct {
    int is_on;
    int seconds;
} poolgate_linger;

_Static_assert(sizeof(poolgate_linger) == sizeof(struct linger), "lingering is laid out as the kernel reads it");
_Static_assert(
    offsetof(poolgate_linger, is_on) == offsetof(struct linger, l_onoff)
        && offsetof(poolgate_linger, seconds) == offsetof(struct linger, l_linger),
    "lingering is laid out as the kernel reads it");

static inline poolgate_linger poolgate_reset_on_close(void) {
    return (poolgate_linger){1, 0};
}

// Sends `text` as one datagram to the local socket at `path` (unix(7)), and does not wait where its receiver's queue is full.
// A path that begins with '@' names a socket in the abstract namespace, as in sd_notify(3). Returns 0, or the error's number.
// The whole call stands here, since more than one module declares the system's struct sockaddr_un.
static inline int poolgate_send_datagram(const char *path, size_t path_length, const char *text, size_t text_length) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    // A path in the file system ends with a zero byte, for which there must be room.
    if (path_length == 0 || path_length >= sizeof(address.sun_path)) return ENAMETOOLONG;
    memcpy(address.sun_path, path, path_length);
    if (path[0] == '@') address.sun_path[0] = 0;
    const int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return errno;
    const socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path_length);
    const ssize_t sent = sendto(
        descriptor, text, text_length, MSG_NOSIGNAL | MSG_DONTWAIT, (const struct sockaddr *)&address, length);
    const int error = sent < 0 ? errno : 0;
    close(descriptor);
    return error;
}

// The inodes of the TCP sockets of this family (AF_INET or AF_INET6) that listen on the port, as the kernel's socket
// diagnostics tell them (sock_diag(7)); at most `capacity` are written. Returns how many, or -1 where the kernel does not
// answer. Of /proc/net/tcp each read is a new walk, which passes over sockets where others close in between; here the
// kernel looks for the port itself, so that all that is found fits in one walk.
static inline int poolgate_listening_inodes(uint8_t family, uint16_t port, uint32_t *inodes, int capacity) {
    enum { tcp = 6, listening = 10, most_reads = 64 };
    const struct timeval patience = {1, 0};
    const uint8_t in_network_order[2] = {(uint8_t)(port >> 8), (uint8_t)port};
    uint16_t wanted;
    memcpy(&wanted, in_network_order, sizeof(wanted));
    struct {
        struct nlmsghdr head;
        struct inet_diag_req_v2 request;
    } question = {
        {sizeof(question), SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST | NLM_F_DUMP, 0, 0},
        {.sdiag_family = family, .sdiag_protocol = tcp, .idiag_states = 1 << listening, .id = {.idiag_sport = wanted}},
    };
    const int descriptor = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    if (descriptor < 0) return -1;
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    int found = send(descriptor, &question, sizeof(question), 0) == sizeof(question) ? 0 : -1;
    int is_done = found < 0;
    _Alignas(struct nlmsghdr) char answer[32768];
    for (int reads = 0; !is_done && reads < most_reads; reads++) {
        ssize_t length = recv(descriptor, answer, sizeof(answer), 0);
        if (length <= 0) break;
        const struct nlmsghdr *head = (const struct nlmsghdr *)answer;
        for (; NLMSG_OK(head, length); head = NLMSG_NEXT(head, length)) {
            if (head->nlmsg_type == NLMSG_ERROR) found = -1;
            is_done = head->nlmsg_type == NLMSG_ERROR || head->nlmsg_type == NLMSG_DONE;
            if (is_done) break;
            const struct inet_diag_msg *told = (const struct inet_diag_msg *)NLMSG_DATA(head);
            if (head->nlmsg_len < NLMSG_LENGTH(sizeof(*told))) continue;
            if (told->idiag_state == listening && told->id.idiag_sport == wanted && found < capacity) {
                inodes[found++] = told->idiag_inode;
            }
        }
    }
    close(descriptor);
    return is_done ? found : -1;
}

#endif
