/* SPDX-License-Identifier: Apache-2.0 */
#include "src/helper/unit_call.h"

#include "src/helper/unit_bus.h"

#include <signal.h>
#include <string.h>

#define ERROR(name) "org.freedesktop.systemd1." name
#define NO_SUCH_UNIT ERROR("NoSuchUnit")
#define UNIT_EXISTS ERROR("UnitExists")
#define READ_ONLY "org.freedesktop.DBus.Error.PropertyReadOnly"
#define NO_PROPERTY "org.freedesktop.DBus.Error.UnknownProperty"
#define MODE "replace"

enum { MAX_PROPERTIES = 128 };

/* What is sent: the properties without those that this systemd does not know. */
struct sent {
	const struct cgroup_property *v[MAX_PROPERTIES];
	size_t n;
};

/* The words "permission denied" and "no such file or directory" would tell an engine that the container's own
 * command is at fault. */
static int refused(const struct unit_bus *b, const char *what, const char *unit, int error,
		   struct err *err)
{
	bool misleading = strcasestr(b->text, "permission denied") ||
			  strcasestr(b->text, "no such file or directory");
	const char *text = misleading && *b->error ? b->error : misleading ? "refused" : b->text;

	return err_set(err, error < 0 ? -error : EIO, "systemd does not %s the unit %s: %s", what,
		       unit, *text ? text : err_why(error < 0 ? -error : EIO));
}

static void collect(struct sent *sent, const struct cgroup_property *v, size_t n)
{
	for (size_t i = 0; i < n && sent->n < MAX_PROPERTIES; i++)
		sent->v[sent->n++] = &v[i];
}

static bool has_word(const char *text, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = text; (at = strstr(at, word)); at += len)
		if ((at == text || strchr(" '\"", at[-1])) && strchr(" ,.'\":", at[len]))
			return true;
	return false;
}

/* Takes out the one that the last error names: true if the call can be tried without it. */
static bool drop_unknown(const struct unit_bus *b, struct sent *sent, struct str *dropped)
{
	static const char *const needed[] = { "PIDs", "Slice", "Delegate" };

	if (!str_equal(b->error, READ_ONLY) && !str_equal(b->error, NO_PROPERTY))
		return false;
	for (size_t i = 0; i < sent->n; i++) {
		bool keep = !has_word(b->text, sent->v[i]->name);

		for (size_t k = 0; k < sizeof(needed) / sizeof(needed[0]); k++)
			keep = keep || str_equal(sent->v[i]->name, needed[k]);
		if (keep)
			continue;
		str_addf(dropped, "%s%s", dropped->len ? ", " : "", sent->v[i]->name);
		memmove(&sent->v[i], &sent->v[i + 1], (sent->n - i - 1) * sizeof(sent->v[0]));
		sent->n--;
		return true;
	}
	return false;
}

static int append_all(struct unit_bus *b, struct sd_bus_message *call, const struct sent *sent)
{
	int r = b->lib->open_container(call, 'a', "(sv)");

	for (size_t i = 0; r >= 0 && i < sent->n; i++)
		r = unit_bus_append(b, call, sent->v[i]);
	return r < 0 ? r : b->lib->close_container(call);
}

static int call_start(struct unit_bus *b, const char *name, const struct sent *sent,
		      struct sd_bus_message **ret)
{
	struct sd_bus_message *call;
	int r = unit_bus_method(b, "StartTransientUnit", &call);

	if (r < 0)
		return r;
	r = b->lib->append_basic(call, 's', name);
	if (r >= 0)
		r = b->lib->append_basic(call, 's', MODE);
	if (r >= 0)
		r = append_all(b, call, sent);
	if (r >= 0) /* no units besides it */
		r = b->lib->open_container(call, 'a', "(sa(sv))");
	if (r >= 0)
		r = b->lib->close_container(call);
	if (r >= 0)
		return unit_bus_call(b, call, ret);
	(void)b->lib->message_unref(call);
	return r;
}

static int start(struct unit_bus *b, const char *name, struct sent *sent, struct str *dropped,
		 struct err *err)
{
	struct sd_bus_message *reply = NULL;
	bool reset = false;
	int r;

	for (;;) {
		r = call_start(b, name, sent, &reply);
		if (r >= 0)
			break;
		if (str_equal(b->error, UNIT_EXISTS) && !reset) {
			/* one that has failed is kept by its name only */
			(void)unit_bus_simple(b, "ResetFailedUnit", &name, 1, NULL);
			reset = true;
			continue;
		}
		if (!drop_unknown(b, sent, dropped))
			return refused(b, "start", name,
				       str_equal(b->error, UNIT_EXISTS) ? -EEXIST : r, err);
	}
	r = unit_bus_wait(b, reply, err);
	(void)b->lib->message_unref(reply);
	return r < 0 ? err_prefix(err, "start the unit %s", name) : 0;
}

/* Where a slice is; no process in it could tell. */
static int control_group(struct unit_bus *b, struct arena *arena, const char *name,
			 const char **ret, struct err *err)
{
	static const char *const names[] = { "org.freedesktop.systemd1.Slice", "ControlGroup" };
	struct sd_bus_message *reply = NULL, *call, *answer = NULL;
	const char *text = NULL;
	int r = unit_bus_simple(b, "GetUnit", &name, 1, &reply);

	if (r >= 0)
		r = b->lib->read(reply, "o", &text);
	if (r >= 0)
		r = b->lib->new_method_call(b->bus, &call, "org.freedesktop.systemd1", text,
					    "org.freedesktop.DBus.Properties", "Get");
	for (size_t i = 0; r >= 0 && i < 2; i++)
		r = b->lib->append_basic(call, 's', names[i]);
	if (r >= 0)
		r = unit_bus_call(b, call, &answer);
	if (r >= 0)
		r = b->lib->read(answer, "v", "s", &text);
	if (r >= 0)
		*ret = arena_strdup(arena, text);
	(void)b->lib->message_unref(reply);
	(void)b->lib->message_unref(answer);
	return r < 0 ? refused(b, "tell the cgroup of", name, r, err) : 0;
}

static int start_unit(struct unit_bus *b, struct arena *arena, const struct unit_request *request,
		      struct unit_answer *ret, struct err *err)
{
	const struct cgroup_unit *unit = &request->unit;
	const struct cgroup_property pids = { .name = "PIDs",
					      .type = "au",
					      .number = (uint64_t)request->pid };
	const char *wants = unit->slice;
	const struct cgroup_property above = {
		.name = "Wants", .type = "as", .texts = &wants, .n = 1
	};
	struct sent sent = { 0 };
	int r;

	collect(&sent, unit->is_slice ? &above : &pids, 1);
	collect(&sent, unit->properties, unit->n_properties);
	r = start(b, unit->ref.name, &sent, &ret->dropped, err);
	return r == 0 && unit->is_slice ? control_group(b, arena, unit->ref.name, &ret->path, err)
					: r;
}

static int call_set(struct unit_bus *b, const char *name, const struct sent *sent)
{
	static const uint32_t runtime = 1;
	struct sd_bus_message *call;
	int r = unit_bus_method(b, "SetUnitProperties", &call);

	if (r < 0)
		return r;
	r = b->lib->append_basic(call, 's', name);
	if (r >= 0)
		r = b->lib->append_basic(call, 'b', &runtime);
	if (r >= 0)
		r = append_all(b, call, sent);
	if (r >= 0)
		return unit_bus_call(b, call, NULL);
	(void)b->lib->message_unref(call);
	return r;
}

static int set(struct unit_bus *b, const struct cgroup_unit *unit, struct unit_answer *ret,
	       struct err *err)
{
	struct sent sent = { 0 };
	int r;

	collect(&sent, unit->properties, unit->n_properties);
	do
		r = call_set(b, unit->ref.name, &sent);
	while (r < 0 && drop_unknown(b, &sent, &ret->dropped));
	return r < 0 ? refused(b, "change", unit->ref.name, r, err) : 0;
}

static int kill_all(struct unit_bus *b, const char *name)
{
	static const int32_t signal = SIGKILL;
	struct sd_bus_message *call;
	int r = unit_bus_method(b, "KillUnit", &call);

	if (r < 0)
		return r;
	r = b->lib->append_basic(call, 's', name);
	if (r >= 0)
		r = b->lib->append_basic(call, 's', "all");
	if (r >= 0)
		r = b->lib->append_basic(call, 'i', &signal);
	if (r >= 0)
		return unit_bus_call(b, call, NULL);
	(void)b->lib->message_unref(call);
	return r;
}

static int stop(struct unit_bus *b, const char *name, struct err *err)
{
	const char *const texts[] = { name, MODE };
	struct sd_bus_message *reply = NULL;
	int r = kill_all(b, name); /* SIGTERM alone would be waited for, up to 90 s */

	if (r < 0 && str_equal(b->error, NO_SUCH_UNIT))
		return 0;
	r = unit_bus_simple(b, "StopUnit", texts, 2, &reply);
	if (r < 0 && str_equal(b->error, NO_SUCH_UNIT))
		return 0;
	if (r < 0)
		return refused(b, "stop", name, r, err);
	r = unit_bus_wait(b, reply, err);
	(void)b->lib->message_unref(reply);
	(void)unit_bus_simple(b, "ResetFailedUnit", &name, 1, NULL);
	return r < 0 ? err_prefix(err, "stop the unit %s", name) : 0;
}

static int attach(struct unit_bus *b, const struct unit_request *request, struct err *err)
{
	const uint32_t number = (uint32_t)request->pid;
	const char *name = request->unit.ref.name, *subgroup = request->unit.subgroup;
	struct sd_bus_message *call;
	int r = unit_bus_method(b, "AttachProcessesToUnit", &call);

	if (r >= 0)
		r = b->lib->append_basic(call, 's', name);
	if (r >= 0)
		r = b->lib->append_basic(call, 's', subgroup ? subgroup : "");
	if (r >= 0)
		r = b->lib->append_array(call, 'u', &number, sizeof(number));
	if (r >= 0)
		r = unit_bus_call(b, call, NULL);
	return r < 0 ? refused(b, "take a process into", name, r, err) : 0;
}

static int dispatch(struct unit_bus *b, struct arena *arena, const struct unit_request *request,
		    struct unit_answer *ret, struct err *err)
{
	switch (request->op) {
	case UNIT_OP_START:
		return start_unit(b, arena, request, ret, err);
	case UNIT_OP_SET:
		return set(b, &request->unit, ret, err);
	case UNIT_OP_STOP:
		return stop(b, request->unit.ref.name, err);
	case UNIT_OP_ATTACH:
		return attach(b, request, err);
	}
	return err_set(err, EINVAL, "unknown request %d", (int)request->op);
}

int unit_call(struct arena *arena, const struct unit_request *request, struct unit_answer *ret,
	      struct err *err)
{
	struct unit_bus b;
	int r = unit_bus_open(&request->unit.ref, &b, err);

	*ret = (struct unit_answer){ 0 };
	if (r == -ENOTCONN && request->op == UNIT_OP_STOP)
		return 0; /* its units have ended with it */
	if (r < 0)
		return r;
	r = dispatch(&b, arena, request, ret, err);
	unit_bus_close(&b);
	return r;
}
