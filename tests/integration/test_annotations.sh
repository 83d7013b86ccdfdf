# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Annotations that change what usrun does, and what is handed over by descriptor.

t_hook_output_files() {
	local point
	for point in prestart createRuntime createContainer startContainer poststart poststop; do
		cfg --arg p "$point" '.hooks[$p] = [{path: "/bin/sh", args: ["sh", "-c", "echo out-\($p); echo err-\($p) >&2"]}]'
	done
	cfg --arg t "$T" '.annotations += {"run.oci.hooks.stdout": ($t + "/hooks.out"), "run.oci.hooks.stderr": ($t + "/hooks.err")}'
	echo before >"$T/hooks.out"
	prog /bin/true
	ok create -b "$T/b" "$ID"
	ok start "$ID"
	soon is stopped
	ok delete "$ID"
	eq stdout "$(tr '\n' ' ' <"$T/hooks.out")" \
		'before out-prestart out-createRuntime out-createContainer out-startContainer out-poststart out-poststop '
	eq stderr "$(tr '\n' ' ' <"$T/hooks.err")" \
		'err-prestart err-createRuntime err-createContainer err-startContainer err-poststart err-poststop '
	cfg '.annotations["run.oci.hooks.stdout"] = "relative"'
	no 'annotations["run.oci.hooks.stdout"]: expected an absolute path' create -b "$T/b" "$ID"
	cfg '.annotations["run.oci.hooks.stdout"] = "/no/such/dir/file"'
	no 'open /no/such/dir/file for the output of hooks' create -b "$T/b" "$ID"
}

# Without the annotations what hooks write is shown only when one fails, and never on the caller's streams.
t_hook_output_is_captured() {
	cfg '.hooks.createRuntime = [{path: "/bin/sh", args: ["sh", "-c", "echo to-stdout; echo to-stderr >&2"]}]'
	prog /bin/true
	go
	eq output "$OUT$ERR" ''
	cfg '.hooks.createRuntime[0].args[2] += "; exit 3"'
	no 'error running createRuntime hook #0 (/bin/sh): exit status 3, output:' create -b "$T/b" "$ID"
	has stdout "$ERR" to-stdout
	has stderr "$ERR" to-stderr
}

t_keep_original_groups() {
	root_only 'the groups of a user are not mapped'
	prog /bin/id -G
	cfg '.annotations["run.oci.keep_original_groups"] = "1" | .process.user.additionalGids = [7]'
	U=(setpriv --groups "0,1234" "${U[@]}")
	go
	eq groups "$OUT" '0 1234'
	cfg '.annotations["run.oci.keep_original_groups"] = "0"'
	go
	eq groups "$OUT" '0 7'
}

t_unknown_annotations() {
	cfg '.annotations += {"run.oci.no_such": "1", "org.example.own": "", "org.opencontainers.image.stopSignal": "TERM"}'
	up
	ok explain "$ID"
	has fallback "$OUT" 'annotations["run.oci.no_such"]: unknown, and ignored'
	hasnt fallback "$OUT" org.example.own
	ok state "$ID"
	eq 'in the state' "$(jq -r '.annotations | keys | join(" ")' <<<"$OUT")" \
		'org.example.own org.opencontainers.image.stopSignal run.oci.no_such'
	down
	cfg '.annotations = {"run.oci.handler": "wasm"}'
	USRUN_HANDLERS=/nowhere no 'unknown handler "wasm"' create -b "$T/b" "$ID"
}

# Receives a descriptor of a process on a socket, and says which process that is.
receive_pidfd() { # SOCKET
	[ -x /usr/bin/python3 ] || skip 'needs /usr/bin/python3'
	cat >"$T/receive.py" <<-'END'
		import array, socket, sys
		s = socket.socket(socket.AF_UNIX)
		s.bind(sys.argv[1])
		s.listen()
		print("ready", flush=True)
		c, _ = s.accept()
		data, control, _, _ = c.recvmsg(4096, 1024)
		fds = array.array("i")
		fds.frombytes(control[0][2])
		pid = [l.split()[1] for l in open(f"/proc/self/fdinfo/{fds[0]}") if l.startswith("Pid:")][0]
		print(data.decode(), len(control), len(fds), pid, len(c.recv(10)), flush=True)
	END
	rm -f "$1" "$T/received"
	timeout 120 /usr/bin/python3 "$T/receive.py" "$1" >"$T/received" 2>&1 &
	soon grep -q ready "$T/received"
}

t_pidfd_socket() {
	prog /bin/sleep 1000
	receive_pidfd "$T/s"
	ok create -b "$T/b" --pidfd-socket "$T/s" --pid-file "$T/pid" "$ID"
	wait
	eq create "$(tail -n 1 "$T/received")" "standard 1 1 $(<"$T/pid") 0"
	ok start "$ID"
	receive_pidfd "$T/s"
	ok exec --detach --pidfd-socket "$T/s" --pid-file "$T/exec.pid" "$ID" /bin/sleep 1000
	wait
	eq exec "$(tail -n 1 "$T/received")" "setns 1 1 $(<"$T/exec.pid") 0"
	down
	receive_pidfd "$T/s"
	cfg --arg s "$T/s" '.annotations["run.oci.pidfd_receiver"] = $s'
	ok run --detach -b "$T/b" --pid-file "$T/pid" "$ID"
	wait
	eq annotation "$(tail -n 1 "$T/received")" "standard 1 1 $(<"$T/pid") 0"
	down
	no "$T/s" create -b "$T/b" "$ID"
	cfg 'del(.annotations)'
	no '--pidfd-socket: send a pidfd to the socket /no/such' create -b "$T/b" --pidfd-socket /no/such "$ID"
}

t_socket_activation() {
	script_ 'echo "$LISTEN_FDS $LISTEN_PID $LISTEN_FDNAMES"; cat <&3; cat <&4'
	cat >"$T/activate" <<-'END'
		#!/bin/sh
		export LISTEN_PID=$$ LISTEN_FDS=2 LISTEN_FDNAMES=one:two
		exec "$@" 3<"$T/three" 4<"$T/four"
	END
	chmod 755 "$T/activate"
	echo third >"$T/three"
	echo fourth >"$T/four"
	export T
	U=("$T/activate" env "USRUN_TEST=$ID" "${U[@]:2}")
	go
	eq activated "$(tr '\n' ' ' <<<"$OUT")" '2 1 one:two third fourth '
	# Meant for somebody else; and the engine has counted them already.
	script_ 'echo "[$LISTEN_FDS]"; [ ! -e /proc/self/fd/3 ] || echo there'
	sed -i 's/LISTEN_PID=../LISTEN_PID=1/' "$T/activate"
	go
	eq 'for another' "$OUT" '[]'
	sed -i 's/LISTEN_PID=1 //' "$T/activate"
	go
	eq 'for nobody named' "$OUT" '[]'
	ok create -b "$T/b" "$ID"
	ok explain "$ID"
	has 'what was said' "$OUT" 'LISTEN_FDS is ignored'
	down
	sed -i 's/LISTEN_FDS/LISTEN_PID=$$ LISTEN_FDS/' "$T/activate"
	cfg '.process.env += ["LISTEN_FDS=9"]'
	go
	eq 'of the engine' "$OUT" '[9]'
	go --preserve-fds 2
	eq 'preserved' "$(tr '\n' ' ' <<<"$OUT")" '[9] there '
}
