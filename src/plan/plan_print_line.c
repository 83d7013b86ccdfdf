/* SPDX-License-Identifier: Apache-2.0 */
#include "src/plan/plan_print.h"

#include "src/base/str.h"

/* A line break in the config could imitate a line of ours, and a terminal would obey other control
 * characters. */
void plan_print_addf(struct str *out, const char *fmt, ...)
{
	_cleanup_str_ struct str text = { 0 };
	size_t first = *fmt == '\n', end, control = 0;
	va_list ap;

	va_start(ap, fmt);
	str_addv(&text, fmt, ap);
	va_end(ap);
	end = text.len - str_ends(fmt, "\n");
	for (size_t i = 0; i < text.len; i++) {
		control = control ? control - 1 : 0;
		if (!control && i >= first && i < end)
			control = str_control(text.s + i);
		if (!control)
			str_addn(out, text.s + i, 1);
		else if (text.s[i] == '\n')
			str_add(out, "\\n");
		else
			str_addf(out, "\\x%02x", (unsigned char)text.s[i]);
	}
}

void plan_print_why(struct str *out, const char *reason)
{
	if (reason)
		plan_print_addf(out, "\n                  because %s", reason);
	str_add(out, "\n");
}
