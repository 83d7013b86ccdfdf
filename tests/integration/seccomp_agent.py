#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""seccomp_agent.py SOCKET STATE: takes one listener from a runtime, writes the document that came with it to
STATE, and answers every notification with errno 42 until nobody is left who could send one."""
import array
import ctypes
import fcntl
import select
import socket
import struct
import sys

NOTIF_RECV, NOTIF_SEND = 0xC0502100, 0xC0182101  # SECCOMP_IOCTL_NOTIF_*


def receive(path):
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    server.bind(path)
    server.listen(1)
    print("ready", flush=True)
    peer, _ = server.accept()
    text, fds = b"", array.array("i")
    while True:
        data, control, _, _ = peer.recvmsg(65536, socket.CMSG_SPACE(4 * 4))
        for level, kind, content in control:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                fds.frombytes(content[: len(content) // 4 * 4])
        if not data:
            return text, list(fds)
        text += data


def main():
    text, fds = receive(sys.argv[1])
    with open(sys.argv[2], "wb") as out:
        out.write(text)
    if len(fds) != 1:
        raise SystemExit(f"got {len(fds)} descriptors")
    poll = select.poll()
    poll.register(fds[0], select.POLLIN)
    while True:
        (_, event), = poll.poll()
        if event & select.POLLHUP:
            return
        request = ctypes.create_string_buffer(80)
        try:
            fcntl.ioctl(fds[0], NOTIF_RECV, request)
            number, = struct.unpack_from("Q", request)
            fcntl.ioctl(fds[0], NOTIF_SEND, struct.pack("QqiI", number, 0, -42, 0))
        except OSError:
            continue  # the caller was killed meanwhile


main()
