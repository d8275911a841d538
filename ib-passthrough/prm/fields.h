/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the fields are: offsets in bits and widths, as ConnectX's public manuals and headers state them. A structure inside of
 * another one starts at its constant `..._at`, in bytes.
 */
#ifndef DECOUPLE_PRM_FIELDS_H
#define DECOUPLE_PRM_FIELDS_H

#include "prm/bits.h"

namespace decouple::hca
{

/* First byte of a command's output. */
enum class Status : uint8_t {
	ok = 0,
	bad_opcode = 2,
	bad_parameter = 3,
	bad_system_state = 4,
	bad_resource = 5,
	resource_busy = 6,
	limit = 8,
	bad_resource_state = 9,
	bad_qp_state = 0x10,
	bad_input_length = 0x50,
	bad_output_length = 0x51,
};

/* How a command's slot came through, beside the status in its output. */
enum class Delivery : uint8_t {
	ok = 0,
	signature = 1,
	token = 2,
	block_number = 3,
	output_pointer = 4,
	input_pointer = 5,
	internal = 6,
	input_length = 7,
	output_length = 8,
	descriptor = 0x10,
};

/* The init segment at the start of BAR 0; bytes. */
namespace init_segment
{
constexpr unsigned firmware = 0, interface_rev = 4, queue_high = 0x10, queue_low = 0x14, doorbell = 0x18, initializing = 0x1fc,
		   health = 0x200, timer = 0x1000, health_counter = 0x1010;
constexpr unsigned queue_low_sizes = 0xff, queue_low_interface = 0x700; /* bits of queue_low beside the address */
constexpr unsigned interface_rev_value = 5;
} // namespace init_segment

/* A user access region (a page of the BAR); bytes. */
namespace uar
{
constexpr unsigned page_size = 4096, cq_arm = 0x20, eq_arm = 0x40, eq_consumer = 0x48, blue_flame = 0x800;
}

/* An entry of the command queue. */
namespace slot
{
constexpr unsigned size = 64, input_at = 16, output_at = 32, inline_size = 16, signature_at = 61, status_at = 63;
constexpr Field type{0, 8}, input_length{0x20, 32}, input_mailbox{0x40, 64}, output_mailbox{0x180, 64},
	output_length{0x1c0, 32}, token{0x1e0, 8};
constexpr unsigned pci_transport = 7;
} // namespace slot

namespace mailbox
{
constexpr unsigned size = 576, data_size = 512, control_signature_at = 574, signature_at = 575, alignment = 512;
constexpr Field next{0x1180, 64}, block_number{0x11c0, 32}, token{0x11e8, 8};
} // namespace mailbox

/* All commands, in and out. */
namespace command
{
constexpr Field opcode{0, 16}, uid{0x10, 16}, op_mod{0x30, 16}, status{0, 8}, syndrome{0x20, 32};
constexpr Field number{0x48, 24}; /* of the object, in most of them */
constexpr Field eq_number{0x58, 8};
constexpr unsigned header = 16;
constexpr unsigned pas_at = 0x110; /* page addresses behind a context */
} // namespace command

namespace pages
{
constexpr Field count{0x60, 32}; /* QUERY_PAGES out, MANAGE_PAGES in */
constexpr Field taken{0x40, 32}; /* MANAGE_PAGES out */
} // namespace pages

namespace capability
{
constexpr Field log_max_srq_size{0x80, 8}, log_max_qp_size{0x88, 8}, log_max_qp{0x9b, 5}, log_max_srq{0xab, 5},
	log_max_cq_size{0xc8, 8}, log_max_cq{0xdb, 5}, log_max_eq_size{0xe0, 8}, log_max_mkey{0xea, 6}, fast_teardown{0xfb, 1},
	log_max_eq{0xfc, 4}, log_max_requests{0x14a, 6}, log_max_responses{0x15a, 6}, gid_table_size{0x170, 16},
	pkey_table_size{0x190, 16}, local_ack_delay{0x1ab, 5}, port_type{0x1b6, 2}, num_ports{0x1b8, 8},
	log_max_message{0x1c3, 5}, cqe_version{0x1fc, 4}, ud{0x23d, 1}, uc{0x23e, 1}, rc{0x23f, 1}, uar_4k{0x240, 1},
	umem_uid_0{0x252, 1}, log_max_pd{0x32b, 5}, vhca_id{0x30, 16}, atomic{0x21e, 1};
constexpr Field atomic_operations{0x50, 16}, atomic_sizes{0x70, 16}; /* of the atomic capabilities */
} // namespace capability

namespace umem
{
constexpr unsigned at = 16, mtt_at = 48;
constexpr Field log_page_size{0x9b, 5}, offset{0xa0, 32}, count{0xc0, 64};
} // namespace umem

namespace mkey
{
constexpr unsigned at = 16;
constexpr Field atomic{0x11, 1}, remote_write{0x12, 1}, remote_read{0x13, 1}, local_write{0x14, 1}, local_read{0x15, 1},
	access_mode{0x16, 2}, qp{0x20, 24}, key{0x38, 8}, length64{0x60, 1}, pd{0x68, 24}, start{0x80, 64}, length{0xc0, 64},
	translation_size{0x1a0, 32}, log_page_size{0x1db, 5};
/* Of the command. */
constexpr Field page_access{0x60, 1}, umem_valid{0x61, 1}, translations{0x300, 32}, umem_id{0x320, 32}, umem_offset{0x340, 64};
constexpr unsigned mode_physical = 0, mode_pages = 1;
constexpr uint32_t invalid = 0x100; /* ends a list of segments that is shorter than its room */
} // namespace mkey

namespace eq
{
constexpr unsigned at = 16, entry_size = 64, data_at = 32;
constexpr Field page_offset{0x54, 6}, log_size{0x63, 5}, uar_page{0x68, 24}, vector{0xb4, 12}, log_page_size{0xc3, 5};
constexpr unsigned mask_at = 88; /* bytes; four words of 64 bits */
enum class Event : uint8_t {
	completion = 0,
	established = 2,
	cq_error = 4,
	wq_catastrophe = 5,
	port = 9,
	command = 0x0a,
	page_request = 0x0b,
	invalid_request = 0x10,
	access_error = 0x11,
	srq_last_wqe = 0x13,
	srq_limit = 0x14,
};
/* Of the data. */
constexpr Field command_vector{0, 32}, page_count{32, 32}, cq_number{0xc8, 24}, failed_cq{8, 24}, cq_error_syndrome{0x58, 8},
	queue_number{0xc8, 24}, port_number{0x40, 4};
} // namespace eq

namespace cq
{
constexpr unsigned at = 16;
constexpr Field dbr_umem_valid{6, 1}, entry_128{8, 3}, ignore_overrun{0xe, 1}, dbr_umem{0x20, 32}, page_offset{0x54, 6},
	log_size{0x63, 5}, uar_page{0x68, 24}, eq_number{0xa0, 32}, log_page_size{0xc3, 5}, consumer{0x148, 24},
	producer{0x168, 24}, dbr_address{0x1c0, 64};
constexpr Field umem_offset{0x280, 64}, umem_id{0x2c0, 32}, umem_valid{0x2e0, 1}; /* of the command */
} // namespace cq

/* A completion, in the last 64 bytes of its entry. */
namespace cqe
{
constexpr unsigned size = 64, owner_at = 63;
constexpr Field source_lid{0xb0, 16}, service_level{0xc0, 4}, source_qp{0xc8, 24}, user_index{0x108, 24}, immediate{0x120, 32},
	length{0x160, 32}, vendor_syndrome{0x1b0, 8}, syndrome{0x1b8, 8}, wqe_opcode{0x1c0, 8}, qp{0x1c8, 24},
	wqe_counter{0x1e0, 16};
enum class Kind : uint8_t {
	request = 0,
	write_immediate = 1,
	send = 2,
	send_immediate = 3,
	send_invalidate = 4,
	request_error = 13,
	response_error = 14,
	invalid = 15,
};
enum class Syndrome : uint8_t {
	none = 0,
	local_length = 1,
	local_operation = 2,
	local_protection = 4,
	flushed = 5,
	bad_response = 0x10,
	local_access = 0x11,
	remote_invalid_request = 0x12,
	remote_access = 0x13,
	remote_operation = 0x14,
	retries_exceeded = 0x15,
	receiver_not_ready = 0x16,
	remote_aborted = 0x22,
};
} // namespace cqe

/* The address path inside of a queue pair's context. */
namespace path
{
constexpr Field pkey_index{0x10, 16}, global{0x28, 1}, lid{0x30, 16}, ack_timeout{0x40, 5}, source_gid{0x48, 8}, rate{0x54, 4},
	hop_limit{0x58, 8}, traffic_class{0x64, 8}, flow_label{0x6c, 20}, service_level{0x124, 4}, port{0x128, 8};
constexpr unsigned gid_at = 16, size = 44;
} // namespace path

namespace qp
{
constexpr unsigned at = 24, size = 232, path_at = 24, alternate_path_at = 68;
constexpr Field state{0, 4}, service{8, 8}, pm_state{0x13, 2}, pd{0x28, 24}, mtu{0x40, 3}, log_message_max{0x43, 5},
	log_rq_size{0x49, 4}, log_rq_stride{0x4d, 3}, no_sq{0x50, 1}, log_sq_size{0x51, 4}, uar_page{0x68, 24},
	user_index{0x88, 24}, log_page_size{0xa3, 5}, remote_qp{0xa8, 24}, log_requests{0x388, 3}, retry_count{0x38d, 3},
	rnr_retry{0x390, 3}, send_psn{0x3c8, 24}, send_cq{0x3e8, 24}, log_responses{0x488, 3}, remote_read{0x490, 1},
	remote_write{0x491, 1}, remote_atomic{0x492, 1}, page_offset{0x494, 6}, min_rnr_timer{0x4a3, 5}, receive_psn{0x4a8, 24},
	receive_cq{0x4e8, 24}, dbr_address{0x500, 64}, q_key{0x540, 32}, rq_type{0x565, 3}, srq{0x568, 24},
	dbr_umem_valid{0x683, 1}, dbr_umem{0x720, 32};
constexpr Field opt_mask{0x80, 32}, umem_offset{0x800, 64}, umem_id{0x840, 32}, umem_valid{0x860, 1}; /* of the command */
enum class State : uint8_t { reset = 0, init = 1, rtr = 2, rts = 3, sq_error = 4, sq_drain = 5, error = 6 };
enum class Service : uint8_t { rc = 0, uc = 1, ud = 2 };
constexpr unsigned rq_regular = 0, rq_shared = 1, rq_none = 3;
/* opt_mask: which optional parameters a command holds. */
constexpr unsigned opt_read = 1 << 1, opt_atomic = 1 << 2, opt_write = 1 << 3, opt_pkey = 1 << 4, opt_q_key = 1 << 5,
		   opt_rnr_timer = 1 << 6, opt_path = 1 << 7, opt_requests = 1 << 8, opt_responses = 1 << 9,
		   opt_retry_count = 1 << 12, opt_rnr_retry = 1 << 13, opt_ack_timeout = 1 << 14;
} // namespace qp

/* A receive queue that queue pairs share (RMP), and the work queue inside. */
namespace rmp
{
constexpr unsigned at = 32, wq_at = 80, pas_at = 0x110;
constexpr Field state{8, 4}, number{0x48, 24};
constexpr Field wq_type{0, 4}, page_offset{0x2b, 5}, limit{0x30, 16}, pd{0x48, 24}, dbr_address{0x80, 64}, log_stride{0x10c, 4},
	log_page_size{0x113, 5}, log_size{0x11b, 5}, dbr_umem_valid{0x120, 1}, umem_valid{0x121, 1}, dbr_umem{0x140, 32},
	umem_id{0x160, 32}, umem_offset{0x180, 64}; /* of the work queue */
constexpr Field modify_mask{0x80, 64};
constexpr uint64_t modify_limit = 1;
constexpr unsigned linked_list = 0, ready = 1;
} // namespace rmp

/* Work queue entries; what their segments hold, from the start of the segment. */
namespace wqe
{
constexpr unsigned block = 64, segment = 16, datagram_size = 48;
constexpr Field index{8, 16}, opcode{24, 8}, qp{32, 24}, segments{58, 6}, fence_and_flags{0x58, 8}, immediate{0x60, 32};
constexpr unsigned signalled = 8, signalled_mask = 0xc, solicited = 2;
constexpr Field address{0, 64}, remote_key{0x40, 32}; /* remote address */
constexpr Field swap_add{0, 64}, compare{0x40, 64}; /* atomic */
constexpr Field inline_data{0, 1}, byte_count{0, 32}, local_key{32, 32}, local{0x40, 64}; /* data */
constexpr Field q_key{0, 32}, target_qp{0x48, 24}, target_lid{0x70, 16}; /* datagram */
constexpr Field next_index{0x10, 16}; /* receive WQE of a linked list */
constexpr uint32_t inline_size = 0x3ff;
enum class Opcode : uint8_t {
	nop = 0,
	send_invalidate = 1,
	write = 8,
	write_immediate = 9,
	send = 0xa,
	send_immediate = 0xb,
	read = 0x10,
	compare_swap = 0x11,
	fetch_add = 0x12,
};
} // namespace wqe

/* The port: vport context (762), PAOS register, PortInfo of a management datagram. */
namespace port
{
constexpr unsigned vport_at = 16;
constexpr Field physical_state{0x110, 4}, port_state{0x118, 4}, vport_state{0x11c, 4}, system_guid{0x140, 64},
	port_guid{0x180, 64}, node_guid{0x1c0, 64}, capabilities{0x200, 32}, lid{0x300, 16}, subnet_timeout{0x31b, 5},
	sm_lid{0x320, 16};
constexpr Field gid_count{0x60, 16}, table_index{0x70, 16};
constexpr Field register_id{0x50, 16};
constexpr unsigned register_at = 16, paos = 0x5006, host_endianness = 0x7004;
constexpr Field admin{0x14, 4}, oper{0x1c, 4}, admin_set{0x20, 1}; /* PAOS */
constexpr unsigned admin_up = 1, admin_down = 2;
constexpr unsigned mad_at = 16, mad_size = 256, mad_method_at = 3, mad_data_at = 64, mad_response = 0x80;
constexpr Field mad_attribute{0x80, 16};
constexpr unsigned attribute_port_info = 0x15;
constexpr Field info_lid{0x80, 16}, info_sm_lid{0x90, 16}, info_width{0xf8, 8}, info_speed_state{0x100, 8},
	info_physical{0x108, 4}; /* PortInfo */
enum class State : uint8_t { down = 1, init = 2, armed = 3, active = 4 };
constexpr unsigned physical_polling = 2, physical_disabled = 3, physical_up = 5;
constexpr unsigned event_down = 1, event_active = 4, event_initialized = 5;
} // namespace port

} // namespace decouple::hca

#endif
