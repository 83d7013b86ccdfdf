/* SPDX-License-Identifier: Apache-2.0 */
#include "src/oci/names.h"
#include "src/oci/state_doc.h"
#include "src/oci/sysctl.h"
#include "tests/lib/check.h"

#include <linux/capability.h>
#include <linux/sched.h>
#include <signal.h>

static size_t count(const struct json_name *names)
{
	size_t n = 0;

	for (; names[n].name; n++) {
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
