import Foundation
import Glibc
import Platform
import Testing

@Suite struct DetachedThreadTests {
    @Test("Work on a thread of its own gives its value back")
    func value() async {
        let caller = pthread_self()
        let thread = await DetachedThread.run("poolgate-test") { pthread_self() }
        #expect(thread != nil)
        #expect(thread != caller)
    }

    @Test("A thread carries its name")
    func name() async {
        let name = await DetachedThread.run("poolgate-test") {
            try? String(contentsOfFile: "/proc/thread-self/comm", encoding: .utf8)
        }
        #expect(name == "poolgate-test\n")
    }

    @Test("A thread takes no signal but those of its own faults, and its starter takes what it took before")
    func signals() async {
        let before = blockedSignals()
        let blocked = await DetachedThread.run("poolgate-test") { blockedSignals() }
        #expect(blocked?.isSuperset(of: [SIGTERM, SIGINT, SIGHUP, SIGPIPE, SIGCHLD]) == true)
        #expect(blocked?.isDisjoint(with: [SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT]) == true)
        #expect(DetachedThread.start("poolgate-test") {})
        #expect(blockedSignals() == before)
    }
}

/// The signals below the real-time ones that this thread does not take.
private func blockedSignals() -> Set<Int32> {
    var blocked = sigset_t()
    pthread_sigmask(SIG_BLOCK, nil, &blocked)
    return Set((1..<32).filter { sigismember(&blocked, $0) == 1 })
}
