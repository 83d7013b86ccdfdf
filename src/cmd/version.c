/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cmd/version.h"

#include "src/oci/state_doc.h"

#include <seccomp.h>

void version_print(struct str *out)
{
	str_addf(out,
		 "usrun version %s\ncommit: %s\nspec: %s\nlibseccomp: %d.%d.%d\n"
		 "+SYSTEMD +SELINUX +APPARMOR +CAP +SECCOMP +EBPF +YAJL\n",
		 version_number(), version_commit(), STATE_DOC_OCI_VERSION, SCMP_VER_MAJOR,
		 SCMP_VER_MINOR, SCMP_VER_MICRO);
}

const char *version_number(void)
{
	return USRUN_VERSION;
}

const char *version_commit(void)
{
	return USRUN_COMMIT;
}
