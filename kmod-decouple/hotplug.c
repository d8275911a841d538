// SPDX-License-Identifier: GPL-2.0-only
/*
 * A processor that goes offline, or all but one before a suspend: vCPU threads that were to have it for themselves would run anywhere. Their
 * processes are asked to give their threads back; what is frozen does so when it is thawed.
 */
#include <linux/cpuhotplug.h>

#include "decouple.h"
#include "hush.h"

static int state;

static int is_online(unsigned int cpu)
{
	decouple_hush_cpu_online(cpu);
	return 0;
}

static int going_offline(unsigned int cpu)
{
	decouple_hush_cpu_offline(cpu);
	decouple_processes_leave(cpu);
	return 0;
}

int decouple_hotplug_init(void)
{
	int err = cpuhp_setup_state_nocalls(CPUHP_AP_ONLINE_DYN, "decouple:online", is_online, going_offline);

	if (err < 0)
		return err;
	state = err;
	return 0;
}

void decouple_hotplug_exit(void)
{
	cpuhp_remove_state_nocalls(state);
}
