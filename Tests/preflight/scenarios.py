"""The scenarios. The name of each function is a sentence about what a user sees."""

import os
import re

from machine import Pod, node, nobody_answers  # noqa: F401

SCENARIOS = {}


def scenario(function):
    SCENARIOS[function.__name__] = function
    return function


def title(name):
    return name.replace("_", " ").replace("IPv6 6", "IPv6")


# ---- address ----


@scenario
def an_address_that_no_interface_has_fails(node):
    report = node.check("198.51.100.1:8000")
    report.fails("address", "198.51.100.1:8000", "Cannot assign requested address", "see ip address")
    assert report.status == 78, report.json


@scenario
def an_address_that_only_ip_nonlocal_bind_allows_is_a_warning(node):
    node.sysctl("net.ipv4.ip_nonlocal_bind", 1)
    node.sysctl("net.ipv6.ip_nonlocal_bind", 1)
    report = node.check("198.51.100.1:8000, [2001:db8:9::1]:8000, 192.0.2.10:8000, 127.0.0.7:8000, [::1]:8000, 0.0.0.0:8001")
    report.warns("address", "198.51.100.1:8000", "net.ipv4.ip_nonlocal_bind is 1")
    report.warns("address", "[2001:db8:9::1]:8000", "net.ipv6.ip_nonlocal_bind is 1")
    for subject in "192.0.2.10:8000", "127.0.0.7:8000", "[::1]:8000", "0.0.0.0:8001":
        report.passes("address", subject)
    assert report.status == 0, report.json


@scenario
def addresses_of_this_machine_pass(node):
    report = node.check("0.0.0.0:8000, 192.0.2.10:8001, [::]:8002, [2001:db8::10]:8003, 127.0.0.1:8004, [::1]:8005")
    for finding in report.of("address"):
        assert finding["verdict"] == "passed", finding
    assert report.status == 0, report.json


@scenario
def the_loopback_of_IPv6_fails_where_IPv6_is_off(node):
    node.sysctl("net.ipv6.conf.all.disable_ipv6", 1)
    report = node.check("[::1]:8000, 0.0.0.0:8001")
    report.fails("address", "[::1]:8000", "IPv6 is off", "disable_ipv6")
    report.passes("address", "0.0.0.0:8001")


@scenario
def a_link_local_address_fails(node):
    report = node.check(f"[{node.link_local()}]:8000")
    report.fails("address", f"[{node.link_local()}]:8000", "Invalid argument", "link-local")


# ---- hostport-hijack ----


def hijacks(node, backend, uid, gid=0):
    pod = Pod(node, "pod", 2)
    pod.serve(8080)
    pod.hostport(80, 8080, backend)
    report = node.check("0.0.0.0:80, [::]:80, 0.0.0.0:81", uid=uid, gid=gid)
    report.passes("hostport-hijack", "0.0.0.0:81")
    for subject, address, destination in (
            ("0.0.0.0:80", "192.0.2.10", "10.224.0.2"), ("[::]:80", "2001:db8::10", "fd00:224::2")):
        finding = report.fails(
            "hostport-hijack", subject,
            f"connections to .*{re.escape(address)}.* do not reach Kong on {re.escape(subject)}:")
        if gid == 0:
            assert re.search(rf"it went to \[?{destination}\]?:8080", finding["why"]), finding
            assert f"grep -wF {destination}," in finding["ways_out"][0], finding
        else:
            assert "somebody accepted it" in finding["why"], finding
            assert finding["ways_out"][0].endswith("PORTS:..hostPort' | grep -w 80"), finding
    assert report.status == 78, report.json


@scenario
def a_hostPort_that_iptables_hijacks_fails_and_root_learns_whose_it_is(node):
    hijacks(node, "legacy", 0)


@scenario
def a_hostPort_that_nft_hijacks_fails_and_root_learns_whose_it_is(node):
    hijacks(node, "nft", 0)


@scenario
def a_hostPort_that_nft_hijacks_fails_for_kong_whose_group_may_read_whose_it_is(node):
    # The kernel's table of connections is readable for the group root, which is Kong's.
    hijacks(node, "nft", 1337)


@scenario
def a_hostPort_that_nft_hijacks_fails_for_any_user_without_privileges(node):
    hijacks(node, "nft", 1337, 1337)


@scenario
def a_hostPort_whose_pod_refuses_is_a_warning(node):
    Pod(node, "pod", 2).hostport(80, 8080, "nft")
    for uid in 0, 1337:
        report = node.check("0.0.0.0:80", uid=uid)
        report.warns("hostport-hijack", "0.0.0.0:80", "was refused", "CNI-HOSTPORT-DNAT")
        assert report.status == 0, report.json


@scenario
def a_stale_hostPort_is_a_warning_and_fails_for_whoever_learns_where_it_leads(node):
    pod = Pod(node, "pod", 2)
    pod.hostport(80, 8080, "nft")
    pod.vanish()
    report = node.check("0.0.0.0:80", uid=1337, gid=1337)
    report.warns("hostport-hijack", "0.0.0.0:80", "had no answer within 300 ms")
    assert report.seconds < 1, report.seconds
    report = node.check("0.0.0.0:80")
    report.fails("hostport-hijack", "0.0.0.0:80", "it went to 10.224.0.2:8080", "the rule is left over")


@scenario
def a_firewall_that_drops_is_a_warning_within_a_second(node):
    Pod(node, "pod", 2)
    node.run("iptables-nft -A INPUT -p tcp --dport 80 -j DROP")
    report = node.check("0.0.0.0:80, 0.0.0.0:81")
    report.warns("hostport-hijack", "0.0.0.0:80", "had no answer within 300 ms")
    report.passes("hostport-hijack", "0.0.0.0:81")
    assert report.seconds < 1, report.seconds


@scenario
def a_hostPort_of_another_port_and_a_Service_on_kube_ipvs0_are_no_alarm(node):
    pod = Pod(node, "pod", 2)
    pod.serve(8080)
    pod.hostport(8443, 8080, "nft")
    # An address of a Service: kube-proxy sends what goes there to a pod.
    node.run("ip link add kube-ipvs0 type veth peer name other; ip link set kube-ipvs0 up")
    node.run("ip addr add 10.96.0.1/32 dev kube-ipvs0")
    node.run("iptables-nft -t nat -A OUTPUT -d 10.96.0.1 -p tcp --dport 80 -j DNAT --to 10.224.0.2:8080")
    for uid in 0, 1337:
        report = node.check("0.0.0.0:80, [::]:80, 192.0.2.10:443, 0.0.0.0:443 ssl, 127.0.0.1:8001", uid=uid)
        assert len(report.of("hostport-hijack")) == 5
        for finding in report.of("hostport-hijack"):
            assert finding["verdict"] == "passed", finding


@scenario
def a_Service_that_leads_back_to_Kong_is_no_alarm(node):
    Pod(node, "pod", 2)
    # As kube-proxy does for an externalIP whose endpoint is on the host's network.
    node.run("iptables-nft -t nat -A OUTPUT -d 192.0.2.10 -p tcp --dport 80 -j DNAT --to 10.224.0.1:80")
    node.run("iptables-nft -t nat -A POSTROUTING -d 10.224.0.1 -p tcp --dport 80 -j MASQUERADE --random")
    report = node.check("0.0.0.0:80", uid=1337)
    report.passes("hostport-hijack", "0.0.0.0:80")


@scenario
def the_network_of_a_container_is_not_probed(node):
    report = node.check("0.0.0.0:80")
    report.skips("hostport-hijack", "", "not the network of a node")


@scenario
def a_listener_of_UDP_is_skipped_with_the_reason(node):
    Pod(node, "pod", 2)
    report = node.check("off", KONG_STREAM_LISTEN="0.0.0.0:53 udp, 0.0.0.0:54")
    report.skips("hostport-hijack", "0.0.0.0:53", "UDP")
    report.passes("hostport-hijack", "0.0.0.0:54")


# ---- port-taken, port-shared ----


@scenario
def a_port_that_another_process_has_fails_with_who_has_it(node):
    node.listen("0.0.0.0", 80)
    report = node.check("0.0.0.0:80, 0.0.0.0:81")
    report.fails("port-taken", "0.0.0.0:80", r"process \d+ \(python3.*\) of uid 0 listens on 0.0.0.0:80", "ss -ltnp")
    report.passes("port-taken", "0.0.0.0:81")
    assert report.status == 78, report.json
    # Another user may not look into root's process.
    report = node.check("0.0.0.0:80", uid=1337)
    report.fails("port-taken", "0.0.0.0:80", "a process of uid 0, which is not visible from here, listens on 0.0.0.0:80")


@scenario
def one_address_blocks_all_addresses_and_the_other_way_round(node):
    node.listen("127.0.0.1", 80)
    node.listen("0.0.0.0", 81)
    node.listen("::1", 82)
    report = node.check("0.0.0.0:80, 192.0.2.10:81, [::]:82, [::]:80, 192.0.2.10:80, 0.0.0.0:82")
    report.fails("port-taken", "0.0.0.0:80", "listens on 127.0.0.1:80, which is one of the addresses")
    report.fails("port-taken", "192.0.2.10:81", "listens on 0.0.0.0:81, and so on every address")
    report.fails("port-taken", "[::]:82", r"listens on \[::1\]:82, which is one of the addresses")
    for subject in "[::]:80", "0.0.0.0:82":
        report.passes("port-taken", subject)


@scenario
def a_socket_for_both_families_blocks_IPv4(node):
    node.listen("::", 80, dual=True)
    node.listen("::", 81, dual=False)
    report = node.check("0.0.0.0:80, 0.0.0.0:81, [::]:82 ipv6only=off")
    report.fails("port-taken", "0.0.0.0:80", r"listens on \[::\]:80, and so on every address")
    report.passes("port-taken", "0.0.0.0:81")
    report.passes("port-taken", "[::]:82")


@scenario
def two_Kongs_of_one_user_with_reuseport_share_a_port_and_that_fails(node):
    node.listen("0.0.0.0", 80, uid=1337, reuse=True)
    for uid in 0, 1337:
        report = node.check("0.0.0.0:80 reuseport, 0.0.0.0:81 reuseport, 0.0.0.0:82", uid=uid)
        report.fails("port-shared", "0.0.0.0:80", r"process \d+ \(python3.*\) of uid 1337 listens on 0.0.0.0:80")
        report.passes("port-taken", "0.0.0.0:80")
        report.passes("port-shared", "0.0.0.0:81")
        assert len(report.of("port-shared")) == 2


@scenario
def another_user_does_not_share_a_port(node):
    node.listen("0.0.0.0", 80, uid=12345, reuse=True)
    report = node.check("0.0.0.0:80 reuseport")
    report.fails("port-taken", "0.0.0.0:80", "of uid 12345")
    report.skips("port-shared", "0.0.0.0:80", "taken")


@scenario
def a_connection_that_has_ended_does_not_take_a_port(node):
    node.leave_time_wait(80)
    report = node.check("0.0.0.0:80, 0.0.0.0:81 reuseport")
    for finding in report.of("port-taken") + report.of("port-shared"):
        assert finding["verdict"] == "passed", finding


@scenario
def a_port_of_UDP_that_another_process_has_is_a_warning(node):
    node.listen("0.0.0.0", 53, udp=True)
    report = node.check("off", KONG_STREAM_LISTEN="0.0.0.0:53 udp, 0.0.0.0:53, 0.0.0.0:54 udp")
    verdicts = [finding["verdict"] for finding in report.of("port-taken")]
    assert verdicts == ["warning", "passed", "passed"], report.of("port-taken")


@scenario
def a_start_whose_port_is_taken_says_by_whom_before_nginx_fails(node):
    node.listen("0.0.0.0", 80)
    status, said = node.attempt("0.0.0.0:80")
    assert status == 1, (status, said)
    assert re.search(r"warn:   why: process \d+ \(python3.*\) of uid 0 listens on 0.0.0.0:80", said), said
    assert "warn: nginx cannot listen on KONG_PROXY_LISTEN 0.0.0.0:80: bind() fails (98: Address already in use)" in said, said


# ---- in a start ----


@scenario
def a_start_warns_of_a_hijack_on_the_network_of_a_node(node):
    pod = Pod(node, "pod", 2)
    pod.serve(8080)
    pod.hostport(80, 8080, "nft")
    for uid in 0, 1337:
        log = node.serve("0.0.0.0:80", uid=uid)
        assert re.search(r"warn: connections to 192\.0\.2\.10.* do not reach Kong on 0\.0\.0\.0:80:", log), log
        assert "warn:   why: a connection from here to 192.0.2.10:80 did not arrive here; it went to 10.224.0.2:8080" in log, log
        node.stop()
    for value in "off", "-hostport-hijack":
        log = node.serve("0.0.0.0:80", ENTRYPOINT_CHECKS=value)
        assert "warn:" not in log, log
        node.stop()


@scenario
def a_start_warns_of_a_port_that_another_Kong_shares(node):
    Pod(node, "pod", 2)
    node.listen("0.0.0.0", 80, uid=1337, reuse=True)
    log = node.serve("0.0.0.0:80 reuseport")
    assert "warn: KONG_PROXY_LISTEN 0.0.0.0:80 reuseport shares its port" in log, log


@scenario
def a_start_on_a_node_where_nothing_is_wrong_says_nothing(node):
    pod = Pod(node, "pod", 2)
    pod.serve(8080)
    pod.hostport(8443, 8080, "nft")
    node.sysctl("net.ipv4.ip_unprivileged_port_start", 1024)
    log = node.serve("0.0.0.0:80 reuseport, [::]:80 reuseport, 192.0.2.10:443, 0.0.0.0:443")
    assert "warn:" not in log, log


# ---- while nginx runs ----


@scenario
def a_Kong_that_runs_and_is_reached_passes(node):
    Pod(node, "pod", 2)
    node.sysctl("net.ipv4.ip_unprivileged_port_start", 1024)
    listen = "0.0.0.0:80 reuseport, [::]:80, 192.0.2.10:443, 0.0.0.0:443, 127.0.0.1:8001"
    node.serve(listen)
    report = node.check(listen)
    assert report.status == 0, report.json
    report.passes("running", "nginx")
    # No setting names a file, this is no pod of Kubernetes, and few machines limit the memory.
    may_be_skipped = {"unreadable", "cluster-dns", "memory"}
    for finding in report.json["checks"]:
        skipped = finding["verdict"] == "skipped" and finding["check"] in may_be_skipped
        assert skipped or finding["verdict"] == "passed", finding
    assert len(report.of("running")) == 6 and len(report.of("hostport-hijack")) == 5
    assert report.seconds < 1, report.seconds


@scenario
def a_Kong_that_runs_fails_once_a_hostPort_hijacks_it(node):
    pod = Pod(node, "pod", 2)
    node.serve("0.0.0.0:80, [::]:80, 0.0.0.0:81")
    pod.serve(8080)
    pod.hostport(80, 8080, "nft")
    report = node.check("0.0.0.0:80, [::]:80, 0.0.0.0:81")
    report.fails("hostport-hijack", "0.0.0.0:80", "it went to 10.224.0.2:8080")
    report.fails("hostport-hijack", "[::]:80", r"it went to \[fd00:224::2\]:8080")
    for check in "hostport-hijack", "running", "port-taken":
        report.passes(check, "0.0.0.0:81")
    report = node.check("0.0.0.0:80", uid=1337, gid=1337)
    report.fails("hostport-hijack", "0.0.0.0:80", "somebody accepted it")


@scenario
def a_Kong_that_runs_with_other_listeners_or_beside_another_fails(node):
    node.serve("0.0.0.0:80 reuseport, 0.0.0.0:81")
    report = node.check("0.0.0.0:80 reuseport, 0.0.0.0:82")
    report.passes("running", "0.0.0.0:80")
    report.fails("running", "0.0.0.0:82", "no socket listens there")
    node.listen("0.0.0.0", 80, uid=1337, reuse=True)
    report = node.check("0.0.0.0:80 reuseport")
    report.fails("port-shared", "0.0.0.0:80", r"process \d+ \(python3")
    node.stop()
    node.listen("0.0.0.0", 81)
    report = node.check("0.0.0.0:81")
    report.skips("running", "", "no nginx of this prefix runs")
    report.fails("port-taken", "0.0.0.0:81")


@scenario
def a_Kong_with_a_capability_is_known_by_its_user_to_one_without(node):
    # As `docker exec --user kong` does: who has fewer capabilities may not look into nginx.
    node.sysctl("net.ipv4.ip_unprivileged_port_start", 1024)
    node.serve("0.0.0.0:80 reuseport")
    report = node.check("0.0.0.0:80 reuseport", uid=1337, gid=1337)
    assert report.status == 77
    for check in "running", "port-taken", "port-shared":
        report.passes(check, "0.0.0.0:80")


@scenario
def a_Kong_that_runs_with_more_than_planned_is_a_warning(node):
    node.sysctl("net.ipv4.ip_unprivileged_port_start", 1024)
    node.serve("0.0.0.0:8000", SET_CAP_NET_RAW="1")
    report = node.check("0.0.0.0:8000")
    report.warns("running", "nginx", "cap_net_raw in addition")


# ---- everywhere ----


@scenario
def a_read_only_root_and_no_new_privs_change_nothing(node):
    Pod(node, "pod", 2).hostport(80, 8080, "nft")
    node.run("mount -o remount,bind,ro /")
    report = node.check("0.0.0.0:80", uid=1337)
    report.warns("hostport-hijack", "0.0.0.0:80", "was refused")


@scenario
def checks_can_be_left_out(node):
    report = node.check("198.51.100.1:80", ENTRYPOINT_CHECKS="-address")
    assert not report.of("address") and report.status == 0
    report = node.check("198.51.100.1:80", ENTRYPOINT_CHECKS="off")
    assert report.json["checks"] == [] and report.status == 0
    report = node.check("198.51.100.1:80", ENTRYPOINT_CHECKS="-adress")
    assert report.status == 78 and "-address" in report.json["plan"]["error"]["why"]


@scenario
def a_plan_that_cannot_succeed_keeps_its_status(node):
    node.sysctl("net.ipv4.ip_unprivileged_port_start", 1024)
    report = node.check("198.51.100.1:80", uid=1337)
    assert report.status == 77 and not report.json["plan"]["possible"]
    report.fails("address", "198.51.100.1:80", "Cannot assign requested address")
