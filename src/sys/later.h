/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors that a row opens by the dozen are closed together: one close_range(2) instead of a
 * call each. The loop over the rows does so after each of them (run/walk.c). */
#pragma once

#define _cleanup_later_ __attribute__((cleanup(later_closep)))

/* Closes *fd (if it is >= 0) some time before later_close() returns, and sets it to -1; errno is
 * kept. */
void later_closep(int *fd);

/* Closes all of them; errno is kept. */
void later_close(void);
