/* SPDX-License-Identifier: Apache-2.0 */
#include "src/helper/unit_bus.h"

#include "src/base/clock.h"
#include "src/base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DESTINATION "org.freedesktop.systemd1"
#define OBJECT "/org/freedesktop/systemd1"
#define MANAGER "org.freedesktop.systemd1.Manager"

enum { TIMEOUT_MS = 30000 };

static int on_job_removed(struct sd_bus_message *message, void *data, struct sdbus_error *error)
{
	struct unit_bus *b = data;
	const char *job, *unit, *result;
	uint32_t id;

	(void)error;
	if (b->lib->read(message, "uoss", &id, &job, &unit, &result) > 0 && str_equal(job, b->job))
		(void)snprintf(b->result, sizeof(b->result), "%s", result);
	return 0;
}

int unit_bus_method(struct unit_bus *b, const char *member, struct sd_bus_message **ret)
{
	return b->lib->new_method_call(b->bus, ret, DESTINATION, OBJECT, MANAGER, member);
}

int unit_bus_call(struct unit_bus *b, struct sd_bus_message *call, struct sd_bus_message **ret)
{
	struct sdbus_error error = { 0 };
	int r = b->lib->call(b->bus, call, TIMEOUT_MS * 1000ULL, &error, ret);

	(void)b->lib->message_unref(call);
	(void)snprintf(b->error, sizeof(b->error), "%s", r < 0 && error.name ? error.name : "");
	(void)snprintf(b->text, sizeof(b->text), "%s",
		       r >= 0          ? ""
		       : error.message ? error.message
				       : err_why(-r));
	b->lib->error_free(&error);
	return r < 0 ? r : 0;
}

int unit_bus_simple(struct unit_bus *b, const char *member, const char *const *texts, size_t n,
		    struct sd_bus_message **ret)
{
	struct sd_bus_message *call;
	int r = unit_bus_method(b, member, &call);

	if (r < 0)
		return r;
	for (size_t i = 0; r >= 0 && i < n; i++)
		r = b->lib->append_basic(call, 's', texts[i]);
	return unit_bus_call(b, call, ret);
}

/* The path in an address has to be escaped but for some characters. */
static void set_address(char *to, size_t size, const char *dir, const char *name)
{
	size_t len = (size_t)snprintf(to, size, "unix:path=");

	for (const char *part = dir; part; part = part == dir ? name : NULL)
		for (const char *c = part; *c && len + 4 < size; c++) {
			bool plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
				     (*c >= '0' && *c <= '9') || strchr("-_/.", *c);

			len += (size_t)snprintf(to + len, size - len, plain ? "%c" : "%%%02x",
						(unsigned char)*c);
		}
}

/* On the manager's own socket there is no sender to tell apart: everything comes from it. */
static int connect_to(struct unit_bus *b, const char *address, bool client)
{
	static const char jobs[] =
		"type='signal',interface='" MANAGER "',member='JobRemoved',path='" OBJECT "'";
	static const char jobs_of[] = "type='signal',sender='" DESTINATION "',interface='" MANAGER
				      "',member='JobRemoved',path='" OBJECT "'";
	int r = b->lib->new_bus(&b->bus);

	if (r >= 0)
		r = b->lib->set_address(b->bus, address);
	if (r >= 0 && client)
		r = b->lib->set_bus_client(b->bus, 1);
	if (r >= 0)
		r = b->lib->start(b->bus);
	if (r >= 0)
		r = b->lib->add_match(b->bus, NULL, client ? jobs_of : jobs, on_job_removed, b);
	if (r >= 0)
		r = unit_bus_simple(b, "Subscribe", NULL, 0, NULL);
	if (r >= 0)
		return 0;
	unit_bus_close(b);
	return r;
}

int unit_bus_open(const struct cgroup_unit_ref *unit, struct unit_bus *ret, struct err *err)
{
	bool user = unit->manager == CGROUP_MANAGER_USER;
	const char *dir = user ? unit->runtime_dir : "/run";
	const char *variable = getenv("DBUS_SESSION_BUS_ADDRESS");
	struct unit_bus b = { 0 };
	char address[4200];
	int r = sdbus_load(&b.lib, err);

	if (r < 0)
		return r;
	*ret = b;
	set_address(address, sizeof(address), dir, "/systemd/private");
	if (connect_to(ret, address, false) == 0)
		return 0;
	set_address(address, sizeof(address), dir, user ? "/bus" : "/dbus/system_bus_socket");
	if (connect_to(ret, address, true) == 0)
		return 0;
	if (user && variable && connect_to(ret, variable, true) == 0)
		return 0;
	(void)err_set(err, ENOTCONN, "cannot reach %s at %s/systemd/private or over its bus%s%s",
		      user ? "the systemd of the user" : "systemd", dir, *ret->text ? ": " : "",
		      ret->text);
	err_hint(err, "--cgroup-manager cgroupfs goes without it");
	return -ENOTCONN;
}

void unit_bus_close(struct unit_bus *b)
{
	if (b->bus)
		(void)b->lib->flush_close_unref(b->bus);
	b->bus = NULL;
}

static int append_pair(struct unit_bus *b, struct sd_bus_message *call, const char *type,
		       const struct cgroup_property_pair *pair)
{
	bool text = str_equal(type, "ss");
	int r = b->lib->open_container(call, 'r', type);

	if (r >= 0)
		r = b->lib->append_basic(call, 's', pair->first);
	if (r >= 0)
		r = text ? b->lib->append_basic(call, 's', pair->second)
			 : b->lib->append_basic(call, 't', &pair->number);
	return r < 0 ? r : b->lib->close_container(call);
}

static int append_list(struct unit_bus *b, struct sd_bus_message *call,
		       const struct cgroup_property *p)
{
	uint32_t number = (uint32_t)p->number;
	const char *type = str_equal(p->type, "a(ss)")   ? "ss"
			   : str_equal(p->type, "a(st)") ? "st"
							 : NULL;
	int r = b->lib->open_container(call, 'a', p->type + 1);

	if (r >= 0 && str_equal(p->type, "au")) /* of one */
		r = b->lib->append_basic(call, 'u', &number);
	for (size_t i = 0; r >= 0 && i < p->n; i++)
		r = type ? append_pair(b, call, type, &p->pairs[i])
			 : b->lib->append_basic(call, 's', p->texts[i]);
	return r < 0 ? r : b->lib->close_container(call);
}

static int append_value(struct unit_bus *b, struct sd_bus_message *call,
			const struct cgroup_property *p)
{
	uint32_t small = (uint32_t)p->number; /* "b", "i" and "u" are 32 bits wide */

	switch (*p->type) {
	case 's':
		return b->lib->append_basic(call, 's', p->text);
	case 'b':
	case 'i':
	case 'u':
		return b->lib->append_basic(call, *p->type, &small);
	case 'd':
		return b->lib->append_basic(call, 'd', &p->real);
	case 'a':
		return str_equal(p->type, "ay") ? b->lib->append_array(call, 'y', p->bytes, p->n)
						: append_list(b, call, p);
	default:
		return b->lib->append_basic(call, *p->type, &p->number);
	}
}

int unit_bus_append(struct unit_bus *b, struct sd_bus_message *call,
		    const struct cgroup_property *property)
{
	int r = b->lib->open_container(call, 'r', "sv");

	if (r >= 0)
		r = b->lib->append_basic(call, 's', property->name);
	if (r >= 0)
		r = b->lib->open_container(call, 'v', property->type);
	if (r >= 0)
		r = append_value(b, call, property);
	if (r >= 0)
		r = b->lib->close_container(call);
	return r < 0 ? r : b->lib->close_container(call);
}

int unit_bus_wait(struct unit_bus *b, struct sd_bus_message *reply, struct err *err)
{
	long long deadline = clock_now() + TIMEOUT_MS;
	const char *job;
	int r = b->lib->read(reply, "o", &job);

	*b->result = '\0';
	if (r > 0)
		(void)snprintf(b->job, sizeof(b->job), "%s", job);
	/* Signals that came before the reply are in the queue still. */
	while (r >= 0 && !*b->result) {
		int left = clock_left(deadline);

		r = b->lib->process(b->bus, NULL);
		if (r == 0 && !left)
			return err_set(err, ETIMEDOUT, "systemd's job did not end within %d s",
				       TIMEOUT_MS / 1000);
		if (r == 0)
			r = b->lib->wait(b->bus, (uint64_t)left * 1000);
	}
	if (r < 0)
		return err_errno(err, -r, "wait for systemd's job");
	if (!str_equal(b->result, "done"))
		return err_set(err, EIO, "systemd's job ended as \"%s\"", b->result);
	return 0;
}
