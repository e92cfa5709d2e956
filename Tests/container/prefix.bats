#!/usr/bin/env bats
# The prefix becomes kong's, whatever is in it, and nothing outside changes owner or content.

# shellcheck source-path=SCRIPTDIR source=container.bash disable=SC2030,SC2031
source "${BATS_TEST_DIRNAME}/container.bash"

# A prefix of root's on a volume, with a file of root's beside it on the same file system.
prefix_on_volume() {
  install -d -o 0 -g 0 -m 755 "$directory/prefix"
  volume=(--volume "$directory/prefix:$prefix")
  (umask 077 && printf 'of root alone\n' >"$directory/outside")
}

# outside_is_untouched: compares owner, mode and content.
outside_is_untouched() {
  [[ $(stat --format '%u:%g %a' "$directory/outside") == '0:0 600' ]]
  [[ $(<"$directory/outside") == 'of root alone' ]]
}

# everything_is_kongs: in the prefix, except links themselves.
everything_is_kongs() {
  find "$directory/prefix" ! -type l ! \( -uid 1337 -gid 0 \) -ls | cat --show-nonprinting | tee "$directory/others"
  [[ ! -s $directory/others ]]
}

# ---- what changes its owner, and when ----

@test "a prefix of root's on a volume becomes kong:0 with everything in it, and modes stay" {
  prefix_on_volume
  mkdir -m 750 "$directory/prefix/a" "$directory/prefix/a/b"
  printf x >"$directory/prefix/a/b/file"
  chmod 640 "$directory/prefix/a/b/file"
  chown 4242:4343 "$directory/prefix/a/b"
  start "${volume[@]}"
  serves http://localhost:8000/
  everything_is_kongs
  [[ $(cd "$directory/prefix" && stat --format '%a' . a a/b a/b/file | paste -s -d ' ') == '755 750 750 640' ]]
}

@test "a prefix that already belongs to kong is not written" {
  prefix_on_volume
  mkdir "$directory/prefix/a"
  : >"$directory/prefix/a/file"
  chown -R 1337:0 "$directory/prefix"
  local before
  before=$(stat --format %z "$directory/prefix/a" "$directory/prefix/a/file")
  start "${volume[@]}"
  serves http://localhost:8000/
  [[ $(stat --format %z "$directory/prefix/a" "$directory/prefix/a/file") == "$before" ]]
  not logged 'entrypoint: warn'
}

@test "KONG_PREFIX selects the prefix, and the usual one is not changed" {
  prefix_on_volume
  start --volume "$directory/prefix:/srv/kong" --env KONG_PREFIX=/srv/kong \
    --tmpfs "$prefix:rw,mode=755"
  serves_port_8000
  everything_is_kongs
  [[ $(owner "$(root_of_container)$prefix") == 0:0 ]]
}

# The certificate that page uses is in the usual prefix.
serves_port_8000() {
  eventually nsenter --target "$master" --net curl --silent --noproxy '*' --output /dev/null http://localhost:8000/
}

@test "with --user the prefix becomes that user's" {
  prefix_on_volume
  finish "${volume[@]}" "${no_further[@]}" --env ENTRYPOINT_USER=4242:4343
  ((status == 9))
  [[ $(stat --format %u "$directory/prefix") == 4242 ]]
}

@test "another command, a dry run, and a start as kong change no owner" {
  prefix_on_volume
  finish "${volume[@]}" -- kong version
  ((status == 0))
  remove
  finish "${volume[@]}" -- --dry-run kong docker-start
  ((status == 0))
  remove
  chmod 777 "$directory/prefix"
  : >"$directory/prefix/of-root"
  image=$image_user_kong
  start "${volume[@]}"
  serves http://localhost:8000/
  [[ $(owner "$directory/prefix") == 0:0 && $(owner "$directory/prefix/of-root") == 0:0 ]]
}

# ---- hostile content ----

@test "links to files and directories of root's are not followed" {
  prefix_on_volume
  ln -s /etc/passwd "$directory/prefix/passwd"
  ln -s /etc "$directory/prefix/etc"
  ln -s /outside "$directory/prefix/file"
  ln -s ../../../etc/group "$directory/prefix/relative"
  start "${volume[@]}" --volume "$directory/outside:/outside"
  serves http://localhost:8000/
  everything_is_kongs
  outside_is_untouched
  local root
  root=$(root_of_container)
  [[ $root$prefix/relative -ef $root/etc/group ]]
  [[ $(owner "$root/etc") == 0:0 && $(owner "$root/etc/passwd") == 0:0 && $(owner "$root/etc/group") == 0:0 ]]
}

@test "a hard link to a file of root's is skipped, with a warning that names it" {
  prefix_on_volume
  ln "$directory/outside" "$directory/prefix/hard"
  start "${volume[@]}"
  serves http://localhost:8000/
  outside_is_untouched
  statements | grep 'entrypoint: warn' | grep -F hard
}

@test "what root owns in a prefix of kong's is skipped, with a warning that names it, and the start continues" {
  prefix_on_volume
  start "${volume[@]}"
  serves http://localhost:8000/
  remove
  # kong can move it there from its own directory on the same file system.
  install -m 600 /dev/null "$directory/prefix/key"
  mkdir -m 1777 "$directory/prefix/moved"
  install -m 600 /dev/null "$directory/prefix/moved/key"
  # root's `kong reload` leaves it like this.
  chown root:root "$directory/prefix/.kong_env" && chmod 640 "$directory/prefix/.kong_env"
  start "${volume[@]}"
  serves http://localhost:8000/
  local name
  for name in key moved; do
    [[ $(owner "$directory/prefix/$name") == 0:0 ]]
    statements | grep 'entrypoint: warn: not given to 1337: ' | grep -F "$prefix/$name"
  done
  [[ $(owner "$directory/prefix/moved/key") == 0:0 ]]
}

@test "a volume of root's in a prefix of kong's becomes kong's, with everything in it" {
  prefix_on_volume
  mkdir "$directory/logs"
  : >"$directory/logs/file"
  chown 1337:0 "$directory/prefix"
  start "${volume[@]}" --volume "$directory/logs:$prefix/logs"
  serves http://localhost:8000/
  [[ $(owner "$directory/logs") == 1337:0 && $(owner "$directory/logs/file") == 1337:0 ]]
  not logged 'entrypoint: warn'
}

@test "a hard link among kong's own files causes no warning" {
  prefix_on_volume
  printf x >"$directory/prefix/one"
  chown -R 1337:0 "$directory/prefix"
  ln "$directory/prefix/one" "$directory/prefix/two"
  start "${volume[@]}"
  serves http://localhost:8000/
  not logged 'entrypoint: warn'
}

@test "a name with a newline cannot forge a line of the log" {
  prefix_on_volume
  ln "$directory/outside" "$directory/prefix/"$'x\nentrypoint: error: forged\n'
  start "${volume[@]}"
  serves http://localhost:8000/
  outside_is_untouched
  logged forged
  not grep --text '^entrypoint: error: forged' <(podman logs "$container" 2>&1)
}

@test "sockets, fifos, and names with any bytes become kong's like other files" {
  prefix_on_volume
  mkfifo "$directory/prefix/fifo"
  mkdir "$directory/prefix/deeper"
  (cd "$directory/prefix/deeper" && python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("socket")')
  : >"$directory/prefix/"$'new\nline'
  : >"$directory/prefix/"$'\377\376'
  : >"$directory/prefix/ -rf "
  mkdir "$directory/prefix/"$'\e[31m'
  : >"$directory/prefix/"$'\e[31m/*'
  start "${volume[@]}"
  serves http://localhost:8000/
  everything_is_kongs
  [[ -p $directory/prefix/fifo && -S $directory/prefix/deeper/socket ]]
}

@test "a device node stays root's" {
  prefix_on_volume
  mknod "$directory/prefix/zero" c 1 5
  start "${volume[@]}"
  serves http://localhost:8000/
  [[ $(owner "$directory/prefix/zero") == 0:0 ]]
}

@test "a set-user-ID program of root's does not become one of kong's" {
  prefix_on_volume
  install -m 4755 /bin/true "$directory/prefix/program"
  start "${volume[@]}"
  serves http://localhost:8000/
  [[ $(owner "$directory/prefix/program") != 1337:* || ! -u $directory/prefix/program ]]
}

@test "a read-only mount inside the prefix is skipped, and the start continues" {
  prefix_on_volume
  mkdir "$directory/read-only"
  : >"$directory/read-only/file"
  start "${volume[@]}" --volume "$directory/read-only:$prefix/mounted:ro"
  serves http://localhost:8000/
  [[ $(owner "$directory/read-only") == 0:0 && $(owner "$directory/read-only/file") == 0:0 ]]
  [[ $(owner "$directory/prefix") == 1337:0 ]]
}

@test "a nosuid mount inside the prefix becomes kong's like the rest" {
  prefix_on_volume
  start "${volume[@]}" --tmpfs "$prefix/mounted:rw,nosuid,nodev,mode=755"
  serves http://localhost:8000/
  [[ $(owner "$(root_of_container)$prefix/mounted") == 1337:0 ]]
}

@test "a tree of 100 levels becomes kong's down to the last level" {
  prefix_on_volume
  mkdir -p "$directory/prefix/$(printf 'd/%.0s' {1..100})"
  start "${volume[@]}"
  serves http://localhost:8000/
  everything_is_kongs
}

@test "in a tree of 300 levels the lowest levels are skipped, with a warning" {
  prefix_on_volume
  mkdir -p "$directory/prefix/$(printf 'd/%.0s' {1..300})"
  start "${volume[@]}"
  serves http://localhost:8000/
  statements | grep 'entrypoint: warn' | grep -F "$prefix/d/d/d/"
}

@test "nothing is written to a directory of root's that logs/ links to" {
  prefix_on_volume
  mkdir "$directory/root-only"
  : >"$directory/root-only/access.log"
  ln -s /srv/root-only "$directory/prefix/logs"
  finish "${volume[@]}" --volume "$directory/root-only:/srv/root-only" --timeout 3
  cat "$directory/stderr"
  [[ $(owner "$directory/root-only") == 0:0 && $(ls -A "$directory/root-only") == access.log ]]
  [[ -f $directory/root-only/access.log && ! -L $directory/root-only/access.log ]]
}

@test "kong gets nothing of root's by changing the prefix during the change of owner" {
  prefix_on_volume
  mkdir -p "$directory/prefix/a" "$directory/victims"
  : >"$directory/victims/file"
  touch "$directory/prefix/a/"{1..500}
  ln -s ../victims "$directory/prefix/link"
  # The directory is swapped for a link all the time. The kernel tests run more rounds of it, in a tighter
  # race.
  python3 - "$directory/prefix" 3>&- <<'PYTHON' &
import ctypes, os, sys, time
os.chdir(sys.argv[1])
libc = ctypes.CDLL(None)
until = time.monotonic() + 60
while time.monotonic() < until:
    libc.renameat2(-100, b"a", -100, b"link", 2)  # RENAME_EXCHANGE
PYTHON
  local swapper=$!
  for round in {1..5}; do
    finish "${volume[@]}" "${no_further[@]}" --volume "$directory/victims:$prefix/../victims"
    printf 'round %s: %s\n' "$round" "$status"
    remove
    [[ $(owner "$directory/victims") == 0:0 && $(owner "$directory/victims/file") == 0:0 ]]
  done
  kill "$swapper"
}

# ---- directories of another user below a prefix of kong's ----

# refuses_logs IMAGE TEXT OPTION...: start and dry run as kong end with 77, and name logs/, its owner and
# mode, where it comes from, and a way out.
refuses_logs() {
  local dry way=$2
  image=$1
  shift 2
  for dry in '' --dry-run; do
    # shellcheck disable=SC2086 # no argument where it is empty
    finish "$@" -- $dry kong docker-start
    cat "$directory/stderr" "$directory/stdout"
    ((status == 77))
    cat "$directory/stderr" "$directory/stdout" >"$directory/said"
    grep -i -F "error: kong (1337:0) cannot write $prefix/logs, but kong prepare has to" "$directory/said"
    grep -F 'has uid 0, gid 0, mode 0755' "$directory/said"
    grep -F -- "$way" "$directory/said"
    remove
  done
}

@test "logs/ of root's in the image, as COPY leaves it, ends start and dry run of kong with 77 and COPY --chown" {
  printf 'FROM %s\nUSER root\nRUN mkdir %s/logs\nUSER kong\n' "$image_user_kong" "$prefix" >"$directory/Dockerfile"
  podman build --format docker --isolation chroot --network host --tag localhost/entrypoint-logs-of-root \
    --file "$directory/Dockerfile" "$directory"
  refuses_logs localhost/entrypoint-logs-of-root 'way out: in the Dockerfile: COPY --chown=1337:0'
  # kong could have moved it there, so a start as root does not change its owner.
  refuses_logs localhost/entrypoint-logs-of-root 'way out: in the Dockerfile: COPY --chown=1337:0' --user root
}

@test "logs/ on a volume of root's ends start and dry run of kong with 77 and the ways for a volume" {
  install -d -o 0 -g 0 -m 755 "$directory/logs"
  refuses_logs "$image_user_kong" "way out: on the host, give what is mounted there: chown -R 1337:0" \
    --volume "$directory/logs:$prefix/logs"
  refuses_logs "$image_user_kong" 'way out: Kubernetes: securityContext.fsGroup: 1337 in the pod' \
    --volume "$directory/logs:$prefix/logs"
}

# ---- invalid prefixes ----

@test "a KONG_PREFIX that is /, a system directory, relative or not canonical ends with 78, and is named" {
  local path
  for path in / /etc /usr /usr/local/bin /proc /proc/1 /dev /sys/fs relative ./kong /usr/local/../kong \
    /srv//kong /srv/./kong; do
    finish "${no_further[@]}" --env KONG_PREFIX="$path"
    printf 'KONG_PREFIX=%s: %s\n' "$path" "$status"
    ((status == 78))
    says_error KONG_PREFIX "$path"
    [[ $(owner "$(root_of_ended)/etc") == 0:0 && $(owner "$(root_of_ended)/usr/local/bin") == 0:0 ]]
    remove
  done
}

@test "a prefix behind a link that kong could have planted gives away no directory of root's" {
  mkdir "$directory/parent"
  chown 1337 "$directory/parent"
  ln -s /etc "$directory/parent/kong"
  ln -s /usr "$directory/parent/up"
  local path
  for path in /srv/parent/kong /srv/parent/up/share; do
    finish "${no_further[@]}" --volume "$directory/parent:/srv/parent" --env KONG_PREFIX="$path"
    cat "$directory/stderr"
    ((status != 0 && status != 9))
    grep -F "$path" "$directory/stderr"
    [[ $(owner "$(root_of_ended)/etc") == 0:0 && $(owner "$(root_of_ended)/usr/share") == 0:0 ]]
    remove
    finish --volume "$directory/parent:/srv/parent" --env KONG_PREFIX="$path" -- --dry-run kong docker-start
    ((status == 78))
    grep -F "$path" "$directory/stdout"
    remove
  done
}
