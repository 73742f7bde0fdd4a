import Glibc

/// A user of the system that Postgres' programs are run as.
struct RunUser: Sendable {
    let userID: uid_t
    let groupID: gid_t
}
