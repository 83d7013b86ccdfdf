/* SPDX-License-Identifier: Apache-2.0 */
/* Growing texts, and vectors of strings. */
#pragma once

#include "src/base/arena.h"

#include <stdbool.h>

#define _cleanup_str_ __attribute__((cleanup(str_done)))

/* Zero-initialise. s is NULL until something is added, and NUL-terminated afterwards. */
struct str {
	char *s;
	size_t len, cap;
};

void str_add(struct str *str, const char *text);
void str_addn(struct str *str, const char *text, size_t len);
void str_addf(struct str *str, const char *fmt, ...) PRINTF(2, 3);
void str_addv(struct str *str, const char *fmt, va_list ap) PRINTF(2, 0);
void str_done(struct str *str);

/* The bytes of the control character at s, which a terminal would obey, or 0. U+0080 to U+009F are
 * such, too, of two bytes. */
size_t str_control(const char *s);

/* Replaces every byte of control characters with "?". */
void str_tame(char *text);

/* Formats a message for people into a buffer: one line, truncated at a character with "..." if it
 * is too long. It may quote files, so it is tamed. */
void str_line(char *buf, size_t size, const char *fmt, va_list ap) PRINTF(3, 0);

/* Truncates a text to max bytes in the same way. max is at least 3. */
void str_cut(char *text, size_t max);

/* "" instead of NULL. */
static inline const char *str_text(const struct str *str)
{
	return str->s ? str->s : "";
}

/* The number of typing errors between two names (an extra, missing or wrong letter, or two
 * swapped); SIZE_MAX if there are more than two, or more than one per three letters typed. */
size_t str_slips(const char *meant, const char *typed);

bool str_equal(const char *a, const char *b); /* NULL equals only NULL */
bool str_starts(const char *s, const char *prefix);
bool str_ends(const char *s, const char *suffix);

/* Whether a list such as "cpu,cpuset" contains the word. list may be NULL. */
bool str_has_word(const char *list, const char *word, char separator);

/* Concatenates two lists of texts (n_more may be 0) into a new one that ends in NULL. */
const char **str_list(struct arena *arena, const char *const *v, size_t n, const char *const *more,
		      size_t n_more) __attribute__((returns_nonnull));

/* The value of NAME=value in an environment, or NULL. */
const char *str_env_find(const char *const *env, size_t n, const char *name);
