# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# The recipes of usrun-do(1), each run as it stands there; files and programs have the names that they have in it.

RECIPES=$(sed -n '/^\.Sh EXAMPLES/,/^\.Sh SEE ALSO/{s/\\(dq/"/g; s/\\&//g; p}' "${USRUN%/*}/usrun-do.1" 2>/dev/null || true)

# The command lines below the sentence that begins so.
recipe_lines() { # WORDS
	awk -v words="$1" 'index($0, words) == 1 {on = 1} on && /^\.Dl/ {sub(/^\.Dl /, ""); print; had = 1; next}
		had && !/^\.Pp/ {exit}' <<<"$RECIPES"
}

# On a terminal, in the current directory.
recipe() { # WORDS
	[ -n "$(recipe_lines "$1")" ] || fail "usrun-do(1) has no recipe '$1'"
	recipe_block "$(recipe_lines "$1")"
}
recipe_block() { # TEXT
	{
		printf 'usrun() {'
		printf ' %q' "${U[@]}"
		echo ' "$@"; }'
		cat <<<"$1"
	} >"$T/block"
	under_script "bash -e '$T/block'"
}
worked() { eq 'the recipe' "$RC$([ "$RC" = 0 ] || echo ": $OUT")" 0; }

# A home with a secret, and a project, which is the current directory; programs in ~/.local/bin.
recipe_home() {
	mkdir -p "$T/home"/{.ssh,.local/bin,proj}
	chmod 755 "$T/home"
	echo secret >"$T/home/.ssh/id"
	export HOME=$T/home PATH=$T/home/.local/bin:$PATH
	cd "$HOME/proj" || fail "cd: $HOME/proj"
}
recipe_program() { # FILE TEXT
	printf '#!/bin/sh\n%s\n' "$2" >"$1"
	chmod 755 "$1"
}
needs_make() { command -v make >/dev/null || skip 'needs make'; }

# A recipe that nobody runs goes wrong unseen.
t_recipe_of_each_kind() {
	local sentence dir
	dir=$(dirname "${BASH_SOURCE[0]}")
	awk '/^\.Dl/ && !in_lines {print first; in_lines = 1} /^[A-Z]/ && after {first = $0; in_lines = 0} {after = /^\.(Pp|Sh)/}' \
		<<<"$RECIPES" >"$T/sentences"
	[ "$(wc -l <"$T/sentences")" -ge 12 ] || fail "too few recipes: $(<"$T/sentences")"
	while read -r sentence; do
		# shellcheck disable=SC2013
		sed -n "s/^.*recipe\(_lines\)\? '\([^']*\)'.*/\2/p" "$dir/test_recipes.sh" >"$T/run"
		while read -r words; do
			[ "${sentence#"$words"}" = "$sentence" ] || continue 2
		done <"$T/run"
		fail "no test runs the recipe '$sentence'"
	done <"$T/sentences"
}

t_recipe_build() {
	needs_make
	recipe_home
	printf 'out:\n\tcp /proc/net/route out; cat ~/.ssh/id >>out || true\n' >Makefile
	recipe 'Build with'
	worked
	eq 'what was built' "$(wc -l <out) $(stat -c %u out)" "1 $(id -u)"
}

before_t_recipe_test() { give_tun; }
after_t_recipe_test() { take_tun; }
t_recipe_test() {
	needs_make
	recipe_home
	printf 'check:\n\techo ran >>log; rm Makefile; cat log\n' >Makefile
	recipe 'Run the tests on a copy'
	worked
	has 'the tests' "$OUT" ran
	eq 'what is left behind' "$(ls -A)" Makefile
}

before_t_recipe_untrusted_script() { give_tun; }
after_t_recipe_untrusted_script() { take_tun; }
t_recipe_untrusted_script() {
	recipe_home
	echo config >setup.cfg
	# shellcheck disable=SC2016
	recipe_program install.sh 'cat ~/.ssh/id; rm setup.cfg; mkdir -p ~/.config; echo x >~/.config/own; echo "PATH=$PATH:~/bin" >>~/.profile'
	recipe 'Run an untrusted script'
	worked
	hasnt 'of the home directory' "$OUT" secret
	has 'the list' "$OUT" "D $PWD/setup.cfg"
	has 'the list' "$OUT" "A $HOME/.config/own 2"
	has 'the list' "$OUT" "A $HOME/.profile "
	eq 'what it has changed' "$(ls -A ~)$(ls -A)" $'.local\n.ssh\nprojinstall.sh\nsetup.cfg'
}

before_t_recipe_agent() { give_tun; }
after_t_recipe_agent() { take_tun; }
t_recipe_agent() {
	recipe_home
	mkdir -p .git/hooks
	echo 'password=1' >.env
	# shellcheck disable=SC2016
	recipe_program ~/.local/bin/agent 'echo "key $AGENT_API_KEY other $OTHER_KEY"; cat .env ~/.ssh/id; echo work >work
		echo evil >.git/hooks/pre-commit; cat ~/.local/bin/agent >/dev/null && echo done'
	AGENT_API_KEY=mine OTHER_KEY=not recipe 'Let a coding agent'
	worked
	has variables "$OUT" 'key mine other '
	has 'it runs' "$OUT" done
	hasnt 'another variable' "$OUT" 'other not'
	hasnt 'what is hidden' "$OUT" password=
	hasnt 'of the home directory' "$OUT" secret
	eq 'what it has done' "$(<work)$(ls -A .git/hooks)" work
}

before_t_recipe_server() { give_tun; }
after_t_recipe_server() { take_tun; }
t_recipe_server() {
	slirp
	command -v python3 >/dev/null || skip 'needs python3'
	recipe_home
	local pid line
	echo hello >file
	line=$(recipe_lines 'Run a server')
	for _ in 1 2 3 4 5; do # another may take the number meanwhile
		PORT=$(free_port)
		bash -c "exec ${U[*]} ${line/#usrun do -p 127.0.0.1:8080:/do --name $ID -p 127.0.0.1:$PORT:}" >"$T/out" 2>&1 </dev/null &
		pid=$!
		soon is_over_or_served $pid || fail "$(<"$T/out")"
		! kill -0 $pid 2>/dev/null || break
	done
	is_served || fail "$(<"$T/out")"
	kill $pid
	wait $pid || true
	soon no_helpers || fail 'a helper outlives its sandbox'
	eq 'what is left of it' "$("${U[@]}" list -q)" ''
}

before_t_recipe_other_tree() { give_tun; }
after_t_recipe_other_tree() { take_tun; }
t_recipe_other_tree() {
	recipe_home
	mv "$T/b/rootfs" trixie
	mkdir trixie/mnt trixie/run
	echo 'of this directory' >README
	find trixie | sort >"$T/before"
	recipe 'Run another distribution'
	worked
	has 'its output' "$OUT" 'of this directory'
	find trixie | sort | cmp - "$T/before" || fail 'the tree has changed'
	mv trixie "$T/b/rootfs"
}

before_t_recipe_package() { give_fuse; }
after_t_recipe_package() { take_fuse; }
t_recipe_package() {
	[ -z "${OWN:-}" ] || [ -w /dev/fuse ] || skip 'needs root to prepare it'
	needs_fuse
	command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || skip 'needs apt and dpkg'
	recipe_home
	mkdir -p "$T/deb/DEBIAN" "$T/deb/usr/bin"
	printf 'Package: it-tool\nVersion: 1\nArchitecture: all\nMaintainer: nobody <n@example.com>\nDescription: a test\n' >"$T/deb/DEBIAN/control"
	recipe_program "$T/deb/usr/bin/tool" 'echo "installed for $(id -un)"'
	dpkg-deb --root-owner-group -b "$T/deb" tool.deb >/dev/null
	recipe 'Install and try a package'
	worked
	has 'its output' "$OUT" 'installed for root'
	[ ! -e /usr/bin/tool ] || fail 'it is installed here'
}

before_t_recipe_keep() { give_tun; }
after_t_recipe_keep() { take_tun; }
t_recipe_keep() {
	recipe_home
	mkdir src
	echo old | tee README src/a >other
	recipe_program untrusted 'echo new | tee README src/a src/b >other; rm untrusted'
	recipe 'Keep a program'
	worked
	has 'the list' "$OUT" "M $PWD/other 4 -> 4"
	eq 'taken over' "$(cat README src/a src/b other | tr '\n' ' ')$(ls -A .. | tr '\n' ' ')" \
		'new new new old .local .ssh proj '
}

# Where there are no limits to be had, the line that says what to do.
before_t_recipe_limits() { give_tun; }
after_t_recipe_limits() { take_tun; }
t_recipe_limits() {
	recipe_home
	# shellcheck disable=SC2016
	recipe_program untrusted 'sleep 1000 & i=0; while [ $i -lt 120 ]; do sleep 30 & i=$((i + 1)); done; echo all of them'
	recipe 'Give a program'
	hasnt 'a hundred processes' "$OUT" 'all of them'
	[ "$RC" != 125 ] || { has 'what to do' "$OUT" hint: && skip "no limits here: $(tr '\n' ' ' <<<"$OUT")"; }
	has 'the limit' "$OUT" fork
}

t_recipe_file_of_strangers() {
	recipe_home
	echo paper >paper.pdf
	recipe_program ~/.local/bin/pdftotext 'cat "$1"; echo "routes: $(wc -l </proc/net/route)"; (echo x >evil) 2>/dev/null && echo written; true'
	recipe 'Open a stranger'
	worked
	has 'its output' "$OUT" paper
	has 'the network' "$OUT" 'routes: 1'
	hasnt 'the directory' "$OUT" written
	eq 'what is here' "$(ls -A)" paper.pdf
}

t_recipe_proxy() {
	command -v python3 >/dev/null || skip 'needs python3'
	recipe_home
	sed -n '/^import asyncio/,/^asyncio.run/{s/\\er/\\r/g; s/\\en/\\n/g; p}' "${USRUN%/*}/usrun-run.1" >allow.py
	cat >~/.local/bin/pip <<-'P'
		#!/usr/bin/env python3
		import os, socket, sys
		host, port = os.environ["HTTPS_PROXY"].removeprefix("http://").split(":")
		for name in "pypi.org:22", "example.org:443":
		    s = socket.create_connection((host, int(port)), 20)
		    s.sendall(b"CONNECT %s HTTP/1.1\r\n\r\n" % name.encode())
		    print(name, s.makefile().readline())
		try:
		    socket.create_connection(("192.0.2.1", 443), 20)
		except OSError as e:
		    print(e, sys.argv[1:])
	P
	chmod 755 ~/.local/bin/pip
	recipe 'Let a program reach'
	worked
	eq 'other names and ports' "$(grep -c '403 Forbidden' <<<"$OUT")" 2
	has 'no other way' "$OUT" "Network is unreachable ['download', 'wheel']"
}

before_t_recipe_agent_socket() { give_tun; }
after_t_recipe_agent_socket() { take_tun; }
t_recipe_agent_socket() {
	command -v ssh-agent >/dev/null && command -v ssh-keygen >/dev/null || skip 'needs ssh-agent and ssh-keygen'
	recipe_home
	local pid
	ssh-keygen -q -t ed25519 -N '' -C the-key -f ~/.ssh/key
	ssh-agent -D -a "$T/agent.sock" >/dev/null &
	pid=$!
	# shellcheck disable=SC2064
	trap "kill $pid" EXIT
	export SSH_AUTH_SOCK=$T/agent.sock
	soon accepts "$SSH_AUTH_SOCK" || fail 'no agent'
	ssh-add -q ~/.ssh/key
	recipe 'Use the keys'
	worked
	has 'the key' "$OUT" the-key
}

t_recipe_window() {
	command -v python3 >/dev/null || skip 'needs python3'
	recipe_home
	mkdir -m 700 "$T/session"
	export XDG_RUNTIME_DIR=$T/session WAYLAND_DISPLAY=wayland-0
	python3 -c 'import socket, sys
s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen()
c, _ = s.accept(); c.sendall(b"a window\n")' "$T/session/wayland-0" &
	# shellcheck disable=SC2064
	trap "kill $! 2>/dev/null || true" EXIT
	soon accepts "$T/session/wayland-0" || fail 'no desktop'
	touch photo.jpg "$T/session/other"
	cat >~/.local/bin/viewer <<-'P'
		#!/usr/bin/env python3
		import os, socket, sys
		s = socket.socket(socket.AF_UNIX)
		s.connect(os.environ["WAYLAND_DISPLAY"])
		print(s.makefile().readline(), sys.argv[1:], os.path.exists(os.environ["WAYLAND_DISPLAY"][:-9] + "other"))
	P
	chmod 755 ~/.local/bin/viewer
	recipe 'Open a window'
	worked
	has 'the window' "$OUT" $'a window\n'
	has 'nothing else' "$OUT" "['photo.jpg'] False"
}

before_t_recipe_data() { give_tun; }
after_t_recipe_data() { take_tun; }
t_recipe_data() {
	recipe_home
	mkdir -p ~/data/{open,private}
	touch ~/data/open/seen ~/data/private/unseen
	recipe 'Look at data'
	worked
	has 'what is shown' "$OUT" seen
	hasnt 'what is hidden' "$OUT" unseen
}
