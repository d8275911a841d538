/* SPDX-License-Identifier: GPL-2.0-only */
/* Controllers: what an open /dev/decouple stands for. The calls are those of uapi.h, which says what they return. */
#ifndef KMOD_DECOUPLE_CONTROL_H
#define KMOD_DECOUPLE_CONTROL_H

#include <decouple/uapi.h>

struct decouple_controller;

int decouple_controllers_init(void);
struct decouple_controller *decouple_controller_create(void);
void decouple_controller_destroy(struct decouple_controller *c);
long decouple_controller_bind(struct decouple_controller *c, int mem_fd);
long decouple_controller_map(struct decouple_controller *c, struct decouple_map *m);
long decouple_controller_start(struct decouple_controller *c, const struct decouple_start *s);
long decouple_controller_poke(struct decouple_controller *c);
long decouple_controller_use_cores(struct decouple_controller *c, const struct decouple_cores *cores);
long decouple_controller_why(struct decouple_controller *c, const struct decouple_why *why);
long decouple_controller_why_counts(struct decouple_controller *c, struct decouple_why_counts *counts);
ssize_t decouple_controller_read(struct decouple_controller *c, char __user *to, size_t size);

#endif
