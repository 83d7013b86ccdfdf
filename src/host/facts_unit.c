/* SPDX-License-Identifier: Apache-2.0 */
/* Asks the user's systemd, because it marks nothing: only the system's does (cgroup_xattr_apply()
 * in systemd's cgroup.c). */
#include "src/base/clock.h"
#include "src/host/facts.h"
#include "src/sys/dbus_kept.h"

#include <string.h>

static const char SERVICE[] = ".service";
enum { ANSWER_MS = 2000 };

/* Escapes a name for a D-Bus path: everything but letters and digits, and a leading digit, becomes
 * "_" and two hexadecimal digits. */
static void put_escaped(struct str *path, const char *name)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	static const char digits[] = "0123456789";

	for (const char *c = name; *c; c++)
		if (strchr(plain, *c) || (c > name && strchr(digits, *c)))
			str_addf(path, "%c", *c);
		else
			str_addf(path, "_%02x", (unsigned char)*c);
}

static bool is_true(const struct dbus_message *reply)
{
	struct dbus_reader reader = dbus_open_body(reply, "v");
	const char *type = dbus_get_signature(&reader);

	return type && str_equal(type, "b") && dbus_get_u32(&reader) == 1 && !reader.bad;
}

static bool ask(struct dbus *bus, const char *unit)
{
	_cleanup_str_ struct str path = { 0 }, body = { 0 };
	struct dbus_message reply, get = { .type = DBUS_CALL,
					   .destination = "org.freedesktop.systemd1",
					   .interface = "org.freedesktop.DBus.Properties",
					   .member = "Get",
					   .signature = "ss" };
	int r;

	str_addf(&path, "/org/freedesktop/systemd1/unit/");
	put_escaped(&path, unit);
	dbus_put_text(&body, "org.freedesktop.systemd1.Service");
	dbus_put_text(&body, "Delegate");
	get.path = str_text(&path);
	get.body = body.s;
	get.len = body.len;
	bus->deadline = clock_now() + ANSWER_MS;
	r = dbus_send(bus, &get);
	while (r == 0) {
		r = dbus_next(bus, &reply);
		if (r == 0 && reply.reply_to == get.serial)
			return reply.type == DBUS_REPLY && is_true(&reply);
	}
	return false;
}

bool facts_unit_delegates(const char *runtime_dir, const char *own)
{
	const char *unit = strrchr(own, '/');
	_cleanup_str_ struct str socket = { 0 };
	struct err err = { 0 };
	struct dbus bus;
	bool delegates;

	if (!unit || !strstr(own, "/user@") || !str_ends(unit, SERVICE) ||
	    strncmp(unit, "/user@", 6) == 0)
		return false;
	str_addf(&socket, "%s/systemd/private", runtime_dir);
	if (dbus_kept_open(str_text(&socket), ANSWER_MS, &bus, &err) < 0)
		return false;
	delegates = ask(&bus, unit + 1);
	dbus_kept_keep(str_text(&socket), &bus);
	return delegates;
}
