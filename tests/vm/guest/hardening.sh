# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# The options of systemd.exec(5) that harden a service, one by one, around usrun and around crun: what crun runs, usrun
# runs. Not part of the suite: a run by hand, of six minutes.
[ "$layout" = v2 ] && command -v crun >/dev/null || return 0

OPTIONS=(
	NoNewPrivileges=yes ProtectSystem=strict ProtectHome=read-only PrivateTmp=yes PrivateDevices=yes
	ProtectKernelTunables=yes ProtectKernelModules=yes ProtectKernelLogs=yes ProtectControlGroups=yes
	ProtectClock=yes ProtectHostname=yes ProtectProc=invisible ProcSubset=pid RestrictNamespaces=yes
	'RestrictNamespaces=mnt pid user ipc uts cgroup net' RestrictSUIDSGID=yes RestrictRealtime=yes
	RestrictAddressFamilies=AF_UNIX LockPersonality=yes MemoryDenyWriteExecute=yes SystemCallArchitectures=native
	'SystemCallFilter=@system-service @mount' 'SystemCallFilter=@system-service' PrivateNetwork=yes PrivateUsers=yes
	PrivateMounts=yes PrivateIPC=yes UMask=0077 LimitNOFILE=64 TasksMax=20 MemoryMax=32M KeyringMode=private
	IPAddressDeny=any DevicePolicy=closed 'CapabilityBoundingSet=CAP_SYS_ADMIN CAP_SETUID CAP_SETGID CAP_SETFCAP'
)

around() { # USER RUNTIME OPTION: what the container said, or why not
	local more=() id=hard-$RANDOM
	[ "$1" = root ] || more=(-p User=dev -E XDG_RUNTIME_DIR=/run/user/1000)
	systemd-run --collect --quiet --wait --pipe -p Delegate=yes "${more[@]}" -p "$3" \
		"$2" run -b $B "$id" </dev/null 2>&1 | tail -n 1
	as "$1" "$2" delete --force "$id" >/dev/null 2>&1
}

for user in root dev; do
	bundle $user '.linux.seccomp = null' /bin/sh -c 'echo it runs'
	for option in "${OPTIONS[@]}"; do
		ours=$(around $user usrun "$option") theirs=$(around $user crun "$option")
		echo "cell $option|$user usrun|${ours//|/ }"
		echo "cell $option|$user crun|${theirs//|/ }"
		[ "$theirs" != 'it runs' ] || eq "$user: $option" "$ours" 'it runs'
	done
done
