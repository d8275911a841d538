// SPDX-License-Identifier: GPL-2.0-only
/*
 * Core grants: whose vCPU threads may run where. Root writes them, by user and by group of the initial user namespace; who has
 * CAP_SYS_ADMIN or CAP_SYS_NICE there, and could bind threads as he likes, needs none.
 */
#include <linux/bitmap.h>
#include <linux/capability.h>
#include <linux/ctype.h>
#include <linux/cpumask.h>
#include <linux/cred.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/sysfs.h>
#include <linux/uidgid.h>
#include <linux/user_namespace.h>

#include "decouple.h"

struct grant {
	struct list_head link;
	bool group;
	u32 id; /* as root sees it */
	DECLARE_BITMAP(cores, DECOUPLE_CORES_MAX);
};

static LIST_HEAD(grants);
static DEFINE_MUTEX(grants_lock);

static struct grant *find(bool group, u32 id)
{
	struct grant *g;

	list_for_each_entry(g, &grants, link) if (g->group == group && g->id == id) return g;
	return NULL;
}

static bool concerns_caller(const struct grant *g)
{
	if (g->group)
		return in_egroup_p(make_kgid(&init_user_ns, g->id));
	return uid_eq(current_euid(), make_kuid(&init_user_ns, g->id));
}

static void by_grants(unsigned long *cores)
{
	struct grant *g;

	bitmap_zero(cores, DECOUPLE_CORES_MAX);
	mutex_lock(&grants_lock);
	list_for_each_entry(g, &grants, link) if (concerns_caller(g)) bitmap_or(cores, cores, g->cores, DECOUPLE_CORES_MAX);
	mutex_unlock(&grants_lock);
}

static unsigned int core_count(void)
{
	return min_t(unsigned int, nr_cpu_ids, DECOUPLE_CORES_MAX);
}

void decouple_cores_of_caller(unsigned long *cores)
{
	unsigned int core;

	by_grants(cores);
	if (ns_capable_noaudit(&init_user_ns, CAP_SYS_ADMIN) || ns_capable_noaudit(&init_user_ns, CAP_SYS_NICE))
		for_each_possible_cpu(core) if (core < core_count()) __set_bit(core, cores);
}

bool decouple_cores_granted(const unsigned long *cores)
{
	DECLARE_BITMAP(granted, DECOUPLE_CORES_MAX);

	by_grants(granted);
	return bitmap_subset(cores, granted, DECOUPLE_CORES_MAX) || capable(CAP_SYS_NICE) || capable(CAP_SYS_ADMIN);
}

void decouple_process_permit(struct decouple_process *p, const unsigned long *cores)
{
	mutex_lock(&p->lock);
	bitmap_or(p->cores, p->cores, cores, DECOUPLE_CORES_MAX);
	mutex_unlock(&p->lock);
}

bool decouple_process_permits(struct decouple_process *p, const struct cpumask *cores)
{
	bool permits = true;
	unsigned int core;

	mutex_lock(&p->lock);
	for_each_cpu(core, cores) permits = permits && core < DECOUPLE_CORES_MAX && test_bit(core, p->cores);
	mutex_unlock(&p->lock);
	return permits;
}

static size_t print_grants(char *to, size_t size)
{
	struct grant *g;
	size_t n = 0;

	list_for_each_entry(g, &grants, link) n += snprintf(to ? to + n : NULL, to ? size - n : 0, "%s%u:%*pbl\n",
							    g->group ? "@" : "", g->id, DECOUPLE_CORES_MAX, g->cores);
	return n;
}

ssize_t decouple_grants_show(char *page)
{
	size_t n;

	mutex_lock(&grants_lock);
	n = print_grants(page, PAGE_SIZE);
	mutex_unlock(&grants_lock);
	return n;
}

/* Takes the place of what was granted before, and takes over the memory. A list that could not be read as one page is refused. */
static long replace(struct grant *new)
{
	struct grant *old;
	long err = 0;

	mutex_lock(&grants_lock);
	old = find(new->group, new->id);
	if (old)
		list_del(&old->link);
	list_add_tail(&new->link, &grants);
	if (print_grants(NULL, 0) >= PAGE_SIZE)
		err = -ENOSPC;
	if (err && old)
		list_add_tail(&old->link, &grants);
	else
		kfree(old);
	if (err || bitmap_empty(new->cores, DECOUPLE_CORES_MAX)) {
		list_del(&new->link);
		kfree(new);
	}
	mutex_unlock(&grants_lock);
	return err;
}

static long parse(char *text, struct grant *g)
{
	char *list = strchr(text, ':');

	if (!list)
		return -EINVAL;
	*list++ = 0;
	g->group = *text == '@';
	/* Digits only: no sign, no blank. */
	if (!isdigit(text[g->group]) || kstrtou32(text + g->group, 10, &g->id))
		return -EINVAL;
	if (!(g->group ? gid_valid(make_kgid(&init_user_ns, g->id)) : uid_valid(make_kuid(&init_user_ns, g->id))))
		return -EINVAL;
	if (!*list)
		return 0;
	/* bitmap_parselist() stops at the end of a line. */
	if (strchr(list, '\n') || bitmap_parselist(list, g->cores, (int)core_count()))
		return -EINVAL;
	return bitmap_empty(g->cores, DECOUPLE_CORES_MAX) ? -EINVAL : 0;
}

long decouple_grant(char *text)
{
	struct grant *g = kzalloc(sizeof(*g), GFP_KERNEL_ACCOUNT);
	long err;

	if (!g)
		return -ENOMEM;
	err = parse(text, g);
	if (!err)
		return replace(g);
	kfree(g);
	return err;
}

void decouple_grants_exit(void)
{
	struct grant *g, *next;

	list_for_each_entry_safe(g, next, &grants, link) kfree(g);
}
