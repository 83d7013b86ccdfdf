/* SPDX-License-Identifier: Apache-2.0 */
/* The parts that check.c puts together. */
#pragma once

#include "src/oci/check_value.h"

int check_process_part(struct check *check, const struct oci_process *process);
int check_linux(struct check *check, const struct oci_linux *lin);
int check_resources_part(struct check *check, const struct oci_resources *resources);
/* receiver: an annotation names the agent. */
int check_seccomp(struct check *check, const struct oci_seccomp *seccomp, bool receiver);
