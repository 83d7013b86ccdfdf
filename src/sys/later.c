/* SPDX-License-Identifier: Apache-2.0 */
#include "src/sys/later.h"

#include "src/base/fd.h"
#include "src/sys/program.h"

#include <errno.h>
#include <stdint.h>

/* The kernel's descriptor table has room for 64 before it must grow, and RLIMIT_NOFILE may be lower
 * still. */
enum { HIGHEST = 63, MOST = 40 };

static uint64_t open_still;
static int n_open;

void later_closep(int *fd)
{
	if (*fd < 0 || *fd > HIGHEST) {
		fd_closep(fd);
		return;
	}
	open_still |= 1ULL << *fd;
	*fd = -1;
	if (++n_open == MOST)
		later_close();
}

void later_close(void)
{
	int saved = errno;

	for (int first = 0, last; open_still; first = last + 1) {
		while (!(open_still & 1ULL << first))
			first++;
		for (last = first; last < HIGHEST && (open_still & 1ULL << (last + 1));)
			last++;
		open_still &= last == HIGHEST ? 0 : ~0ULL << (last + 1);
		program_close_range(first, last);
	}
	n_open = 0;
	errno = saved;
}
