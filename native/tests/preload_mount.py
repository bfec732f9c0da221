#!/usr/bin/env python3
"""Programs whose reads go through rings, on a mount: run by bin/lampyris exec with a directory of the mount.

Every case compares with a model of what the file must hold. Prints `ok CASE` for each; exits with 1 at the first that
fails. SEED=N replays.
"""

import mmap
import os
import random
import signal
import subprocess
import sys

MIB = 1 << 20
SIZE = 24 * MIB
SEED = int(os.environ.get("SEED", "1"))
RANDOM = random.Random(SEED)

# Runs without the library, and so writes as any other program on the mount does.
WRITER = """
import os, sys
fd = os.open(sys.argv[1], os.O_RDWR)
for line in sys.stdin:
    what, at, length, value = line.split()
    if what == "write":
        assert os.pwrite(fd, bytes([int(value)]) * int(length), int(at)) == int(length)
    else:
        os.ftruncate(fd, int(at))
    print("done", flush=True)
"""


def check(so, what):
    if not so:
        sys.exit(f"FAILED seed={SEED}: {what}")


def make(directory, name, size=SIZE):
    path = os.path.join(directory, name)
    content = bytearray(RANDOM.randbytes(size))
    with open(path, "wb") as file:
        file.write(content)
    return path, content


def compare(got, model, at, what):
    want = bytes(model[at : at + len(got)])
    if got != want:
        first = next(i for i in range(len(got)) if got[i] != want[i])
        check(False, f"{what}: byte {at + first} is {got[first]} and not {want[first]}")


class Writer:
    def __init__(self, path):
        environment = {k: v for k, v in os.environ.items() if k != "LD_PRELOAD"}
        self.process = subprocess.Popen([sys.executable, "-c", WRITER, path], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, env=environment)

    def ask(self, what, at, length=0, value=0):
        self.process.stdin.write(f"{what} {at} {length} {value}\n")
        self.process.stdin.flush()
        check(self.process.stdout.readline() == "done\n", "the writer works")

    def close(self):
        self.process.stdin.close()
        check(self.process.wait() == 0, "the writer ends well")


def a_read_sees_every_write_that_had_returned(directory):
    """Another process writes where the reader has read ahead, just before it reads on."""
    path, model = make(directory, "shared")
    writer = Writer(path)
    for step in (MIB, 4 * MIB, 100_000, 128 << 10):
        fd = os.open(path, os.O_RDONLY)
        at = 0
        while at < SIZE:
            if RANDOM.random() < 0.5:
                start = min(at + RANDOM.randrange(5 * MIB), SIZE - 1)
                length = min(RANDOM.choice((1, 4096, 300_000)), SIZE - start)
                value = RANDOM.randrange(256)
                writer.ask("write", start, length, value)
                model[start : start + length] = bytes([value]) * length
            got = os.read(fd, step)
            check(len(got) == min(step, SIZE - at), f"{len(got)} bytes at {at}")
            compare(got, model, at, f"reads of {step}")
            at += len(got)
        check(os.read(fd, step) == b"", "the end of the file")
        writer.ask("write", SIZE, 70_000, 9)
        got = os.read(fd, step)
        check(got == bytes([9]) * min(step, 70_000), "what was written behind the end")
        writer.ask("truncate", SIZE)
        check(os.pread(fd, MIB, SIZE) == b"", "the file was cut")
        os.close(fd)
    writer.close()


def small_reads_past_the_page_cache_are_right(directory):
    """O_DIRECT: of any length, at any place, also one after the other and behind the end."""
    path, model = make(directory, "direct", SIZE + 777)
    fd = os.open(path, os.O_RDONLY | os.O_DIRECT)
    memory = mmap.mmap(-1, MIB)
    for turn in range(2000):
        length = RANDOM.choice((1, 512, 4096, 5000, 16 << 10, 60_000))
        at = RANDOM.choice((RANDOM.randrange(len(model)), RANDOM.randrange(len(model)) & ~4095, len(model) - 100))
        got = os.preadv(fd, [memoryview(memory)[:length]], at)
        check(got == min(length, len(model) - at), f"{got} of {length} bytes at {at}")
        compare(bytes(memory[:got]), model, at, "direct")
    at = 0
    while at < len(model):
        got = os.readv(fd, [memoryview(memory)[:4096]])
        check(got > 0, f"nothing at {at}")
        compare(bytes(memory[:got]), model, at, "direct, in order")
        at += got
    os.close(fd)


def own_writes_are_read_back(directory):
    path, model = make(directory, "own")
    fd = os.open(path, os.O_RDWR)
    for _ in range(200):
        at = RANDOM.randrange(SIZE - MIB)
        if RANDOM.random() < 0.4:
            piece = RANDOM.randbytes(RANDOM.randrange(1, MIB))
            check(os.pwrite(fd, piece, at) == len(piece), "a whole write")
            model[at : at + len(piece)] = piece
        else:
            got = os.pread(fd, MIB, at)
            check(len(got) == MIB, "a whole read")
            compare(got, model, at, "own writes")
    os.close(fd)


def descriptors_share_their_offset(directory):
    path, model = make(directory, "offsets")
    fd = os.open(path, os.O_RDONLY)
    at = 0
    for turn in range(12):
        kind = turn % 3
        if kind == 0:
            other = os.dup(fd)
            compare(os.read(other, MIB), model, at, "dup")
            os.close(other)
        elif kind == 1:
            child = os.fork()
            if child == 0:
                got = os.read(fd, MIB)
                os._exit(0 if got == bytes(model[at : at + MIB]) else 1)
            check(os.waitpid(child, 0)[1] == 0, "a child reads on where its parent stands")
        else:
            script = f"import os; os._exit(0 if len(os.read({fd}, {MIB})) == {MIB} else 1)"
            check(subprocess.call([sys.executable, "-c", script], pass_fds=(fd,)) == 0, "so does another program")
        at += MIB
        check(os.lseek(fd, 0, os.SEEK_CUR) == at, "the offset has moved")
    compare(os.read(fd, MIB), model, at, "after children")
    os.close(fd)


def processes_append_whole_records(directory):
    path = os.path.join(directory, "appended")
    open(path, "wb").close()
    children = []
    for who in range(2):
        child = os.fork()
        if child == 0:
            fd = os.open(path, os.O_RDWR | os.O_APPEND)
            for i in range(300):
                record = f"{who} {i:06d} ".encode().ljust(9999, bytes([65 + who])) + b"\n"
                if os.write(fd, record) != len(record):
                    os._exit(1)
            os._exit(0)
        children.append(child)
    for child in children:
        check(os.waitpid(child, 0)[1] == 0, "an appender ends well")
    fd = os.open(path, os.O_RDONLY)
    content = b""
    while piece := os.read(fd, MIB):
        content += piece
    records = content.split(b"\n")[:-1]
    check(len(content) == 600 * 10_000 and len(records) == 600, f"{len(records)} records, {len(content)} bytes")
    for who in range(2):
        mine = [int(r[2:8]) for r in records if r.startswith(b"%d " % who)]
        check(mine == list(range(300)), f"records of {who} are there in order")


def signals_disturb_no_read(directory):
    path, model = make(directory, "signals")
    other, other_model = make(directory, "others", 4 * MIB)
    handled = 0
    other_fd = os.open(other, os.O_RDONLY)

    def on_alarm(_number, _frame):
        nonlocal handled
        handled += 1
        at = RANDOM.randrange(3 * MIB)
        compare(os.pread(other_fd, MIB, at), other_model, at, "in a handler")
        signal.setitimer(signal.ITIMER_REAL, 0.001)  # once: a slow disk must not nest handlers

    signal.signal(signal.SIGALRM, on_alarm)
    signal.setitimer(signal.ITIMER_REAL, 0.001)
    while handled < 200:
        fd = os.open(path, os.O_RDONLY)
        at = 0
        while got := os.read(fd, 3 * MIB):
            compare(got, model, at, "under signals")
            at += len(got)
        check(at == SIZE, "all was read")
        os.close(fd)
    signal.signal(signal.SIGALRM, signal.SIG_IGN)


def read_for_ever(path):
    while True:
        with open(path, "rb", buffering=0) as file:
            while file.read(MIB):
                pass


def main():
    if len(sys.argv) == 3 and sys.argv[1] == "--for-ever":
        read_for_ever(sys.argv[2])
    for case in (a_read_sees_every_write_that_had_returned, own_writes_are_read_back,
                 small_reads_past_the_page_cache_are_right, descriptors_share_their_offset,
                 processes_append_whole_records, signals_disturb_no_read):
        case(sys.argv[1])
        print("ok", case.__name__, flush=True)


main()
