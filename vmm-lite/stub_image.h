/* SPDX-License-Identifier: GPL-2.0-only */
/* Labels of guest-stub, linked into the resident and copied into the stub area. */
#ifndef DECOUPLE_VMM_STUB_IMAGE_H
#define DECOUPLE_VMM_STUB_IMAGE_H

extern "C" {
extern const char stub_entry[] __attribute__((visibility("hidden")));
extern const char stub_entry_rsp_saved[] __attribute__((visibility("hidden")));
extern const char stub_entry_rax_gone[] __attribute__((visibility("hidden")));
extern const char stub_entry_published[] __attribute__((visibility("hidden")));
extern const char stub_entry_end[] __attribute__((visibility("hidden")));
extern const char stub_traps[] __attribute__((visibility("hidden")));
extern const char stub_traps_end[] __attribute__((visibility("hidden")));
}

#endif
