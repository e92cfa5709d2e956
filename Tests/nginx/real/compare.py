"""Runs nginx with random configurations, and compares its sockets with the output of LISTENS.

    compare.py LISTENS DIRECTORY COUNT SEED

Random bytes of every third configuration are changed. If nginx refuses a configuration there is nothing
to compare, but LISTENS must still give an answer.
"""

import ipaddress
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import time

from configurations import Configuration, mutated

MAIN = """
load_module /usr/lib/nginx/modules/ndk_http_module.so;
load_module /usr/lib/nginx/modules/ngx_http_lua_module.so;
load_module /usr/lib/nginx/modules/ngx_stream_module.so;
daemon off; master_process off; pid nginx.pid; error_log stderr;
events { worker_connections 600; }
include main.conf;
"""


def main(listens, directory, count, seed):
    has_ipv6 = can_bind_ipv6()
    without = "" if has_ipv6 else ", without IPv6, which this machine does not have"
    print(f"nginx: {count} configurations, seed {seed}{without}")
    compared = sockets = refused = 0
    for number in range(int(count)):
        files = Configuration(f"{seed} {number}", has_ipv6).generate()
        is_mutated = number % 3 == 2
        if is_mutated:
            files = mutated(files, f"{seed} {number}")
        place = pathlib.Path(directory, "configuration")
        lay_out(place, directory, files)
        ours = listeners(listens, place)
        theirs, complaint = opened(place)
        if theirs is None:
            if not is_mutated:
                refused += 1
                print(f"nginx: {number}: refused: {complaint}")
            continue
        difference = compare(ours, theirs)
        if difference:
            sys.exit(f"nginx: configuration {number} of seed {seed}: {difference}\n{dump(files)}")
        compared += 1
        sockets += len(theirs)
    print(f"nginx: {compared} configurations with {sockets} sockets compared, no difference")
    # One in three is changed, and nginx refuses most of these.
    if compared < int(count) * 0.6 or sockets < compared:
        sys.exit(f"nginx: too few to tell: {compared} compared, {refused} refused unchanged")


def can_bind_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


def lay_out(place, directory, files):
    shutil.rmtree(place, ignore_errors=True)
    for name, text in {**files, "nginx.conf": MAIN}.items():
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    for name in ("certificate.pem", "key.pem"):
        shutil.copy(pathlib.Path(directory, name), place)


def listeners(listens, place):
    """The output of LISTENS, or what it could not understand."""
    result = subprocess.run(
        [listens, "listeners", place / "nginx.conf"], capture_output=True, text=True, check=False)
    if result.returncode not in (0, 1):
        sys.exit(f"nginx: listens ended with {result.returncode}: {result.stderr}")
    found = set()
    for line in result.stdout.splitlines():
        transport, entry = line.split("\t")
        if transport == "unix":
            found.add((transport, entry.removeprefix("unix:")))
            continue
        host, _, ports = entry.rpartition(":")
        first, _, last = ports.partition("-")
        for port in range(int(first), int(last or first) + 1):
            found.update((transport, address, port) for address in addresses(host))
    return found, result.stderr.strip()


def addresses(host):
    try:
        return [str(ipaddress.ip_address(host.strip("[]")))]
    except ValueError:
        try:
            found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
        except (OSError, UnicodeError):
            return [host]
        return [one[4][0] for one in found]


def opened(place):
    """The sockets of a running nginx, or None and why it does not run."""
    with open(place / "stderr", "w+b") as errors:
        with subprocess.Popen(
            ["nginx", "-p", place, "-c", place / "nginx.conf"], cwd=place, stderr=errors
        ) as nginx:
            # nginx tries for 2.5 s to get a taken port: this counts as refused.
            deadline = time.monotonic() + 1
            while nginx.poll() is None and not (place / "nginx.pid").exists():
                if time.monotonic() > deadline:
                    break
                time.sleep(0.001)
            found = in_namespace()
            is_running = nginx.poll() is None and (place / "nginx.pid").exists()
            nginx.kill()
        errors.seek(0)
        complaints = [line for line in errors.read().decode(errors="replace").splitlines()
                      if "[emerg]" in line or "[error]" in line]
    return (found, None) if is_running else (None, complaints[:1])


def in_namespace():
    found = set()
    for name, listening in (("tcp", "0A"), ("tcp6", "0A"), ("udp", "07"), ("udp6", "07")):
        for line in pathlib.Path("/proc/net", name).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == listening:
                address, port = fields[1].split(":")
                found.add((name.rstrip("6"), unpacked(address), int(port, 16)))
    for line in pathlib.Path("/proc/net/unix").read_text().splitlines()[1:]:
        fields = line.split(maxsplit=7)
        if len(fields) == 8:
            found.add(("unix", fields[7]))
    return found


def unpacked(address):
    """/proc/net has addresses as words in the machine's byte order."""
    words = [bytes.fromhex(address[at:at + 8]) for at in range(0, len(address), 8)]
    if sys.byteorder == "little":
        words = [word[::-1] for word in words]
    return str(ipaddress.ip_address(b"".join(words)))


def compare(ours, theirs):
    found, complaint = ours
    missing = theirs - found
    if missing:
        return f"not found by us: {sorted(missing)} {complaint}"
    for one in found - theirs:
        # A socket for all addresses covers the other addresses with that port.
        everywhere = one[0] != "unix" and (one[0], "::" if ":" in one[1] else "0.0.0.0", one[2])
        if everywhere not in theirs:
            return f"not opened by nginx: {one}"
    if complaint:
        return f"a warning for what nginx accepts: {complaint}"
    return None


def dump(files):
    return "\n".join(f"--- {name}\n{text}" for name, text in files.items())


main(*sys.argv[1:])
