/* SPDX-License-Identifier: Apache-2.0 */
/* Talks to the manager on its private socket, which exists before any bus and does not need one. */
#include "src/cgroup/unit.h"

#include "src/base/clock.h"
#include "src/cgroup/unit_properties.h"
#include "src/sys/dbus_kept.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define DESTINATION "org.freedesktop.systemd1"
#define OBJECT "/org/freedesktop/systemd1"
#define MANAGER "org.freedesktop.systemd1.Manager"
#define ERROR(name) "org.freedesktop.systemd1." name
#define NO_SUCH_UNIT ERROR("NoSuchUnit")
#define UNIT_EXISTS ERROR("UnitExists")
#define MODE "replace"

enum { JOB_MS = 30000 };

struct manager {
	struct dbus bus;
	const char *unit;
	char job[128], result[32]; /* last finished job of the unit and its result */
	char error[96];            /* name of the manager's last error, or "" */
	char text[384];            /* its message, or why it could not be reached */
};

/* An engine that finds "permission denied" or "no such file or directory" in an error blames the
 * container's command. */
static int refused(const struct manager *m, const char *what, int error, struct err *err)
{
	bool misleading = strcasestr(m->text, "permission denied") ||
			  strcasestr(m->text, "no such file or directory");
	const char *text = misleading && *m->error ? m->error : misleading ? "refused" : m->text;

	return err_set(err, -error, "systemd did not %s the unit %s: %s", what, m->unit,
		       *text ? text : err_why(-error));
}

/* The job may end before we read the reply that names it. */
static void note_job(struct manager *m, const struct dbus_message *signal)
{
	struct dbus_reader reader = dbus_open_body(signal, "uoss");
	const char *job, *unit, *result;

	if (signal->type != DBUS_SIGNAL || !str_equal(signal->interface, MANAGER) ||
	    !str_equal(signal->member, "JobRemoved"))
		return;
	(void)dbus_get_u32(&reader);
	job = dbus_get_text(&reader);
	unit = dbus_get_text(&reader);
	result = dbus_get_text(&reader);
	if (reader.bad || !str_equal(unit, m->unit))
		return;
	(void)snprintf(m->job, sizeof(m->job), "%s", job);
	(void)snprintf(m->result, sizeof(m->result), "%s", result);
}

static int no_answer(struct manager *m, int r)
{
	(void)snprintf(m->text, sizeof(m->text), "%s",
		       r == -ETIMEDOUT ? "it did not answer within 30 s"
		       : r == -EPIPE   ? "it closed the connection"
		       : r == -EBADMSG ? "its answer is not to be understood"
				       : err_why(-r));
	return r;
}

static int take_error(struct manager *m, const struct dbus_message *reply)
{
	struct dbus_reader reader = dbus_open_body(reply, "s");
	const char *text = dbus_get_text(&reader);

	(void)snprintf(m->error, sizeof(m->error), "%s", reply->error ? reply->error : "");
	(void)snprintf(m->text, sizeof(m->text), "%s", text ? text : m->error);
	return -EIO;
}

/* The reply is valid until the next call. */
static int call_object(struct manager *m, struct dbus_message *call, const struct str *body,
		       struct dbus_message *reply)
{
	int r;

	*m->error = *m->text = '\0';
	call->type = DBUS_CALL;
	call->destination = DESTINATION;
	if (body) {
		call->body = body->s;
		call->len = body->len;
	}
	r = dbus_send(&m->bus, call);
	while (r == 0) {
		r = dbus_next(&m->bus, reply);
		if (r == 0 && reply->reply_to == call->serial && reply->type == DBUS_ERROR)
			return take_error(m, reply);
		if (r == 0 && reply->reply_to == call->serial && reply->type == DBUS_REPLY)
			return 0;
		if (r == 0)
			note_job(m, reply);
	}
	return no_answer(m, r);
}

static int call(struct manager *m, const char *member, const char *types, const struct str *body,
		struct dbus_message *reply)
{
	struct dbus_message message = {
		.path = OBJECT, .interface = MANAGER, .member = member, .signature = types
	};

	return call_object(m, &message, body, reply);
}

static int call_with_name(struct manager *m, const char *member, struct dbus_message *reply)
{
	_cleanup_str_ struct str body = { 0 };

	dbus_put_text(&body, m->unit);
	return call(m, member, "s", &body, reply);
}

/* Waits for the job named in the reply. */
static int wait_for_job(struct manager *m, const struct dbus_message *reply, const char *what,
			struct err *err)
{
	struct dbus_reader reader = dbus_open_body(reply, "o");
	const char *path = dbus_get_text(&reader);
	char job[sizeof(m->job)];
	struct dbus_message message;
	int r = reader.bad ? -EBADMSG : 0;

	(void)snprintf(job, sizeof(job), "%s", path ? path : "");
	while (r == 0 && !str_equal(m->job, job)) {
		r = dbus_next(&m->bus, &message);
		if (r == 0)
			note_job(m, &message);
	}
	if (r == -ETIMEDOUT)
		return err_set(err, ETIMEDOUT,
			       "%s the unit %s: systemd's job did not end within %d s", what,
			       m->unit, JOB_MS / 1000);
	if (r < 0)
		return refused(m, what, no_answer(m, r), err);
	if (!str_equal(m->result, "done"))
		return err_set(err, EIO, "%s the unit %s: systemd's job ended as \"%s\"", what,
			       m->unit, m->result);
	return 0;
}

static int call_start(struct manager *m, const struct unit_properties *sent,
		      struct dbus_message *reply)
{
	_cleanup_str_ struct str body = { 0 };

	dbus_put_text(&body, m->unit);
	dbus_put_text(&body, MODE);
	unit_properties_put(&body, sent);
	dbus_end_array(&body, dbus_put_array(&body, '('), '('); /* no auxiliary units */
	return call(m, "StartTransientUnit", "ssa(sv)a(sa(sv))", &body, reply);
}

static int start(struct manager *m, struct unit_properties *sent, struct str *dropped,
		 struct err *err)
{
	struct dbus_message reply;
	bool reset = false;
	int r;

	while ((r = call_start(m, sent, &reply)) < 0) {
		bool exists = str_equal(m->error, UNIT_EXISTS);

		if (exists && !reset) { /* frees the name of a failed unit */
			(void)call_with_name(m, "ResetFailedUnit", &reply);
			reset = true;
		} else if (!unit_properties_drop(sent, m->error, m->text, dropped)) {
			return refused(m, "start", exists ? -EEXIST : r, err);
		}
	}
	return wait_for_job(m, &reply, "start", err);
}

static const char *text_or_empty(struct dbus_reader *reader)
{
	const char *text = dbus_get_text(reader);

	return text ? text : "";
}

static const char *interface_of(const char *unit)
{
	return str_ends(unit, ".slice")   ? "org.freedesktop.systemd1.Slice"
	       : str_ends(unit, ".scope") ? "org.freedesktop.systemd1.Scope"
					  : "org.freedesktop.systemd1.Service";
}

/* The unit's cgroup, "" if it has none. Without processes, /proc cannot tell. -ENOENT: no such
 * unit. */
static int find_group(struct manager *m, struct arena *arena, const char **ret, struct err *err)
{
	_cleanup_str_ struct str body = { 0 };
	struct dbus_message reply,
		get = { .interface = "org.freedesktop.DBus.Properties", .member = "Get" };
	struct dbus_reader reader = { 0 };
	const char *type;
	int r = call_with_name(m, "GetUnit", &reply);

	if (r == 0) {
		reader = dbus_open_body(&reply, "o");
		get.path = arena_strdup(arena, text_or_empty(&reader));
		get.signature = "ss";
		dbus_put_text(&body, interface_of(m->unit));
		dbus_put_text(&body, "ControlGroup");
		r = call_object(m, &get, &body, &reply);
	}
	if (r == 0) {
		reader = dbus_open_body(&reply, "v");
		type = dbus_get_signature(&reader);
		reader.bad = reader.bad || !str_equal(type, "s");
		*ret = arena_strdup(arena, text_or_empty(&reader));
		r = reader.bad ? no_answer(m, -EBADMSG) : 0;
	}
	if (r < 0)
		return refused(m, "tell the cgroup of",
			       str_equal(m->error, NO_SUCH_UNIT) ? -ENOENT : r, err);
	return 0;
}

static int manager_open(struct manager *m, const struct cgroup_unit_ref *unit, struct err *err)
{
	bool user = unit->manager == CGROUP_MANAGER_USER;
	_cleanup_str_ struct str path = { 0 };
	int r;

	m->unit = unit->name;
	*m->job = *m->result = *m->error = *m->text = '\0';
	str_addf(&path, "%s/systemd/private", user ? unit->runtime_dir : "/run");
	r = dbus_kept_open(path.s, DBUS_CONNECT_MS, &m->bus, err);
	m->bus.deadline = clock_now() + JOB_MS;
	if (r == 0)
		return 0;
	(void)err_prefix(err, "reach %s", user ? "the user's systemd" : "systemd");
	return err_hint(err, "--cgroup-manager cgroupfs does not need it");
}

/* A dropped property could be a limit. */
static int check_number(const struct cgroup_unit_ref *unit, size_t n, struct err *err)
{
	return n < UNIT_PROPERTIES_MAX
		       ? 0
		       : err_set(err, E2BIG, "%zu properties for the unit %s, at most %d", n,
				 unit->name, UNIT_PROPERTIES_MAX - 1);
}

int unit_start(struct arena *arena, const struct cgroup_unit *unit, pid_t pid, struct str *dropped,
	       const char **ret_path, struct err *err)
{
	const struct cgroup_property pids = { .name = "PIDs",
					      .type = "au",
					      .number = (uint64_t)pid };
	const char *wants = unit->slice;
	const struct cgroup_property above = {
		.name = "Wants", .type = "as", .texts = &wants, .n = 1
	};
	struct unit_properties sent = { 0 };
	struct manager m;
	int r = check_number(&unit->ref, unit->n_properties, err);

	if (r == 0)
		r = manager_open(&m, &unit->ref, err);
	*ret_path = NULL;
	if (r < 0)
		return r;
	unit_properties_collect(&sent, unit->is_slice ? &above : &pids, 1);
	unit_properties_collect(&sent, unit->properties, unit->n_properties);
	r = start(&m, &sent, dropped, err);
	if (r == 0 && unit->is_slice)
		r = find_group(&m, arena, ret_path, err);
	dbus_close(&m.bus);
	return r;
}

static int call_set(struct manager *m, const struct unit_properties *sent)
{
	_cleanup_str_ struct str body = { 0 };
	struct dbus_message reply;

	dbus_put_text(&body, m->unit);
	dbus_put_u32(&body, true); /* runtime: until the unit stops */
	unit_properties_put(&body, sent);
	return call(m, "SetUnitProperties", "sba(sv)", &body, &reply);
}

int unit_set(const struct cgroup_unit_ref *unit, const struct cgroup_property *properties, size_t n,
	     struct str *dropped, struct err *err)
{
	struct unit_properties sent = { 0 };
	struct manager m;
	int r = check_number(unit, n, err);

	if (r == 0 && n)
		r = manager_open(&m, unit, err);
	if (r < 0 || !n)
		return r;
	unit_properties_collect(&sent, properties, n);
	do
		r = call_set(&m, &sent);
	while (r < 0 && unit_properties_drop(&sent, m.error, m.text, dropped));
	if (r < 0)
		r = refused(&m, "change", r, err);
	dbus_close(&m.bus);
	return r;
}

static int kill_all(struct manager *m)
{
	_cleanup_str_ struct str body = { 0 };
	struct dbus_message reply;

	dbus_put_text(&body, m->unit);
	dbus_put_text(&body, "all");
	dbus_put_u32(&body, SIGKILL);
	return call(m, "KillUnit", "ssi", &body, &reply);
}

static int stop(struct manager *m, struct err *err)
{
	_cleanup_str_ struct str body = { 0 };
	struct dbus_message reply;
	int r = kill_all(m); /* SIGTERM alone could take up to 90 s */

	dbus_put_text(&body, m->unit);
	dbus_put_text(&body, MODE);
	if (r == 0 || (*m->error && !str_equal(m->error, NO_SUCH_UNIT)))
		r = call(m, "StopUnit", "ss", &body, &reply);
	if (r < 0 && str_equal(m->error, NO_SUCH_UNIT))
		return 0;
	if (r < 0)
		return refused(m, "stop", r, err);
	r = wait_for_job(m, &reply, "stop", err);
	(void)call_with_name(m, "ResetFailedUnit", &reply);
	return r;
}

/* -ENOENT: there is no manager, so none of its units is left. */
static int manager_find(struct manager *m, const struct cgroup_unit_ref *unit, struct err *err)
{
	struct err gone = { 0 };
	int r = manager_open(m, unit, &gone);

	if (r == -ENOENT || r == -ECONNREFUSED)
		return -ENOENT;
	if (r < 0)
		*err = gone;
	return r;
}

int unit_group(struct arena *arena, const struct cgroup_unit_ref *unit, const char **ret,
	       struct err *err)
{
	struct err why = { 0 };
	struct manager m;
	int r = manager_find(&m, unit, err);

	if (r < 0)
		return r;
	r = find_group(&m, arena, ret, &why);
	if (r < 0 && r != -ENOENT)
		*err = why;
	dbus_close(&m.bus);
	return r;
}

int unit_stop(const struct cgroup_unit_ref *unit, struct err *err)
{
	struct manager m;
	int r = manager_find(&m, unit, err);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	r = stop(&m, err);
	dbus_close(&m.bus);
	return r;
}

int unit_attach(const struct cgroup_unit_ref *unit, const char *subgroup, pid_t pid,
		struct err *err)
{
	_cleanup_str_ struct str body = { 0 };
	struct dbus_message reply;
	struct manager m;
	int r = manager_open(&m, unit, err);
	size_t array;

	if (r < 0)
		return r;
	dbus_put_text(&body, unit->name);
	dbus_put_text(&body, subgroup ? subgroup : "");
	array = dbus_put_array(&body, 'u');
	dbus_put_u32(&body, (uint32_t)pid);
	dbus_end_array(&body, array, 'u');
	r = call(&m, "AttachProcessesToUnit", "ssau", &body, &reply);
	if (r < 0)
		r = refused(&m, "take a process into", r, err);
	dbus_close(&m.bus);
	return r;
}
