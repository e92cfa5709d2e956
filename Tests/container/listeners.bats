#!/usr/bin/env bats
# Listeners that no variable names: from kong.conf, from Kong's defaults, and from the configuration that
# `kong prepare` generated. What nginx really opens decides which capabilities are granted.

# shellcheck source-path=SCRIPTDIR source=container.bash disable=SC2016,SC2030,SC2031
source "${BATS_TEST_DIRNAME}/container.bash"

# conf PATH LINE...: a kong.conf at PATH in the container. Adds its volume to `mounts`.
mounts=()
conf() {
  local file=$directory/conf.${#mounts[@]}
  printf '%s\n' "${@:2}" >"$file"
  mounts+=(--volume "$file:$1:ro")
}

# plan OPTION...: of a container that never started, as JSON.
plan() {
  podman run --rm "${mounts[@]}" "$@" "$image" --dry-run --format json kong docker-start
}

# sources PORT: where the listener on this port, in the plan on stdin, comes from.
sources() {
  jq --raw-output --argjson port "$1" '.listeners[] | select(.port == $port) | .source'
}

# ---- kong.conf ----

@test "a low port in /etc/kong/kong.conf is granted, and the plan names that source" {
  conf /etc/kong/kong.conf '# proxy_listen = 0.0.0.0:99' 'proxy_listen = 0.0.0.0:80, 0.0.0.0:443 ssl # both'
  start "${mounts[@]}"
  serves http://localhost:80/
  serves https://localhost:443/
  runs_as_kong_with cap_net_bind_service
  plan | sources 80 | grep -F /etc/kong/kong.conf
}

@test "/etc/kong.conf is read if there is no /etc/kong/kong.conf" {
  conf /etc/kong.conf 'proxy_listen=0.0.0.0:80'
  start "${mounts[@]}"
  serves http://localhost:80/
  runs_as_kong_with cap_net_bind_service
  plan | sources 80 | grep -F /etc/kong.conf
}

@test "only the file that -c or --conf names is read" {
  conf /etc/kong/kong.conf 'proxy_listen = 0.0.0.0:81'
  conf /srv/my.conf 'proxy_listen = 0.0.0.0:80'
  for option in -c --conf; do
    start "${mounts[@]}" -- kong docker-start $option /srv/my.conf
    serves http://localhost:80/
    runs_as_kong_with cap_net_bind_service
    remove
    podman run --rm "${mounts[@]}" "$image" --dry-run --format json kong docker-start $option /srv/my.conf >"$directory/plan"
    sources 80 <"$directory/plan" | grep -F /srv/my.conf
    [[ -z $(sources 81 <"$directory/plan") ]]
  done
}

@test "the environment wins over kong.conf" {
  conf /etc/kong/kong.conf 'proxy_listen = 0.0.0.0:80'
  start "${mounts[@]}" --env KONG_PROXY_LISTEN=0.0.0.0:8000
  serves http://localhost:8000/
  runs_as_kong_with none
  plan --env KONG_PROXY_LISTEN=0.0.0.0:8000 | sources 8000 | grep -x KONG_PROXY_LISTEN
}

@test "a transparent listener in kong.conf is granted cap_net_raw only if a variable requests it" {
  conf /etc/kong/kong.conf 'stream_listen = 127.0.0.1:9000 transparent'
  # Only Kong 1.x has this flag.
  mounts+=(--env STAND_IN_KONG=1.3.0)
  start --cap-add NET_RAW "${mounts[@]}"
  serves http://localhost:8000/
  runs_as_kong_with none
  logged 'warn: cap_net_raw is not granted for /etc/kong/kong.conf:1 127.0.0.1:9000 transparent'
  logged 'way out: ask for it: SET_CAP_NET_RAW=1'
  remove
  start --cap-add NET_RAW --env SET_CAP_NET_RAW=1 "${mounts[@]}"
  serves http://localhost:8000/
  has_ambient cap_net_raw
}

@test "a missing kong.conf that the command line names ends start and dry run with 78" {
  finish -- kong docker-start -c /srv/absent.conf
  cat "$directory/stderr"
  ((status == 78))
  grep -F 'cannot read /srv/absent.conf, which -c names' "$directory/stderr"
  remove
  finish -- --dry-run kong docker-start -c /srv/absent.conf
  cat "$directory/stdout"
  ((status == 78))
  grep -F 'cannot read /srv/absent.conf, which -c names' "$directory/stdout"
}

@test "a kong.conf that is a fifo blocks nothing" {
  mkfifo "$directory/fifo"
  finish --volume "$directory/fifo:/etc/kong/kong.conf" -- --dry-run kong docker-start
  cat "$directory/stdout" "$directory/stderr"
  ((status == 0))
}

# ---- what only kong prepare can know ----

# low_port_starts OPTION...: with a port 80 that no *_listen setting names; as root, and as kong without it.
low_port_starts() {
  for image in "$image" "$image_own_file"; do
    start "$@"
    eventually served http://localhost:80/
    has_predicted_credentials
    podman exec "$container" entrypoint kong reload
    remove
  done
}

@test "port 80 in a file that KONG_NGINX_HTTP_INCLUDE names starts, and its listener is known beforehand" {
  printf 'server { listen 80; return 200 "included"; }\n' >"$directory/extra.conf"
  mounts+=(--volume "$directory/extra.conf:/srv/extra.conf:ro" --env KONG_NGINX_HTTP_INCLUDE=/srv/extra.conf)
  plan | sources 80 | grep -x /srv/extra.conf:1
  low_port_starts "${mounts[@]}"
}

@test "port 80 behind a reference to a vault starts, and kong prepare gets what it may need" {
  mounts+=(--env KONG_PROXY_LISTEN='{vault://env/my-listen}' --env MY_LISTEN=0.0.0.0:80)
  plan >"$directory/plan"
  jq --raw-output '.prepare_grant.mode, .warnings[].what' "$directory/plan" | tee "$directory/said"
  diff <(printf '%s\n' ambient 'the listeners of KONG_PROXY_LISTEN are not known before kong prepare has run') \
    "$directory/said"
  start "${mounts[@]}"
  serves http://localhost:80/
  runs_as_kong_with cap_net_bind_service
}

# ---- defaults ----

@test "without any setting the listeners are Kong's defaults" {
  plan >"$directory/plan"
  jq --compact-output '[.listeners[].port] | unique' "$directory/plan"
  jq --exit-status '[.listeners[].port] | contains([8000, 8443, 8001, 8444])' "$directory/plan"
  jq --exit-status '.capabilities == []' "$directory/plan"
}

@test "the defaults come from the image's kong_defaults.lua" {
  printf '%s\n' 'return [[' 'proxy_listen = 0.0.0.0:82' 'admin_listen = off' ']]' >"$directory/defaults"
  mounts+=(--volume "$directory/defaults:/usr/local/share/lua/5.1/kong/templates/kong_defaults.lua:ro")
  plan | jq --exit-status '[.listeners[].port] | contains([82]) and (contains([8001]) | not)'
}

# ---- role ----

# hybrid: the certificate that a control plane and a data plane need. Adds it to `mounts`.
hybrid() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 7 -subj /CN=kong_clustering \
    -keyout "$directory/cluster.key" -out "$directory/cluster.crt" 2>/dev/null
  chmod 644 "$directory/cluster.key"
  mounts+=(--volume "$directory/cluster.crt:/srv/cluster.crt:ro" --volume "$directory/cluster.key:/srv/cluster.key:ro"
    --env KONG_CLUSTER_CERT=/srv/cluster.crt --env KONG_CLUSTER_CERT_KEY=/srv/cluster.key)
}

@test "a control plane gets no capability for the proxy port, which it never opens" {
  hybrid
  start "${mounts[@]}" --env KONG_ROLE=control_plane --env KONG_PROXY_LISTEN=0.0.0.0:80
  serves http://localhost:8001/ admin
  runs_as_kong_with none
  nginx_is_granted ''
  not logged 'entrypoint: warn'
}

@test "a control plane with a low cluster port gets the capability" {
  hybrid
  start "${mounts[@]}" --env KONG_ROLE=control_plane --env KONG_CLUSTER_LISTEN=0.0.0.0:85
  serves https://localhost:85/ cluster
  runs_as_kong_with cap_net_bind_service
}

@test "a data plane gets no capability for the admin port, which it never opens" {
  hybrid
  conf /etc/kong/kong.conf 'role = data_plane'
  start "${mounts[@]}" --env KONG_ADMIN_LISTEN=127.0.0.1:81
  serves http://localhost:8000/
  runs_as_kong_with none
}

# ---- the generated configuration ----

@test "a listen 81 in the file of KONG_NGINX_HTTP_INCLUDE just works" {
  printf 'server {\n  listen 81;\n  location / { return 200 "mine\\n"; }\n}\n' >"$directory/mine.conf"
  start --volume "$directory/mine.conf:/srv/mine.conf:ro" --env KONG_NGINX_HTTP_INCLUDE=/srv/mine.conf
  serves http://localhost:8000/
  [[ $(page http://localhost:81/) == mine ]]
  runs_as_kong_with cap_net_bind_service
  not logged 'entrypoint: warn'
  podman exec "$container" entrypoint --dry-run --format json kong docker-start >"$directory/plan"
  sources 81 <"$directory/plan" | grep -x /srv/mine.conf:2
  [[ $(jq --compact-output --sort-keys .result "$directory/plan") == "$(credentials "$master")" ]]
}

@test "globs in an include are followed, and the word listen in Lua is ignored" {
  mkdir "$directory/conf.d"
  printf 'server {\n  listen 8100;\n  location / { content_by_lua_block {\n%s\n%s\n } }\n}\n' \
    '  -- } listen 82; {' '  ngx.say("listen 83; }", [[ } listen 84; ]])' >"$directory/conf.d/lua.conf"
  printf 'server { "listen" [::1]:85 ; }\n' >"$directory/conf.d/quoted.conf"
  printf 'server { listen 86; }\n' >"$directory/conf.d/not-included"
  start --volume "$directory/conf.d:/srv/conf.d:ro" --env KONG_NGINX_HTTP_INCLUDE='/srv/conf.d/*.conf'
  serves http://localhost:8000/
  [[ $(page http://localhost:8100/) == 'listen 83; }'* ]]
  runs_as_kong_with cap_net_bind_service
  podman exec "$container" entrypoint --dry-run --format json kong docker-start >"$directory/plan"
  [[ $(jq --compact-output '[.listeners[].port | select(. != null and . < 1024 and . > 0)]' "$directory/plan") == '[85]' ]]
}

@test "a low port that only Lua mentions grants nothing" {
  printf 'server { listen 8100; location / { content_by_lua_block { -- } listen 82;\n } } }\n' >"$directory/lua.conf"
  start --volume "$directory/lua.conf:/srv/lua.conf:ro" --env KONG_NGINX_HTTP_INCLUDE=/srv/lua.conf
  serves http://localhost:8000/
  runs_as_kong_with none
}

@test "a server without listen is on 8000, as in nginx for a user other than root" {
  printf 'server { server_name other; }\n' >"$directory/other.conf"
  start --volume "$directory/other.conf:/srv/other.conf:ro" --env KONG_NGINX_HTTP_INCLUDE=/srv/other.conf \
    --env KONG_PROXY_LISTEN=0.0.0.0:8200
  serves http://localhost:8200/
  runs_as_kong_with none
}

@test "an injected listen is found in the generated file, and is nginx's own" {
  start --env KONG_NGINX_PROXY_LISTEN='*:87'
  serves http://localhost:8000/
  serves http://localhost:87/
  runs_as_kong_with cap_net_bind_service
}

@test "in a prepared prefix each listener's source is its setting, or its file and line" {
  printf 'server { listen 127.0.0.1:8100; listen 8101; }\n' >"$directory/other.conf"
  start --volume "$directory/other.conf:/srv/other.conf:ro" --env KONG_NGINX_HTTP_INCLUDE=/srv/other.conf \
    --env KONG_PROXY_LISTEN='0.0.0.0:80, [::1]:443 ssl' --env KONG_STREAM_LISTEN='127.0.0.1:9000, 127.0.0.1:53 udp'
  serves http://localhost:80/
  podman exec "$container" entrypoint --dry-run --format json kong docker-start >"$directory/plan"
  jq --compact-output '.listeners[]' "$directory/plan"
  local source port line count=0
  while IFS=$'\t' read -r source port; do
    case $source in
      KONG_PROXY_LISTEN | KONG_STREAM_LISTEN | 'default of '*_listen) continue ;;
    esac
    line=$(sed -n "${source##*:}p" "$(root_of_container)${source%:*}")
    printf '%s: %s\n' "$source" "$line"
    [[ $line == *listen* && ($port == null || $line == *"$port"*) ]]
    count=$((count + 1))
  done < <(jq --raw-output '.listeners[] | "\(.source)\t\(.port)"' "$directory/plan")
  ((count == 6)) # those of other.conf, and the sockets of Kong's own
  jq --exit-status '[.listeners[] | select(.port == 53).protocol] == ["udp"]' "$directory/plan"
}

@test "the text of a dry run shows where a listener comes from" {
  conf /etc/kong/kong.conf 'admin_listen = 127.0.0.1:81'
  finish "${mounts[@]}" --env KONG_PROXY_LISTEN=0.0.0.0:80 -- --dry-run kong docker-start
  cat "$directory/stdout"
  grep -F 0.0.0.0:80 "$directory/stdout" | grep -F KONG_PROXY_LISTEN
  grep -F 127.0.0.1:81 "$directory/stdout" | grep -F /etc/kong/kong.conf
}

# ---- broken configurations ----

# ends_as_nginx_does CONFIGURATION FILE: nginx rejects it, in `kong prepare`, and names the file.
ends_as_nginx_does() {
  printf '%s\n' "$1" >"$directory/broken.conf"
  finish --volume "$directory/broken.conf:/srv/broken.conf:ro" --env KONG_NGINX_HTTP_INCLUDE=/srv/broken.conf
  cat "$directory/stderr"
  ((status == 1))
  grep -F '[emerg]' "$directory/stderr" | grep -F "$2"
  statements | grep -F 'entrypoint: error: kong prepare'
  remove
}

@test "a missing include, a loop of includes and garbage: nginx judges them, in kong prepare" {
  ends_as_nginx_does 'include /srv/absent.conf;' /srv/absent.conf
  ends_as_nginx_does 'include /srv/broken.conf;' /srv/broken.conf
  ends_as_nginx_does 'server { listen 81; { "' /srv/broken.conf
}

@test "entrypoint does not read an include that only root can read" {
  printf 'server { listen 99; }\n' >"$directory/root.conf"
  chmod 400 "$directory/root.conf"
  finish --volume "$directory/root.conf:/srv/root.conf:ro" --env KONG_NGINX_HTTP_INCLUDE=/srv/root.conf
  cat "$directory/stderr"
  ((status == 1))
  grep -F 'open() "/srv/root.conf" failed (13: Permission denied)' "$directory/stderr"
  not grep -w 99 "$directory/stderr"
}

@test "an include that is a fifo does not block entrypoint" {
  mkfifo "$directory/fifo"
  start --volume "$directory/fifo:/srv/fifo" --env KONG_NGINX_HTTP_INCLUDE=/srv/fifo
  # The nginx of `kong prepare` waits, as it would by itself.
  eventually nginx_tests
}

nginx_tests() {
  local process
  for process in $(processes); do
    [[ $(tr '\0' ' ' <"/proc/$process/cmdline") != "$nginx -t "* ]] || return 0
  done
  return 1
}
