/* SPDX-License-Identifier: Apache-2.0 */
/* The program that usrun carries inside and starts when a library has to be loaded: standard input is a socket
 * on which records come (sys/helper.h), until the other side closes it. */
#include "src/helper/sdbus.h"
#include "src/helper/unit_call.h"
#include "src/sys/helper_record.h"
#include "src/sys/sock.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { MAX_REQUEST = 1 << 20 };

static int answer(const struct err *err, const struct unit_answer *unit)
{
	_cleanup_str_ struct str record = { 0 };

	helper_put_err(&record, err);
	helper_put(&record, str_text(&unit->dropped));
	helper_put(&record, unit->path ? unit->path : "");
	return sock_send(STDIN_FILENO, record.s, record.len, -1);
}

static int serve(const char *request, size_t len)
{
	struct arena arena = { 0 };
	struct unit_answer unit = { 0 };
	struct unit_request wanted;
	struct err err = { 0 };
	int r = unit_message_read(&arena, request, len, &wanted);

	r = r < 0 ? err_set(&err, EINVAL, "the helper was asked something that it does not know")
		  : unit_call(&arena, &wanted, &unit, &err);
	if (r == 0)
		err = (struct err){ 0 };
	r = answer(&err, &unit);
	str_done(&unit.dropped);
	arena_free(&arena);
	return r;
}

int main(void)
{
	static char request[MAX_REQUEST];
	const struct unit_answer none = { 0 };
	const struct sdbus *library;
	struct err err = { 0 };
	ssize_t n;
	int fd, r = sdbus_load(&library, &err);

	if (answer(&err, &none) < 0 || r < 0)
		return EXIT_FAILURE;
	while ((n = sock_recv(STDIN_FILENO, request, sizeof(request), &fd)) > 0)
		if (serve(request, (size_t)n) < 0)
			return EXIT_FAILURE;
	return n < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
