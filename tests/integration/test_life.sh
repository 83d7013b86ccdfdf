# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Life of a container: run, create, start, kill, delete, state, list.

t_run_exit_0() {
	prog /bin/true
	R run -b "$T/b" "$ID"
	eq status "$RC" 0
	eq stderr "$ERR" ''
}

t_run_exit_3() {
	prog /bin/sh -c 'exit 3'
	R run -b "$T/b" "$ID"
	eq status "$RC" 3
}

t_run_exit_137() {
	# shellcheck disable=SC2016
	cfg '.linux.namespaces |= map(select(.type != "pid"))'
	# shellcheck disable=SC2016
	prog /bin/sh -c 'kill -KILL $$'
	R run -b "$T/b" "$ID"
	eq status "$RC" 137
}

t_run_killed_from_outside() {
	prog /bin/sleep 1000
	"${U[@]}" run -b "$T/b" "$ID" >/dev/null 2>&1 &
	soon is running
	ok kill "$ID" KILL
	local rc=0
	wait $! || rc=$?
	eq status "$rc" 137
}

t_run_passes_signals_on() {
	# shellcheck disable=SC2016
	prog /bin/sh -c 'trap "exit 7" TERM; echo > /tmp/ready; while :; do sleep 0.05; done'
	"${U[@]}" run -b "$T/b" "$ID" >/dev/null 2>&1 &
	soon test -e "$T/b/rootfs/tmp/ready"
	kill -TERM $!
	local rc=0
	wait $! || rc=$?
	eq status "$rc" 7
}

# It is the program's, though usrun may not have seen yet that the program runs.
t_first_act_is_a_signal() {
	local rc caller=$T/b/rootfs/tmp/caller
	cfg '.linux.namespaces |= map(select(.type != "pid"))'
	# shellcheck disable=SC2016
	local text='trap "exit 7" TERM; kill -TERM $(cat /tmp/caller); while :; do sleep 0.05; done'
	script_ "$text"
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		rc=0
		sh -c 'echo $$ >"$0"; exec "$@"' "$caller" "${U[@]}" run -b "$T/b" "$ID" >"$T/out" 2>&1 || rc=$?
		eq "run: status ($(<"$T/out"))" "$rc" 7
	done
	up '.linux.namespaces |= map(select(.type != "pid"))'
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		rc=0
		sh -c 'echo $$ >"$0"; exec "$@"' "$caller" "${U[@]}" exec "$ID" /bin/sh -c "$text" >"$T/out" 2>&1 || rc=$?
		eq "exec: status ($(<"$T/out"))" "$rc" 7
	done
	down
}

t_run_output() {
	sh_run 'echo to out; echo to err >&2'
	eq stdout "$OUT" 'to out'
	eq stderr "$ERR" 'to err'
}

t_run_stdin() {
	prog /bin/cat
	OUT=$(echo hello | "${U[@]}" run -b "$T/b" "$ID")
	eq output "$OUT" hello
}

t_run_keep() {
	prog /bin/true
	go --keep
	eq status "$(status)" stopped
	ok delete "$ID"
}

t_life() {
	prog /bin/sleep 1000
	ok create -b "$T/b" --pid-file "$T/pid" "$ID"
	local pid
	pid=$(<"$T/pid")
	eq 'bytes of the pid file' "$(stat -c %s "$T/pid")" ${#pid}
	eq status "$(status)" created
	ok state "$ID"
	eq id "$(jq -r .id <<<"$OUT")" "$ID"
	eq pid "$(jq -r .pid <<<"$OUT")" "$pid"
	eq bundle "$(jq -r .bundle <<<"$OUT")" "$T/b"
	eq ociVersion "$(jq -r '.ociVersion|type' <<<"$OUT")" string
	ok start "$ID"
	eq status "$(status)" running
	no 'cannot start an already running container' start "$ID"
	no 'that is not stopped: running' delete "$ID"
	eq 'status after refusals' "$(status)" running
	ok kill "$ID" KILL
	soon is stopped || fail "not stopped after KILL"
	ok state "$ID"
	eq 'pid of a stopped one' "$(jq -r '.pid // 0' <<<"$OUT")" 0
	no 'container not running' kill "$ID" KILL
	no 'cannot start a container that has stopped' start "$ID"
	ok delete "$ID"
	no 'does not exist' state "$ID"
	no 'does not exist' delete "$ID"
}

t_kill_signal_names() {
	local signal n=0
	cfg '.annotations["org.opencontainers.image.stopSignal"] = "KILL"' # for the engine, not for us
	# shellcheck disable=SC2016
	prog /bin/sh -c 'for s in TERM HUP USR1 INT; do trap "echo $s >> /tmp/got" $s; done
		echo > /tmp/ready; while :; do sleep 0.02; done'
	ok run -d -b "$T/b" "$ID"
	soon test -e "$T/b/rootfs/tmp/ready"
	for signal in '' HUP SIGUSR1 2; do
		n=$((n + 1))
		# shellcheck disable=SC2086
		ok kill "$ID" $signal
		soon eval '[ "$(wc -l 2>/dev/null <"$T/b/rootfs/tmp/got")" = '"$n"' ]' || fail "signal $n does not arrive"
	done
	eq got "$(tr '\n' ' ' <"$T/b/rootfs/tmp/got")" 'TERM HUP USR1 INT '
	no 'unknown signal "NOSUCH"' kill "$ID" NOSUCH
	down
}

t_kill_zero() {
	up
	ok kill "$ID" 0
	eq status "$(status)" running
	down
}

t_delete_created() {
	prog /bin/sleep 1000
	ok create -b "$T/b" "$ID"
	ok delete "$ID"
	no 'does not exist' state "$ID"
}

t_killed_while_created() {
	prog /bin/true
	ok create -b "$T/b" "$ID"
	ok kill "$ID" KILL
	soon is stopped || fail "not stopped"
	no "that has stopped: $ID: its init exited while waiting for `start`" start "$ID"
	has hint "$ERR" '`usrun kill` sent it SIGKILL'
	ok explain "$ID"
	has 'what is kept' "$OUT" 'SIGKILL'
	ok delete "$ID"
}

t_annotations_in_state() {
	cfg '.annotations = {"org.example.a": "b c"}'
	prog /bin/true
	ok create -b "$T/b" "$ID"
	ok state "$ID"
	eq annotation "$(jq -r '.annotations["org.example.a"]' <<<"$OUT")" 'b c'
	down
}

t_second_create_refused() {
	up
	no 'container with given ID already exists' create -b "$T/b" "$ID"
	eq 'status of the first' "$(status)" running
	inside /bin/echo unharmed
	eq exec "$OUT" unharmed
	no 'container with given ID already exists' run -b "$T/b" "$ID"
	eq 'status of the first' "$(status)" running
	down
}

t_two_at_once_one_wins() {
	local i won=0 pids=()
	prog /bin/sleep 1000
	for i in 1 2 3 4; do
		"${U[@]}" create -b "$T/b" "$ID" >/dev/null 2>"$T/err$i" </dev/null &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		! wait "$i" || won=$((won + 1))
	done
	eq winners $won 1
	eq status "$(status)" created
	down
}

t_delete_force() {
	ok delete --force "$ID"
	prog /bin/sleep 1000
	ok create -b "$T/b" "$ID"
	ok delete --force "$ID"
	up
	ok delete -f "$ID"
	[ ! -e "/proc/$PID" ] || grep -qs zombie "/proc/$PID/status" || fail "the process still runs"
	up
	ok kill "$ID" KILL
	soon is stopped
	ok delete --force "$ID"
}

t_delete_force_damaged_state() {
	local file n
	for n in empty garbage removed; do
		up
		for file in "$(STATE_OF)/$ID"/*; do
			[ -f "$file" ] || continue
			case $n in
			empty) : >"$file" ;;
			garbage) echo '{"id": 5, "pid": "x", [' >"$file" ;;
			removed) rm "$file" ;;
			esac
		done
		ok list
		ok delete --force "$ID"
		# What such a state no longer tells cannot be stopped; the pid is known here.
		[ ! -d "/proc/$PID" ] || kill -KILL "$PID" 2>/dev/null || true
		left=$(leaks) || fail "$n state: left behind: $left"
	done
}

# Its systemd lets nobody in, or is stopped: the unit is left, and the state, which leads to it. Without a systemd no unit is.
t_delete_force_without_an_answer() {
	local state dir="$T/xdg/manager" server
	command -v python3 >/dev/null || skip 'needs python3'
	up
	state="$(STATE_OF)/$ID/state.json"
	jq --arg dir "$dir" '.unit = "usrun-not-there.scope" | .unitManager = "user" | .unitRuntimeDir = $dir | .undo += ["cgroup-unit"]' \
		"$state" >"$T/new"
	cat "$T/new" >"$state"
	mkdir -p "$dir/systemd"
	python3 -c 'import socket, sys
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
s.listen()
while True: s.accept()[0].close()' "$dir/systemd/private" &
	server=$!
	soon test -S "$dir/systemd/private"
	chmod 777 "$dir/systemd/private" 2>/dev/null || true
	no "reach the user's systemd" delete --force "$ID"
	no "reach the user's systemd" delete --force "$ID"
	[ -e "$state" ] || fail 'the state is gone'
	kill "$server"
	wait "$server" || true
	rm -r "$dir"
	down
}

# Nobody writes to them.
t_delete_force_pipes_in_the_state() {
	local file
	up
	for file in state.json config.json init; do
		rm -f "$(STATE_OF)/$ID/$file"
		mkfifo "$(STATE_OF)/$ID/$file"
	done
	timeout 20 "${U[@]}" list >/dev/null || fail 'list waits'
	timeout 20 "${U[@]}" delete --force "$ID" || fail 'delete waits'
	[ ! -e "$(STATE_OF)/$ID" ] || fail 'the directory is still there'
	[ ! -d "/proc/$PID" ] || kill -KILL "$PID" 2>/dev/null || true
	left=$(leaks) || fail "left behind: $left"
}

t_delete_force_empty_state_dir() {
	mkdir -p "$(STATE_OF)/$ID"
	ok list
	ok delete --force "$ID"
	[ ! -e "$(STATE_OF)/$ID" ] || fail "the directory is still there"
}

t_bad_ids() {
	local id words
	prog /bin/true
	mkdir -p "$(STATE_OF)"
	for id in '' . .. a/b ../x '/x' 'a b' $'a\nb' 'é' "$(printf 'a%.0s' {1..2000})"; do
		for words in "create -b $T/b" "run -b $T/b" state start kill delete 'delete --force' exec pause resume ps update 'events --stats'; do
			# shellcheck disable=SC2086 # words
			set -- $words "$id"
			[ "$words" != exec ] || set -- "$@" /bin/true
			[ "$words" != update ] || set -- update --pids-limit 9 "$id"
			no 'ontainer ' "$@"
			has "$words '$id'" "${ERR,,}" 'container id'
		done
	done
	[ -d "$(STATE_OF)" ] || fail 'the directory of all states is gone'
}

t_good_ids() {
	local id
	prog /bin/true
	for id in "$ID.a" "$ID-b" "$ID+c" "${ID}_d" "A$ID"; do
		ok run -b "$T/b" "$id"
	done
}

# Not "ended without an error message": somebody has ended it.
t_start_of_what_is_killed_meanwhile() {
	local init starter
	prog /bin/sleep 1000
	cfg '.hooks = {startContainer: [{path: "/bin/busybox", args: ["sleep", "1000"]}]}'
	ok create -b "$T/b" "$ID"
	init=$("${U[@]}" state "$ID" | jq .pid)
	"${U[@]}" start "$ID" 2>"$T/said" &
	starter=$!
	soon grep -q . "/proc/$init/task/$init/children" # the hook
	ok kill "$ID" KILL
	! wait "$starter" || fail 'start says that the container runs'
	has words "$(<"$T/said")" "cannot start container $ID: its init was killed meanwhile"
	down
}

t_usage_errors() {
	no bogus bogus
	local command
	for command in create run state start kill delete exec pause resume ps update; do
		no 'usage' "$command"
	done
	no 'flag provided but not defined: --no-such-option' run --no-such-option "$ID"
	no 'hint: did you mean --detach?' run --detahc "$ID"
	no 'hint: usage: usrun kill [OPTION...] ID [SIGNAL]; ' kill -9 "$ID"
	no 'hint: a name such as TERM, or a number' kill "$ID" -9
	no 'hint: usage: usrun run [OPTION...] ID; the config says which program' run "$ID" sh
	no 'requires exactly 1 argument' state "$ID" surplus
	ok --help
	has help "$OUT" usage
	ok --version
	has version "$OUT" usrun
}

t_regex() {
	local n
	prog /bin/sleep 1000
	for n in a b c; do
		ok run -d -b "$T/b" "$ID-x$n"
	done
	ok kill --regex "$ID-x[ab]" KILL
	soon is_of "$ID-xa" stopped
	soon is_of "$ID-xb" stopped
	is_of "$ID-xc" running
	no 'not stopped' delete --regex "^$ID-x"
	ok list -q
	eq 'what is left' "$OUT" "$ID-xc"
	no '--regex: "(": ' delete --regex '('
	ok delete --force --regex "^$ID-x"
	ok delete --force --regex "^$ID-x"
}

t_list() {
	ok list -q
	eq 'empty list' "$OUT" ''
	ok list --format json
	eq 'empty list' "$(jq -c . <<<"$OUT")" '[]'
	up
	ok list
	has table "$(head -n 1 <<<"$OUT")" STATUS
	has table "$OUT" "$ID"
	has table "$OUT" running
	has table "$OUT" "$T/b"
	ok list -f json
	eq id "$(jq -r '.[0].id' <<<"$OUT")" "$ID"
	eq pid "$(jq -r '.[0].pid' <<<"$OUT")" "$PID"
	eq status "$(jq -r '.[0].status' <<<"$OUT")" running
	eq bundle "$(jq -r '.[0].bundle' <<<"$OUT")" "$T/b"
	ok list -q
	eq ids "$OUT" "$ID"
	no '--format: expected one of table, json' list -f xml
	down
}

t_relative_bundle_and_config() {
	prog /bin/echo one
	cp "$T/b/config.json" "$T/other.json"
	prog /bin/echo two
	(
		cd "$T/b" || exit
		ok run "$ID"
		eq 'current directory' "$OUT" two
		ok run -f ../other.json "$ID"
		eq 'other config' "$OUT" one
	)
	ok run -b b "$ID"
	eq 'relative bundle' "$OUT" two
}

# The directory of the bundle is no part of it, and what is in the state is where it was made.
t_bundles() {
	prog /bin/echo made
	mv "$T/b" "$T/moved"
	ok run -b "$T/moved" "$ID"
	eq 'after a move' "$OUT" made
	ln -s moved/rootfs "$T/link"
	cp "$T/moved/config.json" "$T/moved/rootfs"
	mv "$T/moved" "$T/b"
	local path
	for path in "$T/b/rootfs" "$T/link" ../link ./rootfs/; do
		ln -sfn b/rootfs "$T/link"
		cfg --arg p "$path" '.root.path = $p'
		go
		eq "root.path $path" "$OUT" made
	done
	jq '.root.path = "."' "$T/b/config.json" >"$T/b/rootfs/config.json"
	ok run -b "$T/b/rootfs" "$ID"
	eq 'root.path .' "$OUT" made
	cfg '.root.path = "config.json"'
	no 'config.json' create -b "$T/b" "$ID"
}

t_config_files() {
	local what
	prog /bin/true
	mv "$T/b/config.json" "$T/good.json"
	for what in nothing directory dangling unreadable; do
		case $what in
		directory) mkdir "$T/b/config.json" ;;
		dangling) ln -s nowhere "$T/b/config.json" ;;
		unreadable) [ "$MODE" = root ] || install -m 0 "$T/good.json" "$T/b/config.json" ;; # root reads it
		esac
		no config.json create -b "$T/b" "$ID"
		rm -rf "$T/b/config.json"
	done
	# The order of members means nothing.
	jq 'walk(if type == "object" then to_entries | reverse | from_entries else . end)' "$T/good.json" >"$T/b/config.json"
	go
	{ cat "$T/good.json"; echo '{}'; } >"$T/b/config.json"
	no config.json create -b "$T/b" "$ID"
}

t_state_document() {
	prog /bin/sleep 1000
	ok features
	local newest
	newest=$(jq -r .ociVersionMax <<<"$OUT")
	(cd "$T" && ok create -b b "$ID")
	(cd "$T/b" && ok create "$ID-2")
	for ID in "$ID" "$ID-2"; do
		ok state "$ID"
		jq -e --arg v "$newest" --arg id "$ID" --arg b "$T/b" '.ociVersion == $v and .id == $id and .bundle == $b and .status == "created" and
			.pid > 1 and (.annotations // {}) == {} and (has("annotations") | not or .annotations != null)' <<<"$OUT" >/dev/null ||
			fail "$ID: $OUT"
		[ -d "/proc/$(jq .pid <<<"$OUT")" ] || fail "no such process: $OUT"
		down
	done
}

t_log_of_bytes_that_are_no_text() {
	R --log "$T/log" --log-format json state "$(printf 'a\377b\303\251')"
	iconv -f UTF-8 -t UTF-8 "$T/log" >/dev/null || fail "the log is not UTF-8"
	jq -e '.msg | contains("a\ufffdb\u00e9")' "$T/log" >/dev/null || fail "not the text: $(<"$T/log")"
}

t_log_file() {
	no 'container does not exist' --log "$T/log.json" --log-format json state "$ID"
	eq level "$(jq -r .level "$T/log.json")" error
	has msg "$(jq -r .msg "$T/log.json")" 'does not exist'
	no 'container does not exist' --log "$T/log.txt" state "$ID"
	has text "$(<"$T/log.txt")" 'does not exist'
	(
		cd "$T"
		no '--log: expected FILE or file:FILE, got journald:usrun' --log journald:usrun list
		no '--log: expected FILE or file:FILE, got syslog:usrun' --log syslog:usrun list
		[ -z "$(find . -name '*:usrun')" ] || fail 'made a file of that name'
	)
}

t_warnings_in_a_log() {
	cfg '.process.capabilities.bounding += ["CAP_NO_SUCH"]'
	prog /bin/sleep 1000
	ok --log "$T/log.txt" create -b "$T/b" "$ID"
	eq 'standard error' "$ERR" ''
	eq 'warnings in the text log' "$(grep -c 'warning: .*CAP_NO_SUCH' "$T/log.txt")" 1
	down
	ok --log "$T/log.json" --log-format json create -b "$T/b" "$ID"
	eq 'JSON log' "$(<"$T/log.json")" ''
	down
	prog /bin/true
	under_script "${U[*]} --log $T/more.txt run -b $T/b $ID"
	eq 'at a terminal' "$(grep -c CAP_NO_SUCH <<<"$OUT")" 1
	eq 'in the log' "$(grep -c 'warning: .*CAP_NO_SUCH' "$T/more.txt")" 1
}

# An engine shows what conmon read, behind the runtime's name.
t_words_for_an_engine() {
	rm "$T/b/config.json"
	_OCI_SYNCPIPE=3 R --log "$T/log.json" --log-format json create -b "$T/b" "$ID"
	eq status "$RC" 1
	eq 'one line, the text alone' "$ERR" "JSON specification file $T/b/config.json not found"
	eq msg "$(jq -r .msg "$T/log.json")" "$ERR"
	no 'usrun: JSON specification file' create -b "$T/b" "$ID"
	has hint "$ERR" 'hint: `usrun spec`'
}

t_bad_configs() {
	cp "$T/b/config.json" "$T/good.json"
	prog /bin/true

	cfg '.root.path = "nothing-here"'
	no nothing-here run -b "$T/b" "$ID"
	cp "$T/good.json" "$T/b/config.json"

	printf '{\n  "ociVersion": "1.0.0",\n  "process": {"args": ["x" "y"]}\n}\n' >"$T/b/config.json"
	no 3: create -b "$T/b" "$ID"
	[[ "$ERR" =~ 3:[0-9]+ ]] || fail "no line and column in '$ERR'"
	cp "$T/good.json" "$T/b/config.json"

	cfg '.mounts += [{"destination": "/x", "type": "nosuchfs", "source": "x"}]'
	no nosuchfs create -b "$T/b" "$ID"
	cp "$T/good.json" "$T/b/config.json"

	prog /bin/nothing
	no /bin/nothing run -b "$T/b" "$ID"
	prog nothing
	no "executable file not found in \$PATH" run -b "$T/b" "$ID"
	prog /etc/passwd
	no 'ermission denied' run -b "$T/b" "$ID"
	cp "$T/good.json" "$T/b/config.json"

	cfg '.process.args = []'
	no args create -b "$T/b" "$ID"
	cp "$T/good.json" "$T/b/config.json"

	cfg '.process.cwd = "relative"'
	no cwd create -b "$T/b" "$ID"
	cp "$T/good.json" "$T/b/config.json"

	cfg '.process.rlimits = [{"type": "RLIMIT_BOGUS", "soft": 1, "hard": 1}]'
	no RLIMIT_BOGUS create -b "$T/b" "$ID"
	cp "$T/good.json" "$T/b/config.json"

	cfg '.linux.namespaces += [{"type": "bogus"}]'
	no bogus create -b "$T/b" "$ID"
	cp "$T/good.json" "$T/b/config.json"

	cfg '.linux.namespaces += [{"type": "pid"}]'
	no pid create -b "$T/b" "$ID"
	cp "$T/good.json" "$T/b/config.json"

	cfg '.hostname = "x" | .linux.namespaces |= map(select(.type != "uts"))'
	no 'hostname: needs a UTS namespace' create -b "$T/b" "$ID"

	rm "$T/b/config.json"
	no config.json create -b "$T/b" "$ID"
	no 'open the directory of the bundle' create -b "$T/nowhere" "$ID"
	left=$(leaks) || fail "left behind: $left"
}

t_config_from_stdin() {
	prog /bin/echo piped
	RC=0
	"${U[@]}" run -b "$T/b" -f /dev/stdin "$ID" <"$T/b/config.json" >"$T/out" 2>"$T/err" || RC=$?
	eq 'status (stdin is the config)' "$RC" 0
	eq output "$(<"$T/out")" piped
	OUT=$(cat "$T/b/config.json" | "${U[@]}" run -b "$T/b" -f /dev/stdin "$ID")
	eq 'output (a pipe)' "$OUT" piped
}

t_explain_and_facts() {
	prog /bin/true
	ok explain -b "$T/b"
	has explain "$OUT" namespaces
	ok facts
	jq -e type <<<"$OUT" >/dev/null || fail "facts is not JSON"
	ok features
	jq -e .ociVersionMin <<<"$OUT" >/dev/null || fail "features is not the features object"
}

# The same for everybody, and true of the versions.
t_features() {
	local version all
	ok features
	all=$OUT
	OUT=$(cd / && env -i "$USRUN" --root /nowhere features)
	eq 'without an environment' "$OUT" "$all"
	OUT=$(unshare -Urmp --fork "$USRUN" features)
	eq 'in a user namespace' "$OUT" "$all"
	[ "$MODE" = rootless ] || eq 'as nobody' "$(setpriv --reuid 65534 --regid 65534 --clear-groups "$USRUN" features)" "$all"
	eq 'lowest version' "$(jq -r '.ociVersionMin, .ociVersionMax' <<<"$all" | sort -V | head -n 1)" "$(jq -r .ociVersionMin <<<"$all")"
	prog /bin/true
	for version in $(jq -r '.ociVersionMin, .ociVersionMax' <<<"$all") 1.0.2-dev 1.3.0+dev; do
		cfg --arg v "$version" '.ociVersion = $v'
		go
	done
	cfg '.ociVersion = "2.0.0"'
	no ociVersion create -b "$T/b" "$ID"
}

# What is provably dead goes, with what it has left on the host; what runs, has stopped or cannot be read stays.
t_gc() {
	local state
	state=$(STATE_OF)
	ok gc
	eq 'nothing' "$OUT" ''
	prog /bin/sleep 1000
	ok run -d -b "$T/b" "$ID.runs"
	ok run -d -b "$T/b" "$ID.ended"
	ok kill "$ID.ended" KILL
	soon is_of "$ID.ended" stopped
	ok create -b "$T/b" "$ID.cut"
	jq '.phase = "creating"' "$state/$ID.cut/state.json" >"$T/json" && cat "$T/json" >"$state/$ID.cut/state.json"
	ok run -d -b "$T/b" "$ID.old"
	ok kill "$ID.old" KILL
	soon is_of "$ID.old" stopped
	jq '.bootId = "00000000-0000-0000-0000-000000000000"' "$state/$ID.old/state.json" >"$T/json" &&
		cat "$T/json" >"$state/$ID.old/state.json"
	mkdir -m 700 "$state/$ID.empty" "$state/$ID.torn"
	mkdir -m 755 "$state/$ID.lock" # of others
	mkdir -p "$state/$ID.ns/other" # containers of another, a level below
	echo '{}' >"$state/$ID.ns/other/state.json"
	echo '{' >"$state/$ID.torn/state.json"
	ok gc --dry-run
	has 'cut off' "$OUT" "would remove $ID.cut: its creation was cut off"
	has 'empty' "$OUT" "would remove $ID.empty: its creation was cut off"
	has 'old' "$OUT" "would remove $ID.old: the machine has booted since"
	eq 'lines' "$(wc -l <<<"$OUT")" 3
	has 'torn' "$ERR" "keeping container $ID.torn: its state is damaged"
	eq 'containers' "$(cd "$state" && echo *)" "$ID.cut $ID.empty $ID.ended $ID.lock $ID.ns $ID.old $ID.runs $ID.torn"
	ok gc
	has 'cut off' "$OUT" "removed $ID.cut: its creation was cut off"
	eq 'lines' "$(wc -l <<<"$OUT")" 3
	eq 'containers' "$(cd "$state" && echo *)" "$ID.ended $ID.lock $ID.ns $ID.runs $ID.torn"
	no 'is not the directory of a container' delete --force "$ID.ns"
	no 'is not the directory of a container' run -b "$T/b" "$ID.ns"
	[ -e "$state/$ID.ns/other/state.json" ] || fail 'containers of another are gone'
	rm -r "$state/$ID.lock" "$state/$ID.ns"
	is_of "$ID.runs" running || fail 'a running container was touched'
	ok gc
	eq 'nothing more' "$OUT" ''
	# One that is being made holds the lock of its directory.
	exec 9<"$state/$ID.ended"
	flock 9
	jq '.phase = "creating"' "$state/$ID.ended/state.json" >"$T/json" && cat "$T/json" >"$state/$ID.ended/state.json"
	ok gc
	eq 'being made' "$OUT" ''
	exec 9<&-
	for state in runs ended torn; do ok delete --force "$ID.$state"; done
}

# A sandbox that ended with its usrun has nobody who would remove it, or ask for it.
t_gc_of_killed_sandboxes() {
	local pid
	cd "$T"
	"${U[@]}" do --name "$ID" -- sleep 1000 </dev/null >/dev/null 2>&1 &
	pid=$!
	soon is running
	ok gc
	eq 'one that runs' "$OUT" ''
	kill -KILL "$pid"
	wait "$pid" 2>/dev/null || true
	soon is stopped
	# From another pid namespace no process of it would be seen, alive or not.
	cp "$(STATE_OF)/$ID/state.json" "$T/json"
	jq '.sandbox = 1' "$T/json" >"$(STATE_OF)/$ID/state.json"
	ok gc
	eq 'of another pid namespace' "$OUT" ''
	cat "$T/json" >"$(STATE_OF)/$ID/state.json"
	ok gc --dry-run
	eq 'dry run' "$OUT" "would remove $ID: it has ended with its usrun"
	ok gc
	eq gone "$OUT" "removed $ID: it has ended with its usrun"
	no 'does not exist' state "$ID"
}

# What another boot has left is perhaps what another machine runs.
t_gc_where_machines_share_the_state() {
	root_only
	local state=$T/shared/state
	command -v fuse-overlayfs >/dev/null && [ -c /dev/fuse ] || skip 'needs fuse-overlayfs and /dev/fuse'
	mkdir "$T/shared" "$T/lower" "$T/upper" "$T/work"
	fuse-overlayfs -o "lowerdir=$T/lower,upperdir=$T/upper,workdir=$T/work" "$T/shared" || skip 'fuse-overlayfs does not work here'
	prog /bin/sleep 1000
	ok --root "$state" run -d -b "$T/b" "$ID"
	jq '.bootId = "00000000-0000-0000-0000-000000000000"' "$state/$ID/state.json" >"$T/json"
	cat "$T/json" >"$state/$ID/state.json"
	ok --root "$state" gc
	eq 'none' "$OUT" ''
	has 'why' "$ERR" "keeping container $ID: the state directory may be shared with another machine"
	no 'already exists' --root "$state" run -d -b "$T/b" "$ID"
	no "cannot delete container $ID: the state directory may be shared with another machine" --root "$state" delete "$ID"
	jq '.bootId = $id' --arg id "$(</proc/sys/kernel/random/boot_id)" "$T/json" >"$state/$ID/state.json"
	ok --root "$state" delete --force "$ID"
	umount "$T/shared"
}

# What cannot be read, or was just begun, hides no other.
t_list_with_damaged() {
	prog /bin/sleep 1000
	ok run -d -b "$T/b" "$ID.runs"
	mkdir -m 700 "$(STATE_OF)/$ID.begun" "$(STATE_OF)/$ID.torn"
	echo '{' >"$(STATE_OF)/$ID.torn/state.json"
	# Of this one the state can be read, but not whether its processes are frozen.
	cp -r "$(STATE_OF)/$ID.runs" "$(STATE_OF)/$ID.lost"
	jq --arg id "$ID.lost" '.id = $id | .cgroupDriver = "v1" | .cgroupDirs = [
		{controllers: "freezer", mount: "/sys/fs/cgroup", path: ("/a" * 2500)}]' \
		"$(STATE_OF)/$ID.runs/state.json" >"$(STATE_OF)/$ID.lost/state.json"
	no 'too long' state "$ID.lost"
	ok list
	has 'another' "$(grep "$ID.runs " <<<"$OUT")" running
	has 'damaged' "$(grep "$ID.torn " <<<"$OUT")" damaged
	has 'damaged' "$(grep "$ID.lost " <<<"$OUT")" damaged
	ok list --format json
	eq 'damaged' "$(jq -r '.[] | select(.damaged) | .id' <<<"$OUT" | sort | xargs)" "$ID.lost $ID.torn"
	has 'another' "$(jq -r '.[].id' <<<"$OUT")" "$ID.runs"
	local id
	rm -r "$(STATE_OF)/$ID.lost"
	for id in runs torn begun; do ok delete --force "$ID.$id"; done
}

# A terminal would obey them. In JSON they are escaped.
t_list_hides_control_characters() {
	local bundle=$T/$'b\e[2J\nx\xc2\x9b'
	prog /bin/sh
	cp -r "$T/b" "$bundle"
	ok create -b "$bundle" "$ID"
	ok list
	has table "$OUT" "  $T/b?[2J?x??  "
	ok list --format json
	eq json "$(jq -r '.[].bundle' <<<"$OUT")" "$bundle"
	down
}

# Of many, processors tell a part each, and one tells the same.
t_list_of_many() {
	local root=$T/many format i
	mkdir -m 700 "$root"
	prog /bin/sleep 1000
	ok --root "$root" run -d -b "$T/b" "$ID"
	for ((i = 100; i < 300; i++)); do
		mkdir -m 700 "$root/$ID.$i"
		sed "s/\"id\":\"$ID\"/\"id\":\"$ID.$i\"/" "$root/$ID/state.json" >"$root/$ID.$i/state.json"
	done
	echo '{' >"$root/$ID.222/state.json"
	for format in table json; do
		ok --root "$root" list --format $format
		taskset -c "$(sed -n 's/^Cpus_allowed_list:[^0-9]*\([0-9]*\).*/\1/p' /proc/self/status)" \
			"${U[@]}" --root "$root" list --format $format >"$T/one" || fail 'list on one processor'
		eq "$format" "$OUT" "$(<"$T/one")"
		eq "$format: all" "$(grep -c "$ID\(\.[0-9]*\)\?[\" ]" "$T/one")" 201
	done
	eq 'damaged' "$(jq -r '.[] | select(.damaged) | .id' "$T/one")" "$ID.222"
	rm -r "$root/$ID."*
	ok --root "$root" list
	ok --root "$root" delete --force "$ID"
	ok --root "$root" list --format json
	eq 'none' "$OUT" '[]'
}

# Nothing but its mark leads to a group whose state is gone.
t_gc_of_groups_without_a_state() {
	local group pid
	up
	pid=$PID
	[ -n "$(cgroups)" ] || { down; skip 'containers have no cgroup of their own here'; }
	rm -r "${T:?}/kept" 2>/dev/null || true
	mv "$(STATE_OF)/$ID" "$T/kept"
	ok gc
	hasnt 'with a process in it' "$OUT" "$ID"
	has 'it is named' "$ERR" "of container $ID: its state is gone, but processes are still in it"
	kill -0 "$pid" || fail 'the container was ended'
	kill -KILL "$pid"
	group=$(cgroups | sed -n '$p')
	soon empty_group "$group"
	ok gc --dry-run
	has 'what would be done' "$OUT" "would remove the cgroup"
	has 'which' "$OUT" "$ID: the state of its container is gone"
	[ -d "$group" ] || fail 'removed by a dry run'
	ok gc
	has 'what was done' "$OUT" "$ID: the state of its container is gone"
	eq groups "$(cgroups)" ''
	eq state "$(ls -A "$(STATE_OF)")" ''
	ok gc
	hasnt 'nothing more' "$OUT" "$ID"
	rm -r "$T/kept"
}
empty_group() { [ -z "$(find "$1" -name cgroup.procs -exec cat {} +)" ]; } # DIR

# One that was killed while it tried a limit leaves a group.
t_gc_of_a_killed_doctor() {
	root_only 'groups of its own in any case'
	local pid group
	[ -w /sys/fs/cgroup ] || skip 'no cgroups'
	strace -f -qq -o "$T/trace" -e trace=rmdir,unlinkat -e inject=rmdir,unlinkat:signal=KILL:when=1 "${U[@]}" doctor >/dev/null 2>&1 &
	wait $! || true
	group=$(sed -n 's/.*[/"]\(usrun-doctor-[0-9]*\)".*/\1/p' "$T/trace" | head -n 1)
	[ -n "$group" ] || fail "no group in $(cat "$T/trace")"
	[ -n "$(find /sys/fs/cgroup -name "$group")" ] || fail "$group is gone"
	ok gc
	has 'what was done' "$OUT" "$group: the \`usrun doctor\` that made it was killed"
	eq groups "$(find /sys/fs/cgroup -name "$group")" ''
}
