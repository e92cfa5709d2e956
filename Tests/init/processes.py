"""Processes for the scenarios: started in a known state, observed in /proc, and gone at the end.

Each scenario runs as the first process of its own PID namespace, so that its end kills all that it started.
Nothing waits for a fixed time: scenarios wait for a pipe, a process, or a state in /proc, up to a limit.
"""

import contextlib
import ctypes
import os
import select
import signal
import struct
import time
import traceback

PATIENCE = 3.0  # seconds that an answer may take
LIMIT = 60.0  # seconds that a scenario may take

CLONE_NEWNS, CLONE_NEWPID = 0x00020000, 0x20000000
MS_REC, MS_PRIVATE = 0x4000, 0x40000

libc = ctypes.CDLL(None, use_errno=True)


class Failed(Exception):
    """A scenario saw something else than it expects."""


class NoOption(Exception):
    """The supervisor has no option for what the scenario checks."""


def expect(holds, otherwise):
    if not holds:
        raise Failed(otherwise)


# ---- namespaces ----


def call(name, *arguments):
    if getattr(libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def isolated(body):
    """Runs a function as the first process of a PID namespace; returns its verdict."""
    reader, writer = os.pipe()
    outside = os.fork()
    if outside == 0:
        os.close(reader)
        call("unshare", CLONE_NEWPID | CLONE_NEWNS)
        first = os.fork()
        if first != 0:
            os.close(writer)
            os.waitpid(first, 0)
            os._exit(0)
        call("mount", None, b"/", None, MS_REC | MS_PRIVATE, None)
        call("mount", b"proc", b"/proc", b"proc", 0, None)
        os.setsid()
        os.write(writer, verdict(body).encode())
        os._exit(0)
    os.close(writer)
    try:
        return read_verdict(reader)
    finally:
        kill_tree(outside)
        os.close(reader)


def verdict(body):
    try:
        body()
        return "ok"
    except Failed as failure:
        return f"no {failure}"
    except NoOption:
        return "none"
    except BaseException:
        return f"no {traceback.format_exc()}"


def read_verdict(reader):
    if not select.select([reader], [], [], LIMIT)[0]:
        return f"no it hangs ({LIMIT:.0f} s)"
    return os.read(reader, 65536).decode() or "no it ended the scenario itself"


def kill_tree(outside):
    """Kills the namespace through its first process, the only child of the process outside."""
    for child in children(outside):
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
    os.waitpid(outside, 0)


# ---- the supervisor ----


class Process:
    """A started supervisor: its pid in this namespace, and what it writes to standard error."""

    def __init__(self, pid, errors):
        self.pid, self.errors = pid, errors
        self.is_waited_for = False

    def send(self, number):
        os.kill(self.pid, number)

    def message(self):
        return os.pread(self.errors, 65536, 0).decode(errors="replace")

    def status(self, patience=PATIENCE):
        """Its exit status, or 128 + signal, as in a shell."""
        return wait(self.pid, patience, "it does not end")


def start(words, as_first=False, ignored=(), directory="/", keep=(), terminal=None, output=None, errors=None):
    """Starts a program in its own process group, with all signals at their defaults and none blocked.

    as_first: as the first process of a PID namespace. Later children of this process are in that namespace,
    too, with their parent outside, as with docker exec. keep: descriptors that the program inherits.
    """
    if errors is None:
        errors = os.memfd_create("errors")
    if as_first:
        call("unshare", CLONE_NEWPID)
    pid = os.fork()
    if pid == 0:
        try:
            for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP, 32, 33}:
                signal.signal(number, signal.SIG_IGN if number in ignored else signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_SETMASK, ())
            if terminal:
                take_terminal(terminal)
            else:
                os.setpgid(0, 0)
                redirect(os.open(os.devnull, os.O_RDWR), 0)
                redirect(output if output is not None else errors, 1)
                redirect(errors, 2)
            close_all_but(keep)
            os.chdir(directory)
            os.execvp(words[0], words)
        finally:
            traceback.print_exc()
            os._exit(125)
    return Process(pid, errors)


def close_all_but(keep):
    first = 3
    for descriptor in sorted(keep):
        os.closerange(first, descriptor)
        os.set_inheritable(descriptor, True)
        first = descriptor + 1
    os.closerange(first, 4096)


def redirect(source, target):
    os.dup2(source, target, inheritable=True)


def take_terminal(name):
    """Begins a session with this terminal."""
    import fcntl
    import termios

    os.setsid()
    terminal = os.open(name, os.O_RDWR)
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
    for descriptor in (0, 1, 2):
        redirect(terminal, descriptor)


def wait(pid, patience, otherwise):
    handle = os.pidfd_open(pid)
    is_ended = select.select([handle], [], [], patience)[0]
    os.close(handle)
    expect(is_ended, otherwise)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return status if status >= 0 else 128 - status


# ---- the command ----


def python(code, *arguments):
    """A command that runs Python code, with Debian's Python, which every user can execute."""
    return ["/usr/bin/python3", "-I", "-S", "-c", code, *map(str, arguments)]


class Channel:
    """A pipe from the command to the scenario, one message a line. It ends when no process can write to it."""

    def __init__(self):
        self.reader, self.writer = os.pipe()
        self.rest = b""

    def close_writer(self):
        os.close(self.writer)

    def line(self, otherwise, patience=PATIENCE):
        """The next line; None at the end."""
        deadline = time.monotonic() + patience
        while b"\n" not in self.rest:
            left = max(0, deadline - time.monotonic())
            expect(select.select([self.reader], [], [], left)[0], otherwise)
            more = os.read(self.reader, 4096)
            if not more:
                return None
            self.rest += more
        line, self.rest = self.rest.split(b"\n", 1)
        return line.decode()

    def expect_end(self, otherwise, patience=PATIENCE):
        expect(self.line(otherwise, patience) is None, otherwise)


# ---- /proc ----


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            return [int(word) for word in file.read().split()]
    except FileNotFoundError:
        return []


def status_field(pid, name):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return next(line.split(":", 1)[1].strip() for line in file if line.startswith(f"{name}:"))


def state(pid):
    return status_field(pid, "State")[0]


def eventually(holds, otherwise, patience=PATIENCE):
    """Polls for a state that the kernel does not announce."""
    deadline = time.monotonic() + patience
    while not holds():
        expect(time.monotonic() < deadline, otherwise)
        time.sleep(0.002)


def shows(text, reader, patience=PATIENCE):
    """Reads a terminal until it shows a text."""
    deadline, seen = time.monotonic() + patience, b""
    while text not in seen:
        left = max(0, deadline - time.monotonic())
        ready = select.select([reader], [], [], left)[0]
        expect(ready, f"the terminal does not show {text.decode()!r}, but {seen.decode()[-200:]!r}")
        try:
            seen += os.read(reader, 4096)
        except OSError as error:
            raise Failed(f"the terminal is gone; it showed {seen.decode()[-200:]!r}") from error


def foreground(terminal):
    """The process group that the terminal sends its signals to, as this PID namespace numbers it."""
    import fcntl
    import termios

    return struct.unpack("i", fcntl.ioctl(terminal, termios.TIOCGPGRP, b"\0" * 4))[0]
