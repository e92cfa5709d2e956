// swift-tools-version: 6.1
import PackageDescription

let package = Package(
  name: "entrypoint",
  products: [
    .executable(name: "entrypoint", targets: ["entrypoint"])
  ],
  // Exactly this: it is linked into a program that runs as root, and a release is built twice.
  dependencies: [
    .package(url: "https://github.com/apple/swift-system", exact: "1.8.1")
  ],
  targets: [
    // Decisions: values in, a plan out. Standard library only, no I/O.
    //
    // All that is linked with it is linked by the toolchain's own linker: a distribution may have no
    // gold any more, and another linker makes other bytes.
    .target(
      name: "EntrypointPlan",
      linkerSettings: [.unsafeFlags(["-use-ld=lld"])]
    ),
    // Linux: snapshot readers and step executors, one kernel facility per file.
    .target(
      name: "EntrypointSystem",
      dependencies: [
        "EntrypointPlan",
        "CLinux",
        .product(name: "SystemPackage", package: "swift-system"),
      ]
    ),
    .executableTarget(
      name: "entrypoint",
      dependencies: [
        "EntrypointPlan",
        "EntrypointSystem",
        "CExecve",
        "CRevision",
      ]
    ),
    .systemLibrary(
      name: "CLinux",
      pkgConfig: "libcap",
      providers: [.apt(["libcap-dev"])]
    ),
    // The first instructions: handlers for stop signals, and the environment is hidden from the libraries.
    .target(
      name: "CExecve",
      linkerSettings: [.unsafeFlags(["-Xlinker", "--entry=first_instruction"])]
    ),
    // What `--version` says of the commit: a section of the binary that scripts/build writes.
    .target(name: "CRevision"),
    // Tries the planner's rules against the kernel: needs root, see Tests/KernelLab.
    .executableTarget(
      name: "kernel-lab",
      dependencies: ["EntrypointPlan", "EntrypointSystem", "CLinux", "CKernelLab", "kernel-probe"],
      path: "Tests/KernelLab",
      exclude: ["calls", "probe", "run"]
    ),
    .systemLibrary(name: "CKernelLab", path: "Tests/KernelLab/calls"),
    .executableTarget(name: "kernel-probe", path: "Tests/KernelLab/probe"),
    // The step that gives the prefix away, by itself: for tests in mount namespaces, and to be timed.
    .executableTarget(
      name: "give-prefix", dependencies: ["EntrypointPlan", "EntrypointSystem"],
      path: "Tests/give-prefix"
    ),
    // The settings as JSON, which scripts/manual/generate makes the man page of.
    .executableTarget(
      name: "settings", dependencies: ["EntrypointPlan"], path: "scripts/manual/settings"),
    // What the parser of nginx's configuration finds: Tests/crossplane and Tests/nginx compare it.
    .executableTarget(name: "listens", dependencies: ["EntrypointPlan"], path: "Tests/listens"),
    .testTarget(
      name: "EntrypointPlanTests", dependencies: ["EntrypointPlan"], exclude: ["Recorded"]),
    .testTarget(
      name: "EntrypointSystemTests",
      dependencies: [
        "EntrypointPlan",
        "EntrypointSystem",
        "give-prefix",
        .product(name: "SystemPackage", package: "swift-system"),
      ]
    ),
  ],
  swiftLanguageModes: [.v6]
)
