/* SPDX-License-Identifier: Apache-2.0 */
#include "src/plan/plan_cgroup.h"

#include "src/base/str.h"

#include <string.h>

struct list {
	struct cgroup_device_rule *v;
	size_t n;
};

/* Any device node may be created; using it is another matter. Then the devices of config-linux.md
 * ("Default Devices"), terminals, and tun, as in crun and runc. */
static const struct cgroup_device_rule always[] = {
	{ .type = 'c',
	  .major = CGROUP_DEVICE_ANY,
	  .minor = CGROUP_DEVICE_ANY,
	  .access = CGROUP_ACCESS_MKNOD },
	{ .type = 'b',
	  .major = CGROUP_DEVICE_ANY,
	  .minor = CGROUP_DEVICE_ANY,
	  .access = CGROUP_ACCESS_MKNOD },
	{ .type = 'c', .major = 1, .minor = 3, .access = CGROUP_ACCESS_ALL }, /* null */
	{ .type = 'c', .major = 1, .minor = 5, .access = CGROUP_ACCESS_ALL }, /* zero */
	{ .type = 'c', .major = 1, .minor = 7, .access = CGROUP_ACCESS_ALL }, /* full */
	{ .type = 'c', .major = 1, .minor = 8, .access = CGROUP_ACCESS_ALL }, /* random */
	{ .type = 'c', .major = 1, .minor = 9, .access = CGROUP_ACCESS_ALL }, /* urandom */
	{ .type = 'c', .major = 5, .minor = 0, .access = CGROUP_ACCESS_ALL }, /* tty */
	{ .type = 'c', .major = 5, .minor = 1, .access = CGROUP_ACCESS_ALL }, /* console */
	{ .type = 'c', .major = 5, .minor = 2, .access = CGROUP_ACCESS_ALL }, /* ptmx */
	{ .type = 'c',
	  .major = 136,
	  .minor = CGROUP_DEVICE_ANY,
	  .access = CGROUP_ACCESS_ALL },                                         /* pts */
	{ .type = 'c', .major = 10, .minor = 200, .access = CGROUP_ACCESS_ALL }, /* tun */
};
enum { N_ALWAYS = sizeof(always) / sizeof(always[0]) };

static uint32_t number(const struct json_int *n)
{
	return !n->set || n->v < 0 ? CGROUP_DEVICE_ANY : (uint32_t)n->v;
}

static unsigned int access_mask(const char *text)
{
	unsigned int mask = 0;

	for (const char *c = text ? text : ""; *c; c++)
		mask |= *c == 'm'   ? CGROUP_ACCESS_MKNOD
			: *c == 'r' ? CGROUP_ACCESS_READ
				    : CGROUP_ACCESS_WRITE;
	return mask ? mask : (unsigned int)CGROUP_ACCESS_ALL;
}

static bool is_all(const struct cgroup_device_rule *rule)
{
	return rule->major == CGROUP_DEVICE_ANY && rule->minor == CGROUP_DEVICE_ANY &&
	       rule->access == CGROUP_ACCESS_ALL;
}

/* To the kernel "a" means all devices and accesses; with a number or fewer accesses it becomes two
 * rules. */
static void add_config_rule(struct list *list, const struct oci_device_rule *from, const char *path)
{
	struct cgroup_device_rule rule = {
		.allow = from->allow.v,
		.type = from->type ? *from->type : 'a',
		.major = number(&from->major),
		.minor = number(&from->minor),
		.access = access_mask(from->access),
		.required = true,
		.json_path = path,
	};

	if (rule.type == 'a' && !is_all(&rule)) {
		rule.type = 'b';
		list->v[list->n++] = rule;
		rule.type = 'c';
	}
	list->v[list->n++] = rule;
}

void plan_device_rules_build(struct arena *arena, const struct oci_resources *resources,
			     const struct cgroup_device_rule **ret, size_t *ret_n)
{
	size_t n = resources ? resources->devices.n : 0;
	struct list list = { .v = arena_array(arena, 2 * n + N_ALWAYS + 1, sizeof(*list.v)) };

	list.v[list.n++] = (struct cgroup_device_rule){
		.type = 'a',
		.major = CGROUP_DEVICE_ANY,
		.minor = CGROUP_DEVICE_ANY,
		.access = CGROUP_ACCESS_ALL,
		.required = true,
		.json_path = "linux.resources.devices",
	};
	for (size_t i = 0; i < n; i++)
		add_config_rule(&list, &resources->devices.v[i],
				arena_strf(arena, "linux.resources.devices[%zu]", i));
	for (size_t i = 0; i < N_ALWAYS; i++) {
		list.v[list.n] = always[i];
		list.v[list.n].allow = true;
		list.v[list.n++].json_path = "the devices of every container";
	}
	*ret = list.v;
	*ret_n = list.n;
}

static bool number_covers(uint32_t a, uint32_t b)
{
	return a == CGROUP_DEVICE_ANY || a == b;
}

static bool number_meets(uint32_t a, uint32_t b)
{
	return number_covers(a, b) || b == CGROUP_DEVICE_ANY;
}

static bool covers(const struct cgroup_device_rule *a, const struct cgroup_device_rule *b)
{
	return a->type == b->type && number_covers(a->major, b->major) &&
	       number_covers(a->minor, b->minor);
}

static bool meets(const struct cgroup_device_rule *a, const struct cgroup_device_rule *b)
{
	return a->type == b->type && number_meets(a->major, b->major) &&
	       number_meets(a->minor, b->minor) && (a->access & b->access);
}

/* A rule that repeats the default cancels exceptions for its devices. One of ours gives way to the
 * config's if v1 cannot express both. */
static int take_back(struct arena *arena, struct list *list, const struct cgroup_device_rule *rule,
		     struct err *err)
{
	size_t kept = 1;

	for (size_t i = 1; i < list->n; i++) {
		struct cgroup_device_rule e = list->v[i];

		if (covers(rule, &e)) {
			e.access &= ~rule->access;
		} else if (meets(rule, &e) && rule->required) {
			(void)err_set(err, ENOTSUP,
				      ERR_AT "%s: cgroup v1 cannot %s \"%s\" out of \"%s\" (%s)",
				      rule->json_path, rule->allow ? "allow" : "deny",
				      plan_device_rules_text(arena, rule),
				      plan_device_rules_text(arena, &e), e.json_path);
			return err_hint(
				err,
				"name the devices of %s one by one; on a host with cgroup v2 the "
				"list works "
				"as it is",
				e.json_path);
		}
		if (e.access)
			list->v[kept++] = e;
	}
	list->n = kept;
	return 0;
}

static void add_exception(struct list *list, const struct cgroup_device_rule *rule)
{
	for (size_t i = 1; i < list->n; i++) {
		struct cgroup_device_rule *e = &list->v[i];

		if (e->type != rule->type || e->major != rule->major || e->minor != rule->minor)
			continue;
		e->access |= rule->access;
		return;
	}
	list->v[list->n++] = *rule;
}

int plan_device_rules_v1(struct arena *arena, const struct cgroup_device_rule *rules, size_t n,
			 const struct cgroup_device_rule **ret, size_t *ret_n, struct err *err)
{
	struct list list = { .v = arena_array(arena, n, sizeof(*list.v)) };

	for (size_t i = 0; i < n; i++) {
		int r = 0;

		if (rules[i].type == 'a') {
			list.v[0] = rules[i];
			list.n = 1;
		} else if (rules[i].allow == list.v[0].allow) {
			r = take_back(arena, &list, &rules[i], err);
		} else {
			add_exception(&list, &rules[i]);
		}
		if (r < 0)
			return r;
	}
	*ret = list.v;
	*ret_n = list.n;
	return 0;
}

static const char *number_text(struct arena *arena, uint32_t n)
{
	return n == CGROUP_DEVICE_ANY ? "*" : arena_strf(arena, "%u", n);
}

const char *plan_device_rules_text(struct arena *arena, const struct cgroup_device_rule *rule)
{
	if (rule->type == 'a')
		return "a";
	return arena_strf(arena, "%c %s:%s %s%s%s", rule->type, number_text(arena, rule->major),
			  number_text(arena, rule->minor),
			  rule->access & CGROUP_ACCESS_READ ? "r" : "",
			  rule->access & CGROUP_ACCESS_WRITE ? "w" : "",
			  rule->access & CGROUP_ACCESS_MKNOD ? "m" : "");
}
