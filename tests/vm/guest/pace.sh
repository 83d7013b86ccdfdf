# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# The same containers by usrun and by the machine's crun, each a scope of systemd, in turn: medians of what a command
# takes. Not part of the suite: a run by hand, --rounds 40 some minutes.
[ "$layout" = v2 ] && command -v crun >/dev/null || return 0

declare -A spent=()

timed() { # RUNTIME COMMAND ARG...
	local begin=${EPOCHREALTIME/[.,]/}
	if ! "$1" --systemd-cgroup "${@:2}" >/dev/null 2>$OUT </dev/null; then
		say 1 "pace: $1 $2" "$(cat $OUT)"
	fi
	spent[$1 $2]+="$((${EPOCHREALTIME/[.,]/} - begin)) "
}

median() { # WORDS
	tr ' ' '\n' <<<"$1" | sort -n | sed '/^$/d' | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

bundle root . sleep 1000
for ((i = 0; i < rounds; i++)); do
	for runtime in usrun crun; do
		timed $runtime create -b $B "pace-$runtime-$i"
		timed $runtime start "pace-$runtime-$i"
		timed $runtime delete --force "pace-$runtime-$i"
	done
done
total_usrun=0 total_crun=0
for command in create start delete; do
	ours=$(median "${spent[usrun $command]}") theirs=$(median "${spent[crun $command]}")
	total_usrun=$((total_usrun + ours)) total_crun=$((total_crun + theirs))
	echo "cell $command|usrun, us|$ours"
	echo "cell $command|$(crun --version | sed -n '1s/ version / /p'), us|$theirs"
	echo "cell $command|of crun's|$((100 * ours / theirs)) %"
done
echo "cell all three|usrun, us|$total_usrun"
echo "cell all three|$(crun --version | sed -n '1s/ version / /p'), us|$total_crun"
echo "cell all three|of crun's|$((100 * total_usrun / total_crun)) %"
gone pace root pace-
