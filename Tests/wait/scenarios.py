"""The scenarios of Tests/wait/run, in a private root with a network of its own. All run at the same time."""

import concurrent.futures
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.resolver
import dns.rrset
import dnslib
import dnslib.server

ENTRYPOINT, ANSWERS = map(os.path.abspath, sys.argv[1:3])
SERVER, SECOND, SILENT, CLOSED = "127.0.1.1", "127.0.1.2", "127.0.1.3", "127.0.1.4"


# ---- a server of the DNS ----

class Zone(dnslib.server.BaseResolver):
    """Answers what the names of the scenarios ask for, and NXDOMAIN for all others."""

    records = {
        ("plain.test.", "A"): ["plain.test. 60 A 127.0.0.1"],
        ("short.search.test.", "A"): ["short.search.test. 60 A 127.0.0.1"],
        ("alias.test.", "A"): [
            "alias.test. 60 CNAME b.test.", "b.test. 60 CNAME plain.test.", "plain.test. 60 A 127.0.0.1"],
        ("six.test.", "AAAA"): ["six.test. 60 AAAA ::1"],
        ("second.test.", "A"): ["second.test. 60 A 127.0.0.250", "second.test. 60 A 127.0.0.1"],
        ("large.test.", "A"): [f"large.test. 60 A 127.0.0.{i % 2 * 249 + 1}" for i in range(200)],
        ("closed.test.", "A"): ["closed.test. 60 A 127.0.0.1"],
        ("hosts.test.", "A"): ["hosts.test. 60 A 127.0.0.250"],
        ("late.test.", "A"): ["late.test. 60 A 127.0.0.1"],
        ("foreign.test.", "A"): ["foreign.test. 60 A 127.0.0.1"],
        ("nothing.test.", "TXT"): ["nothing.test. 60 TXT nothing"],
    }
    asked = {}

    def resolve(self, request, handler):
        name, kind = str(request.q.qname).lower(), dnslib.QTYPE[request.q.qtype]
        self.asked[name] = self.asked.get(name, 0) + 1
        reply = request.reply()
        if name == "broken.test.":
            reply.header.rcode = dnslib.RCODE.SERVFAIL
        elif name == "late.test." and self.asked[name] < 3:
            reply.header.rcode = dnslib.RCODE.NXDOMAIN
        elif name.startswith("mute."):
            raise TimeoutError
        elif not any(known == name for known, _ in self.records):
            reply.header.rcode = dnslib.RCODE.NXDOMAIN
        for line in self.records.get((name, kind), []):
            reply.add_answer(*dnslib.RR.fromZone(line))
        if name == "foreign.test.":
            self.mislead(request, handler)
        return reply

    def mislead(self, request, handler):
        """Sends an answer to another question first, and one that is no message."""
        other = request.reply()
        other.header.id ^= 1
        other.add_answer(*dnslib.RR.fromZone("foreign.test. 60 A 127.0.0.250"))
        for false in (other.pack(), b"", b"\0" * 12, os.urandom(100)):
            handler.request[1].sendto(false, handler.client_address)


class Quiet(dnslib.server.DNSLogger):
    def log_prefix(self, handler):
        return ""

    def log_error(self, handler, e):
        pass

    def __init__(self):
        super().__init__("-request,-reply,-truncated,-error,-recv,-send,-data")


class Server(dnslib.server.UDPServer):
    def handle_error(self, request, client_address):
        pass  # a name that gets no answer


def serve():
    for tcp in (False, True):
        dnslib.server.DNSServer(
            Zone(), address=SERVER, port=53, tcp=tcp, logger=Quiet(), server=None if tcp else Server
        ).start_thread()
    # A server that takes questions and never answers; at CLOSED there is none.
    mute = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    mute.bind((SILENT, 53))
    return mute


# ---- entrypoint ----

class Failed(Exception):
    pass


def check(condition, what):
    if not condition:
        raise Failed(what)


def mount(configuration, hosts):
    """A command that has its own /etc/resolv.conf and /etc/hosts."""
    return ["unshare", "--mount", "sh", "-c",
            'mount -t tmpfs tmpfs /mnt && printf %s "$1" >/mnt/resolv && printf %s "$2" >/mnt/hosts'
            " && mount --bind /mnt/resolv /etc/resolv.conf && mount --bind /mnt/hosts /etc/hosts"
            ' && shift 2 && exec "$@"', "sh", configuration, hosts]


USUAL = f"nameserver {SERVER}\nsearch search.test\noptions timeout:1 attempts:1\n"


def start(*words, configuration=USUAL, hosts="127.0.0.1 localhost\n", **environment):
    return subprocess.Popen(
        [*mount(configuration, hosts), ENTRYPOINT, *words, "--", "echo", "it runs"], text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={"PATH": os.environ["PATH"], **environment})


def run(*words, **options):
    began = time.monotonic()
    process = start(*words, **options)
    output, errors = process.communicate(timeout=30)
    return process.returncode, output, errors, time.monotonic() - began


def listen(port, host="127.0.0.1", backlog=10):
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.listen(backlog)
    return listener


def answers(port):
    """A listener at that port, with connections left in its queue."""
    return listen(port, backlog=100)


def silent(port):
    """A listener whose queue is full: the kernel drops what comes, as a firewall would."""
    listener = listen(port, backlog=0)
    fillers = [socket.create_connection(("127.0.0.1", port)) for _ in range(1)]
    for _ in range(3):
        filler = socket.socket()
        filler.setblocking(False)
        filler.connect_ex(("127.0.0.1", port))
        fillers.append(filler)
    return listener, fillers


def until(condition, what):
    deadline = time.monotonic() + 20
    while not condition():
        check(time.monotonic() < deadline, f"did not happen: {what}")
        time.sleep(0.01)


# ---- the scenarios ----

SCENARIOS = []


def scenario(function):
    SCENARIOS.append(function)
    return function


def gives_up(service, text, wait="1500ms", **options):
    """The start ends with 69, and says this of the service."""
    status, output, errors, took = run(
        "--wait-for", service, "--wait-timeout", wait, "--wait-interval", "100ms", **options)
    check(status == 69 and output == "", f"status {status}, {output}{errors}")
    check(f"entrypoint: error: {service} (--wait-for) has not answered within" in errors, errors)
    check(re.search(f"^entrypoint: error:   why: {text}$", errors, re.M), errors)
    check(errors.count("entrypoint: info: waiting for") == 1, errors)
    check(took < 5, f"it took {took} s")
    return errors


@scenario
def a_closed_port_is_told_from_a_silent_one_and_from_an_unreachable_address():
    gives_up("127.0.0.1:7001", r"nobody listens on 127\.0\.0\.1:7001 \(Connection refused\)")
    kept = silent(7002)
    gives_up("127.0.0.1:7002", r"127\.0\.0\.1:7002 does not answer: no packet comes back", wait="4s")
    gives_up("192.0.2.1:80", r"192\.0\.2\.1:80 cannot be reached \(Network is unreachable\)")
    check(kept, "")


@scenario
def an_unknown_name_is_told_from_a_name_without_an_address():
    gives_up(
        "absent:80",
        rf"the DNS server {SERVER} knows no host absent\.search\.test, absent \(NXDOMAIN\)")
    gives_up("nothing.test.:80", rf"the DNS server {SERVER} knows no address of nothing\.test")


@scenario
def servers_of_the_dns_that_are_silent_absent_or_broken_are_told_apart():
    silence = r"the DNS server %s does not answer \(Connection timed out\)"
    for address, text in ((SILENT, silence % SILENT), (CLOSED, rf"the DNS server {CLOSED} does not answer \(Connection refused\)")):
        gives_up("plain.test:80", text, wait="2500ms", configuration=f"nameserver {address}\noptions timeout:1 attempts:1\n")
    gives_up("broken.test:80", rf"the DNS server {SERVER} cannot answer \(SERVFAIL\)")


@scenario
def names_are_resolved_as_the_c_library_does():
    kept = [answers(7010), listen(7010, "::1")]
    for name in ("plain.test", "short", "SHORT", "alias.test", "six.test", "second.test", "large.test",
                 "foreign.test", "127.0.0.1", "[::1]", "localhost"):
        status, output, errors, _ = run("--wait-for", f"{name}:7010", "--wait-timeout", "5s")
        check((status, output, errors) == (0, "it runs\n", ""), f"{name}: {status} {output}{errors}")
    check(kept, "")


@scenario
def the_hosts_file_comes_before_the_dns():
    kept = answers(7011)
    status, _, errors, _ = run("--wait-for", "hosts.test:7011", hosts="# x\n127.0.0.1 x HOSTS.test\n")
    check(status == 0 and errors == "", errors)
    check(kept and "hosts.test." not in Zone.asked, "the DNS was asked")


@scenario
def a_second_server_is_asked_if_the_first_is_silent():
    kept = answers(7012)
    for first in (SILENT, CLOSED):
        status, _, errors, _ = run(
            "--wait-for", "plain.test:7012",
            configuration=f"nameserver {first}\nnameserver {SERVER}\noptions timeout:1\n")
        check(status == 0 and errors == "", errors)
    check(kept, "")


@scenario
def a_name_and_a_port_that_come_later_are_waited_for():
    process = start("--wait-for", "late.test:7013", "--wait-interval", "100ms")
    first = process.stderr.readline()
    check("knows no host late.test" in first, first)
    until(lambda: Zone.asked.get("late.test.", 0) >= 3, "the third question")
    kept = answers(7013)
    output, errors = process.communicate(timeout=20)
    check(process.returncode == 0 and output == "it runs\n", f"{process.returncode} {errors}")
    check(re.fullmatch(r"entrypoint: info: late\.test:7013 \(--wait-for\) answers after \d+s\n", errors), errors)
    check(kept, "")


@scenario
def several_services_are_all_waited_for():
    kept = answers(7014)
    _, _, errors, _ = run("--wait-for", "127.0.0.1:7014,127.0.0.1:7015", "--wait-timeout", "300ms")
    check("127.0.0.1:7015 (--wait-for) has not answered within 300ms" in errors, errors)
    status, _, errors, _ = run(ENTRYPOINT_WAIT_FOR=" 127.0.0.1:7014 , plain.test:7014")
    check(status == 0 and errors == "" and kept, errors)


@scenario
def progress_is_said_once_and_then_every_ten_seconds():
    _, _, errors, _ = run("--wait-for", "127.0.0.1:7016", "--wait-timeout", "11s")
    lines = [line for line in errors.splitlines() if line.startswith("entrypoint: info:")]
    refused = "nobody listens on 127.0.0.1:7016 (Connection refused)"
    check(lines == [
        f"entrypoint: info: waiting for 127.0.0.1:7016 (--wait-for), at most 11s: {refused}",
        f"entrypoint: info: still waiting for 127.0.0.1:7016 (--wait-for) after 10s: {refused}"], errors)


def stopped(number, service, **options):
    process = start("--wait-for", service, **options)
    child = []

    def is_waiting():
        with open(f"/proc/{process.pid}/task/{process.pid}/children") as file:
            child[:] = file.read().split()
        if not child:
            return False
        with open(f"/proc/{child[0]}/wchan") as file:
            return "poll" in file.read()
    until(is_waiting, "the wait")
    began = time.monotonic()
    process.send_signal(number)
    output, errors = process.communicate(timeout=20)
    took = time.monotonic() - began
    check(process.returncode == 128 + number and output == "", f"{process.returncode} {output}{errors}")
    check(took < 1, f"it took {took} s")
    check("error" not in errors and not os.path.exists(f"/proc/{child[0]}"), errors)


@scenario
def a_stop_signal_ends_the_wait_at_once_wherever_it_is():
    kept = silent(7020)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        stopped(number, "127.0.0.1:7001")
        stopped(number, "127.0.0.1:7020")
        stopped(number, "plain.test:80", configuration=f"nameserver {SILENT}\n")
    check(kept, "")


@scenario
def the_process_that_waits_is_the_command_s_user_and_has_no_privileges():
    for words, uid in ((["--user", "12345:12345"], 12345), ([], 0)):
        process = start(*words, "--wait-for", "127.0.0.1:7001")
        check("waiting for" in process.stderr.readline(), "")
        with open(f"/proc/{process.pid}/task/{process.pid}/children") as file:
            child = file.read().split()[0]
        with open(f"/proc/{child}/status") as file:
            status = dict(line.rstrip("\n").split(":\t", 1) for line in file)
        process.terminate()
        process.communicate(timeout=20)
        check(status["Uid"] == "\t".join([str(uid)] * 4), status["Uid"])
        sets = {status[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")}
        check(sets == {"0" * 16} and status["NoNewPrivs"] == "1", str(status))


@scenario
def what_answers_and_is_not_postgresql_is_told():
    def greet(listener, bytes):
        while True:
            client, _ = listener.accept()
            client.sendall(bytes)
            client.recv(100)
            client.close()
    for port, greeting, text in (
            (7030, b"HTTP/1.1 400 Bad Request\r\n\r\n", r"what answers on 127\.0\.0\.1:7030 is not PostgreSQL"),
            (7031, b"", r"127\.0\.0\.1:7031 closes the connection without an answer")):
        threading.Thread(target=greet, args=(listen(port), greeting), daemon=True).start()
        status, _, errors, _ = run(
            "--wait-for", "database", "--wait-timeout", "1s", KONG_PG_PORT=str(port))
        check(status == 69 and re.search(f"why: {text}$", errors, re.M), errors)


# ---- the reader of answers, compared with dnspython ----

@scenario
def answers_are_read_as_dnspython_reads_them():
    chance = random.Random(1)
    lines, expected = zip(*(random_answer(chance) for _ in range(3000)))
    process = subprocess.run([ANSWERS], input="".join(lines), text=True, capture_output=True, timeout=60)
    found = process.stdout.splitlines()
    check(len(found) == len(expected), process.stderr)
    for line, ours, theirs in zip(lines, found, expected):
        check(ours == theirs, f"{ours} is not {theirs}: {line}")
    check(len(set(expected)) > 300, "too few kinds of answers")


def random_answer(chance):
    """A message as a line for the program `answers`, and what dnspython finds in it."""
    names = [f"{label}.{domain}." for label in "abcd" for domain in ("example", "A.b.example")]
    kind = chance.choice(["A", "AAAA"])
    question = dns.message.make_query(chance.choice(names), kind, id=4660)
    answer = dns.message.make_response(question, recursion_available=True)
    answer.set_rcode(chance.choice([0] * 12 + [2, 3, 5]))
    asked = str(question.question[0].name)
    chain = [asked, *chance.sample([name for name in names if name != asked], chance.randint(0, 3))]
    sets = [dns.rrset.from_text(one, 60, "IN", "CNAME", other) for one, other in zip(chain, chain[1:])]
    if chance.random() < 0.8:
        values = [f"10.0.{chance.randint(0, 255)}.{i}" if kind == "A" else f"fd00::{chance.randint(0, 9)}:{i:x}"
                  for i in range(chance.randint(1, 5))]
        sets.append(dns.rrset.from_text(chain[-1], 60, "IN", kind, *values))
    if chance.random() < 0.5:
        sets.append(dns.rrset.from_text(chance.choice(names), 60, "IN", "TXT", '"any text"'))
    chance.shuffle(sets)
    answer.answer = sets
    if chance.random() < 0.05:
        answer.flags |= dns.flags.TC
    wire = bytearray(answer.to_wire())
    if chance.random() < 0.1:
        wire = wire[:chance.randint(0, len(wire) - 1)]
    return f"{str(question.question[0].name)[:-1]} {kind} {wire.hex()}\n", read_by_dnspython(bytes(wire), question)


def read_by_dnspython(wire, question):
    try:
        answer = dns.message.from_wire(wire, ignore_trailing=True)
    except dns.exception.DNSException:
        # dnspython reads all of a message, and we no more than the header and the question of these two kinds.
        header = int.from_bytes(wire[2:4], "big") if len(wire) >= 12 + len(question.to_wire()) - 12 else 0
        if header & 0x200:
            return "truncated"
        return {0: "none", 3: "noSuchName"}.get(header & 15, f"failed {header & 15}") if header else "none"
    if answer.flags & dns.flags.TC:
        return "truncated"
    if answer.rcode() == dns.rcode.NXDOMAIN:
        return "noSuchName"
    if answer.rcode() != dns.rcode.NOERROR:
        return f"failed {int(answer.rcode())}"
    try:
        found = answer.resolve_chaining().answer
    except dns.message.ChainTooLong:
        found = None
    return " ".join(["addresses", *(record.address for record in found or [])])


# ---- all of them ----

def title(function):
    return function.__name__.replace("_", " ")


def attempt(function):
    try:
        function()
        return None
    except Failed as failure:
        return str(failure)
    except Exception as failure:  # the other scenarios go on
        return repr(failure)


def main():
    pattern = sys.argv[4] if sys.argv[3:4] == ["--only"] else ""
    chosen = [function for function in SCENARIOS if re.search(pattern, title(function))]
    kept = serve()
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(len(chosen) or 1) as pool:
        for function, reason in zip(chosen, pool.map(attempt, chosen)):
            print(f"{'not ok' if reason else 'ok'}: {title(function)}", flush=True)
            if reason is not None:
                print("  " + reason.replace("\n", "\n  "))
                failed += 1
    print(f"{len(chosen)} scenarios, {failed} failed")
    kept.close()
    sys.stdout.flush()
    os._exit(1 if failed or not chosen else 0)


if __name__ == "__main__":
    main()
