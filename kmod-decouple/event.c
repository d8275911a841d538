// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events: a home thread waits in the kernel for eventfds in its decoupled thread's stead, and whoever signals one, as the interrupt of a
 * VFIO device does, replies to the thread there and then: through the slot, in its guest, with the interrupt that ends its halt. The home
 * thread is woken, too, but nobody waits for that.
 *
 * A wait ends once: `state` goes from ARMED to REPLYING by compare and exchange, in the wake function of an eventfd's queue, under that
 * queue's lock; the home thread takes its entries out of all queues, each under its lock, before it looks.
 *
 * What is written from there is pinned: the slot for as long as the session is, the program's buffer while the home thread waits.
 */
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/hrtimer.h>
#include <linux/mm.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "../include/decouple/slot.h"
#include "compat.h"
#include "decouple.h"
#include "event.h"
#include "guest.h"

enum state { IDLE, ARMED, REPLYING, REPLIED };

struct source {
	struct decouple_event *event;
	struct file *file; /* eventfd, referenced */
	struct eventfd_ctx *counter; /* referenced; NULL for poll(2) */
	wait_queue_head_t *queue; /* NULL: not in it */
	wait_queue_entry_t entry;
	__poll_t wanted; /* what ends the wait */
};

/* One for each session that has had its slot pinned; the home thread's own but for what the above says. */
struct decouple_event {
	struct decouple_session *session;
	struct page *slot_page;
	struct decouple_slot *slot;
	struct eventfd_ctx *waker; /* ends the guest's halt */
	struct irq_work waking;
	bool watches; /* for the vCPU; see guest.c */
	int state;
	u32 kind, count, seq;
	struct page *page; /* of the buffer */
	void *buffer;
	struct source sources[DECOUPLE_EVENT_SOURCES];
};

/* Not within another eventfd's wake function: they may not nest (fs/eventfd.c: in_eventfd). */
static void wake_guest(struct irq_work *work)
{
	decouple_eventfd_signal(container_of(work, struct decouple_event, waking)->waker);
}

static void reply(struct decouple_event *e, u64 ret)
{
	WRITE_ONCE(e->slot->ret, ret);
	WRITE_ONCE(e->slot->reply, DECOUPLE_REPLY_RETURN);
	smp_store_release(&e->slot->rep_seq, e->seq);
	smp_mb(); /* pairs with the guest's before it halts */
	if (READ_ONCE(e->slot->vcpu_halted))
		irq_work_queue(&e->waking);
	smp_store_release(&e->state, REPLIED);
	wake_up_process(e->session->task);
}

/* As eventfd_read() would; all of the counter, or one of it (EFD_SEMAPHORE). */
static u64 take(struct decouple_event *e, struct eventfd_ctx *counter)
{
	u64 n;

	eventfd_ctx_do_read(counter, &n);
	memcpy(e->buffer, &n, sizeof(n));
	return sizeof(n);
}

/* As do_poll() would: eventfd_poll() only looks. */
static u64 look(struct decouple_event *e)
{
	struct pollfd *fds = e->buffer;
	unsigned int i, ready = 0;
	__poll_t found;

	for (i = 0; i < e->count; i++) {
		found = vfs_poll(e->sources[i].file, NULL) & e->sources[i].wanted;
		WRITE_ONCE(fds[i].revents, mangle_poll(found));
		ready += !!found;
	}
	return ready;
}

static int signalled(wait_queue_entry_t *entry, unsigned int mode, int flags, void *key)
{
	struct source *source = container_of(entry, struct source, entry);
	struct decouple_event *e = source->event;

	if (!(key_to_poll(key) & source->wanted) || cmpxchg(&e->state, ARMED, REPLYING) != ARMED)
		return 0;
	reply(e, e->kind == DECOUPLE_EVENT_READ ? take(e, source->counter) : look(e));
	return 0;
}

struct queueing {
	poll_table table;
	struct source *source;
};

static void queue(struct file *file, wait_queue_head_t *head, poll_table *table)
{
	struct source *source = container_of(table, struct queueing, table)->source;

	source->queue = head;
	add_wait_queue(head, &source->entry);
}

/* Returns what it is ready for already. */
static __poll_t listen(struct source *source)
{
	struct queueing q = {.source = source};

	init_waitqueue_func_entry(&source->entry, signalled);
	init_poll_funcptr(&q.table, queue);
	return vfs_poll(source->file, &q.table) & source->wanted;
}

static void disarm(struct decouple_event *e)
{
	unsigned int i;

	for (i = 0; i < e->count; i++) {
		struct source *source = &e->sources[i];

		if (source->queue)
			remove_wait_queue(source->queue, &source->entry);
		if (source->counter)
			eventfd_ctx_put(source->counter);
		if (source->file)
			fput(source->file);
		memset(source, 0, sizeof(*source));
	}
	if (e->page)
		unpin_user_pages_dirty_lock(&e->page, 1, e->state == REPLIED);
	e->page = NULL;
}

static long open_source(struct decouple_event *e, struct source *source, int fd, __poll_t wanted)
{
	struct file *file = eventfd_fget(fd);

	if (IS_ERR(file))
		return PTR_ERR(file);
	source->event = e;
	source->file = file;
	source->wanted = wanted;
	if (e->kind != DECOUPLE_EVENT_READ)
		return 0;
	if (file->f_flags & O_NONBLOCK)
		return -EAGAIN;
	source->counter = eventfd_ctx_fileget(file);
	if (IS_ERR(source->counter)) {
		long err = PTR_ERR(source->counter);

		source->counter = NULL;
		return err;
	}
	return 0;
}

/* Only what is on one page. */
static long pin(unsigned long at, size_t size, struct page **page, void **address)
{
	long pinned;

	if (offset_in_page(at) + size > PAGE_SIZE)
		return -EINVAL;
	pinned = pin_user_pages_fast(at & PAGE_MASK, 1, FOLL_WRITE, page);
	if (pinned != 1)
		return pinned < 0 ? pinned : -EFAULT;
	*address = page_address(*page) + offset_in_page(at);
	return 0;
}

static long prepare(struct decouple_event *e, const struct decouple_event_wait *w)
{
	struct pollfd fds[DECOUPLE_EVENT_SOURCES];
	unsigned int i;
	long err = 0;

	if (e->kind == DECOUPLE_EVENT_READ) {
		err = pin(w->buffer, sizeof(u64), &e->page, &e->buffer);
		return err ? err : open_source(e, &e->sources[0], w->fd, EPOLLIN);
	}
	err = pin(w->buffer, e->count * sizeof(fds[0]), &e->page, &e->buffer);
	if (err)
		return err;
	memcpy(fds, e->buffer, e->count * sizeof(fds[0]));
	for (i = 0; !err && i < e->count; i++)
		err = open_source(e, &e->sources[i], fds[i].fd, demangle_poll(fds[i].events) | EPOLLERR | EPOLLHUP);
	return err;
}

/* The state is set before the conditions are looked at, and the wakers do it the other way round. */
static long sleep(struct decouple_event *e, u64 ns)
{
	ktime_t end = ktime_add_ns(ktime_get(), ns);
	long result;

	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		result = 0;
		if (READ_ONCE(e->state) != ARMED)
			break;
		result = -ERESTARTNOINTR;
		if (signal_pending(current))
			break;
		result = DECOUPLE_EVENT_TIMEOUT;
		if (!schedule_hrtimeout(ns ? &end : NULL, HRTIMER_MODE_ABS))
			break;
	}
	__set_current_state(TASK_RUNNING);
	return result;
}

long decouple_event_wait(struct decouple_session *s, u64 request)
{
	struct decouple_event *e = s->event;
	struct decouple_event_wait w;
	unsigned int i;
	long result;

	if (s->where != DECOUPLE_IN_GATE)
		return -EPERM;
	if (!e)
		return -ENOENT;
	if (copy_from_user(&w, u64_to_user_ptr(request), sizeof(w)))
		return -EFAULT;
	if (w.kind != DECOUPLE_EVENT_READ && w.kind != DECOUPLE_EVENT_POLL)
		return -EINVAL;
	if (!w.count || w.count > DECOUPLE_EVENT_SOURCES || (w.kind == DECOUPLE_EVENT_READ && w.count != 1))
		return -EINVAL;
	e->kind = w.kind;
	e->count = w.count;
	e->seq = w.seq;
	result = prepare(e, &w);
	if (result)
		goto out;
	smp_store_release(&e->state, ARMED);
	for (i = 0; !result && i < e->count; i++)
		result = listen(&e->sources[i]) ? -EAGAIN : 0;
	if (!result)
		result = sleep(e, w.ns);
out:
	disarm(e);
	if (e->state == REPLIED)
		result = DECOUPLE_EVENT_REPLIED;
	WRITE_ONCE(e->state, IDLE);
	return result;
}

long decouple_event_wake(struct decouple_session *s)
{
	struct decouple_event *e = smp_load_acquire(&s->event); /* pairs with decouple_event_set_up() */

	if (!e)
		return -ENOENT;
	decouple_eventfd_signal(e->waker);
	return 0;
}

static void free_event(struct decouple_event *e)
{
	irq_work_sync(&e->waking);
	if (e->watches)
		decouple_guest_unwatch(DECOUPLE_GUEST_FETCHES);
	if (e->waker)
		eventfd_ctx_put(e->waker);
	if (e->slot_page)
		unpin_user_pages_dirty_lock(&e->slot_page, 1, true);
	kfree(e);
}

/* The slot is where the vCPU thread says: memory of the process, which may write what it likes there itself. */
long decouple_event_set_up(struct decouple_session *s, u64 request)
{
	struct decouple_event_set_up set_up;
	struct decouple_event *e;
	void *slot;
	long err;

	if (copy_from_user(&set_up, u64_to_user_ptr(request), sizeof(set_up)))
		return -EFAULT;
	if (set_up.reserved || !PAGE_ALIGNED(set_up.slot))
		return -EINVAL;
	e = kzalloc(sizeof(*e), GFP_KERNEL_ACCOUNT);
	if (!e)
		return -ENOMEM;
	e->session = s;
	init_irq_work(&e->waking, wake_guest);
	e->waker = eventfd_ctx_fdget(set_up.waker);
	if (IS_ERR(e->waker)) {
		err = PTR_ERR(e->waker);
		e->waker = NULL;
		goto err_free;
	}
	err = pin_user_pages_fast(set_up.slot, 1, FOLL_WRITE | FOLL_LONGTERM, &e->slot_page);
	if (err != 1) {
		e->slot_page = NULL;
		err = err < 0 ? err : -EFAULT;
		goto err_free;
	}
	err = decouple_guest_watch(DECOUPLE_GUEST_FETCHES);
	if (err)
		goto err_free;
	e->watches = true;
	slot = page_address(e->slot_page);
	e->slot = slot;
	mutex_lock(&s->process->lock);
	err = s->event ? -EBUSY : 0;
	if (!err)
		smp_store_release(&s->event, e);
	mutex_unlock(&s->process->lock);
	if (!err)
		return 0;
err_free:
	free_event(e);
	return err;
}

void decouple_event_drop(struct decouple_session *s)
{
	if (s->event)
		free_event(s->event);
	s->event = NULL;
}
