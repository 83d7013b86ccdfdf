# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What is written in copies: listed, kept, applied and removed.

# A home with a project in it, which is the current directory.
layer_home() {
	mkdir -p "$T/home/proj"/{d,e,.git}
	chmod 755 "$T/home"
	export HOME=$T/home
	cd "$HOME/proj" || fail "cd: $HOME/proj"
	for name in a b c k t d/x e/y; do
		echo "$name" >$name
	done
	ln -s a l
}

# Every kind of change that a program can make.
CHANGES='echo new >n; echo longer >b; : >>a; rm c; rm -r d; mkdir d; echo z >d/z; rm t; ln -s b t; chmod 600 k
	mkdir -p p/q; echo w >p/q/w; mkfifo ff; rm l; mkdir l; rm -r e; mkdir shut; echo s >shut/s; chmod 0 shut
	echo home >~/inhome; echo tmp >/tmp/intmp; echo x >"$(printf "a\033]0;b\134\202\n c")"'

layer_listed() {
	cat <<END
A $PWD/a\\033]0;b\\134\\202\\012 c 2
M $PWD/b 2 -> 7
D $PWD/c
D $PWD/d/x
A $PWD/d/z 2
D $PWD/e/
A $PWD/ff (fifo)
m $PWD/k 644 -> 600
T $PWD/l/ link -> directory
A $PWD/n 4
A $PWD/p/
A $PWD/p/q/
A $PWD/p/q/w 2
A $PWD/shut/
A $PWD/shut/s 2
T $PWD/t file -> link
9 added, 1 modified, 3 deleted, 2 of another type, 1 mode or time
END
}

t_layer_changes_are_listed() {
	layer_home
	umask 022
	find . | sort >"$T/before"
	ok do --changes -- sh -c "$CHANGES"
	eq 'the list' "$ERR" "$(layer_listed)"
	eq 'standard output' "$OUT" ''
	find . | sort | cmp - "$T/before" || fail 'the directory has changed'
	ok do --changes -- true
	eq 'nothing' "$ERR" 'nothing has changed'
	# The list comes however the program ends.
	R do --changes -- sh -c 'echo x >a; exit 3'
	eq 'exit status' "$RC" 3
	has 'with a failure' "$ERR" "M $PWD/a 2 -> 2"
	ok do --changes=all -- sh -c "$CHANGES"
	has all "$ERR" "A $HOME/inhome 5
A $PWD/a"
	has all "$ERR" 'A /tmp/intmp 4'
	hasnt 'mount points' "$ERR" "A $PWD/"$'\n'
	ok do --changes=json -- sh -c 'rm c; echo longer >b; mkdir -m 700 n'
	eq json "$(jq -c '.changes[] | [.change, .path, .now.type, .now.mode, .was.size, .now.size]' <<<"$ERR")" \
		"[\"modified\",\"$PWD/b\",\"file\",\"0644\",2,7]
[\"deleted\",\"$PWD/c\",null,null,2,null]
[\"added\",\"$PWD/n\",\"directory\",\"0700\",null,$(jq '.changes[2].now.size' <<<"$ERR")]"
	no '--changes: expected one of all, json' do --changes=some -- true
	# In the home directory as well, where it is a copy.
	ok do --home=scratch --changes -- sh -c 'echo x >>~/.profile; rm ~/proj/a'
	eq 'home as a copy' "$ERR" "A $HOME/.profile 2
D $PWD/a
1 added, 1 deleted"
	[ ! -e ~/.profile ] || fail 'the home directory has changed'
	ok do --layer-size 1m --changes -- sh -c 'dd if=/dev/zero of=big bs=64k count=64 2>/dev/null; true'
	has 'a full layer' "$ERR" 'the layer in memory is full (1 MiB)'
}

# The recipe of usrun-do(1).
t_layer_is_kept_and_applied() {
	layer_home
	umask 022
	ok do --overlay=../tried -- sh -c "$CHANGES"
	ok do --overlay=../tried --changes -- sh -c 'cat n ~/inhome; ls -d /tmp/intmp 2>/dev/null || true'
	eq 'the next run' "$OUT" $'new\nhome'
	eq 'its list' "$ERR" "$(layer_listed)"
	ok do --apply ../tried --changes
	eq 'the list alone' "$OUT" "$(layer_listed)"
	chmod 700 ../tried/*/upper/shut
	# A part, then the rest; not what was changed here meanwhile, unless it is named.
	ok do --apply ../tried b "$PWD/p/q"
	eq 'a part' "$OUT" "M $PWD/b 2 -> 7
A $PWD/p/
A $PWD/p/q/
A $PWD/p/q/w 2
3 added, 1 modified"
	eq 'applied' "$(<b) $(<p/q/w) $(<c)" 'longer w c'
	echo mine >>k
	R do --apply ../tried
	eq 'something is left' "$RC" 1
	has 'changed here' "$ERR" "not applied: $PWD/k: it was changed here since"
	eq 'the rest' "$(ls -A | tr '\n' ' ')$(readlink t) $(<shut/s) $(<d/z) $(stat -c %F l ff | tr '\n' ' ')" \
		$'.git a a\033]0;b\\\202  c b d ff k l n p shut t b s z directory fifo '
	eq 'not taken over' "$(tail -n 1 k)" mine
	ok do --apply ../tried k
	eq 'named' "$(stat -c %a k) $(<k)" '600 k'
	ok do --apply ../tried
	eq 'all is done' "$OUT" 'nothing has changed'
	ok gc --dry-run --layer ../tried
	has 'dry run' "$OUT" 'would remove ../tried'
	ok gc --layer ../tried
	[ ! -e ../tried ] || fail 'the layer is still there'
	no 'open the layer ../tried' do --apply ../tried
}

# What other programs run later is applied by its name alone, at any depth; without setuid bits.
t_layer_guards_what_others_run() {
	layer_home
	ok do --overlay=../tried -- sh -c 'mkdir -p .git/hooks sub/.vscode .git/modules/k/hooks evil/hooks; echo evil >.git/hooks/pre-commit
		echo x >sub/.vscode/tasks; echo x >.envrc; cp /bin/true s; mkdir -p .Git/hooks; echo evil >.Git/hooks/pre-commit; chmod 6755 s; echo x >work
		ln -s ../evil sub/.git; echo x >.git/modules/k/hooks/post-merge; ln -s ../../evil .git/modules/l; ln -s evil .agents'
	R do --apply ../tried
	eq status "$RC" 1
	eq left "$(sed -n "s,^.*not applied: $PWD/\(.*\): other programs would run it later.*,\1,p" <<<"$ERR" | tr '\n' ' ')" \
		'.Git/hooks .agents .envrc .git/hooks .git/modules/k/hooks .git/modules/l sub/.git sub/.vscode '
	eq applied "$(find . -newer e/y -type f ! -path './[abckt]' | sort | tr '\n' ' ')" "$(printf './s ./work ')"
	eq setuid "$(stat -c %a s)" 755
	ok do --apply ../tried .envrc .git/hooks
	eq named "$(<.envrc) $(<.git/hooks/pre-commit)" 'x evil'
	ok gc --layer ../tried
	cd .git || fail cd
	ok do --overlay=../../tried -- sh -c 'echo x >hooks/post-merge; echo x >HEAD'
	R do --apply ../../tried
	eq 'of git itself' "$RC $OUT" "1 A $PWD/HEAD 2"$'\n1 added'
	ok gc --layer ../../tried
}

# A list that cannot be told is no empty list.
t_changes_that_cannot_be_told() {
	local status=0
	ok do --net=none --changes -- touch x
	has 'told' "$ERR" 'x'
	"${U[@]}" do --net=none --changes -- touch x 2>/dev/full || status=$?
	eq 'status' $status 125
}

t_layer_that_cannot_be_written() {
	rootless_only 'root writes everywhere'
	layer_home
	mkdir -m 500 ../tried
	no '/tried: create a file for layer.json: permission denied' do --overlay=../tried -- true
}

# With a layer.json that was cut off nobody knows what is the layer's; what is said then removes it, work/work (mode 0) too.
t_layer_that_is_damaged() {
	local hint
	layer_home
	ok do --overlay=../tried -- sh -c 'mkdir shut; echo s >shut/s; chmod 0 shut'
	truncate -s 20 ../tried/layer.json
	mkdir '../of mine'
	cp ../tried/layer.json '../of mine/'
	no 'usrun gc --layer' do --overlay=../tried -- true
	hasnt 'what nobody can do' "$ERR" 'write it again'
	no 'rm -rf DIR' gc --layer '../of mine'
	no 'the layer ../tried: layer.json:' gc --layer ../tried
	hint=$(sed -n 's/^hint: to remove all of it: //p' <<<"$ERR")
	has 'what to do' "$hint" 'rm -rf ../tried'
	if [ "$MODE" = root ] || unshare --map-root-user --map-auto true 2>/dev/null; then
		$hint || fail "the hint: $hint"
		[ ! -e ../tried ] || fail 'the layer is still there'
	fi
}

# What an earlier call has put here was changed by nobody else, and what somebody changes then was.
t_layer_knows_what_it_has_applied() {
	layer_home
	mkdir other
	ok do --net=none --overlay=../tried -- sh -c 'echo more >>b; mkdir nd; echo x >nd/f; echo x >other/f; ln -s b other/l'
	ok do --apply ../tried b nd other
	ok do --net=none --overlay=../tried -- sh -c 'echo again >>b; rm -r nd; rm -r other; echo left >c'
	ok do --apply ../tried b
	ok do --apply ../tried
	eq 'all of it' "$(grep -c more b) $(tail -n 1 b) $(<c) $(ls -d nd other 2>/dev/null)" '1 again left '
	ok do --net=none --overlay=../tried -- sh -c 'echo more >>b; mkdir nd; echo x >nd/f'
	ok do --apply ../tried b nd
	ok do --net=none --overlay=../tried -- sh -c 'echo more >>b; rm -r nd'
	echo mine >>b
	echo mine >nd/mine
	R do --apply ../tried
	eq status "$RC" 1
	has 'a file' "$ERR" "not applied: $PWD/b: it was changed here since"
	has 'in a directory' "$ERR" "not applied: $PWD/nd: it was changed here since"
	eq 'not taken over' "$(tail -n 1 b) $(<nd/mine)" 'mine mine'
	ok gc --layer ../tried
	[ ! -e ../tried ] || fail 'the layer is still there'
}

# Killed while a file is copied, and while the copy takes its name.
t_layer_apply_is_killed() {
	layer_home
	local call
	strace -o "$T/trace" -e inject=utimensat:signal=KILL:when=1 true 2>/dev/null || skip 'needs strace'
	for call in fchmod:0 utimensat:1; do
		ok do --net=none --overlay=../tried -- sh -c 'echo more >>b; ln -s b new; mkfifo ff2'
		RC=0
		strace -o "$T/trace" -e inject="${call%:*}":signal=KILL:when=1 "${U[@]}" do --apply ../tried 2>/dev/null || RC=$?
		eq "$call" "$RC" 137
		eq 'a whole file' "$(wc -l <b)" 1
		! grep -q 'O_TMPFILE.*= -1' "$T/trace" || call=${call%:*}:1 # this file system lacks it
		[ "$(ls -A | grep -c usrun-apply)" -le "${call#*:}" ] || fail "$call: $(ls -A)"
		ok do --apply ../tried
		eq 'nothing of it' "$(ls -A | grep usrun-apply) $(tail -n 1 b) $(readlink new)" ' more b'
		ok gc --layer ../tried
		rm new ff2
		echo b >b
	done
}

# What cannot be read is not taken for what is not there: nothing is left out in silence.
t_layer_apply_meets_an_error() {
	layer_home
	local fault n=0
	strace -o "$T/trace" -e inject=utimensat:error=EIO:when=1 true 2>/dev/null || skip 'needs strace'
	for fault in '-e inject=fgetxattr:error=ENOMEM' '-P b -e inject=newfstatat:error=EIO:when=1' '-P b -e inject=newfstatat:error=EIO:when=2'; do
		ok do --net=none --overlay=../tried -- sh -c 'rm b; rm -r e; mkdir e; echo new >e/new'
		RC=0
		# shellcheck disable=SC2086 # options
		strace -o "$T/trace" $fault "${U[@]}" do --apply ../tried >/dev/null 2>"$T/err" || RC=$?
		if grep -q INJECTED "$T/trace"; then
			n=$((n + 1))
			has "error, $fault" "$(<"$T/err")" 'read the changes to'
			ok do --apply ../tried
		fi
		eq "applied, $fault" "$(ls b 2>/dev/null)$(ls e)" new
		ok gc --layer ../tried
		rm -r e
		mkdir e
		echo y >e/y
		echo b >b
	done
	[ $n -ge 2 ] || fail 'no error was met'
}

# Who could use a layer beside another, or see it inside, or put links where it is applied.
t_layer_in_hostile_hands() {
	layer_home
	umask 022
	mkdir ../secret ../other ../other/x
	echo 1 >../secret/x
	ok do --overlay=../tried -- sh -c 'echo evil >d/x; mkdir d/new; rm e/y; chmod 700 d'
	# A link that has come since is changed here, and what was in the directory stays out of it.
	for name in d e; do
		mv $name $name.2
		ln -s ../secret $name
	done
	echo 2 >../secret/y
	no "apply the change of $PWD/d/new" do --apply ../tried
	eq 'through a link' "$(cat ../secret/*)$(ls ../secret)$(stat -c %a ../secret)" $'1\n2x\ny755'
	ok do --apply ../tried d e
	eq 'in its place' "$(<d/x) $(stat -c %F d e | tr '\n' ' ')$(cat ../secret/*)" $'evil directory directory 1\n2'
	# In use.
	"${U[@]}" do --overlay=../tried -- sh -c 'echo up >/proc/self/fd/1; exec sleep 1000' >"$T/said" 2>&1 &
	soon grep -q up "$T/said" || fail "it does not start: $(<"$T/said")"
	no 'is in use by another sandbox' do --overlay=../tried -- true
	no 'is in use by another sandbox' do --apply ../tried
	no 'is in use by another sandbox' gc --layer ../tried
	kill $!
	wait $! 2>/dev/null || true
	# Another directory of the same path, and places that nobody may choose.
	mv ../proj ../proj2
	mkdir ../proj
	cd ../proj || fail cd
	no 'is not the directory that the layer was created for' do --overlay=../tried -- true
	no 'is not the directory that the layer was created for' do --apply ../tried
	cd ../proj2 || fail cd
	no 'must be neither inside' do --overlay=lay -- true
	no 'must be neither inside' do --overlay=. -- true
	no 'it would be writable inside, because of --rw' do --rw . --scratch d --overlay=lay -- true
	[ ! -e lay ] || fail 'a layer was made where none may be'
	no 'contains other files and is not a layer' do --overlay=../other -- true
	no 'is not a layer' do --apply ../other
	no '/tmp is not a layer' do --apply /tmp
	no 'is not a layer' gc --layer ../other
	[ -d ../other/x ] || fail 'what is no layer was removed'
	no 'nothing to keep' do --rw . --home=ro --overlay=../new -- true
	mkdir -m 777 ../open
	chmod 777 ../open
	no 'is writable by others' do --overlay=../open -- true
	ok gc --layer ../tried
	if command -v python3 >/dev/null; then # to make a socket
		ok do --overlay=../tried -- python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("a.sock"); open("z", "w")'
		R do --apply ../tried
		eq 'beside a socket' "$RC $OUT" "1 A $PWD/z 0"$'\n1 added'
		has socket "$ERR" "not applied: $PWD/a.sock: sockets and devices are not made"
		ok gc --layer ../tried
	fi
	# A name that a file has while it is being written keeps nothing of the others, and the umask no bits.
	ok do --overlay=../tried -- sh -c 'mkdir .usrun-apply; echo x >.usrun-apply/.usrun-apply; mkfifo -m 666 open; echo y >zz'
	ok do --apply ../tried
	eq 'its name' "$(<.usrun-apply/.usrun-apply) $(<zz) $(stat -c %a open)" 'x y 666'
	ok gc --layer ../tried
	# Of any size, with next to nothing in it.
	ok do --overlay=../tried -- sh -c 'truncate -s 64M hole; echo end >>hole; truncate -s 65M hole'
	ok do --apply ../tried
	eq contents "$(tr -d '\0' <hole) $(stat -c %s hole)" "end $((65 << 20))"
	[ "$(stat -c %b hole)" -lt 1000 ] || fail 'holes were filled'
	ok gc --layer ../tried
	# Deep, shut and full of the kernel's own.
	ok do --overlay=../tried -- sh -c 'deep=$(printf "d/%.0s" $(seq 300)); mkdir -p "$deep"; touch "$deep/x"; chmod 0 "$deep"'
	no 'read the changes to' do --apply ../tried
	ok gc --layer ../tried
	[ ! -e ../tried ] || fail 'a deep layer is not removed'
	[ "$MODE" = root ] || return 0
	# Of another user, who says where the changes belong.
	chown 65534 ../other
	echo '{}' >../other/layer.json
	no 'belongs to uid 65534, not to the caller' do --apply ../other
	no 'belongs to uid 65534, not to the caller' do --overlay=../other -- true
	# What has been mounted since is none of the layer's.
	mkdir -p below/m ../mounted
	echo 1 >../mounted/x
	ok do --overlay=../tried -- rm -r below
	U=(unshare -m sh -c 'mount --bind ../mounted below/m && exec "$@"' sh "${U[@]}")
	R do --apply ../tried
	has 'something below is another' "$ERR" "not applied: $PWD/below: it was changed here since"
	no 'something has been mounted there' do --apply ../tried below
	eq 'what is mounted' "$(<../mounted/x)" 1
	U=("${U[@]:6}")
	ok gc --layer ../tried
	ok do --overlay=../tried -- sh -c 'echo more >>k'
	find . >"$T/before"
	U=(unshare -m sh -c 'mount --bind ../mounted/x k && exec "$@"' sh "${U[@]}")
	no 'device or resource busy' do --apply ../tried
	find . | cmp - "$T/before" || fail 'a file was left'
}

# A guarded file may be named alone, though its directory is new.
t_layer_applies_one_guarded_file() {
	layer_home
	ok do --overlay=../tried -- sh -c 'mkdir -p n/.git/hooks .vscode; echo x | tee n/.git/hooks/pre-push .vscode/one >.vscode/two'
	ok do --apply ../tried n/.git/hooks/pre-push .vscode/one
	eq applied "$(find n .vscode -type f | sort | tr '\n' ' ')" '.vscode/one n/.git/hooks/pre-push '
}

# Git takes a bare repository itself for its configuration.
t_layer_guards_bare_repositories() {
	layer_home
	mkdir -p r.git/{objects,refs,hooks,worktrees/w} && echo x | tee r.git/HEAD r.git/config >r.git/worktrees/w/commondir
	ok do --overlay=../tried -- sh -c 'cd r.git && echo evil | tee config hooks/pre-push worktrees/w/commondir >refs/x'
	R do --apply ../tried
	eq status "$RC" 1
	eq left "$(sed -n "s,^.*not applied: $PWD/\(.*\): other programs would run it later.*,\1,p" <<<"$ERR" | tr '\n' ' ')" \
		'r.git/config r.git/hooks/pre-push r.git/worktrees/w/commondir '
	eq here "$(cat r.git/config r.git/refs/x)" $'x\nevil'
	ok do --apply ../tried r.git/config
	eq named "$(<r.git/config)" evil
}

# The list of what was applied does not say that more was.
t_layer_lists_the_modes_that_it_sets() {
	layer_home
	chmod 755 a b
	ok do --overlay=../tried -- chmod 4755 a
	ok do --overlay=../tried -- chmod 6711 b
	ok do --apply ../tried --changes
	eq changes "$OUT" "m $PWD/a 755 -> 4755"$'\n'"m $PWD/b 755 -> 6711"$'\n2 mode or time'
	ok do --apply ../tried
	eq applied "$OUT" "m $PWD/a"$'\n'"m $PWD/b 755 -> 711"$'\n2 mode or time'
	eq modes "$(stat -c %a a b)" $'755\n711'
}

acl_of() { # FILE: its ACL, or the bits of its mode
	python3 - "$1" <<'EOF'
import os, sys
name = "system.posix_acl_access"
found = name in os.listxattr(sys.argv[1])
print(os.getxattr(sys.argv[1], name).hex() if found else oct(os.stat(sys.argv[1]).st_mode & 0o777))
EOF
}

set_acl() { # FILE access|default: the caller may write, its group may not
	python3 - "$@" <<'EOF'
import os, struct, sys
ME, USER, GROUP, MASK, OTHER = 1, 2, 4, 16, 32
entries = [(ME, 6, -1), (USER, 6, os.getuid()), (GROUP, 0, -1), (MASK, 6, -1), (OTHER, 0, -1)]
acl = struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *e) for e in entries)
os.setxattr(sys.argv[1], "system.posix_acl_" + sys.argv[2], acl)
EOF
}

# In the mode of a file with an ACL, the bits of the group are what the ACL allows anybody at most.
t_layer_apply_keeps_acls() {
	local acl
	command -v python3 >/dev/null || skip 'needs python3'
	layer_home
	set_acl a access || skip 'needs a file system with ACLs'
	acl=$(acl_of a)
	mkdir p
	echo p >p/b
	set_acl p default
	ok do --overlay=../tried -- sh -c 'echo more >>a; echo more >>p/b; chmod 600 p/b'
	ok do --apply ../tried
	eq 'contents' "$(tail -qn 1 a p/b | xargs)" 'more more'
	eq 'the ACL is kept' "$(acl_of a)" "$acl"
	eq 'none is inherited' "$(acl_of p/b)" 0o600
	ok do --apply ../tried
	eq 'all is done' "$OUT" 'nothing has changed'
}

# Otherwise its mask, in the mode's place for the group, would be the group's rights.
t_layer_apply_gives_new_files_their_acl() {
	command -v python3 >/dev/null || skip 'needs python3'
	layer_home
	: >probe
	set_acl probe access || skip 'needs a file system with ACLs'
	ok do --overlay=../tried -- sh -c 'echo new >new; echo plain >plain; chmod 664 plain'
	set_acl "$(find ../tried -name new -type f 2>/dev/null || true)" access
	ok do --apply ../tried
	eq 'the ACL of the new file' "$(acl_of new)" "$(acl_of probe)"
	eq 'of one without an ACL' "$(acl_of plain)" 0o664
	ok do --apply ../tried
	eq 'the second time' "$OUT" 'nothing has changed'
}

# It runs git there, and what is new there is nobody's but the program's.
t_layer_guards_bare_repositories_that_it_makes() {
	layer_home
	mkdir -p half/objects plain
	ok do --overlay=../tried -- sh -c 'mkdir -p in/n/objects in/n/refs in/n/hooks w half/refs
		echo x | tee in/n/HEAD in/n/config in/n/hooks/pre-push w/HEAD w/commondir w/config.worktree half/head half/config plain/HEAD >plain/config'
	R do --apply ../tried
	eq status "$RC" 1
	eq left "$(sed -n "s,^.*not applied: $PWD/\(.*\): other programs would run it later.*,\1,p" <<<"$ERR" | tr '\n' ' ')" \
		'half/config in/n/config in/n/hooks w/commondir w/config.worktree '
	eq applied "$(cat in/n/HEAD w/HEAD half/head plain/config)" $'x\nx\nx\nx'
	ok do --apply ../tried in/n/config
	eq named "$(<in/n/config)" x
}

# Directories that nobody may enter: the program's, and the one that the kernel makes beside its layer.
t_layer_with_shut_directories() {
	layer_home
	ok do --overlay=../tried -- sh -c 'mkdir -p a.d/b && echo x >a.d/b/f && chmod 0 a.d/b a.d d; rm -r e'
	[ -n "$(find ../tried -mindepth 2 -name work -perm 0 2>/dev/null)" ] || skip 'this kernel leaves no such directory'
	ok do --apply ../tried --changes
	has list "$OUT" "A $PWD/a.d/b/f 2"
	has list "$OUT" "m $PWD/d/ 755 -> 0"
	ok do --overlay=../tried -- sh -c 'chmod 700 a.d a.d/b && cat a.d/b/f && chmod 0 a.d/b a.d'
	eq 'the next run' "$OUT" x
	ok do --overlay=../tried -- sh -c 'mkdir -p z/z && chmod 0 z/z z'
	ok gc --layer ../tried
	[ ! -e ../tried ] || fail 'the layer is still there'
}

# Killed while it wrote the first layer.json: the directory is used, or removed, as if it had not been.
t_layer_whose_document_was_cut_off() {
	local layer=$T/layer
	mkdir -m 700 "$layer"
	: >"$layer/.layer.json.abcdefgh"
	ok gc --layer "$layer"
	[ ! -e "$layer" ] || fail "left: $(ls -A "$layer")"
	mkdir -m 700 "$layer"
	: >"$layer/.layer.json.abcdefgh"
	: >"$layer/notes"
	no 'it has no layer.json' gc --layer "$layer"
	[ -e "$layer/notes" ] && [ -e "$layer/.layer.json.abcdefgh" ] || fail 'removed what is not a layer'
}

# A killed sandbox leaves a layer that the next one uses.
t_layer_survives_a_kill() {
	layer_home
	local i name
	for ((i = 1; i <= ${USRUN_TIMES:-4}; i++)); do
		"${U[@]}" do --overlay=../tried -- sh -c 'echo up; while :; do echo $$ >>n; rm -f d/x; mkdir d/m; rmdir d/m; done' >"$T/said" 2>&1 &
		soon grep -q up "$T/said" || fail "it does not start: $(<"$T/said")"
		kill -KILL $!
		wait $! 2>/dev/null || true
		for name in $("${U[@]}" list -q); do
			ok delete --force "$name"
		done
		soon "${U[@]}" do --overlay=../tried -- test -s n || fail 'the layer cannot be used again'
	done
	ok do --apply ../tried
	[ -s n ] && [ ! -e d/x ] || fail 'the changes were not applied'
	ok gc --layer ../tried
}

t_layer_of_a_container() {
	mkdir -p "$T/b/rootfs/old"
	echo one >"$T/b/rootfs/old/file"
	find "$T/b/rootfs" | sort >"$T/before"
	script_ 'cat /kept 2>/dev/null; rm -r /old; mkdir /old; echo two >/kept'
	go --overlay="$T/layer"
	go --overlay="$T/layer"
	eq 'the second run' "$OUT" two
	find "$T/b/rootfs" | sort | cmp - "$T/before" || fail 'the rootfs has changed'
	ok do --apply "$T/layer" --changes
	eq 'changes' "$(cut -d ' ' -f 1 <<<"$OUT" | tr '\n' ' ')" 'A D 1 '
	cfg --arg l "$T/layer" '.annotations = {"run.usrun.overlay": "true", "run.usrun.layer": $l}'
	go
	eq 'by annotation' "$OUT" two
	ok explain -b "$T/b"
	has explained "$OUT" "overlays keep their changes in $T/layer"
	no 'cannot be used with --detach' run -d -b "$T/b" "$ID"
	no 'must be neither inside' run -b "$T/b" --overlay="$T/b/rootfs/l" "$ID"
	ok gc --layer "$T/layer"
}

# Another tree in place of this machine's.
t_do_in_another_tree() {
	layer_home
	local tree=$T/b/rootfs
	mkdir -p "$tree/root" "$tree/tmp" "$tree/run"
	ok do --rootfs "$tree" -- sh -c 'id -u; pwd; echo $HOME $USER; cat /etc/shadow 2>/dev/null; ls /home 2>/dev/null; echo new >/new; mount -t tmpfs x /tmp 2>/dev/null || echo no mounts'
	eq inside "$OUT" $'0\n/\n/root root\nno mounts'
	eq 'it is written to' "$(<"$tree/new")" new
	if [ "$MODE" = root ]; then
		mknod -m 666 "$tree/zero" c 1 5
		R do --rootfs "$tree" -- sh -c ': </zero'
		has 'a device of the tree' "$ERR" 'ermission denied'
		rm "$tree/zero"
	fi
	find "$tree" | sort >"$T/before"
	ok do --rootfs "$tree" --overlay --changes -- sh -c 'rm /new; echo x >/root/x; echo $PWD'
	eq 'as a copy' "$OUT"$'\n'"$ERR" "/
D $tree/new
A $tree/root/x 2
1 added, 1 deleted"
	# What an option shows of this machine is there, and no mount point is made for it in the tree.
	ok do --rootfs "$tree" --overlay --rw . -- sh -c 'pwd; echo made >made'
	eq 'this directory' "$OUT $(<made) $(stat -c %u made)" "$PWD made $(id -u)"
	ok do --rootfs "$tree" -v .:/tmp -w /tmp -- cat a
	eq 'at another place' "$OUT" a
	no 'no mount point is created in the tree' do --rootfs "$tree" --rw . -- true
	find "$tree" | sort | cmp - "$T/before" || fail 'the tree has changed'
	no ': no such directory' do --rootfs "$T/none" -- true
	no "this machine's own tree" do --rootfs / -- true
	no 'needs a copy, but --rootfs writes to the tree itself' do --rootfs "$tree" --changes -- true
	no 'whose tree has its own home directories' do --rootfs "$tree" --home=ro -- true
	no 'must be neither inside' do --rootfs "$tree" --overlay="$tree/layer" -- true
	R do --rootfs "$tree" --print-config -- true
	eq config "$(jq -c '[.root.path, .process.user.uid, .linux.uidMappings]' <<<"$OUT")" "[\"$tree\",0,null]"
	many_ids
	# Files of other ids are listed, applied and removed as well.
	ok do --rootfs "$tree" --overlay="$T/layer" -- sh -c 'mkdir /own; echo x >/own/x; chown -R 7:8 /own; chmod 700 /own'
	ok do --apply "$T/layer"
	eq applied "$(grep -c "^A $tree/own" <<<"$OUT")" 2
	ok do --rootfs "$tree" -- stat -c '%u:%g %a' /own /own/x
	eq owners "$OUT" $'7:8 700\n7:8 644'
	ok gc --layer "$T/layer"
	[ ! -e "$T/layer" ] || fail 'files of other ids were not removed'
}

# Root lets the user have /dev/fuse, as most hosts do.
give_fuse() {
	[ -e /dev/fuse ] || return 0
	mkdir "$T/fuse"
	mount -t tmpfs fuse "$T/fuse"
	mknod -m 666 "$T/fuse/fuse" c 10 229
	mount --bind "$T/fuse/fuse" /dev/fuse
}
take_fuse() {
	[ -e /dev/fuse ] || return 0
	umount /dev/fuse "$T/fuse"
}
needs_fuse() {
	command -v fuse-overlayfs >/dev/null || skip 'needs fuse-overlayfs'
	[ -r /dev/fuse ] && [ -w /dev/fuse ] || skip 'needs /dev/fuse'
}

# A directory on which the kernel keeps no layer: an overlay itself.
before_t_layer_is_served() {
	give_fuse
	mkdir -p "$T/over"
	mount -t tmpfs over "$T/over"
	mkdir -m 777 "$T/over"/{u,w,l}
	chmod 777 "$T/over"/{u,w}
	mount -t overlay -o "lowerdir=$T/over/l,upperdir=$T/over/u,workdir=$T/over/w" overlay "$T/over/l"
}
after_t_layer_is_served() {
	umount "$T/over/l" "$T/over"
	take_fuse
}

t_layer_is_served() {
	[ -z "${OWN:-}" ] || skip 'needs root to prepare it'
	needs_fuse
	local words dir=$T/over/l/layer
	mkdir -p "$T/b/rootfs/old"
	echo one >"$T/b/rootfs/old/file"
	find "$T/b/rootfs" | sort >"$T/before"
	script_ 'cat /kept 2>/dev/null; rm -r /old; mkdir /old; echo two >/kept; rm -f /etc/group; echo x >>/etc/passwd; ps -o args'
	go "--overlay=$dir"
	hasnt 'who serves is not seen inside' "$OUT" fuse
	go "--overlay=$dir"
	has 'the second run' "$OUT" two
	find "$T/b/rootfs" | sort | cmp - "$T/before" || fail 'the rootfs has changed'
	ok do --apply "$dir" --changes
	eq changes "$OUT" "D $T/b/rootfs/etc/group
M $T/b/rootfs/etc/passwd $(stat -c %s "$T/b/rootfs/etc/passwd") -> $(($(stat -c %s "$T/b/rootfs/etc/passwd") + 4))
A $T/b/rootfs/kept 4
D $T/b/rootfs/old/file
1 added, 1 modified, 2 deleted"
	# Its kind is kept, also where the kernel could do it.
	cp -a "$dir" "$T/copy"
	go "--overlay=$T/copy"
	has 'elsewhere' "$OUT" two
	[ -d "$T/copy/0/fuse" ] && [ ! -e "$T/copy/0/work" ] || fail 'the kinds are mixed'
	ok gc --layer "$T/copy"
	# With a process that stays, it is told why, and all ends with it.
	prog /bin/sleep 1000
	ok run -d -b "$T/b" --overlay "$ID"
	ok delete --force "$ID"
	"${U[@]}" run -b "$T/b" "--overlay=$dir" "$ID" </dev/null >/dev/null 2>&1 &
	soon is running || fail 'it does not start'
	ok explain "$ID"
	has explained "$OUT" 'using fuse-overlayfs, which is slower: '
	soon pgrep -f "^usrun:.fuse-overlayfs. $ID" >/dev/null || fail 'nobody serves it'
	[ "$MODE" = root ] && words="an overlay of container $ID is served by a process outside it" || words='it needs CAP_SYS_ADMIN'
	no "$words" --criu /bin/true checkpoint --image-path "$T/images" "$ID"
	"${U[@]}" kill "$ID" KILL
	wait $! || true
	no_server || fail 'who has served is still there'
	# Both reasons.
	U=(env "USRUN_TEST=$ID" PATH=/nowhere "$USRUN")
	[ "$MODE" = rootless ] || U+=(--root "$T/state")
	if ! [ -x /usr/bin/fuse-overlayfs ]; then
		no 'fuse-overlayfs is not installed' run -b "$T/b" "--overlay=$dir" "$ID"
	fi
	ok gc --layer "$dir"
}
no_server() { ! pgrep -f "^usrun:.(layer|fuse-overlayfs). $ID" >/dev/null; }

before_t_layer_is_not_served() {
	before_t_layer_is_served
	umount /dev/fuse
	rm "$T/fuse/fuse"
	touch "$T/fuse/fuse"
	chmod 0 "$T/fuse/fuse"
	mount --bind "$T/fuse/fuse" /dev/fuse
}
after_t_layer_is_not_served() { after_t_layer_is_served; }

# Where neither can be had both reasons are told.
t_layer_is_not_served() {
	[ -z "${OWN:-}" ] || skip 'needs root to prepare it'
	command -v fuse-overlayfs >/dev/null || skip 'needs fuse-overlayfs'
	no 'fuse-overlayfs' run -b "$T/b" "--overlay=$T/over/l/layer" "$ID"
	has 'both' "$ERR" 'put an overlay over the rootfs'
	has 'the kernel' "$ERR" 'upperdir'
	has 'the device' "$ERR" '/dev/fuse'
}

# What is killed at any instant of a start leaves nobody who serves.
before_t_layer_is_served_and_killed() { before_t_layer_is_served; }
after_t_layer_is_served_and_killed() { after_t_layer_is_served; }
t_layer_is_served_and_killed() {
	[ -z "${OWN:-}" ] || skip 'needs root to prepare it'
	needs_fuse
	local i
	prog /bin/sleep 1000
	for ((i = 0; i < ${USRUN_TIMES:-12}; i++)); do
		"${U[@]}" run -b "$T/b" "--overlay=$T/over/l/layer" "$ID" </dev/null >"$T/said" 2>&1 &
		sleep "0.0$((i * 7 % 100))"
		kill -KILL $! || fail "run $i ended by itself: $(<"$T/said")"
		wait $! 2>/dev/null || true
		"${U[@]}" delete --force "$ID" 2>/dev/null || true
		soon no_server || fail "after kill $i: $(pgrep -af "^usrun:.*$ID")"
	done
	"${U[@]}" run -b "$T/b" "--overlay=$T/over/l/layer" "$ID" </dev/null >/dev/null 2>&1 &
	soon is running || fail 'the layer cannot be used again'
	ok kill "$ID" KILL
	wait $! || true
	# One that was begun for the kernel, which then was not asked, is not the kernel's.
	i=$(echo "$T"/over/l/layer/[0-9]*)
	rm -rf "$i/fuse" "$i"/upper/*
	mv "$i/upper" "$i/upper.new"
	mkdir "$i/work" "$i/upper"
	chown --reference="$i/upper.new" "$i" "$i/work" "$i/upper"
	"${U[@]}" run -b "$T/b" "--overlay=$T/over/l/layer" "$ID" </dev/null >"$T/said" 2>&1 &
	soon is running || fail "a layer that was only begun cannot be used: $(<"$T/said")"
	ok kill "$ID" KILL
	wait $! || true
	ok gc --layer "$T/over/l/layer"
}
