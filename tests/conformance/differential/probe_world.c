// SPDX-License-Identifier: Apache-2.0
/* What a process sees around itself: /proc, mounts, devices, names, network. */
#include <dirent.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "probe.h"

#define LINE_MAX_ 8192
#define MAX_MOUNTS 256

/* Every line of a file behind a word; "WORD absent" where it cannot be read. */
static void print_file(const char *word, const char *path)
{
	char line[LINE_MAX_];
	FILE *file = fopen(path, "re");

	if (!file) {
		printf("%s %s\n", word, probe_result(-1));
		return;
	}
	while (fgets(line, sizeof line, file)) {
		line[strcspn(line, "\n")] = '\0';
		printf("%s %s\n", word, line);
	}
	fclose(file);
}

/* The lines of status that say something about how the process was set up. */
static void print_status(void)
{
	static const char *const wanted[] = { "Umask:",
					      "Uid:",
					      "Gid:",
					      "Groups:",
					      "CapInh:",
					      "CapPrm:",
					      "CapEff:",
					      "CapBnd:",
					      "CapAmb:",
					      "NoNewPrivs:",
					      "Seccomp:",
					      "Seccomp_filters:",
					      "Speculation_Store_Bypass:",
					      "SigBlk:",
					      "SigIgn:",
					      "SigCgt:",
					      "SigPnd:",
					      "ShdPnd:",
					      "NSpid:",
					      "Cpus_allowed_list:",
					      "Mems_allowed_list:",
					      "Threads:" };
	char line[LINE_MAX_];
	FILE *file = fopen("/proc/self/status", "re");

	if (!file) {
		printf("status %s\n", probe_result(-1));
		return;
	}
	while (fgets(line, sizeof line, file))
		for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
			if (strncmp(line, wanted[i], strlen(wanted[i])) == 0)
				printf("status %s", line);
	fclose(file);
}

/* Which copy of this mount point it is: 2 hides 1. */
static int depth_of(const char *point)
{
	static char *seen[MAX_MOUNTS];
	static size_t n;
	int depth = 1;

	for (size_t i = 0; i < n; i++)
		depth += strcmp(seen[i], point) == 0;
	if (n < MAX_MOUNTS)
		seen[n++] = strdup(point);
	return depth;
}

/* One mount: its ids, its device and the numbers of its peer groups are dropped. */
static void print_mount(char *line)
{
	char root[LINE_MAX_], point[LINE_MAX_], options[LINE_MAX_], type[256], source[LINE_MAX_],
		super[LINE_MAX_];
	char *rest = strstr(line, " - ");
	char name[LINE_MAX_ + 16];
	int end = 0;

	if (!rest || sscanf(line, "%*d %*d %*s %s %s %s%n", root, point, options, &end) != 3 ||
	    sscanf(rest, " - %255s %s %s", type, source, super) != 3) {
		printf("mount unreadable %s\n", line);
		return;
	}
	*rest = '\0';
	snprintf(name, sizeof name, "mount %s", point);
	if (depth_of(point) > 1)
		strcat(name, " again");
	printf("%s type %s\n%s source %s\n%s root %s\n%s options %s\n%s super %s\n", name, type,
	       name, source, name, root, name, options, name, super);
	printf("%s propagation%s%s%s%s\n", name, strstr(line + end, "shared:") ? " shared" : "",
	       strstr(line + end, "master:") ? " slave" : "",
	       strstr(line + end, "unbindable") ? " unbindable" : "",
	       strchr(line + end, ':') || strstr(line + end, "unbindable") ? "" : " private");
}

static void print_mounts(void)
{
	char line[LINE_MAX_];
	FILE *file = fopen("/proc/self/mountinfo", "re");

	if (!file)
		return;
	while (fgets(line, sizeof line, file)) {
		line[strcspn(line, "\n")] = '\0';
		print_mount(line);
	}
	fclose(file);
}

static void print_namespaces(void)
{
	static const char *const names[] = { "mnt", "pid",  "net",    "ipc",
					     "uts", "user", "cgroup", "time" };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char path[64], link[64] = "";

		snprintf(path, sizeof path, "/proc/self/ns/%s", names[i]);
		if (readlink(path, link, sizeof link - 1) >= 0)
			printf("ns %s %s\n", names[i], link);
	}
}

static void print_entry(const char *dir, const char *name)
{
	char path[LINE_MAX_], link[LINE_MAX_] = "";
	struct stat st;

	snprintf(path, sizeof path, "%s/%s", strcmp(dir, "/") == 0 ? "" : dir, name);
	if (lstat(path, &st) < 0)
		return;
	if (S_ISLNK(st.st_mode)) {
		if (readlink(path, link, sizeof link - 1) < 0)
			strcpy(link, "?");
		printf("entry %s -> %s\n", path, link);
		return;
	}
	printf("entry %s type=%o mode=%04o owner=%u:%u device=%u:%u\n", path,
	       (st.st_mode & S_IFMT) >> 12, st.st_mode & 07777, st.st_uid, st.st_gid,
	       major(st.st_rdev), minor(st.st_rdev));
}

static void print_directory(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;

	if (!dir) {
		printf("entry %s unreadable: %s\n", path, probe_result(-1));
		return;
	}
	while ((entry = readdir(dir)))
		if (strcmp(entry->d_name, "..") != 0)
			print_entry(path, entry->d_name);
	closedir(dir);
}

static void print_network(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct if_nameindex *all = if_nameindex();

	for (struct if_nameindex *i = all; i && i->if_name; i++) {
		struct ifreq request = { 0 };

		strncpy(request.ifr_name, i->if_name, IFNAMSIZ - 1);
		if (ioctl(fd, SIOCGIFFLAGS, &request) == 0 && strncmp(i->if_name, "lo", 2) == 0)
			printf("net %s up=%d\n", i->if_name, !!(request.ifr_flags & IFF_UP));
	}
	if (all)
		if_freenameindex(all);
	close(fd);
}

void probe_world(void)
{
	struct utsname uts;
	struct statvfs fs;

	if (uname(&uts) == 0)
		printf("uts host=%s domain=%s machine=%s\n", uts.nodename, uts.domainname,
		       uts.machine);
	if (statvfs("/", &fs) == 0)
		printf("rootfs read-only=%d\n", !!(fs.f_flag & ST_RDONLY));
	print_status();
	print_file("oom-score", "/proc/self/oom_score_adj");
	print_file("loginuid", "/proc/self/loginuid");
	print_file("uid-map", "/proc/self/uid_map");
	print_file("gid-map", "/proc/self/gid_map");
	print_file("setgroups", "/proc/self/setgroups");
	print_file("timens", "/proc/self/timens_offsets");
	print_file("coredump-filter", "/proc/self/coredump_filter");
	print_file("cgroup", "/proc/self/cgroup");
	print_namespaces();
	print_mounts();
	print_network();
	print_directory("/");
	print_directory("/dev");
	print_directory("/dev/pts");
	print_directory("/dev/shm");
}
