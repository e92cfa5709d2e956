"""A node with pods, in network namespaces, and reports of entrypoint --check on it."""

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import time

import jsonschema

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BINARY = os.environ.get("ENTRYPOINT_BINARY", f"{REPOSITORY}/.build/entrypoint")
PREFIX = "/usr/local/kong"

with open(f"{REPOSITORY}/docker/check.schema.json", encoding="utf-8") as file:
    SCHEMA = jsonschema.Draft202012Validator(json.load(file))


def run(command, **options):
    """Runs a line of bash; fails with what it printed."""
    result = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command], capture_output=True, text=True, timeout=30, check=False, **options)
    assert result.returncode == 0, f"{command}: {result.returncode}\n{result.stdout}{result.stderr}"
    return result.stdout


def until(condition, seconds=5):
    """Waits until a condition is true; it fails if that takes too long."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "this did not happen in time"
        time.sleep(0.01)


def connects(address, family=socket.AF_INET):
    with socket.socket(family) as client:
        client.settimeout(0.2)
        return client.connect_ex(address) == 0


def nobody_answers(address):
    return not connects(address)


@contextlib.contextmanager
def node():
    """This network namespace as a node: an interface with an address of each family, to nowhere."""
    machine = Node()
    try:
        yield machine
    finally:
        for process in machine.processes:
            process.kill()


class Node:
    def __init__(self):
        self.processes = []
        # For `ip netns`, whose names are files there; and what the user kong may execute.
        run("mount --make-rprivate /; mount -t tmpfs tmpfs /run; mkdir /run/lock /run/bin")
        run("ip link set lo up; ip netns add out; ip link add eth0 type veth peer name eth0 netns out")
        run("ip -n out link set eth0 up; ip link set eth0 up; ip addr add 192.0.2.10/24 dev eth0")
        run("ip addr add 2001:db8::10/64 dev eth0 nodad")
        self.sysctl("net.ipv4.ip_unprivileged_port_start", 0)
        self.sysctl("net.ipv4.ip_forward", 1)
        self.sysctl("net.ipv6.conf.all.forwarding", 1)
        # A start gives nginx's file capabilities: not that of the machine.
        run(f"cp {BINARY} /run/bin/entrypoint; cp /usr/sbin/nginx /run/bin/; chmod 755 /run/bin/*")
        with open("/run/bin/kong", "w", encoding="utf-8") as script:
            script.write(f"#!/bin/sh\nset -e\ncp /run/nginx.conf {PREFIX}/nginx.conf\n/run/bin/nginx -t -q -p {PREFIX} -c nginx.conf\n")
        os.chmod("/run/bin/kong", 0o755)
        os.makedirs(PREFIX, exist_ok=True)
        run(f"mount -t tmpfs tmpfs {PREFIX}; chown 1337:0 {PREFIX}")
        run("grep -q ^kong: /etc/passwd || echo 'kong:x:1337:0:kong:/:/bin/sh' >>/etc/passwd")

    @staticmethod
    def run(command):
        return run(command)

    @staticmethod
    def sysctl(name, value):
        with open("/proc/sys/" + name.replace(".", "/"), "w", encoding="utf-8") as file:
            file.write(str(value))

    @staticmethod
    def link_local():
        return re.search(r"inet6 (fe80:[0-9a-f:]+)", run("ip -6 addr show dev eth0")).group(1)

    def start(self, command, **options):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
        self.processes.append(process)
        return process

    @staticmethod
    def words(uid, gid, *options):
        words = ["/run/bin/entrypoint", *options, "--", "kong", "docker-start"]
        if uid == 0:
            return words
        return ["setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups", "--no-new-privs", "--bounding-set=-all",
                *words]

    @staticmethod
    def environment(listen, variables):
        return {"PATH": "/run/bin:/usr/sbin:/usr/bin:/sbin:/bin", "ENTRYPOINT_PROXY": "/run/bin/nginx",
                "KONG_PROXY_LISTEN": listen, "KONG_ADMIN_LISTEN": "off", "KONG_STATUS_LISTEN": "off",
                "KONG_ADMIN_GUI_LISTEN": "off", "KONG_CLUSTER_LISTEN": "off", **variables}

    def check(self, listen, uid=0, gid=0, **variables):
        """What --check reports of a Kong with these listeners; as text it says the same."""
        environment = self.environment(listen, variables)
        began = time.monotonic()
        result = subprocess.run(
            self.words(uid, gid, "--check", "--format", "json"), env=environment, capture_output=True, text=True,
            timeout=20, check=False)
        report = Report(result, time.monotonic() - began)
        text = subprocess.run(
            self.words(uid, gid, "--check"), env=environment, capture_output=True, text=True, timeout=20, check=False)
        assert text.returncode == result.returncode, text
        if report.json["plan"]["possible"]:
            lines = [line.replace(":", " ").split()[:2] for line in text.stdout.splitlines()[1:] if not line.startswith("  ")]
            said = [[finding["verdict"], finding["check"]] for finding in report.json["checks"]]
            assert lines == said or not said, text.stdout
        return report


    # ---- strangers ----

    def listen(self, host, port, uid=0, reuse=False, dual=False, udp=False):
        """Another process has a port."""
        family = "AF_INET6" if ":" in host else "AF_INET"
        code = (f"from socket import *\ns = socket({family}, {'SOCK_DGRAM' if udp else 'SOCK_STREAM'})\n"
                + (f"s.setsockopt(IPPROTO_IPV6, IPV6_V6ONLY, {int(not dual)})\n" if ":" in host else "")
                + ("s.setsockopt(SOL_SOCKET, SO_REUSEPORT, 1)\n" if reuse else "")
                + f"s.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)\ns.bind(({host!r}, {port}))\n"
                + ("" if udp else "s.listen()\n") + "print('ready', flush=True)\nimport time\ntime.sleep(60)\n")
        process = self.start(["setpriv", f"--reuid={uid}", "--clear-groups", "/usr/bin/python3", "-c", code])
        line = process.stdout.readline()
        assert line == "ready\n", line

    @staticmethod
    def leave_time_wait(port):
        with socket.create_server(("0.0.0.0", port)) as server:
            client = socket.create_connection(("127.0.0.1", port))
            accepted = server.accept()[0]
            accepted.close()
            client.close()
        assert "TIME-WAIT" in run(f"ss -Htan 'sport = :{port}'")

    # ---- starts ----

    def configure(self, listen):
        servers = "".join(f"server {{ listen {entry.strip()}; }}\n" for entry in listen.split(","))
        with open("/run/nginx.conf", "w", encoding="utf-8") as file:
            file.write(f"pid pids/nginx.pid; daemon off; error_log stderr; events {{}}\nhttp {{ access_log off;\n"
                       + "".join(f"{name}_temp_path {name};\n" for name in
                                 ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")) + servers + "}\n")

    def launch(self, listen, uid, variables):
        self.configure(listen)
        run(f"mkdir -p {PREFIX}/pids {PREFIX}/logs; chown -R 1337:0 {PREFIX}")
        return subprocess.Popen(
            self.words(uid, 0), env=self.environment(listen, variables), stdout=subprocess.DEVNULL,
            stderr=open("/run/log", "w", encoding="utf-8"))

    def attempt(self, listen, uid=0, **variables):
        """A start that fails: its status, and what it said."""
        process = self.launch(listen, uid, variables)
        status = process.wait(timeout=10)
        with open("/run/log", encoding="utf-8") as log:
            return status, log.read()

    def serve(self, listen, uid=0, **variables):
        """Starts Kong, and returns what the start said, once nginx runs."""
        self.kong = self.launch(listen, uid, variables)
        self.processes.append(self.kong)

        def runs():
            with open("/run/log", encoding="utf-8") as log:
                assert self.kong.poll() is None, log.read()
            with open(f"/proc/{self.kong.pid}/cmdline", encoding="utf-8") as line:
                return "nginx: master" in line.read() and os.path.getsize(f"{PREFIX}/pids/nginx.pid") > 0
        until(runs)
        with open("/run/log", encoding="utf-8") as log:
            return log.read()

    def stop(self):
        self.kong.terminate()
        self.kong.wait(timeout=10)


class Report:
    """The findings of one --check, valid by the schema."""

    def __init__(self, result, seconds):
        assert not result.stderr, result.stderr
        self.json, self.status, self.seconds = json.loads(result.stdout), result.returncode, seconds
        SCHEMA.validate(self.json)
        assert self.json["exit_status"] == self.status

    def of(self, check):
        return [finding for finding in self.json["checks"] if finding["check"] == check]

    def one(self, check, subject, verdict, patterns):
        found = [finding for finding in self.of(check) if finding.get("subject", "") == subject]
        assert len(found) == 1, f"{check} {subject}: {json.dumps(self.of(check), indent=1)}"
        assert found[0]["verdict"] == verdict, f"{verdict} was expected: {found[0]}"
        for pattern in patterns:
            assert re.search(pattern, json.dumps(found[0], ensure_ascii=False)), f"{pattern}: {found[0]}"
        return found[0]

    def passes(self, check, subject):
        return self.one(check, subject, "passed", [])

    def fails(self, check, subject, *patterns):
        return self.one(check, subject, "failed", patterns)

    def warns(self, check, subject, *patterns):
        return self.one(check, subject, "warning", patterns)

    def skips(self, check, subject, *patterns):
        return self.one(check, subject, "skipped", patterns)


class Pod:
    """A network namespace behind cni0, whose hostPorts the real portmap plugin makes."""

    def __init__(self, machine, name, number):
        self.machine, self.name = machine, name
        self.ipv4, self.ipv6 = f"10.224.0.{number}", f"fd00:224::{number}"
        run(f"ip netns add {name}; ip link add cni0 type veth peer name eth0 netns {name}")
        run("ip addr add 10.224.0.1/24 dev cni0; ip addr add fd00:224::1/64 dev cni0 nodad; ip link set cni0 up")
        run(f"ip -n {name} addr add {self.ipv4}/24 dev eth0; ip -n {name} addr add {self.ipv6}/64 dev eth0 nodad")
        run(f"ip -n {name} link set eth0 up; ip -n {name} link set lo up")
        run(f"ip -n {name} route add default via 10.224.0.1; ip -n {name} route add default via fd00:224::1")
        # Until the neighbours know each other: then a closed port answers at once.
        until(lambda: self.answers((self.ipv4, 9), socket.AF_INET) and self.answers((self.ipv6, 9), socket.AF_INET6))

    @staticmethod
    def answers(address, family):
        with socket.socket(family) as client:
            client.settimeout(0.2)
            try:
                client.connect(address)
            except ConnectionRefusedError:
                return True
            except OSError:
                return False
            return True

    def serve(self, port):
        """Listens in the pod, on both families."""
        code = (f"import socket\ns = socket.create_server(('', {port}), family=socket.AF_INET6, dualstack_ipv6=True)\n"
                "print('ready', flush=True)\nwhile True: s.accept()\n")
        process = self.machine.start(["ip", "netns", "exec", self.name, sys.executable, "-c", code])
        assert process.stdout.readline() == "ready\n"

    def vanish(self):
        """Leaves nobody at its addresses."""
        run(f"ip -n {self.name} addr flush dev eth0; ip neigh flush all")

    def hostport(self, port, container_port, backend):
        """Adds a hostPort by portmap, with iptables of this backend: legacy or nft."""
        for name in "iptables", "ip6tables":
            path = run(f"command -v {name}-{backend}").strip()
            os.makedirs(f"/run/{backend}", exist_ok=True)
            with contextlib.suppress(FileExistsError):
                os.symlink(path, f"/run/{backend}/{name}")
        network = {
            "cniVersion": "0.4.0", "name": "net", "type": "portmap", "snat": True,
            "capabilities": {"portMappings": True},
            "runtimeConfig": {"portMappings": [
                {"hostPort": port, "containerPort": container_port, "protocol": "tcp"}]},
            "prevResult": {
                "cniVersion": "0.4.0", "interfaces": [{"name": "eth0", "sandbox": f"/run/netns/{self.name}"}],
                "ips": [{"version": "4", "address": f"{self.ipv4}/24", "interface": 0},
                        {"version": "6", "address": f"{self.ipv6}/64", "interface": 0}]}}
        run("/usr/lib/cni/portmap", input=json.dumps(network), env={
            "CNI_COMMAND": "ADD", "CNI_CONTAINERID": self.name, "CNI_NETNS": f"/run/netns/{self.name}",
            "CNI_IFNAME": "eth0", "CNI_PATH": "/usr/lib/cni", "PATH": f"/run/{backend}:{os.environ['PATH']}"})
