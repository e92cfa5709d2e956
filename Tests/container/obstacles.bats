#!/usr/bin/env bats
# What nginx cannot open or listen on: `kong prepare` ends with nginx's own message, and ours says who owns
# the file and what to do.

# shellcheck source-path=SCRIPTDIR source=container.bash disable=SC2030,SC2031
source "${BATS_TEST_DIRNAME}/container.bash"

# fails TEXT...: `kong prepare` failed with nginx's [emerg], and one of our errors contains all these texts.
fails() {
  local text
  cat --show-nonprinting "$directory/stderr"
  ((status == 1))
  grep -F '[emerg]' "$directory/stderr"
  for text in "$@"; do
    grep -F -- "$text" <(grep '^entrypoint: error: ' "$directory/stderr")
  done
}

make_certificate() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 7 -subj '/CN=localhost' \
    -addext 'subjectAltName=DNS:localhost' -keyout "$directory/tls.key" -out "$directory/tls.crt" 2>/dev/null
  chmod 400 "$directory/tls.key"
  chmod 444 "$directory/tls.crt"
  mounts=(--volume "$directory/tls.key:/certs/tls.key:ro" --volume "$directory/tls.crt:/certs/tls.crt:ro")
}

@test "a log in a directory of root's is reported with owner, mode and the stream to log to" {
  install -d -o 0 -g 0 -m 755 "$directory/logs"
  for image in localhost/entrypoint "$image_user_kong"; do
    finish --volume "$directory/logs:/srv/logs" --env KONG_PROXY_ACCESS_LOG=/srv/logs/access.log
    fails 'nginx cannot write /srv/logs/access.log, which access_log names (' \
      'kong (1337:0) cannot write /srv/logs: it is on a volume, or a directory of the host, and has uid 0, gid 0, mode 0755' \
      'way out: log to the container'\''s output: KONG_PROXY_ACCESS_LOG=/dev/stdout'
    # It was known before.
    grep -F 'warn: nginx cannot write /srv/logs/access.log, which KONG_PROXY_ACCESS_LOG names' "$directory/stderr"
    remove
  done
  start --volume "$directory/logs:/srv/logs" --env KONG_PROXY_ACCESS_LOG=/dev/stdout
  serves http://localhost:8000/
  not logged 'nginx cannot'
}

@test "a TLS key that only root can read is reported, and the way out for a start as root works" {
  make_certificate
  for image in localhost/entrypoint "$image_user_kong"; do
    finish "${mounts[@]}" --env KONG_SSL_CERT=/certs/tls.crt --env KONG_SSL_CERT_KEY=/certs/tls.key
    fails 'nginx cannot read /certs/tls.key, which ssl_certificate_key names (' \
      'kong (1337:0) cannot read /certs/tls.key: it is on a volume, or a directory of the host, and has uid 0, gid 0, mode 0400' \
      'way out: Kubernetes: securityContext.fsGroup: 1337 in the pod, and defaultMode: 0440 for a Secret'
    remove
  done
  image=localhost/entrypoint
  finish "${mounts[@]}" --env KONG_SSL_CERT=/certs/tls.crt --env KONG_SSL_CERT_KEY=/certs/tls.key
  fails 'way out: Kong 3: KONG_SSL_CERT_KEY_FILE=/certs/tls.key in place of KONG_SSL_CERT_KEY'
  remove
  start "${mounts[@]}" --env KONG_SSL_CERT=/certs/tls.crt --env KONG_SSL_CERT_KEY_FILE=/certs/tls.key
  eventually nsenter --target "$master" --net curl --silent --fail --noproxy '*' --cacert "$directory/tls.crt" \
    --output /dev/null https://localhost:8443/
}

@test "a missing IPv6 ends start and dry run with 77, with the listener and what to listen on instead" {
  printf '%s' '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["socket"], "action": "SCMP_ACT_ERRNO",
    "errnoRet": 97, "args": [{"index": 0, "value": 10, "op": "SCMP_CMP_EQ"}]}]}' >"$directory/no-ipv6.json"
  finish --security-opt seccomp="$directory/no-ipv6.json" --env KONG_PROXY_LISTEN='0.0.0.0:8000, [::]:8000'
  ((status == 77))
  says_error 'KONG_PROXY_LISTEN [::]:8000: socket() fails (97: Address family not supported by protocol)' \
    'way out: listen on IPv4 only'
  remove
  finish --security-opt seccomp="$directory/no-ipv6.json" --env KONG_PROXY_LISTEN='0.0.0.0:8000, [::]:8000' -- \
    --dry-run kong docker-start
  ((status == 77))
  remove
  # What only Kong knows is reported after it has failed.
  finish --security-opt seccomp="$directory/no-ipv6.json" --env KONG_NGINX_PROXY_LISTEN='[::]:8005'
  fails '[::]:8005: socket() fails (97: ' 'way out: listen on IPv4 only'
  remove
  start --security-opt seccomp="$directory/no-ipv6.json" --env KONG_PROXY_LISTEN=0.0.0.0:8000
  serves http://localhost:8000/
  not logged 'nginx cannot'
}

@test "an address that the container does not have is reported with the listener" {
  finish --env KONG_PROXY_LISTEN=192.0.2.7:8000
  fails 'nginx cannot listen on KONG_PROXY_LISTEN 192.0.2.7:8000: bind() fails (99: Cannot assign requested address)' 'way out: listen on all addresses: 0.0.0.0:8000'
}
