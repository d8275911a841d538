/* SPDX-License-Identifier: GPL-2.0-only */
/* A futex mutex between the resident's threads and home threads. 0 free, 1 held, 2 held with waiters (Drepper, "Futexes are tricky"). */
#ifndef DECOUPLE_VMM_LOCK_H
#define DECOUPLE_VMM_LOCK_H

#include "sys.h"

namespace decouple
{

class Mutex
{
public:
	void lock()
	{
		u32 c = 0;
		if (__atomic_compare_exchange_n(&word_, &c, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			return;
		if (c != 2)
			c = exchange(word_, 2u);
		while (c) {
			futex_wait(&word_, 2);
			c = exchange(word_, 2u);
		}
	}
	void unlock()
	{
		if (__atomic_exchange_n(&word_, 0, __ATOMIC_RELEASE) == 2)
			futex_wake(&word_);
	}

private:
	u32 word_;
};

class Locked
{
public:
	explicit Locked(Mutex &m) : m_(m) { m_.lock(); }
	~Locked() { m_.unlock(); }
	Locked(const Locked &) = delete;
	Locked &operator=(const Locked &) = delete;

private:
	Mutex &m_;
};

} // namespace decouple

#endif
