/* SPDX-License-Identifier: Apache-2.0 */
/* Limits: the writes that were planned, and the device rules of v1. */
#include "src/cgroup/driver_priv.h"

#include "src/base/io.h"
#include "src/base/str.h"

#include <stdio.h>
#include <string.h>

/* What every container needs and no rule list may take away: nodes may be made, the default devices
 * used (config-linux.md "Default Devices", pseudo terminals, tun). */
static const char *const device_defaults[] = {
	"c *:* m",   "b *:* m",   "c 1:3 rwm", "c 1:5 rwm",   "c 1:7 rwm",  "c 1:8 rwm",
	"c 1:9 rwm", "c 5:0 rwm", "c 5:1 rwm", "c 136:* rwm", "c 5:2 rwm", "c 10:200 rwm",
};

static void device_number(char *text, size_t size, const struct json_int *n)
{
	if (!n->set || n->v < 0)
		(void)snprintf(text, size, "*");
	else
		(void)snprintf(text, size, "%lld", (long long)n->v);
}

static int write_rule(int fd, const struct oci_device_rule *rule, size_t i, struct err *err)
{
	const char *type = rule->type ? rule->type : "a", *file = rule->allow.v ? "devices.allow" :
										  "devices.deny";
	char major[24], minor[24], text[96];
	int r;

	device_number(major, sizeof(major), &rule->major);
	device_number(minor, sizeof(minor), &rule->minor);
	if (str_equal(type, "a")) /* the kernel knows "all" only as a whole */
		(void)snprintf(text, sizeof(text), "a");
	else
		(void)snprintf(text, sizeof(text), "%s %s:%s %s", type, major, minor,
			       rule->access && *rule->access ? rule->access : "rwm");
	r = io_write_at(fd, file, text);
	if (r < 0)
		return err_errno(err, -r, "config.json: linux.resources.devices[%zu]: write \"%s\" to %s", i, text,
				 file);
	return 0;
}

static int apply_devices(const struct cgroup *cgroup, const struct cgroup_plan *plan, struct err *err)
{
	int dir = driver_priv_find(cgroup, "devices");

	if (dir < 0)
		return 0;
	for (size_t i = 0; i < plan->resources->devices.n; i++) {
		int r = write_rule(cgroup->fds[dir], &plan->resources->devices.v[i], i, err);

		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < sizeof(device_defaults) / sizeof(device_defaults[0]); i++) {
		int r = io_write_at(cgroup->fds[dir], "devices.allow", device_defaults[i]);

		if (r < 0)
			return err_errno(err, -r, "allow the default device \"%s\"", device_defaults[i]);
	}
	return 0;
}

static int dir_of(const struct cgroup *cgroup, const struct cgroup_write *w)
{
	return cgroup->kind == CGROUP_DRIVER_V2 ? driver_priv_v2(cgroup) :
						  driver_priv_find(cgroup, w->controller);
}

int driver_apply(const struct cgroup *cgroup, const struct cgroup_plan *plan, struct err *err)
{
	for (size_t i = 0; i < plan->n_writes; i++) {
		const struct cgroup_write *w = &plan->writes[i];
		int dir = dir_of(cgroup, w), r;

		if (dir < 0)
			return err_set(err, ENODEV, "config.json: %s: the requested cgroup controller `%s` is not "
				       "available on this host", w->json_path, w->controller);
		r = io_write_at(cgroup->fds[dir], w->file, w->value);
		if (r < 0 && w->required) {
			(void)err_errno(err, -r, "config.json: %s: write \"%s\" to %s%s/%s", w->json_path, w->value,
					cgroup->dirs[dir].mount, cgroup->dirs[dir].path, w->file);
			if (r == -ENOENT)
				err_hint(err, "the controller %s is not enabled for this group, or the kernel is "
					 "built without this limit", w->controller);
			return r;
		}
	}
	return plan->limit_devices ? apply_devices(cgroup, plan, err) : 0;
}
