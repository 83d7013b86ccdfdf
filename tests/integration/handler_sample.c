/* SPDX-License-Identifier: Apache-2.0 */
/* A handler as usrun-handlers(7) has it, for files in a language of its own: a word and an argument a line.
 *     args          prints the arguments of the container, each in brackets
 *     env NAME      prints a variable of the container
 *     own NAME      prints one of the handler itself
 *     cwd, cat FILE, exit N, wait */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void end_on_signal(int number)
{
	_exit(128 + number);
}

static void print(const char *text)
{
	puts(text ? text : "(none)");
}

static void print_file(const char *path)
{
	FILE *file = fopen(path, "re");
	char line[4096];

	while (file && fgets(line, sizeof(line), file))
		fputs(line, stdout);
	if (!file)
		print(NULL);
	else
		fclose(file);
}

static const char *variable(const char *name)
{
	char full[256];

	snprintf(full, sizeof(full), "container.%s", name);
	return getenv(full);
}

static void step(const char *word, const char *argument, char **args)
{
	char cwd[4096];

	if (strcmp(word, "args") == 0)
		for (; *args; args++)
			printf("[%s]\n", *args);
	else if (strcmp(word, "env") == 0)
		print(variable(argument));
	else if (strcmp(word, "own") == 0)
		print(getenv(argument));
	else if (strcmp(word, "cwd") == 0)
		print(getcwd(cwd, sizeof(cwd)));
	else if (strcmp(word, "cat") == 0)
		print_file(argument);
	else if (strcmp(word, "exit") == 0)
		exit(atoi(argument));
	else if (strcmp(word, "wait") == 0)
		for (;;)
			pause();
}

int main(int argc, char **argv)
{
	char line[512], word[32], argument[256];
	FILE *file = argc > 1 ? fopen(argv[1], "re") : NULL;

	if (!file) {
		fprintf(stderr, "sample: %s: %s\n", argc > 1 ? argv[1] : "", strerror(errno));
		return errno == ENOENT ? 127 : 126;
	}
	/* The kernel gives the first process of a pid namespace no signal that it has no handler for. */
	(void)signal(SIGTERM, end_on_signal);
	setvbuf(stdout, NULL, _IOLBF, 0);
	while (fgets(line, sizeof(line), file)) {
		argument[0] = '\0';
		if (sscanf(line, "%31s %255[^\n]", word, argument) > 0)
			step(word, argument, argv + 1);
	}
	return 0;
}
