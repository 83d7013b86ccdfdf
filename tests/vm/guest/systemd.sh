# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# A systemd as the first process of a user's container: the machine's own root file system, read-only and with its
# owners shifted to the user's ids, with a cgroup that it may divide. (bookworm's mount knows no shifted owners.)
[ "$layout" = v2 ] || return 0
mount --bind -o 'X-mount.idmap=b:0:1000:1 b:1:100000:65535' / /mnt/root 2>$OUT || {
	echo "   skipped: $(cat $OUT)"
	return 0
}

FIRST_PROCESS=$(
	cat <<'JQ'
["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_NET_BIND_SERVICE", "CAP_SETFCAP",
 "CAP_SETGID", "CAP_SETPCAP", "CAP_SETUID", "CAP_SYS_CHROOT"] as $caps
| .root = {path: "/mnt/root", readonly: true}
| .process.env += ["container=oci"]
| .process.noNewPrivileges = false
| .process.capabilities = {bounding: $caps, effective: $caps, permitted: $caps}
| .linux.resources += {memory: {limit: 268435456}, pids: {limit: 200}}
| .mounts |= map(if .destination == "/sys/fs/cgroup" then .options -= ["ro"] else . end)
| .mounts += [("/run", "/tmp", "/var" | {destination: ., type: "tmpfs", source: "tmpfs", options: ["mode=755"]})]
JQ
)
bundle dev "$FIRST_PROCESS" /lib/systemd/systemd --log-target=null
start=$(now)
as dev usrun run -d -b $B --pid-file $B/pid first >$OUT 2>&1 </dev/null
say $? 'systemd inside: run' "$(cat $OUT)"
inner() { as dev usrun exec first "$@" </dev/null 2>&1; }

# It answers once it has divided its group, which then takes no processes itself.
for ((i = 0; i < 120; i++)); do
	[ ! -d "$(group_of "$(cat $B/pid)")" ] || [ ! -e "/proc/$(cat $B/pid)/root/run/systemd/private" ] || break
	sleep 1
done
case $(group_of "$(cat $B/pid)") in
*/usrun-first.scope/container/init.scope) say 0 'systemd inside: has a group of its own below that of the container' ;;
*) say 1 'systemd inside: has a group of its own' "$(group_of "$(cat $B/pid)")" ;;
esac
state=$(inner timeout 200 systemctl is-system-running --wait)
failed_units=$(inner systemctl list-units --failed --no-legend --plain | cut -d ' ' -f 1 | sort | xargs)
echo "   $state after $(($(now) - start)) ms; failed: ${failed_units:-none}"
# without CAP_SYS_ADMIN it cannot mount /run/lock
eq 'systemd inside: is up' "$state, failed: $failed_units" 'degraded, failed: run-lock.mount'
unit_group=$(group_of "$(cat $B/pid)")
unit_group=${unit_group%/container/*}
eq 'systemd inside: the limit is above it' "$(cat "$unit_group/memory.max")" 268435456
eq 'systemd inside: cannot lift it' "$(inner sh -c 'ls -d /sys/fs/cgroup/../memory.max /sys/fs/cgroup/init.scope 2>/dev/null')" /sys/fs/cgroup/init.scope
systemd-run --collect --quiet --wait --pipe --uid dev -p PAMName=login -p StandardInput=null \
	usrun exec first true >$OUT 2>&1
say $? 'systemd inside: exec from a login' "$(cat $OUT)"
as dev systemd-run --user --collect --quiet --wait --pipe usrun exec first true >$OUT 2>&1 </dev/null
say $? "systemd inside: exec from the user's systemd" "$(cat $OUT)"
as dev usrun delete -f first >$OUT 2>&1
say $? 'systemd inside: delete' "$(cat $OUT)"
gone 'systemd inside' dev first
umount /mnt/root
