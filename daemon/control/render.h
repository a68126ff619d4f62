/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes the JSON of the contract from the manager's picture of the host. */
#ifndef BD_RENDER_H
#define BD_RENDER_H

#include "daemon/manager/manager.h"
#include "lib/proto/json.h"

/* For the other files of the renderer: the input of the functions that make sentences; the
 * members domid, name and uuid. */
struct bl_plan_in bd_render_input(const struct bd_picture *p);
void bd_render_who(struct bl_json_out *o, const struct bl_dom *d);

/* Each writes one member `key`; NULL inside an array. */
void bd_render_daemon(struct bl_json_out *o, const char *key, struct bd_manager *m,
		      const struct bd_picture *p);
void bd_render_host(struct bl_json_out *o, const char *key, const struct bd_picture *p);
void bd_render_domain(struct bl_json_out *o, const char *key, const struct bd_picture *p,
		      const struct bl_view *v);
void bd_render_claim(struct bl_json_out *o, const char *key, const struct bd_picture *p,
		     const struct bl_claim *c);
/* The array "claims" of all live claims. */
void bd_render_claims(struct bl_json_out *o, const struct bd_picture *p);
/* The members of the results of forget, plan and explain. */
void bd_render_forgotten(struct bl_json_out *o, const struct bd_changed *f);
void bd_render_what_if(struct bl_json_out *o, const struct bd_picture *p, const struct bd_what_if *w);
void bd_render_explain(struct bl_json_out *o, const struct bd_picture *p, const struct bl_view *v);

#endif
