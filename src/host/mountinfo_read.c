/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/io.h"
#include "src/base/str.h"
#include "src/host/mountinfo.h"

#include <fcntl.h>

enum { MAX = 64 << 20 };

int mountinfo_read(struct arena *arena, char **ret, struct err *err)
{
	return io_read_file(AT_FDCWD, "/proc/self/mountinfo", MAX, arena, ret, NULL, err);
}

int mountinfo_read_of(struct arena *arena, int pid, char **ret, struct err *err)
{
	return io_read_file(AT_FDCWD, arena_strf(arena, "/proc/%d/mountinfo", pid), MAX, arena, ret,
			    NULL, err);
}

void mountinfo_hint_masks(struct arena *arena, struct err *err)
{
	enum { FEW = 3 };
	_cleanup_str_ struct str list = { 0 };
	struct mountinfo_line mount;
	struct err ignored;
	const char *next;
	char *text;
	size_t n = 0;

	if (mountinfo_read(arena, &text, &ignored) < 0)
		return;
	for (next = text; mountinfo_next(&next, &mount);) {
		const char *target = mountinfo_text(arena, mount.target);

		if (str_starts(target, "/proc/") && n++ < FEW)
			str_addf(&list, "%s%s", n == 1 ? "" : ", ", target);
	}
	if (n > FEW)
		str_add(&list, ", ...");
	err_hint(err,
		 "an outer container masks parts of /proc%s%s%s: start it with an unmasked "
		 "/proc (podman: --security-opt unmask=ALL; docker: --security-opt "
		 "systempaths=unconfined), or share its pid namespace",
		 n ? " (" : "", str_text(&list), n ? ")" : "");
}
