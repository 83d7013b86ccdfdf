/* SPDX-License-Identifier: Apache-2.0 */
/* The annotations of config.json that change what usrun does. All others only appear in the state.
 * Pure. */
#pragma once

#include "src/base/json_write.h"
#include "src/oci/config.h"

#define ANNOTATIONS_KEEP_GROUPS "run.oci.keep_original_groups"
#define ANNOTATIONS_HOOKS_STDOUT "run.oci.hooks.stdout"
#define ANNOTATIONS_HOOKS_STDERR "run.oci.hooks.stderr"
#define ANNOTATIONS_PIDFD_RECEIVER "run.oci.pidfd_receiver"
#define ANNOTATIONS_MOUNT_CONTEXT "run.oci.mount_context_type"
#define ANNOTATIONS_SECCOMP_BPF "run.oci.seccomp_bpf_data"
#define ANNOTATIONS_SECCOMP_STRICT "run.oci.seccomp_fail_unknown_syscall"
#define ANNOTATIONS_SECCOMP_RECEIVER "run.oci.seccomp.receiver"
#define ANNOTATIONS_DELEGATE "run.oci.delegate-cgroup"
#define ANNOTATIONS_SUBGROUP "run.oci.systemd.subgroup"
#define ANNOTATIONS_HANDLER "run.oci.handler"
#define ANNOTATIONS_WASM_VARIANT "module.wasm.image/variant"
#define ANNOTATIONS_CRI_TYPE "io.kubernetes.cri.container-type"
#define ANNOTATIONS_INIT "run.oci.init"
#define ANNOTATIONS_OVERLAY "run.usrun.overlay"
#define ANNOTATIONS_LAYER "run.usrun.layer"
#define ANNOTATIONS_CRIU_CONFIG "org.criu.config"
#define ANNOTATIONS_NET "run.usrun.net"
#define ANNOTATIONS_NET_PUBLISH "run.usrun.net.publish"

/* Names, or prefixes that end in ".", for `features`; NULL-terminated. */
extern const char *const annotations_unsafe[];

/* Whether usrun acts on the annotation. An unknown name in one of its own families deserves a
 * note. */
bool annotations_is_known(const char *name);
bool annotations_is_ours(const char *name);

/* The value of an annotation, or NULL. */
const char *annotations_find(const struct json_pair *v, size_t n, const char *name);

/* Writes them as a member of a state; omitted if there are none. */
void annotations_write(struct json_write *w, const struct json_pair *v, size_t n);
