/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/json_text.h"
#include "src/oci/check_parts.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

static int check_device_rules(struct check *check, const struct oci_resources *resources)
{
	char shown[JSON_TEXT_QUOTE];

	for (size_t i = 0; i < resources->devices.n; i++) {
		const struct oci_device_rule *rule = &resources->devices.v[i];

		check_at(check, "devices[%zu].type", i);
		if (rule->type && (strlen(rule->type) != 1 || !strchr("abc", *rule->type)))
			return check_fail(check, "expected one of \"a\", \"b\", \"c\", got %s",
					  json_text_quote(shown, rule->type));
		check_at(check, "devices[%zu].access", i);
		if (rule->access && (!*rule->access || rule->access[strspn(rule->access, "rwm")]))
			return check_fail(check, "expected some of the letters r, w, m, got %s",
					  json_text_quote(shown, rule->access));
	}
	return 0;
}

static int check_cpu(struct check *check, const struct oci_cpu *cpu)
{
	int r = 0;

	if (cpu->cpus) {
		check_at(check, "cpu.cpus");
		r = check_list(check, cpu->cpus);
	}
	if (r == 0 && cpu->mems) {
		check_at(check, "cpu.mems");
		r = check_list(check, cpu->mems);
	}
	if (r < 0)
		return r;
	check_at(check, "cpu.burst");
	if (cpu->burst.set && cpu->quota.v > 0 && cpu->burst.v > (uint64_t)cpu->quota.v)
		return check_fail(check, "expected at most the quota, %" PRId64 ", got %" PRIu64,
				  cpu->quota.v, cpu->burst.v);
	return 0;
}

/* "2MB": a number without leading zeros, then K, M or G, then B. */
static bool page_size_is_valid(const char *text)
{
	const char *p = text;

	if (*p < '1' || *p > '9')
		return false;
	while (isdigit((unsigned char)*p))
		p++;
	return p - text <= 9 && *p && strchr("KMG", *p) && strcmp(p + 1, "B") == 0;
}

/* Page sizes are powers of two; "3MB" would name a file that no host has. */
static bool is_power_of_two(const char *digits)
{
	uint64_t value = 0;

	for (; isdigit((unsigned char)*digits); digits++)
		value = value * 10 + (uint64_t)(*digits - '0');
	return (value & (value - 1)) == 0;
}

static int check_hugepages(struct check *check, const struct oci_resources *resources)
{
	char shown[JSON_TEXT_QUOTE];

	for (size_t i = 0; i < resources->hugepage_limits.n; i++) {
		const char *size = resources->hugepage_limits.v[i].page_size;

		check_at(check, "hugepageLimits[%zu].pageSize", i);
		if (!size)
			return check_fail(check, "required but missing");
		if (page_size_is_valid(size) && is_power_of_two(size))
			continue;
		return check_fail(check, "expected a huge page size such as 2MB or 1GB, got %s",
				  json_text_quote(shown, size));
	}
	return 0;
}

static int check_at_least_one(struct check *check, const struct oci_resources *resources)
{
	const struct oci_block_io *io = resources->block_io;

	for (size_t i = 0; i < resources->rdma.n; i++) {
		const struct oci_rdma *rdma = &resources->rdma.v[i];

		check_at_key(check, "rdma", rdma->key);
		if (!rdma->hca_handles.set && !rdma->hca_objects.set)
			return check_fail(check, "expected hcaHandles, hcaObjects or both");
	}
	for (size_t i = 0; io && i < io->weight_device.n; i++) {
		check_at(check, "blockIO.weightDevice[%zu]", i);
		if (!io->weight_device.v[i].weight.set && !io->weight_device.v[i].leaf_weight.set)
			return check_fail(check, "expected weight, leafWeight or both");
	}
	return 0;
}

/* The keys become file names in the cgroup's directory. */
static int check_unified(struct check *check, const struct oci_resources *resources)
{
	for (size_t i = 0; i < resources->unified.n; i++) {
		const char *key = resources->unified.v[i].key;

		if (!strchr(key, '/') && strcmp(key, ".") != 0 && strcmp(key, "..") != 0)
			continue;
		check_at_key(check, "unified", key);
		return check_fail(check, "not a valid cgroup file name");
	}
	return 0;
}

int check_resources_part(struct check *check, const struct oci_resources *resources)
{
	int r = check_device_rules(check, resources);

	if (r == 0 && resources->cpu)
		r = check_cpu(check, resources->cpu);
	if (r == 0)
		r = check_hugepages(check, resources);
	if (r == 0)
		r = check_at_least_one(check, resources);
	if (r == 0)
		r = check_unified(check, resources);
	return r;
}
