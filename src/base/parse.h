/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers from text: the whole string and in range, or an error. No spaces, no signs on unsigned
 * numbers. */
#pragma once

#include "src/base/err.h"

#include <stdint.h>

/* 0, or -EINVAL (not a number) or -ERANGE. Base 10 unless given. *ret is set only on success. */
int parse_u64(const char *text, uint64_t *ret) MUST_CHECK;
int parse_u64_range(const char *text, uint64_t min, uint64_t max, uint64_t *ret) MUST_CHECK;
int parse_i64(const char *text, int64_t *ret) MUST_CHECK;
int parse_u32(const char *text, uint32_t *ret) MUST_CHECK;
int parse_int(const char *text, int *ret) MUST_CHECK;

/* A user or group id: 0 to 4294967294. (uid_t)-1 is refused, because it means "no change" to the
 * kernel: a container asked to run as 4294967295 would stay root. */
int parse_id(const char *text, uint32_t *ret) MUST_CHECK;
