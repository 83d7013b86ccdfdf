# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# The command lines of README.md and usrun(1), as they stand there.

# Those of README.md between a line that begins so and the next blank one.
readme_block() { # TEXT
	awk -v text="$1" '!on && index($0, "    " text) == 1 {on = 1} on && /^$/ {exit} on {sub(/ +# .*/, ""); sub(/^    /, ""); print}' \
		"$(dirname "$USRUN")/README.md"
}

# With an id that nobody else has, on a terminal, in a directory of $T; usrun is the function.
run_block() { # ID-OF-THE-TEXT WORDS [DIR]
	[ -n "$2" ] || fail 'the text is not there any more'
	{
		echo 'set -e'
		printf 'usrun() {'
		printf ' %q' "${U[@]}"
		echo ' "$@"; }'
		sed "s/\\b$1\\b/$ID/g" <<<"$2"
	} >"$T/block"
	under_script "cd '$T/${3:-.}' && bash '$T/block'"
	eq "exit status of '$2'" "$RC$([ "$RC" = 0 ] || echo ": $OUT")" 0
}

before_t_readme_do() { give_tun; }
after_t_readme_do() { take_tun; }
t_readme_do() {
	command -v make >/dev/null || skip 'needs make'
	mkdir -p "$T/home/proj"
	export HOME=$T/home
	printf 'check:\n\techo ran >log\n' >"$HOME/proj/Makefile"
	printf '#!/bin/sh\necho x >~/.profile; rm Makefile\n' >"$HOME/proj/install.sh"
	chmod 755 "$HOME/proj/install.sh"
	run_block none "$(readme_block 'usrun do')" home/proj
	has 'what it would have changed' "$OUT" "D $HOME/proj/Makefile"
	has 'in the home directory' "$OUT" "A $HOME/.profile 2"
	eq 'what it has changed' "$(ls -A "$HOME" "$HOME/proj" | tr '\n' ' ')$(<"$HOME/proj/log")" \
		"$HOME: proj  $HOME/proj: Makefile install.sh log ran"
}

t_readme_by_hand() {
	mkdir "$T/rest"
	mv "$T/b" "$T/rest/bundle"
	rm "$T/rest/bundle/config.json"
	run_block test "$(readme_block 'mkdir -p bundle/rootfs' | sed 's/^usrun run test$/echo "exit 0" | &/')" rest
	has explain "$OUT" 'rootfs '
	# What is typed there are the keys.
	run_block test "$(readme_block 'usrun run --detach --tty test' | sed 's/^usrun attach/printf "\\020\\021" | &/')" rest/bundle
	run_block test "$(readme_block 'rm config.json')" rest/bundle
	has 'exec' "$OUT" 'uid=0'
}

# As settings of podman's, whether it is there or not.
t_readme_podman() {
	rootless_only
	local words
	words=$(readme_block '[engine]')
	export HOME=$T/home XDG_CONFIG_HOME=$T/home/config
	mkdir -p "$XDG_CONFIG_HOME/containers"
	sed "s,/usr/local/bin/usrun,$USRUN,g" <<<"$words" >"$XDG_CONFIG_HOME/containers/containers.conf"
	R doctor --json --engines
	eq podman "$(jq -r '.checks[] | select(.id == "podman") | .result, .cause' <<<"$OUT")" \
		"ok"$'\n'"podman uses $USRUN, which this is ($XDG_CONFIG_HOME/containers/containers.conf)"
}

t_manual_by_hand() {
	local words
	words=$(sed -n '/^usrun spec --rootless --no-terminal sleep/,/^\.Ed/{/^\.Ed/d; p}' "$(dirname "$USRUN")/usrun.1")
	rm "$T/b/config.json"
	run_block web "$words" b
	has 'exec' "$OUT" 'uid=0'
	has 'ps' "$OUT" 'sleep 1000'
}
