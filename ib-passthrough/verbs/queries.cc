// SPDX-License-Identifier: GPL-2.0-only
// What a program asks about context, device and port.

#include "verbs/context.h"

namespace decouple::verbs
{
namespace
{

using namespace hca;

constexpr uint32_t vendor_mellanox = 0x2c9, part_connectx6 = 0x101b;
constexpr uint64_t firmware = 20ull << 32 | 40 << 16 | 1000;
/* Limits that we stay far below in practice; capabilities of the function bound them where they are lower. */
constexpr uint32_t most_objects = 1 << 16, most_entries = 1 << 15, most_segments = 30, most_requests = 16;

} // namespace

Result<> Context::get_context(const Call &call)
{
	if (async_file_ >= 0)
		return fail(EINVAL, "a second context of one file");
	const auto asked = call.driver<ib_uverbs_get_context, mlx5_ib_alloc_ucontext_req_v2>();
	while (uars_.size() < uars) {
		Request request(op_alloc_uar);
		TRY(function_.run(request));
		uars_.push_back(request.number());
	}
	async_file_ = TRY(router_.create_async_file());
	mlx5_ib_alloc_ucontext_resp driver = {};
	driver.qp_tab_size = most_objects;
	driver.bf_reg_size = 512;
	driver.tot_bfregs = std::min(asked.total_num_bfregs, 2 * uars);
	driver.cache_line_size = 64;
	driver.max_sq_desc_sz = 1008;
	driver.max_rq_desc_sz = 512;
	driver.max_send_wqebb = most_entries;
	driver.max_recv_wr = most_entries;
	driver.max_srq_recv_wr = most_entries - 1;
	driver.num_ports = 1;
	driver.response_length = sizeof(driver);
	driver.cqe_version = 1;
	driver.log_uar_size = 12;
	driver.num_uars_per_page = 1;
	call.answer(ib_uverbs_get_context_resp{.async_fd = static_cast<uint32_t>(async_file_), .num_comp_vectors = 1}, driver);
	return {};
}

Result<> Context::query_device(const Call &call)
{
	Request query(op_query_hca_vport, 16, port::vport_at + 512);
	TRY(function_.run(query));
	const Bytes vport = tail(Bytes(query.out), port::vport_at);
	ib_uverbs_query_device_resp device = {};
	device.fw_ver = firmware;
	device.node_guid = htobe64(get(vport, port::node_guid));
	device.sys_image_guid = htobe64(get(vport, port::system_guid));
	device.max_mr_size = ~0ull;
	device.page_size_cap = ~0u << 12;
	device.vendor_id = vendor_mellanox;
	device.vendor_part_id = part_connectx6;
	device.max_qp = device.max_cq = device.max_mr = device.max_pd = device.max_srq = most_objects;
	device.max_qp_wr = device.max_srq_wr = most_entries - 1;
	device.max_sge = device.max_sge_rd = device.max_srq_sge = most_segments;
	device.max_cqe = 1 << 22;
	device.max_qp_rd_atom = device.max_qp_init_rd_atom = most_requests;
	device.max_res_rd_atom = most_requests * most_objects;
	device.atomic_cap = 1; /* IB_ATOMIC_HCA */
	device.max_ah = most_objects;
	device.max_pkeys = 1;
	device.local_ca_ack_delay = 16;
	device.phys_port_cnt = 1;
	call.answer(device);
	return {};
}

Result<> Context::query_port(const Call &call)
{
	if (call.read<ib_uverbs_query_port>().port_num != 1)
		return fail(EINVAL, "no such port");
	Request query(op_query_hca_vport, 16, port::vport_at + 512);
	TRY(function_.run(query));
	const Bytes vport = tail(Bytes(query.out), port::vport_at);
	ib_uverbs_query_port_resp answer = {};
	answer.max_msg_sz = 1 << 30;
	answer.gid_tbl_len = 1;
	answer.pkey_tbl_len = 1;
	answer.lid = static_cast<uint16_t>(get(vport, port::lid));
	answer.sm_lid = static_cast<uint16_t>(get(vport, port::sm_lid));
	answer.state = static_cast<uint8_t>(get(vport, port::vport_state));
	answer.max_mtu = answer.active_mtu = 5; /* 4096 bytes */
	answer.max_vl_num = 1;
	answer.active_width = 2; /* 4x */
	answer.active_speed = 32; /* EDR */
	answer.phys_state = static_cast<uint8_t>(get(vport, port::physical_state));
	answer.link_layer = 1; /* InfiniBand */
	call.answer(answer);
	return {};
}

} // namespace decouple::verbs
