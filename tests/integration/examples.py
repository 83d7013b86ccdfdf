#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the documentation of crun and runc tells people to type, typed with usrun, crun and runc.

examples.py BUNDLE ID USRUN [OPTION...]
With USRUN_EXAMPLES=--full by crun and runc too, those of Debian 12; prints a table. A row is a place of their documentation, commands in which rt is the runtime, and what these print and return in the end,
by every runtime, or by those named after it something else. What needs more than a shell and a bundle is in tests of its
own: CRIU (t_checkpoint_*), a seccomp agent, WebAssembly (tests/handlers), systemd (tests/vm), podman (tests/engines).
"""
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys

BUNDLE, ID, USRUN = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3:]
PLACE = BUNDLE.parent / "examples"
MODE = os.environ["MODE"]

# Listens on a console socket, and prints what the terminal that comes says.
RECVTTY = """#!/usr/bin/env python3
import array, os, socket, sys
with socket.socket(socket.AF_UNIX) as s:
    s.bind(sys.argv[1])
    s.listen()
    _, control, _, _ = s.accept()[0].recvmsg(4096, 64)
    tty = array.array("i", control[0][2])[0]
    try:
        while text := os.read(tty, 4096):
            os.write(1, text)
    except OSError:  # the terminal's other end is closed
        pass
"""
# What sessions begin with: the text of a fresh config, with other words to run, and without a terminal.
BEGIN = r"""
plain() { rt spec $SPEC && jq --arg a "$1" --arg b "${2-}" --arg c "${3-}" \
    '.process.terminal = false | .process.args = ([$a, $b, $c] - [""])' <config.json >new && mv new config.json; }
status() { rt state $ID | jq -r .status; }
soon() { for n in $(seq 200); do [ "$(status)" = "$1" ] && return; sleep 0.05; done; echo "not $1 but $(status)"; }
up() { plain sleep 1000; rt run -d $ID >log 2>&1 </dev/null; }
rm -f config.json
"""

ROWS = (
    ("runc README: spec", "rt spec; echo $?; rt spec 2>error; echo $?; jq -c '[.process.terminal, .process.args, .root.path]' config.json",
     '0\n1\n[true,["sh"],"rootfs"]'),
    ("runc README: run", r"""rt spec $SPEC; printf 'echo $((40 + 2)) of it; exit 3\n' | script -qec "rt run $ID" /dev/null | grep -o '42 of it'
        echo "${PIPESTATUS[1]}" """, "42 of it\n3"),
    ("runc README: create, list, start, list, delete", """plain sleep 1
        rt create $ID >log 2>&1 </dev/null; rt list | awk -v id=$ID '$1 == id { print $3 }'
        rt start $ID; echo $?; soon stopped; rt list | awk -v id=$ID '$1 == id { print $3, $2 }'
        rt delete $ID; echo $?; rt list | grep -c $ID""", "created\n0\nstopped 0\n0\n0"),
    ("runc README: spec --rootless, --root", "rt spec --rootless && jq '.process.terminal = false | .process.args = [\"id\", \"-u\"]' "
     '<config.json >new && mv new config.json; rt --root "$PWD/root of it" run $ID', "0"),
    ("runc README: a unit of Type=forking", """plain sleep 1000; rt run -d --pid-file $PWD/pid $ID >log 2>&1 </dev/null; echo $?
        kill -TERM $(cat pid); kill -KILL $(cat pid); soon stopped; rt delete $ID; echo $?""", "0\n0"),
    ("runc-spec(8): edit with jq, run", """rt spec $SPEC; jq '.process.args |= ["/hello"] | .process.terminal = false' <config.json >new
        mv -f new config.json; rt run $ID""", "hello"),
    ("runc(8): run -b BUNDLE", "plain echo there; cd /; rt run -b $OLDPWD $ID", "there"),
    ("runc-exec(8): exec ID ps", "up; rt exec $ID ps | grep -c '[s]leep'; rt delete -f $ID", "1"),
    ("runc-exec(8): options", """up; rt exec -e A=b -e C=d --cwd /tmp $ID /bin/sh -c 'echo $A $PWD $C'
        rt exec -d --pid-file $PWD/exec $ID sleep 1001 >log 2>&1 </dev/null; grep -c 1001 /proc/$(cat exec)/cmdline; rt delete -f $ID 2>log""",
     "b /tmp d\n1"),
    ("runc-ps(8): ps ID, ps -f json ID", """up; rt ps $ID | awk 'NR == 1 { print $(NF > 1 ? 2 : 1) }'; rt ps -f json $ID | jq length
        rt delete -f $ID""", "PID\n1"),
    ("runc-kill(8), runc-delete(8)", "up; rt kill $ID KILL; echo $?; soon stopped; rt delete $ID; echo $?; rt list -q | grep -c $ID",
     "0\n0\n0"),
    ("runc-list(8): list -f json | jq", """up; rt list -f json | jq -r '.[] | [.status, .bundle == $ENV.PWD, .pid > 1] | @text'
        rt delete -f $ID""", '["running",true,true]'),
    ("runc-list(8): --root DIR list", """plain sleep 1000; rt --root $PWD/r run -d $ID >log 2>&1 </dev/null
        rt --root $PWD/r list -q; rt list -q | grep -c $ID; rt --root $PWD/r delete -f $ID""", "ID\n0"),
    ("runc-state(8)", "up; rt state $ID | jq -r .status; rt delete -f $ID", "running"),
    ("runc-pause(8), runc-resume(8)", "up; rt pause $ID; status; rt resume $ID; status; rt delete -f $ID", "paused\nrunning", "root"),
    ("runc-update(8): options", """up; rt update --memory 64000000 --memory-reservation 32000000 --cpu-share 512 --cpu-period 50000 \
        --cpu-quota 25000 --pids-limit 20 $ID; echo $?; rt delete -f $ID""", "0", "root"),
    ("runc-update(8): -r FILE", """up; echo '{"pids": {"limit": 100}}' >file; rt update -r file $ID; echo $?; rt delete -f $ID""", "0", "root"),
    ("runc-update(8): -r - with its text of zeros", """up; jq -nc '{memory: {limit: 0, reservation: 0, swap: 0, kernel: 0, kernelTCP: 0},
        cpu: {shares: 0, quota: 0, period: 0, realtimeRuntime: 0, realtimePeriod: 0, cpus: "", mems: ""}, blockIO: {blkioWeight: 0}}' |
        rt update -r - $ID; echo $?; rt delete -f $ID""", "0", "root",
     {"crun": "resource busy\n1$"}),
    ("runc-events(8): --stats", "up; rt events --stats $ID | jq -r '.type, .data.pids.current'; rt delete -f $ID", "stats\n1", "root",
     {"crun": "unknown command"}),
    ("runc terminals: run --preserve-fds 5", "plain sh -c 'ls /proc/self/fd | sed \"/^[012]$/d\" | wc -l'; "
     "rt run --preserve-fds 5 $ID 3</ 4</ 5</ 6</ 7</ 8</", "6"),
    ("runc terminals: LISTEN_FDS=3 run --preserve-fds 5", """plain sh -c 'ls /proc/self/fd | sed "/^[012]$/d" | wc -l; echo $LISTEN_FDS $LISTEN_PID'
        (LISTEN_PID=$BASHPID LISTEN_FDS=3 exec rt run --preserve-fds 5 $ID) 3</ 4</ 5</ 6</ 7</ 8</ 9</ 10</""", "9\n3 1",
     {"crun": "^9\n1$"}),
    ("runc terminals: script -e -c 'run'", """rt spec $SPEC; jq '.process.args = ["sh", "-c", "tty; exit 5"]' <config.json >new; mv new config.json
        script -e -q -c "rt run $ID" /dev/null </dev/null >out; echo $?; grep -o /dev/pts/0 out""" , "5\n/dev/pts/0"),
    ("runc terminals: echo input | run >out 2>err", """plain sh -c 'cat; echo bad >&2'
        echo input | rt run $ID >out 2>err; echo $?; cat out err""", "0\ninput\nbad"),
    ("runc terminals: run -d", "plain sh -c 'echo in the file'; rt run -d $ID >log 2>&1 </dev/null; soon stopped; cat log; rt delete $ID",
     "in the file"),
    ("runc terminals: run -d --console-socket, recvtty", """rt spec $SPEC; jq '.process.args = ["tty"]' <config.json >new; mv new config.json
        recvtty $PWD/s >got & until [ -S s ]; do sleep 0.02; done; rt run -d --console-socket $PWD/s $ID; wait; tr -d '\\r' <got
        soon stopped; rt delete $ID""", "/dev/pts/0"),
    ("runc systemd: annotations for a unit", """plain echo up; jq '.annotations = {"org.systemd.property.TimeoutStopUSec": "uint64 123456789",
        "org.systemd.property.CollectMode": "'"'inactive-or-failed'"'"}' <config.json >new; mv new config.json; rt run $ID""", "up"),
    ("runc checkpoint-restore: annotation org.criu.config", """plain echo up; jq '.annotations = {"org.criu.config": ""}' <config.json >new
        mv new config.json; rt run $ID""", "up"),
    ("runc CPU affinity: annotation for exec", """plain sleep 1000
        jq '.annotations = {"org.opencontainers.runc.exec.isolated-cpu-affinity-transition": "temporary"}' <config.json >new; mv new config.json
        rt run -d $ID >log 2>&1 </dev/null; rt exec $ID echo up; rt delete -f $ID""", "up"),
    ("crun README: containers one after another", "plain true; for n in 1 2 3 4 5; do rt run $ID || echo $n; done", ""),
    ("crun README: least memory", "plain echo it works; jq '.linux.resources.memory.limit = 4194304' <config.json >new; mv new config.json; rt run $ID",
     "it works", "root"),
)


def make_view(name, command):
    """A bundle of its own, and rt, which is the runtime."""
    place = PLACE / name
    shutil.copytree(BUNDLE / "rootfs", place / "rootfs", symlinks=True)
    hello = place / "rootfs/hello"
    hello.write_text("#!/bin/sh\necho hello\n")
    hello.chmod(0o755)
    for program, text in (("rt", f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n'), ("recvtty", RECVTTY)):
        (place / "bin").mkdir(exist_ok=True)
        (place / "bin" / program).write_text(text)
        (place / "bin" / program).chmod(0o755)
    return place


def find_runtimes():
    found = {"usrun": USRUN}
    for peer in ("crun", "runc") if os.environ.get("USRUN_EXAMPLES") == "--full" else ():
        if path := shutil.which(peer):
            found[peer] = [path, "--root", str(PLACE / f"state of {peer}")]
    if os.path.ismount("/sys/fs/cgroup/unified") and "crun" in found:  # which it refuses
        found["crun"][:0] = ["unshare", "-m", "sh", "-c", "umount /sys/fs/cgroup/unified && "
                             'mount -t tmpfs none /sys/fs/cgroup/unified && exec "$@"', "-"]
    return found


def typed(place, name, text):
    number = f"{ID}{name}"
    env = os.environ | {"PATH": f"{place}/bin:{os.environ['PATH']}", "ID": number, "SPEC": "" if MODE == "root" else "--rootless"}
    done = subprocess.run(["bash", "-c", BEGIN + text], cwd=place, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=120, check=False)
    subprocess.run([place / "bin/rt", "delete", "--force", number], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, timeout=60, check=False)
    return re.sub(re.escape(number), "ID", done.stdout.decode(errors="replace")).strip()


def main():
    PLACE.mkdir()
    views = {name: make_view(name, command) for name, command in find_runtimes().items()}
    failures = 0
    for what, text, wanted, *more in ROWS:
        otherwise = more[-1] if more and isinstance(more[-1], dict) else {}
        if "root" in more and MODE != "root":
            continue
        for name, place in views.items():
            got = typed(place, name, text)
            if got == wanted:
                print(f"{what}: {name}: ok")
            elif re.search(otherwise.get(name, "^\n$"), got):
                print(f"{what}: {name}: otherwise: {got!r}")
            else:
                failures += 1
                print(f"{what}: {name}: FAIL: {got!r}, not {wanted!r}")
    sys.exit(1 if failures else 0)


main()
