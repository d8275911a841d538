/* SPDX-License-Identifier: GPL-2.0-only */
/* See kvm_stats.h. */
#include "kvm_stats.h"
#include "kvm_abi.h"
#include "vm.h"

namespace decouple
{

static u32 read_file(s32 fd, u8 *to, u64 size)
{
	long n = fd > 0 ? sys(__NR_pread64, static_cast<u64>(fd), addr(to), size, 0) : 0;
	return n > 0 ? static_cast<u32>(n) : 0;
}

/* Under vm.stats_lock. */
static void read_now(Session *s)
{
	u32 n = read_file(s->stats_fd, s->kvm_stats.file, sizeof(s->kvm_stats.file));
	if (n)
		store(s->kvm_stats.size, n);
}

void kvm_stats_open(Session *s)
{
	long fd = sys(__NR_ioctl, static_cast<u64>(s->vcpu_fd), KVM_GET_STATS_FD, 0);
	s->kvm_stats.base_size = 0;
	Locked hold(vm.stats_lock);
	s->stats_fd = fd > 0 ? static_cast<s32>(fd) : 0;
}

void kvm_stats_take(Session *s, s32 fd)
{
	s->kvm_stats.base_size = read_file(fd, s->kvm_stats.base, sizeof(s->kvm_stats.base));
	Locked hold(vm.stats_lock);
	s->stats_fd = fd;
}

s32 kvm_stats_end(Session *s)
{
	Locked hold(vm.stats_lock);
	read_now(s);
	s32 fd = s->stats_fd;
	s->stats_fd = 0;
	return fd;
}

void kvm_stats_serve()
{
	if (!load(control.kvm_asked))
		return;
	exchange(control.kvm_asked, 0u); /* first: what is asked for from here on is read anew */
	for (u32 i = 0; i < session_limit; i++) {
		Session *s = session_at(i);
		if (!s)
			continue;
		Locked hold(vm.stats_lock);
		read_now(s);
	}
	store(control.kvm_answers, control.kvm_answers + 1);
}

} // namespace decouple
