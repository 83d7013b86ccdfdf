/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for libFuzzer: runs a fuzz target once over every file of the directories and files
 * that are named as arguments, and with --random N over N random changes of each, too. */
#include "tests/lib/random.h"

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static long changes; /* of each file */

/* A byte, some bytes left out, or some of them once more elsewhere. */
static size_t change(struct random *random, uint8_t *data, size_t n)
{
	size_t from = random_below(random, (uint32_t)n), len = random_below(random, 16) + 1,
	       to = random_below(random, (uint32_t)n);

	if (len > n - from)
		len = n - from;
	switch (random_below(random, 3)) {
	case 0:
		data[from] = (uint8_t)random_next(random);
		return n;
	case 1:
		memmove(data + from, data + from + len, n - from - len);
		return n - len;
	default:
		memmove(data + to, data + from, len < n - to ? len : n - to);
		return n;
	}
}

static void try_changes(const uint8_t *data, size_t n)
{
	struct random random = { 1 };

	for (long i = 0; n && i < changes; i++) {
		uint8_t *copy = malloc(n);
		size_t len = n;

		if (!copy)
			abort();
		memcpy(copy, data, n);
		for (uint32_t k = random_below(&random, 4) + 1; k && len; k--)
			len = change(&random, copy, len);
		(void)LLVMFuzzerTestOneInput(copy, len);
		free(copy);
	}
}

static int replay_file(const char *path)
{
	FILE *file = fopen(path, "re");
	struct stat st;
	uint8_t *data;
	size_t n;

	if (!file || fstat(fileno(file), &st) < 0) {
		perror(path);
		return 1;
	}
	/* Exactly as large as the file, so that a sanitizer sees every byte read beyond. */
	data = malloc(st.st_size ? (size_t)st.st_size : 1);
	n = data ? fread(data, 1, (size_t)st.st_size, file) : 0;
	(void)fclose(file);
	if (!data || n != (size_t)st.st_size) {
		(void)fprintf(stderr, "%s: cannot be read\n", path);
		free(data);
		return 1;
	}
	(void)LLVMFuzzerTestOneInput(data, n);
	try_changes(data, n);
	free(data);
	return 0;
}

static int replay_dir(const char *path, size_t *count)
{
	struct dirent **names;
	char *file;
	int n = scandir(path, &names, NULL, alphasort), failed = 0;

	if (n < 0)
		return -1;
	for (int i = 0; i < n; i++) {
		if (names[i]->d_name[0] != '.' &&
		    asprintf(&file, "%s/%s", path, names[i]->d_name) > 0) {
			failed += replay_file(file);
			(*count)++;
			free(file);
		}
		free(names[i]);
	}
	free(names);
	return failed;
}

int main(int argc, char **argv)
{
	size_t count = 0;
	int failed = 0, first = 1;

	if (argc > 2 && strcmp(argv[1], "--random") == 0) {
		changes = atol(argv[2]);
		first = 3;
	}
	for (int i = first; i < argc; i++) {
		int r = replay_dir(argv[i], &count);

		if (r < 0) {
			r = replay_file(argv[i]);
			count++;
		}
		failed += r;
	}
	(void)printf("%zu inputs, %d failed\n", count, failed);
	return failed || count == 0;
}
