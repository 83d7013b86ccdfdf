/* SPDX-License-Identifier: Apache-2.0 */
/* Programs that exist in memory only, and what surrounds an exec. */
#pragma once

#include "src/base/arena.h"
#include "src/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* An empty file in memory that may be executed, close-on-exec, to be filled and then sealed; the
 * kernel may forbid such files (vm.memfd_noexec=2, sysctl kernel). >= 0 or -errno. */
int program_memfd(const char *name);

/* From here on nobody can change it, whoever gets hold of it. 0 or -errno. */
int program_seal(int fd);
bool program_is_sealed(int fd);

/* Where distributions put programs that are not in every PATH. */
#define PROGRAM_USUAL_PLACES "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* An executable file of that name in the caller's PATH, or else in `places`; relative directories
 * are ignored; NULL: there is none. */
const char *program_find(struct arena *arena, const char *name, const char *places);

/* execveat(2) of a descriptor itself, with our environment. Returns -errno when it failed. */
int program_exec(int fd, char *const *argv);

/* Copies the command line and the environment, so that nothing points to where the kernel shows
 * them. */
void program_keep_words(struct arena *arena, char **argv);

/* In a child: shows the title to others instead (/proc/PID/cmdline, which anybody may read, and
 * environ). A word may be a secret, as in `exec --env`. */
void program_show_title(const char *title);

/* Whether process pid has executed a program since it was cloned; also of a zombie. 1, 0 or
 * -errno. */
int program_was_executed(pid_t pid);

/* Marks every descriptor from first on close-on-exec. A filter may refuse close_range(2), which is
 * of Linux 5.9: then one by one, and who is to be filtered calls program_close_far() before. */
void program_cloexec_from(int first);
void program_close_far(void);

/* Closes every descriptor from first to last. */
void program_close_range(int first, int last);

/* Closes every descriptor from first on but those of keep, of which some may be -1; sorts them. */
void program_close_others(int first, int *keep, size_t n);

/* Blocks none, and gives those of the mask (bit n - 1: signal n) their default action: clone3()
 * resets handlers and leaves ignored signals ignored, and so does exec. */
void program_reset_signals(uint64_t ignored);

/* An ignored SIGCHLD would discard our children's exit statuses. */
void program_keep_children(void);

/* In a child that lives on without the command: a title that others see, a session of its own, for
 * what the caller's terminal sends is not for it, no directory that could be in the way, and no
 * descriptors but keep (as of program_close_others()), with the null device as 0 to 2. False where
 * it has to end at once. */
bool program_stay_behind(const char *title, int *keep, size_t n);
