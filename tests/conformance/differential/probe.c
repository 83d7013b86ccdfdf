// SPDX-License-Identifier: Apache-2.0
/*
 * probe [--QUESTION VALUE]...   prints what a process of a container sees, one fact a line
 * probe --wait                  waits to be killed: something to exec into
 * probe --hook NAME FILE        as a hook: appends what it was given to FILE
 *
 * The order of the lines means nothing; no line holds a number that differs between two containers.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "probe.h"

extern char **environ;

const char *probe_result(int r)
{
	return r >= 0 ? "ok" : strerrorname_np(errno);
}

static void print_start(int argc, char **argv)
{
	char path[4096];

	for (int i = 0; i < argc; i++)
		printf("argv %d %s\n", i, argv[i]);
	for (char **e = environ; *e; e++)
		printf("env %s\n", *e);
	printf("cwd %s\n", getcwd(path, sizeof path) ? path : probe_result(-1));
}

/* The value of a string or number of a flat JSON text, good enough for the state that a hook
 * gets. */
static void print_member(FILE *out, const char *json, const char *key)
{
	char quoted[64];
	const char *at;

	snprintf(quoted, sizeof quoted, "\"%s\"", key);
	at = strstr(json, quoted);
	if (!at) {
		fprintf(out, " %s=absent", key);
		return;
	}
	at += strlen(quoted);
	at += strspn(at, " :\"");
	fprintf(out, " %s=%.*s", key, (int)strcspn(at, "\",}\n "), at);
}

static int hook(const char *name, const char *file, int argc)
{
	char json[65536], cwd[4096], ns[64] = "none";
	size_t n = fread(json, 1, sizeof json - 1, stdin);
	FILE *out = fopen(file, "ae");

	if (!out)
		return 1;
	json[n] = '\0';
	fprintf(out, "hook %s args=%d", name, argc);
	print_member(out, json, "id");
	print_member(out, json, "status");
	print_member(out, json, "bundle");
	fprintf(out, " pid=%s\n", strstr(json, "\"pid\"") ? "given" : "absent");
	fprintf(out, "hook %s cwd %s\n", name, getcwd(cwd, sizeof cwd) ? cwd : probe_result(-1));
	for (char **e = environ; *e; e++)
		fprintf(out, "hook %s env %s\n", name, *e);
	if (readlink("/proc/self/ns/mnt", ns, sizeof ns - 1) >= 0)
		fprintf(out, "hook %s ns mnt %s\n", name, ns);
	return fclose(out) == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "--wait") == 0) {
		signal(SIGTERM, SIG_DFL);
		for (;;)
			pause();
	}
	if (argc > 3 && strcmp(argv[1], "--hook") == 0)
		return hook(argv[2], argv[3], argc);
	print_start(argc, argv);
	probe_process();
	probe_world();
	for (int i = 1; i + 1 < argc; i += 2)
		if (!probe_ask(argv[i], argv[i + 1]))
			printf("question %s unknown\n", argv[i]);
	return 0;
}
