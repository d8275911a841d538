// SPDX-License-Identifier: GPL-2.0-only
/* A bound process: its gate's mapping and frames. */
#include <linux/anon_inodes.h>
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/pid.h>
#include <linux/sched/signal.h>
#include <linux/sched/mm.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

#include "compat.h"
#include "decouple.h"

static LIST_HEAD(processes);
static DEFINE_MUTEX(processes_lock); /* the list; held from the last put to the removal */

static struct decouple_process *find(struct mm_struct *mm)
{
	struct decouple_process *p;

	list_for_each_entry(p, &processes, link) if (p->mm == mm) return p;
	return NULL;
}

static struct decouple_process *create(struct mm_struct *mm)
{
	struct decouple_process *p = kvzalloc(sizeof(*p), GFP_KERNEL_ACCOUNT);

	if (!p)
		return NULL;
	kref_init(&p->ref);
	mmgrab(mm);
	p->mm = mm;
	mutex_init(&p->lock);
	raw_spin_lock_init(&p->manager_lock);
	list_add(&p->link, &processes);
	return p;
}

struct decouple_process *decouple_process_open(struct mm_struct *mm)
{
	struct decouple_process *p;

	mutex_lock(&processes_lock);
	p = find(mm);
	if (p)
		kref_get(&p->ref);
	else
		p = create(mm);
	mutex_unlock(&processes_lock);
	return p;
}

static void destroy(struct kref *ref)
{
	struct decouple_process *p = container_of(ref, struct decouple_process, ref);
	unsigned int i;

	list_del(&p->link);
	mutex_unlock(&processes_lock);
	for (i = 0; i < DECOUPLE_GATE_FRAMES; i++)
		if (p->frames[i])
			__free_page(p->frames[i]);
	if (p->manager)
		put_task_struct(p->manager);
	mmdrop(p->mm);
	kvfree(p);
}

void decouple_process_get(struct decouple_process *p)
{
	kref_get(&p->ref);
}

void decouple_process_put(struct decouple_process *p)
{
	kref_put_mutex(&p->ref, destroy, &processes_lock);
}

struct task_struct *decouple_process_thread(struct decouple_process *p, u64 tid)
{
	struct task_struct *t;
	struct pid *pid;

	if (tid > INT_MAX)
		return NULL;
	pid = find_get_pid((pid_t)tid);
	t = get_pid_task(pid, PIDTYPE_PID);
	put_pid(pid);
	if (t && (READ_ONCE(t->mm) != p->mm || t->flags & (DECOUPLE_PF_WORKERS | PF_EXITING))) {
		put_task_struct(t);
		return NULL;
	}
	return t;
}

static struct page *frame_page(struct decouple_process *p, u64 index)
{
	lockdep_assert_held(&p->lock);
	if (!p->frames[index])
		p->frames[index] = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	return p->frames[index];
}

struct decouple_frame *decouple_process_frame(struct decouple_process *p, u64 index)
{
	struct page *page = frame_page(p, index);

	return page ? page_address(page) : NULL;
}

static bool wake_manager(struct decouple_process *p)
{
	unsigned long flags;
	bool there;

	raw_spin_lock_irqsave(&p->manager_lock, flags);
	WRITE_ONCE(p->poked, true);
	smp_mb(); /* pairs with set_current_state() in gate.c: manage */
	there = p->manager && READ_ONCE(p->manager->mm) == p->mm;
	if (there)
		wake_up_process(p->manager);
	raw_spin_unlock_irqrestore(&p->manager_lock, flags);
	return there;
}

void decouple_process_poke(struct decouple_process *p)
{
	wake_manager(p);
}

bool decouple_process_wish(struct decouple_process *p, enum decouple_wake why)
{
	if (why != DECOUPLE_WAKE_TRACED)
		WRITE_ONCE(p->wish, why);
	else
		cmpxchg(&p->wish, 0, why);
	return wake_manager(p);
}

/* The memory of a process, whose main thread may have ended before the others: not referenced, for comparison only. */
static struct mm_struct *memory_of(pid_t nr)
{
	struct mm_struct *mm = NULL;
	struct task_struct *main, *t;

	rcu_read_lock();
	main = pid_task(find_vpid(nr), PIDTYPE_PID);
	if (main && !(main->flags & PF_KTHREAD))
		for_each_thread(main, t) mm = mm ? mm : READ_ONCE(t->mm);
	rcu_read_unlock();
	return mm;
}

static bool has_sessions(struct decouple_process *p)
{
	bool any = false;
	unsigned int i;

	mutex_lock(&p->lock);
	for (i = 0; i < DECOUPLE_GATE_FRAMES; i++)
		any = any || rcu_access_pointer(p->sessions[i]);
	mutex_unlock(&p->lock);
	return any;
}

long decouple_process_recouple(pid_t pid)
{
	struct mm_struct *mm = memory_of(pid);
	struct decouple_process *p;
	long err = -ESRCH;

	mutex_lock(&processes_lock);
	p = mm ? find(mm) : NULL; /* it keeps its mm_struct, so that this can't be another's by now */
	if (p)
		kref_get(&p->ref);
	mutex_unlock(&processes_lock);
	if (!p)
		return err;
	if (has_sessions(p)) {
		decouple_process_wish(p, DECOUPLE_WAKE_RECOUPLE);
		err = 0;
	}
	decouple_process_put(p);
	return err;
}

static bool has_vcpu_on(struct decouple_process *p, unsigned int cpu)
{
	struct decouple_session *s;
	bool found = false;
	unsigned int i;

	mutex_lock(&p->lock);
	for (i = 0; i < DECOUPLE_GATE_FRAMES; i++) {
		s = rcu_dereference_protected(p->sessions[i], lockdep_is_held(&p->lock));
		found = found || (s && READ_ONCE(s->vcpu) && READ_ONCE(s->core) == cpu);
	}
	mutex_unlock(&p->lock);
	return found;
}

void decouple_processes_leave(unsigned int cpu)
{
	struct decouple_process *p;

	mutex_lock(&processes_lock);
	list_for_each_entry(p, &processes, link) if (has_vcpu_on(p, cpu)) decouple_process_wish(p, DECOUPLE_WAKE_RECOUPLE);
	mutex_unlock(&processes_lock);
}

static vm_fault_t gate_fault(struct vm_fault *vmf)
{
	struct decouple_process *p = vmf->vma->vm_file->private_data;
	struct page *page;

	/* The handle's page holds nothing, and nobody needs to touch it. */
	if (vmf->pgoff == 0 || vmf->pgoff > DECOUPLE_GATE_FRAMES)
		return VM_FAULT_SIGBUS;
	mutex_lock(&p->lock);
	page = frame_page(p, vmf->pgoff - 1);
	mutex_unlock(&p->lock);
	if (!page)
		return VM_FAULT_OOM;
	get_page(page);
	vmf->page = page;
	return 0;
}

static int refuse_split(struct vm_area_struct *vma, unsigned long addr)
{
	return -EINVAL;
}

static int refuse_move(struct vm_area_struct *vma)
{
	return -EINVAL;
}

static int refuse_protection(struct vm_area_struct *vma, unsigned long start, unsigned long end, unsigned long flags)
{
	return -EACCES;
}

static const struct vm_operations_struct gate_vm_ops = {
	.fault = gate_fault,
	.may_split = refuse_split,
	.mremap = refuse_move,
	.mprotect = refuse_protection,
};

static int gate_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct decouple_process *p = file->private_data;

	if (current->mm != p->mm || vma->vm_pgoff || vma->vm_end - vma->vm_start != DECOUPLE_GATE_SIZE)
		return -EINVAL;
	decouple_vm_flags_set(vma, VM_DONTCOPY | VM_DONTEXPAND | VM_DONTDUMP);
	vma->vm_ops = &gate_vm_ops;
	return 0;
}

static int gate_fsync(struct file *file, loff_t start, loff_t end, int datasync)
{
	struct decouple_process *p = file->private_data;

	/* Neither is it 32-bit code's: its calls have other numbers, and no R8 to R10. */
	if (current->mm != p->mm || start != 0 || end != DECOUPLE_GATE_PAGE - 1 || in_ia32_syscall())
		return -ENOSYS;
	return decouple_gate_call(p);
}

static void close_gate(struct decouple_process *p)
{
	unsigned int i;

	/* A session that DECOUPLE_START made behind this would never end. */
	mutex_lock(&p->lock);
	p->closing = true;
	mutex_unlock(&p->lock);
	/* The memory is gone, or the resident: nobody can end these any more. */
	for (i = 0; i < DECOUPLE_GATE_FRAMES; i++)
		decouple_session_remove(p, i);
	mutex_lock(&p->lock);
	p->gate = 0;
	p->image_size = 0;
	p->wish = 0; /* nobody was left to hear it */
	p->debugged = false;
	p->put_off = 0;
	p->gate_file = NULL;
	p->closing = false;
	mutex_unlock(&p->lock);
}

static int gate_release(struct inode *inode, struct file *file)
{
	struct decouple_process *p = file->private_data;

	if (READ_ONCE(p->gate_file) == file) /* else it was never mapped */
		close_gate(p);
	decouple_process_put(p);
	return 0;
}

static const struct file_operations gate_fops = {
	.owner = THIS_MODULE,
	.mmap = gate_mmap,
	.fsync = gate_fsync,
	.release = gate_release,
};

struct mapping_work {
	struct decouple_process *p;
	struct file *file;
	const struct cred *cred; /* the caller's: what Linux checks, it checks for him */
	unsigned long image, image_size;
	long err;
	struct completion done;
};

/* In the target's memory, while it runs. */
static int map_in_target(void *work)
{
	struct mapping_work *w = work;
	const struct cred *own = override_creds(w->cred);
	unsigned long image, gate = 0;

	kthread_use_mm(w->p->mm);
	image = vm_mmap(NULL, w->image, w->image_size, PROT_READ | PROT_WRITE | PROT_EXEC,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, 0);
	if (!IS_ERR_VALUE(image)) {
		gate = vm_mmap(w->file, w->image + w->image_size, DECOUPLE_GATE_SIZE, PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_FIXED_NOREPLACE, 0);
		if (IS_ERR_VALUE(gate)) {
			vm_munmap(image, w->image_size);
		} else {
			mutex_lock(&w->p->lock);
			WRITE_ONCE(w->p->gate_file, w->file);
			w->p->gate = gate;
			w->p->image = w->image;
			w->p->image_size = w->image_size;
			mutex_unlock(&w->p->lock);
		}
	}
	kthread_unuse_mm(w->p->mm);
	revert_creds(own);
	w->err = IS_ERR_VALUE(image) ? (long)image : IS_ERR_VALUE(gate) ? (long)gate : 0;
	complete(&w->done);
	/* kthread_stop() waits until nobody is in here any more: the module may go. */
	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (kthread_should_stop())
			break;
		schedule();
	}
	__set_current_state(TASK_RUNNING);
	return 0;
}

static long map(struct decouple_process *p, unsigned long image, unsigned long image_size)
{
	struct mapping_work w = {.p = p, .cred = current_cred(), .image = image, .image_size = image_size};
	struct task_struct *worker;

	if (!mmget_not_zero(p->mm))
		return -ESRCH;
	decouple_process_get(p);
	w.file = anon_inode_getfile("[decouple]", &gate_fops, p, O_RDWR);
	if (IS_ERR(w.file)) {
		decouple_process_put(p);
		mmput(p->mm);
		return PTR_ERR(w.file);
	}
	init_completion(&w.done);
	worker = kthread_run(map_in_target, &w, "decouple-map");
	if (IS_ERR(worker)) {
		w.err = PTR_ERR(worker);
	} else {
		wait_for_completion(&w.done);
		kthread_stop(worker);
	}
	fput(w.file);
	mmput(p->mm);
	return w.err;
}

/* One gate: two controllers may ask for it at the same time. */
long decouple_process_map(struct decouple_process *p, unsigned long image, unsigned long image_size)
{
	long err;

	if (xchg(&p->mapping, true))
		return -EBUSY;
	err = p->gate ? -EBUSY : map(p, image, image_size);
	smp_store_release(&p->mapping, false);
	return err;
}

struct unmapping_work {
	struct work_struct work;
	struct mm_struct *mm;
	unsigned long start, size;
};

static void unmap_in_target(struct work_struct *work)
{
	struct unmapping_work *w = container_of(work, struct unmapping_work, work);

	kthread_use_mm(w->mm);
	vm_munmap(w->start, w->size);
	kthread_unuse_mm(w->mm);
}

/* Its controller is gone. Without a session nobody has been in the image: nothing of it stays. (A worker, since the caller may be dying.) */
void decouple_process_abandon(struct decouple_process *p)
{
	struct unmapping_work w = {.mm = p->mm};

	if (!mmget_not_zero(p->mm))
		return;
	mutex_lock(&p->lock);
	if (p->image_size) {
		w.start = p->image;
		w.size = p->image_size + DECOUPLE_GATE_SIZE;
		p->image_size = 0;
		p->gate = 0;
		p->gate_file = NULL;
	}
	mutex_unlock(&p->lock);
	if (w.size) {
		INIT_WORK_ONSTACK(&w.work, unmap_in_target);
		queue_work(system_unbound_wq, &w.work);
		flush_work(&w.work);
		destroy_work_on_stack(&w.work);
	}
	mmput(p->mm);
}
