/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of mounts[] and linux.devices. */
#include "src/base/str.h"
#include "src/oci/decode.h"
#include "src/oci/mount_options.h"
#include "src/plan/plan.h"
#include "src/plan/plan_print.h"
#include "tests/lib/check.h"
#include "tests/lib/order.h"
#include "tests/unit/plan_facts.h"

#include <linux/mount.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>

static struct arena arena;
static struct err err;
static struct plan_options options = { .id = "test", .bundle = "/bundle" };

static const struct idmap_range podman[] = { { 0, 1000, 1 }, { 1, 100000, 65536 } };

static struct facts podman_facts(void)
{
	struct facts facts = root_facts();

	facts.caller.initial_userns = false;
	facts.caller.uid_map = facts.caller.gid_map = (struct idmap){ podman, 2 };
	return facts;
}

static const struct plan *build(const struct facts *facts, const char *mounts, const char *linux_)
{
	const struct oci_config *config;
	const struct plan *plan = NULL;
	char *json = arena_strf(&arena,
				"{\"ociVersion\":\"1.0.2\",\"root\":{\"path\":\"rootfs\"},"
				"\"process\":{\"cwd\":\"/\",\"args\":[\"sh\"]},\"mounts\":[%s],"
				"\"linux\":{\"namespaces\":[{\"type\":\"mount\"}%s}}",
				mounts, linux_);

	err = (struct err){ 0 };
	if (decode_config(&arena, "config.json", json, strlen(json), &config, &err) < 0 ||
	    plan_build(&arena, config, facts, &options, &plan, &err) < 0)
		return NULL;
	return plan;
}

/* The one mount of a plan of root, with these words. */
static const struct mount_entry *words(const char *type, const char *list)
{
	static const struct mount_entry nothing;
	struct facts facts = root_facts();
	const struct plan *plan = build(&facts,
					arena_strf(&arena,
						   "{\"destination\":\"/m\",\"type\":\"%s\","
						   "\"source\":\"src\",\"options\":[%s]}",
						   type, list),
					"]");

	CHECK(plan != NULL);
	return plan ? &plan->rootfs.mounts[0] : &nothing;
}

TEST(words_of_attributes)
{
	const struct mount_entry *m = words("none", "\"bind\",\"ro\",\"nosuid\",\"rw\",\"\"");

	CHECK_INT(m->kind, MOUNT_BIND);
	CHECK_STR(m->source, "/bundle/src");
	CHECK_INT(m->attr_set, MOUNT_ATTR_NOSUID);
	CHECK_INT(m->attr_clear, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC |
					 MOUNT_ATTR_NOSYMFOLLOW);
	CHECK_INT(words("none", "\"bind\",\"rprivate\"")->attr_clear, 0);
	m = words("none", "\"rbind\",\"ro\",\"rnodev\"");
	CHECK_INT(m->attr_set, MOUNT_ATTR_RDONLY);
	CHECK_INT(m->rattr_set, MOUNT_ATTR_NODEV);
	/* Where there is nothing below, all words are those of the one mount. */
	m = words("none", "\"bind\",\"rro\"");
	CHECK_INT(m->attr_set, MOUNT_ATTR_RDONLY);
	CHECK_INT(m->rattr_set, 0);
	m = words("mqueue", "\"rro\",\"rnoatime\"");
	CHECK_INT(m->attr_set, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOATIME);
}

TEST(words_of_the_superblock)
{
	const struct mount_entry *m = words("tmpfs", "\"sync\",\"size=1k\",\"async\",\"ro\"");

	CHECK_INT(m->n_super, 1);
	CHECK_STR(m->super[0].key, "size");
	CHECK_STR(m->super[0].value, "1k");
	CHECK(m->readonly_late && !(m->attr_set & MOUNT_ATTR_RDONLY));
	m = words("ext4", "\"ro\"");
	CHECK((m->attr_set & MOUNT_ATTR_RDONLY) && m->n_super == 0);
}

TEST(what_a_mount_needs)
{
	struct facts facts = root_facts();

	CHECK(!build(&facts, "{\"destination\":\"/m\",\"options\":[\"rbind\"]}", "]"));
	CHECK_STR(check_said(&err), "config.json: mounts[0].source: required for a bind mount");
	CHECK(!build(&facts, "{\"destination\":\"/m\",\"type\":\"bind\"}", "]"));
	CHECK_STR(check_said(&err), "config.json: mounts[0].source: required for a bind mount");
	CHECK(!build(&facts, "{\"destination\":\"/m\",\"source\":\"s\"}", "]"));
	CHECK_STR(check_said(&err),
		  "config.json: mounts[0].type: required unless the options include bind "
		  "or rbind");
}

TEST(data_of_bind_mounts)
{
	struct facts facts = root_facts();
	const struct plan *plan = build(
		&facts,
		"{\"destination\":\"/m\",\"source\":\"/s\",\"options\":[\"bind\",\"size=1k\"]}",
		"]");

	CHECK(plan && plan->rootfs.mounts[0].n_super == 0 && plan->n_warnings &&
	      strstr(plan->warnings[0].text, "\"size=1k\" has no meaning for a bind mount"));
	CHECK(!build(&facts,
		     "{\"destination\":\"/m\",\"source\":\"/s\",\"options\":[\"bind\",\"r0\"]}",
		     "]"));
	CHECK(strstr(check_said(&err),
		     "cannot have any filesystem-specific options applied, got \"r0\""));
}

TEST(values_that_fsconfig_cannot_take)
{
	char list[400];
	const struct mount_entry *m;

	(void)snprintf(list, sizeof(list), "\"lowerdir=%0300d\"", 0);
	m = words("overlay", list);
	CHECK_INT(m->n_methods, 1);
	CHECK_INT(m->methods[0], MOUNT_BY_MOUNT);
	m = words("overlay", "\"lowerdir=/a,upperdir=/b,workdir=/c\"");
	CHECK_INT(m->n_methods, 1);
	CHECK_INT(m->methods[0], MOUNT_BY_MOUNT);
	m = words("overlay", "\"lowerdir=/a\"");
	CHECK_INT(m->n_methods, 2);
	CHECK_INT(m->methods[0], MOUNT_BY_FSMOUNT);
}

TEST(recursive_propagation_is_that_of_all_mounts)
{
	struct facts facts = root_facts();
	const char *mounts = "{\"destination\":\"/a\",\"type\":\"tmpfs\"},{\"destination\":\"/b\","
			     "\"type\":\"tmpfs\",\"options\":[\"slave\"]}";
	const struct plan *plan = build(&facts, mounts, "],\"rootfsPropagation\":\"rshared\"");

	CHECK(plan && plan->rootfs.mounts[0].propagation == (MS_SHARED | MS_REC));
	CHECK(plan && plan->rootfs.mounts[1].propagation == MS_SLAVE);
	plan = build(&facts, mounts, "],\"rootfsPropagation\":\"shared\"");
	CHECK(plan && plan->rootfs.mounts[0].propagation == 0);
}

#define BIND(words, more)                                                                          \
	"{\"destination\":\"/m\",\"source\":\"/s\",\"options\":[\"rbind\"" words "]" more "}"
#define OWN_MAP                                                                                    \
	",\"uidMappings\":[{\"containerID\":1,\"hostID\":5,\"size\":2}],"                          \
	"\"gidMappings\":[{\"containerID\":3,\"hostID\":7,\"size\":4}]"
#define USERNS                                                                                     \
	",{\"type\":\"user\"}],\"uidMappings\":[{\"containerID\":0,\"hostID\":100000,\"size\":10}" \
	","                                                                                        \
	"{\"containerID\":10,\"hostID\":300000,\"size\":10}],\"gidMappings\":[{\"containerID\":0," \
	"\"hostID\":100000,\"size\":20}]"

static const struct idmap_write *map_of(const struct plan *plan)
{
	static const struct idmap_write nothing;

	CHECK(plan && plan->rootfs.n_idmaps == 1 && plan->rootfs.mounts[0].idmap == 1);
	return plan && plan->rootfs.n_idmaps ? &plan->rootfs.idmaps[0].write : &nothing;
}

TEST(ids_by_the_mounts_own_mapping)
{
	struct facts facts = root_facts();
	const struct plan *plan = build(&facts, BIND("", OWN_MAP), "]");
	const struct idmap_write *write = map_of(plan);

	CHECK_INT(idmap_to_host(&write->uid, 2), 6);
	CHECK_INT(idmap_to_host(&write->gid, 3), 7);
	CHECK(plan && (plan->flags & PLAN_MOUNTS_BY_PARENT) && order_has_flags(plan->flags));
	/* Two mounts with one mapping share the user namespace. */
	plan = build(&facts, BIND("", OWN_MAP) "," BIND("", OWN_MAP), "]");
	CHECK(plan && plan->rootfs.n_idmaps == 1 && plan->rootfs.mounts[1].idmap == 1);
}

TEST(ids_by_the_containers_mapping)
{
	struct facts facts = root_facts();
	const struct idmap_write *write = map_of(build(&facts, BIND(",\"idmap\"", ""), USERNS));

	CHECK_INT(idmap_to_host(&write->uid, 11), 300001);
	CHECK(!build(&facts, BIND(",\"ridmap\"", ""), "]"));
	CHECK_STR(check_said(&err), "config.json: mounts[0].options: ridmap needs uidMappings and "
				    "gidMappings: the container has no user namespace");
}

TEST(ids_by_the_word_of_crun)
{
	struct facts facts = root_facts();
	const struct idmap_write *write = map_of(
		build(&facts, BIND(",\"idmap=uids=0-1-10#10-21-5;gids=0-100-10\"", ""), "]"));

	CHECK_INT(write->uid.n, 2);
	CHECK_INT(idmap_to_host(&write->uid, 12), 23);
	CHECK_INT(idmap_to_host(&write->gid, 9), 109);
	/* Relative: 8 to 11 of the container lie in two of its ranges. */
	write = map_of(
		build(&facts, BIND(",\"ridmap=uids=@3-8-4#50-7-1;gids=@0-1-1\"", ""), USERNS));
	CHECK_INT(write->uid.n, 3);
	CHECK_INT(idmap_to_host(&write->uid, 4), 100009);
	CHECK_INT(idmap_to_host(&write->uid, 5), 300000);
	CHECK_INT(idmap_to_host(&write->uid, 50), 7);
	CHECK_INT(idmap_to_host(&write->gid, 0), 100001);
	/* Without a user namespace the container's ids are the host's. */
	write = map_of(build(&facts, BIND(",\"idmap=uids=@1-3-10;gids=@0-1-1\"", ""), "]"));
	CHECK_INT(idmap_to_host(&write->uid, 1), 3);
}

TEST(words_that_are_no_mapping)
{
	static const char *const bad[] = { "idmap=",
					   "idmap=uids=0-1-10",
					   "idmap=uids=0-1;gids=0-1-1",
					   "idmap=uids=0-1-1x;gids=0-1-1",
					   "idmap=uids=-1-1-1;gids=0-1-1",
					   "idmap=uids=0-1-1#;gids=0-1-1",
					   "idmap=uids=0-1-1;uids=0-1-1;gids=0-1-1",
					   "idmap=uids=0-4294967296-1;gids=0-1-1",
					   "idmap=pids=0-1-1;gids=0-1-1" };
	struct facts facts = root_facts();

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CHECK(!build(&facts,
			     arena_strf(&arena,
					"{\"destination\":\"/m\",\"source\":\"/s\",\"options\":["
					"\"bind\",\"%s\"]}",
					bad[i]),
			     "]"));
		CHECK(strstr(check_said(&err), "mounts[0].options: cannot read \"idmap="));
	}
	CHECK(!build(&facts, BIND(",\"idmap=uids=0-1-5#4-9-1;gids=0-1-1\"", ""), "]"));
	CHECK(strstr(check_said(&err), "overlap"));
	CHECK(!build(&facts, BIND(",\"idmap=uids=@0-99-1;gids=@0-1-1\"", ""), USERNS));
	CHECK(strstr(check_said(&err), "99"));
	CHECK(!build(&facts, BIND(",\"idmap=uids=0-1-1;gids=0-1-1\"", OWN_MAP), "]"));
	CHECK(strstr(check_said(&err), "two mappings"));
}

TEST(who_may_map_ids)
{
	struct facts facts = podman_facts();
	const struct idmap_write *write =
		map_of(build(&facts, BIND(",\"idmap=uids=0-0-5;gids=0-1-1\"", ""), "]"));

	/* Split at the ranges of the caller's own namespace, as the kernel wants it. */
	CHECK_INT(write->uid.n, 2);
	facts.caller.owns_mounts = false;
	CHECK(!build(&facts, BIND(",\"idmap=uids=0-0-5;gids=0-1-1\"", ""), "]"));
	CHECK(strstr(check_said(&err),
		     "needs CAP_SYS_ADMIN in the user namespace that mounted its"));
	facts = root_facts();
	CHECK(!build(&facts, "{\"destination\":\"/m\",\"type\":\"tmpfs\",\"options\":[\"idmap\"]}",
		     USERNS));
	CHECK(strstr(check_said(&err), "map those of bind mounts"));
}

TEST(owners_that_the_caller_does_not_have)
{
	static const char pts[] = "{\"destination\":\"/p\",\"type\":\"devpts\","
				  "\"options\":[\"gid=5\",\"uid=70000\",\"mode=620\"]}";
	struct facts facts = podman_facts();
	const struct plan *plan = build(&facts, pts, "]");

	CHECK(plan && plan->rootfs.mounts[0].n_super == 2);
	CHECK(plan && plan->n_warnings &&
	      strstr(plan->warnings[0].text, "\"uid=70000\" is dropped"));
}

TEST(overlays_of_user_namespaces)
{
	static const char plain[] = "{\"destination\":\"/m\",\"type\":\"overlay\","
				    "\"options\":[\"lowerdir=/a\"]}";
	struct facts facts = podman_facts();
	const struct plan *plan = build(&facts, plain, "]");

	CHECK(plan && plan->rootfs.mounts[0].n_super == 2);
	CHECK(plan && str_equal(plan->rootfs.mounts[0].super[1].key, "userxattr"));
	CHECK(plan && plan->n_warnings && strstr(plan->warnings[0].text, "\"userxattr\" is added"));
	facts = root_facts();
	plan = build(&facts, plain, "]");
	CHECK(plan && plan->rootfs.mounts[0].n_super == 1);
}

/* What is refused anew is the host's only for one that is in the host's namespace. */
TEST(the_hosts_own_in_place_of_a_new_one)
{
	static const char mounts[] = "{\"destination\":\"/proc\",\"type\":\"proc\"},"
				     "{\"destination\":\"/q\",\"type\":\"mqueue\"}";
	static const struct {
		const char *namespaces;
		int methods;
	} cases[] = {
		{ "]", 2 },
		{ ",{\"type\":\"pid\"},{\"type\":\"ipc\"}]", 1 },
		{ ",{\"type\":\"pid\",\"path\":\"/p\"},{\"type\":\"ipc\",\"path\":\"/i\"}]", 1 },
	};
	struct facts facts = podman_facts();

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct plan *plan = build(&facts, mounts, cases[i].namespaces);

		CHECK(plan != NULL);
		for (size_t k = 0; plan && k < 2; k++)
			CHECK_INT(plan->rootfs.mounts[k].n_methods, cases[i].methods);
	}
}

TEST(labels_of_mounts)
{
	static const char mounts[] = "{\"destination\":\"/m\",\"type\":\"tmpfs\"},"
				     "{\"destination\":\"/proc\",\"type\":\"proc\"},"
				     "{\"destination\":\"/q\",\"type\":\"mqueue\"}";
	static const char label[] =
		"],\"maskedPaths\":[\"/proc/acpi\"],\"mountLabel\":\"u:r:t:s0:c1,c2\"";
	_cleanup_str_ struct str text = { 0 };
	struct facts facts = root_facts();
	const struct plan *plan;

	facts.lsm = "selinux";
	plan = build(&facts, mounts, label);
	CHECK(plan && plan->rootfs.mounts[0].n_super == 1 && plan->rootfs.mounts[1].n_super == 0);
	CHECK(plan && str_equal(plan->rootfs.mounts[0].super[0].key, "context"));
	CHECK(plan && str_equal(plan->rootfs.mounts[0].super[0].value, "u:r:t:s0:c1,c2"));
	CHECK(plan && !plan->rootfs.mounts[0].label && !plan->rootfs.mounts[1].label);
	CHECK(plan && plan->rootfs.mounts[2].n_super == 0 &&
	      str_equal(plan->rootfs.mounts[2].label, "u:r:t:s0:c1,c2"));
	CHECK(plan && str_equal(plan->rootfs.mask_label.key, "context"));
	CHECK(plan && str_equal(plan->rootfs.mask_label.value, "u:r:t:s0:c1,c2"));
	if (plan)
		plan_print_rootfs(&text, plan);
	CHECK(strstr(str_text(&text), "  masked directories: context=u:r:t:s0:c1,c2\n"));
	/* mount(2) would end the label at the comma. */
	CHECK(plan && plan->rootfs.mounts[0].methods[0] == MOUNT_BY_FSMOUNT);
	facts.lsm = "";
	plan = build(&facts, mounts, label);
	CHECK(plan && plan->rootfs.mounts[0].n_super == 0 && !plan->rootfs.mask_label.key);
	CHECK(plan && plan->n_warnings &&
	      strstr(plan->warnings[0].text, "linux.mountLabel is ignored"));
}

TEST(devices_beside_a_dev_of_the_host)
{
	struct facts facts = root_facts();
	const struct plan *plan = build(
		&facts, "{\"destination\":\"/dev\",\"source\":\"/dev\",\"options\":[\"rbind\"]}",
		"],\"devices\":[{\"path\":\"/dev/x\",\"type\":\"c\",\"major\":1,\"minor\":3},"
		"{\"path\":\"/opt/x\",\"type\":\"p\"}]");

	CHECK(plan && !plan->devices.populate && plan->devices.n == 1);
	CHECK(plan && str_equal(plan->devices.v[0].path, "/opt/x"));
	CHECK(plan && plan->n_warnings && strstr(plan->warnings[0].text, "/dev/x"));
	CHECK(!build(&facts, "", "],\"devices\":[{\"path\":\"/.\",\"type\":\"p\"}]"));
	CHECK(strstr(check_said(&err), "linux.devices[0].path"));
}

/* What configurations say must not look like lines of the plan, nor be obeyed by a terminal; and
 * warnings go into the state, which has to be JSON. */
TEST(odd_texts_stay_where_they_belong)
{
	struct facts facts = root_facts();
	struct str out = { 0 }, target = { 0 };
	const struct plan *plan;

	plan = build(&facts,
		     "{\"destination\":\"/"
		     "a\\nrootfs\\u001b[2J\\u009b\",\"type\":\"tmpfs\",\"source\":\"s\"}",
		     "]");
	CHECK(plan != NULL);
	plan_print(&out, plan);
	CHECK(strstr(str_text(&out), "\n  /a\\nrootfs\\x1b[2J\\xc2\\x9b"));
	for (int i = 0; i < 400; i++)
		str_add(&target, "\u00e4");
	plan = build(&facts,
		     arena_strf(&arena,
				"{\"destination\":\"%s\",\"type\":\"tmpfs\",\"source\":\"s\"}",
				target.s),
		     "]");
	CHECK(plan && plan->n_warnings > 0);
	CHECK(plan && str_ends(plan->warnings[0].text, "\u00e4..."));
	str_done(&out);
	str_done(&target);
}

TEST(the_plan_is_told)
{
	struct facts facts = root_facts();
	const struct plan *plan = build(&facts, BIND(",\"rro\",\"rslave\"", OWN_MAP),
					"],\"rootfsPropagation\":\"rprivate\"");
	struct str out = { 0 };

	CHECK(plan != NULL);
	if (!plan)
		return;
	plan_print(&out, plan);
	CHECK(strstr(str_text(&out), "rro rslave\n") != NULL);
	CHECK(strstr(str_text(&out), "ids mapped, on disk to host: uid 1-5-2 gid 3-7-4") != NULL);
	CHECK(strstr(str_text(&out), "propagation rprivate") != NULL);
	str_done(&out);
}
