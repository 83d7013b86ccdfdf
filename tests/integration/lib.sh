# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the tests use. Set by run: USRUN (binary), MODE (root or rootless), ID (container id, found in no other
# test), T (directory of the test), SUBUIDS and SUBGIDS (START:COUNT of the user; empty: a single id), OWN (set where
# the rootless tests run as the caller, without root). The bundle is $T/b; the state of containers is in STATE_OF.

STATE_OF() {
	if [ "$MODE" = root ]; then echo "$T/state"; else echo "$T/xdg/usrun"; fi
}

# --- verdicts ---

fail() {
	echo "$*" >&2
	exit 1
}

skip() {
	echo "$*"
	exit 77
}

root_only() { [ "$MODE" = root ] || skip "for root only${*:+: $*}"; } # [WHY]
many_ids() { [ -n "$SUBUIDS" ] || skip "needs subordinate ids"; }
rootless_only() { [ "$MODE" = rootless ] || skip "rootless only${*:+: $*}"; } # [WHY]

eq() { # WHAT GOT WANTED
	[ "$2" = "$3" ] || fail "$1: got '$2', wanted '$3'${ERR:+; stderr: $ERR}"
}

has() { # WHAT TEXT PART
	[[ "$2" == *"$3"* ]] || fail "$1: '$3' is not in '$2'"
}

hasnt() { # WHAT TEXT PART
	[[ "$2" != *"$3"* ]] || fail "$1: '$3' is in '$2'"
}

# Waits until the command succeeds, however busy the machine is; a minute without success is a failure.
soon() {
	local end=$((SECONDS + 60))
	while ((SECONDS < end)); do
		"$@" && return 0
		sleep 0.02
	done
	return 1
}

# The file of a socket is there some time before whoever made it listens.
accepts() { # SOCKET, by the name that it was bound to
	[ -S "$1" ] && grep -q "^[^ ]* [^ ]* [^ ]* 00010000 .* $1\$" /proc/net/unix
}

# What a waiting init has spoken to create by it closes just when that ends.
has_fds() { # PID N
	[ "$(find "/proc/$1/fd" -type l 2>/dev/null | wc -l)" = "$2" ]
}

# A user may look at the init of a created container while it waits, and `create` may end a moment before.
shown() { # PID
	soon readlink "/proc/$1/ns/net" >/dev/null 2>&1 || fail "nobody may look at process $1"
}

# --- usrun: "${U[@]}" is the command ---

# R ARG...: usrun ARG..., result in RC, OUT, ERR.
R() {
	RC=0
	rm -f "$T/out" "$T/err" # usrun gives them to the user of the container
	"${U[@]}" "$@" >"$T/out" 2>"$T/err" </dev/null || RC=$?
	OUT=$(<"$T/out") ERR=$(<"$T/err")
}

# The same, which has to succeed.
ok() {
	R "$@"
	[ "$RC" = 0 ] || fail "usrun $*: exit status $RC: $ERR"
}

# The same, which has to fail, with TEXT in the error; to crash is another thing.
no() { # TEXT ARG...
	local text=$1
	shift
	R "$@"
	[ "$RC" != 0 ] || fail "usrun $*: succeeded"
	[[ $RC -lt 128 || $RC = 255 ]] || fail "usrun $*: exit status $RC, a crash: $ERR"
	[[ ! "$ERR" =~ Sanitizer|runtime\ error:|Assertion|assert ]] || fail "usrun $*: $ERR"
	[ -n "$text" ] || fail "usrun $*: which error is wanted?"
	[[ "$ERR" == *"$text"* ]] || fail "usrun $*: '$text' is not in the error '$ERR'"
}

from_terminal() { # ARG...: usrun with a terminal; result in RC, OUT
	RC=0
	command -v python3 >/dev/null || skip 'needs python3'
	OUT=$(python3 -c 'import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))' \
		"${U[@]}" "$@" </dev/null 2>&1) || RC=$?
}

cfg() { # JQ-OPTION... FILTER: edits config.json
	jq "$@" "$T/b/config.json" >"$T/b/new.json" || fail "jq failed"
	mv "$T/b/new.json" "$T/b/config.json"
}

prog() { # ARG...: program of the container
	[ $# = 0 ] || printf '%s\0' "$@" >"$T/words"
	[ $# != 0 ] || : >"$T/words"
	cfg --rawfile words "$T/words" '.process.args = ($words | split("\u0000")[:-1])'
}

script_() { prog /bin/sh -c "$1"; } # TEXT

caps() { # CAP...: all sets but the ambient
	local words
	words=$(printf 'CAP_%s\n' "$@" | jq -Rnc '[inputs]')
	cfg --argjson c "$words" '.process.capabilities = {bounding:$c,effective:$c,permitted:$c}'
}

# Runs the program in the foreground; it has to exit with 0.
# shellcheck disable=SC2120 # test files pass arguments
go() { ok run -b "$T/b" "$@" "$ID"; }

sh_run() { # TEXT
	script_ "$1"
	go
}

# A container that runs until it is killed, with its pid in PID.
up() {
	[ $# = 0 ] || cfg "$@"
	prog /bin/sleep 1000
	ok run -d -b "$T/b" --pid-file "$T/pid" "$ID"
	# shellcheck disable=SC2034 # for the tests
	PID=$(<"$T/pid")
}

down() { ok delete --force "$ID"; }

status() {
	ok state "$ID"
	jq -r .status <<<"$OUT"
}

is() { is_of "$ID" "$1"; } # STATUS

is_of() { # ID STATUS
	"${U[@]}" state "$1" 2>/dev/null | jq -e --arg s "$2" '.status == $s' >/dev/null
}

inside() { # ARG...: usrun exec, which has to succeed
	ok exec "$ID" "$@"
}

under_script() { # COMMAND-LINE: with a terminal; result in RC, OUT without the carriage returns
	RC=0
	command -v script >/dev/null || skip "needs script"
	OUT=$(script -qec "$1" /dev/null </dev/null 2>&1 | tr -d '\r'; exit "${PIPESTATUS[0]}") || RC=$?
}

# --- set-up of a test ---

# What the bundles of all tests are copies of, for a program takes its time to start: "the id" is where theirs comes in.
template() { # DIR
	local applet how=()
	mkdir -p "$1/b/rootfs"/{bin,proc,sys,dev,tmp,etc,root,hl}
	cp /bin/busybox "$1/b/rootfs/bin/"
	for applet in sh cat ls env sleep id pwd echo readlink stat touch mkdir chown hostname kill true false tty \
		stty mount grep sed sort tr cut ps od dd head nproc wc mknod date uname ip test setsid rm; do
		ln -s busybox "$1/b/rootfs/bin/$applet"
	done
	chmod 1777 "$1/b/rootfs/tmp"
	printf 'root:x:0:0:root:/root:/bin/sh\nsome:x:1000:1000::/home/some:/bin/sh\n' >"$1/b/rootfs/etc/passwd"
	printf 'root:x:0:\nsome:x:1000:\n' >"$1/b/rootfs/etc/group"
	[ "$MODE" = root ] || how=(--rootless)
	"$USRUN" spec -b "$1/b" --no-terminal "${how[@]}"
	jq '.process.env += ["USRUN_TEST=the id"] | .root.readonly = false' "$1/b/config.json" >"$1/config.json"
	rm "$1/b/config.json"
}

bundle() { # DIR
	local config
	config=$(<"$TEMPLATE/config.json")
	cp -dR --preserve=mode "$TEMPLATE/b" "$1"
	printf '%s\n' "${config//USRUN_TEST=the id/USRUN_TEST=$ID}" >"$1/config.json"
}

one() { # FUNCTION
	set -eE -o pipefail
	shopt -s inherit_errexit
	trap 'echo "line $LINENO of ${BASH_SOURCE[0]##*/}: failed: $BASH_COMMAND" >&2' ERR
	umask 022
	cd "$T"
	U=(env "USRUN_TEST=$ID" "$USRUN")
	[ "$MODE" = rootless ] || U+=(--root "$T/state")
	mkdir -m 700 "$T/xdg"
	bundle "$T/b"
	leaks_before
	"$1"
}

# --- proof of cleanup ---

# usrun-ID too has the id in it; other usrun-* are of others that run at the same time.
cgroups() { { find /sys/fs/cgroup -type d -name "*$ID*" 2>/dev/null || true; } | sort; } # others come and go
# A user makes none on the host, and sees those that others make there.
mounts() { [ -n "${OWN:-}" ] || cut -d ' ' -f 1,3-6 /proc/self/mountinfo | sort; }
# Whoever renames a directory renames the places of the mounts below it, in all namespaces: so by their ids, not by these.
new_mounts() { # BEFORE NOW
	[ "$1" = "$2" ] || awk '{key = $1 " " $2 " " $3 " " $5} NR == FNR {was[key]; next} !(key in was) {print "mount", $2, $3, $4, $5}' \
		<(echo "$1") <(echo "$2")
}

# Processes of usrun itself (U sets the variable; its children have a title instead) and of the container (its config does).
processes() {
	local found
	found=$(grep -lzsxF "USRUN_TEST=$ID" /proc/[0-9]*/environ || true
		grep -lzs "^usrun:.* $ID" /proc/[0-9]*/cmdline || true)
	[ -z "$found" ] || cut -d / -f 3 <<<"$found" | sort -u | comm -13 <(echo "$KNOWN") - | sed '/^$/d'
}

leaks_before() {
	KNOWN=
	KNOWN=$(processes | sort)
	MOUNTS=$(mounts)
	CGROUPS=$(cgroups)
}

news() { # WHAT BEFORE NOW: the lines that were not there
	[ "$2" = "$3" ] || comm -13 <(echo "$2") <(echo "$3") | sed "/^$/d; s/^/$1 /"
}

left_now() {
	local pid
	new_mounts "$MOUNTS" "$(mounts)"
	news cgroup "$CGROUPS" "$(cgroups)"
	for pid in $(processes); do
		echo "process $pid $({ tr '\n\0' '  ' <"/proc/$pid/comm" && tr '\0' ' ' <"/proc/$pid/cmdline"; } 2>/dev/null || true)"
	done
	[ ! -d "$(STATE_OF)" ] || { ls -A "$(STATE_OF)" 2>/dev/null || true; } | sed 's/^/state /'
}

# Fails and says what is left, if that is still so after 20 s.
leaks() {
	local left end=$((SECONDS + 20))
	while ((SECONDS < end)); do
		left=$(left_now)
		[ -n "$left" ] || return 0
		sleep 0.05
	done
	tr '\n' ';' <<<"$left"
	return 1
}

# Removes what is left of a failed test, so that it does not fail the next.
sweep_up() {
	local pid dir
	[ -n "$(left_now)" ] || return 0
	for pid in $(processes); do
		kill -KILL "$pid" 2>/dev/null
	done
	for dir in "$(STATE_OF)"/*/; do
		[ -d "$dir" ] || continue
		if [ "$MODE" = root ]; then
			"$USRUN" --root "$(STATE_OF)" delete --force "$(basename "$dir")" >/dev/null 2>&1
		else
			as_user env "XDG_RUNTIME_DIR=$T/xdg" "$USRUN" delete --force "$(basename "$dir")" >/dev/null 2>&1
		fi
	done
	sleep 0.1
	for dir in $(cgroups); do find "$dir" -depth -type d -exec rmdir {} \; 2>/dev/null; done
	grep -F "$T/" /proc/self/mountinfo | cut -d ' ' -f 5 | sort -r | while read -r dir; do umount -l "$dir"; done
}
