/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a message of D-Bus, and as all that systemd answers in a conversation. What must hold
 * besides "no crash": texts are within the message and end there, and what is read can be written
 * and read again. */
#include "src/base/clock.h"
#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/sys/dbus.h"
#include "src/sys/sock.h"
#include "tests/fuzz/expect.h"

#include <sys/socket.h>

enum { SENT_MAX = 32 << 10, ANSWER_MS = 60000 };

static void check_text(const char *text, const char *bytes, size_t len)
{
	if (!text || !*text)
		return;
	expect(text >= bytes && text < bytes + len);
	expect(memchr(text, '\0', len - (size_t)(text - bytes)));
}

static void read_body(const struct dbus_message *m, const char *types)
{
	struct dbus_reader reader = dbus_open_body(m, types);

	for (const char *type = types; *type; type++)
		if (*type == 'u')
			(void)dbus_get_u32(&reader);
		else if (*type == 'v')
			check_text(dbus_get_signature(&reader), m->body, m->len);
		else
			check_text(dbus_get_text(&reader), m->body, m->len);
}

static void write_again(const struct dbus_message *m)
{
	_cleanup_str_ struct str out = { 0 };
	struct dbus_message again;

	if (m->swapped) /* only its own order is written */
		return;
	dbus_write(&out, m);
	expect(dbus_measure(out.s) == (ssize_t)out.len);
	expect(dbus_read(out.s, out.len, &again) == 0);
	expect(again.len == m->len && again.serial == m->serial);
}

static void check_message(const struct dbus_message *m, const char *bytes, size_t len)
{
	const char *const texts[] = { m->destination, m->path,  m->interface,
				      m->member,      m->error, m->signature };

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		check_text(texts[i], bytes, len);
	expect(m->len <= len && m->body + m->len == bytes + len);
	read_body(m, "uoss");
	read_body(m, "s");
	read_body(m, "o");
	read_body(m, "v");
	write_again(m);
}

/* All that comes, until the other side hangs up: nobody waits, however slow the machine is. */
static void converse(const char *bytes, size_t len)
{
	int pair[2], r;
	struct dbus bus = { .deadline = clock_now() + ANSWER_MS };
	struct dbus_message m;

	expect(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	bus.fd = pair[0];
	expect(io_write_all(pair[1], bytes, len < SENT_MAX ? len : SENT_MAX) == 0);
	fd_closep(&pair[1]);
	do {
		r = dbus_next(&bus, &m);
		if (r == 0)
			check_message(&m, bus.in.s, bus.taken);
	} while (r == 0);
	expect(r == -EPIPE || r == -EBADMSG || r == -EMSGSIZE);
	dbus_close(&bus);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *bytes = (const char *)data;
	struct dbus_message m;

	if (dbus_read(bytes, size, &m) == 0)
		check_message(&m, bytes, size);
	converse(bytes, size);
	return 0;
}
