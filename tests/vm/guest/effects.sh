# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Of limits.sh: what is seen of a limit only beside another container, or with a config of its own.

# Further containers of the column, from one bundle; the second one's config is that of `exec` then.
more() { # ID FILTER
	jq "$2$(place "$1")" $B/base.json >$B/config.json
	as "$user" usrun "${global[@]}" run -d -b $B --pid-file "$B/$1.pid" "$1" >$OUT 2>&1 </dev/null
	say $? "$column: run $1" "$(cat $OUT)"
}

ended() { # ID...
	local id
	for id; do
		as "$user" usrun "${global[@]}" delete -f "$id" >$OUT 2>&1
		say $? "$column: delete $id" "$(cat $OUT)"
	done
}

# Two that never rest share a processor.
shares_hold() {
	local file=cpu.weight one two ratio wanted
	bundle "$user" . sh -c 'while :; do :; done'
	cp $B/config.json $B/base.json
	more limits1 '.linux.resources.cpu = {shares: 4096, cpus: "1"}'
	more limits2 '.linux.resources.cpu = {shares: 1024, cpus: "1"}'
	[ "$layout" = v2 ] || file=cpu.shares
	one=$(cat $B/limits1.pid) two=$(cat $B/limits2.pid)
	wanted=$(($(cat "$(group_of "$one" cpu)/$file") * 100 / $(cat "$(group_of "$two" cpu)/$file")))
	ratio=$(used_us "$one") two_used=$(used_us "$two")
	sleep 5
	ratio=$((($(used_us "$one") - ratio) * 100 / ($(used_us "$two") - two_used + 1)))
	within "$column: processor time of two, in percent" $ratio $((wanted * 8 / 10)) $((wanted * 12 / 10))
	note cpu.shares "4096 beside 1024: $ratio % of its time (weights: $wanted %)"
	ended limits1 limits2
}

# Below a group that is short of memory, what one with a reservation has in the cache stays, and goes without it.
reservation_holds() {
	local group above kept left path='"/press/" + '
	if [ "$layout" != v2 ]; then
		note memory.reservation 'no effect seen: holds when the whole machine is short of memory'
		return
	fi
	case $column in *systemd*) path='"press.slice:usrun:" + ' ;; esac
	above=${enter%/*}
	[ -z "$enter" ] || path="\"${above#/sys/fs/cgroup}/press/\" + "
	# shellcheck disable=SC2016 # for the shell inside
	bundle "$user" . sh -c '[ ! -e /first ] || cat /data >/dev/null; echo >/tmp/ready; while :; do sleep 1000; done'
	dd if=/dev/zero of=$B/rootfs/data bs=1M count=24 2>/dev/null
	dd if=/dev/zero of=$B/rootfs/more bs=1M count=128 2>/dev/null
	sync
	echo 3 >/proc/sys/vm/drop_caches
	jq ".linux.cgroupsPath = $path\"limits1\" | .linux.resources.memory.reservation = 33554432" $B/config.json >$B/one
	jq ".linux.cgroupsPath = $path\"limits2\"" $B/config.json >$B/two
	cp $B/one $B/config.json
	as "$user" usrun "${global[@]}" run -d -b $B --pid-file $B/limits1.pid limits1 >$OUT 2>&1 </dev/null
	say $? "$column: run limits1" "$(cat $OUT)"
	as "$user" usrun "${global[@]}" exec limits1 cat /data >/dev/null 2>$OUT </dev/null
	say $? "$column: fill the cache" "$(cat $OUT)"
	cp $B/two $B/config.json
	as "$user" usrun "${global[@]}" run -d -b $B --pid-file $B/limits2.pid limits2 >$OUT 2>&1 </dev/null
	say $? "$column: run limits2" "$(cat $OUT)"
	group=$(group_of "$(cat $B/limits1.pid)") above=$(dirname "$group")
	echo 50331648 >"$above/memory.max"
	as "$user" usrun "${global[@]}" exec limits2 cat /more >/dev/null 2>$OUT </dev/null
	kept=$(($(sed -n 's/^file //p' "$group/memory.stat") >> 20))
	within "$column: a reservation keeps (MiB of 24)" $kept 22 32
	echo 0 >"$group/memory.low"
	echo 3 >/proc/sys/vm/drop_caches
	as "$user" usrun "${global[@]}" exec limits1 cat /data >/dev/null 2>$OUT </dev/null
	as "$user" usrun "${global[@]}" exec limits2 cat /more >/dev/null 2>$OUT </dev/null
	left=$(($(sed -n 's/^file //p' "$group/memory.stat") >> 20))
	within "$column: without one goes (MiB of 24)" $left 0 18
	note memory.reservation "$kept of 24 MiB stay below a full group, $left without"
	echo max >"$above/memory.max"
	ended limits1 limits2
}

# The first page fits, the second one does not.
huge_pages_hold() {
	local file=hugetlb.2MB.max got
	if [ "$user" != root ]; then
		note hugepageLimits 'refused: no user is given the controller'
		return
	fi
	[ "$layout" = v2 ] || file=hugetlb.2MB.limit_in_bytes
	echo 4 >/proc/sys/vm/nr_hugepages
	bundle root . sh -c 'while :; do sleep 1000; done'
	cp $B/config.json $B/base.json
	more limits1 '.linux.resources.hugepageLimits = [{pageSize: "2MB", limit: 2097152}]
		| .mounts += [{destination: "/huge", type: "hugetlbfs", source: "none", options: ["pagesize=2M"]}]'
	got=$(cat "$(group_of "$(cat $B/limits1.pid)" hugetlb)/$file")
	eq "$column: huge pages" "$got" 2097152
	usrun "${global[@]}" exec limits1 busybox fallocate -l 2M /huge/one >$OUT 2>&1 </dev/null
	say $? "$column: one huge page" "$(cat $OUT)"
	usrun "${global[@]}" exec limits1 busybox fallocate -l 2M /huge/two >$OUT 2>&1 </dev/null
	eq "$column: a second huge page" $? 1
	note hugepageLimits "$got; the second page is refused"
	ended limits1
	echo 0 >/proc/sys/vm/nr_hugepages
}

# What the machine has not; when it comes to have it, a test is due.
not_here() {
	eq "$column: devices for RDMA" "$(ls /sys/class/infiniband 2>/dev/null)" ''
	note rdma 'no such device in the machine'
	grep -q bfq /sys/block/vda/queue/scheduler
	eq "$column: BFQ" $? 1
	note blockIO.weight 'no scheduler in the machine that knows weights'
}
