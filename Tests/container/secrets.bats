#!/usr/bin/env bats
# KONG_*_FILE: which variables name a secret's file, what happens to it, and that it is never shown.

# shellcheck source-path=SCRIPTDIR source=container.bash disable=SC2030,SC2031
source "${BATS_TEST_DIRNAME}/container.bash"

secret='correct horse battery staple'

# secret_file NAME FORMAT: made by printf, readable by root alone. Adds its volume to `mounts`.
mounts=()
secret_file() {
  # shellcheck disable=SC2059 # the bytes of the secret
  printf "$2" >"$directory/$1"
  chmod 400 "$directory/$1"
  mounts+=(--volume "$directory/$1:/run/secrets/$1:ro")
}

# Where `kong prepare` left its environment.
prepared_environment() {
  printf '%s' "$(root_of_container)$prefix/stand-in.environ"
}

@test "a secret in a file that only root can read reaches kong prepare and nginx as the variable" {
  secret_file password "$secret\n"
  start "${mounts[@]}" "${untitled[@]}" --env KONG_PG_PASSWORD_FILE=/run/secrets/password
  serves http://localhost:8000/
  for file in "/proc/$master/environ" "$(prepared_environment)"; do
    [[ $(variable "$file" KONG_PG_PASSWORD) == "$secret" ]]
    not variable "$file" KONG_PG_PASSWORD_FILE
  done
  [[ $(status_of "$master" Uid) == '1337 1337 1337 1337' ]]
}

@test "trailing newlines are removed, and no other byte" {
  secret_file password '\n two\nlines \377\376 \r\n\n\n'
  start "${mounts[@]}" --env KONG_PG_PASSWORD_FILE=/run/secrets/password
  serves http://localhost:8000/
  cmp <(variable "$(prepared_environment)" KONG_PG_PASSWORD) <(printf '\n two\nlines \377\376 \r')
}

@test "an empty file is an empty value" {
  secret_file password ''
  start "${mounts[@]}" --env KONG_PG_PASSWORD_FILE=/run/secrets/password
  serves http://localhost:8000/
  variable "$(prepared_environment)" KONG_PG_PASSWORD
  [[ -z $(variable "$(prepared_environment)" KONG_PG_PASSWORD) ]]
}

@test "an empty KONG_PG_PASSWORD_FILE counts as unset" {
  start --env KONG_PG_PASSWORD_FILE= --env KONG_PG_PASSWORD="$secret"
  serves http://localhost:8000/
  [[ $(variable "$(prepared_environment)" KONG_PG_PASSWORD) == "$secret" ]]
}

@test "the file beats an empty KONG_PG_PASSWORD" {
  secret_file password "$secret"
  start "${mounts[@]}" --env KONG_PG_PASSWORD_FILE=/run/secrets/password --env KONG_PG_PASSWORD=
  serves http://localhost:8000/
  [[ $(variable "$(prepared_environment)" KONG_PG_PASSWORD) == "$secret" ]]
  (($(grep --null-data --text --count '^KONG_PG_PASSWORD=' "$(prepared_environment)") == 1))
}

@test "a secret given as value and as file ends with 78: the message names both, and shows neither" {
  secret_file password "$secret"
  finish "${mounts[@]}" "${no_further[@]}" --env KONG_PG_PASSWORD_FILE=/run/secrets/password \
    --env KONG_PG_PASSWORD=open-sesame
  ((status == 78))
  says_error KONG_PG_PASSWORD_FILE KONG_PG_PASSWORD
  not grep -F -e "$secret" -e open-sesame "$directory/stderr" "$directory/stdout"
}

# refuses PATH OPTION...: ends with 78, and names variable and path.
refuses() {
  local path=$1
  shift
  finish "$@" "${no_further[@]}" --env KONG_PG_PASSWORD_FILE="$path"
  ((status == 78))
  says_error KONG_PG_PASSWORD_FILE "$path"
  remove
}

@test "a secret's file that is absent, or a directory, ends with 78, with variable and path" {
  refuses /run/secrets/absent
  refuses /etc
  refuses /etc/passwd/password
}

@test "a file that the user of the start cannot read ends with 78, with variable, path and reason" {
  secret_file password "$secret"
  image=$image_user_kong
  finish "${mounts[@]}" "${no_further[@]}" --env KONG_PG_PASSWORD_FILE=/run/secrets/password
  ((status == 78))
  says_error KONG_PG_PASSWORD_FILE /run/secrets/password 'ermission denied'
}

@test "a link of kong's to a file that only root can read ends with 78" {
  printf '%s' "$secret" >"$directory/root"
  chmod 400 "$directory/root"
  install --directory --owner 1337 --mode 755 "$directory/kong"
  ln -s /srv/root "$directory/kong/password"
  chown --no-dereference 1337 "$directory/kong/password"
  mounts+=(--volume "$directory/root:/srv/root:ro" --volume "$directory/kong:/srv/kong")
  refuses /srv/kong/password "${mounts[@]}"
}

@test "a NUL in a secret ends with 78, and nothing of it is shown" {
  secret_file password "$secret\\000$secret"
  finish "${mounts[@]}" "${no_further[@]}" --env KONG_PG_PASSWORD_FILE=/run/secrets/password
  ((status == 78))
  says_error KONG_PG_PASSWORD_FILE /run/secrets/password NUL
  not grep -F "${secret%% *}" "$directory/stderr" "$directory/stdout"
}

# The kernel's limit for one string, MAX_ARG_STRLEN in execve(2): 32 pages, including its NUL.
@test "a secret as long as a variable can be works, and one more byte ends with 78" {
  local longest=$((131072 - 1 - 17))
  secret_file password "$(printf '%*s' "$longest" '')\n\n"
  start "${mounts[@]}" --env KONG_PG_PASSWORD_FILE=/run/secrets/password
  serves http://localhost:8000/
  (($(variable "$(prepared_environment)" KONG_PG_PASSWORD | wc --bytes) == longest))
  remove
  secret_file longer "$(printf '%*s' "$((longest + 1))" '')"
  refuses /run/secrets/longer "${mounts[@]}"
}

@test "a secret that Kubernetes mounts, behind two links, is read" {
  mkdir -p "$directory/mount/..2024"
  printf '%s' "$secret" >"$directory/mount/..2024/password"
  ln -s ..2024 "$directory/mount/..data"
  ln -s ..data/password "$directory/mount/password"
  start --volume "$directory/mount:/run/secrets:ro" --env KONG_PG_PASSWORD_FILE=/run/secrets/password
  serves http://localhost:8000/
  [[ $(variable "$(prepared_environment)" KONG_PG_PASSWORD) == "$secret" ]]
}

@test "KONG_PASSWORD_FILE is a secret, though no option has that name" {
  secret_file password "$secret"
  start "${mounts[@]}" --env KONG_PASSWORD_FILE=/run/secrets/password
  serves http://localhost:8000/
  [[ $(variable "$(prepared_environment)" KONG_PASSWORD) == "$secret" ]]
  not variable "$(prepared_environment)" KONG_PASSWORD_FILE
}

@test "a KONG_*_FILE that names no option of Kong is not changed" {
  start --env KONG_BRAND_NEW_FILE=/run/secrets/absent
  serves http://localhost:8000/
  [[ $(variable "$(prepared_environment)" KONG_BRAND_NEW_FILE) == /run/secrets/absent ]]
}

@test "KONG_NGINX_PROXY_AUTH_BASIC_USER_FILE is nginx's directive and no secret" {
  printf 'kong:{PLAIN}open-sesame\n' >"$directory/users"
  chmod 644 "$directory/users"
  for defaults in '' /absent; do
    start --volume "$directory/users:/etc/users:ro" --env ENTRYPOINT_KONG_DEFAULTS=$defaults \
      --env KONG_NGINX_PROXY_AUTH_BASIC=kong --env KONG_NGINX_PROXY_AUTH_BASIC_USER_FILE=/etc/users
    serves http://127.0.0.1:8001/ admin
    [[ $(variable "$(prepared_environment)" KONG_NGINX_PROXY_AUTH_BASIC_USER_FILE) == /etc/users ]]
    [[ $(page http://kong:open-sesame@localhost:8000/worker) == *Uid:* ]]
    [[ $(page http://kong:wrong@localhost:8000/worker) == *401* ]]
    remove
  done
}

@test "without the file of Kong's options every KONG_*_FILE is a secret, except KONG_NGINX_*_FILE" {
  secret_file password "$secret"
  start "${mounts[@]}" --env ENTRYPOINT_KONG_DEFAULTS=/absent --env KONG_BRAND_NEW_FILE=/run/secrets/password \
    --env KONG_NGINX_MY_FILE=/run/secrets/absent
  serves http://localhost:8000/
  [[ $(variable "$(prepared_environment)" KONG_BRAND_NEW) == "$secret" ]]
  not variable "$(prepared_environment)" KONG_BRAND_NEW_FILE
  [[ $(variable "$(prepared_environment)" KONG_NGINX_MY_FILE) == /run/secrets/absent ]]
}

@test "ENTRYPOINT_KONG_DEFAULTS names the file that names the options" {
  secret_file password "$secret"
  printf 'return [[\nbrand_new = NONE\n]]\n' >"$directory/defaults"
  start "${mounts[@]}" --volume "$directory/defaults:/etc/defaults.lua:ro" \
    --env ENTRYPOINT_KONG_DEFAULTS=/etc/defaults.lua --env KONG_BRAND_NEW_FILE=/run/secrets/password \
    --env KONG_PG_PASSWORD_FILE=/run/secrets/absent
  serves http://localhost:8000/
  [[ $(variable "$(prepared_environment)" KONG_BRAND_NEW) == "$secret" ]]
  [[ $(variable "$(prepared_environment)" KONG_PG_PASSWORD_FILE) == /run/secrets/absent ]]
}

@test "every kong command gets the secrets, and ends with 78 if one cannot be read" {
  secret_file password "$secret"
  finish "${mounts[@]}" --env KONG_PG_PASSWORD_FILE=/run/secrets/password -- kong environment
  ((status == 0))
  [[ $(variable "$directory/stdout" KONG_PG_PASSWORD) == "$secret" ]]
  not variable "$directory/stdout" KONG_PG_PASSWORD_FILE
  remove
  finish --env KONG_PG_PASSWORD_FILE=/run/secrets/absent -- kong migrations up
  ((status == 78))
  says_error KONG_PG_PASSWORD_FILE /run/secrets/absent
}

@test "a command other than kong gets the variable unchanged" {
  finish --env KONG_PG_PASSWORD_FILE=/run/secrets/absent -- cat /proc/self/environ
  ((status == 0))
  [[ $(variable "$directory/stdout" KONG_PG_PASSWORD_FILE) == /run/secrets/absent ]]
}

@test "the dry run shows variable, path and length of a secret, and never its text" {
  secret_file password "$secret\n"
  for format in text json docker kubernetes; do
    finish "${mounts[@]}" --env KONG_PG_PASSWORD_FILE=/run/secrets/password -- \
      --dry-run --format $format kong docker-start
    cat "$directory/stdout" "$directory/stderr"
    ((status == 0))
    not grep -F "$secret" "$directory/stdout" "$directory/stderr"
    case $format in
      text) grep KONG_PG_PASSWORD "$directory/stdout" | grep -F /run/secrets/password | grep -w "${#secret}" ;;
      json)
        jq --exit-status --argjson length "${#secret}" \
          '.secrets == [{variable: "KONG_PG_PASSWORD", path: "/run/secrets/password", length: $length}]' "$directory/stdout"
        ;;
    esac
    remove
  done
}

@test "the dry run of a secret that cannot be read ends with 78" {
  finish --env KONG_PG_PASSWORD_FILE=/run/secrets/absent -- --dry-run kong docker-start
  cat "$directory/stdout" "$directory/stderr"
  ((status == 78))
  cat "$directory/stdout" "$directory/stderr" | grep -F /run/secrets/absent
}

# No command line in the container has it, and no output.
secret_is_nowhere() {
  local process count=0
  for process in $(processes); do
    not grep --text -F "$secret" "/proc/$process/cmdline"
    count=$((count + 1))
  done
  printf '%s command lines\n' "$count"
  ((count >= 2))
  not logged "$secret"
  logged entrypoint
}

@test "at debug level, as text and as JSON, a secret is in no log and on no command line" {
  secret_file password "$secret\n"
  mounts+=(--env KONG_PG_PASSWORD_FILE=/run/secrets/password --env ENTRYPOINT_LOG_LEVEL=debug)
  for format in text json; do
    start "${mounts[@]}" --env ENTRYPOINT_LOG_FORMAT=$format
    serves http://localhost:8000/
    [[ $(variable "$(prepared_environment)" KONG_PG_PASSWORD) == "$secret" ]]
    secret_is_nowhere
    remove
  done
  start "${mounts[@]}" --env STAND_IN_PREPARE=hang
  eventually test -s "$(root_of_container)$prefix/stand-in.waiting"
  not grep --text -F "$secret" "/proc/$master/cmdline"
  secret_is_nowhere
}

@test "an error of the start shows no secret that was read" {
  secret_file password "$secret"
  mounts+=(--env KONG_PG_PASSWORD_FILE=/run/secrets/password --env ENTRYPOINT_LOG_LEVEL=debug)
  for cause in KONG_PROXY_LISTEN=nonsense SET_CAP_NET_RAW=1 STAND_IN_PREPARE=exit:1 \
    KONG_PG_USER_FILE=/run/secrets/absent ENTRYPOINT_PROXY=/absent; do
    finish "${mounts[@]}" --env "$cause"
    ((status != 0))
    not grep --text -F "$secret" "$directory/stdout" "$directory/stderr"
    if [[ $cause == STAND_IN_PREPARE=* ]]; then
      [[ $(variable "$(root_of_ended)$prefix/stand-in.environ" KONG_PG_PASSWORD) == "$secret" ]]
    fi
    remove
  done
}

# ---- commands without secrets ----

# passes_on WORDS COMMAND...: the command runs, its variable is not changed, and WORDS are what to write.
passes_on() {
  local words=$1
  shift
  finish "${mounts[@]}" --env KONG_PG_PASSWORD_FILE=/run/secrets/password -- "$@"
  cat "$directory/stderr"
  ((status == 0))
  tr '\0' '\n' <"$directory/stdout" | grep -x KONG_PG_PASSWORD_FILE=/run/secrets/password
  grep -F "warn: KONG_PG_PASSWORD_FILE: passed on unread, so $words does not get what is in the file" "$directory/stderr"
  grep -F "way out: " "$directory/stderr" | grep -F "$words"
  remove
}

@test "a kong command behind a shell, or with a path, gets no secret, and a warning says what to write" {
  secret_file password "$secret"
  passes_on 'kong check' sh -c 'kong environment; exit 0; kong check'
  passes_on 'kong check' env kong_check=1 sh -c 'kong environment || kong check'
  finish "${mounts[@]}" --env KONG_PG_PASSWORD_FILE=/run/secrets/password -- /usr/local/bin/kong health
  grep -F 'way out: write: kong health, and put the directory of kong on PATH' "$directory/stderr"
}

@test "sh -c with kong docker-start causes a warning that it is not a start, with the right words" {
  finish -- sh -c 'kong docker-start --vv'
  cat "$directory/stderr"
  ((status != 0))
  grep -F 'warn: sh runs unchanged: nothing is prepared, granted or dropped for kong docker-start --vv' "$directory/stderr"
  grep -F 'way out: leave out sh, and write the command: kong docker-start --vv' "$directory/stderr"
}

@test "a shell that starts something else runs without a warning" {
  secret_file password "$secret"
  finish "${mounts[@]}" --env KONG_PG_PASSWORD_FILE=/run/secrets/password -- sh -c 'id -u kong && echo kong'
  ((status == 0))
  [[ ! -s $directory/stderr ]]
}

@test "a secret that ends in a carriage return stays so, with a warning that does not show it" {
  secret_file password "$secret\r\n"
  start "${mounts[@]}" --env KONG_PG_PASSWORD_FILE=/run/secrets/password
  serves http://localhost:8000/
  cmp <(variable "$(prepared_environment)" KONG_PG_PASSWORD) <(printf '%s\r' "$secret")
  logged 'the value in /run/secrets/password ends in a carriage return (CR)'
  not logged "$secret"
}
