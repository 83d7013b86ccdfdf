/* SPDX-License-Identifier: Apache-2.0 */
/* Names and properties of units: what a user's words, and the limits of a config, come to for
 * systemd. */
#include "src/base/str.h"
#include "src/oci/decode.h"
#include "src/plan/plan_cgroup.h"
#include "tests/lib/check.h"

#include <string.h>

static struct arena arena;

static const char *name(const char *id, const char *wanted)
{
	const struct plan_unit_request request = { .id = id,
						   .wanted = wanted,
						   .manager = CGROUP_MANAGER_SYSTEM };
	struct cgroup_unit unit;
	struct err err = { 0 };

	if (plan_unit_name(&arena, &request, &unit, &err) < 0)
		return arena_strf(&arena, "error: %s", check_said(&err));
	return arena_strf(&arena, "%s in %s%s", unit.ref.name, unit.slice,
			  unit.is_slice ? ", a slice" : "");
}

TEST(names)
{
	CHECK_STR(name("web", NULL), "usrun-web.scope in system.slice");
	CHECK_STR(name("a+b", NULL), "usrun-a\\x2bb.scope in system.slice");
	CHECK_STR(name("web", "machine.slice:libpod:0af"), "libpod-0af.scope in machine.slice");
	CHECK_STR(name("web", "::0af"), "0af.scope in system.slice");
	CHECK_STR(name("web", "-:docker:0af"), "docker-0af.scope in -.slice");
	CHECK_STR(name("web", "a-b.slice:cri:pod.slice"), "pod.slice in a-b.slice, a slice");
}

TEST(names_that_are_refused)
{
	static const char *const wrong[] = { "a.slice:b",      "a.slice:b:c:d",
					     "a.slice:b:",     "a:b:c",
					     "a-.slice:b:c",   "-a.slice:b:c",
					     "a/b.slice:c:d",  ".slice:b:c",
					     "a--b.slice:c:d", "x.slice:y:-a.slice" };

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		CHECK(str_starts(name("web", wrong[i]),
				 "error: config.json: linux.cgroupsPath: expected"));
	CHECK(strstr(name(arena_strf(&arena, "%0255d", 0), NULL), "longer than the 255") != NULL);
	CHECK(!plan_unit_is_path("/a:b:c"));
	CHECK(plan_unit_is_path("a:b:c"));
}

static void print_value(struct str *out, const struct cgroup_property *p)
{
	for (size_t i = 0; i < p->n; i++) {
		if (p->texts)
			str_addf(out, "%s,", p->texts[i]);
		else if (p->bytes)
			str_addf(out, "%02x", p->bytes[i]);
		else
			str_addf(out, "(%s %s%llu)", p->pairs[i].first,
				 p->pairs[i].second ? p->pairs[i].second : "",
				 (unsigned long long)p->pairs[i].number);
	}
	if (*p->type == 's')
		str_add(out, p->text);
	else if (*p->type == 'i' || *p->type == 'x')
		str_addf(out, "%lld", (long long)p->number);
	else if (*p->type == 'd')
		str_addf(out, "%g", p->real);
	else if (*p->type != 'a')
		str_addf(out, "%llu", (unsigned long long)p->number);
}

static const char *value(const char *property, const char *text)
{
	struct cgroup_property p = { .name = property };
	struct str out = { 0 };
	const char *copy;

	if (plan_gvariant_parse(&arena, text, &p) < 0 || plan_gvariant_seconds(&arena, &p) < 0)
		return "refused";
	str_addf(&out, "%s %s ", p.name, p.type);
	print_value(&out, &p);
	copy = arena_strdup(&arena, out.s);
	str_done(&out);
	return copy;
}

TEST(values_of_annotations)
{
	CHECK_STR(value("X", "true"), "X b 1");
	CHECK_STR(value("X", "15"), "X i 15");
	CHECK_STR(value("X", "-1"), "X i -1");
	CHECK_STR(value("X", "uint64 18446744073709551615"), "X t 18446744073709551615");
	CHECK_STR(value("X", "@u 7"), "X u 7");
	CHECK_STR(value("X", "'a \\'b\\''"), "X s a 'b'");
	CHECK_STR(value("X", "\"a'b\""), "X s a'b");
	CHECK_STR(value("X", "['a', \"b\"]"), "X as a,b,");
	CHECK_STR(value("X", "@as []"), "X as ");
	CHECK_STR(value("TimeoutStopSec", "15"), "TimeoutStopUSec t 15000000");
	CHECK_STR(value("TimeoutStopSec", "1.5"), "TimeoutStopUSec t 1500000");
	CHECK_STR(value("TimeoutStopUSec", "uint64 10000000"), "TimeoutStopUSec t 10000000");
}

TEST(values_that_are_refused)
{
	static const char *const wrong[] = { "",
					     "a",
					     "'a",
					     "[1]",
					     "['a'",
					     "['a' 'b']",
					     "uint64 -1",
					     "1 2",
					     "tru",
					     "'a' b",
					     "uint32 4294967296",
					     "int32 'a'",
					     "1.2.3",
					     "-",
					     "3000000000",
					     "uint64",
					     "boolean 1" };

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		CHECK_STR(value("X", wrong[i]), "refused");
	CHECK_STR(value("TimeoutStopSec", "-1"), "refused");
	CHECK_STR(value("TimeoutStopSec", "'5'"), "refused");
	CHECK_STR(value("TimeoutStopSec", "18446744073709.5"), "refused");
	CHECK_STR(value("TimeoutStopSec", "99999999999999999999999999.0"), "refused");
	/* Exact in 64 bits and in the 80 that i386 calculates with. */
	CHECK_STR(value("TimeoutStopSec", "18446744073664.0"),
		  "TimeoutStopUSec t 18446744073664000000");
	CHECK_STR(value("TimeoutStopSec", "uint64 18446744073709551615"), "refused");
}

static const char *limits(const char *json, bool v2)
{
	const struct cgroup_property *properties;
	const struct oci_resources *resources;
	const struct cgroup_write *writes;
	struct str out = { 0 };
	struct err err = { 0 };
	const char *copy;
	size_t n;

	if (decode_resources(&arena, "test", json, strlen(json), &resources, &err) < 0 ||
	    plan_resources_build(&arena, resources, (struct plan_layout){ v2, NULL }, &writes, &n,
				 &err) < 0)
		return arena_strf(&arena, "error: %s", check_said(&err));
	plan_unit_limits(&arena, writes, n, &properties, &n);
	for (size_t i = 0; i < n; i++) {
		str_addf(&out, "%s=", properties[i].name);
		print_value(&out, &properties[i]);
		str_add(&out, ";");
	}
	copy = arena_strdup(&arena, str_text(&out));
	str_done(&out);
	return copy;
}

TEST(limits_as_properties)
{
	CHECK_STR(limits("{\"memory\":{\"limit\":100,\"swap\":150,\"reservation\":50}}", true),
		  "MemoryMax=100;MemorySwapMax=50;MemoryLow=50;");
	CHECK_STR(limits("{\"memory\":{\"limit\":-1}}", true),
		  "MemoryMax=18446744073709551615;MemorySwapMax=18446744073709551615;");
	CHECK_STR(limits("{\"memory\":{\"limit\":100}}", false), "MemoryLimit=100;");
	CHECK_STR(limits("{\"pids\":{\"limit\":7}}", true), "TasksMax=7;");
	CHECK_STR(limits("{\"pids\":{\"limit\":0}}", true), "TasksMax=18446744073709551615;");
	CHECK_STR(limits("{\"cpu\":{\"shares\":1024,\"quota\":30000,\"period\":70000}}", true),
		  "CPUWeight=100;CPUQuotaPerSecUSec=428572;CPUQuotaPeriodUSec=70000;");
	CHECK_STR(limits("{\"cpu\":{\"shares\":512,\"quota\":5000,\"period\":10000}}", false),
		  "CPUShares=512;CPUQuotaPerSecUSec=500000;CPUQuotaPeriodUSec=10000;");
	CHECK_STR(limits("{\"cpu\":{\"cpus\":\"0-2,9\",\"mems\":\"0\"}}", true),
		  "AllowedCPUs=0702;AllowedMemoryNodes=01;");
	CHECK_STR(limits("{\"cpu\":{\"idle\":1}}", true), "CPUWeight=0;");
	CHECK_STR(limits("{\"unified\":{\"memory.high\":\"5\"}}", true), "MemoryHigh=5;");
	CHECK_STR(limits("{\"unified\":{\"memory.oom.group\":\"1\"}}", true), "OOMPolicy=kill;");
	CHECK_STR(limits("{\"unified\":{\"memory.oom.group\":\"0\"}}", true),
		  "OOMPolicy=continue;");
	CHECK_STR(limits("{\"blockIO\":{\"throttleReadBpsDevice\":[{\"major\":8,\"minor\":0,"
			 "\"rate\":600},{\"major\":8,\"minor\":16,\"rate\":700}]}}",
			 true),
		  "IOReadBandwidthMax=(/dev/block/8:0 600)(/dev/block/8:16 700);");
	CHECK_STR(limits("{\"hugepageLimits\":[{\"pageSize\":\"2MB\",\"limit\":0}]}", true), "");
}
