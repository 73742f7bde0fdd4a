package import Gatekeeper
import JOSE
import Platform

/// Keeps the signing keys as the folder has them: looks at it once a second, publishes what changed, and says so.
package actor SigningKeyWatch {
    private let folder: SigningKeyFolder
    private let issuer: String
    private let publish: @Sendable (AssertionKeys) -> Void
    private let observe: Observe
    private var choice: SigningKeyChoice
    private var files: [SigningKeyFolder.File] = []
    /// What was said last of files that give no key, and of the folder, so that nothing is said twice.
    private var told: [String: SigningKeyFlaw] = [:]
    private var toldFolder: SigningKeyFlaw?
    /// The `kid`s that were published last, that of the key that signs first; nil before anything was.
    private var shown: (signing: String?, published: [String])?

    /// Watches `folder`; what it holds is given to `publish` in the name of `issuer`.
    package init(
        folder: String, issuer: String, delaySeconds: Int64,
        publish: @escaping @Sendable (AssertionKeys) -> Void, observe: @escaping Observe
    ) {
        self.folder = SigningKeyFolder(folder)
        self.issuer = issuer
        self.publish = publish
        self.observe = observe
        choice = SigningKeyChoice(delaySeconds: delaySeconds)
    }

    /// Looks again and again, until the task is cancelled.
    package func run() async {
        while (try? await Task.sleep(for: Limits.signingKeyPause)) != nil { await look() }
    }

    /// Looks at the folder. Where it cannot be listed, its files are those that were read before.
    package func look() async {
        let (folder, known) = (folder, files)
        let read = await DetachedThread.run("poolgate-sign") {
            () -> Result<[SigningKeyFolder.File], SigningKeyFlaw> in
            do throws(SigningKeyFlaw) { return .success(try folder.files(known: known)) } catch {
                return .failure(error)
            }
        }
        switch read {
        case nil: break
        case .failure(let flaw):
            if toldFolder != flaw { observe(.signingKeysLost(folder: folder.path, flaw)) }
            toldFolder = flaw
        case .success(let found):
            toldFolder = nil
            files = found
            tell(found)
            _ = choice.take(found, at: .now)
        }
        let outcome = choice.outcome(at: .now)
        let ids = (signing: outcome.signing?.keyID, published: outcome.published.map(\.keyID))
        if let shown, shown == ids { return }
        shown = ids
        publish(AssertionKeys(issuer: issuer, signing: outcome.signing, published: outcome.published))
        observe(.signingKeys(folder: folder.path, signing: ids.signing, published: ids.published))
    }

    private func tell(_ files: [SigningKeyFolder.File]) {
        var flaws: [String: SigningKeyFlaw] = [:]
        for file in files {
            guard case .failure(let flaw) = file.key else { continue }
            flaws[file.name] = flaw
            if told[file.name] != flaw { observe(.signingKeyRefused(file: file.name, flaw)) }
        }
        told = flaws
    }
}
