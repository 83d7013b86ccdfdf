/* SPDX-License-Identifier: Apache-2.0 */
/* Programs that exist only in memory, and what surrounds an exec. */
#pragma once

#include "src/base/arena.h"
#include "src/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Creates an empty executable memory file, close-on-exec, to be filled and then sealed. The kernel
 * may forbid such files (vm.memfd_noexec=2). >= 0 or -errno. */
int program_memfd(const char *name);

/* Seals the file: nobody who gets hold of it can change it. 0 or -errno. */
int program_seal(int fd);
bool program_is_sealed(int fd);

/* Where distributions install programs that are not in everybody's PATH. */
#define PROGRAM_USUAL_PLACES "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* Finds an executable file of that name in the caller's PATH, or else in `places`. Ignores relative
 * directories. NULL if there is none. */
const char *program_find(struct arena *arena, const char *name, const char *places);

/* execveat(2) of the descriptor itself, with our environment. Returns only on failure, -errno. */
int program_exec(int fd, char *const *argv);

/* Copies the command line and the environment, so that no pointer leads to where the kernel shows
 * them. */
void program_keep_words(struct arena *arena, char **argv);

/* In a child: replaces the command line and environment that others see (/proc/PID/cmdline, which
 * anybody may read, and environ). A word may be a secret, as in `exec --env`. */
void program_show_title(const char *title);

/* Whether process pid, which may be a zombie, has executed a program since it was cloned. 1, 0 or
 * -errno. */
int program_was_executed(pid_t pid);

/* Marks every descriptor from first on close-on-exec: one by one if close_range(2) is missing
 * (before Linux 5.9) or refused by a filter. A process about to be filtered calls
 * program_close_far() before. */
void program_cloexec_from(int first);
void program_close_far(void);

/* Closes every descriptor from first to last. */
void program_close_range(int first, int last);

/* Closes every descriptor from first on except those in keep, which it sorts; entries may be -1. */
void program_close_others(int first, int *keep, size_t n);

/* Unblocks all signals, and sets those in the mask (bit n - 1: signal n) to their default action:
 * clone3() resets handlers, but leaves ignored signals ignored, and so does exec. */
void program_reset_signals(uint64_t ignored);

/* Undoes an ignored SIGCHLD, which would discard our children's exit statuses. */
void program_keep_children(void);

/* For a child that outlives the command: sets its title, starts a session of its own (signals of
 * the caller's terminal are not for it), leaves any directory in which it would be in the way, and
 * keeps only the descriptors in keep (see program_close_others()), with the null device as 0 to 2.
 * False if the child must exit at once. */
bool program_stay_behind(const char *title, int *keep, size_t n);
