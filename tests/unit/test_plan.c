/* SPDX-License-Identifier: Apache-2.0 */
/* Decisions, on hosts and callers that need not be here. */
#include "src/base/str.h"
#include "src/oci/decode.h"
#include "src/plan/plan.h"
#include "src/plan/powers.h"
#include "tests/lib/check.h"
#include "tests/lib/order.h"
#include "tests/unit/plan_facts.h"

#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

static struct arena arena;
static struct err err;

static struct idmap_range subids[] = { { 0, 100000, 65536 } };

static struct facts user_facts(void)
{
	struct facts facts = root_facts();

	facts.caller.uid = facts.caller.gid = 1000;
	facts.caller.name = "dev";
	facts.caller.caps_effective = 0;
	facts.subuid = facts.subgid =
		(struct subid){ .v = subids, .n = 1, .source = "/etc/subuid" };
	facts.newuidmap = facts.newgidmap =
		(struct probe_helper_result){ PROBE_HELPER_OK, "/usr/bin/newuidmap" };
	return facts;
}

#define BASE                                                                                       \
	"\"ociVersion\":\"1.0.2\",\"root\":{\"path\":\"rootfs\"},\"process\":{\"cwd\":\"/"         \
	"\",\"args\":[\"sh\"]}"

static const struct plan *build(const char *json, const struct facts *facts,
				struct plan_options *options)
{
	const struct oci_config *config;
	const struct plan *plan = NULL;

	err = (struct err){ 0 };
	options->id = "test";
	options->bundle = "/bundle";
	if (decode_config(&arena, "config.json", json, strlen(json), &config, &err) < 0 ||
	    plan_build(&arena, config, facts, options, &plan, &err) < 0)
		return NULL;
	return plan;
}

TEST(root_clones_init_into_its_namespaces)
{
	struct facts facts = root_facts();
	struct plan_options options = { 0 };
	const struct plan *plan = build(
		"{" BASE ",\"linux\":{\"namespaces\":[{\"type\":\"pid\"},{\"type\":\"mount\"},"
		"{\"type\":\"cgroup\"}]}}",
		&facts, &options);

	CHECK(plan != NULL);
	if (!plan)
		return;
	CHECK_INT(plan->ns.clone_flags, CLONE_NEWPID | CLONE_NEWNS);
	CHECK(!(plan->flags & (PLAN_STAGER | PLAN_USERNS_NEW)));
	CHECK(plan->flags & PLAN_CGROUPNS);
	CHECK(!plan->devices.bind);
}

TEST(a_user_gets_a_user_namespace_and_the_subordinate_ids)
{
	struct facts facts = user_facts();
	struct plan_options options = { 0 };
	const struct plan *plan = build("{" BASE ",\"linux\":{\"namespaces\":[{\"type\":\"mount\"},"
					"{\"type\":\"network\"}]}}",
					&facts, &options);

	CHECK(plan != NULL);
	if (!plan)
		return;
	CHECK_INT(plan->ns.clone_flags, CLONE_NEWUSER | CLONE_NEWNS);
	CHECK_INT(plan->ns.early_flags, CLONE_NEWNET);
	CHECK_INT(plan->idmap.writer, IDMAP_WRITER_HELPER);
	CHECK_INT(idmap_to_host(&plan->idmap.uid, 0), 1000);
	CHECK_INT(idmap_to_host(&plan->idmap.uid, 1), 100000);
	CHECK(plan->devices.bind);
	CHECK(order_has_flags(plan->flags));
}

/* More ranges than the kernel takes in one write: what is left out is said. */
TEST(ranges_that_do_not_fit_are_told)
{
	static struct idmap_range many[400];
	struct facts facts = user_facts();
	struct plan_options options = { 0 };
	const struct plan *plan;

	for (uint32_t i = 0; i < 400; i++)
		many[i] = (struct idmap_range){ 0, 100000 + i * 3, 2 };
	facts.subuid.v = many;
	facts.subuid.n = 400;
	plan = build("{" BASE "}", &facts, &options);
	CHECK_STR(plan && plan->n_warnings ? plan->warnings[0].text : "",
		  "only the first 316 ranges of subordinate uids fit into one map");
}

/* The document may be another than config.json: the command names it. */
TEST(ranges_that_overlap_are_named_by_their_path)
{
	struct facts facts = root_facts();
	struct plan_options options = { 0 };

	CHECK(!build("{" BASE
		     ",\"linux\":{\"namespaces\":[{\"type\":\"user\"},{\"type\":\"mount\"}],"
		     "\"uidMappings\":[{\"containerID\":0,\"hostID\":1000,\"size\":10},"
		     "{\"containerID\":5,\"hostID\":9000,\"size\":10}],"
		     "\"gidMappings\":[{\"containerID\":0,\"hostID\":1000,\"size\":10}]}}",
		     &facts, &options));
	CHECK_STR(err.path, "linux.uidMappings");
	(void)err_document(&err, "other.json");
	CHECK_STR(err.text,
		  "other.json: linux.uidMappings: range[0] and range[1] overlap: both map the "
		  "container uids 5 to 9");
}

TEST(without_ranges_one_id_and_a_word_about_it)
{
	struct facts facts = user_facts();
	struct plan_options options = { 0 };
	const struct plan *plan;

	facts.subuid = facts.subgid =
		(struct subid){ .missing = "no line for dev (1000) in /etc/subuid" };
	plan = build("{" BASE ",\"linux\":{\"namespaces\":[{\"type\":\"mount\"}]}}", &facts,
		     &options);
	CHECK(plan != NULL);
	if (plan) {
		CHECK_INT(plan->idmap.writer, IDMAP_WRITER_SINGLE);
		CHECK(plan->n_warnings > 0 &&
		      strstr(plan->warnings[0].text, "usermod --add-subuids"));
	}
	options.map = "subid";
	CHECK(!build("{" BASE ",\"linux\":{\"namespaces\":[{\"type\":\"mount\"}]}}", &facts,
		     &options));
	CHECK(strstr(check_said(&err), "no line for dev") != NULL);
	CHECK(strstr(err.hint, "usermod --add-subuids") != NULL);
}

static const char *hint_of(const char *rest, const struct facts *facts, const char *map,
			   const char *manager)
{
	struct plan_options options = { .map = map, .cgroup_manager = manager };
	char json[400];

	(void)snprintf(json, sizeof(json),
		       "{\"ociVersion\":\"1.0.2\",\"root\":{\"path\":\"rootfs\"},%s}", rest);
	CHECK(!build(json, facts, &options));
	return err.hint;
}

TEST(an_id_that_is_not_mapped_has_a_way_to_be)
{
#define AS_USER(user) "\"process\":{\"cwd\":\"/\",\"args\":[\"sh\"],\"user\":{" user "}}"
	const char *uid = AS_USER("\"uid\":1000,\"gid\":0");
	const char *gids = AS_USER("\"uid\":0,\"gid\":0,\"additionalGids\":[70000]");
	struct facts facts = user_facts();

	CHECK(strstr(hint_of(uid, &facts, "single", NULL), "leave out --map=single"));
	CHECK(strstr(hint_of(uid, &facts, "single", NULL), "--map=keep"));
	CHECK(strstr(hint_of(gids, &facts, NULL, NULL), "subordinate ids"));
	CHECK(strstr(
		hint_of(AS_USER("\"uid\":0,\"gid\":0,\"additionalGids\":[7]") ",\"linux\":{"
									      "\"namespaces\":[{"
									      "\"type\":\"user\"}],"
									      "\"uidMappings\":["
									      "{\"containerID\":0,"
									      "\"hostID\":100000,"
									      "\"size\":5}],"
									      "\"gidMappings\":["
									      "{\"containerID\":0,"
									      "\"hostID\":100000,"
									      "\"size\":5}]}",
			&facts, NULL, NULL),
		"linux.gidMappings"));
	facts.subuid = facts.subgid = (struct subid){ .missing = "no line" };
	CHECK(strstr(hint_of(uid, &facts, NULL, NULL), "subuid(5)"));
	CHECK(!strstr(err.hint, "leave out"));
}

TEST(a_limit_that_nothing_enforces_has_a_way_to_be)
{
	static struct facts_hierarchy own = { "", "/sys/fs/cgroup", "/user.slice" };
	const char *limit = "\"process\":{\"cwd\":\"/\",\"args\":[\"sh\"]},\"linux\":{"
			    "\"resources\":{\"memory\":{\"limit\":9000000}}}";
	struct facts facts = user_facts();

	CHECK(strstr(hint_of(limit, &facts, NULL, NULL), "mount -t cgroup2"));
	CHECK(strstr(hint_of(limit, &facts, NULL, "disabled"),
		     "leave out --cgroup-manager disabled"));
	facts.cgroup = (struct facts_cgroup){ .mode = FACTS_CGROUP_V2, .v = &own, .n = 1 };
	CHECK(strstr(hint_of(limit, &facts, NULL, NULL), "ask root to create a cgroup"));
	facts.systemd.system = true;
	CHECK(strstr(hint_of(limit, &facts, NULL, NULL), "loginctl enable-linger dev"));
	facts.systemd.user_dir = "/run/user/1000";
	CHECK(strstr(hint_of(limit, &facts, NULL, "cgroupfs"), "systemd-run --user"));
	CHECK(strstr(err.hint, "or leave the limit out"));
}

TEST(joined_pid_namespaces_and_offsets_need_a_stager)
{
	struct facts facts = root_facts();
	struct plan_options options = { 0 };
	const struct plan *plan;

	plan = build(
		"{" BASE
		",\"linux\":{\"namespaces\":[{\"type\":\"pid\",\"path\":\"/proc/1/ns/pid\"}]}}",
		&facts, &options);
	CHECK(plan && (plan->flags & PLAN_STAGER));
	plan = build(
		"{" BASE
		",\"linux\":{\"namespaces\":[{\"type\":\"network\",\"path\":\"/run/netns/x\"}]}}",
		&facts, &options);
	CHECK(plan && !(plan->flags & PLAN_STAGER) && (plan->flags & PLAN_NS_JOIN));
	plan = build(
		"{" BASE
		",\"linux\":{\"namespaces\":[{\"type\":\"time\"}],\"timeOffsets\":{\"monotonic\":"
		"{\"secs\":5}}}}",
		&facts, &options);
	CHECK(plan && (plan->flags & PLAN_STAGER) && (plan->flags & PLAN_TIME_OFFSETS));
}

/* uid 0 of somebody's user namespace, which is how podman calls us, is not root. */
TEST(root_of_a_foreign_user_namespace_has_fewer_powers)
{
	struct facts facts = root_facts();
	uint32_t powers;

	facts.caller.initial_userns = false;
	powers = powers_derive(&facts, false);
	CHECK(powers & POWER_NAMESPACES);
	CHECK(!(powers & (POWER_MKNOD | POWER_OWN_CGROUPS | POWER_RAISE_LIMITS)));
}

/* unshare -Ur: root of a user namespace with a single id, in the mount namespace of others. */
TEST(mounts_of_others_are_taken_in_a_namespace_of_our_own)
{
	static const char json[] =
		"{" BASE ",\"linux\":{\"namespaces\":[{\"type\":\"mount\"},{\"type\":\"user\"}]}}";
	struct facts facts = root_facts();
	struct plan_options options = { 0 };
	const struct plan *plan = build(json, &facts, &options);

	CHECK(plan && (plan->flags & PLAN_MOUNTS_BY_PARENT) && plan->process.keep_groups == false);
	facts.caller.initial_userns = facts.caller.owns_mounts = false;
	plan = build(json, &facts, &options);
	CHECK(plan && !(plan->flags & PLAN_MOUNTS_BY_PARENT));
}

TEST(setgroups_stays_denied_in_namespaces_below)
{
	struct facts facts = root_facts();

	facts.caller.initial_userns = facts.caller.setgroups_allowed = false;
	CHECK(!(powers_derive(&facts, false) & POWER_SETGROUPS));
	CHECK(!(powers_derive(&facts, true) & POWER_SETGROUPS));
	facts.caller.setgroups_allowed = true;
	CHECK(powers_derive(&facts, true) & POWER_SETGROUPS);
}

TEST(mounts_without_a_new_namespace)
{
	static const char config[] = "{" BASE ",\"linux\":{\"maskedPaths\":[\"/proc/kcore\"]%s}}";
	struct facts facts = root_facts();
	struct plan_options options = { 0 };
	const struct plan *plan;

	plan = build(arena_strf(&arena, config, ""), &facts, &options);
	CHECK(plan && (plan->flags & PLAN_MOUNTS) && !(plan->flags & PLAN_MNTNS_NEW));
	CHECK(plan && plan->n_warnings &&
	      strstr(plan->warnings[0].text, "its mounts are visible in the caller's") != NULL);
	plan = build(arena_strf(&arena, config,
				",\"namespaces\":[{\"type\":\"mount\",\"path\":\"/ns/mnt\"}]"),
		     &facts, &options);
	CHECK(plan && (plan->flags & PLAN_MOUNTS) && (plan->flags & PLAN_NS_JOIN));
	/* Nothing to mount: only the root changes. */
	plan = build("{" BASE "}", &facts, &options);
	CHECK(plan && !(plan->flags & PLAN_MOUNTS));
	CHECK(!build(arena_strf(&arena, config,
				",\"namespaces\":[{\"type\":\"user\"}],"
				"\"uidMappings\":[{\"containerID\":0,\"hostID\":9,"
				"\"size\":1}],\"gidMappings\":[{\"containerID\":0,"
				"\"hostID\":9,\"size\":1}]"),
		     &facts, &options));
	CHECK(strstr(check_said(&err), "linux.maskedPaths: needs a new mount namespace") != NULL);
}

#define MOUNT(m) "{" BASE ",\"mounts\":[" m "],\"linux\":{\"namespaces\":[{\"type\":\"mount\"}]}}"

TEST(mounts_over_proc_are_refused)
{
	struct facts facts = root_facts();
	struct plan_options options = { 0 };

	CHECK(!build(MOUNT("{\"destination\":\"/proc/self\",\"type\":\"tmpfs\",\"source\":\"x\"}"),
		     &facts, &options));
	CHECK(strstr(check_said(&err), "cannot be mounted because it is inside /proc") != NULL);
	CHECK(!build(MOUNT("{\"destination\":\"/proc\",\"type\":\"tmpfs\",\"source\":\"x\"}"),
		     &facts, &options));
	CHECK(strstr(check_said(&err), "is not of type proc") != NULL);
	CHECK(!build(MOUNT("{\"destination\":\"/x/../proc/sys/../"
			   "sys\",\"type\":\"bind\",\"source\":\"/tmp\"}"),
		     &facts, &options));
	CHECK(build(MOUNT("{\"destination\":\"/proc/uptime\",\"type\":\"bind\",\"source\":\"/tmp/"
			  "u\"}"),
		    &facts, &options) != NULL);
}

#define TTY_JSON                                                                                   \
	"{\"ociVersion\":\"1.0.2\",\"root\":{\"path\":\"rootfs\"},\"process\":{\"terminal\":"      \
	"true,\"cwd\":\"/\",\"args\":[\"sh\"]}}"

TEST(a_terminal_needs_somebody_to_keep_it)
{
	struct facts facts = root_facts();
	struct plan_options options = { .detach = true };
	const struct plan *plan;

	CHECK(!build(TTY_JSON, &facts, &options));
	CHECK(strstr(check_said(&err),
		     "cannot allocate tty if usrun will detach without setting console socket") !=
	      NULL);
	options.tty = true;
	plan = build(TTY_JSON, &facts, &options);
	CHECK(plan && (plan->flags & PLAN_CONSOLE_KEPT));
	options.detach = false;
	plan = build(TTY_JSON, &facts, &options);
	CHECK(plan && plan->process.terminal && !(plan->flags & PLAN_CONSOLE_KEPT));
	options = (struct plan_options){ .tty = true, .detach = true, .console_socket = "/c" };
	plan = build(TTY_JSON, &facts, &options);
	CHECK(plan && (plan->flags & PLAN_CONSOLE_SOCKET) && !(plan->flags & PLAN_CONSOLE_KEPT));
}

TEST(unknown_capabilities_are_recorded)
{
	struct facts facts = root_facts();
	struct plan_options options = { 0 };
	const struct plan *plan =
		build("{\"ociVersion\":\"1.0.2\",\"root\":{\"path\":\"rootfs\"},\"process\":{"
		      "\"cwd\":\"/\",\"args\":"
		      "[\"sh\"],\"capabilities\":{\"bounding\":[\"CAP_KILL\",\"TEST_CAP\"]}}}",
		      &facts, &options);

	CHECK(plan != NULL);
	if (!plan)
		return;
	CHECK_INT(plan->process.caps_bounding, 1 << 5);
	CHECK_STR(plan->warnings[plan->n_warnings - 1].text,
		  "process.capabilities.bounding: ignoring unknown or unavailable capabilities: "
		  "[TEST_CAP]");
}

/* Each warning is kept in the state, and comparing all of them with each other took minutes. */
TEST(made_up_capabilities_are_counted)
{
	_cleanup_str_ struct str text = { 0 };
	struct facts facts = root_facts();
	struct plan_options options = { 0 };
	const struct plan *plan;

	str_add(&text, "{\"ociVersion\":\"1.0.2\",\"root\":{\"path\":\"rootfs\"},\"process\":{"
		       "\"cwd\":\"/\",\"args\":[\"sh\"],\"capabilities\":{\"bounding\":["
		       "\"CAP_KILL\"");
	for (int i = 0; i < 1000; i++)
		str_addf(&text, ",\"CAP_%d\"", i);
	str_add(&text, "],\"permitted\":[\"CAP_1\"],\"effective\":[\"CAP_KILL\",\"CAP_KILL\"]}}}");
	plan = build(text.s, &facts, &options);
	CHECK(plan && plan->n_warnings >= 66);
	if (!plan || plan->n_warnings < 66)
		return;
	CHECK(plan->n_warnings < 100);
	CHECK_STR(plan->warnings[plan->n_warnings - 2].text,
		  "process.capabilities: ignoring 936 more unknown or unavailable capabilities");
	CHECK_STR(plan->warnings[plan->n_warnings - 1].text,
		  "process.capabilities.effective: ignoring CAP_KILL, which is not permitted as "
		  "well");
}

#define PROCESS(more)                                                                              \
	"{\"ociVersion\":\"1.0.2\",\"root\":{\"path\":\"rootfs\"},\"process\":{\"cwd\":\"/\","     \
	"\"args\":[\"sh\"]," more "},\"linux\":{\"namespaces\":[{\"type\":\"mount\"}]}}"
#define NOFILE(soft, hard)                                                                         \
	PROCESS("\"rlimits\":[{\"type\":\"RLIMIT_NOFILE\",\"soft\":" #soft ",\"hard\":" #hard "}"  \
		"]")

TEST(limits_are_set_by_who_may)
{
	struct facts facts = root_facts();
	struct plan_options options = { 0 };
	const struct plan *plan = build(NOFILE(1, 1000), &facts, &options);

	CHECK(plan && plan->process.limits_setter == LIMITS_BY_PARENT);
	facts.caller.caps_effective &= ~(1ULL << CAP_SYS_RESOURCE);
	facts.limits[RLIMIT_NOFILE] = (struct facts_rlimit){ 500, 1000 };
	plan = build(NOFILE(1, 1000), &facts, &options);
	CHECK(plan && plan->process.limits_setter == LIMITS_BY_INIT);
	CHECK(!build(NOFILE(1, 1001), &facts, &options));
	CHECK_STR(check_said(&err),
		  "config.json: process.rlimits[0].hard: RLIMIT_NOFILE 1001 is above the "
		  "caller's 1000: operation not permitted");
	CHECK(strstr(err.hint, "CAP_SYS_RESOURCE") != NULL);
	facts.parts &= ~(unsigned int)FACTS_LIMITS; /* not known: the kernel will say */
	CHECK(build(NOFILE(1, 1001), &facts, &options) != NULL);
}

TEST(a_waiting_init_keeps_a_descriptor_to_hear_with)
{
	struct facts facts = root_facts();
	struct plan_options options = {
		.id = "c", .bundle = "/b", .wait_start = true, .preserve_fds = 2
	};

	CHECK(build(NOFILE(6, 1000), &facts, &options) != NULL);
	CHECK(!build(NOFILE(5, 1000), &facts, &options));
	CHECK_STR(check_said(&err),
		  "config.json: process.rlimits[0].soft: RLIMIT_NOFILE 5 leaves too few "
		  "descriptors to wait for `start`, which needs 6");
	options.wait_start = false;
	CHECK(build(NOFILE(5, 1000), &facts, &options) != NULL);
}

TEST(nor_does_a_user_raise_a_hard_limit)
{
	struct facts facts = user_facts();
	struct plan_options options = { 0 };

	facts.limits[RLIMIT_NOFILE] = (struct facts_rlimit){ 500, 1000 };
	CHECK(build(NOFILE(500, 1000), &facts, &options) != NULL);
	CHECK(!build(NOFILE(500, 3000), &facts, &options));
	CHECK(strstr(err.text, "the caller's 1000: operation not permitted") != NULL);
}

TEST(only_the_limits_of_the_config_are_asked_for)
{
	static const char json[] = NOFILE(1, 2);
	const struct oci_config *config;

	CHECK_INT(decode_config(&arena, "c", json, strlen(json), &config, &err), 0);
	CHECK_INT(plan_process_facts_needed(config->process),
		  FACTS_CALLER | facts_limit(RLIMIT_NOFILE));
}

static const struct plan *build_more(const char *more, struct facts *facts)
{
	static struct plan_options options;
	char json[1024];

	options = (struct plan_options){ 0 };
	(void)snprintf(json, sizeof(json), "{" BASE "%s}", more);
	return build(json, facts, &options);
}

TEST(priorities_are_set_from_outside_by_who_may_raise_them)
{
	struct facts facts = root_facts();
	const struct plan *plan = build_more("", &facts);

	CHECK(plan && plan->process.priority_by_parent);
	facts.caller.caps_effective &= ~(1ULL << CAP_SYS_NICE);
	plan = build_more("", &facts);
	CHECK(plan && !plan->process.priority_by_parent);
	facts = root_facts();
	facts.caller.initial_userns = false; /* podman's root */
	plan = build_more("", &facts);
	CHECK(plan && !plan->process.priority_by_parent);
}

TEST(an_ambient_capability_that_cannot_be_is_told)
{
	struct facts facts = root_facts();
	struct plan_options options = { 0 };
	const struct plan *plan = build(
		PROCESS("\"capabilities\":{\"bounding\":[\"CAP_KILL\"],\"permitted\":[\"CAP_"
			"KILL\",\"CAP_CHOWN\"],\"inheritable\":[\"CAP_CHOWN\",\"CAP_FOWNER\"],"
			"\"ambient\":[\"CAP_CHOWN\",\"CAP_KILL\",\"CAP_FOWNER\"]}"),
		&facts, &options);

	CHECK(plan && plan->process.caps_ambient == 1ULL << CAP_CHOWN);
	CHECK(plan && plan->n_warnings >= 2);
	CHECK_STR(plan ? plan->warnings[plan->n_warnings - 2].text : "",
		  "process.capabilities.ambient: ignoring CAP_KILL, which is not inheritable as "
		  "well");
	CHECK_STR(plan ? plan->warnings[plan->n_warnings - 1].text : "",
		  "process.capabilities.ambient: ignoring CAP_FOWNER, which is not permitted as "
		  "well");
}

TEST(an_effective_capability_that_cannot_be_is_told)
{
	struct facts facts = root_facts();
	struct plan_options options = { 0 };
	const struct plan *plan =
		build(PROCESS("\"capabilities\":{\"bounding\":[\"CAP_KILL\"],\"permitted\":[\"CAP_"
			      "KILL\"],\"effective\":[\"CAP_KILL\",\"CAP_CHOWN\"]}"),
		      &facts, &options);

	CHECK(plan && plan->process.caps_effective == 1ULL << CAP_KILL);
	CHECK_STR(plan && plan->n_warnings ? plan->warnings[plan->n_warnings - 1].text : "",
		  "process.capabilities.effective: ignoring CAP_CHOWN, which is not permitted as "
		  "well");
}

TEST(cpus_are_of_exec_only)
{
	struct facts facts = root_facts();
	struct plan_options options = { .id = "test", .bundle = "/b" };
	struct plan_exec_request request = { .facts = &facts, .options = &options };
	const struct oci_config *config;
	const struct plan *plan;
	static const char json[] = PROCESS("\"execCPUAffinity\":{\"initial\":\"0\"}");

	CHECK_INT(decode_config(&arena, "c", json, strlen(json), &config, &err), 0);
	CHECK_INT(plan_build(&arena, config, &facts, &options, &plan, &err), 0);
	CHECK(!plan->process.affinity);
	request.config = config;
	request.process = config->process;
	CHECK_INT(plan_exec_build(&arena, &request, &plan, &err), 0);
	CHECK(plan->process.affinity && plan->process.affinity->initial);
}

#define NETWORK ",\"linux\":{\"namespaces\":[{\"type\":\"network\"},{\"type\":\"mount\"}],"

TEST(network_devices_need_the_right_to_move_them)
{
	struct facts facts = root_facts();
	const struct plan *plan =
		build_more(NETWORK "\"netDevices\":{\"a\":{},\"b\":{\"name\":\"c\"}}}", &facts);

	CHECK(plan && (plan->flags & PLAN_NET_DEVICES) && plan->n_net_devices == 2);
	CHECK_STR(plan ? plan->net_devices[0].to : "", "a");
	CHECK_STR(plan ? plan->net_devices[1].to : "", "c");
	facts.caller.caps_effective &= ~(1ULL << CAP_NET_ADMIN);
	CHECK(!build_more(NETWORK "\"netDevices\":{\"a\":{}}}", &facts));
	CHECK(strstr(err.hint, "CAP_NET_ADMIN") != NULL);
}

TEST(a_group_of_resctrl_is_named_after_the_container_unless_it_has_a_name)
{
	struct facts facts = root_facts();
	const struct plan *plan =
		build_more(NETWORK "\"intelRdt\":{\"enableMonitoring\":true}}", &facts);

	CHECK(plan && plan->rdt.own && plan->rdt.n_lines == 0);
	CHECK_STR(plan ? plan->rdt.group : "", "test");
	CHECK_STR(plan ? plan->rdt.monitor : "", "test/mon_groups/test");
	plan = build_more(NETWORK "\"intelRdt\":{\"closID\":\"/\"}}", &facts);
	CHECK_STR(plan ? plan->rdt.group : "", ".");
	plan = build_more(NETWORK "\"intelRdt\":{\"closID\":\"x\",\"schemata\":[\"L2:0=1\"],"
				  "\"memBwSchema\":\"MB:0=1\",\"l3CacheSchema\":\"L3:0=1\"}}",
			  &facts);
	CHECK(plan && !plan->rdt.own && plan->rdt.n_lines == 3 && !plan->rdt.monitor);
	CHECK_STR(plan ? plan->rdt.lines[0] : "", "L3:0=1");
	CHECK_STR(plan ? plan->rdt.lines[1] : "", "MB:0=1");
	CHECK_STR(plan ? plan->rdt.lines[2] : "", "L2:0=1");
	plan = build_more("", &facts);
	CHECK(plan && !plan->rdt.group);
}

TEST(annotations_are_known_absolute_or_worth_a_word)
{
	struct facts facts = root_facts();
	const struct plan *plan = build_more(
		",\"annotations\":{\"run.oci.hooks.stdout\":\"/log\",\"other\":\"\"}", &facts);

	CHECK_STR(plan && plan->hooks_stdout ? plan->hooks_stdout : "", "/log");
	CHECK(!build_more(",\"annotations\":{\"run.oci.hooks.stderr\":\"log\"}", &facts));
	CHECK_STR(check_said(&err),
		  "config.json: annotations[\"run.oci.hooks.stderr\"]: expected an "
		  "absolute path, got \"log\"");
	plan = build_more(",\"annotations\":{\"run.oci.init\":\"1\"}", &facts);
	CHECK(plan && !plan->process.reaper &&
	      plan->n_warnings); /* not the first process there is */
	plan = build_more(",\"annotations\":{\"run.oci.new\":\"1\"}", &facts);
	CHECK(plan && plan->n_warnings &&
	      strstr(plan->warnings[plan->n_warnings - 1].text, "run.oci.new"));
}

/* An image's labels become annotations: what reaches into the host takes an option. */
TEST(the_network_of_an_annotation_opens_nothing)
{
	static const char *const refused[] = { "host", "/run/netns/x", "proxy:true", "bridge" };
	struct facts facts = root_facts();
	struct plan_options options = { .net = "slirp4netns" };
	const struct plan *plan;

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		CHECK(!build_more(arena_strf(&arena, ",\"annotations\":{\"run.usrun.net\":\"%s\"}",
					     refused[i]),
				  &facts));
		CHECK(strstr(check_said(&err),
			     "annotations[\"run.usrun.net\"]: expected none, slirp4netns "
			     "or pasta, got ") != NULL);
		CHECK(strstr(err.hint, "use --net, which") != NULL);
	}
	plan = build(
		"{" BASE ",\"linux\":{\"namespaces\":[{\"type\":\"pid\"},{\"type\":\"mount\"}]},"
		"\"annotations\":{\"run.usrun.net\":\"host\",\"run.usrun.net.publish\":\"80:80\","
		"\"run.usrun.net.host-loopback\":\"true\",\"run.usrun.net.metadata\":\"true\"}}",
		&facts, &options);
	CHECK(plan && plan->net.kind == NET_SLIRP4NETNS && !plan->net.n_ports &&
	      !plan->net.host_loopback && !plan->net.metadata);
}

/* With --net=slirp4netns: process has more members of that object, linux_ the namespaces'
 * successors. */
static const struct plan *build_slirp(const char *process, const char *linux_, bool opened)
{
	struct facts facts = root_facts();
	struct plan_options options = { .net = "slirp4netns",
					.host_loopback = opened,
					.metadata = opened };
	return build(arena_strf(&arena,
				"{\"ociVersion\":\"1.0.2\",\"root\":{\"path\":\"rootfs\"},"
				"\"process\":{\"cwd\":\"/\",\"args\":[\"sh\"],%s},\"linux\":{"
				"\"namespaces\":[%s{\"type\":\"pid\"},{\"type\":\"mount\"}]%s}}",
				process, *linux_ ? "{\"type\":\"user\"}," : "", linux_),
		     &facts, &options);
}

static bool warns_of_packets(const char *caps, bool opened)
{
	const struct plan *plan = build_slirp(
		arena_strf(&arena, "\"capabilities\":{\"bounding\":[%s]}", caps), "", opened);

	for (size_t i = 0; plan && i < plan->n_warnings; i++)
		if (strstr(plan->warnings[i].text, "can still reach the host's loopback"))
			return true;
	return false;
}

/* Its packets pass by what keeps others from the host. */
TEST(who_makes_packets_is_worth_a_word)
{
	CHECK(warns_of_packets("\"CAP_NET_RAW\"", false));
	CHECK(warns_of_packets("\"CAP_NET_ADMIN\"", false));
	CHECK(!warns_of_packets("\"CAP_NET_ADMIN\"", true));
	CHECK(!warns_of_packets("\"CAP_NET_BIND_SERVICE\"", false));
}

/* "FIRST LAST" of net.ipv4.ping_group_range, where the gids are mapped so; NULL: it is not set. */
static const char *ping_groups(const char *gid_map, const char *gid)
{
	const struct plan *plan = build_slirp(
		arena_strf(&arena, "\"user\":{\"uid\":0,\"gid\":%s}", gid),
		arena_strf(&arena,
			   ",\"uidMappings\":[{\"containerID\":0,\"hostID\":0,\"size\":1}],"
			   "\"gidMappings\":[%s]",
			   gid_map),
		false);

	for (size_t i = 0; plan && i < plan->n_sysctl; i++)
		if (strcmp(plan->sysctl[i].key, "net.ipv4.ping_group_range") == 0)
			return plan->sysctl[i].value;
	return plan ? NULL : "no plan";
}

TEST(groups_that_may_ping_are_numbers_of_the_kernel)
{
	CHECK_STR(ping_groups("{\"containerID\":0,\"hostID\":5,\"size\":10}", "0"), "0 9");
	CHECK_STR(ping_groups("{\"containerID\":0,\"hostID\":0,\"size\":4294967295}", "0"),
		  "0 2147483647");
	CHECK(!ping_groups("{\"containerID\":3000000000,\"hostID\":5,\"size\":10}", "3000000001"));
}

TEST(a_service_manager_is_stood_for_unless_the_engine_cares)
{
	struct facts facts = root_facts();
	struct plan_options options = { .notify_socket = "/run/systemd/notify",
					.notify_path = "/state/test/notify" };
	const struct plan *plan = build(PROCESS("\"env\":[\"A=b\"]"), &facts, &options);
	const struct mount_entry *m;

	CHECK(plan && plan->notify && plan->process.n_env == 2);
	if (!plan || !plan->notify)
		return;
	CHECK_STR(plan->process.env[1], "NOTIFY_SOCKET=/run/systemd/notify/notify");
	m = &plan->rootfs.mounts[plan->rootfs.n_mounts - 1];
	CHECK_STR(m->target, "/run/systemd/notify/notify");
	CHECK_STR(m->source, "/state/test/notify");
	options.notify_socket = "@abstract";
	plan = build(PROCESS("\"env\":[\"A=b\"]"), &facts, &options);
	CHECK_STR(plan ? plan->process.env[1] : "", "NOTIFY_SOCKET=/run/notify/notify");
	plan = build(PROCESS("\"env\":[\"NOTIFY_SOCKET=/x\"]"), &facts, &options);
	CHECK(plan && !plan->notify && plan->process.n_env == 1);
}

TEST(a_variable_given_twice_has_its_last_value)
{
	struct facts facts = root_facts();
	const struct plan *plan =
		build(PROCESS("\"env\":[\"A=1\",\"AB=2\",\"A=3\",\"B=\",\"A=4=5\"]"), &facts,
		      &(struct plan_options){ 0 });

	CHECK(plan && plan->process.n_env == 3);
	if (!plan || plan->process.n_env != 3)
		return;
	CHECK_STR(plan->process.env[0], "AB=2");
	CHECK_STR(plan->process.env[1], "B=");
	CHECK_STR(plan->process.env[2], "A=4=5");
	CHECK(!plan->process.env[3]);
}

#define DEADLINE "\"scheduler\":{\"policy\":\"SCHED_DEADLINE\",\"runtime\":1,\"deadline\":2"
#define HOOKS "},\"hooks\":{\"startContainer\":[{\"path\":\"/x\"}]},\"x\":{"

TEST(a_process_that_may_not_fork_has_no_hooks_of_its_own)
{
	struct facts facts = root_facts();
	struct plan_options options = { 0 };

	CHECK(build(PROCESS(DEADLINE "}"), &facts, &options) != NULL);
	CHECK(!build(PROCESS(DEADLINE "}" HOOKS), &facts, &options));
	CHECK(strstr(err.hint, "SCHED_FLAG_RESET_ON_FORK") != NULL);
	CHECK(build(PROCESS(DEADLINE ",\"flags\":[\"SCHED_FLAG_RESET_ON_FORK\"]}" HOOKS), &facts,
		    &options) != NULL);
}
