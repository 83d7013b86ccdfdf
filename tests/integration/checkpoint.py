# SPDX-License-Identifier: Apache-2.0
"""A shell at a terminal, written to files and restored, answers at the new one, and knows what it was told before.

checkpoint.py socket|foreground|shell-job DIRECTORY ID USRUN...

socket: the terminal is sent to a socket. foreground: usrun has one, and relays it. shell-job: the container uses that of usrun.
"""
import array
import fcntl
import os
import pty
import select
import socket
import subprocess
import sys
import termios
import time

how, top, id_, usrun = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]
running = []


def call(*args):
    subprocess.run([*usrun, *args], stdin=subprocess.DEVNULL, check=True, timeout=120)


def refused(wanted, *args):
    got = subprocess.run([*usrun, *args], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=120, check=False)
    if not got.returncode or wanted not in got.stderr:
        sys.exit(f"{args}: exit status {got.returncode}, no {wanted!r} in {got.stderr!r}")


def from_socket(*args):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{top}/{args[0]}")
        listener.listen(1)
        listener.settimeout(60)
        call(*args, "--console-socket", f"{top}/{args[0]}", "-b", f"{top}/b", "-d", id_)
        connection = listener.accept()[0]
    with connection:
        fds = array.array("i")
        for _, _, data in connection.recvmsg(4096, 256)[1]:
            fds.frombytes(data)
    return fds[0]


def in_session(*args):
    """Like a person's shell: usrun in the foreground of a session of its own."""
    master, slave = pty.openpty()

    def prepare():
        os.setsid()
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
        for number in range(3):
            os.dup2(slave, number)

    running.append(subprocess.Popen([*usrun, *args, "-b", f"{top}/b", id_], preexec_fn=prepare, close_fds=True))
    os.close(slave)
    return master


def ended(wanted):
    status = running.pop().wait(60)
    if status != wanted:
        sys.exit(f"usrun has ended with {status}, not {wanted}")


def ask(fd, line, wanted):
    os.write(fd, line.encode() + b"\n")
    seen, end = b"", time.monotonic() + 60
    while wanted.encode() not in seen:
        left = end - time.monotonic()
        if left <= 0 or not select.select([fd], [], [], left)[0]:
            sys.exit(f"no {wanted!r} in {seen!r}")
        seen += os.read(fd, 4096)


terminal = from_socket if how == "socket" else in_session
option = ["--shell-job"] if how == "shell-job" else []
first = terminal("run")
ask(first, "a=40; echo x$((a))", "x40")
if option:
    refused("uses a terminal of the host: --shell-job", "checkpoint", "--image-path", f"{top}/img", id_)
    ask(first, "echo x$((a + 1))", "x41")
call("checkpoint", *option, "--image-path", f"{top}/img", id_)
if how != "socket":
    ended(128 + 9)
if option:
    refused("standard input is not a terminal", "restore", *option, "-b", f"{top}/b", "--image-path", f"{top}/img", id_)
second = terminal("restore", *option, "--image-path", f"{top}/img")
ask(second, "echo y$((a + 2)); ls -l /dev/console", "y42")
ask(second, "test -t 0 && echo z$((a + 3))", "z43")
if how != "socket":
    os.write(second, b"exit 7\n")
    ended(7)
