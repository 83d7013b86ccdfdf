# SPDX-License-Identifier: Apache-2.0
"""A shell at a terminal, written to files and restored, answers at the new one, and knows what it was told before.

checkpoint.py DIRECTORY ID USRUN...
"""
import array
import os
import select
import socket
import subprocess
import sys
import time

top, id_, usrun = sys.argv[1], sys.argv[2], sys.argv[3:]
listener = socket.socket(socket.AF_UNIX)
listener.bind(f"{top}/console")
listener.listen(1)
listener.settimeout(60)


def call(*args):
    subprocess.run([*usrun, *args], stdin=subprocess.DEVNULL, check=True, timeout=120)


def terminal(*args):
    call(*args, "--console-socket", f"{top}/console", "-b", f"{top}/b", "-d", id_)
    with listener.accept()[0] as connection:
        fds = array.array("i")
        for _, _, data in connection.recvmsg(4096, 256)[1]:
            fds.frombytes(data)
    return fds[0]


def ask(fd, line, wanted):
    os.write(fd, line.encode() + b"\n")
    seen, end = b"", time.monotonic() + 60
    while wanted.encode() not in seen:
        left = end - time.monotonic()
        if left <= 0 or not select.select([fd], [], [], left)[0]:
            sys.exit(f"no {wanted!r} in {seen!r}")
        seen += os.read(fd, 4096)


first = terminal("run")
ask(first, "a=40; echo x$((a))", "x40")
call("checkpoint", "--image-path", f"{top}/img", id_)
second = terminal("restore", "--image-path", f"{top}/img")
ask(second, "echo y$((a + 2)); ls -l /dev/console", "y42")
ask(second, "test -t 0 && echo z$((a + 3))", "z43")
