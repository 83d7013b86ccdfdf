/* SPDX-License-Identifier: Apache-2.0 */
#include "src/oci/sysctl.h"

#include "src/base/str.h"

#include <ctype.h>
#include <linux/sched.h>
#include <string.h>

static bool component_is_bad(const char *s, size_t len)
{
	return len == 0 || (len <= 2 && strncmp(s, "..", len) == 0);
}

int sysctl_path(const char *key, char ret[SYSCTL_PATH_MAX])
{
	char path[SYSCTL_PATH_MAX];
	size_t len = strlen(key), start = 0;
	bool slashes = key[strcspn(key, "./")] == '/';

	if (len >= sizeof(path))
		return -EINVAL;
	for (size_t i = 0; i <= len; i++) {
		char c = key[i];

		if (c && !isalnum((unsigned char)c) && !strchr("_-./", c))
			return -EINVAL;
		if (!slashes && (c == '.' || c == '/'))
			c = c == '.' ? '/' : '.';
		path[i] = c;
		if (c != '/' && c != '\0')
			continue;
		if (component_is_bad(path + start, i - start))
			return -EINVAL;
		start = i + 1;
	}
	memcpy(ret, path, len + 1);
	return 0;
}

int sysctl_namespace(const char *path)
{
	static const struct {
		char prefix[20];
		int flag;
	} owners[] = {
		{ "net/", CLONE_NEWNET },
		{ "kernel/shm", CLONE_NEWIPC },
		{ "kernel/msg", CLONE_NEWIPC },
		{ "kernel/sem", CLONE_NEWIPC },
		{ "fs/mqueue/", CLONE_NEWIPC },
		{ "user/", CLONE_NEWUSER },
		{ "kernel/domainname", CLONE_NEWUTS },
		{ "kernel/hostname", CLONE_NEWUTS },
	};

	for (size_t i = 0; i < sizeof(owners) / sizeof(owners[0]); i++)
		if (str_starts(path, owners[i].prefix))
			return owners[i].flag;
	return 0;
}
