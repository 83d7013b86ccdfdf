/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cgroup/unit_properties.h"

#include "src/sys/dbus.h"

#include <string.h>

#define READ_ONLY "org.freedesktop.DBus.Error.PropertyReadOnly"
#define NO_PROPERTY "org.freedesktop.DBus.Error.UnknownProperty"

static void put_list(struct str *body, const struct cgroup_property *p)
{
	char type = p->type[1];
	size_t array = dbus_put_array(body, type);

	if (type == 'u') /* a list of one */
		dbus_put_u32(body, (uint32_t)p->number);
	for (size_t i = 0; i < p->n; i++) {
		if (type == 's') {
			dbus_put_text(body, p->texts[i]);
		} else if (type == 'y') {
			dbus_put_byte(body, p->bytes[i]);
		} else {
			dbus_put_struct(body);
			dbus_put_text(body, p->pairs[i].first);
			if (str_equal(p->type, "a(ss)"))
				dbus_put_text(body, p->pairs[i].second);
			else
				dbus_put_u64(body, p->pairs[i].number);
		}
	}
	dbus_end_array(body, array, type);
}

static void put_property(struct str *body, const struct cgroup_property *p)
{
	uint64_t bits;

	dbus_put_struct(body);
	dbus_put_text(body, p->name);
	dbus_put_signature(body, p->type);
	memcpy(&bits, &p->real, sizeof(bits));
	switch (*p->type) {
	case 's':
		dbus_put_text(body, p->text);
		break;
	case 'b':
	case 'i':
	case 'u':
		dbus_put_u32(body, (uint32_t)p->number);
		break;
	case 'a':
		put_list(body, p);
		break;
	default:
		dbus_put_u64(body, *p->type == 'd' ? bits : p->number);
	}
}

void unit_properties_put(struct str *body, const struct unit_properties *sent)
{
	size_t array = dbus_put_array(body, '(');

	for (size_t i = 0; i < sent->n; i++)
		put_property(body, sent->v[i]);
	dbus_end_array(body, array, '(');
}

void unit_properties_collect(struct unit_properties *sent, const struct cgroup_property *v,
			     size_t n)
{
	for (size_t i = 0; i < n && sent->n < UNIT_PROPERTIES_MAX; i++)
		sent->v[sent->n++] = &v[i];
}

static bool has_word(const char *text, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = text; (at = strstr(at, word)); at += len)
		if ((at == text || strchr(" '\"", at[-1])) && strchr(" ,.'\":", at[len]))
			return true;
	return false;
}

bool unit_properties_drop(struct unit_properties *sent, const char *error, const char *text,
			  struct str *dropped)
{
	static const char *const needed[] = { "PIDs", "Slice", "Delegate" };

	if (!str_equal(error, READ_ONLY) && !str_equal(error, NO_PROPERTY))
		return false;
	for (size_t i = 0; i < sent->n; i++) {
		bool keep = !has_word(text, sent->v[i]->name);

		if (sent->v[i]->from && str_starts(sent->v[i]->from, "annotations["))
			keep = true;
		for (size_t k = 0; k < sizeof(needed) / sizeof(needed[0]); k++)
			keep = keep || str_equal(sent->v[i]->name, needed[k]);
		if (keep)
			continue;
		str_addf(dropped, "%s%s", dropped->len ? ", " : "", sent->v[i]->name);
		memmove(&sent->v[i], &sent->v[i + 1], (sent->n - i - 1) * sizeof(sent->v[0]));
		sent->n--;
		return true;
	}
	return false;
}
