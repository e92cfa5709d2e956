#!/usr/bin/env bats
# docker/kubernetes is valid, has the security contexts of --format kubernetes, and runs with `podman kube
# play`. kubernetes.py has the changes for podman.

# shellcheck source-path=SCRIPTDIR source=container.bash disable=SC2016,SC2030,SC2031
source "${BATS_TEST_DIRNAME}/container.bash"

manifests=$repository/docker/kubernetes
overlays=(base host-network restricted root openshift from-chart)
# The newest three, and the oldest with lifecycle.preStop.sleep.
versions=(1.30 1.35 1.36 1.37)

setup_file() {
  PATH=$PATH:$python_tools/bin # kubectl, where no package has it
  for overlay in "${overlays[@]}"; do
    render "$overlay" >"$engine_directory/$overlay.yaml"
  done
}

render() {
  kubectl kustomize "$manifests/$1"
}

# as_json FILE: all documents of a YAML file, as an array.
as_json() {
  "$python_tools/bin/python" -c '
import json, sys, yaml
print(json.dumps([d for d in yaml.safe_load_all(open(sys.argv[1])) if d]))' "$1"
}

# workload OVERLAY KIND FILTER
workload() {
  as_json "$engine_directory/$1.yaml" | jq --compact-output --arg kind "$2" ".[] | select(.kind == \$kind) | $3"
}

teardown() {
  if [[ -n ${pod-} ]]; then
    [[ -z $container ]] || podman logs "$container" 2>&1 | cat --show-nonprinting
    container=""
    remove_pod
  fi
  [[ -z $container ]] || remove
  rm -rf "$directory"
}

remove_pod() {
  podman pod kill "$pod" >/dev/null 2>&1 || true
  podman pod rm --force "$pod" >/dev/null
}

# ---- the manifests ----

@test "each manifest is valid, strictly, for Kubernetes 1.30 to 1.37" {
  for overlay in "${overlays[@]}"; do
    for version in "${versions[@]}"; do
      "$python_tools/bin/kubernetes-validate" --strict --no-warn --kubernetes-version "$version" \
        "$engine_directory/$overlay.yaml"
    done
  done
}

@test "the validator rejects a wrong manifest" {
  sed 's/hostNetwork: true/hostNetwrk: true/' "$engine_directory/host-network.yaml" >"$directory/wrong.yaml"
  not cmp --quiet "$engine_directory/host-network.yaml" "$directory/wrong.yaml"
  not "$python_tools/bin/kubernetes-validate" --strict --quiet "$directory/wrong.yaml"
}

@test "the head of every file says what it is for" {
  while read -r file; do
    printf '%s\n' "$file"
    [[ $(head -c 2 "$file") == '# ' ]]
  done < <(find "$manifests" "$repository/docker/compose.yaml" -name '*.yaml')
  for file in "$manifests"/*/kustomization.yaml "$manifests"/helm-*.yaml; do
    grep -q '^# Choose it ' "$file"
  done
}

# ---- what entrypoint itself says ----

# say OPTION...: what --format kubernetes prints for the settings of a workload. Sets `said_of_pod` and
# `said_of_container`, the security contexts; the pod's may be null.
say() {
  podman run --rm "${settings[@]}" "$@" "$image_shipped" --dry-run --format kubernetes kong docker-start \
    >"$directory/said.yaml"
  cat "$directory/said.yaml"
  sed -i 's/^# in the container$/---/' "$directory/said.yaml"
  said_of_pod=$(as_json "$directory/said.yaml" | jq --compact-output '.[:-1] | add.securityContext')
  said_of_container=$(as_json "$directory/said.yaml" | jq --compact-output --sort-keys '.[-1].securityContext')
}

# is_as_said OVERLAY KIND: compares the container's security context exactly.
is_as_said() {
  diff <(printf '%s\n' "$said_of_container") \
    <(workload "$1" "$2" '.spec.template.spec.containers[0].securityContext' | jq -cS .)
}

# The settings of a workload's container, as options for podman.
settings_of() {
  settings=()
  while read -r setting; do
    settings+=(--env "$setting")
  done < <(
    workload "$1" ConfigMap 'select(.metadata.name | startswith("kong-settings")) | .data | to_entries[] | "\(.key)=\(.value)"' | jq --raw-output .
    workload "$1" "$2" '.spec.template.spec.containers[0].env[] | "\(.name)=\(.value)"' | jq --raw-output .
  )
  # Only a start reads it.
  settings+=(--env KONG_PG_PASSWORD_FILE=)
}

@test "the security context of host-network is what --format kubernetes prints: kong, with one capability" {
  settings_of host-network DaemonSet
  say --user 1000 --network host
  is_as_said host-network DaemonSet
  jq --exit-status '.runAsNonRoot and .capabilities.add == ["NET_BIND_SERVICE"]' <<<"$said_of_container"
}

@test "the security context of root is what --format kubernetes prints for root" {
  settings_of root DaemonSet
  say --user 0 --network host
  is_as_said root DaemonSet
}

@test "the security context of from-chart, with its servers, is what --format kubernetes prints" {
  settings_of from-chart DaemonSet
  workload from-chart ConfigMap '.data["servers.conf"] | select(.)' | jq --raw-output . >"$directory/servers.conf"
  say --user 1000 --network host --volume "$directory:/etc/kong/servers:ro"
  is_as_said from-chart DaemonSet
}

@test "the security context of restricted is what --format kubernetes prints where the sysctl opens the ports" {
  settings_of restricted Deployment
  say --user 1000 --network none --sysctl net.ipv4.ip_unprivileged_port_start=0
  is_as_said restricted Deployment
  [[ $said_of_pod == null ]]
}

@test "the security context of openshift is that of restricted, without the number of the user" {
  workload openshift Deployment '.spec.template.spec.containers[0].securityContext' >"$directory/openshift"
  workload restricted Deployment '.spec.template.spec.containers[0].securityContext | del(.runAsUser)' | diff "$directory/openshift" -
  for kind in Deployment Job; do
    workload openshift "$kind" '.spec.template.spec.securityContext | keys' | tee "$directory/keys"
    not grep -E 'runAsUser|runAsGroup|fsGroup' "$directory/keys"
  done
}

@test "the values for Helm have the security context of host-network" {
  settings_of host-network DaemonSet
  say --user 1000 --network host
  actual=$(values '.containerSecurityContext | del(.seccompProfile)' | jq -cS .)
  diff <(printf '%s\n' "$said_of_container") <(printf '%s\n' "$actual")
}

# ---- what docker/README.md and the heads of the files say ----

@test "restricted and openshift keep to Pod Security's level restricted, field by field" {
  for pair in 'restricted Deployment' 'restricted Job' 'openshift Deployment' 'openshift Job'; do
    # shellcheck disable=SC2086 # two words
    workload $pair '.spec.template.spec' | jq --exit-status '
      (.hostNetwork // .hostPID // .hostIPC // false | not)
      and .securityContext.runAsNonRoot and .securityContext.runAsUser != 0
      and .securityContext.seccompProfile.type == "RuntimeDefault"
      and all(.securityContext.sysctls // [] | .[]; .name == "net.ipv4.ip_unprivileged_port_start")
      and all(.volumes[]; keys - ["name"] | . == ["emptyDir"] or . == ["secret"])
      and all((.containers + (.initContainers // []))[];
        .securityContext.allowPrivilegeEscalation == false
        and .securityContext.capabilities == {"drop": ["ALL"]}
        and all(.ports // [] | .[]; has("hostPort") | not))'
  done
}

@test "host-network is one Kong on each node, in the node's network, updated one by one" {
  workload host-network DaemonSet .spec | jq --exit-status '
    .updateStrategy == {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1}}
    and (.template.spec | .hostNetwork and .dnsPolicy == "ClusterFirstWithHostNet"
      and any(.tolerations[]; .key == "node-role.kubernetes.io/control-plane" and .operator == "Exists"))
    and ([.template.spec.containers[0].ports[].containerPort] | contains([80, 443]))'
}

@test "the update of restricted has no gap: there are two Kongs, and a new one is ready before an old one ends" {
  workload restricted Deployment .spec | jq --exit-status '
    .replicas == 2
    and .strategy == {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}'
  workload restricted PodDisruptionBudget .spec.maxUnavailable | grep -x 1
}

@test "the Service of restricted is a load balancer's, and keeps the client's address" {
  workload restricted Service .spec | jq --exit-status '.type == "LoadBalancer" and .externalTrafficPolicy == "Local"'
}

@test "only root starts as root: no other workload, and no job" {
  for overlay in "${overlays[@]}"; do
    as_json "$engine_directory/$overlay.yaml" | jq --exit-status --arg overlay "$overlay" '
      all(.[] | select(.kind == "Job" or .kind == "Deployment" or .kind == "DaemonSet" and $overlay != "root")
        | .spec.template.spec; .securityContext.runAsNonRoot and .securityContext.runAsUser != 0
          and all((.containers + (.initContainers // []))[]; .securityContext | .runAsUser != 0 and .runAsNonRoot != false
            and .allowPrivilegeEscalation == false))'
  done
}

@test "no pod gets a token for the API server" {
  for pair in 'base Job' 'host-network DaemonSet' 'restricted Deployment'; do
    # shellcheck disable=SC2086 # two words
    workload $pair '.spec.template.spec' | jq --exit-status '
      .serviceAccountName == "kong" and .automountServiceAccountToken == false'
    workload "${pair% *}" ServiceAccount .automountServiceAccountToken | grep -x false
  done
}

@test "each Kong has a startup, a liveness and a readiness probe, on its status listener" {
  for pair in 'host-network DaemonSet' 'restricted Deployment'; do
    # shellcheck disable=SC2086 # two words
    workload $pair '.spec.template.spec.containers[0]' | jq --exit-status '
      [keys[] | select(endswith("Probe"))] == ["livenessProbe", "readinessProbe", "startupProbe"]
      and [.startupProbe, .livenessProbe, .readinessProbe | .httpGet.path] == ["/status", "/status", "/status/ready"]
      and all(.startupProbe, .livenessProbe, .readinessProbe; .httpGet.port == "status")
      and (.ports[] | select(.name == "status").containerPort | tostring)
        == (.env[] | select(.name == "KONG_STATUS_LISTEN").value | split(":")[1])'
  done
}

@test "the kubelet runs no command in a container of root: kong could have replaced what it runs" {
  workload root DaemonSet '.spec.template.spec' | jq --exit-status '[.. | objects | select(has("exec"))] == []'
}

@test "failed migrations are tried again, and a Job that succeeded is removed after ten minutes" {
  workload base Job .spec | jq --exit-status '
    .backoffLimit == 10 and .template.spec.restartPolicy == "OnFailure" and .ttlSecondsAfterFinished == 600'
}

@test "selectors and ports of restricted find the pods: of the Deployment, the Service and the budget" {
  workload restricted Deployment .spec >"$directory/deployment"
  for filter in 'Service .spec.selector' 'PodDisruptionBudget .spec.selector.matchLabels'; do
    # shellcheck disable=SC2086 # two words
    workload restricted $filter | jq --exit-status --slurpfile deployment "$directory/deployment" '
      . as $selector | $deployment[0] | .selector.matchLabels == $selector
      and (.template.metadata.labels | contains($selector))'
  done
  workload restricted Service .spec.ports | jq --exit-status --slurpfile deployment "$directory/deployment" '
    ($deployment[0].template.spec.containers[0].ports | map({(.name): .containerPort}) | add) as $ports
    | map([.port, $ports[.targetPort]]) == [[80, 80], [443, 443]]'
}

@test "a tag that is changed in one place is that of every container, and of nothing else" {
  cp -r "$manifests" "$directory/kubernetes"
  sed -i 's/newTag: .*/newTag: "3.9-2"/' "$directory/kubernetes/image/kustomization.yaml"
  for overlay in "${overlays[@]}"; do
    kubectl kustomize "$directory/kubernetes/$overlay" >"$directory/$overlay.yaml"
    diff "$engine_directory/$overlay.yaml" "$directory/$overlay.yaml" >"$directory/difference" || true
    images=$(as_json "$directory/$overlay.yaml" | jq --compact-output '[.. | objects | select(has("image")) | .image]')
    printf '%s: %s\n' "$overlay" "$images"
    jq --exit-status 'length > 0 and all(.[]; . == "registry.example.com/kong-entrypoint:3.9-2")' <<<"$images"
    (($(grep -c '^>' "$directory/difference") == $(jq length <<<"$images")))
  done
}

@test "the job of the migrations is made again for a new image: by Argo CD, by Flux, and by README's commands" {
  workload base Job .metadata.annotations | jq --exit-status '
    .["argocd.argoproj.io/hook-delete-policy"] == "BeforeHookCreation"
    and .["kustomize.toolkit.fluxcd.io/force"] == "enabled"'
  grep -F 'delete job kong-migrations --ignore-not-found' "$repository/docker/README.md"
  workload base Job '[.spec.template.spec | (.containers + .initContainers)[].resources.limits.memory]' | grep -F 'Mi'
}

@test "nginx ends by itself before the kubelet would kill it" {
  timeout=$(workload base ConfigMap '.data.KONG_NGINX_MAIN_WORKER_SHUTDOWN_TIMEOUT | rtrimstr("s") | tonumber')
  ((timeout > 0))
  for pair in 'host-network DaemonSet' 'restricted Deployment'; do
    # shellcheck disable=SC2086 # two words
    workload $pair '.spec.template.spec' | jq --exit-status --argjson timeout "$timeout" '
      .terminationGracePeriodSeconds
        > $timeout + (.containers[0].lifecycle.preStop.sleep.seconds // 0)'
  done
}

# ---- the values for Helm ----

# values FILTER: of the file for a Kong without a database, and of both files.
values() {
  as_json "$manifests/helm-values.yaml" | jq --compact-output ".[0] | $1"
}

values_with_database() {
  jq --slurp --compact-output ".[0] * .[1] | $1" <(values .) <(as_json "$manifests/helm-database.yaml" | jq '.[0]')
}

# The keys of the official chart's values.yaml, version 3.4.1, that are used. The last ones contain keys of
# Kubernetes or Kong. Tests/kubernetes/chart renders the chart.
chart_keys=(
  image.repository image.tag deployment.daemonset deployment.hostNetwork
  deployment.kong.initContainers.clearStalePid.enabled waitImage.enabled
  proxy.type proxy.http.containerPort proxy.tls.containerPort dnsPolicy terminationGracePeriodSeconds
)
chart_sections=(containerSecurityContext customEnv env lifecycle.preStop migrations.resources tolerations updateStrategy)

@test "the chart knows the values for Helm" {
  values_with_database 'paths(scalars | true) | map(tostring) | join(".")' | jq --raw-output . >"$directory/paths"
  cat "$directory/paths"
  while read -r path; do
    for key in "${chart_keys[@]}"; do
      [[ $path != "$key" ]] || continue 2
    done
    for section in "${chart_sections[@]}"; do
      [[ $path != "$section" && $path != "$section".* ]] || continue 2
    done
    printf 'the chart does not have: %s\n' "$path"
    return 1
  done <"$directory/paths"
}

@test "the values for Helm make the chart like host-network" {
  values . | jq --exit-status --argjson daemonset "$(workload host-network DaemonSet .spec)" '
    ($daemonset.template.spec) as $pod
    | .deployment.daemonset and .deployment.hostNetwork == $pod.hostNetwork
    and .dnsPolicy == $pod.dnsPolicy and .tolerations == $pod.tolerations
    and [.proxy.http.containerPort, .proxy.tls.containerPort] == [80, 443]
    and (.updateStrategy | del(.rollingUpdate.maxSurge)) == $daemonset.updateStrategy
    and .lifecycle == {"preStop": null}
    and .terminationGracePeriodSeconds == $pod.terminationGracePeriodSeconds
    and .terminationGracePeriodSeconds > (.env.nginx_main_worker_shutdown_timeout | rtrimstr("s") | tonumber)
    and .env.database == "off" and .env.admin_gui_listen == "off"'
  values_with_database . | jq --exit-status --argjson settings "$(workload base ConfigMap .data)" '
    .env.database == $settings.KONG_DATABASE and .env.pg_host == $settings.KONG_PG_HOST
    and .env.pg_password.valueFrom.secretKeyRef.name == "kong-postgres" and .waitImage.enabled == false'
}

# ---- running ----

# play OVERLAY KIND NAME POD [ARGUMENT...]: with the options in `play_options`. Sets `pod`, and `container`
# and `master` of its container $main.
play() {
  mkdir -p "$directory/volumes"/{prefix,tmp,postgres-password}
  chmod 777 "$directory/volumes"/{prefix,tmp}
  printf 'the secret of the database\n' >"$directory/volumes/postgres-password/password"
  "$python_tools/bin/python" "$BATS_TEST_DIRNAME/kubernetes.py" "$2" "$3" "$image_shipped:latest" \
    "$directory/volumes" "${@:4}" <"$engine_directory/$1.yaml" >"$directory/play.yaml"
  pod=$4
  podman kube play "${play_options[@]}" "$directory/play.yaml"
  container=$pod-$main
  find_master
}

# plan OVERLAY KIND NAME: what the same pod says before it starts. Sets `planned`.
plan() {
  play "$1" "$2" "$3" plan --dry-run --format json kong docker-start
  podman wait "$container"
  planned=$(podman logs "$container" | jq --compact-output --sort-keys .result)
  container=""
  remove_pod
}

# Both ports answer, and nginx has what the plan says.
answers_as_planned() {
  prefix=/kong_prefix
  serves http://localhost:80/
  serves https://localhost:443/
  printf 'plan   %s\nmaster %s\nworker %s\n' "$planned" "$(credentials "$master")" "$(credentials "$(worker)")"
  [[ $(credentials "$master") == "$planned" ]]
  [[ $(credentials "$(worker)") == "$planned" ]]
}

# The contents of the Secret's file, at `kong prepare`.
has_the_password() {
  tr '\0' '\n' <"$directory/volumes/prefix/stand-in.environ" |
    grep --line-regexp --fixed-strings 'KONG_PG_PASSWORD=the secret of the database'
}

# probes_are_answered OVERLAY KIND [LISTENER]: each address of its three probes, from where the kubelet asks.
probes_are_answered() {
  local url
  local -a urls
  mapfile -t urls < <(workload "$1" "$2" '.spec.template.spec.containers[0] | .ports as $ports
    | (.startupProbe, .livenessProbe, .readinessProbe).httpGet
    | .port as $port | (.scheme // "HTTP" | ascii_downcase) as $scheme
    # The certificate is for that name. The kubelet does not verify it.
    | (if $scheme == "https" then "localhost" else .host // "localhost" end) as $host
    | "\($scheme)://\($host):\($ports[] | select(.name == $port).containerPort)\(.path)"' | jq -r .)
  printf '%s\n' "${urls[@]}"
  ((${#urls[@]} == 3))
  for url in "${urls[@]}"; do
    serves "$url" "${3:-status}"
  done
}

# on_the_node OVERLAY: its DaemonSet runs in podman, in the network of the host; nginx is kong, and has what the
# plan says.
on_the_node() {
  main=kong
  play_options=()
  plan "$1" DaemonSet kong
  play "$1" DaemonSet kong kong
  answers_as_planned
  [[ $(readlink "/proc/$master/ns/net") == "$(readlink /proc/self/ns/net)" ]]
  credentials "$master" | jq --exit-status '.uid == 1000 and .permitted == ["cap_net_bind_service"] and .no_new_privs
    and .bounding == .permitted'
  has_the_password
  not logged 'entrypoint: warn'
}

@test "host-network runs in podman, without root: ports 80 and 443 of the host answer" {
  on_the_node host-network
  probes_are_answered host-network DaemonSet
}

@test "root runs in podman: ports 80 and 443 of the host answer, and nginx runs as kong" {
  on_the_node root
  probes_are_answered root DaemonSet
}

@test "from-chart runs in podman, without root: each port of its servers, IPv6, metrics, and probes with TLS" {
  mkdir -p "$directory/volumes/servers"
  on_the_node from-chart
  probes_are_answered from-chart DaemonSet admin
  [[ $(nsenter --target "$master" --net curl --silent --noproxy '*' --output /dev/null \
    --write-out '%{http_code} %{redirect_url}' 'http://127.0.0.1:81/path?query') == '308 https://127.0.0.1/path?query' ]]
  page http://127.0.0.1:9542/nginx_status | grep -F 'Active connections'
  serves 'http://[::1]:80/'
  serves http://localhost:8100/metrics status
  [[ $(podman exec "$container" date +%Z) == $(date +%Z) ]]
}

@test "restricted runs in podman: ports 80 and 443 of the pod answer, without any capability" {
  main=kong
  sysctls=$(workload restricted Deployment '.spec.template.spec.securityContext.sysctls // [] | map("\(.name)=\(.value)")')
  sed "s/^default_ulimits/default_sysctls = $sysctls\n&/" \
    "$engine_directory/containers.conf" >"$directory/containers.conf"
  # shellcheck disable=SC2034 # for podman, in engine.bash
  engine_settings=$directory/containers.conf
  play_options=(--network none)
  plan restricted Deployment kong
  play restricted Deployment kong kong
  answers_as_planned
  credentials "$master" | jq --exit-status '.uid == 1000 and .permitted == [] and .bounding == [] and .no_new_privs'
  has_the_password
  probes_are_answered restricted Deployment
  not logged 'entrypoint: warn'
}

@test "openshift runs in podman as the number that a namespace may have, which no account has" {
  main=kong
  sysctls=$(workload openshift Deployment '.spec.template.spec.securityContext.sysctls // [] | map("\(.name)=\(.value)")')
  sed "s/^default_ulimits/default_sysctls = $sysctls\n&/" \
    "$engine_directory/containers.conf" >"$directory/containers.conf"
  # shellcheck disable=SC2034 # for podman, in engine.bash
  engine_settings=$directory/containers.conf
  # What the policy restricted-v2 adds.
  sed 's/^        runAsNonRoot: true$/&\n        runAsUser: 1000680000/' \
    "$engine_directory/openshift.yaml" >"$engine_directory/openshift-assigned.yaml"
  play_options=(--network none)
  plan openshift-assigned Deployment kong
  play openshift-assigned Deployment kong kong
  answers_as_planned
  credentials "$master" | jq --exit-status '.uid == 1000680000 and .gid == 0 and .permitted == [] and .no_new_privs'
  has_the_password
  probes_are_answered openshift Deployment
  podman exec "$container" entrypoint --health
  not logged 'entrypoint: warn'
}

@test "the migrations job runs in podman: bootstrap, then up, as kong" {
  main=up
  play_options=(--network none)
  play base Job kong-migrations kong-migrations
  podman wait "$container"
  logged migrations
  logged up
}
