/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Joins a new session keyring (keyctl(2)). 0 or -errno. */
int keyring_join_new(const char *name);
