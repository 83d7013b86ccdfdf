# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# The sweep of tests/faults/run where every container is a scope of systemd, as root and as a user: nothing may be left,
# no unit either. Not part of the suite: a run by hand, --step 61 half an hour.
[ "$layout" = v2 ] || return 0

commands=()
for command in create start 'run -d' run exec kill delete 'delete stopped' 'delete other' 'delete lost' \
	'delete damaged' gc pause resume update; do
	commands+=(--command "$command")
done
for user in root dev; do
	who=root
	[ $user = root ] || who=rootless
	as $user python3 -u ../faults/run --systemd --step "$step" --mode PIAE --in-turn "${commands[@]}" \
		../faults/stepper /usr/local/bin/usrun $who 2>&1 </dev/null | tee $OUT
	say "${PIPESTATUS[0]}" "faults, $user" "$(grep -c ^FAIL $OUT)"
	sed -n "s/^\(.*[^ ]\)  *\([0-9][0-9]*\)  *\([0-9][0-9]*\)\$/cell \1|$user, points|\2\ncell \1|$user, failures|\3/p" $OUT
	gone "faults, $user" $user flt
	eq "faults, $user: failed units" "$(systemctl_of $user list-units --failed --no-legend)" ''
done
