/* SPDX-License-Identifier: Apache-2.0 */
#include "src/oci/state_doc.h"

#include "src/oci/annotations.h"

void state_doc_members(struct json_write *w, const struct state_doc *doc)
{
	json_write_string(w, "ociVersion", STATE_DOC_OCI_VERSION);
	json_write_string(w, "id", doc->id);
	json_write_string(w, "status", doc->status);
	if (doc->pid > 0)
		json_write_int(w, "pid", doc->pid);
	json_write_string(w, "bundle", doc->bundle);
	annotations_write(w, doc->annotations, doc->n_annotations);
}
