/* SPDX-License-Identifier: Apache-2.0 */
#include "src/run/notify.h"

#include "src/base/fd.h"
#include "src/base/log.h"
#include "src/base/str.h"
#include "src/sys/sock.h"

#include <string.h>

enum { NOTIFY_AT_ONCE = 1024 }; /* more than net.unix.max_dgram_qlen lets wait */

static int is_wanted(const char *line, int has_fd)
{
	static const char *const names[] = {
		"READY=",    "STATUS=", "RELOADING=",           "MONOTONIC_USEC=", "STOPPING=",
		"WATCHDOG=", "ERRNO=",  "EXTEND_TIMEOUT_USEC=", "EXIT_STATUS="
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (str_starts(line, names[i]))
			return 1;
	return has_fd && str_equal(line, "BARRIER=1");
}

size_t notify_filter(char *text, int has_fd)
{
	char *to = text, *line, *save = NULL;

	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		size_t len = strlen(line);

		if (!is_wanted(line, has_fd))
			continue;
		memmove(to, line, len);
		to += len;
		*to++ = '\n';
	}
	return (size_t)(to - text);
}

void notify_relay(int listener, int manager)
{
	char text[4096];
	int fd = -1;

	/* A container that never stops sending must not keep us from our signals. */
	for (int i = 0; i < NOTIFY_AT_ONCE; i++) {
		ssize_t n = sock_recv(listener, text, sizeof(text) - 1, &fd);
		int r = 0;
		size_t len;

		if (n < 0)
			break;
		text[n] = '\0';
		len = notify_filter(text, fd >= 0);
		/* The protocol wants a barrier to be alone, without even a line break. */
		if (len > 0 && fd >= 0)
			len--;
		if (len > 0 && manager >= 0)
			r = sock_send(manager, text, len, fd);
		if (r < 0)
			log_debug("a message for the service manager is lost: %s", err_why(-r));
		fd_closep(&fd);
	}
}
