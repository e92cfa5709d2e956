"""What a supervisor of one command should do. Each scenario is a function, named after what it checks.

A scenario gets the supervisor, starts it with real processes, and raises Failed with what it saw instead.
Those whose name begins with "as_first" run it as the first process of a PID namespace.
"""

import os
import pty
import signal
import tempfile

from processes import (
    PATIENCE, Channel, Failed, children, eventually, expect, foreground, python, shows, start, state,
    status_field, wait)

SCENARIOS = []


def scenario(function):
    SCENARIOS.append(function)
    return function


def title(function):
    return function.__name__.replace("_", " ")


# Code of a command that reports each signal it gets, and does not end by any.
RECORDS_SIGNALS = """
import os, signal, sys
out, every = int(sys.argv[1]), signal.valid_signals()
signal.pthread_sigmask(signal.SIG_BLOCK, every)
os.write(out, b"ready\\n")
while True:
    os.write(out, b"%d\\n" % signal.sigwaitinfo(every).si_signo)
"""

WAITS = """
import os, signal, sys
os.write(int(sys.argv[1]), b"%d\\n" % os.getpid())
while True: signal.pause()
"""


def started(init, code, options=(), arguments=(), keep=(), **state_at_start):
    """Starts a supervisor of Python code; returns it, and the channel to which the code writes."""
    channel = Channel()
    process = start(
        init.words(python(code, channel.writer, *arguments), options),
        keep=(channel.writer, *keep), **state_at_start)
    channel.close_writer()
    return process, channel


def status_of(init, *command, **state_at_start):
    return start(init.words(command), **state_at_start).status()


# ---- statuses ----


@scenario
def it_ends_with_the_status_of_the_command_from_0_to_255(init):
    for status in range(256):
        seen = status_of(init, "/bin/sh", "-c", f"exit {status}")
        expect(seen == status, f"{status} becomes {seen}")


@scenario
def it_ends_with_128_plus_the_signal_that_ended_the_command(init):
    for name in ("TERM", "HUP", "QUIT", "KILL"):
        number = getattr(signal, f"SIG{name}")
        seen = status_of(init, "/bin/sh", "-c", f"kill -s {name} $$")
        expect(seen == 128 + number, f"{name} becomes {seen}")


@scenario
def as_first_process_it_ends_with_the_status_of_the_command_too(init):
    expect(status_of(init, "/bin/sh", "-c", "exit 7", as_first=True) == 7, "another status")


@scenario
def a_missing_command_is_127_with_a_message(init):
    process = start(init.words(["/nowhere/command"]))
    status = process.status()
    expect(status == 127, f"it is {status}")
    expect("/nowhere/command" in process.message(), "no message names it")


@scenario
def a_command_that_cannot_be_executed_is_126_with_a_message(init):
    with tempfile.NamedTemporaryFile(mode="w") as file:
        file.write("#!/bin/sh\nexit 0\n")
        file.flush()
        process = start(init.words([file.name]))
        status = process.status()
        expect(status == 126, f"it is {status}")
        expect(file.name in process.message(), "no message names it")


@scenario
def it_ends_even_if_the_caller_ignores_CHLD(init):
    seen = status_of(init, "/bin/sh", "-c", "exit 7", ignored=[signal.SIGCHLD])
    expect(seen == 7, f"7 becomes {seen}")


# ---- signals ----

TERMINAL_STOPS = {signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU}
FAULTS = {
    signal.SIGSEGV, signal.SIGILL, signal.SIGFPE, signal.SIGBUS, signal.SIGABRT, signal.SIGTRAP,
    signal.SIGSYS}
REALTIME = {34, 35, 49, 63, 64}
ORDINARY = (
    set(range(1, 32)) - TERMINAL_STOPS - FAULTS
    - {signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD})


def not_forwarded(init, numbers):
    """The signals that do not reach the command."""
    lost = []
    for number in sorted(numbers):
        process, channel = started(init, RECORDS_SIGNALS)
        expect(channel.line("the command does not start") == "ready", "the command does not start")
        process.send(number)
        if not arrives(number, channel):
            lost.append(signal.Signals(number).name[3:] if number < 32 else f"RTMIN+{number - 34}")
        process.send(signal.SIGKILL)
    return lost


def arrives(number, channel):
    try:
        return channel.line("it does not arrive", patience=1) == str(int(number))
    except Failed:
        return False


def expect_forwarded(init, numbers):
    lost = not_forwarded(init, numbers)
    expect(not lost, f"not {', '.join(lost[:8])}{', ...' if len(lost) > 8 else ''}")


@scenario
def each_ordinary_signal_reaches_the_command(init):
    expect_forwarded(init, ORDINARY)


@scenario
def each_realtime_signal_reaches_the_command(init):
    expect_forwarded(init, REALTIME)


@scenario
def fault_signals_such_as_SEGV_reach_the_command(init):
    expect_forwarded(init, FAULTS)


@scenario
def a_CHLD_that_is_sent_does_not_reach_the_command(init):
    process, channel = started(init, RECORDS_SIGNALS)
    channel.line("the command does not start")
    process.send(signal.SIGCHLD)
    # Of several pending signals, the one with the smallest number comes first (signal(7)).
    process.send(signal.SIGWINCH)
    expect(channel.line("no signal arrives") == str(int(signal.SIGWINCH)), "the command gets CHLD")


@scenario
def TERM_can_become_another_signal(init):
    process, channel = started(init, RECORDS_SIGNALS, init.option("rewrite TERM to QUIT"))
    channel.line("the command does not start")
    process.send(signal.SIGTERM)
    expect(channel.line("no signal arrives") == str(int(signal.SIGQUIT)), "TERM stays TERM")


@scenario
def TSTP_TTIN_and_TTOU_stop_the_command_and_CONT_continues_it(init):
    for number in sorted(TERMINAL_STOPS):
        process, channel = started(init, WAITS)
        command = int(channel.line("the command does not start"))
        process.send(number)
        eventually(lambda: state(command) == "T", f"{number.name} does not stop the command")
        process.send(signal.SIGCONT)
        eventually(lambda: state(command) == "S", f"the command stays stopped by {number.name}")
        process.send(signal.SIGTERM)
        expect(process.status() == 143, "it does not end after that")


@scenario
def its_own_broken_pipe_sends_no_signal_to_the_command(init):
    reader, writer = os.pipe()
    channel = Channel()
    process = start(
        init.words(python(RECORDS_SIGNALS, channel.writer), init.option("delay")),
        keep=(channel.writer,), output=writer, errors=writer)
    channel.close_writer()
    channel.line("the command does not start")
    os.close(reader)
    process.send(signal.SIGTERM)
    eventually(lambda: state(process.pid) == "S" and not pending(process.pid), "the signal stays pending")
    process.send(signal.SIGUSR2)
    expect(channel.line("no signal arrives") == str(int(signal.SIGUSR2)), "the command gets SIGPIPE")


def pending(pid):
    return int(status_field(pid, "SigPnd"), 16) | int(status_field(pid, "ShdPnd"), 16)


@scenario
def no_signal_is_blocked_or_ignored_in_the_command(init):
    output = os.memfd_create("output")
    start(init.words(["/bin/cat", "/proc/self/status"]), output=output).status()
    seen = dict(
        line.split(":\t") for line in os.pread(output, 65536, 0).decode().splitlines()
        if line.startswith(("SigBlk", "SigIgn")))
    expect(len(seen) == 2 and all(int(mask, 16) == 0 for mask in seen.values()), str(seen))


@scenario
def signals_that_the_caller_ignores_are_ignored_in_the_command(init):
    output = os.memfd_create("output")
    start(
        init.words(["/bin/grep", "SigIgn", "/proc/self/status"]), output=output,
        ignored=[signal.SIGUSR1, signal.SIGPIPE, signal.SIGTTOU]).status()
    mask = int(os.pread(output, 4096, 0).split()[1], 16)
    wanted = sum(1 << number - 1 for number in (signal.SIGUSR1, signal.SIGPIPE, signal.SIGTTOU))
    expect(mask == wanted, f"the mask is {mask:x}, not {wanted:x}")


# ---- orphans ----

# Code of a command that leaves 100 orphans. They end when the scenario closes a pipe, and so does the command
# if `ends` is set.
LEAVES_ORPHANS = """
import os, signal, sys
out, hold, ends = map(int, sys.argv[1:])
for _ in range(100):
    if os.fork() == 0:
        if os.fork() == 0:
            os.close(out)
            os.read(hold, 1)
            os._exit(1)
        os._exit(0)
    os.wait()
os.write(out, b"%d\\n" % os.getpid())
if ends:
    os.read(hold, 1)
    os._exit(7)
while True: signal.pause()
"""


def with_orphans(init, options=(), ends=0, **state_at_start):
    """Starts a supervisor of a command with 100 orphans; returns it, and the pipe that ends them."""
    hold, keep = os.pipe()
    channel = Channel()
    process = start(
        init.words(python(LEAVES_ORPHANS, channel.writer, hold, ends), options),
        keep=(channel.writer, hold), **state_at_start)
    channel.close_writer()
    channel.line("the command does not start")
    return process, keep


def expect_reaped(init, options=(), **state_at_start):
    process, keep = with_orphans(init, options, **state_at_start)
    eventually(
        lambda: len(children(process.pid)) == 101,
        f"it has {len(children(process.pid)) - 1} of 100 orphans")
    os.close(keep)
    eventually(
        lambda: len(children(process.pid)) == 1,
        f"{len(children(process.pid)) - 1} of 100 orphans are left")
    process.send(signal.SIGTERM)
    expect(process.status() == 143, "it does not end with the command's status")


@scenario
def as_first_process_it_reaps_100_orphans(init):
    expect_reaped(init, as_first=True)


@scenario
def as_any_other_process_it_adopts_and_reaps_100_orphans(init):
    expect_reaped(init, init.option("subreaper"))


@scenario
def one_CHLD_is_enough_for_many_children(init):
    process, keep = with_orphans(init, ends=1, as_first=True)
    command = children(process.pid)[0]
    process.send(signal.SIGSTOP)
    os.close(keep)
    eventually(
        lambda: all(state(child) == "Z" for child in children(process.pid)), "the command goes on")
    expect(command in children(process.pid), "the command is not there")
    process.send(signal.SIGCONT)
    expect(process.status() == 7, "another status")


# ---- the end ----

# Code of a command that leaves a process in its group. That reports TERM, and ends if `obeys` is set.
LEAVES_ONE = """
import os, signal, sys
out, obeys = map(int, sys.argv[1:])
ready, written = os.pipe()
if os.fork() == 0:
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    os.write(written, b"r")
    while True:
        signal.sigwait([signal.SIGTERM])
        os.write(out, b"TERM\\n")
        if obeys: os._exit(0)
os.read(ready, 1)
"""


@scenario
def processes_left_in_the_commands_group_get_TERM(init):
    process, channel = started(init, LEAVES_ONE, arguments=(1,))
    expect(process.status() == 0, "another status")
    expect(channel.line("it gets nothing") == "TERM", "it is ended without a warning")
    channel.expect_end("it goes on")


@scenario
def processes_that_survive_TERM_get_KILL(init):
    process, channel = started(init, LEAVES_ONE, arguments=(0,))
    expect(process.status() == 0, "another status")
    expect(channel.line("it gets nothing") == "TERM", "it is ended without a warning")
    channel.expect_end("it goes on")


@scenario
def when_it_is_killed_the_command_is_killed_too(init):
    process, channel = started(init, WAITS)
    channel.line("the command does not start")
    process.send(signal.SIGKILL)
    process.status()
    channel.expect_end("the command goes on")


# Code of a process that ends later than the command, such as the `kong quit` of a preStop hook.
ENDS_LATER = """
import os, sys, time
end, out = map(int, sys.argv[1:])
os.write(out, b"ready\\n")
os.read(end, 1)
time.sleep(0.2)
os._exit(5)
"""


@scenario
def as_first_process_it_waits_for_processes_that_docker_exec_started(init):
    end, held = os.pipe()
    channel = Channel()
    process = start(
        init.words(python(WAITS, channel.writer)), as_first=True, keep=(channel.writer, held))
    channel.line("the command does not start")
    os.close(held)
    # Its parent is this process, not the first process of its namespace.
    other = start(python(ENDS_LATER, end, channel.writer), keep=(end, channel.writer))
    channel.line("it does not start")
    process.send(signal.SIGTERM)
    seen = wait(other.pid, PATIENCE, "it does not end")
    expect(seen == 5, f"its status is {seen}, not its own")
    expect(process.status() == 143, "another status")


# ---- the terminal ----


def on_terminal(init, command, **state_at_start):
    controller, terminal = pty.openpty()
    name = os.ttyname(terminal)
    os.set_inheritable(controller, False)
    process = start(init.words(command), terminal=name, **state_at_start)
    return process, controller, terminal


SHELL = ["/bin/bash", "--norc", "--noprofile", "-i"]


@scenario
def as_first_process_a_shell_on_a_terminal_has_job_control(init):
    process, controller, _ = on_terminal(init, SHELL, as_first=True)
    os.write(controller, b"PS1=prompt-; echo $((1 + 1))-monitor-$(set -o | grep -c 'monitor.*on')\n")
    shows(b"2-monitor-1", controller)
    os.write(controller, b"cat\n")
    eventually(lambda: b"cat" in name_of(foreground(controller)), "cat is not in the foreground")
    os.write(controller, b"\x1a")
    shows(b"Stopped", controller)
    os.write(controller, b"fg\n")
    eventually(lambda: b"cat" in name_of(foreground(controller)), "fg does not continue it")
    os.write(controller, b"\x03")
    eventually(lambda: b"bash" in name_of(foreground(controller)), "Ctrl-C does not end it")
    os.write(controller, b"exit 3\n")
    expect(process.status() == 3, "another status than 3")


def name_of(pid):
    try:
        with open(f"/proc/{pid}/comm", "rb") as file:
            return file.read()
    except OSError:
        return b""


@scenario
def Ctrl_C_reaches_the_command_once(init):
    channel = Channel()
    controller, terminal = pty.openpty()
    process = start(
        init.words(python(RECORDS_SIGNALS, channel.writer)), terminal=os.ttyname(terminal),
        keep=(channel.writer,))
    channel.line("the command does not start")
    os.write(controller, b"\x03")
    expect(channel.line("Ctrl-C does nothing") == str(int(signal.SIGINT)), "it is another signal")
    process.send(signal.SIGUSR2)
    expect(channel.line("no signal arrives") == str(int(signal.SIGUSR2)), "it arrives twice")
    expect(
        os.getpgid(process.pid) != foreground(controller),
        "the supervisor gets it, too, and may send it a second time")


# A non-interactive shell starts the supervisor, and then reads the terminal.
@scenario
def the_caller_gets_the_terminal_back(init):
    controller, terminal = pty.openpty()
    words = " ".join(init.words(["/bin/true"]))
    process = start(
        ["/bin/sh", "-c", f"{words}; read line && test \"$line\" = hello && exit 3"],
        terminal=os.ttyname(terminal))
    os.write(controller, b"hello\n")
    expect(process.status() == 3, "it cannot be read")


@scenario
def Ctrl_Z_stops_it_with_the_command_and_fg_continues_both(init):
    controller, terminal = pty.openpty()
    shell = start(SHELL, terminal=os.ttyname(terminal))
    os.write(controller, b"PS1=prompt-; echo $((1 + 1))-there\n")
    shows(b"2-there", controller)
    os.write(controller, (" ".join(init.words(["/bin/cat"])) + "\n").encode())
    eventually(lambda: b"cat" in name_of(foreground(controller)), "it is not in the foreground")
    os.write(controller, b"\x1a")
    shows(b"Stopped", controller)
    os.write(controller, b"fg\n")
    eventually(lambda: b"cat" in name_of(foreground(controller)), "fg does not continue it")
    os.write(controller, b"echoed\n")
    shows(b"echoed\r\nechoed", controller)
    os.write(controller, b"\x04")
    eventually(lambda: b"bash" in name_of(foreground(controller)), "the command does not end")
    os.write(controller, b"exit $?\n")
    expect(shell.status() == 0, "another status")


@scenario
def as_first_process_Ctrl_Z_does_not_stop_a_command_for_good(init):
    process, controller, _ = on_terminal(init, ["/bin/cat"], as_first=True)
    eventually(lambda: b"cat" in name_of(foreground(controller)), "it is not in the foreground")
    os.write(controller, b"\x1a")
    os.write(controller, b"echoed\n")
    shows(b"echoed\r\nechoed", controller)
    os.write(controller, b"\x04")
    expect(process.status() == 0, "another status")


# ---- what it keeps ----


@scenario
def it_holds_no_descriptor_above_2(init):
    file = os.open(os.devnull, os.O_RDONLY)
    process, channel = started(init, WAITS, keep=(file,))
    channel.line("the command does not start")
    eventually(
        lambda: {int(name) for name in os.listdir(f"/proc/{process.pid}/fd")} <= {0, 1, 2},
        f"it holds {sorted(map(int, os.listdir(f'/proc/{process.pid}/fd')))[3:]}")


@scenario
def its_directory_is_the_root_and_the_commands_is_the_callers(init):
    with tempfile.TemporaryDirectory() as directory:
        process, channel = started(init, WAITS, directory=directory)
        command = int(channel.line("the command does not start"))
        expect(os.readlink(f"/proc/{command}/cwd") == directory, "the command works elsewhere")
        eventually(
            lambda: os.readlink(f"/proc/{process.pid}/cwd") == "/",
            f"it works in {os.readlink(f'/proc/{process.pid}/cwd')}: no file system there can be unmounted")


@scenario
def it_has_no_capability_if_the_command_runs_as_another_user(init):
    process, channel = started(init, WAITS, init.option("another user"))
    command = int(channel.line("the command does not start"))
    for name in ("CapPrm", "CapEff", "CapInh", "CapAmb", "CapBnd"):
        expect(int(status_field(process.pid, name), 16) == 0, f"it has {name}")
    expect(status_field(process.pid, "NoNewPrivs") == "1", "no_new_privs is off")
    for name in ("Uid", "Gid", "Groups"):
        expect(
            status_field(process.pid, name) == status_field(command, name),
            f"its {name} is not the command's")
    process.send(signal.SIGTERM)
    expect(process.status() == 143, "it cannot stop the command")
