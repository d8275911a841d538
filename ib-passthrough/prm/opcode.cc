// SPDX-License-Identifier: GPL-2.0-only
// Names and least lengths of the commands.

#include "prm/opcode.h"

#include <algorithm>
#include <iterator>

namespace decouple::hca
{
namespace
{

constexpr OpcodeInfo opcodes[] = {
	{op_query_hca_cap, "QUERY_HCA_CAP", 16, 16},
	{op_init_hca, "INIT_HCA", 8, 8},
	{op_teardown_hca, "TEARDOWN_HCA", 8, 8},
	{op_enable_hca, "ENABLE_HCA", 8, 8},
	{op_disable_hca, "DISABLE_HCA", 8, 8},
	{op_query_pages, "QUERY_PAGES", 8, 16},
	{op_manage_pages, "MANAGE_PAGES", 16, 16},
	{op_set_hca_cap, "SET_HCA_CAP", 16, 8},
	{op_query_issi, "QUERY_ISSI", 8, 112},
	{op_set_issi, "SET_ISSI", 12, 8},
	{op_set_driver_version, "SET_DRIVER_VERSION", 16, 8},
	{op_create_mkey, "CREATE_MKEY", 272, 16},
	{op_query_mkey, "QUERY_MKEY", 12, 80},
	{op_destroy_mkey, "DESTROY_MKEY", 12, 8},
	{op_query_special_contexts, "QUERY_SPECIAL_CONTEXTS", 8, 16},
	{op_create_eq, "CREATE_EQ", 280, 16},
	{op_destroy_eq, "DESTROY_EQ", 12, 8},
	{op_query_eq, "QUERY_EQ", 12, 80},
	{op_create_cq, "CREATE_CQ", 272, 16},
	{op_destroy_cq, "DESTROY_CQ", 12, 8},
	{op_query_cq, "QUERY_CQ", 12, 80},
	{op_create_qp, "CREATE_QP", 272, 16},
	{op_destroy_qp, "DESTROY_QP", 12, 8},
	{op_rst2init_qp, "RST2INIT_QP", 256, 8},
	{op_init2rtr_qp, "INIT2RTR_QP", 256, 8},
	{op_rtr2rts_qp, "RTR2RTS_QP", 256, 8},
	{op_rts2rts_qp, "RTS2RTS_QP", 256, 8},
	{op_2err_qp, "2ERR_QP", 12, 8},
	{op_2rst_qp, "2RST_QP", 12, 8},
	{op_query_qp, "QUERY_QP", 12, 256},
	{op_mad_ifc, "MAD_IFC", 272, 272},
	{op_init2init_qp, "INIT2INIT_QP", 256, 8},
	{op_modify_nic_vport, "MODIFY_NIC_VPORT_CONTEXT", 16, 8},
	{op_query_hca_vport, "QUERY_HCA_VPORT_CONTEXT", 12, 128},
	{op_query_hca_vport_gid, "QUERY_HCA_VPORT_GID", 16, 32},
	{op_query_hca_vport_pkey, "QUERY_HCA_VPORT_PKEY", 16, 20},
	{op_alloc_q_counter, "ALLOC_Q_COUNTER", 8, 16},
	{op_dealloc_q_counter, "DEALLOC_Q_COUNTER", 12, 8},
	{op_alloc_pd, "ALLOC_PD", 8, 12},
	{op_dealloc_pd, "DEALLOC_PD", 12, 8},
	{op_alloc_uar, "ALLOC_UAR", 8, 12},
	{op_dealloc_uar, "DEALLOC_UAR", 12, 8},
	{op_access_register, "ACCESS_REG", 16, 16},
	{op_nop, "NOP", 8, 8},
	{op_alloc_transport_domain, "ALLOC_TRANSPORT_DOMAIN", 8, 12},
	{op_dealloc_transport_domain, "DEALLOC_TRANSPORT_DOMAIN", 12, 8},
	{op_create_rmp, "CREATE_RMP", 272, 12},
	{op_modify_rmp, "MODIFY_RMP", 272, 8},
	{op_destroy_rmp, "DESTROY_RMP", 12, 8},
	{op_query_rmp, "QUERY_RMP", 12, 272},
	{op_create_uctx, "CREATE_UCTX", 16, 12},
	{op_destroy_uctx, "DESTROY_UCTX", 12, 8},
	{op_create_umem, "CREATE_UMEM", 48, 12},
	{op_destroy_umem, "DESTROY_UMEM", 12, 8},
};

static_assert(std::is_sorted(std::begin(opcodes), std::end(opcodes),
			     [](const OpcodeInfo &a, const OpcodeInfo &b) { return a.opcode < b.opcode; }));

} // namespace

const OpcodeInfo *opcode_info(unsigned opcode)
{
	auto found =
		std::ranges::lower_bound(opcodes, opcode, {}, [](const OpcodeInfo &info) { return unsigned(info.opcode); });
	return found != std::end(opcodes) && found->opcode == opcode ? found : nullptr;
}

} // namespace decouple::hca
