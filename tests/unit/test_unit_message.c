/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cgroup/unit_message.h"
#include "tests/lib/check.h"

#include <string.h>

static const char *const texts[] = { "a b", "", "c" };
static const uint8_t bytes[] = { 0, 255, 7 };
static const struct cgroup_property_pair named[] = { { .first = "/dev/null", .second = "rwm" },
						     { .first = "char-pts", .second = "r" } };
static const struct cgroup_property_pair numbered[] = { { .first = "/dev/sda",
							  .number = UINT64_MAX } };
static const struct cgroup_property properties[] = {
	{ .name = "Delegate", .type = "b", .number = 1 },
	{ .name = "Share", .type = "d", .real = -0.125 },
	{ .name = "Description", .type = "s", .text = "" },
	{ .name = "After", .type = "as", .texts = texts, .n = 3 },
	{ .name = "AllowedCPUs", .type = "ay", .bytes = bytes, .n = 3 },
	{ .name = "DeviceAllow", .type = "a(ss)", .pairs = named, .n = 2 },
	{ .name = "IOReadBandwidthMax", .type = "a(st)", .pairs = numbered, .n = 1 },
	{ .name = "DeviceAllow", .type = "a(ss)" },
};
static const struct unit_request whole = {
	.op = UNIT_OP_START,
	.unit = { .ref = { "usrun-a.scope", CGROUP_MANAGER_USER, "/run/user/1000" },
		  .is_slice = true,
		  .slice = "user.slice",
		  .properties = properties,
		  .n_properties = sizeof(properties) / sizeof(properties[0]) },
	.pid = 4711,
};

static void same_property(const struct cgroup_property *a, const struct cgroup_property *b)
{
	CHECK_STR(a->name, b->name);
	CHECK_STR(a->type, b->type);
	CHECK(a->number == b->number && a->n == b->n);
	CHECK(memcmp(&a->real, &b->real, sizeof(a->real)) == 0);
	CHECK(str_equal(a->text, b->text));
	for (size_t i = 0; i < a->n; i++) {
		if (a->texts)
			CHECK_STR(a->texts[i], b->texts[i]);
		else if (a->bytes)
			CHECK(a->bytes[i] == b->bytes[i]);
		else
			CHECK(str_equal(a->pairs[i].first, b->pairs[i].first) &&
			      str_equal(a->pairs[i].second, b->pairs[i].second) &&
			      a->pairs[i].number == b->pairs[i].number);
	}
}

TEST(a_request_arrives_as_it_was_sent)
{
	struct arena arena = { 0 };
	struct str record = { 0 };
	struct unit_request got;

	unit_message_write(&record, &whole);
	CHECK(unit_message_read(&arena, record.s, record.len, &got) == 0);
	CHECK(got.op == whole.op && got.pid == whole.pid);
	CHECK_STR(got.unit.ref.name, "usrun-a.scope");
	CHECK_STR(got.unit.ref.runtime_dir, "/run/user/1000");
	CHECK(got.unit.ref.manager == CGROUP_MANAGER_USER && got.unit.is_slice);
	CHECK_STR(got.unit.slice, "user.slice");
	CHECK(got.unit.subgroup == NULL);
	CHECK(got.unit.n_properties == whole.unit.n_properties);
	for (size_t i = 0; i < got.unit.n_properties; i++)
		same_property(&properties[i], &got.unit.properties[i]);
	str_done(&record);
	arena_free(&arena);
}

TEST(a_request_that_is_cut_off_or_goes_on_is_refused)
{
	struct arena arena = { 0 };
	struct str record = { 0 };
	struct unit_request got;

	unit_message_write(&record, &whole);
	for (size_t len = 0; len < record.len; len++)
		CHECK(unit_message_read(&arena, record.s, len, &got) == -EINVAL);
	str_addn(&record, "", 1);
	CHECK(unit_message_read(&arena, record.s, record.len, &got) == -EINVAL);
	str_done(&record);
	arena_free(&arena);
}
