/* SPDX-License-Identifier: Apache-2.0 */
#include "src/oci/names.h"
#include "tests/lib/check.h"
#include "tests/unit/oci_text.h"

#include <linux/mount.h>
#include <linux/sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

TEST(minimal)
{
	const struct oci_config *c = decode(CONFIG(""));

	CHECK_STR(c->oci_version, "1.3.0");
	CHECK_STR(c->root->path, "rootfs");
	CHECK(!c->root->readonly.set && !c->process && !c->hostname && !c->mounts.v && !c->hooks &&
	      !c->annotations.v && !c->linux_);
}

TEST(process)
{
	const struct oci_process *p =
		decode(PROCESS(",'terminal':true,'consoleSize':{'height':25,'width':80},"
			       "'user':{'uid':4294967294,'gid':1,'umask':511,"
			       "'additionalGids':[0,4294967294],'username':'x'},"
			       "'env':['A=b','C='],'noNewPrivileges':true,'apparmorProfile':'p',"
			       "'oomScoreAdj':-1000,'selinuxLabel':'s','commandLine':'ignored'"))
			->process;

	CHECK(p->terminal.v && p->no_new_privileges.v);
	CHECK_INT(p->console_size->height.v, 25);
	CHECK_INT(p->console_size->width.v, 80);
	CHECK_INT(p->user->uid.v, 4294967294);
	CHECK_INT(p->user->gid.v, 1);
	CHECK_INT(p->user->umask.v, 0777);
	CHECK_INT(p->user->additional_gids.n, 2);
	CHECK_INT(p->user->additional_gids.v[1], 4294967294);
	CHECK_STR(p->args.v[0], "sh");
	CHECK_STR(p->env.v[1], "C=");
	CHECK_STR(p->cwd, "/");
	CHECK_STR(p->apparmor_profile, "p");
	CHECK_INT(p->oom_score_adj.v, -1000);
	CHECK_STR(p->selinux_label, "s");
}

TEST(process_limits_and_scheduling)
{
	const struct oci_process *p =
		decode(PROCESS(",'capabilities':{'bounding':['CAP_KILL'],'effective':[]},"
			       "'rlimits':[{'type':'RLIMIT_CPU','soft':0,"
			       "'hard':18446744073709551615}],"
			       "'ioPriority':{'class':'IOPRIO_CLASS_RT','priority':7},"
			       "'scheduler':{'policy':'SCHED_OTHER','nice':-20,'priority':0,"
			       "'flags':['SCHED_FLAG_RESET_ON_FORK','SCHED_FLAG_UTIL_CLAMP_MAX'],"
			       "'runtime':1,'deadline':2,'period':3},"
			       "'execCPUAffinity':{'initial':'0','final':'0-3,7'}"))
			->process;

	CHECK_STR(p->capabilities->bounding.v[0], "CAP_KILL");
	CHECK(p->capabilities->effective.v && !p->capabilities->ambient.v);
	CHECK_INT(p->rlimits.v[0].type, RLIMIT_CPU);
	CHECK(p->rlimits.v[0].hard.v == UINT64_MAX && p->rlimits.v[0].soft.set);
	CHECK_INT(p->io_priority->io_class, 1);
	CHECK_INT(p->io_priority->priority.v, 7);
	CHECK_INT(p->scheduler->policy, 0); /* SCHED_OTHER is 0 */
	CHECK_INT(p->scheduler->nice.v, -20);
	CHECK_INT(p->scheduler->flags.v[1], 0x40);
	CHECK_INT(p->scheduler->period.v, 3);
	CHECK_STR(p->exec_cpu_affinity->final, "0-3,7");
}

TEST(mounts_hooks_annotations)
{
	const struct oci_config *c = decode(CONFIG(
		",'hostname':'h','domainname':'d','mounts':[{'destination':'/a','type':'t',"
		"'source':'s','options':['ro','x=y'],'uidMappings':[{'containerID':1,'hostID':2,"
		"'size':3}],'gidMappings':[]},{'destination':'b'}],"
		"'hooks':{'prestart':[{'path':'/1','args':['a'],'env':['k=v'],'timeout':9}],"
		"'createRuntime':[{'path':'/2'}],'createContainer':[{'path':'/3'}],"
		"'startContainer':[{'path':'/4'}],'poststart':[{'path':'/5'}],"
		"'poststop':[{'path':'/6'}]},'annotations':{'b':'1','a':''}"));

	CHECK_STR(c->hostname, "h");
	CHECK_STR(c->domainname, "d");
	CHECK_INT(c->mounts.n, 2);
	CHECK_STR(c->mounts.v[0].type, "t");
	CHECK_STR(c->mounts.v[0].options.v[1], "x=y");
	CHECK_INT(c->mounts.v[0].uid_mappings.v[0].size.v, 3);
	CHECK_STR(c->mounts.v[1].destination, "b");
	CHECK_STR(c->hooks->prestart.v[0].env.v[0], "k=v");
	CHECK_INT(c->hooks->prestart.v[0].timeout.v, 9);
	CHECK_STR(c->hooks->create_runtime.v[0].path, "/2");
	CHECK_STR(c->hooks->create_container.v[0].path, "/3");
	CHECK_STR(c->hooks->start_container.v[0].path, "/4");
	CHECK_STR(c->hooks->poststart.v[0].path, "/5");
	CHECK_STR(c->hooks->poststop.v[0].path, "/6");
	CHECK_STR(c->annotations.v[0].key, "b");
}

TEST(namespaces_and_devices)
{
	const struct oci_linux *l =
		decode(LINUX("'namespaces':[{'type':'pid'},{'type':'time','path':'/n'}],"
			     "'uidMappings':[{'containerID':0,'hostID':1,'size':4294967295}],"
			     "'gidMappings':[{'containerID':0,'hostID':1,'size':2}],"
			     "'timeOffsets':{'monotonic':{'secs':-1,'nanosecs':999999999},"
			     "'boottime':{}},'cgroupsPath':'/c','rootfsPropagation':'slave',"
			     "'devices':[{'type':'c','path':'/dev/x','major':4095,'minor':1048575,"
			     "'fileMode':438,'uid':1,'gid':2}],'netDevices':{'eth0':{'name':'n'},"
			     "'eth1':{}},'sysctl':{'net.a':'1'},'maskedPaths':['/m'],"
			     "'readonlyPaths':['/r'],'mountLabel':'l',"
			     "'personality':{'domain':'LINUX','flags':[]}"))
			->linux_;

	CHECK_INT(l->namespaces.v[0].type, CLONE_NEWPID);
	CHECK_STR(l->namespaces.v[1].path, "/n");
	CHECK_INT(l->uid_mappings.v[0].size.v, 4294967295);
	CHECK_INT(l->gid_mappings.v[0].host_id.v, 1);
	CHECK_INT(l->time_offsets->monotonic->secs.v, -1);
	CHECK(l->time_offsets->boottime && !l->time_offsets->boottime->secs.set);
	CHECK_STR(l->cgroups_path, "/c");
	CHECK_INT(l->rootfs_propagation, MS_SLAVE);
	CHECK_INT(l->devices.v[0].minor.v, 1048575);
	CHECK_INT(l->devices.v[0].file_mode.v, 0666);
	CHECK_STR(l->net_devices.v[0].key, "eth0");
	CHECK_STR(l->net_devices.v[0].name, "n");
	CHECK_STR(l->net_devices.v[1].name, NULL);
	CHECK_STR(l->sysctl.v[0].value, "1");
	CHECK_STR(l->masked_paths.v[0], "/m");
	CHECK_STR(l->readonly_paths.v[0], "/r");
	CHECK_STR(l->mount_label, "l");
	CHECK_INT(l->personality->domain, 0); /* PER_LINUX is 0 */
}

TEST(resources)
{
	const struct oci_resources *r =
		decode(LINUX("'resources':{'devices':[{'allow':true,'type':'b','major':-1,"
			     "'access':'r'}],'memory':{'limit':-1,'reservation':1,'swap':2,"
			     "'kernel':3,'kernelTCP':4,'swappiness':5,'disableOOMKiller':true,"
			     "'useHierarchy':true,'checkBeforeUpdate':true},'cpu':{'shares':1,"
			     "'quota':-1,'burst':2,'period':3,'realtimeRuntime':4,"
			     "'realtimePeriod':5,'cpus':'0','mems':'1','idle':1},"
			     "'pids':{'limit':0}}"))
			->linux_->resources;

	CHECK(r->devices.v[0].allow.v && r->devices.v[0].major.v == -1 &&
	      !r->devices.v[0].minor.set);
	CHECK_INT(r->memory->limit.v, -1);
	CHECK_INT(r->memory->reservation.v + r->memory->swap.v + r->memory->kernel.v +
			  r->memory->kernel_tcp.v + (int64_t)r->memory->swappiness.v,
		  15);
	CHECK(r->memory->disable_oom_killer.v && r->memory->use_hierarchy.v &&
	      r->memory->check_before_update.v);
	CHECK_INT(r->cpu->quota.v, -1);
	CHECK_INT(r->cpu->shares.v + r->cpu->burst.v + r->cpu->period.v + r->cpu->realtime_period.v,
		  11);
	CHECK_INT(r->cpu->realtime_runtime.v + r->cpu->idle.v, 5);
	CHECK_STR(r->cpu->mems, "1");
	CHECK(r->pids->limit.set && r->pids->limit.v == 0);
	/* Docker's way to say "not set" */
	r = decode(LINUX("'resources':{'memory':{'swappiness':18446744073709551615}}"))
		    ->linux_->resources;
	CHECK(!r->memory->swappiness.set);
}

TEST(resources_of_devices)
{
	const struct oci_resources *r =
		decode(LINUX("'resources':{'blockIO':{'weight':10,'leafWeight':11,"
			     "'weightDevice':[{'major':8,'minor':1,'weight':12,'leafWeight':13}],"
			     "'throttleReadBpsDevice':[{'major':8,'minor':2,'rate':1}],"
			     "'throttleWriteBpsDevice':[{'major':8,'minor':2,'rate':2}],"
			     "'throttleReadIOPSDevice':[{'major':8,'minor':2,'rate':3}],"
			     "'throttleWriteIOPSDevice':[{'major':8,'minor':2,'rate':4}]},"
			     "'hugepageLimits':[{'pageSize':'2MB','limit':9}],"
			     "'network':{'classID':4294967295,'priorities':[{'name':'e',"
			     "'priority':7}]},'rdma':{'mlx':{'hcaHandles':1,'hcaObjects':2}},"
			     "'unified':{'io.max':'a\\nb'}}"))
			->linux_->resources;

	CHECK_INT(r->block_io->weight.v, 10);
	CHECK_INT(r->block_io->weight_device.v[0].leaf_weight.v, 13);
	CHECK_INT(r->block_io->read_bps.v[0].rate.v, 1);
	CHECK_INT(r->block_io->write_bps.v[0].rate.v, 2);
	CHECK_INT(r->block_io->read_iops.v[0].rate.v, 3);
	CHECK_INT(r->block_io->write_iops.v[0].rate.v, 4);
	CHECK_STR(r->hugepage_limits.v[0].page_size, "2MB");
	CHECK_INT(r->network->class_id.v, 4294967295);
	CHECK_INT(r->network->priorities.v[0].priority.v, 7);
	CHECK_STR(r->rdma.v[0].key, "mlx");
	CHECK_INT(r->rdma.v[0].hca_objects.v, 2);
	CHECK_STR(r->unified.v[0].value, "a\nb");
}

TEST(seccomp_and_others)
{
	const struct oci_linux *l =
		decode(LINUX("'seccomp':{'defaultAction':'SCMP_ACT_ERRNO','defaultErrnoRet':38,"
			     "'architectures':['SCMP_ARCH_X86'],"
			     "'flags':['SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV'],"
			     "'listenerPath':'/l','listenerMetadata':'m','syscalls':[{"
			     "'names':['a','b'],'action':'SCMP_ACT_ALLOW','errnoRet':1,'args':[{"
			     "'index':5,'value':18446744073709551615,'valueTwo':2,"
			     "'op':'SCMP_CMP_MASKED_EQ'}]}]},'intelRdt':{'closID':'c',"
			     "'l3CacheSchema':'L3:','memBwSchema':'MB:','schemata':['s'],"
			     "'enableMonitoring':true},'memoryPolicy':{"
			     "'mode':'MPOL_WEIGHTED_INTERLEAVE','nodes':'0',"
			     "'flags':['MPOL_F_STATIC_NODES']}"))
			->linux_;
	const struct oci_seccomp *s = l->seccomp;

	CHECK_INT(s->default_action, OCI_SECCOMP_ERRNO);
	CHECK_INT(s->default_errno_ret.v, 38);
	CHECK_STR(s->architectures.v[0], "SCMP_ARCH_X86");
	CHECK_INT(s->flags.v[0], 32);
	CHECK_STR(s->listener_path, "/l");
	CHECK_STR(s->listener_metadata, "m");
	CHECK_INT(s->syscalls.v[0].names.n, 2);
	CHECK_INT(s->syscalls.v[0].action, OCI_SECCOMP_ALLOW);
	CHECK(s->syscalls.v[0].args.v[0].value.v == UINT64_MAX);
	CHECK_INT(s->syscalls.v[0].args.v[0].op, OCI_SECCOMP_MASKED_EQ);
	CHECK_STR(l->intel_rdt->clos_id, "c");
	CHECK_STR(l->intel_rdt->schemata.v[0], "s");
	CHECK(l->intel_rdt->enable_monitoring.v);
	CHECK_INT(l->memory_policy->mode, 6);
	CHECK_INT(l->memory_policy->flags.v[0], 1 << 15);
}

static void refused(const char *text, const char *error)
{
	CHECK(!decode(text));
	CHECK_STR(err.text, error);
}

TEST(errors_name_place_path_rule_and_value)
{
	refused("{\n  'ociVersion': '1.0.0',\n  'root': { 'path': 'r' },\n"
		"  'process': { 'cwd': '/', 'user': { 'uid': 'root' } }\n}",
		"config.json:4:45: process.user.uid: expected an integer from 0 to 4294967295, got "
		"\"root\"");
	refused(PROCESS(",'user':{'uid':null}"),
		"config.json:1:97: process.user.uid: expected an integer from 0 to 4294967295, "
		"got null");
	refused(PROCESS(",'user':{'additionalGids':[1,4294967296]}"),
		"config.json:1:111: process.user.additionalGids[1]: expected an integer from 0 to "
		"4294967295, got 4294967296");
	refused(CONFIG(",'process':{'args':['sh']}"),
		"config.json:1:58: process.cwd: required but missing");
	refused(LINUX("'seccomp':{'defaultAction':'SCMP_ACT_ALLOW','syscalls':[{'names':['a'],"
		      "'action':'ALLOW'}]}"),
		"config.json:1:137: linux.seccomp.syscalls[0].action: expected one of "
		"\"SCMP_ACT_KILL\", \"SCMP_ACT_KILL_PROCESS\", \"SCMP_ACT_KILL_THREAD\", "
		"\"SCMP_ACT_TRAP\", \"SCMP_ACT_ERRNO\", \"SCMP_ACT_TRACE\", \"SCMP_ACT_ALLOW\", "
		"\"SCMP_ACT_LOG\", \"SCMP_ACT_NOTIFY\", got \"ALLOW\"");
	refused("{'ociVersion':'1.0.0'}", "config.json:1:1: root: required but missing");
}

static int64_t pids_limit(const char *version)
{
	char text[160];
	const struct oci_config *config;

	(void)snprintf(text, sizeof(text),
		       "{'ociVersion':'%s','root':{'path':'r'},"
		       "'linux':{'resources':{'pids':{'limit':0}}}}",
		       version);
	config = decode(text);
	return config ? config->linux_->resources->pids->limit.v : -99;
}

/* What clients write that is not what the specification says. */
TEST(old_and_empty_words)
{
	const struct oci_config *config =
		decode(LINUX("'rootfsPropagation':'','namespaces':[{'type':'pid','path':''}]"));

	CHECK_INT(pids_limit("1.0.2"), -1);
	CHECK_INT(pids_limit("1.2.1"), -1);
	CHECK_INT(pids_limit("0.5.0-dev"), -1);
	CHECK_INT(pids_limit("1.3.0"), 0);
	CHECK_INT(pids_limit("1.10.0"), 0);
	CHECK(config && !config->linux_->rootfs_propagation);
	CHECK(config && !config->linux_->namespaces.v[0].path);
	CHECK(decode(PROCESS(",'ioPriority':{'class':'IOPRIO_CLASS_BE'}")) != NULL);
}

TEST(ranges)
{
	static const char *const bad[] = {
		PROCESS(",'user':{'umask':512}"),
		PROCESS(",'oomScoreAdj':1001"),
		PROCESS(",'oomScoreAdj':-1001"),
		PROCESS(",'scheduler':{'policy':'SCHED_OTHER','nice':20}"),
		PROCESS(",'ioPriority':{'class':'IOPRIO_CLASS_BE','priority':8}"),
		PROCESS(",'ioPriority':{'class':'IOPRIO_CLASS_NONE','priority':1}"),
		PROCESS(",'rlimits':[{'type':'RLIMIT_CPU','soft':1}]"),
		CONFIG(",'hooks':{'prestart':[{'path':'a'}]}"),
		CONFIG(",'hooks':{'prestart':[{'path':'/a','timeout':0}]}"),
		CONFIG(",'mounts':[{'destination':''}]"),
		CONFIG(",'mounts':[{'type':'a'}]"),
		CONFIG(",'annotations':{'':'x'}"),
		LINUX("'uidMappings':[{'containerID':0,'hostID':0,'size':4294967296}]"),
		LINUX("'timeOffsets':{'boottime':{'nanosecs':1000000000}}"),
		LINUX("'devices':[{'type':'c','path':'/a','major':4096,'minor':0}]"),
		LINUX("'devices':[{'type':'c','path':'a','major':1,'minor':0}]"),
		LINUX("'devices':[{'type':'p','path':'/a','fileMode':65536}]"),
		LINUX("'maskedPaths':['a']"),
		LINUX("'readonlyPaths':['']"),
		LINUX("'resources':{'memory':{'limit':-2}}"),
		LINUX("'resources':{'memory':{'swappiness':101}}"),
		LINUX("'resources':{'cpu':{'idle':2}}"),
		LINUX("'resources':{'blockIO':{'weight':1001}}"),
		LINUX("'seccomp':{'defaultAction':'SCMP_ACT_ALLOW','syscalls':[{'names':[],"
		      "'action':'SCMP_ACT_LOG'}]}"),
		LINUX("'memoryPolicy':{}"),
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CHECK(!decode(bad[i]));
		CHECK(strstr(err.text, "config.json:1:"));
	}
}

TEST(other_platforms_are_skipped)
{
	CHECK_STR(why(CONFIG(",'windows':{'a':[{}]},'solaris':1,'vm':null,'zos':'x','freebsd':[]")),
		  "");
}

TEST(console_size_counts_only_with_a_terminal)
{
	CHECK_STR(why(PROCESS(",'consoleSize':{'height':-1}")), "");
	CHECK_STR(why(PROCESS(",'consoleSize':[0,0],'terminal':false")), "");
	CHECK_STR(why(PROCESS(",'consoleSize':{'height':-1},'terminal':true")),
		  "config.json:1:107: process.consoleSize.height: expected an integer from 0 to "
		  "65535, got -1");
}

TEST(parts)
{
	const struct oci_process *process = NULL;
	const struct oci_resources *resources = NULL;
	const char *text = json("{'cwd':'/','args':['a']}");

	CHECK_INT(decode_process(&arena, "p", text, strlen(text), &process, &err), 0);
	CHECK_STR(process->args.v[0], "a");
	text = json("{'pids':{'limit':5}}");
	CHECK_INT(decode_resources(&arena, "r", text, strlen(text), &resources, &err), 0);
	CHECK_INT(resources->pids->limit.v, 5);
	CHECK_INT(decode_process(&arena, "p", text, strlen(text), &process, &err), -EINVAL);
	CHECK_STR(err.text, "p:1:1: cwd: required but missing");
}

TEST(size_is_capped)
{
	size_t len = DECODE_MAX_FILE + 1;
	char *text = malloc(len);
	const struct oci_config *config = NULL;

	memset(text, ' ', len);
	CHECK_INT(decode_config(&arena, "config.json", text, len, &config, &err), -EFBIG);
	CHECK_STR(err.text, "config.json: the file is larger than 16 MiB");
	CHECK(!config);
	free(text);
}
