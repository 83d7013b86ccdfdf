/* SPDX-License-Identifier: Apache-2.0 */
/* Closes descriptors that a row opens by the dozen together: one close_range(2) instead of many
 * calls. The loop over the rows does so after each row (run/walk.c). */
#pragma once

#define _cleanup_later_ __attribute__((cleanup(later_closep)))

/* Sets *fd to -1, and closes the descriptor (if it is >= 0) by the time later_close() returns.
 * Preserves errno. */
void later_closep(int *fd);

/* Closes all of them. Preserves errno. */
void later_close(void);
