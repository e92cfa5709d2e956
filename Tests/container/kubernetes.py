"""Turns rendered Kubernetes manifests on stdin into what `podman kube play` can run.

    kubernetes.py KIND NAME IMAGE VOLUMES POD [ARGUMENT...] <rendered.yaml >for-podman.yaml

KIND and NAME select the workload. VOLUMES is a directory with a folder for each volume. The pod is called
POD. ARGUMENTs, if any, replace those of its containers. All other changes are here, too, and each function
gives the reason. Podman is that of Debian 12, version 4.3.
"""

import json
import os
import sys

import yaml


def use_local_image(container, image):
    """The machine reaches no registry."""
    container["image"] = image
    container["imagePullPolicy"] = "Never"


def take_probes(container):
    """Podman runs them with systemd, which is missing here. The tests ask the addresses themselves."""
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        container.pop(probe, None)


def take_ports(container):
    """Podman would publish each, which is impossible in the host's network, or in none."""
    container.pop("ports", None)


def take_limits(container):
    """They need cgroups of the host that a container without systemd may not have."""
    container.pop("resources", None)


def volumes_from_directories(pod, directory, config_maps):
    """Secrets came with podman 4.4. An emptyDir belongs to root alone in podman, and to everybody in Kubernetes.
    ConfigMaps that are volumes have a mode in Kubernetes that everybody can read."""
    for volume in pod["volumes"]:
        name = volume["name"]
        if "hostPath" in volume:
            continue
        for file, text in config_maps.get(volume.get("configMap", {}).get("name"), {}).items():
            os.makedirs(f"{directory}/{name}", exist_ok=True)
            with open(f"{directory}/{name}/{file}", "w") as output:
                output.write(text)
        volume.clear()
        volume.update(name=name, hostPath={"path": f"{directory}/{name}", "type": "Directory"})


def take_sysctls(pod):
    """They came with podman 4.5. The test writes them to containers.conf."""
    pod.get("securityContext", {}).pop("sysctls", None)


def pod_of(workload, name):
    """DaemonSets and Jobs came with podman 4.4 and later; their templates are pods."""
    template = workload["spec"]["template"]
    metadata = {"name": name, "labels": template["metadata"]["labels"]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}


def main():
    kind, name, image, directory, pod_name, *arguments = sys.argv[1:]
    documents = [document for document in yaml.safe_load_all(sys.stdin) if document]
    workload = next(d for d in documents if d["kind"] == kind and d["metadata"]["name"] == name)
    pod = pod_of(workload, pod_name)
    for container in pod["spec"].get("initContainers", []) + pod["spec"]["containers"]:
        use_local_image(container, image)
        take_probes(container)
        take_ports(container)
        take_limits(container)
        container["args"] = arguments or container["args"]
    if arguments:
        pod["spec"]["restartPolicy"] = "Never"
    settings = [document for document in documents if document["kind"] == "ConfigMap"]
    config_maps = {document["metadata"]["name"]: document["data"] for document in settings}
    volumes_from_directories(pod["spec"], directory, config_maps)
    take_sysctls(pod["spec"])
    print("\n---\n".join(json.dumps(document) for document in [*settings, pod]))


main()
