/* SPDX-License-Identifier: Apache-2.0 */
/* CRIU's messages, its logs, and what it is asked for. */
#include "src/criu/report.h"
#include "src/criu/rpc.h"
#include "src/oci/decode.h"
#include "src/plan/plan_criu.h"
#include "tests/lib/check.h"
#include "tests/unit/plan_facts.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>

static struct arena arena;
static struct err err;

static const char *hex(const struct str *s)
{
	static char text[1024];

	text[0] = '\0';
	for (size_t i = 0; i < s->len && i < 500; i++)
		(void)snprintf(text + 2 * i, 3, "%02x", (unsigned char)s->s[i]);
	return text;
}

static const char *encoded(const struct rpc_request *request)
{
	_cleanup_str_ struct str out = { 0 };

	rpc_encode(&out, request);
	return hex(&out);
}

TEST(requests_are_written_as_criu_reads_them)
{
	struct rpc_opts opts = RPC_OPTS_NONE;
	static const struct rpc_pair mount = { "/a", "b" }, group = { NULL, "/g" };
	static const struct rpc_fd fd = { "n", 9 };

	CHECK_STR(encoded(&(struct rpc_request){ .type = RPC_NOTIFY, .notify_success = true }),
		  "08061801");
	CHECK_STR(encoded(&(struct rpc_request){ .type = RPC_FEATURE_CHECK, .mem_track = true }),
		  "08092a0408011000");
	CHECK_STR(encoded(&(struct rpc_request){ .type = RPC_DUMP, .opts = &opts }), "08011200");
	opts.images_fd = 3;
	opts.pid = 300;
	opts.leave_running = true;
	opts.cgroups = RPC_CGROUPS_IGNORE;
	CHECK_STR(encoded(&(struct rpc_request){ .type = RPC_DUMP, .opts = &opts }),
		  "0801120a080310ac029002001801");
	opts = (struct rpc_opts)RPC_OPTS_NONE;
	opts.mounts = &mount;
	opts.n_mounts = 1;
	opts.groups = &group;
	opts.n_groups = 1;
	opts.inherit = &fd;
	opts.n_inherit = 1;
	CHECK_STR(encoded(&(struct rpc_request){ .type = RPC_RESTORE, .opts = &opts }),
		  "08021219"
		  "ba01070a022f61120162"
		  "ca010412022f67"
		  "da01050a016e1009");
}

static int decoded(const char *data, size_t len, struct rpc_response *ret)
{
	memset(ret, 0x55, sizeof(*ret));
	return rpc_decode(data, len, ret);
}
#define DECODED(s, ret) decoded(s, sizeof(s) - 1, ret)

TEST(answers_are_read)
{
	struct rpc_response r;

	CHECK_INT(DECODED("\x08\x02\x10\x01\x22\x03\x08\xac\x02", &r), 0);
	CHECK_INT(r.type, RPC_RESTORE);
	CHECK(r.success);
	CHECK_INT(r.pid, 300);
	CHECK_STR(r.script, "");
	CHECK_INT(DECODED("\x08\x06\x10\x01\x2a\x08\x0a\x04"
			  "post\x10\x07",
			  &r),
		  0);
	CHECK_INT(r.type, RPC_NOTIFY);
	CHECK_STR(r.script, "post");
	CHECK_INT(r.pid, 7);
	CHECK_INT(DECODED("\x08\x01\x10\x00\x38\x03\x4a\x02no", &r), 0);
	CHECK(!r.success);
	CHECK_INT(r.error, 3);
	CHECK_STR(r.message, "no");
	/* -1, as criu says it of a process that is not there. */
	CHECK_INT(
		DECODED("\x08\x02\x10\x00\x22\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", &r),
		0);
	CHECK_INT(r.pid, 0);
	CHECK_INT(DECODED("\x08\x09\x10\x01\x42\x04\x08\x01\x10\x01", &r), 0);
	CHECK(r.mem_track && r.lazy_pages);
	/* Fields of a later version, of every wire type. */
	CHECK_INT(DECODED("\xa0\x06\x05\xa1\x06"
			  "12345678\xa2\x06\x02xy\xa5\x06"
			  "1234\x08\x01\x10\x01",
			  &r),
		  0);
	CHECK(r.success);
}

TEST(what_is_no_answer_is_refused)
{
	struct rpc_response r;

	CHECK_INT(DECODED("", &r), -EBADMSG);
	CHECK_INT(DECODED("\x10\x01", &r), -EBADMSG); /* of no type */
	CHECK_INT(DECODED("\x08", &r), -EBADMSG);
	CHECK_INT(DECODED("\x08\x06\x2a\x7f\x0a", &r), -EBADMSG); /* longer than what is there */
	CHECK_INT(DECODED("\x08\x06\x2a\x02\x0a\x09", &r), -EBADMSG);
	CHECK_INT(DECODED("\x08\x06\x0b", &r), -EBADMSG); /* a group, which nobody uses */
	CHECK_INT(DECODED("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", &r), -EBADMSG);
	CHECK_INT(DECODED("\x08\x06\xa1\x06\x31", &r), -EBADMSG);
}

TEST(long_texts_are_cut)
{
	struct rpc_response r;
	char data[600] = "\x08\x06\x2a\xc8\x01\x0a\xc5\x01";

	memset(data + 8, 'x', 0xc5);
	CHECK_INT(decoded(data, 8 + 0xc5, &r), 0);
	CHECK_INT(strlen(r.script), RPC_SCRIPT_SIZE - 1);
}

static const char harmless[] =
	"(00.000001) Error (criu/util.c:1): rlimit: Can't setup RLIMIT_NOFILE for self: "
	"Operation not permitted\n"
	"(00.000002) Warn  (criu/x.c:2): Dirty tracking (soft-dirty) is OFF\n";

TEST(the_last_errors_of_a_log_are_what_counts)
{
	char text[640];

	report_errors(harmless, text, sizeof(text));
	CHECK_STR(text, "");
	CHECK(report_hint(harmless) == NULL);
	report_errors(arena_strf(&arena, "%s%s", harmless,
				 "(00.1) Error (criu/a.c:1): first\n"
				 "(00.2)   42: Error (criu/a.c:1): second: Permission denied\n"
				 "(00.3) no error\n"
				 "(00.4) Error (criu/a.c:1): x: No such file or directory\n"
				 "(00.5) Error (criu/a.c:1): last: Operation not permitted\n"
				 "(00.6) Error (criu/cr-dump.c:2): Dumping FAILED.\n"),
		      text, sizeof(text));
	CHECK_STR(text, "second: EACCES; x: ENOENT; last: EPERM");
	report_errors("Error (criu/util.c:1): execvp(\"iptables-restore\", ...) failed: x\n"
		      "(00.1) 1: Error (criu/util.c:2): iptables-restore -V failed\n"
		      "Error (criu/util.c:1): execvp(\"nft\", ...) failed: x\n"
		      "(00.2) Error (criu/util.c:3): exited\n",
		      text, sizeof(text));
	CHECK_STR(text, "execvp(\"nft\", ...) failed: x; exited");
	report_errors("Error (cut", text, sizeof(text));
	CHECK_STR(text, "");
	report_errors("1 Error (a:1): tail", text, 4);
	CHECK_STR(text, "tai");
}

TEST(usual_causes_have_advice)
{
	CHECK(strstr(report_hint("Error (criu/sk-inet.c:1): inet: Connected TCP socket, consider "
				 "using --tcp-established option.\n"),
		     "--tcp-established"));
	CHECK(strstr(
		report_hint("1 Error (criu/file-lock.c:1): Some file locks are hold by dumping "
			    "tasks! You can try --file-locks to dump them.\n"),
		"--file-locks"));
	CHECK(strstr(report_hint("1 Error (criu/util.c:1): execvp(\"iptables-restore\", ...) failed"
				 "\n1 Error (criu/x:1): other\n"),
		     "nftables"));
	/* As CRIU says it where the module nfnetlink is missing. */
	CHECK_STR(
		report_hint("src/mnl.c:68: Unable to initialize Netlink socket: Protocol not "
			    "supported\n"
			    "Error (criu/kerndat.c:1922): kerndat_has_nftables_concat failed when "
			    "initializing kerndat.\n"
			    "Error (criu/crtools.c:280): Could not initialize kernel features "
			    "detection.\n"),
		"criu asks the kernel for nftables: modprobe nf_tables");
}

static const struct oci_config *config_of(const char *mounts, const char *namespaces)
{
	const struct oci_config *config = NULL;
	char *json = arena_strf(&arena,
				"{\"ociVersion\":\"1.0.2\",\"root\":{\"path\":\"rootfs\"},"
				"\"process\":{\"cwd\":\"/\",\"args\":[\"sh\"]},\"mounts\":[%s],"
				"\"linux\":{\"namespaces\":[%s],\"maskedPaths\":[\"/proc/keys\"]}}",
				mounts, namespaces);

	err = (struct err){ 0 };
	CHECK_INT(decode_config(&arena, "config.json", json, strlen(json), &config, &err), 0);
	return config;
}

static const char *pairs(const struct rpc_opts *opts)
{
	char *text = arena_strdup(&arena, "");

	for (size_t i = 0; i < opts->n_mounts; i++)
		text = arena_strf(&arena, "%s%s=%s ", text, opts->mounts[i].key,
				  opts->mounts[i].value);
	return text;
}

#define PROC "{\"destination\":\"/proc\",\"type\":\"proc\",\"source\":\"proc\"}"
#define BIND(to, options)                                                                          \
	"{\"destination\":\"" to "\",\"type\":\"bind\",\"source\":\"/src\",\"options\":[" options  \
	"]}"
#define MNT "{\"type\":\"mount\"}"

static const char mountinfo[] = "20 1 8:1 /rootfs / rw - ext4 /dev/sda rw\n"
				"21 20 0:50 / /proc rw - proc proc rw\n"
				"22 21 0:50 /sys /proc/sys ro - proc proc rw\n"
				"23 21 0:6 /null /proc/keys ro - devtmpfs devtmpfs rw\n"
				"24 20 8:1 /src /run/vol rw - ext4 /dev/sda rw\n"
				"25 24 0:77 / /run/vol/deep\\040one rw - tmpfs tmpfs rw\n"
				"26 20 8:1 /other /extra rw - ext4 /dev/sda rw\n"
				"27 20 0:33 /ctr /cg rw - cgroup2 cgroup rw\n";

TEST(binds_and_masks_are_external_at_a_dump)
{
	static const char *const real[] = { "/proc", "/run/vol" };
	struct rpc_opts opts = RPC_OPTS_NONE;

	plan_criu_dump_mounts(&arena, config_of(PROC "," BIND("/var/run//vol", "\"rbind\""), MNT),
			      real, mountinfo, &opts);
	CHECK_STR(pairs(&opts), "/proc/keys=/dev/null /run/vol=/var/run/vol "
				"/run/vol/deep one=/run/vol/deep one /extra=/extra /cg=/cg ");
	/* In a cgroup namespace they are the container's own. */
	plan_criu_dump_mounts(
		&arena,
		config_of(PROC "," BIND("/var/run/vol", "\"rbind\""), MNT ",{\"type\":\"cgroup\"}"),
		real, mountinfo, &opts);
	CHECK(!strstr(pairs(&opts), "/cg"));
	/* But that of a user namespace would have to belong to it. */
	plan_criu_dump_mounts(&arena,
			      config_of(PROC "," BIND("/var/run/vol", "\"rbind\""),
					MNT ",{\"type\":\"cgroup\"},{\"type\":\"user\"}"),
			      real, mountinfo, &opts);
	CHECK(strstr(pairs(&opts), " /cg=/cg "));
}

/* Without a namespace the mount that the config asks for is a part of the host's hierarchy. */
TEST(a_cgroup_mount_is_external)
{
	static const char *const real[] = { "/cg" };
	struct rpc_opts opts = RPC_OPTS_NONE;

	plan_criu_dump_mounts(
		&arena,
		config_of("{\"destination\":\"/cg\",\"type\":\"cgroup\",\"source\":\"x\"}", MNT),
		real,
		"20 1 8:1 /rootfs / rw - ext4 /dev/sda rw\n27 20 0:33 /ctr /cg rw - cgroup2 cgroup "
		"rw\n",
		&opts);
	CHECK_STR(pairs(&opts), "/cg=/cg ");
	plan_criu_dump_mounts(
		&arena,
		config_of("{\"destination\":\"/cg\",\"type\":\"cgroup\",\"source\":\"x\"}", MNT),
		real,
		"20 1 8:1 /rootfs / rw - ext4 /dev/sda rw\n27 20 0:33 / /cg rw - cgroup2 cgroup "
		"rw\n",
		&opts);
	CHECK_STR(pairs(&opts), "");
}

TEST(a_restore_names_what_is_mounted_in_their_place)
{
	static const char host[] = "1 0 8:1 / / rw - ext4 /dev/sda rw\n"
				   "2 1 0:9 / /src/deep rw - tmpfs tmpfs rw\n"
				   "3 1 0:9 / /srcs rw - tmpfs tmpfs rw\n";
	static const struct plan_options options = { .id = "test", .bundle = "/bundle" };
	struct facts facts = root_facts();
	const struct plan *plan = NULL;
	struct rpc_opts opts = RPC_OPTS_NONE;

	CHECK_INT(plan_build(&arena,
			     config_of(PROC "," BIND("/m", "\"rbind\"") "," BIND("/n", "\"bind\""),
				       MNT),
			     &facts, &options, &plan, &err),
		  0);
	plan_criu_restore_mounts(&arena, plan, &(struct cgroup_place){ 0 }, host, &opts);
	CHECK_STR(pairs(&opts), "/m=/src /m/deep=/src/deep /n=/src /dev/null=/dev/null ");
}

/* Of cgroup v1 without a namespace: each hierarchy shows the container's own group. */
TEST(groups_are_bound_again)
{
	struct facts_hierarchy hierarchies[] = {
		{ .controllers = "cpu", .mount = "/sys/fs/cgroup/cpu", .own = "/own" },
		{ .controllers = "", .mount = "/sys/fs/cgroup/unified", .own = "/own" },
	};
	static const struct cgroup_dir dir = { .mount = "/sys/fs/cgroup/cpu", .path = "/ctr" };
	static const struct plan_options options = { .id = "test", .bundle = "/bundle" };
	const struct cgroup_place place = { .dirs = { &dir, 1 } };
	struct facts facts = root_facts();
	const struct plan *plan = NULL;
	struct rpc_opts opts = RPC_OPTS_NONE;

	CHECK_INT(plan_build(&arena,
			     config_of("{\"destination\":\"/cg\",\"type\":\"cgroup\","
				       "\"source\":\"cgroup\"}",
				       MNT),
			     &facts, &options, &plan, &err),
		  0);
	facts.cgroup.v = hierarchies;
	facts.cgroup.n = 2;
	plan_criu_restore_mounts(&arena, plan, &place, "", &opts);
	CHECK_STR(pairs(&opts), "/cg/cpu=/sys/fs/cgroup/cpu/ctr "
				"/cg/unified=/sys/fs/cgroup/unified/own /dev/null=/dev/null ");
	facts.cgroup.mode = FACTS_CGROUP_V2;
	facts.cgroup.n = 1;
	plan_criu_restore_mounts(&arena, plan, &place, "", &opts);
	CHECK_STR(pairs(&opts), "/cg=/sys/fs/cgroup/cpu/ctr /dev/null=/dev/null ");
}

TEST(what_criu_cannot_hold_is_refused)
{
	CHECK_INT(plan_criu_check(config_of("", MNT), &err), 0);
	CHECK_ERR(plan_criu_check(config_of("", ""), &err), &err, "mount namespace");
	CHECK_INT(plan_criu_check(config_of("", MNT ",{\"type\":\"user\"}"), &err), 0);
	CHECK_ERR(plan_criu_check(config_of("", MNT ",{\"type\":\"user\",\"path\":\"/x\"}"), &err),
		  &err, "criu does not restore into one that is there already");
	CHECK_INT(plan_criu_check(config_of(BIND("/m", "\"bind\",\"ro\""), MNT), &err), 0);
	CHECK_ERR(
		plan_criu_check(config_of(BIND("/m", "\"bind\",\"idmap\""), MNT), &err), &err,
		"mounts[0]: a container with an ID-mapped mount cannot be checkpointed: criu would "
		"restore the mount without its mapping");
	CHECK_ERR(plan_criu_check(config_of("", "{\"type\":\"mount\",\"path\":\"/x\"}"), &err),
		  &err, "mount namespace");
	CHECK_ERR(
		plan_criu_check(config_of("", MNT ",{\"type\":\"cgroup\",\"path\":\"/x\"}"), &err),
		&err, "cgroup namespace");
}

static int read_options(const struct plan_criu_asked *asked, struct rpc_opts *ret)
{
	*ret = (struct rpc_opts)RPC_OPTS_NONE;
	return plan_criu_options(&arena, asked, config_of("", MNT), ret, &err);
}

TEST(options_are_read)
{
	static const char *const net[] = { "network" }, *const other[] = { "pid" };
	struct plan_criu_asked asked = { .has_iptables = true };
	struct rpc_opts opts;

	CHECK_INT(read_options(&asked, &opts), 0);
	CHECK_INT(opts.cgroups, RPC_CGROUPS_IGNORE);
	CHECK(!opts.manage_cgroups);
	CHECK_INT(opts.network_lock, -1);
	CHECK_INT(opts.status_fd, -1);
	CHECK_STR(opts.config_file, "/etc/criu/usrun.conf");
	asked = (struct plan_criu_asked){ .cgroups = "full",
					  .page_server = "::1:27",
					  .status_fd = 5,
					  .empty_ns = net,
					  .n_empty_ns = 1 };
	CHECK_INT(read_options(&asked, &opts), 0);
	CHECK_INT(opts.cgroups, RPC_CGROUPS_FULL);
	CHECK(opts.manage_cgroups);
	CHECK_INT(opts.network_lock, RPC_LOCK_NFTABLES); /* what CRIU has by itself */
	CHECK_STR(opts.page_server, "::1");
	CHECK_INT(opts.page_server_port, 27);
	CHECK_INT(opts.status_fd, 5);
	CHECK_INT(opts.empty_ns, CLONE_NEWNET);
	asked.empty_ns = other;
	CHECK_ERR(read_options(&asked, &opts), &err, "--empty-ns: expected network, got \"pid\"");
	asked.n_empty_ns = 0;
	asked.page_server = "host";
	CHECK_ERR(read_options(&asked, &opts), &err, "--page-server: expected ADDRESS:PORT");
	asked.page_server = "host:65536";
	CHECK_ERR(read_options(&asked, &opts), &err, "--page-server");
	asked = (struct plan_criu_asked){ .parent = "/abs" };
	CHECK_ERR(read_options(&asked, &opts), &err, "--parent-path: expected a path relative");
	asked = (struct plan_criu_asked){ .lsm_profile = "apparmor" };
	CHECK_ERR(read_options(&asked, &opts), &err, "--lsm-profile: expected TYPE:NAME");
}

TEST(groups_of_others_are_left_alone)
{
	static const struct cgroup_dir dir = { .mount = "/sys/fs/cgroup/cpu", .path = "/ctr" };
	static const struct cgroup_dir all = { .mount = "/sys/fs/cgroup/cpu", .path = "/" };
	struct cgroup_place place = { .dirs = { &dir, 1 } };
	struct rpc_opts opts = RPC_OPTS_NONE;

	CHECK_INT(plan_criu_check_groups(&opts, &place, "1:cpu:/other", &err), 0);
	opts.manage_cgroups = true;
	CHECK_INT(plan_criu_check_groups(&opts, &place, "1:cpu:/ctr\n0::/ctr/below\n", &err), 0);
	CHECK_ERR(plan_criu_check_groups(&opts, &place, "1:cpu:/ctr\n0::/\n", &err), &err,
		  "--manage-cgroups-mode: cgroup \"/\" is not the container's own");
	CHECK_ERR(plan_criu_check_groups(&opts, &place, "1:name=x:/ctrl", &err), &err, "\"/ctrl\"");
	place.dirs.v = &all;
	CHECK_ERR(plan_criu_check_groups(&opts, &place, "1:cpu:/x", &err), &err, "\"/x\"");
	place.dirs.n = 0;
	CHECK_ERR(plan_criu_check_groups(&opts, &place, "0::/ctr", &err), &err, "not the");
}

TEST(streams_of_the_host_have_a_name)
{
	struct plan_criu_stream stream = { .text = "/tmp/log", .mount = 0x1b, .inode = 0xab };
	bool null;

	CHECK_STR(plan_criu_stream_text(&arena, &stream), "file[1b:ab] /tmp/log");
	CHECK_STR(plan_criu_stream_key(&arena, "file[1b:ab] /tmp/log", &null), "file[1b:ab]");
	CHECK(!null);
	CHECK_STR(plan_criu_stream_key(&arena, "file[1b:ab] /dev/null", &null), "file[1b:ab]");
	CHECK(null);
	CHECK_STR(plan_criu_stream_key(&arena, "pipe:[123]", &null), "pipe:[123]");
	CHECK(plan_criu_stream_key(&arena, "/dev/null", &null) == NULL);
	CHECK(plan_criu_stream_key(&arena, "socket:[5]", &null) == NULL);
	stream.inode = 0;
	CHECK_STR(plan_criu_stream_text(&arena, &stream), "/tmp/log");
}
