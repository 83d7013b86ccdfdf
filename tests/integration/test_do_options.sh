# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Options of `usrun do` that say too much, too little, or contradict each other: an error, never without effect.

options_home() {
	mkdir -p "$T/home/proj/sub"
	export HOME=$T/home
	cd "$T/home/proj" || fail "cd: $T/home/proj"
	echo text >file
}

t_do_refuses_options_without_effect() {
	options_home
	no '--layer-size: only for copies in memory' do --layer-size 1m --overlay=../layer -- true
	no '--layer-size: needs a copy, but --rootfs writes' do --layer-size 1m --rootfs "$T/b/rootfs" -- true
	no '--no-tty: not with --tty' do -t -T -- true
	no '--overlay: expected DIR, got an empty string' do --overlay= -- true # not: thrown away
	# What is not listed must not look like nothing.
	no '--changes: nothing is shown as a copy' do --changes --rw . -- true
	no '--changes: nothing is shown as a copy' do --changes -w /tmp --hide . -- true
	ok do --changes=all --rw . -- touch /tmp/x
	has 'all places have some' "$ERR" 'A /tmp/x 0'
	no '--host-loopback: only for --net=slirp4netns and --net=pasta' do --net=none --host-loopback -- true
	no '--metadata: only for --net=slirp4netns and --net=pasta' run --net=none --metadata -b "$T/b" "$ID"
	ok do --net=host --host-loopback --metadata -- true
	no '8080:80 and 127.0.0.1:8080:81 take the same port' do --net=slirp4netns -p 8080:80 -p 127.0.0.1:8080:81 -- true
	no '--cap-add ALL: CAP_SYS_ADMIN cannot be given' do --cap-add ALL -- true
	no '--rw: expected PATH, got an empty string' do --rw '' -- true
	no '--volume: expected a path, got an empty string' do -v :/tmp/x -- true
	no 'usrun: --hostname: expected at most 64 bytes' do --hostname "$(printf %065d 0)" -- true
	if [ "$(ulimit -Hn)" != unlimited ] && [ "$MODE" = rootless ]; then
		no '--ulimit: RLIMIT_NOFILE unlimited is above' do --ulimit nofile=unlimited -- true
	fi
	R do -e PATH=/none -- true
	has 'no PATH' "$ERR" 'none of the directories of PATH is there: /none'
	mkdir -m 1777 "$T/all"
	no 'is writable by others' do --overlay="$T/all" -- true
	has 'not of what is for all' "$ERR" 'hint: choose a directory of your own'
}

t_do_reads_env_files_by_line() {
	options_home
	printf '# some\n\nA=1\r\nHOME\nB=a b = c\n' >env
	ok do --env-file env -- sh -c 'echo "$A|$B"'
	eq variables "$OUT" '1|a b = c'
	printf 'h\303\251=2\n' >env
	ok do --env-file env -- env
	has 'a name of any letters' "$OUT" $'h\303\251=2'
	printf 'A=1\nexport B=2\n' >env
	no '--env-file env:2: expected NAME=VALUE or NAME, got "export B=2"' do --env-file env -- true
	printf '=1\n' >env
	no '--env-file env:1: expected' do --env-file env -- true
	printf 'A=1\0B=2\n' >env
	no '--env-file env: it is not a text' do --env-file env -- true
}

# JSON has no other texts. The error shows which.
t_do_refuses_what_is_not_utf8() {
	options_home
	mkdir $'d\377'
	no 'env: "LATIN=a?" is not valid UTF-8' do -e LATIN=$'a\377' -- true
	has hint "$ERR" 'remove a variable with env -u NAME'
	no 'd?" is not valid UTF-8' do --rw $'d\377' -- true
	has hint "$ERR" 'hint: a sandbox is described in JSON'
	no 'args: "a?" is not valid UTF-8' do -- echo $'a\377'
}

t_do_apply_says_what_it_passes_over() {
	options_home
	ok do --overlay=../layer -- sh -c 'echo new >sub/new; echo more >>file'
	ok do --apply ../layer --changes sub
	eq 'a part of the list' "$OUT" "A $PWD/sub/new 4
1 added"
	R do --apply ../layer sub nosuch
	eq status "$RC" 1
	has 'a slip' "$ERR" "not applied: $PWD/nosuch: it is neither among the changes nor here"
	eq 'the other' "$(<sub/new)" new
	ok do --apply ../layer sub
	eq 'what has been applied' "$OUT" 'nothing has changed'
	for option in --rw=. --detach --overlay=../layer --layer-size=1m --print-config; do
		no "${option%%=*}: has no effect with --apply" do --apply ../layer $option
	done
	ok do --apply ../layer file
	ok gc --layer ../layer
}

# What a config cannot say is said.
t_do_print_config_names_what_is_lost() {
	options_home
	ok do --print-config --net=slirp4netns -p 8080:80 --timeout 5 --name x -- true
	has lost "$ERR" '--publish, --timeout, --name'
	jq -e . <<<"$OUT" >/dev/null || fail 'no JSON'
	ok do --print-config --rw . -e A=1 -- true
	eq nothing "$ERR" ''
}

# As the user they are kept in any case.
t_do_keeps_groups_as_root() {
	options_home
	local option
	for option in '' --keep-groups; do
		ok do --rootfs "$T/b/rootfs" $option --print-config -- true
		eq "${option:-unasked}" "$(jq -r '.annotations["run.oci.keep_original_groups"]' <<<"$OUT")" "$([ -n "$option" ] && echo 1 || echo null)"
	done
}

says_nothing() { # a busy machine may take its second
	under_script "${U[*]} do --apply ../layer --changes"
	[[ "$OUT" != *...* ]]
}

# A person hears what takes longer than a second, and a pipe does not.
t_do_says_that_it_lists_and_applies() {
	options_home
	local slow="strace -o $T/trace -e inject=linkat:delay_enter=1500000:when=1"
	ok do --net=none --overlay=../layer -- sh -c 'echo x >new'
	strace -o "$T/trace" -e inject=getdents64:delay_enter=1500000:when=1 true 2>/dev/null || skip 'this strace delays no calls'
	# The first two list the directory of the layer itself.
	under_script "strace -o $T/trace -e inject=getdents64:delay_enter=1500000:when=3 ${U[*]} do --apply ../layer --changes"
	has listing "$OUT" 'usrun: listing the changes ...'
	has list "$OUT" "A $PWD/new 2"
	soon says_nothing || fail "what takes no time: $OUT"
	under_script "$slow ${U[*]} do --apply ../layer"
	has applying "$OUT" 'usrun: applying the changes ...'
	eq applied "$(<new)" x
	ok gc --layer ../layer
}
