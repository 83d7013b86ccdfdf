/* SPDX-License-Identifier: Apache-2.0 */
/* The labels that Linux security modules apply to the program at execve. */
#pragma once

#include "src/base/err.h"

/* Both write the calling process's attribute through procfs, a descriptor of procfs_open() or of
 * any directory that is the root of a procfs; that is checked, because the container may have
 * mounted something else there (CVE-2019-16884, CVE-2025-52881). lsm is what facts_lsm() said.
 * Return 0, or 1 where the host does not have the module: the field is ignored then, and the caller
 * records that. */
int lsm_set_exec_profile(int procfs, const char *lsm, const char *profile,
			 struct err *err) MUST_CHECK;
int lsm_set_exec_label(int procfs, const char *lsm, const char *label, struct err *err) MUST_CHECK;

/* The label of keyrings that the process makes before it executes anything. */
int lsm_set_key_label(int procfs, const char *lsm, const char *label, struct err *err) MUST_CHECK;
