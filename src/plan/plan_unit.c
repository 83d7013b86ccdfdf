/* SPDX-License-Identifier: Apache-2.0 */
/* The limits of a unit are derived from the writes to cgroup files, so that both agree: systemd
 * applies its properties again whenever it reloads. It leaves files alone for which it has no
 * property. */
#include "src/plan/plan_cgroup.h"

#include "src/base/parse.h"
#include "src/base/str.h"

#include <string.h>

enum { UNIT_NAME_MAX = 255, MAX_CPUS = 8192 };

struct list {
	struct arena *arena;
	struct cgroup_property *v;
	size_t n, cap;
};

static struct cgroup_property *find(struct list *list, const char *name)
{
	for (size_t i = 0; i < list->n; i++)
		if (str_equal(list->v[i].name, name))
			return &list->v[i];
	return NULL;
}

/* Adds a property; replaces an earlier one of the same name. */
static struct cgroup_property *put(struct list *list, const struct cgroup_property *property)
{
	struct cgroup_property *p = find(list, property->name);

	if (!p) {
		list->v = arena_room(list->arena, list->v, list->n, &list->cap, sizeof(*list->v));
		p = &list->v[list->n++];
	}
	*p = *property;
	return p;
}

static void put_number(struct list *list, const char *name, const char *type, uint64_t number,
		       const char *from)
{
	(void)put(list, &(struct cgroup_property){
				.name = name, .type = type, .number = number, .from = from });
}

static void put_text(struct list *list, const char *name, const char *text)
{
	(void)put(list, &(struct cgroup_property){ .name = name, .type = "s", .text = text });
}

bool plan_unit_is_path(const char *wanted)
{
	return wanted && *wanted && *wanted != '/' && strchr(wanted, ':');
}

/* Unit names consist of letters, digits, ":", "-", "_", "." and "\"; "@" has a special meaning. */
static char *escape(struct arena *arena, const char *text)
{
	char *out = arena_alloc(arena, 4 * strlen(text) + 1), *to = out;
	static const char hex[] = "0123456789abcdef";

	for (const char *c = text; *c; c++) {
		bool plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
			     (*c >= '0' && *c <= '9') || strchr(":-_.", *c);

		if (plain && !(c == text && *c == '.')) {
			*to++ = *c;
			continue;
		}
		*to++ = '\\';
		*to++ = 'x';
		*to++ = hex[(unsigned char)*c >> 4];
		*to++ = hex[*c & 15];
	}
	return out;
}

static int bad_path(const char *wanted, const char *rule, struct err *err)
{
	(void)err_set(err, EINVAL, ERR_AT "linux.cgroupsPath: %s, got \"%s\"", rule, wanted);
	return err_hint(
		err, "the systemd driver takes slice:prefix:name, such as system.slice:usrun:web "
		     "for usrun-web.scope; --cgroup-manager cgroupfs takes paths");
}

/* Checks the parent slice. By its name, "a-b.slice" lies in "a.slice"; "-" and "-.slice" are the
 * root. */
static int check_slice(const char *slice, const char *wanted, struct err *err)
{
	size_t len = strlen(slice);

	if (str_equal(slice, "-.slice"))
		return 0;
	if (len <= 6 || !str_ends(slice, ".slice") || *slice == '-' || slice[len - 7] == '-' ||
	    strchr(slice, '/') || strstr(slice, "--") || len > UNIT_NAME_MAX)
		return bad_path(wanted, "expected the name of a slice before the first \":\"", err);
	return 0;
}

static int split_path(struct arena *arena, const char *wanted, struct cgroup_unit *unit,
		      struct err *err)
{
	const char *first = strchr(wanted, ':'), *second = first ? strchr(first + 1, ':') : NULL;
	const char *prefix, *name;

	if (!second || strchr(second + 1, ':') || !second[1])
		return bad_path(wanted, "expected slice:prefix:name", err);
	if (first > wanted)
		unit->slice = arena_strndup(arena, wanted, (size_t)(first - wanted));
	if (str_equal(unit->slice, "-"))
		unit->slice = "-.slice";
	prefix = arena_strndup(arena, first + 1, (size_t)(second - first - 1));
	name = second + 1;
	unit->is_slice = str_ends(name, ".slice");
	unit->ref.name = unit->is_slice ? name
			 : *prefix      ? arena_strf(arena, "%s-%s.scope", escape(arena, prefix),
						     escape(arena, name))
					: arena_strf(arena, "%s.scope", escape(arena, name));
	return unit->is_slice ? check_slice(name, wanted, err) : 0;
}

int plan_unit_name(struct arena *arena, const struct plan_unit_request *request,
		   struct cgroup_unit *ret, struct err *err)
{
	struct cgroup_unit unit = {
		.ref = { .manager = request->manager, .runtime_dir = request->runtime_dir },
		.slice = request->manager == CGROUP_MANAGER_USER ? "user.slice" : "system.slice",
	};
	int r = 0;

	if (request->wanted && *request->wanted)
		r = split_path(arena, request->wanted, &unit, err);
	else
		unit.ref.name = arena_strf(arena, "usrun-%s.scope", escape(arena, request->id));
	if (r == 0)
		r = check_slice(unit.slice, request->wanted, err);
	if (r == 0 && strlen(unit.ref.name) > UNIT_NAME_MAX)
		r = err_set(
			err, ENAMETOOLONG,
			"the unit name %.60s... is longer than the %d bytes that systemd allows",
			unit.ref.name, UNIT_NAME_MAX);
	if (r == 0)
		*ret = unit;
	return r;
}

enum form { NUMBER, LIMIT, TASKS, RATIO, SET, IDLE, IO_WEIGHT, QUOTA_US, OOM_GROUP };

/* The files for which systemd has a property; their names differ between the layouts. */
static const struct {
	char file[24], property[20];
	enum form form;
} table[] = {
	{ "memory.max", "MemoryMax", LIMIT },
	{ "memory.low", "MemoryLow", LIMIT },
	{ "memory.min", "MemoryMin", LIMIT },
	{ "memory.high", "MemoryHigh", LIMIT },
	{ "memory.swap.max", "MemorySwapMax", LIMIT },
	{ "memory.zswap.max", "MemoryZSwapMax", LIMIT },
	{ "memory.limit_in_bytes", "MemoryLimit", LIMIT },
	{ "memory.oom.group", "OOMPolicy", OOM_GROUP },
	{ "pids.max", "TasksMax", TASKS },
	{ "cpu.weight", "CPUWeight", NUMBER },
	{ "cpu.idle", "CPUWeight", IDLE },
	{ "cpu.shares", "CPUShares", NUMBER },
	{ "cpu.max", "CPUQuotaPerSecUSec", RATIO },
	{ "cpu.cfs_quota_us", "CPUQuotaPerSecUSec", QUOTA_US },
	{ "cpuset.cpus", "AllowedCPUs", SET },
	{ "cpuset.mems", "AllowedMemoryNodes", SET },
	{ "io.weight", "IOWeight", NUMBER },
	{ "io.bfq.weight", "IOWeight", IO_WEIGHT },
	{ "blkio.weight", "BlockIOWeight", NUMBER },
};

static int parse_limit(const char *text, uint64_t *ret)
{
	if (str_equal(text, "max") || str_equal(text, "-1")) {
		*ret = UINT64_MAX;
		return 0;
	}
	return parse_u64(text, ret);
}

/* Microseconds of CPU time per second, rounded up, so that systemd's division returns the quota. */
static uint64_t per_second(uint64_t quota, uint64_t period)
{
	return quota / period * 1000000 + (quota % period * 1000000 + period - 1) / period;
}

static void put_quota(struct list *list, const char *quota_text, uint64_t period, const char *from)
{
	uint64_t quota;

	if (!period || parse_limit(quota_text, &quota) < 0)
		return;
	put_number(list, "CPUQuotaPerSecUSec", "t",
		   quota == UINT64_MAX ? quota : per_second(quota, period), from);
	put_number(list, "CPUQuotaPeriodUSec", "t", period, from);
}

/* Converts "0-2,5" for systemd: bit n of the bytes stands for CPU n. */
static void put_set(struct list *list, const char *property, const struct cgroup_write *w)
{
	uint8_t *bytes = arena_alloc(list->arena, MAX_CPUS / 8);
	const char *at = w->value;
	size_t n = 0;

	while (*at) {
		size_t len = strcspn(at, ",");
		char *first = arena_strndup(list->arena, at, len), *dash = strchr(first, '-');
		uint64_t low, high;

		if (dash)
			*dash = '\0';
		if (parse_u64_range(first, 0, MAX_CPUS - 1, &low) < 0 ||
		    parse_u64_range(dash ? dash + 1 : first, low, MAX_CPUS - 1, &high) < 0)
			return; /* the kernel reports what is wrong with it */
		for (uint64_t i = low; i <= high; i++)
			bytes[i / 8] |= (uint8_t)(1U << (i % 8));
		n = high / 8 + 1 > n ? high / 8 + 1 : n;
		at += len + (at[len] == ',');
	}
	(void)put(list, &(struct cgroup_property){ .name = property,
						   .type = "ay",
						   .bytes = bytes,
						   .n = n,
						   .from = w->json_path });
}

static uint64_t v1_period(const struct cgroup_write *writes, size_t n)
{
	uint64_t period = 100000;

	for (size_t i = 0; i < n; i++)
		if (str_equal(writes[i].file, "cpu.cfs_period_us") &&
		    parse_u64(writes[i].value, &period) < 0)
			return 0;
	return period;
}

static void put_max(struct list *list, const struct cgroup_write *w)
{
	const char *blank = strchr(w->value, ' ');
	uint64_t period = 0;

	if (blank && parse_u64(blank + 1, &period) == 0)
		put_quota(list, arena_strndup(list->arena, w->value, (size_t)(blank - w->value)),
			  period, w->json_path);
}

static void put_pair(struct list *list, const char *name, const char *type,
		     const struct cgroup_property_pair *pair, const char *from)
{
	struct cgroup_property *p = find(list, name);
	struct cgroup_property_pair *pairs;

	if (!p)
		p = put(list,
			&(struct cgroup_property){ .name = name, .type = type, .from = from });
	pairs = arena_grow(list->arena, p->pairs, p->n, p->n + 1, sizeof(*pairs));
	pairs[p->n] = *pair;
	p->pairs = pairs;
	p->n++;
}

/* Parses "8:0 rbps=100" or "8:0 100": one device and one rate. */
static void put_throttle(struct list *list, const struct cgroup_write *w)
{
	static const struct {
		const char *v1, *v2, *property;
	} rates[] = {
		{ "blkio.throttle.read_bps_device", "rbps=", "IOReadBandwidthMax" },
		{ "blkio.throttle.write_bps_device", "wbps=", "IOWriteBandwidthMax" },
		{ "blkio.throttle.read_iops_device", "riops=", "IOReadIOPSMax" },
		{ "blkio.throttle.write_iops_device", "wiops=", "IOWriteIOPSMax" },
	};
	const char *blank = strchr(w->value, ' ');
	bool v2 = str_equal(w->file, "io.max");

	for (size_t i = 0; blank && i < sizeof(rates) / sizeof(rates[0]); i++) {
		const char *rate = blank + 1;
		struct cgroup_property_pair pair = { 0 };

		if (v2 ? !str_starts(rate, rates[i].v2) : !str_equal(w->file, rates[i].v1))
			continue;
		rate += v2 ? strlen(rates[i].v2) : 0;
		pair.first = arena_strf(list->arena, "/dev/block/%.*s", (int)(blank - w->value),
					w->value);
		if (parse_limit(rate, &pair.number) == 0)
			put_pair(list, rates[i].property, "a(st)", &pair, w->json_path);
	}
}

static void put_write(struct list *list, const struct cgroup_write *w, size_t row,
		      const struct cgroup_write *writes, size_t n)
{
	const char *property = table[row].property;
	uint64_t number = 0;

	switch (table[row].form) {
	case LIMIT:
		if (parse_limit(w->value, &number) == 0)
			put_number(list, property, "t", number, w->json_path);
		return;
	case TASKS: /* systemd refuses 0; 1 forbids forking, too, and the file gets 0 */
		if (parse_limit(w->value, &number) == 0)
			put_number(list, property, "t", number ? number : 1, w->json_path);
		return;
	case NUMBER:
		if (parse_u64(w->value, &number) == 0)
			put_number(list, property, "t", number, w->json_path);
		return;
	case IDLE: /* for systemd, idle is a weight of 0 */
		if (str_equal(w->value, "1"))
			put_number(list, property, "t", 0, w->json_path);
		return;
	case IO_WEIGHT: /* without BFQ, another file is written, on systemd's scale */
		if (w->alt_value && parse_u64(w->alt_value, &number) == 0)
			put_number(list, property, "t", number, w->json_path);
		return;
	case RATIO:
		put_max(list, w);
		return;
	case QUOTA_US:
		put_quota(list, w->value, v1_period(writes, n), w->json_path);
		return;
	case SET:
		put_set(list, property, w);
		return;
	case OOM_GROUP: /* for scopes since systemd 253, and only when they start */
		put_text(list, property, str_equal(w->value, "1") ? "kill" : "continue");
		return;
	}
}

static void put_limits(struct list *list, const struct cgroup_write *writes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t row = 0; row < sizeof(table) / sizeof(table[0]); row++)
			if (str_equal(writes[i].file, table[row].file))
				put_write(list, &writes[i], row, writes, n);
		put_throttle(list, &writes[i]);
	}
}

void plan_unit_limits(struct arena *arena, const struct cgroup_write *writes, size_t n,
		      const struct cgroup_property **ret, size_t *ret_n)
{
	struct list list = { .arena = arena };

	put_limits(&list, writes, n);
	*ret = list.v;
	*ret_n = list.n;
}

/* systemd's list can only allow. A rule that revokes part of an earlier one is only in usrun's
 * program (v2) or the files (v1); with a rule for all devices there is nothing to limit. */
static void put_devices(struct list *list, const struct cgroup_plan *plan)
{
	for (size_t i = 0; i < plan->n_device_rules; i++)
		if (plan->device_rules[i].allow && plan->device_rules[i].type == 'a')
			return;
	put_text(list, "DevicePolicy", "strict");
	for (size_t i = 0; i < plan->n_device_rules; i++) {
		const struct cgroup_device_rule *rule = &plan->device_rules[i];
		const char *kind = rule->type == 'b' ? "block" : "char";
		struct cgroup_property_pair pair;

		if (!rule->allow)
			continue;
		pair.first = rule->major == CGROUP_DEVICE_ANY
				     ? arena_strf(list->arena, "%s-*", kind)
			     : rule->minor == CGROUP_DEVICE_ANY
				     ? arena_strf(list->arena, "%s-%u", kind, rule->major)
				     : arena_strf(list->arena, "/dev/%s/%u:%u", kind, rule->major,
						  rule->minor);
		pair.second = arena_strf(list->arena, "%s%s%s",
					 rule->access & CGROUP_ACCESS_READ ? "r" : "",
					 rule->access & CGROUP_ACCESS_WRITE ? "w" : "",
					 rule->access & CGROUP_ACCESS_MKNOD ? "m" : "");
		put_pair(list, "DeviceAllow", "a(ss)", &pair, rule->json_path);
	}
}

static bool is_property_name(const char *name)
{
	if (!*name || (*name >= '0' && *name <= '9'))
		return false;
	for (; *name; name++)
		if (!((*name >= 'a' && *name <= 'z') || (*name >= 'A' && *name <= 'Z') ||
		      (*name >= '0' && *name <= '9')))
			return false;
	return true;
}

static int put_annotation(struct list *list, const struct json_pair *annotation, struct err *err)
{
	const char *from = arena_strf(list->arena, "annotations[\"%s\"]", annotation->key);
	struct cgroup_property p = {
		.name = annotation->key + sizeof("org.systemd.property.") - 1,
		.from = from,
	};

	if (!is_property_name(p.name) || str_starts(p.name, "PID"))
		return err_set(err, EINVAL, ERR_AT "%s: not a property that can be set", from);
	if (plan_gvariant_parse(list->arena, annotation->value, &p) < 0 ||
	    plan_gvariant_seconds(list->arena, &p) < 0)
		return err_set(err, EINVAL,
			       ERR_AT "%s: expected a value such as true, 15, uint64 5, "
				      "'text' or ['a', 'b'], got \"%s\"",
			       from, annotation->value);
	(void)put(list, &p);
	return 0;
}

static void put_own(struct list *list, const struct cgroup_plan *plan,
		    const struct cgroup_unit *unit, const char *id)
{
	static const char v1[][20] = { "CPUAccounting", "MemoryAccounting", "BlockIOAccounting",
				       "TasksAccounting" };
	static const char v2[][20] = { "CPUAccounting", "MemoryAccounting", "IOAccounting",
				       "TasksAccounting" };

	put_text(list, "Description", arena_strf(list->arena, "usrun container %s", id));
	if (!unit->is_slice) {
		put_text(list, "Slice", unit->slice);
		/* Cgroups below the unit are ours, and systemd leaves them alone. */
		put_number(list, "Delegate", "b", 1, NULL);
	}
	put_number(list, "DefaultDependencies", "b", 0, NULL);
	/* Lets systemd forget the unit even if it failed. */
	put_text(list, "CollectMode", "inactive-or-failed");
	for (size_t i = 0; i < sizeof(v1) / sizeof(v1[0]); i++)
		put_number(list, plan->place.kind == CGROUP_DRIVER_V2 ? v2[i] : v1[i], "b", 1,
			   NULL);
}

int plan_unit_properties(struct arena *arena, const struct oci_config *config,
			 const struct cgroup_plan *plan, const char *id, struct cgroup_unit *unit,
			 struct err *err)
{
	struct list list = { .arena = arena };

	put_own(&list, plan, unit, id);
	put_limits(&list, plan->writes, plan->n_writes);
	if (plan->limit_devices)
		put_devices(&list, plan);
	for (size_t i = 0; i < config->annotations.n; i++) {
		int r = 0;

		if (str_starts(config->annotations.v[i].key, "org.systemd.property."))
			r = put_annotation(&list, &config->annotations.v[i], err);
		if (r < 0)
			return r;
	}
	unit->properties = list.v;
	unit->n_properties = list.n;
	return 0;
}
