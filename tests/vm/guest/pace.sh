# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# The same containers by usrun and by the machine's crun, each a scope of systemd, in turn: medians of what a command
# takes, and of the processor time that systemd and its bus spend meanwhile. Not part of the suite: a run by hand,
# --rounds 40 some minutes.
[ "$layout" = v2 ] && command -v crun >/dev/null || return 0

declare -A spent=() others=()
runtimes=(usrun crun)
bus=$(systemctl show --property MainPID --value dbus.service)

of_systemd() { # sets ns
	local of_bus
	read -r ns _ </proc/1/schedstat
	read -r of_bus _ <"/proc/$bus/schedstat"
	ns=$((ns + of_bus))
}

timed() { # RUNTIME COMMAND ARG...
	local begin before ns
	of_systemd
	before=$ns begin=${EPOCHREALTIME/[.,]/}
	if ! "$1" --systemd-cgroup "${@:2}" >/dev/null 2>$OUT </dev/null; then
		say 1 "pace: $1 $2" "$(cat $OUT)"
	fi
	spent[$1 $2]+="$((${EPOCHREALTIME/[.,]/} - begin)) "
	of_systemd
	others[$1 $2]+="$(((ns - before) / 1000)) "
}

median() { # WORDS
	tr ' ' '\n' <<<"$1" | sort -n | sed '/^$/d' | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

row() { # NAME ALL OF-SYSTEMD: per runtime, and what usrun takes of the last one's
	local name=$1 i n=${#runtimes[@]}
	local -n all=$2 systemd=$3
	for ((i = 0; i < n; i++)); do
		echo "cell $name|${runtimes[i]}, us|${all[i]}"
		echo "cell $name|systemd under ${runtimes[i]}|${systemd[i]}"
	done
	echo "cell $name|of ${runtimes[n - 1]}'s|$((100 * all[0] / all[n - 1])) %"
}

bundle root . sleep 1000
for ((i = 0; i < rounds; i++)); do
	for runtime in "${runtimes[@]}"; do
		timed "$runtime" create -b $B "pace-$runtime-$i"
		timed "$runtime" start "pace-$runtime-$i"
		timed "$runtime" delete --force "pace-$runtime-$i"
	done
done
sum=() sum_systemd=()
for command in create start delete; do
	took=() took_systemd=()
	for ((i = 0; i < ${#runtimes[@]}; i++)); do
		took+=("$(median "${spent[${runtimes[i]} $command]}")")
		took_systemd+=("$(median "${others[${runtimes[i]} $command]}")")
		sum[i]=$((${sum[i]:-0} + took[i])) sum_systemd[i]=$((${sum_systemd[i]:-0} + took_systemd[i]))
	done
	row "$command" took took_systemd
done
row 'all three' sum sum_systemd
echo "   $(crun --version | sed -n 1p)"
gone pace root pace-
