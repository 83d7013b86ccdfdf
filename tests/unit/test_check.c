/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/check.h"
#include "tests/unit/oci_text.h"

#include <stdlib.h>

#define VERSION(text) "{'ociVersion':'" text "','root':{'path':'r'}}"

TEST(versions)
{
	static const char *const good[] = { VERSION("1.0.0"),     VERSION("1.0.2-dev"),
					    VERSION("1.3.0"),     VERSION("1.99.0-rc.1+build.01"),
					    VERSION("1.3.0+dev"), VERSION("1.0"),
					    VERSION("0.5.0-dev") };
	static const char *const bad[] = {
		VERSION(""),           VERSION("invalid"), VERSION("1."),       VERSION("1.0.0.0"),
		VERSION("01.0.0"),     VERSION("1.0.0-"),  VERSION("1.0.0-01"), VERSION("1.0.0+"),
		VERSION("1.0.0-a..b"), VERSION(" 1.0.0"),  VERSION("1.0.0 ")
	};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		CHECK_STR(why(good[i]), "");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(strstr(why(bad[i]),
			     "config.json:1:15: ociVersion: expected a version such as 1.3.0"));
	CHECK_STR(why(VERSION("2.0.0")),
		  "config.json:1:15: ociVersion: unsupported version of the specification, "
		  "expected 0.x or 1.x, got \"2.0.0\"");
	CHECK(*why(VERSION("10.0.0")));
}

TEST(process)
{
	CHECK_STR(why(PROCESS(",'env':['A=b','C=']")), "");
	CHECK_STR(why(CONFIG(",'process':{'cwd':'/'}")),
		  "config.json:1:58: process.args: expected at least the program to run");
	CHECK_STR(why(CONFIG(",'process':{'cwd':'/','args':['']}")),
		  "config.json:1:77: process.args[0]: empty program name: executable "
		  "file not found in $PATH");
	CHECK_STR(why(PROCESS(",'env':['A=b','C']")),
		  "config.json:1:96: process.env[1]: expected NAME=value, got \"C\"");
	CHECK_STR(why(PROCESS(",'env':['=b']")),
		  "config.json:1:90: process.env[0]: expected NAME=value, got \"=b\"");
	CHECK_STR(why(PROCESS(",'rlimits':[{'type':'RLIMIT_CPU','soft':1,'hard':1},"
			      "{'type':'RLIMIT_CPU','soft':1,'hard':1}]")),
		  "config.json:1:142: process.rlimits[1].type: RLIMIT_CPU is listed twice");
	CHECK_STR(why(PROCESS(",'rlimits':[{'type':'RLIMIT_CPU','soft':2,'hard':1}]")),
		  "config.json:1:122: process.rlimits[0].soft: the soft limit of RLIMIT_CPU, 2, is "
		  "above the hard limit, 1");
}

#define NO_CHANGE                                                                                  \
	"expected at most 4294967294, got 4294967295, which means \"no change\" to the kernel"
#define BOTH(map) LINUX("'uidMappings':[" map "],'gidMappings':[" map "]")
#define FIFO(more) LINUX("'devices':[{'type':'p','path':'/p'" more "}]")

TEST(the_id_that_means_no_change)
{
	CHECK_STR(why(PROCESS(",'user':{'uid':4294967294,'gid':4294967294}")), "");
	CHECK_STR(why(PROCESS(",'user':{'uid':4294967295}")),
		  "config.json:1:97: process.user.uid: " NO_CHANGE);
	CHECK_STR(why(PROCESS(",'user':{'gid':4294967295}")),
		  "config.json:1:97: process.user.gid: " NO_CHANGE);
	CHECK_STR(why(PROCESS(",'user':{'additionalGids':[1,4294967295]}")),
		  "config.json:1:111: process.user.additionalGids[1]: " NO_CHANGE);
	CHECK_STR(why(FIFO(",'uid':4294967295")),
		  "config.json:1:98: linux.devices[0].uid: " NO_CHANGE);
	CHECK_STR(why(BOTH("{'containerID':4294967295,'hostID':0,'size':1}")),
		  "config.json:1:87: linux.uidMappings[0].containerID: " NO_CHANGE);
	CHECK_STR(why(BOTH("{'containerID':0,'hostID':4294967295,'size':1}")),
		  "config.json:1:98: linux.uidMappings[0].hostID: " NO_CHANGE);
	CHECK_STR(why(FIFO(",'gid':4294967295")),
		  "config.json:1:98: linux.devices[0].gid: " NO_CHANGE);
}

TEST(process_not_from_a_file)
{
	const char *args[] = { "sh" };
	struct oci_process process = { .args = { args, 1 }, .cwd = "rel" };

	CHECK_INT(check_process(&process, "exec", "", NULL, 0, &err), -EINVAL);
	CHECK_STR(err.text, "exec: cwd: expected an absolute path, got \"rel\"");
	process.cwd = NULL;
	CHECK_INT(check_process(&process, "exec", "", NULL, 0, &err), -EINVAL);
	CHECK_STR(err.text, "exec: cwd: required but missing");
	process.cwd = "/";
	CHECK_INT(check_process(&process, "exec", "", NULL, 0, &err), 0);
}

#define SCHEDULER(rest) PROCESS(",'scheduler':{'policy':'SCHED_" rest "}")

TEST(scheduler)
{
	CHECK_STR(why(SCHEDULER("FIFO','priority':1")), "");
	CHECK_STR(why(SCHEDULER("OTHER','nice':5")), "");
	CHECK_STR(why(SCHEDULER("DEADLINE','runtime':1,'deadline':2,'period':3")), "");
	CHECK_STR(why(SCHEDULER("RR'")), "config.json:1:95: process.scheduler.priority: SCHED_RR "
					 "needs a priority from 1 to 99");
	CHECK_STR(why(SCHEDULER("OTHER','priority':3")),
		  "config.json:1:130: process.scheduler.priority: expected 0 with SCHED_OTHER, got "
		  "3");
	CHECK(strstr(why(SCHEDULER("DEADLINE','runtime':3,'deadline':2")),
		     "at least as long, got 3 and 2"));
	CHECK(strstr(why(SCHEDULER("DEADLINE','runtime':1,'deadline':4,'period':3")),
		     "process.scheduler.period: expected at least the deadline, 4, got 3"));
}

#define CPUS(list) LINUX("'resources':{'cpu':{'cpus':'" list "'}}")

TEST(lists)
{
	static const char *const good[] = { CPUS(""),      CPUS(" "),           CPUS("0"),
					    CPUS("0-3,7"), CPUS(" 0 - 3 , 7 "), CPUS("3-3"),
					    CPUS("999999") };
	static const char *const bad[] = { CPUS("a"),       CPUS("0-"),  CPUS("-1"),  CPUS("3-1"),
					   CPUS("1,"),      CPUS(",1"),  CPUS("1 2"), CPUS("0-1-2"),
					   CPUS("9999999"), CPUS("0x1"), CPUS("+1") };

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		CHECK_STR(why(good[i]), "");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(strstr(why(bad[i]), "linux.resources.cpu.cpus: expected a list of numbers"));
	CHECK(strstr(why(PROCESS(",'execCPUAffinity':{'final':'x'}")),
		     "process.execCPUAffinity.final: expected a list"));
}

TEST(host_names)
{
	CHECK_STR(why(CONFIG(",'hostname':'h','domainname':'d','linux':{'namespaces':[{'type':'uts'"
			     "}]}")),
		  "");
	CHECK_STR(why(CONFIG(",'hostname':''")), "");
	CHECK_STR(why(CONFIG(",'domainname':'d'")),
		  "config.json:1:61: domainname: needs a UTS namespace of its own, or the "
		  "host's name would change");
	CHECK(strstr(err.hint, "{ \"type\": \"uts\" }"));
	CHECK(strstr(
		why(CONFIG(",'hostname':'"
			   "0123456789012345678901234567890123456789012345678901234567890123x'")),
		"hostname: expected at most 64 bytes, got 65"));
}

#define MAP(size) "[{'containerID':0,'hostID':5,'size':" size "}]"

TEST(mappings)
{
	CHECK_STR(why(LINUX("'uidMappings':" MAP("1") ",'gidMappings':" MAP("4294967290"))), "");
	CHECK_STR(why(LINUX("'gidMappings':" MAP("1"))),
		  "config.json:1:71: linux.gidMappings: given without uidMappings; the two belong "
		  "together");
	CHECK(strstr(why(LINUX("'uidMappings':" MAP("0") ",'gidMappings':" MAP("1"))),
		     "linux.uidMappings[0].size: expected at least one id, got 0"));
	CHECK(strstr(why(LINUX("'uidMappings':" MAP("1") ",'gidMappings':" MAP("4294967291"))),
		     "linux.gidMappings[0].size: 4294967291 ids from 5 on go beyond"));
	CHECK(strstr(why(CONFIG(",'mounts':[{'destination':'/'},{'destination':'/a',"
				"'uidMappings':" MAP("1") ",'gidMappings':[]}]")),
		     "mounts[1].uidMappings: given without gidMappings"));
}

TEST(namespaces)
{
	CHECK_STR(
		why(LINUX(
			"'namespaces':[{'type':'pid'},{'type':'user','path':'/proc/1/ns/user'}]")),
		"");
	CHECK_STR(why(LINUX("'namespaces':[{'type':'pid'},{'type':'pid','path':'/x'}]")),
		  "config.json:1:94: linux.namespaces[1].type: the pid namespace is listed twice");
	CHECK(strstr(why(LINUX("'timeOffsets':{'boottime':{'secs':1}}")),
		     "linux.timeOffsets: needs a new time namespace"));
	CHECK(*why(
		LINUX("'timeOffsets':{'boottime':{}},'namespaces':[{'type':'time','path':'/x'}]")));
	CHECK_STR(why(LINUX("'timeOffsets':{'boottime':{}},'namespaces':[{'type':'time'}]")), "");
	CHECK_STR(why(LINUX("'timeOffsets':{}")), "");
}

TEST(hooks)
{
	CHECK_STR(why(CONFIG(",'hooks':{'poststop':[{'path':'/a','env':['a=b','c']}]}")),
		  "config.json:1:95: hooks.poststop[0].env[1]: expected NAME=value, got \"c\"");
}

TEST(devices)
{
	CHECK_STR(why(LINUX("'devices':[{'type':'p','path':'/p'},{'type':'u','path':'/u',"
			    "'major':1,'minor':2}]")),
		  "");
	CHECK(strstr(
		why(LINUX("'devices':[{'type':'z','path':'/p'}]")),
		"linux.devices[0].type: expected one of \"c\", \"b\", \"u\", \"p\", got \"z\""));
	CHECK(strstr(why(LINUX("'devices':[{'type':'c','path':'/p','minor':2}]")),
		     "linux.devices[0].major: required for devices of type \"c\""));
	CHECK(strstr(why(LINUX("'devices':[{'type':'b','path':'/p','major':2}]")),
		     "linux.devices[0].minor: required"));
	/* 8612: a character device of mode 0644, as podman --privileged has it. */
	CHECK_STR(why(LINUX("'devices':[{'type':'c','path':'/"
			    "p','major':1,'minor':3,'fileMode':8612}]")),
		  "");
	CHECK(strstr(why(LINUX("'devices':[{'type':'b','path':'/"
			       "p','major':1,'minor':3,'fileMode':8612}]")),
		     "linux.devices[0].fileMode: expected an integer from 0 to 511, or"));
	CHECK(strstr(why(LINUX("'devices':[{'type':'p','path':'/p','fileMode':512}]")),
		     "linux.devices[0].fileMode: expected"));
}

#define NET(devices) LINUX("'namespaces':[{'type':'network'}],'netDevices':{" devices "}")

TEST(net_devices)
{
	CHECK_STR(why(NET("'eth0':{},'eth1':{'name':'in%d'},'eth2':{'name':'in%d'}")), "");
	CHECK_STR(why(LINUX("'netDevices':{}")), "");
	CHECK(strstr(why(LINUX("'netDevices':{'eth0':{}}")), "needs a network namespace"));
	CHECK(strstr(why(NET("'a/b':{}")), "linux.netDevices[\"a/b\"]: not a valid network"));
	CHECK(strstr(why(NET("'sixteen-bytes-xx':{}")), "not a valid network interface name"));
	CHECK(strstr(why(NET("'eth0':{'name':''}")), "expected a name of 1 to 15 bytes"));
	CHECK(strstr(why(NET("'eth0':{'name':'a%s'}")), "got \"a%s\""));
	CHECK(strstr(why(NET("'eth0':{'name':'%d%d'}")), "got \"%d%d\""));
	CHECK(strstr(why(NET("'eth0':{'name':'eth1'},'eth1':{}")),
		     "linux.netDevices.eth1: eth1 is also the name of another device"));
}

#define SYSCTL(ns, key) LINUX("'namespaces':[" ns "],'sysctl':{'" key "':'1'}")
#define ALL_NS "{'type':'network'},{'type':'ipc'},{'type':'uts'},{'type':'user'}"

TEST(sysctls)
{
	static const char *const good[] = {
		SYSCTL(ALL_NS, "net.ipv4.ip_forward"),
		SYSCTL(ALL_NS, "net/ipv4/conf/eth0.1/x"),
		SYSCTL(ALL_NS, "kernel.shm_rmid_forced"),
		SYSCTL(ALL_NS, "kernel.msgmax"),
		SYSCTL(ALL_NS, "kernel.sem"),
		SYSCTL(ALL_NS, "fs.mqueue.msg_max"),
		SYSCTL(ALL_NS, "kernel.domainname"),
		SYSCTL(ALL_NS, "user.max_net_namespaces"),
	};
	static const char *const names[] = {
		SYSCTL(ALL_NS, "net..x"), SYSCTL(ALL_NS, "net/../kernel/panic"),
		SYSCTL(ALL_NS, "net"),    SYSCTL(ALL_NS, "net.a b"),
		SYSCTL(ALL_NS, ".net.x"), SYSCTL(ALL_NS, "net.x."),
	};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		CHECK_STR(why(good[i]), "");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		CHECK(*why(names[i]));
	CHECK(strstr(why(SYSCTL(ALL_NS, "kernel.panic")), "is host-wide"));
	CHECK(strstr(why(SYSCTL(ALL_NS, "fs.file-max")), "is host-wide"));
	CHECK(strstr(why(SYSCTL(ALL_NS, "net.//./x")), "not a valid sysctl name"));
	CHECK(strstr(why(SYSCTL("", "net.core.somaxconn")),
		     "linux.sysctl[\"net.core.somaxconn\"]: needs a network namespace"));
	CHECK(strstr(why(SYSCTL("", "kernel.sem")), "needs a ipc namespace"));
	CHECK(strstr(why(SYSCTL(ALL_NS, "kernel.hostname")), "has a field of its own"));
	CHECK_STR(err.hint, "use \"hostname\" instead of the sysctl");
}

#define RESOURCES(rest) LINUX("'resources':{" rest "}")

TEST(resources)
{
	CHECK(strstr(why(RESOURCES("'devices':[{'allow':true,'type':'p'}]")),
		     "linux.resources.devices[0].type: expected one of \"a\", \"b\", \"c\""));
	CHECK(strstr(why(RESOURCES("'devices':[{'allow':true,'access':'rx'}]")),
		     "linux.resources.devices[0].access: expected some of the letters"));
	CHECK(strstr(why(RESOURCES("'cpu':{'quota':5,'burst':6}")),
		     "linux.resources.cpu.burst: expected at most the quota, 5, got 6"));
	CHECK_STR(why(RESOURCES("'cpu':{'quota':-1,'burst':6}")), "");
	CHECK(strstr(why(RESOURCES("'rdma':{'a.b':{}}")),
		     "linux.resources.rdma[\"a.b\"]: expected"));
	CHECK(strstr(why(RESOURCES("'blockIO':{'weightDevice':[{'major':1,'minor':1}]}")),
		     "linux.resources.blockIO.weightDevice[0]: expected weight"));
	CHECK(strstr(why(RESOURCES("'unified':{'../x':''}")),
		     "linux.resources.unified[\"../x\"]: not a valid cgroup file name"));
	CHECK(*why(RESOURCES("'unified':{'..':''}")));
	CHECK_STR(why(RESOURCES("'unified':{'memory.high':''}")), "");
}

#define PAGES(size) RESOURCES("'hugepageLimits':[{'pageSize':'" size "','limit':1}]")

TEST(hugepages)
{
	CHECK_STR(why(RESOURCES("'hugepageLimits':[{'pagesize':'2MB','limit':1}]")), "");
	CHECK(strstr(why(RESOURCES("'hugepageLimits':[{'limit':1}]")),
		     "hugepageLimits[0].pageSize: required but missing") != NULL);
	CHECK_STR(why(PAGES("2MB")), "");
	CHECK_STR(why(PAGES("64KB")), "");
	CHECK_STR(why(PAGES("16GB")), "");
	CHECK(*why(PAGES("3MB")));
	CHECK(*why(PAGES("64kB")));
	CHECK(*why(PAGES("02MB")));
	CHECK(*why(PAGES("MB")));
	CHECK(*why(PAGES("2M")));
	CHECK(*why(PAGES("2TB")));
	CHECK(*why(PAGES("99999999999999999999999MB")));
}

TEST(update_resources)
{
	const struct oci_resources *resources = NULL;
	const char *text = json("{'cpu':{'cpus':'x'}}");

	CHECK_INT(decode_resources(&arena, "-", text, strlen(text), &resources, &err), 0);
	CHECK_INT(check_resources(resources, "-", "", text, strlen(text), &err), -EINVAL);
	CHECK_STR(
		err.text,
		"-:1:16: cpu.cpus: expected a list of numbers and ranges such as 0-3,7, got \"x\"");
}

#define SECCOMP(rest) LINUX("'seccomp':{" rest "}")
#define ERRNO "'defaultAction':'SCMP_ACT_ERRNO'"

TEST(seccomp)
{
	CHECK_STR(why(SECCOMP(ERRNO ",'defaultErrnoRet':4095,'architectures':['SCMP_ARCH_SHEB']")),
		  "");
	CHECK_STR(why(SECCOMP(ERRNO ",'listenerPath':'/x','syscalls':[{'names':['a'],"
				    "'action':'SCMP_ACT_NOTIFY'}]")),
		  "");
	CHECK(strstr(why(SECCOMP("'defaultAction':'SCMP_ACT_NOTIFY'")), "cannot be the default"));
	CHECK_STR(why(SECCOMP("'defaultAction':'SCMP_ACT_ALLOW','defaultErrnoRet':1")), "");
	CHECK(strstr(why(SECCOMP("'defaultAction':'SCMP_ACT_LOG','defaultErrnoRet':1")),
		     "linux.seccomp.defaultErrnoRet: SCMP_ACT_LOG has no error number"));
	CHECK(strstr(why(SECCOMP(ERRNO ",'defaultErrnoRet':4096")), "from 0 to 4095, got 4096"));
	CHECK_STR(why(SECCOMP("'defaultAction':'SCMP_ACT_TRACE','defaultErrnoRet':65535")), "");
	CHECK(strstr(
		why(SECCOMP(ERRNO ",'architectures':['x86']")),
		"linux.seccomp.architectures[0]: expected a name like \"SCMP_ARCH_X86_64\", got "
		"\"x86\""));
	CHECK(strstr(why(SECCOMP(ERRNO ",'listenerMetadata':'m'")), "given without listenerPath"));
	CHECK(strstr(why(SECCOMP(ERRNO ",'syscalls':[{'names':['a'],'action':'SCMP_ACT_NOTIFY'}]")),
		     "linux.seccomp.syscalls[0].action: SCMP_ACT_NOTIFY needs listenerPath"));
	CHECK(strstr(why(SECCOMP(ERRNO ",'syscalls':[{'names':['a'],'action':'SCMP_ACT_LOG',"
				       "'errnoRet':1}]")),
		     "linux.seccomp.syscalls[0].errnoRet: SCMP_ACT_LOG has no error number"));
}

TEST(rdt)
{
	CHECK_STR(
		why(LINUX("'intelRdt':{'closID':'/','memBwSchema':'MB:0=1','schemata':['L2:1']}")),
		"");
	CHECK(*why(LINUX("'intelRdt':{'closID':''}")));
	CHECK(*why(LINUX("'intelRdt':{'closID':'..'}")));
	CHECK(strstr(why(LINUX("'intelRdt':{'closID':'a/b'}")), "linux.intelRdt.closID: expected"));
	CHECK(strstr(why(LINUX("'intelRdt':{'memBwSchema':'0=1'}")), "expected \"MB:\""));
	CHECK(*why(LINUX("'intelRdt':{'memBwSchema':'MB:\\n'}")));
	CHECK(*why(LINUX("'intelRdt':{'l3CacheSchema':'L3:\\n'}")));
	CHECK(strstr(why(LINUX("'intelRdt':{'schemata':['a','b\\nc']}")),
		     "linux.intelRdt.schemata[1]: must not contain a line break"));
}

#define POLICY(rest) LINUX("'memoryPolicy':{'mode':'MPOL_" rest "}")

TEST(memory_policy)
{
	CHECK_STR(why(POLICY("BIND','nodes':'0-3,7','flags':['MPOL_F_STATIC_NODES']")), "");
	CHECK_STR(why(POLICY("DEFAULT','nodes':''")), "");
	CHECK_STR(why(POLICY("PREFERRED'")), "");
	CHECK(strstr(why(POLICY("INTERLEAVE'")), "MPOL_INTERLEAVE needs nodes"));
	CHECK(strstr(why(POLICY("LOCAL','nodes':'1'")), "MPOL_LOCAL takes no nodes"));
	CHECK(strstr(why(POLICY("BIND','nodes':'a'")),
		     "linux.memoryPolicy.nodes: expected a list"));
	CHECK(strstr(why(POLICY("BIND','nodes':'1','flags':['MPOL_F_STATIC_NODES',"
				"'MPOL_F_RELATIVE_NODES']")),
		     "are mutually exclusive"));
}

TEST(others)
{
	CHECK(strstr(why(LINUX("'personality':{'domain':'LINUX','flags':['x']}")),
		     "linux.personality.flags: the specification defines no flags, got \"x\""));
	CHECK_STR(why(LINUX("'personality':{'domain':'LINUX32','flags':[]}")), "");
	CHECK(strstr(why(LINUX("'cgroupsPath':'/a/../b'")), "must not contain \"..\""));
	CHECK_STR(why(LINUX("'cgroupsPath':'system.slice:usrun:a..b'")), "");
}

TEST(a_long_list_takes_linear_time)
{
	enum { NUMBERS = 400000 };
	char *list = malloc(2 * NUMBERS + 1);
	const char *args[] = { "sh" };
	struct oci_cpu_affinity affinity = { .initial = list };
	struct oci_process process = { .args = { args, 1 },
				       .cwd = "/",
				       .exec_cpu_affinity = &affinity };

	for (int i = 0; i < NUMBERS; i++)
		memcpy(list + 2 * i, "1,", 2);
	list[2 * NUMBERS - 1] = '\0';
	CHECK_INT(check_process(&process, "f", "", NULL, 0, &err), 0);
	list[2 * NUMBERS - 2] = 'x';
	CHECK_INT(check_process(&process, "f", "", NULL, 0, &err), -EINVAL);
	free(list);
}
