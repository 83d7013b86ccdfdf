/* SPDX-License-Identifier: Apache-2.0 */
#include "src/oci/state_doc.h"

void state_doc_members(struct json_write *w, const struct state_doc *doc)
{
	json_write_string(w, "ociVersion", STATE_DOC_OCI_VERSION);
	json_write_string(w, "id", doc->id);
	json_write_string(w, "status", doc->status);
	if (doc->pid > 0)
		json_write_int(w, "pid", doc->pid);
	json_write_string(w, "bundle", doc->bundle);
	if (doc->n_annotations == 0)
		return;
	json_write_object(w, "annotations");
	for (size_t i = 0; i < doc->n_annotations; i++)
		json_write_string(w, doc->annotations[i].key, doc->annotations[i].value);
	json_write_end(w);
}
