# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# A machine whose kernel has no FUSE, and a user: what takes fuse-overlayfs says why not and what to do, and all else works.
command -v fuse-overlayfs >/dev/null || return 0

fuse_row() { # FIELD
	as dev usrun doctor --json 2>/dev/null </dev/null | jq -r --arg field "$1" '.checks[] | select(.id == "fuse")[$field]'
}

module=$(find /lib/modules -name 'fuse.ko*')
umount /sys/fs/fuse/connections 2>/dev/null
rmmod fuse 2>/dev/null
mv "$module" /run/
rm -f /dev/fuse
bundle dev . /bin/sh -c 'echo new >/file; cat /file'
as dev usrun "do" --root -- true >$OUT 2>&1 </dev/null
eq 'no fuse: do --root' $? 125
has 'no fuse: do --root says why' $OUT 'fuse-overlayfs needs /dev/fuse: no such path'
as dev usrun "do" -w /tmp -- true >$OUT 2>&1 </dev/null
say $? 'no fuse: do' "$(cat $OUT)"
# In memory the kernel takes an overlay since 6.6 only.
as dev usrun run --overlay -b $B memory >$OUT 2>&1 </dev/null
eq 'no fuse: run --overlay' $? 1
has 'no fuse: the reason of the kernel' $OUT 'rootfs: set an attribute on the layer: operation not supported; '
has 'no fuse: the other reason' $OUT '; fuse-overlayfs needs /dev/fuse: no such path'
has 'no fuse: what to do' $OUT 'hint: as root: modprobe fuse'
as dev usrun run --overlay=/home/dev/layer -b $B disk >$OUT 2>&1 </dev/null
eq "no fuse: the kernel's overlay" "$? $(cat $OUT)" '0 new'
as dev usrun gc --layer /home/dev/layer >$OUT 2>&1 </dev/null
say $? 'no fuse: gc' "$(cat $OUT)"
fix=$(fuse_row fix)
mv "/run/${module##*/}" "$module"
(eval "${fix#as root: }") # the advice, where the module was not loaded
eq 'no fuse: mended' "$(fuse_row result)" ok
as dev usrun run --overlay -b $B memory >$OUT 2>&1 </dev/null
eq 'no fuse: run --overlay, mended' "$? $(cat $OUT)" '0 new'
program=$(command -v fuse-overlayfs)
mv "$program" /run/
eq 'no fuse-overlayfs: advice' "$(fuse_row fix)" 'install the package fuse-overlayfs'
mv /run/fuse-overlayfs "$program"
