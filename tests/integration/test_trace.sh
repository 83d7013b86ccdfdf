# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# --trace and explain --timing: the steps of all processes of a start.

steps_of() { jq -r --arg p "$1" '[.traceEvents[] | select(.args.process == $p) | .name] | join(" ")' "$T/trace"; } # PROCESS

t_trace() {
	prog /bin/true
	ok --trace "$T/trace" run -b "$T/b" "$ID"
	has parent "$(steps_of parent)" 'state-reserve'
	has init "$(steps_of init)" 'mounts'
	eq 'no step before the first' "$(jq '[.traceEvents[] | select((.ts // 0) < 0 or (.dur // 0) < 0)] | length' "$T/trace")" 0
	eq 'all but the last of init have ended' "$(jq -r '[.traceEvents[] | select(.args.unfinished) | .name] | join(" ")' "$T/trace")" exec
	eq id "$(jq -r .otherData.id "$T/trace")" "$ID"
	prog /no/such/program
	no 'no such file' --trace "$T/trace" run -b "$T/b" "$ID"
	eq 'where it failed' "$(jq -r .otherData.failed "$T/trace")" exec-find
	has 'why' "$(jq -r .otherData.error "$T/trace")" '/no/such/program'
	eq 'of init' "$(jq -r '[.traceEvents[] | select(.args.process == "init")][-1] | .name + " " + .args.error' "$T/trace")" \
		'exec-find no such path'
}

t_trace_that_nobody_reads() {
	local reader
	prog /bin/true
	mkfifo "$T/trace"
	U=(timeout 60 "${U[@]}")
	no '--trace: open' --trace "$T/trace" run -b "$T/b" "$ID"
	cat "$T/trace" >/dev/null & # ends with the first that closes it
	reader=$!
	sleep 0.3
	R --trace "$T/trace" run -b "$T/b" "$ID"
	[ "$RC" != 124 ] || fail 'waits for a reader'
	kill $reader 2>/dev/null || true
}

t_trace_is_kept_for_explain() {
	prog /bin/sleep 1000
	ok --trace "$T/trace" run -d -b "$T/b" "$ID"
	ok explain --timing "$ID"
	has head "$OUT" 'process and step'
	has bar "$OUT" 'parent state-reserve'
	eq 'a bar for each' "$(($(wc -l <<<"$OUT") - 1))" "$(jq '[.traceEvents[] | select(.ph == "X")] | length' "$T/trace")"
	eq columns "$(awk 'length > 80' <<<"$OUT" | wc -l)" 0
	ok --trace "$T/exec" exec "$ID" true
	has 'of exec' "$(jq -r '[.traceEvents[].name] | join(" ")' "$T/exec")" spawn
	down
	up
	no 'was started without --trace' explain --timing "$ID"
	down
	no 'needs the id' explain --timing
	no 'does not start a process' --trace "$T/trace" list
	no 'open' --trace "$T/none/trace" run -b "$T/b" "$ID"
}

# Nobody who has not asked pays for it: not even a look at the clock, where that is a call.
t_trace_costs_nothing_else() {
	root_only "under strace newuidmap has no rights"
	prog /bin/true
	strace -f -e trace=clock_gettime,mmap -o "$T/plain" "${U[@]}" run -b "$T/b" "$ID"
	eq 'shared memory' "$(grep -c 'MAP_SHARED|MAP_ANONYMOUS' "$T/plain")" 0
}

# What a start that failed leaves to be read: the last words, beside the state directory.
t_explain_of_a_failed_start() {
	U=(env "USRUN_TEST=$ID" "XDG_RUNTIME_DIR=$T/xdg" "$USRUN")
	prog /bin/true
	cfg '.mounts += [{destination: "/x", type: "bind", source: "/none/such", options: ["rbind"]}]'
	no '/none/such' run -b "$T/b" "$ID"
	eq 'what is in the state directory' "$(ls -A "$T/xdg/usrun")" ''
	ok explain "$ID"
	has 'the error' "$OUT" $'\nerror       mounts['
	has 'the step' "$OUT" $'\nstep        mounts-open'
	has 'those before' "$OUT" $'\nbefore it   '
	no 'container does not exist' explain "$ID-other"
	cfg 'del(.mounts[-1])'
	prog /bin/none
	no 'none' run -b "$T/b" "$ID-2"
	ok explain "$ID-2"
	has 'the next' "$OUT" $'\nstep        exec'
	no 'container does not exist' explain "$ID"
	# gc leaves it for a day.
	ok gc
	[ -e "$T/xdg/usrun.failed" ] || fail 'gc has removed what may be asked for'
	touch -d '25 hours ago' "$T/xdg/usrun.failed"
	ok gc --dry-run
	has 'a day later' "$OUT" 'would remove the steps of the last failed start'
	ok gc
	has 'a day later' "$OUT" 'removed the steps of the last failed start'
	no 'container does not exist' explain "$ID-2"
	no 'none' run -b "$T/b" "$ID-2"
	# An engine that names a directory finds nothing beside it.
	no 'none' --root "$T/other" run -b "$T/b" "$ID"
	eq 'beside' "$(ls -d "$T/other"* | wc -l)" 1
	chmod 777 "$T/xdg"
	rm "$T/xdg/usrun.failed"
	R run -b "$T/b" "$ID-3"
	[ ! -e "$T/xdg/usrun.failed" ] || fail 'where others write'
	chmod 700 "$T/xdg"
}
