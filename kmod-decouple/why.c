// SPDX-License-Identifier: GPL-2.0-only
#include "why.h"

void decouple_why_enter(struct decouple_session *s)
{
}

void decouple_why_leave(struct decouple_session *s, struct kvm_vcpu *vcpu)
{
}
