/* SPDX-License-Identifier: GPL-2.0-only */
/* The commands that we know: names and lengths. */
#ifndef DECOUPLE_PRM_OPCODE_H
#define DECOUPLE_PRM_OPCODE_H

#include <cstdint>

namespace decouple::hca
{

enum Opcode : uint16_t {
	op_query_hca_cap = 0x100,
	op_init_hca = 0x102,
	op_teardown_hca = 0x103,
	op_enable_hca = 0x104,
	op_disable_hca = 0x105,
	op_query_pages = 0x107,
	op_manage_pages = 0x108,
	op_set_hca_cap = 0x109,
	op_query_issi = 0x10a,
	op_set_issi = 0x10b,
	op_set_driver_version = 0x10d,
	op_create_mkey = 0x200,
	op_query_mkey = 0x201,
	op_destroy_mkey = 0x202,
	op_query_special_contexts = 0x203,
	op_create_eq = 0x301,
	op_destroy_eq = 0x302,
	op_query_eq = 0x303,
	op_create_cq = 0x400,
	op_destroy_cq = 0x401,
	op_query_cq = 0x402,
	op_create_qp = 0x500,
	op_destroy_qp = 0x501,
	op_rst2init_qp = 0x502,
	op_init2rtr_qp = 0x503,
	op_rtr2rts_qp = 0x504,
	op_rts2rts_qp = 0x505,
	op_2err_qp = 0x507,
	op_2rst_qp = 0x50a,
	op_query_qp = 0x50b,
	op_mad_ifc = 0x50d,
	op_init2init_qp = 0x50e,
	op_modify_nic_vport = 0x755,
	op_query_hca_vport = 0x762,
	op_query_hca_vport_gid = 0x764,
	op_query_hca_vport_pkey = 0x765,
	op_alloc_q_counter = 0x771,
	op_dealloc_q_counter = 0x772,
	op_alloc_pd = 0x800,
	op_dealloc_pd = 0x801,
	op_alloc_uar = 0x802,
	op_dealloc_uar = 0x803,
	op_access_register = 0x805,
	op_nop = 0x80d,
	op_alloc_transport_domain = 0x816,
	op_dealloc_transport_domain = 0x817,
	op_create_rmp = 0x90c,
	op_modify_rmp = 0x90d,
	op_destroy_rmp = 0x90e,
	op_query_rmp = 0x90f,
	op_create_uctx = 0xa04,
	op_destroy_uctx = 0xa06,
	op_create_umem = 0xa08,
	op_destroy_umem = 0xa0a,
};

struct OpcodeInfo {
	uint16_t opcode;
	const char *name;
	uint16_t input, output; /* bytes, at least */
};

/* nullptr: not one of them. */
const OpcodeInfo *opcode_info(unsigned opcode);

} // namespace decouple::hca

#endif
