#!/usr/bin/env bats
# What the Markdown files and docker/ show, on a base like the official image: its health check is Lua that belongs to
# kong. Whoever takes over kong overwrites it, and waits for a check that runs as root.

# shellcheck source-path=SCRIPTDIR source=container.bash disable=SC2016,SC2030,SC2031
source "${BATS_TEST_DIRNAME}/container.bash"

# dockerfiles: writes each fenced block of all Markdown files that has Dockerfile lines to a file in
# $directory/snippets, named after its place, and prints the names.
dockerfiles() {
  mkdir "$directory/snippets"
  (cd "$repository" && git ls-files -z '*.md' | xargs -0 awk -v directory="$directory/snippets" '
    function end_of_block() {
      if (is_dockerfile) {
        name = place
        gsub("/", "-", name)
        printf "%s", text >(directory "/" name)
        close(directory "/" name)
        print name
      }
    }
    FNR == 1 { is_open = 0 }
    /^ *```/ {
      if (is_open) end_of_block()
      is_open = !is_open
      text = ""
      place = FILENAME ":" FNR
      is_dockerfile = tolower($0) ~ /(docker|container)file/
      next
    }
    is_open {
      text = text $0 "\n"
      if ($0 ~ /^ *(FROM|USER|ENTRYPOINT|HEALTHCHECK|COPY|ADD|RUN) /) is_dockerfile = 1
    }')
}

# build_snippet NAME: like `image`; a snippet without FROM goes to the end of a Kong image's Dockerfile.
build_snippet() {
  local file=$directory/snippets/$1
  # The target of docker/Dockerfile that is published.
  sed -i "s#--from=ghcr.io/OWNER/entrypoint:[^ ]*#--from=$image_published#" "$file"
  grep -q '^FROM ' "$file" || sed -i "1i FROM $image_official" "$file"
  cat "$file"
  cp "${ENTRYPOINT_BINARY:-$repository/.build/entrypoint}" "$directory/entrypoint"
  image=localhost/entrypoint-snippet:${1//[!a-zA-Z0-9]/-}
  podman build --format docker --isolation chroot --network host --tag "$image" --file "$file" "$directory"
}

# attack_health_check OPTION...: kong overwrites its own command in a container of `image`, and the engine
# checks the container's health. Sets `ran_as` to the uids that the attacker's program ran as.
attack_health_check() {
  start "$@"
  serves http://localhost:8000/
  podman exec --user kong "$container" sh -c \
    'printf "#!/bin/sh\nid -u >>/tmp/ran-as\ncp /bin/sh /tmp/shell && chmod u+s /tmp/shell\n" >/usr/local/bin/kong'
  podman healthcheck run "$container" || true
  ran_as=$(cat "$(root_of_container)/tmp/ran-as")
  printf 'the attacker has run as: %s\n' "$ran_as"
}

# nothing_ran_as_root: it did run as kong, so that this test attacks something.
nothing_ran_as_root() {
  [[ $ran_as == 1000 && $(owner "$(root_of_container)/tmp/shell") == 1000:* ]]
}

@test "the base's own health check, in an image of root without its own check, makes the user kong root" {
  mkdir "$directory/snippets"
  printf '%s\n' 'COPY entrypoint /usr/local/bin/entrypoint' 'USER root' \
    'ENTRYPOINT ["/usr/local/bin/entrypoint"]' 'CMD ["kong", "docker-start"]' >"$directory/snippets/without-check"
  build_snippet without-check
  attack_health_check
  [[ $ran_as == 0 && $(owner "$(root_of_container)/tmp/shell") == 0:* && -u $(root_of_container)/tmp/shell ]]
}

@test "each Dockerfile in a Markdown file makes an image whose health check runs nothing of kong's as root" {
  dockerfiles >"$directory/names"
  cat "$directory/names"
  grep '^README\.md:' "$directory/names"
  while read -r name <&4; do
    build_snippet "$name"
    attack_health_check
    nothing_ran_as_root
    remove
  done 4<"$directory/names"
}

@test "the first Dockerfile of README.md serves port 80 without root: on the host's network, under no_new_privs" {
  dockerfiles >"$directory/names"
  build_snippet "$(grep -m 1 '^README\.md:' "$directory/names")"
  start --env KONG_PROXY_LISTEN='0.0.0.0:80, 0.0.0.0:443 ssl' --env KONG_STATUS_LISTEN=127.0.0.1:8100 --network host \
    --cap-drop ALL --cap-add NET_BIND_SERVICE --security-opt no-new-privileges
  serves http://localhost:80/
  has_predicted_credentials
  credentials "$master" | jq --exit-status '.uid == 1000 and .permitted == ["cap_net_bind_service"]
    and .bounding == .permitted and .no_new_privs'
}

@test "with KONG_STATUS_LISTEN its health check runs nothing of kong's" {
  image=$image_shipped
  start --env KONG_STATUS_LISTEN=127.0.0.1:8100
  serves http://localhost:8000/
  podman exec --user kong "$container" sh -c 'printf "#!/bin/sh\ntouch /tmp/ran\n" >/usr/local/bin/kong'
  podman healthcheck run "$container"
  [[ ! -e $(root_of_container)/tmp/ran ]]
}

@test "docker/Dockerfile makes an image whose health check runs nothing of kong's as root" {
  image=$image_shipped
  attack_health_check --user root
  nothing_ran_as_root
}

# checks FILE...: of the compose files together, as one JSON line for each user of a service with our image and its
# health check's command.
checks() {
  "$python_tools/bin/python" -c '
import json, sys, yaml
services = {}
for file in sys.argv[1:]:
    for name, service in yaml.safe_load(open(file))["services"].items():
        services.setdefault(name, {}).update(service)
for name, service in services.items():
    if service["image"] == "kong-entrypoint" and not service["healthcheck"].get("disable"):
        assert service["healthcheck"]["test"][0] == "CMD", name
        print(json.dumps([service["user"], service["healthcheck"]["test"][1:]]))' "$@" | sort -u
}

@test "each service of compose.yaml, alone and with compose.root.yaml, has a check that runs nothing of kong's as root" {
  image=$image_shipped
  checks "$repository/docker/compose.yaml" >"$directory/checks"
  checks "$repository/docker/compose.yaml" "$repository/docker/compose.root.yaml" >>"$directory/checks"
  cat "$directory/checks"
  [[ $(jq --raw-output '.[0]' "$directory/checks" | xargs) == '1000 0' ]]
  while read -r check <&4; do
    attack_health_check --user "$(jq --raw-output '.[0]' <<<"$check")" --health-cmd "$(jq --compact-output '.[1]' <<<"$check")"
    nothing_ran_as_root
    remove
  done 4<"$directory/checks"
}
