/* SPDX-License-Identifier: Apache-2.0 */
#include "src/sys/dbus_kept.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

static struct {
	char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)]; /* "": nothing is kept */
	struct dbus bus;
} kept;

static bool has_hung_up(const struct dbus *bus)
{
	char byte;
	ssize_t n = recv(bus->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

	return n == 0 || (n < 0 && errno != EAGAIN);
}

int dbus_kept_open(const char *path, int timeout_ms, struct dbus *ret, struct err *err)
{
	if (!*kept.path || !str_equal(kept.path, path))
		return dbus_open(path, timeout_ms, ret, err);
	if (has_hung_up(&kept.bus)) {
		dbus_kept_forget();
		return dbus_open(path, timeout_ms, ret, err);
	}
	*ret = kept.bus;
	*kept.path = '\0';
	return 0;
}

void dbus_kept_keep(const char *path, struct dbus *bus)
{
	dbus_kept_forget();
	if (strlen(path) >= sizeof(kept.path)) {
		dbus_close(bus);
		return;
	}
	(void)strcpy(kept.path, path);
	kept.bus = *bus;
}

void dbus_kept_forget(void)
{
	if (*kept.path)
		dbus_close(&kept.bus);
	*kept.path = '\0';
}
