// swift-tools-version: 6.2
import PackageDescription

/// With this trait the modules become the release: Embedded Swift, which links no runtime (scripts/build).
///
/// Without it they are ordinary Swift, which the tests are linked with.
let embedded = BuildSettingCondition.when(traits: ["Embedded"])

/// Not `.enableExperimentalFeature`: SwiftPM 6.3 would link without the runtime in any case, whatever the
/// trait, and the ordinary programs would crash.
let embeddedFeature = ["-enable-experimental-feature", "Embedded"]

/// The C library of a release is musl, where Debian's and Ubuntu's package musl-dev has it.
///
/// Its headers come first. The kernel's and libcap's are the distribution's.
#if arch(x86_64)
  let musl = "x86_64-linux-musl"
#elseif arch(arm64)
  let musl = "aarch64-linux-musl"
#endif
let muslHeaders = ["-isystem", "/usr/include/\(musl)"]

/// What a module of a release is compiled with if it goes through files byte by byte: for speed.
let fastRelease: [SwiftSetting] = [
  .unsafeFlags(embeddedFeature + ["-wmo"] + muslHeaders.flatMap { ["-Xcc", $0] }, embedded),
  // A section for each function lets the linker drop what nothing calls. Sequences of instructions that
  // occur often become functions, and so do sequences of calls of those, which makes the program a
  // twentieth smaller.
  .unsafeFlags(
    [
      "-Xfrontend", "-function-sections", "-Xllvm", "-enable-machine-outliner",
      "-Xllvm", "-machine-outliner-reruns=2",
    ], embedded),
]

/// What all other modules of a release are compiled with: for size.
let release: [SwiftSetting] = fastRelease + [.unsafeFlags(["-Osize"], embedded)]

/// The release, and the tests' programs that are built like it, need no library of the machine.
let staticProgram = LinkerSetting.unsafeFlags(
  embeddedFeature
    + ["-static", "-nostdlib", "/usr/lib/\(musl)/crt1.o"].flatMap { ["-Xclang-linker", $0] }
    + ["-Xlinker", "-lcap", "-Xlinker", "/usr/lib/\(musl)/libc.a", "-Xlinker", "-lgcc"], embedded)

/// The functions whose calls the linker redirects to those of Sources/Start/left_out.c, because they use
/// Swift's tables of Unicode.
let leftOut = [
  "_swift_stdlib_getNormData", "_swift_stdlib_getDecompositionEntry",
  "_swift_stdlib_getComposition", "_swift_stdlib_getMapping", "_swift_stdlib_getSpecialMapping",
]

/// What every Swift module is compiled with, as a part of a release or not.
func strict(_ release: [SwiftSetting]) -> [SwiftSetting] {
  release + [
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("ExistentialAny"),
    // Whatever the compiler cannot check for memory is marked `unsafe`; scripts/lint says where that may be.
    .strictMemorySafety(),
  ]
}

/// A module that decides: values in, values out.
///
/// It imports the standard library and the modules named, and does no I/O.
///
/// - Parameter isFast: whether it goes through files byte by byte.
func pure(_ name: String, uses modules: [Target.Dependency] = [], isFast: Bool = false) -> Target {
  .target(
    name: name, dependencies: modules, swiftSettings: strict(isFast ? fastRelease : release))
}

let package = Package(
  name: "entrypoint",
  products: [
    .executable(name: "entrypoint", targets: ["entrypoint"])
  ],
  traits: ["Embedded"],
  targets: [
    // The layers, each over those that it names: what is not named cannot be imported.
    //
    // All that is linked with the first is linked by the toolchain's own linker: a distribution may have
    // no gold any more, and another linker makes other bytes.
    .target(
      name: "Text", swiftSettings: strict(fastRelease),
      linkerSettings: [
        .unsafeFlags(["-use-ld=lld"]), staticProgram,
      ]),
    pure("Capabilities", uses: ["Text"]),
    pure("Nginx", uses: ["Text", "Capabilities"], isFast: true),
    pure("Kong", uses: ["Text", "Capabilities", "Nginx"], isFast: true),
    pure("Services", uses: ["Text", "Nginx"]),
    pure("Plan", uses: ["Text", "Capabilities", "Nginx", "Kong", "Services"]),
    pure(
      "Preflight", uses: ["Text", "Capabilities", "Nginx", "Kong", "Services", "Plan"]),
    pure(
      "Report", uses: ["Text", "Capabilities", "Nginx", "Kong", "Services", "Plan", "Preflight"]),
    pure("Settings", uses: ["Text", "Kong", "Plan", "Report"]),
    // Linux: readers of facts, one source a file; steps, one a file; and the calls that both make.
    .target(
      name: "Linux",
      dependencies: [
        "Text", "Capabilities", "Nginx", "Kong", "Services", "Plan", "Preflight", "Report",
        "CLinux",
      ],
      swiftSettings: strict(release)
    ),
    .executableTarget(
      name: "entrypoint",
      dependencies: [
        "Text", "Capabilities", "Kong", "Plan", "Preflight", "Report", "Settings", "Linux", "Start",
      ],
      swiftSettings: strict(release)
    ),
    .systemLibrary(
      name: "CLinux",
      pkgConfig: "libcap",
      providers: [.apt(["libcap-dev"])]
    ),
    // The first instructions: handlers for stop signals, and the environment is hidden from the libraries.
    // And what `--version` says of the commit: a section of the binary that scripts/build writes.
    // In the release it also takes the place of what the libraries have and nothing here needs.
    .target(
      name: "Start",
      cSettings: [.define("RELEASE", embedded), .unsafeFlags(muslHeaders, embedded)],
      linkerSettings: [
        .unsafeFlags(["-Xlinker", "--entry=first_instruction"]),
        .unsafeFlags(leftOut.flatMap { ["-Xlinker", "--wrap=\($0)"] }, embedded),
      ]
    ),
    // Tries the planner's rules against the kernel: needs root, see Tests/kernel.
    .executableTarget(
      name: "kernel-lab",
      dependencies: [
        "Text", "Capabilities", "Plan", "Report", "Linux", "CLinux", "CKernelLab", "Start",
        "kernel-probe",
      ],
      path: "Tests/kernel/lab",
      swiftSettings: release
    ),
    .systemLibrary(name: "CKernelLab", path: "Tests/kernel/calls"),
    .executableTarget(
      name: "kernel-probe", path: "Tests/kernel/probe",
      linkerSettings: [.unsafeFlags(["-use-ld=lld"], embedded), staticProgram]),
    // Only the step that changes the owner of the prefix: for tests in mount namespaces, and for the bench.
    .executableTarget(
      name: "give-prefix", dependencies: ["Text", "Kong", "Plan", "Linux", "CLinux", "Start"],
      path: "Tests/support/give-prefix",
      swiftSettings: release
    ),
    // The settings as JSON, for scripts/manual/generate, which makes the man page, and the completions.
    .executableTarget(
      name: "settings", dependencies: ["Text", "Settings", "Start"],
      path: "scripts/manual/settings",
      swiftSettings: release),
    // What the parser of nginx's configuration finds: Tests/nginx compares it.
    .executableTarget(
      name: "listens", dependencies: ["Text", "Capabilities", "Nginx"], path: "Tests/nginx/listens"),
    // What the reader of DNS answers finds: Tests/wait compares it.
    .executableTarget(
      name: "dns-answers", dependencies: ["Services"], path: "Tests/wait/answers"),
    .testTarget(
      name: "PureTests",
      dependencies: [
        "Text", "Capabilities", "Nginx", "Kong", "Services", "Plan", "Preflight", "Report",
        "Settings",
      ]),
    .testTarget(
      name: "LinuxTests",
      dependencies: [
        "Text", "Capabilities", "Nginx", "Kong", "Services", "Plan", "Preflight", "Report", "Linux",
        "give-prefix",
      ]
    ),
  ],
  swiftLanguageModes: [.v6]
)

// What does no I/O, and its tests, without libcap: for `scripts/test pure`.
if Context.environment["ENTRYPOINT_PURE"] != nil {
  let pure: Set = [
    "Text", "Capabilities", "Nginx", "Kong", "Services", "Plan", "Preflight", "Report", "Settings",
    "PureTests",
  ]
  package.products = []
  package.targets = package.targets.filter { pure.contains($0.name) }
}
