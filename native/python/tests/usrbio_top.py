# SPDX-License-Identifier: Apache-2.0
"""What `lampyris usrbio top` draws on a terminal; a program for bin/test-e2e.

    usrbio_top.py draws LAMPYRIS DIR RINGS PID    RINGS rings more than a busy one of process PID
    usrbio_top.py returns LAMPYRIS DIR MOUNT      the daemon goes and comes back meanwhile

The terminal is a pseudo-terminal and, here, what is shown on it: a second reading of the control
sequences, in which a line that is too long or one too many is an error. Exit codes: 0 as it should
be, 1 not so.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from typing import Callable, List

from contract import run_case

PATIENCE = 60
SEQUENCE = re.compile(r"\x1b\[(\?[0-9]+)?([A-Za-z])")


def expect(truth: bool, what: str, observed: object) -> None:
    if not truth:
        sys.exit(f"{what}; observed={observed}")


class Screen:
    """A terminal that knows what `top` needs of one, and nothing else."""

    def __init__(self, rows: int, columns: int) -> None:
        self.alternate = False
        self.cursor_shown = True
        self.pending = ""
        self.normal = ""
        self.resize(rows, columns)

    def resize(self, rows: int, columns: int) -> None:
        self.rows, self.columns = rows, columns
        self.lines: List[str] = [""]

    def feed(self, text: str) -> None:
        text = self.pending + text
        self.pending = ""
        at = 0
        while at < len(text):
            if text[at] == "\x1b":
                found = SEQUENCE.match(text, at)
                if found is None:
                    self.pending = text[at:]
                    return
                self.control(found[1], found[2])
                at = found.end()
            else:
                self.put(text[at])
                at += 1

    def control(self, private: str, what: str) -> None:
        asked = (private or "") + what
        if asked in ("?1049h", "?1049l"):
            self.alternate = asked.endswith("h")
            self.lines = [""]
        elif asked in ("?25h", "?25l"):
            self.cursor_shown = asked.endswith("h")
        elif asked == "J":
            expect(self.lines == [""], "cleared elsewhere than at home", self.lines)
        elif asked == "H":
            self.lines = [""]
        else:
            sys.exit(f"a terminal may not know this sequence; observed={asked}")

    def put(self, char: str) -> None:
        if not self.alternate:
            self.normal += char
        elif char == "\n":
            self.lines.append("")
            expect(len(self.lines) <= self.rows, "it scrolls", self.lines)
        elif char != "\r":
            self.lines[-1] += char
            expect(len(self.lines[-1]) <= self.columns, "a line is too long", self.lines[-1])


class Top:
    """A running `top`, and its terminal."""

    def __init__(self, command: List[str], rows: int, columns: int) -> None:
        self.screen = Screen(rows, columns)
        self.master, self.terminal = pty.openpty()
        self.settings = termios.tcgetattr(self.terminal)
        self.set_size(rows, columns)
        told, tell = os.pipe()
        self.shell = subprocess.Popen(
            [sys.executable, os.path.abspath(__file__), "shell", str(tell), *command],
            stdin=self.terminal,
            stdout=self.terminal,
            stderr=self.terminal,
            start_new_session=True,
            pass_fds=[tell],
        )
        os.close(tell)
        with os.fdopen(told) as line:
            self.pid = int(line.readline())

    def set_size(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def resize(self, rows: int, columns: int) -> None:
        """From now on: what comes before the process hears of it is for the old size."""
        self.set_size(rows, columns)
        self.screen.resize(max(rows, self.screen.rows), max(columns, self.screen.columns))
        self.until(
            f"a table in {rows} rows of {columns}",
            lambda: self.has_table()
            and len(self.screen.lines) <= rows
            and all(len(line) <= columns for line in self.screen.lines)
            and (len(self.screen.lines) == rows or self.lines_of_all() <= rows),
        )
        self.screen.rows, self.screen.columns = rows, columns

    def lines_of_all(self) -> int:
        return 2 + int(self.screen.lines[0].split()[0])

    def has_table(self) -> bool:
        return len(self.screen.lines) > 2 and self.screen.lines[1].startswith("program")

    def read(self, seconds: float) -> bool:
        if not select.select([self.master], [], [], seconds)[0]:
            return False
        self.screen.feed(os.read(self.master, 65536).decode())
        return True

    def until(self, what: str, condition: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE
        while not condition():
            if not self.read(0.1) and time.monotonic() > end:
                sys.exit(f"never came: {what}; limit={PATIENCE} s; observed={self.screen.lines}")

    def type(self, keys: bytes) -> None:
        os.write(self.master, keys)

    def left_as_it_was(self) -> bool:
        return (
            not self.screen.alternate
            and self.screen.cursor_shown
            and termios.tcgetattr(self.terminal) == self.settings
        )

    def expect_end(self, what: str, code: int) -> None:
        self.until(f"the end after {what}", lambda: self.shell.poll() is not None)
        while self.read(0):
            pass
        expect(self.shell.returncode == code, f"exit code after {what}", self.shell.returncode)
        expect(self.left_as_it_was(), f"the terminal after {what}", vars(self.screen))
        os.close(self.master)
        os.close(self.terminal)


def shell(tell: str, *command: str) -> None:
    """What a shell does for one command: the terminal is its own while it runs; SIGUSR1 is `fg`."""
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    def begin() -> None:
        os.setpgrp()
        os.tcsetpgrp(0, os.getpid())
        signal.signal(signal.SIGTTOU, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGUSR1])

    pid = subprocess.Popen(command, preexec_fn=begin).pid
    with os.fdopen(int(tell), "w") as line:
        print(pid, file=line)
    while True:
        status = os.waitpid(pid, os.WUNTRACED)[1]
        os.tcsetpgrp(0, os.getpid())
        if not os.WIFSTOPPED(status):
            code = os.waitstatus_to_exitcode(status)
            os._exit(code if code >= 0 else 128 - code)
        signal.sigwait([signal.SIGUSR1])
        os.tcsetpgrp(0, pid)
        os.killpg(pid, signal.SIGCONT)


def stops_and_goes_on(top: Top) -> None:
    def stopped() -> bool:
        with open(f"/proc/{top.pid}/stat") as f:
            return f.read().rpartition(") ")[2].startswith("T")

    top.type(b"\x1a")
    top.until("its stop", stopped)
    while top.read(0):
        pass
    expect(top.left_as_it_was(), "the terminal of one that is stopped", vars(top.screen))
    top.shell.send_signal(signal.SIGUSR1)
    top.until("the screen again", lambda: top.screen.alternate and top.has_table())
    keys = termios.tcgetattr(top.terminal)
    expect(keys[3] & termios.ICANON == 0, "keys are read as they come, again", keys)


def draws(lampyris: str, directory: str, rings: str, pid: str) -> None:
    command = [lampyris, "usrbio", "top", "--dir", directory]
    idle = int(rings)

    top = Top(command, 24, 80)
    top.until("24 lines", lambda: top.has_table() and len(top.screen.lines) == 24)
    expect(top.screen.alternate and not top.screen.cursor_shown, "a screen of its own", "none")
    keys = termios.tcgetattr(top.terminal)
    expect(keys[3] & (termios.ICANON | termios.ECHO) == 0, "keys are read as they come", keys)
    expect(keys[3] & termios.ISIG != 0, "keys still send signals", keys)
    expect(top.screen.lines[0].startswith(f"{idle + 1} rings of "), "rings", top.screen.lines[0])
    # The busy one stands first, whatever the order of registration, and stays there.
    for _ in range(3):
        top.screen.lines = [""]
        top.until("a repaint", lambda: top.has_table() and len(top.screen.lines) == 24)
        names = re.split(r"  +", top.screen.lines[1].strip())
        busiest = dict(zip(names, top.screen.lines[2].split()))
        expect(busiest["pid"] == pid, "the busiest", top.screen.lines)
        expect(int(busiest["I/O/s"]) > 0, "its I/Os", top.screen.lines)
        second = dict(zip(names, top.screen.lines[3].split()))
        expect(second["I/O/s"] == "0", "an idle one after it", top.screen.lines)
    narrow = set(names)
    expect({"program", "pid", "kind", "I/O/s", "MiB/s", "p99", "errors"} <= narrow, "80", names)

    # All columns with room for them; fewer, but rates, without; cut off at the very end.
    top.resize(50, 200)
    wide = set(re.split(r"  +", top.screen.lines[1].strip()))
    expect(narrow < wide and {"entries", "depth", "priority", "age"} <= wide, "200", wide)
    top.resize(10, 40)
    expect("I/O/s" in top.screen.lines[1] and "p50" not in top.screen.lines[1], "40", top.screen.lines)
    top.resize(3, 12)
    expect(top.screen.lines[1].startswith("program"), "12 columns", top.screen.lines)
    top.resize(24, 80)
    # A key that means nothing, and one that does.
    top.type(b"x")
    top.screen.lines = [""]
    top.until("a repaint after an unknown key", top.has_table)
    # The shell has the terminal while it is stopped, as it was before.
    stops_and_goes_on(top)
    top.type(b"q")
    top.expect_end("q", 0)

    for what, end, code in (
        ("Ctrl-C", lambda top: top.type(b"\x03"), 130),
        ("SIGTERM", lambda top: os.kill(top.pid, signal.SIGTERM), 143),
    ):
        top = Top(command, 24, 80)
        top.until("a table", top.has_table)
        end(top)
        top.expect_end(what, code)

    # What was asked for so many times is there to be read afterwards; of --once, nothing is drawn.
    for options in (["-n", "2"], ["--once"]):
        top = Top([*command, *options, "--rows", "3"], 24, 200)
        top.expect_end(" ".join(options), 0)
        shown = [line for line in top.screen.normal.splitlines() if line]
        expect(len(shown) == 5 and shown[0].startswith(f"{idle + 1} rings"), "what is left", shown)


def returns(lampyris: str, directory: str, mount: str) -> None:
    top = Top([lampyris, "usrbio", "top", "--dir", directory], 24, 60)

    def shows(text: str) -> bool:
        return text in "".join(top.screen.lines)

    top.until("no rings", lambda: shows("0 rings of 0 processes"))
    subprocess.run([lampyris, "down", "--dir", directory], check=True, capture_output=True)
    top.until("what is missing", lambda: shows("no mount says how its rings are; observed=No such file"))
    top.until("what to do", lambda: shows("remedy: start it again, and this goes on; q ends it"))
    up = [lampyris, "up", "--dir", directory, "--mount", mount, "--detach"]
    subprocess.run(up, check=True, capture_output=True)
    top.until("rings again", lambda: shows("0 rings of 0 processes"))
    os.kill(int(open(os.path.join(directory, "lampyris.pid")).read()), signal.SIGSTOP)
    try:
        # It cannot answer, and nobody has to wait for that.
        top.type(b"q")
        top.expect_end("q while the daemon is stopped", 0)
    finally:
        os.kill(int(open(os.path.join(directory, "lampyris.pid")).read()), signal.SIGCONT)


if __name__ == "__main__":
    run_case(__doc__, draws, returns, shell)
