import ControlPlane
import Foundation
import Gatekeeper
import HTTPTypes
import Hummingbird
import JOSE
import NIOCore

/// Responds to the admin port's requests.
struct AdminResponder: HTTPResponder {
    typealias Context = AdminContext

    let access: AdminAccess
    let sessions: AdminSessions
    let state: GatewayState
    let page: StatusPage
    let events: EventHub
    let refresh: @Sendable (PoolName) async -> (status: PoolStatus, withdrawn: [KeyID])?
    let metrics: MetricsEndpoint
    let wrongTokens = WrongTokens()
    let log: LogWriter
    /// The keys that assertions are verified by, as JSON; nil where the gateway sends none.
    let keySet: @Sendable () -> [UInt8]?

    func respond(to request: Request, context: Context) async throws -> Response {
        let target = request.head.path ?? "/"
        let path = String(target.prefix { $0 != "?" })
        let ids = AdminSessions.ids(in: request.headers[.cookie])
        let head = AdminAccess.RequestHead(
            method: request.method.rawValue, path: path, host: host(of: request),
            origin: request.headers[.origin], authorization: request.headers[.authorization],
            hasSession: sessions.has(ids, at: .now), isBraked: wait(of: context) != nil,
            fetchSite: field("Sec-Fetch-Site", of: request), fetchMode: field("Sec-Fetch-Mode", of: request))
        var response: Response
        switch access.judge(head) {
        case .page(let page):
            response = await self.response(page, request, target.dropFirst(path.count + 1), context)
        case .refused(let refusal):
            if refusal == .tokenNeeded, head.authorization != nil { note(.header, context) }
            response = self.refused(refusal, path, request)
            if refusal == .tooManyTokens { response.headers[.retryAfter] = retryAfter(context) }
        }
        for field in AdminHeaders.all where response.headers[field.name] == nil {
            response.headers[field.name] = field.value
        }
        // Without `Host` the request is HTTP/1.0, whose response ends with the connection.
        if head.host ?? "" == "" { response.headers[.connection] = "close" }
        return request.method == .head
            ? Response(status: response.status, headers: response.headers) : response
    }

    private func response(
        _ page: AdminAccess.Page, _ request: Request, _ query: Substring, _ context: Context
    ) async -> Response {
        switch page {
        case .live: return json(.ok, ["status": "live"])
        case .ready:
            let report = state.readyReport
            return json(report.reason == nil ? .ok : .serviceUnavailable, report)
        case .status:
            guard let query = StatusQuery(query: query) else {
                return json(.badRequest, ["error": "bad_query"])
            }
            return json(.ok, state.report(query, replicas: await self.page.database.replicasKnown()))
        case .metrics: return await metrics.response(accept: request.headers[.accept])
        case .events: return eventStream(request, query: query)
        case .assertionKeys: return assertionKeys()
        case .refresh(let pool): return await refreshed(pool)
        case .overview:
            return html(await self.page.overview(FormFields(query.utf8)))
        case .tenant(let host): return html(await self.page.tenant(host))
        case .explain(let host):
            guard let form = await form(request) else {
                return json(.contentTooLarge, ["error": "form_too_large"])
            }
            return html(await self.page.explanation(host, form))
        case .asset(let name):
            guard let asset = PageAsset.all.first(where: { $0.name == name }) else {
                return json(.notFound, ["error": AdminAccess.Refusal.notFound.rawValue])
            }
            return Response(
                status: .ok, headers: [.contentType: asset.type, .cacheControl: AdminHeaders.keptForGood],
                body: ResponseBody(byteBuffer: ByteBuffer(string: asset.text)))
        case .signIn: return await signIn(request, context)
        case .signOut: return signOut(request)
        }
    }

    private func refused(_ refusal: AdminAccess.Refusal, _ path: String, _ request: Request) -> Response {
        let status = HTTPResponse.Status(code: refusal.status)
        let isRead = request.method == .get || request.method == .head
        var response =
            refusal == .tokenNeeded && isRead && AdminAccess.page(at: path)?.isForPeople == true
            ? html(status, SignInPage(frame: page.frame, notice: nil).document)
            : json(status, ["error": refusal.rawValue])
        if refusal == .tokenNeeded {
            response.headers[.wwwAuthenticate] = "Bearer realm=\"poolgate admin\""
        }
        if refusal == .methodNotAllowed, let methods = AdminAccess.methods(of: path) {
            response.headers[.allow] = methods.joined(separator: ", ")
        }
        return response
    }

    private func assertionKeys() -> Response {
        guard let keySet = keySet() else {
            return json(.notFound, ["error": AdminAccess.Refusal.notFound.rawValue])
        }
        return Response(
            status: .ok, headers: [.contentType: "application/json", .cacheControl: KeySetCaching.value],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: keySet)))
    }

    private func refreshed(_ pool: PoolName) async -> Response {
        guard let (status, withdrawn) = await refresh(pool) else {
            return json(.notFound, ["error": "pool_not_served"])
        }
        var shown = StatusReport.Pool(status, now: .now, state.withdrawnKeys)
        shown.withdrawn = withdrawn.map(\.description)
        return json(.ok, shown)
    }

    /// Begins a stream of events, which ends with the connection or with the gateway.
    private func eventStream(_ request: Request, query: Substring) -> Response {
        guard let filter = EventFilter(query: query) else {
            return json(.badRequest, ["error": "bad_query"])
        }
        guard events.hasRoom else {
            var response = json(.serviceUnavailable, ["error": "too_many_listeners"])
            response.headers[.retryAfter] = "5"
            return response
        }
        // The listener begins where the body is written, so that it also ends there, whatever becomes of the connection.
        let body = ResponseBody { [events, state] writer in
            guard let listener = events.listen(to: filter.tenant, last: filter.last, summary: state.summary)
            else { return try await writer.finish(nil) }
            defer { events.leave(listener) }
            try await request.body.consumeWithInboundCloseHandler { _ in
                var stream = EventStream(listener)
                while let bytes = await stream.next() { try await writer.write(ByteBuffer(bytes: bytes)) }
            } onInboundClosed: {
                listener.end()
            }
            try await writer.finish(nil)
        }
        return Response(status: .ok, headers: [.contentType: "text/event-stream"], body: body)
    }

    // MARK: Signing in

    private func signIn(_ request: Request, _ context: Context) async -> Response {
        guard let token = access.token else { return seeOther(.overview) }
        guard request.method == .post else {
            return html(.ok, SignInPage(frame: page.frame, notice: nil).document)
        }
        let given = await form(request)?["token"]
        guard wait(of: context) == nil else {
            var response = html(
                .tooManyRequests, SignInPage(frame: page.frame, notice: .tooMany).document)
            response.headers[.retryAfter] = retryAfter(context)
            return response
        }
        guard let given, token.matches(Array(given.utf8)) else {
            note(.form, context)
            return html(.forbidden, SignInPage(frame: page.frame, notice: .wrong).document)
        }
        var response = seeOther(.overview)
        response.headers[.setCookie] = AdminSessions.cookie(
            sessions.begin(at: .now), isSecure: isSecure(request))
        return response
    }

    /// How long no token of this client is looked at; nil where the next one is.
    private func wait(of context: Context) -> Duration? {
        wrongTokens.wait(of: WrongTokens.Source(context.address), at: .now)
    }

    private func retryAfter(_ context: Context) -> String {
        String((wait(of: context)?.components.seconds ?? 0) + 1)
    }

    /// Takes a wrong token into account, and tells the log.
    private func note(_ place: WrongTokens.Place, _ context: Context) {
        guard let untold = wrongTokens.note(from: WrongTokens.Source(context.address), at: .now) else {
            return
        }
        log.write(Observer.wrongAdminToken(in: place, from: context.address, untold: untold))
    }

    private func signOut(_ request: Request) -> Response {
        sessions.end(AdminSessions.ids(in: request.headers[.cookie]))
        var response = seeOther(.signIn)
        response.headers[.setCookie] = AdminSessions.cookie(nil, isSecure: isSecure(request))
        return response
    }

    /// Whether the browser came by TLS, which something before this port ends. A POST's `Origin` says so.
    private func isSecure(_ request: Request) -> Bool {
        request.headers[.origin]?.lowercased().hasPrefix("https://") == true
    }

    // MARK: Messages

    /// `Host`; of two, which RFC 9112 §3.2 forbids, both as a list, which is the name of no host.
    private func host(of request: Request) -> String? {
        guard let second = field("Host", of: request) else { return request.head.authority }
        return "\(request.head.authority ?? ""), \(second)"
    }

    private func field(_ name: String, of request: Request) -> String? {
        HTTPField.Name(name).flatMap { request.headers[$0] }
    }

    /// The fields of the request's form; nil where it is too large.
    private func form(_ request: Request) async -> FormFields? {
        guard let body = try? await request.body.collect(upTo: Limits.formBytes) else { return nil }
        return FormFields(body.readableBytesView)
    }

    private func seeOther(_ link: PageLink) -> Response {
        Response(status: .seeOther, headers: [.location: link.description])
    }

    private func html(_ outcome: StatusPage.Outcome) -> Response {
        switch outcome {
        case .page(let page): return html(.ok, page)
        case .noSuchTenant: return html(.notFound, NoticePage.noSuchTenant(page.frame))
        case .busy:
            var response = html(.serviceUnavailable, NoticePage.busy(page.frame))
            response.headers[.retryAfter] = String(Limits.busySeconds)
            return response
        }
    }

    private func html(_ status: HTTPResponse.Status, _ page: HTML) -> Response {
        Response(
            status: status, headers: [.contentType: "text/html; charset=utf-8"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: page.bytes)))
    }

    private func json(_ status: HTTPResponse.Status, _ value: some Encodable) -> Response {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(value) else { return Response(status: .internalServerError) }
        var bytes = ByteBuffer()
        bytes.writeBytes(data)
        bytes.writeStaticString("\n")
        return Response(
            status: status, headers: [.contentType: "application/json"], body: ResponseBody(byteBuffer: bytes)
        )
    }
}
