/* SPDX-License-Identifier: Apache-2.0 */
#include "src/oci/mount_options.h"
#include "src/oci/names.h"
#include "src/oci/rdt.h"
#include "src/oci/state_doc.h"
#include "src/oci/sysctl.h"
#include "tests/lib/check.h"

#include <linux/capability.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <signal.h>
#include <string.h>

static size_t count(const struct json_name *names)
{
	size_t n = 0;

	for (; *names[n].name; n++) {
		CHECK_INT(json_read_enum(names, names[n].name), names[n].value);
	}
	return n;
}

static size_t count_words(const char *const *words)
{
	size_t n = 0;

	while (words[n])
		n++;
	return n;
}

TEST(tables_are_those_of_the_specification)
{
	CHECK_INT(count(names_namespaces), 8);
	CHECK_INT(count(names_rlimits), 16);
	CHECK_INT(count(names_sched_policies), 7);
	CHECK_INT(count(names_sched_flags), 7);
	CHECK_INT(count(names_io_classes), 3);
	CHECK_INT(count(names_memory_modes), 7);
	CHECK_INT(count(names_memory_flags), 3);
	CHECK_INT(count(names_personalities), 2);
	CHECK_INT(count(names_propagations), 8);
	CHECK_INT(count(names_seccomp_actions), 9);
	CHECK_INT(count(names_seccomp_ops), 7);
	CHECK_INT(count(names_seccomp_flags), 4);
	CHECK_INT(count_words(names_seccomp_archs), 23);
	CHECK_INT(count_words(names_hook_points), 6);
}

TEST(capabilities)
{
	int n = 0;

	for (; names_capability_name(n); n++)
		CHECK_INT(names_capability(names_capability_name(n)), n);
	CHECK_INT(n, 41);
	CHECK_INT(names_capability("CAP_CHOWN"), CAP_CHOWN);
	CHECK_INT(names_capability("sys_admin"), CAP_SYS_ADMIN);
	CHECK_INT(names_capability("Cap_Bpf"), CAP_BPF);
	CHECK_INT(names_capability("CAP_"), -1);
	CHECK_INT(names_capability(""), -1);
	CHECK_INT(names_capability("CAP_CHOWNX"), -1);
	CHECK_STR(names_capability_name(-1), NULL);
	CHECK_STR(names_capability_name(41), NULL);
}

TEST(signals)
{
	CHECK_INT(names_signal("TERM"), SIGTERM);
	CHECK_INT(names_signal("SIGTERM"), SIGTERM);
	CHECK_INT(names_signal("sigkill"), SIGKILL);
	CHECK_INT(names_signal("15"), 15);
	CHECK_INT(names_signal("64"), 64);
	CHECK_INT(names_signal("CLD"), SIGCHLD);
	CHECK_INT(names_signal("RTMIN"), 34);
	CHECK_INT(names_signal("SIGRTMIN+3"), 37);
	CHECK_INT(names_signal("rtmax-2"), 62);
	CHECK_INT(names_signal("RTMAX"), 64);
	CHECK_INT(names_signal("RTMIN+30"), 64);
	CHECK_INT(names_signal("RTMIN+31"), -1);
	CHECK_INT(names_signal("RTMAX-31"), -1);
	CHECK_INT(names_signal("RTMIN+"), -1);
	CHECK_INT(names_signal("RTMIN+1x"), -1);
	CHECK_INT(names_signal("RTMIN+4294967297"), -1);
	CHECK_INT(names_signal("RTMIN-1"), -1);
	CHECK_INT(names_signal("0"), -1);
	CHECK_INT(names_signal("65"), -1);
	CHECK_INT(names_signal("-1"), -1);
	CHECK_INT(names_signal(""), -1);
	CHECK_INT(names_signal("SIG"), -1);
	CHECK_INT(names_signal("FOO"), -1);
	CHECK_INT(names_signal("SIGSIGTERM"), -1);
	CHECK_STR(names_signal_name(SIGHUP), "SIGHUP");
	CHECK_STR(names_signal_name(SIGCHLD), "SIGCHLD");
	CHECK_STR(names_signal_name(SIGIO), "SIGIO");
	CHECK_STR(names_signal_name(0), NULL);
	CHECK_STR(names_signal_name(99), NULL);
}

static const char *path_of(const char *key)
{
	static char path[SYSCTL_PATH_MAX];

	return sysctl_path(key, path) < 0 ? NULL : path;
}

TEST(sysctl_paths)
{
	CHECK_STR(path_of("net.ipv4.ip_forward"), "net/ipv4/ip_forward");
	CHECK_STR(path_of("net.ipv4.conf.eth0/100.x"), "net/ipv4/conf/eth0.100/x");
	CHECK_STR(path_of("net/ipv4/conf/eth0.100/x"), "net/ipv4/conf/eth0.100/x");
	CHECK_STR(path_of("a"), "a");
	CHECK_STR(path_of(""), NULL);
	CHECK_STR(path_of("a..b"), NULL);
	CHECK_STR(path_of("a.//.b"), NULL); /* "a/../b" */
	CHECK_STR(path_of("a/../b"), NULL);
	CHECK_STR(path_of("a/./b"), NULL);
	CHECK_STR(path_of("/a"), NULL);
	CHECK_STR(path_of("a/"), NULL);
	CHECK_STR(path_of("a b"), NULL);
	CHECK_STR(path_of("\u00e4"), NULL);
	CHECK_INT(sysctl_namespace("net/core"), CLONE_NEWNET);
	CHECK_INT(sysctl_namespace("kernel/sem"), CLONE_NEWIPC);
	CHECK_INT(sysctl_namespace("kernel/domainname"), CLONE_NEWUTS);
	CHECK_INT(sysctl_namespace("user/max_ipc_namespaces"), CLONE_NEWUSER);
	CHECK_INT(sysctl_namespace("kernel/panic"), 0);
	CHECK_INT(sysctl_namespace("netfilter/x"), 0);
}

TEST(state_document)
{
	static const struct json_pair annotations[] = { { "a", "b" } };
	struct state_doc doc = { .id = "i", .status = "created", .bundle = "/b", .pid = 7 };
	_cleanup_json_write_ struct json_write *w = json_write_new(false);
	_cleanup_json_write_ struct json_write *v = json_write_new(false);
	struct err err = { 0 };

	json_write_object(w, NULL);
	state_doc_members(w, &doc);
	json_write_end(w);
	CHECK_STR(json_write_text(w, NULL, &err),
		  "{\"ociVersion\":\"1.3.0\",\"id\":\"i\",\"status\":\"created\",\"pid\":7,"
		  "\"bundle\":\"/b\"}");
	doc.pid = 0;
	doc.annotations = annotations;
	doc.n_annotations = 1;
	json_write_object(v, NULL);
	state_doc_members(v, &doc);
	json_write_end(v);
	CHECK_STR(json_write_text(v, NULL, &err),
		  "{\"ociVersion\":\"1.3.0\",\"id\":\"i\",\"status\":\"created\","
		  "\"bundle\":\"/b\",\"annotations\":{\"a\":\"b\"}}");
}

/* The table of config.md, and rnodev of features.md. */
static const char *const spec_words[] = {
	"async",          "atime",      "bind",         "defaults",    "dev",
	"diratime",       "dirsync",    "exec",         "iversion",    "lazytime",
	"loud",           "mand",       "noatime",      "nodev",       "nodiratime",
	"noexec",         "noiversion", "nolazytime",   "nomand",      "norelatime",
	"nostrictatime",  "nosuid",     "nosymfollow",  "private",     "ratime",
	"rbind",          "rdev",       "rdiratime",    "relatime",    "remount",
	"rexec",          "rnoatime",   "rnodiratime",  "rnoexec",     "rnorelatime",
	"rnostrictatime", "rnosuid",    "rnosymfollow", "ro",          "rprivate",
	"rrelatime",      "rro",        "rrw",          "rshared",     "rslave",
	"rstrictatime",   "rsuid",      "rsymfollow",   "runbindable", "rw",
	"shared",         "silent",     "slave",        "strictatime", "suid",
	"symfollow",      "sync",       "tmpcopyup",    "unbindable",  "idmap",
	"ridmap",         "rnodev",
};

TEST(words_of_the_specification)
{
	size_t n = sizeof(spec_words) / sizeof(spec_words[0]);

	for (size_t i = 0; i < n; i++) {
		const struct mount_option *option = mount_options_find(spec_words[i]);

		CHECK(option != NULL);
		CHECK_STR(option ? option->name : NULL, spec_words[i]);
	}
}

TEST(no_word_is_there_twice)
{
	for (const struct mount_option *option = mount_options; *option->name; option++)
		CHECK(mount_options_find(option->name) == option);
}

/* They are in place, and one that filled its room would have no end. */
TEST(words_have_an_end)
{
	for (const struct mount_option *option = mount_options; *option->name; option++) {
		CHECK(memchr(option->name, '\0', sizeof(option->name)) != NULL);
		CHECK(memchr(option->value_name, '\0', sizeof(option->value_name)) != NULL);
	}
}

TEST(words_of_crun)
{
	static const char *const words[] = { "copy-symlink", "src-nofollow", "dest-nofollow",
					     "rsync",        "rasync",       "rdirsync",
					     "rmand",        "rnomand" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		CHECK(mount_options_find(words[i]) != NULL);
}

TEST(data_of_file_systems)
{
	CHECK(!mount_options_find("size=64k"));
	CHECK(!mount_options_find("mode=755"));
	CHECK(!mount_options_find("acl"));
	CHECK(!mount_options_find("noacl"));
	CHECK(!mount_options_find(""));
	CHECK(!mount_options_find("ro=1"));
	CHECK(!mount_options_find("r"));
	CHECK(!mount_options_find("rox"));
	CHECK(mount_options_find("idmap=uids=0-1-10")->value == MOUNT_EXT_IDMAP);
	CHECK(mount_options_find("ridmap=uids=0-1-10")->value == MOUNT_EXT_RIDMAP);
}

/* What mount_setattr() refuses: bits of the access-time field set without the whole field cleared,
 * and the field cleared in part. */
TEST(access_times)
{
	for (const struct mount_option *option = mount_options; *option->name; option++) {
		uint64_t clear = option->clear & MOUNT_ATTR__ATIME;

		CHECK(clear == 0 || clear == MOUNT_ATTR__ATIME);
		CHECK(!(option->set & MOUNT_ATTR__ATIME) || clear == MOUNT_ATTR__ATIME);
	}
	CHECK(mount_options_find("noatime")->set == MOUNT_ATTR_NOATIME);
	CHECK(mount_options_find("rstrictatime")->set == MOUNT_ATTR_STRICTATIME);
	CHECK(mount_options_find("relatime")->clear == MOUNT_ATTR__ATIME);
	CHECK(mount_options_find("nodiratime")->set == MOUNT_ATTR_NODIRATIME);
	CHECK(mount_options_find("norelatime")->clear == 0);
}

TEST(opposites)
{
	static const char *const pairs[][2] = {
		{ "ro", "rw" },
		{ "nosuid", "suid" },
		{ "nodev", "dev" },
		{ "noexec", "exec" },
		{ "nosymfollow", "symfollow" },
		{ "nodiratime", "diratime" },
		{ "rro", "rrw" },
		{ "rnosuid", "rsuid" },
		{ "rnodev", "rdev" },
		{ "rnoexec", "rexec" },
		{ "rnosymfollow", "rsymfollow" },
		{ "rnodiratime", "rdiratime" },
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		const struct mount_option *on = mount_options_find(pairs[i][0]);
		const struct mount_option *off = mount_options_find(pairs[i][1]);

		CHECK(on->set && on->set == off->clear && on->kind == off->kind);
		CHECK(!on->clear && !off->set);
		CHECK_INT(on->kind, pairs[i][1][0] == 'r' && strcmp(pairs[i][1], "rw") != 0
					    ? MOUNT_OPTION_ATTR_RECURSIVE
					    : MOUNT_OPTION_ATTR);
	}
}

TEST(others)
{
	CHECK_INT(mount_options_find("rbind")->value, MS_REC);
	CHECK_INT(mount_options_find("bind")->value, 0);
	CHECK_INT(mount_options_find("rslave")->value, MS_SLAVE | MS_REC);
	CHECK_INT(mount_options_find("shared")->value, MS_SHARED);
	CHECK_STR(mount_options_find("async")->value_name, "sync");
	CHECK(mount_options_find("async")->value_off && !mount_options_find("sync")->value_off);
	CHECK_INT(mount_options_find("remount")->kind, MOUNT_OPTION_REMOUNT);
	CHECK_INT(mount_options_find("silent")->kind, MOUNT_OPTION_IGNORED);
}

/* Lines of schemata files against what the kernel shows. */

static const char file[] = "    MB:0= 20;1= 70\n    L3:0=7f0;1=01f;2=7ff\nL2:0=f\n";

TEST(has_what_the_line_wants)
{
	CHECK(rdt_has_line(file, "L3:0=7f0;1=1f"));
	CHECK(rdt_has_line(file, "L3:1=01f"));
	CHECK(rdt_has_line(file, "MB:0=20;1=70"));
	CHECK(rdt_has_line(file, "MB: 1=70"));
	CHECK(rdt_has_line(file, "L2:0=F"));
}

TEST(sees_what_is_different)
{
	CHECK(!rdt_has_line(file, "L3:0=7f1"));
	CHECK(!rdt_has_line(file, "L3:3=7f0"));
	CHECK(!rdt_has_line(file, "L3:0=7f0;1=1e"));
	CHECK(!rdt_has_line(file, "L3CODE:0=7f0"));
	CHECK(!rdt_has_line(file, "L:0=7f0"));
	CHECK(!rdt_has_line(file, "MB:1=20"));
}

TEST(refuses_what_is_no_line)
{
	CHECK(!rdt_has_line(file, ""));
	CHECK(!rdt_has_line(file, "L3"));
	CHECK(!rdt_has_line(file, "L3:"));
	CHECK(!rdt_has_line(file, "L3:0"));
	CHECK(!rdt_has_line(file, "L3:0=7f0;x"));
	CHECK(!rdt_has_line("", "L3:0=7f0"));
	CHECK(!rdt_has_line("L3", "L3:0=7f0"));
}
