@testable import Kong
import Testing

@Suite("Secure execution")
struct SecureExecutionTests {
  /// What glibc removes from the environment.
  static let removed = [
    "LD_LIBRARY_PATH", "LD_PRELOAD", "LD_AUDIT", "LD_DEBUG", "LD_DEBUG_OUTPUT", "LD_DYNAMIC_WEAK",
    "LD_ORIGIN_PATH", "LD_PROFILE", "LD_SHOW_AUXV", "LOCALDOMAIN", "LOCPATH",
    "MALLOC_TRACE", "GCONV_PATH", "GETCONF_DIR", "NIS_PATH", "NLSPATH", "RESOLV_HOST_CONF",
    "RES_OPTIONS", "TMPDIR", "TZDIR", "HOSTALIASES",
  ]
  /// What it removes or ignores, depending on its version, and what secure_getenv(3) hides from
  /// OpenSSL and jemalloc.
  static let ignored = [
    "GLIBC_TUNABLES", "LD_HWCAP_MASK", "MALLOC_ARENA_MAX", "MALLOC_ARENA_TEST", "MALLOC_MMAP_MAX_",
    "MALLOC_MMAP_THRESHOLD_", "MALLOC_PERTURB_", "MALLOC_TOP_PAD_", "MALLOC_TRIM_THRESHOLD_",
    "OPENSSL_CONF", "OPENSSL_CONF_INCLUDE", "OPENSSL_ENGINES", "OPENSSL_MODULES", "SSL_CERT_DIR",
    "SSL_CERT_FILE", "CTLOG_FILE", "RANDFILE", "MALLOC_CONF",
  ]
  /// What a program keeps in every version; for LD_BIND_NOW that holds before glibc 2.41 only.
  static let kept = ["LUA_PATH", "TZ", "LANG", "LD_ANYTHING"]

  @Test("of a file with capabilities takes exactly the variables from a program that we report")
  func variables() throws {
    let all = SecureExecutionTests.removed + SecureExecutionTests.ignored
    // A span cannot be an argument in an #expect.
    let reported = (all + SecureExecutionTests.kept).filter {
      SecureExecution.ignores($0.utf8.span)
    }
    #expect(reported == all)
    let outcome = try shell(
      #"""
      cd "$T"
      printf '%s\n' '#include <stdio.h>' 'extern char **environ;' \
        'int main(void) { for (char **v = environ; *v; v++) puts(*v); }' >all.c
      cc -o all all.c; setcap cap_net_bind_service=ep all
      set --; for name in \#((all + SecureExecutionTests.kept).joined(separator: " ")); do set -- "$@" "$name=0"; done
      setpriv --reuid 33 --regid 33 --clear-groups env -i "$@" "$T/all" | sed 's/=.*//' | sort
      """#)
    let seen = outcome.output.split(separator: "\n").map(String.init)
    #expect(
      Set(seen).subtracting(SecureExecutionTests.ignored) == Set(SecureExecutionTests.kept),
      "\(outcome.errors)")
  }

  @Test("is avoided for nginx if the variables name a library: it is loaded")
  func preload() throws {
    let outcome = try shell(
      #"""
      cd "$T"; mkdir bin prefix libraries; export PATH="$T/bin:$PATH" KONG_PREFIX="$T/prefix"
      export ENTRYPOINT_PROXY="$T/nginx" ENTRYPOINT_USER=www-data KONG_PROXY_LISTEN=0.0.0.0:80
      cp /bin/true bin/kong; echo 'http { server { listen 80; } }' >prefix/nginx.conf
      echo 'const char *said(void) { return "nginx found its library"; }' >said.c
      printf '%s\n' '#include <stdio.h>' 'const char *said(void);' 'int main(void) { puts(said()); }' >nginx.c
      cc -shared -fPIC -o libraries/libsaid.so said.c
      cc -o nginx nginx.c -Llibraries -lsaid
      export LD_LIBRARY_PATH="$T/libraries"
      "$ENTRYPOINT" kong docker-start
      ENTRYPOINT_CAP_MODE=file "$ENTRYPOINT" kong docker-start || echo "$?"
      """#)
    #expect(outcome.output == "nginx found its library\n127\n", "\(outcome.errors)")
    #expect(
      outcome.errors.contains("/nginx will ignore LD_LIBRARY_PATH\n"), "\(outcome.errors)")
  }
}
