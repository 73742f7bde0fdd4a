// swift-tools-version: 6.2
import PackageDescription

/// What every target of ours is compiled with: Swift 6 mode, no warning tolerated.
let house: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

/// The pure targets know no existential either: no I/O, no clock and no task hides behind one.
let pure: [SwiftSetting] = house + [.treatWarning("ExistentialType", as: .error)]

let package = Package(
    name: "poolgate",
    products: [
        .executable(name: "poolgate", targets: ["Gateway"]),
        .executable(name: "stand-in-pool", targets: ["StandInPool"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0", traits: ["YAML"]),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        // For tests and measurements alone; no program of ours is linked with it.
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2", traits: []),
    ],
    targets: [
        // System libraries.
        .systemLibrary(name: "COpenSSL", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CLinux"),
        .systemLibrary(name: "CLibPQ", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .systemLibrary(name: "CLibCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .systemLibrary(name: "CNGHTTP2", pkgConfig: "libnghttp2", providers: [.apt(["libnghttp2-dev"])]),

        // Pure: no I/O, no clock, no tasks.
        .target(name: "JOSE", dependencies: ["COpenSSL"], swiftSettings: pure),
        .target(name: "HTTPMessage", swiftSettings: pure),
        .target(
            name: "Gatekeeper",
            dependencies: [
                "HTTPMessage", "JOSE", .product(name: "HashTreeCollections", package: "swift-collections"),
            ],
            swiftSettings: pure),
        .target(name: "HTTP1", dependencies: ["COpenSSL", "HTTPMessage"], swiftSettings: pure),
        .target(name: "HTTP2", dependencies: ["CNGHTTP2", "HTTPMessage"], swiftSettings: pure),
        .target(name: "ExternalAuthorization", dependencies: ["HTTPMessage"], swiftSettings: pure),

        // What the system gives and Swift's own library does not: the wall clock, threads for work that blocks.
        .target(name: "Platform", dependencies: ["CLinux"], swiftSettings: house),

        // Control plane: actors that keep snapshots fresh.
        .target(name: "Postgres", dependencies: ["CLibPQ", "Platform"], swiftSettings: house),
        .target(
            name: "ControlPlane", dependencies: ["Gatekeeper", "JOSE", "Platform", "Postgres", "CLibCurl"],
            swiftSettings: house),

        // Data plane: event loops that move requests.
        .target(
            name: "DataPlane",
            dependencies: [
                "CLinux", "ExternalAuthorization", "Gatekeeper", "HTTP1", "HTTP2", "HTTPMessage", "Platform",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "NIOTLS", package: "swift-nio"),
            ],
            swiftSettings: house),

        .executableTarget(
            name: "Gateway",
            dependencies: [
                "ControlPlane", "DataPlane", "Gatekeeper", "HTTPMessage", "JOSE", "Platform",
                "Postgres",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Configuration", package: "swift-configuration"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
                .product(name: "Subprocess", package: "swift-subprocess"),
            ],
            swiftSettings: house),
        .executableTarget(
            name: "StandInPool",
            dependencies: [
                "JOSE",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            swiftSettings: house),
        .executableTarget(
            name: "Micro",
            dependencies: [
                "AuthorizationMessages", "ExternalAuthorization", "Gatekeeper", "HTTP1", "HTTPMessage",
                "JOSE",
                .product(name: "SwiftProtobuf", package: "swift-protobuf"),
            ],
            path: "ops/bench/micro",
            swiftSettings: house),

        .executableTarget(
            name: "Tables", dependencies: ["Gatekeeper"], path: "ops/tables", swiftSettings: house),

        // Envoy's messages by swift-protobuf (ops/generate-protobuf), which ours are held equal to.
        .target(
            name: "AuthorizationMessages",
            dependencies: [.product(name: "SwiftProtobuf", package: "swift-protobuf")],
            path: "ops/protobuf/swift", swiftSettings: house),

        // Tests.
        .target(name: "TestSupport", dependencies: ["JOSE"], path: "Tests/Support", swiftSettings: house),
        .testTarget(
            name: "JOSETests", dependencies: ["JOSE", "COpenSSL", "TestSupport"], swiftSettings: house),
        .testTarget(
            name: "GatekeeperTests", dependencies: ["Gatekeeper", "HTTPMessage", "JOSE", "TestSupport"],
            swiftSettings: house
        ),
        .testTarget(
            name: "HTTPMessageTests", dependencies: ["HTTP1", "HTTPMessage"], swiftSettings: house),
        .testTarget(
            name: "HTTP1Tests",
            dependencies: [
                "HTTP1", "HTTPMessage", "TestSupport",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
            ],
            swiftSettings: house),
        .testTarget(name: "HTTP2Tests", dependencies: ["HTTP2", "HTTPMessage"], swiftSettings: house),
        .testTarget(
            name: "ExternalAuthorizationTests",
            dependencies: [
                "AuthorizationMessages", "ExternalAuthorization", "HTTPMessage", "TestSupport",
                .product(name: "SwiftProtobuf", package: "swift-protobuf"),
            ],
            swiftSettings: house),
        .testTarget(name: "PlatformTests", dependencies: ["Platform"], swiftSettings: house),
        .testTarget(name: "PostgresTests", dependencies: ["Postgres", "TestSupport"], swiftSettings: house),
        .testTarget(
            name: "ControlPlaneTests",
            dependencies: ["ControlPlane", "Gatekeeper", "JOSE", "Postgres", "TestSupport"],
            swiftSettings: house),
        .testTarget(
            name: "DataPlaneTests",
            dependencies: [
                "AuthorizationMessages", "DataPlane", "ExternalAuthorization", "Gatekeeper", "HTTP1",
                "HTTPMessage", "JOSE", "TestSupport",
                .product(name: "SwiftProtobuf", package: "swift-protobuf"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
            ],
            swiftSettings: house),
        .testTarget(
            name: "GatewayTests",
            dependencies: [
                "Gateway", "ControlPlane", "DataPlane", "Gatekeeper", "JOSE", "Postgres", "TestSupport",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: house),
        .testTarget(name: "HouseRulesTests", dependencies: ["TestSupport"], swiftSettings: house),
    ]
)
