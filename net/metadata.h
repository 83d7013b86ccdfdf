/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "src/base/err.h"

/* Lets nothing out of the calling process's network namespace to 169.254.0.0/16 and fd00:ec2::/32,
 * where clouds tell whoever asks from the machine its credentials. */
int metadata_close(struct err *err) MUST_CHECK;
