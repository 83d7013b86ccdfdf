# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# A user without rights: in a group that was given to it, without one, without its systemd, and from other sessions.
[ "$layout" = v2 ] || return 0
SOME='.linux.resources += {memory: {limit: 67108864}, pids: {limit: 20}, cpu: {quota: 50000, period: 100000}}'

bundle dev . true
out=$(as dev systemd-run --user --collect --quiet --wait --pipe -p Delegate=yes sh -c "
	usrun --cgroup-manager cgroupfs run -b $B free </dev/null
	echo \"status \$?, \$(cat \"/sys/fs/cgroup\$(sed -n s/^0:://p /proc/self/cgroup)/cgroup.type\")\"" 2>&1)
eq 'user in a delegated group: runs, and the group stays what it was' "$out" 'status 0, domain'

bundle dev "$SOME" true
as dev usrun --cgroup-manager cgroupfs run -b $B none >$OUT 2>&1 </dev/null
eq 'user without a group of its own: refused' $? 1
has 'user without a group of its own: says why' $OUT 'needs the cgroup controller'

# One who never logged in, from cron, say: without a systemd of its own.
useradd --uid 1001 lone
lone() { runuser -u lone -- env -u XDG_RUNTIME_DIR "$@"; }
bundle lone "$SOME" true
lone usrun run -b $B none >$OUT 2>&1 </dev/null
eq 'user without systemd: limits are refused' $? 1
has 'user without systemd: says why' $OUT ': linux.resources'
lone usrun --systemd-cgroup run -b $B none >$OUT 2>&1 </dev/null
eq 'user without systemd: the driver is refused' $? 1
has 'user without systemd: says what to do' $OUT 'loginctl enable-linger'
bundle lone . true
lone usrun run -b $B none >$OUT 2>&1 </dev/null
say $? 'user without systemd: runs without limits' "$(cat $OUT)"

# The container's group is in user@1000.service; a login is in session-N.scope beside it, whose processes only root,
# or systemd for it, may move.
bundle dev "$SOME" sleep 1000
as dev usrun run -d -b $B --pid-file $B/pid apart >$OUT 2>&1 </dev/null
say $? 'user: run' "$(cat $OUT)"
group=$(group_of "$(cat $B/pid)")
systemd-run --collect --quiet --wait --pipe --uid dev -p PAMName=login -p StandardInput=null \
	usrun exec -d --pid-file $B/pid2 apart sleep 1000 >$OUT 2>&1
say $? 'user: exec from a login' "$(cat $OUT)"
eq 'user: it has joined the group' "$(group_of "$(cat $B/pid2)")" "$group"
case $group in
/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/*) say 0 'user: group below user@.service' ;;
*) say 1 'user: group below user@.service' "$group" ;;
esac
as dev usrun delete -f apart
gone user dev apart
