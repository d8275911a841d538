// SPDX-License-Identifier: GPL-2.0-only
/* Controllers; see control.h. All sessions of one process share its struct decouple_process, found by its memory. */
#include <linux/bitmap.h>
#include <linux/capability.h>
#include <linux/cpumask.h>
#include <linux/file.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

#include "control.h"
#include "decouple.h"

#define IMAGE_SIZE_MAX (16UL << 20)

struct decouple_controller {
	struct mutex lock;
	struct decouple_process *process; /* referenced; NULL: not bound */
	bool mapped; /* the process's gate is its work */
	struct decouple_why_reader *reader; /* once set, it stays; NULL: none */
};

struct decouple_controller *decouple_controller_create(void)
{
	struct decouple_controller *c = kzalloc(sizeof(*c), GFP_KERNEL_ACCOUNT);

	if (c)
		mutex_init(&c->lock);
	return c;
}

void decouple_controller_destroy(struct decouple_controller *c)
{
	if (c->reader)
		decouple_why_close(c->reader);
	if (c->mapped)
		decouple_process_abandon(c->process);
	if (c->process)
		decouple_process_put(c->process);
	kfree(c);
}

static const struct file_operations *memory_operations; /* of every /proc/PID/mem */

int decouple_controllers_init(void)
{
	struct file *file = filp_open("/proc/self/mem", O_RDONLY, 0);

	if (IS_ERR(file)) {
		pr_err("decouple: can't open /proc/self/mem (error %ld): is /proc mounted?\n", PTR_ERR(file));
		return (int)PTR_ERR(file);
	}
	memory_operations = file->f_op;
	filp_close(file, NULL);
	return 0;
}

/* Whose memory an open /proc/PID/mem is (fs/proc/base.c: mem_open checks the right to trace, and keeps the mm); NULL: it is none. */
static struct mm_struct *memory_of(const struct file *file)
{
	if (file->f_op != memory_operations)
		return NULL;
	if ((file->f_mode & (FMODE_READ | FMODE_WRITE)) != (FMODE_READ | FMODE_WRITE))
		return NULL;
	return file->private_data;
}

long decouple_controller_bind(struct decouple_controller *c, int mem_fd)
{
	struct file *file = fget(mem_fd);
	struct mm_struct *mm;
	long err;

	if (!file)
		return -EBADF;
	mm = memory_of(file);
	err = -EPERM;
	if (!mm || !mmget_not_zero(mm))
		goto put_file;
	mutex_lock(&c->lock);
	err = -EBUSY;
	if (!c->process) {
		c->process = decouple_process_open(mm);
		err = c->process ? 0 : -ENOMEM;
	}
	mutex_unlock(&c->lock);
	mmput(mm);
put_file:
	fput(file);
	return err;
}

long decouple_controller_map(struct decouple_controller *c, struct decouple_map *m)
{
	long err = -ENXIO;

	if (!m->image_size || m->image_size > IMAGE_SIZE_MAX || (m->image | m->image_size) & ~PAGE_MASK)
		return -EINVAL;
	mutex_lock(&c->lock);
	if (c->process)
		err = c->process->gate ? -EBUSY : decouple_process_map(c->process, m->image, m->image_size);
	if (!err) {
		m->gate = c->process->gate;
		c->mapped = true;
	}
	mutex_unlock(&c->lock);
	return err;
}

static long start(struct decouple_process *p, const struct decouple_start *start)
{
	const unsigned int first = 0;
	struct decouple_session *s;
	struct decouple_frame *f;
	struct task_struct *task;
	long err;

	task = decouple_process_thread(p, start->tid);
	if (!task)
		return -ESRCH;
	err = decouple_session_add(p, first, task);
	put_task_struct(task);
	if (err)
		return err;
	rcu_read_lock();
	s = decouple_session_at(p, first);
	if (s && !refcount_inc_not_zero(&s->ref))
		s = NULL;
	rcu_read_unlock();
	if (!s)
		return -ESRCH;
	f = s->frame;
	f->entry = start->entry;
	f->entry_rsp = start->stack;
	f->entry_rdi = p->gate;
	decouple_capture(s);
	decouple_session_put(s);
	return 0;
}

long decouple_controller_start(struct decouple_controller *c, const struct decouple_start *s)
{
	long err = -ENXIO;

	mutex_lock(&c->lock);
	if (c->process && c->process->gate)
		err = start(c->process, s);
	mutex_unlock(&c->lock);
	return err;
}

long decouple_controller_poke(struct decouple_controller *c)
{
	long err = -ENXIO;

	mutex_lock(&c->lock);
	if (c->process) {
		decouple_process_poke(c->process);
		err = 0;
	}
	mutex_unlock(&c->lock);
	return err;
}

long decouple_controller_use_cores(struct decouple_controller *c, const struct decouple_cores *cores)
{
	DECLARE_BITMAP(set, DECOUPLE_CORES_MAX);
	long err = -ENXIO;

	memcpy(set, cores->cores, sizeof(set)); /* x86-64: the same bits */
	if (bitmap_empty(set, DECOUPLE_CORES_MAX) || find_next_bit(set, DECOUPLE_CORES_MAX, nr_cpu_ids) < DECOUPLE_CORES_MAX)
		return -EINVAL;
	mutex_lock(&c->lock);
	if (c->process)
		err = decouple_cores_granted(set) ? 0 : -EPERM;
	if (!err)
		decouple_process_permit(c->process, set);
	mutex_unlock(&c->lock);
	return err;
}

long decouple_controller_why(struct decouple_controller *c, const struct decouple_why *why)
{
	bool all = why->flags & DECOUPLE_WHY_ALL;
	struct decouple_why_reader *reader;
	long err;

	if (why->flags & ~DECOUPLE_WHY_ALL)
		return -EINVAL;
	if (all && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	mutex_lock(&c->lock);
	err = c->process || all ? 0 : -ENXIO;
	if (!err && c->reader)
		err = -EBUSY;
	if (!err) {
		reader = decouple_why_open(all ? NULL : c->process);
		if (IS_ERR(reader))
			err = PTR_ERR(reader);
		else
			smp_store_release(&c->reader, reader); /* pairs with reader_of() */
	}
	mutex_unlock(&c->lock);
	return err;
}

static struct decouple_why_reader *reader_of(struct decouple_controller *c)
{
	return smp_load_acquire(&c->reader);
}

long decouple_controller_why_counts(struct decouple_controller *c, struct decouple_why_counts *counts)
{
	struct decouple_why_reader *reader = reader_of(c);

	if (!reader)
		return -ENXIO;
	decouple_why_counts(reader, counts);
	return 0;
}

ssize_t decouple_controller_read(struct decouple_controller *c, char __user *to, size_t size)
{
	struct decouple_why_reader *reader = reader_of(c);

	return reader ? decouple_why_read(reader, to, size) : -ENXIO;
}
