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
    assert report.status == 78


@scenario
def an_address_that_only_ip_nonlocal_bind_allows_is_a_warning(node):
    node.sysctl("net.ipv4.ip_nonlocal_bind", 1)
    node.sysctl("net.ipv6.ip_nonlocal_bind", 1)
    report = node.check("198.51.100.1:8000, [2001:db8:9::1]:8000, 192.0.2.10:8000, 127.0.0.7:8000, [::1]:8000, 0.0.0.0:8001")
    report.warns("address", "198.51.100.1:8000", "net.ipv4.ip_nonlocal_bind is 1")
    report.warns("address", "[2001:db8:9::1]:8000", "net.ipv6.ip_nonlocal_bind is 1")
    for subject in "192.0.2.10:8000", "127.0.0.7:8000", "[::1]:8000", "0.0.0.0:8001":
        report.passes("address", subject)
    assert report.status == 0


@scenario
def addresses_of_this_machine_pass(node):
    report = node.check("0.0.0.0:8000, 192.0.2.10:8001, [::]:8002, [2001:db8::10]:8003, 127.0.0.1:8004, [::1]:8005")
    for finding in report.of("address"):
        assert finding["verdict"] == "passed", finding
    assert report.status == 0


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
            "hostport-hijack", subject, f"{re.escape(subject)} does not reach Kong at .*{re.escape(address)}")
        if gid == 0:
            assert re.search(rf"it went to \[?{destination}\]?:8080", finding["why"]), finding
            assert f"grep -wF {destination}," in finding["ways_out"][0], finding
        else:
            assert "somebody accepted it" in finding["why"], finding
            assert "hostPort: 80$" in finding["ways_out"][0], finding
    assert report.status == 78


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
        assert report.status == 0


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
