-- SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
--
-- Wireshark and tshark dissector of MRC: MRC 1.0's packets, the extensions and
-- the hello exchange (Documentation/protocol.md), on UDP ports 4971 and 4791.
-- On 4791 whatever is not MRC stays with Wireshark's own RoCE dissector.
--
--   wireshark -X lua_script:mrc.lua FILE
--   or copy it to a folder of "About Wireshark", "Folders", "Lua Plugins"
--
-- Fields are mrc.HEADER.FIELD, as in the protocol's tables. Besides:
--
--   mrc.qp, mrc.psn, mrc.ev   every QP number, data PSN and entropy value that
--                             a packet has to do with: mrc.psn == 7 finds a
--                             data packet, its retransmissions, and the SACK
--                             and NACK it caused
--   mrc.ack_of                SACK: the packet that caused it
--   mrc.acks                  SACK: packets it is the first to acknowledge
--   mrc.acked_in              data: the first SACK or ACK that tells of it
--   mrc.rtx_of, mrc.rtx_in    from a retransmission to what it repeats, and
--                             back
--   mrc.nack_of, mrc.nacked_in, mrc.answer_to, mrc.answered_in
--
--   mrc.icrc.good             if the preference to check the ICRC is set
--                             (-o mrc.check_icrc:TRUE)
--
-- What points forward (..._in) needs tshark -2, or Wireshark itself. A SACK
-- names QPs by 16 bits only and may take another plane than its data. Which
-- addresses belong to one host is learnt from hellos, and from SACKs that name
-- a packet by PSN and entropy.

local mrc = Proto("mrc", "Multipath Reliable Connection")

mrc.prefs.ev_high = Pref.bool("Source port is the high half of the EV", false,
	"How both ends put entropy values into packets (setting ev_order)")

mrc.prefs.check_icrc = Pref.bool("Check the invariant CRC", false,
	"Takes about a millisecond per packet")

local MASK24 = 0xffffff

-- ---------------------------------------------------------------- fields

local OPCODES = {
	[0x64] = "UD_SEND_ONLY", [0x65] = "UD_SEND_ONLY_IMM",
	[0xc0] = "X_SEND", [0xc1] = "X_SEND_LAST", [0xc2] = "X_SEND_LAST_IMM",
	[0xc3] = "X_SEND_LAST_INV", [0xc4] = "X_READ_REQ",
	[0xc6] = "WRITE_FIRST", [0xc7] = "WRITE_MIDDLE", [0xc8] = "WRITE_LAST",
	[0xc9] = "WRITE_LAST_IMM", [0xca] = "WRITE_ONLY",
	[0xcb] = "WRITE_ONLY_IMM",
	[0xcc] = "X_READ_RESP", [0xcd] = "X_READ_RESP_LAST",
	[0xce] = "X_CMP_SWAP", [0xcf] = "X_FETCH_ADD", [0xd0] = "X_ATOMIC_RESP",
	[0xd1] = "ACK", [0xd2] = "X_SACK_ACK",
	[0xd8] = "ENDPOINT_REQUEST", [0xd9] = "ENDPOINT_RESPONSE",
	[0xda] = "X_HELLO_REQ", [0xdb] = "X_HELLO_RESP",
	[0xdc] = "SACK", [0xdd] = "NACK", [0xde] = "PROBE_REQUEST",
}
local M = { [0] = "none", "SKIP_ONCE", "ALWAYS_SKIP", "reserved" }
local REASONS = {
	[0x01] = "TRIMMED", [0x02] = "TRIMMED_LASTHOP", [0x06] = "NO_BITMAP",
	[0x07] = "NO_PKT_BUFFER", [0x0a] = "NO_RESOURCE",
	[0x0b] = "PSN_OOR_WINDOW", [0x19] = "UNEXP_EVENT",
}
local SYNDROMES = {
	[0x1f] = "ACK", [0x60] = "NAK, PSN sequence", [0x61] = "NAK, invalid request",
	[0x62] = "NAK, remote access", [0x63] = "NAK, remote operation",
}
local EP_OPS = { [0] = "PORT_STATUS_UPDATE", "EV_PROBE" }

-- A header is a list of units, a unit { BYTES, FIELD ... }, a field
-- { NAME, TEXT, mask =, values =, kind = "bool", "signed", "dec" or "addr" }.
local TS = { 2, { "tx_timestamp", "Timestamp, 128 ns" } }
local FTYPE = { 2, { "tsr", "tsr", mask = 0x8000 },
	{ "ftype", "ftype", mask = 0x000f } }

local HEADERS = {
	bth = { "Base transport header",
		{ 1, { "opcode", "Opcode", values = OPCODES } },
		{ 1, { "se", "Solicited event", mask = 0x80, kind = "bool" },
			{ "m", "Migration state", mask = 0x40, kind = "bool" },
			{ "pad", "Pad", mask = 0x30, kind = "dec" },
			{ "tver", "Transport version", mask = 0x0f, kind = "dec" } },
		{ 2, { "pkey", "P_Key" } },
		{ 1 },
		{ 3, { "dqpn", "Destination QP" } },
		{ 1, { "ackreq", "Acknowledge request", mask = 0x80, kind = "bool" },
			{ "calm", "Few SACKs will do", mask = 0x40, kind = "bool" },
			{ "rtx", "Retransmission", mask = 0x20, kind = "bool" },
			{ "ts", "Timestamp present", mask = 0x10, kind = "bool" } },
		{ 3, { "psn", "PSN", kind = "dec" } } },
	meth = { "Message header",
		{ 2, { "rqmsn", "RQMSN", kind = "dec" } },
		{ 2, { "msn", "MSN", kind = "dec" } } },
	tseth = { "Timestamp header", TS, FTYPE },
	reth = { "RDMA header",
		{ 8, { "va", "Virtual address" } },
		{ 4, { "rkey", "R_Key" } },
		{ 4, { "dmalen", "Length of the message", kind = "dec" } } },
	immdt = { "Immediate", { 4, { "imm", "Immediate" } } },
	ieth = { "Invalidate", { 4, { "rkey", "R_Key to invalidate" } } },
	aeth = { "Acknowledge header",
		{ 1, { "syndrome", "Syndrome", values = SYNDROMES } },
		{ 3, { "msn", "MSN", kind = "dec" } } },
	seth = { "SACK header",
		{ 2, { "type", "Type", mask = 0xf000 },
			{ "nxt", "Next", mask = 0x0f80 },
			{ "m", "m, asked of the path", mask = 0x0060, values = M },
			{ "pr", "Answer to a probe", mask = 0x0002, kind = "bool" } },
		{ 2, { "ack_psn_offset", "PSN that caused it, less cack",
				kind = "signed" },
			{ "probe_id", "Probe id" } },
		{ 4, { "entropy", "Entropy, reflected" } },
		{ 2, { "spdcid", "spdcid" } },
		{ 2, { "dpdcid", "dpdcid" } },
		{ 1 },
		{ 3, { "cack_psn", "cack", kind = "dec" } },
		{ 1, { "cc_type", "CC type", mask = 0xf0 },
			{ "cc_flags", "CC flags", mask = 0x0f } },
		{ 1, { "mpr", "MPR, 128 PSNs", kind = "dec" } },
		{ 2, { "sack_offset", "Bitmap begins at cack +", kind = "signed" } },
		{ 8, { "bitmap", "Bitmap" } } },
	cc = { "CC_STATE",
		{ 2, { "tx_timestamp", "Timestamp, reflected" } },
		{ 2, { "ooo_count", "Out of order", mask = 0x7fff, kind = "dec" } },
		{ 1, { "restore_cwnd", "Restore window", mask = 0x80, kind = "bool" },
			{ "rcv_cwnd_pen", "Receiver's penalty", mask = 0x7f,
				kind = "dec" } },
		{ 3, { "rcvd_bytes", "Received, 256 B", kind = "dec" } } },
	neth = { "NACK header",
		{ 2 },
		{ 1, { "reason", "Reason", values = REASONS } },
		{ 1, { "vendor", "Vendor" } },
		{ 4, { "entropy", "Entropy, reflected" } },
		{ 2, { "spdcid", "spdcid" } },
		{ 2, { "dpdcid", "dpdcid" } },
		{ 1 },
		{ 3, { "nack_psn", "PSN", kind = "dec" } },
		{ 1, { "cc_type", "CC type", mask = 0xf0 },
			{ "cc_flags", "CC flags", mask = 0x0f } },
		{ 1 },
		{ 2, { "tx_timestamp", "Timestamp, reflected" } } },
	peth = { "Probe header",
		{ 3 },
		{ 1, { "vendor", "Vendor" } },
		{ 2, { "probe_id", "Probe id" } },
		{ 2 },
		{ 2, { "spdcid", "spdcid" } },
		{ 2, { "dpdcid", "dpdcid" } },
		TS, FTYPE },
	erth = { "Endpoint request",
		{ 2, { "op", "Operation", mask = 0x0003, values = EP_OPS } },
		{ 1 },
		{ 1, { "vendor", "Vendor" } },
		{ 4, { "port_status_mask", "Ports that can be reached" } },
		{ 4 },
		TS, FTYPE },
	eeth = { "Endpoint response",
		{ 2, { "op", "Operation", mask = 0x000c, values = EP_OPS } },
		{ 26 },
		{ 2, { "tx_timestamp", "Timestamp, reflected" } },
		{ 6 } },
	xoeth = { "Place in the message",
		{ 4, { "offset", "Offset", kind = "dec" } },
		{ 4, { "len", "Length of the message", kind = "dec" } } },
	xreth = { "Answering stream",
		{ 1 },
		{ 3, { "first_psn", "First PSN", kind = "dec" } } },
	atomiceth = { "Atomic header",
		{ 8, { "va", "Virtual address" } },
		{ 4, { "rkey", "R_Key" } },
		{ 8, { "swap_add", "Swap or add" } },
		{ 8, { "compare", "Compare" } } },
	atomicacketh = { "Atomic response", { 8, { "orig", "Original value" } } },
	deth = { "Datagram header",
		{ 4, { "qkey", "Q_Key" } },
		{ 1 },
		{ 3, { "sqpn", "Source QP" } } },
	hello = { "Hello",
		{ 1, { "version", "Version", kind = "dec" } },
		{ 1, { "nports", "Ports", kind = "dec" } },
		{ 1, { "mpr", "MPR, 128 PSNs", kind = "dec" } },
		{ 1 },
		{ 4, { "features", "Features" },
			{ "send", "SEND", mask = 0x01, kind = "bool" },
			{ "read", "READ", mask = 0x02, kind = "bool" },
			{ "atomic", "ATOMIC", mask = 0x04, kind = "bool" },
			{ "sack_ack", "SACK_ACK", mask = 0x08, kind = "bool" },
			{ "no_icrc", "NO_ICRC", mask = 0x10, kind = "bool" },
			{ "dyn_mpr", "DYN_MPR", mask = 0x20, kind = "bool" },
			{ "service_time", "SERVICE_TIME", mask = 0x40, kind = "bool" },
			{ "trim_nack", "TRIM_NACK", mask = 0x80, kind = "bool" },
			{ "long_probe", "LONG_PROBE", mask = 0x100, kind = "bool" },
			{ "calm", "CALM", mask = 0x200, kind = "bool" } },
		{ 8, { "nonce", "Nonce" } },
		{ 8, { "instance", "Instance" } },
		{ 4, { "speed", "Speed, Mb/s", kind = "dec" } },
		{ 16, { "host", "Host", kind = "addr" } } },
	["hello.port"] = { "Port",
		{ 1, { "plane", "Plane", kind = "dec" } },
		{ 1, { "up", "Up", mask = 0x01, kind = "bool" } },
		{ 2, { "mtu", "MTU", kind = "dec" } },
		{ 16, { "addr", "Address (none: the host's)", kind = "addr" } } },
}
local HELLO_PORTS = 32

-- Headers behind the BTH; TSETH comes behind METH if the BTH says so.
local WRITE, SEND = { "meth", "reth" }, { "meth", "xoeth" }
local LAYOUTS = {
	[0x64] = { "deth" }, [0x65] = { "deth", "immdt" },
	[0xc0] = SEND, [0xc1] = SEND, [0xc2] = { "meth", "xoeth", "immdt" },
	[0xc3] = { "meth", "xoeth", "ieth" }, [0xc4] = { "meth", "xreth", "reth" },
	[0xc6] = WRITE, [0xc7] = WRITE, [0xc8] = WRITE,
	[0xc9] = { "meth", "reth", "immdt" }, [0xca] = WRITE,
	[0xcb] = { "meth", "reth", "immdt" },
	[0xcc] = SEND, [0xcd] = SEND,
	[0xce] = { "meth", "xreth", "atomiceth" },
	[0xcf] = { "meth", "xreth", "atomiceth" },
	[0xd0] = { "meth", "atomicacketh" },
	[0xd1] = { "aeth" }, [0xd2] = { "seth", "cc", "aeth" },
	[0xd8] = { "erth" }, [0xd9] = { "eeth" },
	[0xda] = { "hello" }, [0xdb] = { "hello" },
	[0xdc] = { "seth", "cc" }, [0xdd] = { "neth" }, [0xde] = { "peth" },
}

local fields, all_fields = {}, {}

local function field(name, proto_field)
	fields[name] = proto_field
	all_fields[#all_fields + 1] = proto_field
end

local function make_field(abbr, bytes, f)
	local base_of = (f.kind == "dec" or f.kind == "signed") and base.DEC or
		base.HEX
	local values, mask = f.values, f.mask

	if f.kind == "addr" then
		return ProtoField.ipv6(abbr, f[2])
	elseif f.kind == "bool" then
		return ProtoField.bool(abbr, f[2], bytes * 8, nil, mask)
	elseif f.kind == "signed" then
		return ProtoField.int16(abbr, f[2], base_of)
	elseif bytes == 1 then
		return ProtoField.uint8(abbr, f[2], base_of, values, mask)
	elseif bytes == 2 then
		return ProtoField.uint16(abbr, f[2], base_of, values, mask)
	elseif bytes == 3 then
		return ProtoField.uint24(abbr, f[2], base_of, values, mask)
	elseif bytes == 4 then
		return ProtoField.uint32(abbr, f[2], base_of, values, mask)
	end
	return ProtoField.uint64(abbr, f[2], base_of)
end

for header, units in pairs(HEADERS) do
	local size = 0

	for i = 2, #units do
		local unit = units[i]

		for j = 2, #unit do
			local name = header .. "." .. unit[j][1]

			field(name, make_field("mrc." .. name, unit[1], unit[j]))
		end
		size = size + unit[1]
	end
	units.size = size
	units.proto_field = ProtoField.none("mrc." .. header, units[1])
	all_fields[#all_fields + 1] = units.proto_field
end

local function link(name, text, kind)
	field(name, ProtoField.framenum("mrc." .. name, text, base.NONE, kind))
end

field("bth.request_id", ProtoField.uint16("mrc.bth.request_id", "Request id",
	base.HEX))
field("qp", ProtoField.uint24("mrc.qp", "QP", base.HEX))
field("psn", ProtoField.uint24("mrc.psn", "Data PSN", base.DEC))
field("ev", ProtoField.uint32("mrc.ev", "Entropy value", base.HEX))
field("payload", ProtoField.bytes("mrc.payload", "Payload"))
field("pad", ProtoField.bytes("mrc.pad", "Pad"))
field("icrc", ProtoField.uint32("mrc.icrc", "Invariant CRC", base.HEX))
field("icrc.good", ProtoField.bool("mrc.icrc.good", "It is right"))
link("ack_of", "Caused by", frametype.ACK)
link("acks", "Is the first to acknowledge", frametype.ACK)
link("acked_in", "Acknowledged in", frametype.ACK)
link("rtx_of", "Retransmission of", frametype.RETRANS_PREV)
link("rtx_in", "Sent again in", frametype.RETRANS_NEXT)
link("nack_of", "Refuses", frametype.NONE)
link("nacked_in", "Refused in", frametype.NONE)
link("answer_to", "Answer to", frametype.REQUEST)
link("answered_in", "Answered in", frametype.RESPONSE)
mrc.fields = all_fields

local expert_short = ProtoExpert.new("mrc.short", "Ends within its headers",
	expert.group.MALFORMED, expert.severity.ERROR)
local expert_trimmed = ProtoExpert.new("mrc.trimmed",
	"Payload cut off (trimmed by a switch, or when captured)",
	expert.group.SEQUENCE, expert.severity.NOTE)
local expert_rtx = ProtoExpert.new("mrc.retransmission", "Retransmission",
	expert.group.SEQUENCE, expert.severity.NOTE)
local expert_nack = ProtoExpert.new("mrc.nack", "Refused",
	expert.group.RESPONSE_CODE, expert.severity.WARN)
local expert_opcode = ProtoExpert.new("mrc.opcode", "Unknown opcode",
	expert.group.UNDECODED, expert.severity.WARN)
local expert_icrc = ProtoExpert.new("mrc.icrc.bad", "The invariant CRC is wrong",
	expert.group.CHECKSUM, expert.severity.ERROR)
mrc.experts = { expert_short, expert_trimmed, expert_rtx, expert_nack,
	expert_opcode, expert_icrc }

local ipv6_flow = Field.new("ipv6.flow")
local ipv4_header, ipv6_header = Field.new("ip"), Field.new("ipv6")

-- ---------------------------------------------------------------- tracking

-- All of it is made in the first pass over the capture.
local sent		-- low 16 bits of the QP, PSN -> transmissions
local cacks		-- low 16 bits of the QP .. hosts -> cack
local requests		-- text -> transmission that awaits an answer
local alias		-- address -> another one of the same host
local notes		-- frame -> what was found out

function mrc.init()
	sent, cacks, requests, alias, notes = {}, {}, {}, {}, {}
end

-- What stands for all addresses of a host, as far as that is known.
local function host(address)
	local name = tostring(address)

	while alias[name] do
		name = alias[name]
	end
	return name
end

local function same_host(a, b)
	a, b = host(a), host(b)
	if a ~= b then
		alias[a] = b
	end
end

local function psn_add(psn, n)
	return bit.band(psn + n, MASK24)
end

local function psn_diff(a, b)
	local d = bit.band(a - b, MASK24)

	return d >= 0x800000 and d - 0x1000000 or d
end

-- Transmissions of a PSN to a QP of which 16 bits are known, that went from
-- one of two hosts to the other; without regard to hosts if there is none.
local function transmissions(qp16, psn, from, to)
	local all = sent[qp16] and sent[qp16][psn]
	local exact = {}

	for _, t in ipairs(all or {}) do
		if host(t.src) == host(from) and host(t.dst) == host(to) then
			exact[#exact + 1] = t
		end
	end
	return #exact > 0 and exact or all or {}
end

local function note_sent(pinfo, p)
	local qp16 = bit.band(p.dqpn, 0xffff)
	local t = { frame = pinfo.number, src = tostring(pinfo.src),
		dst = tostring(pinfo.dst), ev = p.ev, qp = p.dqpn }
	local before

	if p.rtx then
		before = transmissions(qp16, p.psn, pinfo.src, pinfo.dst)
		before = before[#before]
	end
	if before then
		t.rtx_of = before.frame
		before.rtx_in = t.frame
	end
	sent[qp16] = sent[qp16] or {}
	sent[qp16][p.psn] = sent[qp16][p.psn] or {}
	table.insert(sent[qp16][p.psn], t)
	return { sent = t }
end

-- Mark what is acknowledged for the first time. $n.acks: list to add to
local function acknowledge(n, qp16, psn, pinfo)
	for _, t in ipairs(transmissions(qp16, psn, pinfo.dst, pinfo.src)) do
		if not t.acked_in then
			t.acked_in = pinfo.number
			n.acks[#n.acks + 1] = t.frame
		end
		n.qp = t.qp
	end
end

-- Everything up to cack, as far as it was not yet.
local function acknowledge_to(n, qp16, cack, pinfo)
	local key = qp16 .. host(pinfo.dst) .. host(pinfo.src)
	local psn, last = cack, cacks[key]

	if last and psn_diff(cack, last) <= 0 then
		return
	end
	for _ = 1, 8192 do
		if psn == last or (not last and not (sent[qp16] and
			sent[qp16][psn])) then
			break
		end
		acknowledge(n, qp16, psn, pinfo)
		psn = psn_add(psn, -1)
	end
	cacks[key] = cack
end

-- Which of the two QP numbers of an answer is that of its sender, whom the
-- data went to? The other one is in the BTH.
local function data_qp16(p)
	local back = bit.band(p.dqpn, 0xffff)

	return p.dpdcid == back and p.spdcid or p.dpdcid
end

local function same_ev(a, b)
	-- peers may not agree on the order of its halves
	return a == b or bit.bor(bit.lshift(a, 16), bit.rshift(a, 16)) ==
		bit.tobit(b)
end

-- The packet that a SACK or NACK is about. PSN, QP and entropy make sure of it
-- even where it went by another plane, of other addresses. Where no packet fits
-- it is missing from the capture.
local function find_cause(pinfo, qp16, psn, entropy)
	local found

	for _, t in ipairs(sent[qp16] and sent[qp16][psn] or {}) do
		if same_ev(t.ev, entropy) then
			found = t
		end
	end
	if found then
		same_host(pinfo.dst, found.src)
		same_host(pinfo.src, found.dst)
	end
	return found
end

local function note_sack(pinfo, p)
	local qp16 = data_qp16(p)
	local n = { acks = {} }

	if p.pr then
		local probe = requests["probe" .. qp16 .. "/" .. p.probe_id]

		if probe then
			probe.answered_in = probe.answered_in or pinfo.number
			n.answer_to = probe.frame
			n.qp = probe.qp
		end
	else
		local cause = find_cause(pinfo, qp16, p.acked_psn, p.entropy)

		if cause then
			n.ack_of = cause.frame
			n.qp = cause.qp
		end
	end
	acknowledge_to(n, qp16, p.cack, pinfo)
	for i = 0, 63 do
		local half = i < 32 and p.bitmap_low or p.bitmap_high

		if bit.band(bit.rshift(half, i % 32), 1) == 1 then
			acknowledge(n, qp16, psn_add(p.cack, p.sack_offset + i),
				pinfo)
		end
	end
	return n
end

local function note_nack(pinfo, p)
	local cause = find_cause(pinfo, data_qp16(p), p.nack_psn, p.entropy)

	if not cause then
		return {}
	end
	cause.nacked_in = pinfo.number
	return { nack_of = cause.frame, qp = cause.qp }
end

-- An ACK names no QP of its sender: whoever has sent this PSN to that host.
local function note_ack(pinfo, p)
	local n = { acks = {} }

	if p.syndrome ~= 0x1f then
		return n
	end
	for qp16, psns in pairs(sent) do
		for _, t in ipairs(psns[p.psn] or {}) do
			if host(t.src) == host(pinfo.dst) and
				host(t.dst) == host(pinfo.src) then
				acknowledge_to(n, qp16, p.psn, pinfo)
				return n
			end
		end
	end
	return n
end

local function note_request(pinfo, key, qp)
	local t = { frame = pinfo.number, qp = qp }

	-- the first, if it is repeated
	requests[key] = requests[key] or t
	return { sent = t }
end

local function note_response(pinfo, key)
	local t = requests[key]

	if not t then
		return {}
	end
	t.answered_in = t.answered_in or pinfo.number
	return { answer_to = t.frame }
end

local function take_note(pinfo, p)
	local op = p.opcode

	if p.meth then
		return note_sent(pinfo, p)
	elseif op == 0xdc or op == 0xd2 then
		return note_sack(pinfo, p)
	elseif op == 0xd1 then
		return note_ack(pinfo, p)
	elseif op == 0xdd then
		return note_nack(pinfo, p)
	elseif op == 0xde then
		return note_request(pinfo, "probe" .. bit.band(p.dqpn, 0xffff) ..
			"/" .. p.probe_id, p.dqpn)
	elseif op == 0xd8 then
		return note_request(pinfo, "endpoint" .. tostring(pinfo.src) ..
			"/" .. p.request_id)
	elseif op == 0xd9 then
		return note_response(pinfo, "endpoint" .. tostring(pinfo.dst) ..
			"/" .. p.request_id)
	elseif op == 0xda then
		return note_request(pinfo, "hello" .. p.nonce)
	elseif op == 0xdb then
		return note_response(pinfo, "hello" .. p.nonce)
	end
	return {}
end

-- ---------------------------------------------------------------- ICRC

local crc_table = {}

for i = 0, 255 do
	local crc = i

	for _ = 1, 8 do
		crc = bit.bxor(bit.rshift(crc, 1),
			bit.band(crc, 1) * -0x12477ce0)		-- 0xedb88320
	end
	crc_table[i] = crc
end

local function crc32(crc, bytes)
	for i = 0, bytes:len() - 1 do
		crc = bit.bxor(bit.rshift(crc, 8), crc_table[bit.band(
			bit.bxor(crc, bytes:get_index(i)), 0xff)])
	end
	return crc
end

local function set_ones(bytes, ...)
	for _, i in ipairs({ ... }) do
		bytes:set_index(i, 0xff)
	end
end

-- The InfiniBand rule (annex A17): what changes on the way counts as ones.
-- tvb: from the BTH to the ICRC
local function icrc_is_right(tvb, pinfo)
	local v4, v6 = { ipv4_header() }, { ipv6_header() }
	local inner4, inner6 = v4[#v4], v6[#v6]
	local udp = ByteArray.new(string.format("%04x%04x%04xffff",
		pinfo.src_port, pinfo.dst_port, tvb:len() + 8))
	local last, header, rest = tvb:len() - 4, nil, tvb(0, tvb:len() - 4):bytes()
	local crc

	if inner4 and (not inner6 or inner4.offset > inner6.offset) then
		header = inner4.range(0, 20):bytes()
		set_ones(header, 1, 8, 10, 11)
	elseif inner6 then
		header = inner6.range(0, 40):bytes()
		header:set_index(0, bit.bor(header:get_index(0), 0x0f))
		set_ones(header, 1, 2, 3, 7)
	else
		return nil
	end
	set_ones(rest, 4)
	crc = crc32(-1, ByteArray.new("ffffffffffffffff"))
	crc = bit.bnot(crc32(crc32(crc32(crc, header), udp), rest))
	return crc == bit.tobit(tvb(last, 4):le_uint())
end

-- ---------------------------------------------------------------- dissecting

-- The EV from where the sender put it.
local function entropy_of(pinfo)
	local flows = { ipv6_flow() }
	local port, flow = pinfo.src_port, 0

	if #flows > 0 then
		flow = bit.band(flows[#flows].value, 0xffff)
	end
	if mrc.prefs.ev_high then
		port, flow = flow, port
	end
	return flow == port and port or flow * 65536 + port
end

local function add_header(tree, tvb, name, at)
	local units = HEADERS[name]
	local sub = tree:add(units.proto_field, tvb(at, units.size))
	-- a SACK has one of the two
	local unused = name == "seth" and (bit.band(tvb(at + 1, 1):uint(), 2) ~= 0
		and "ack_psn_offset" or "probe_id")

	for i = 2, #units do
		local unit = units[i]

		for j = 2, #unit do
			if unit[j][1] ~= unused then
				sub:add(fields[name .. "." .. unit[j][1]],
					tvb(at, unit[1]))
			end
		end
		at = at + unit[1]
	end
	return sub
end

local function v4_mapped(range)
	return range(0, 12):bytes():tohex() == "00000000000000000000FFFF"
end

local function address_text(range)
	return tostring(v4_mapped(range) and range(12, 4):ipv4() or range:ipv6())
end

local function add_hello(tree, tvb, at, p, learn)
	local ports = math.min(tvb(at + 1, 1):uint(), HELLO_PORTS)
	local name = address_text(tvb(at + 28, 16))
	local size = HEADERS["hello.port"].size

	p.nonce = tvb(at + 8, 8):bytes():tohex()
	p.info = string.format(", host %s, %d ports", name, ports)
	for i = 0, ports - 1 do
		local from = at + HEADERS.hello.size + i * size
		local range = tvb(from, size)

		add_header(tree, tvb, "hello.port", from):set_text("Port: plane " ..
			range(0, 1):uint() .. ", " .. address_text(range(4, 16)))
		if learn and range(4, 16):bytes():tohex() ~= string.rep("00", 16) then
			same_host(address_text(range(4, 16)), name)
		end
	end
	return HEADERS.hello.size + HELLO_PORTS * size
end

-- What later steps need of a header that has just been added.
local READ = {
	seth = function(r, p)
		local flags = r(0, 2):uint()

		p.pr = bit.band(flags, 2) ~= 0
		p.m = bit.band(bit.rshift(flags, 5), 3)
		p.entropy = r(4, 4):uint()
		p.spdcid, p.dpdcid = r(8, 2):uint(), r(10, 2):uint()
		p.cack = r(13, 3):uint()
		p.sack_offset = r(18, 2):int()
		p.bitmap_high, p.bitmap_low = r(20, 4):uint(), r(24, 4):uint()
		if p.pr then
			p.probe_id = r(2, 2):uint()
			p.info = string.format(" cack %d, probe 0x%04x", p.cack,
				p.probe_id)
		else
			p.acked_psn = psn_add(p.cack, r(2, 2):int())
			p.info = string.format(" cack %d, caused by %d", p.cack,
				p.acked_psn)
		end
		if p.m ~= 0 then
			p.info = p.info .. ", " .. M[p.m]
		end
	end,
	neth = function(r, p)
		p.entropy = r(4, 4):uint()
		p.spdcid, p.dpdcid = r(8, 2):uint(), r(10, 2):uint()
		p.nack_psn = r(13, 3):uint()
		p.info = string.format(" %s, psn %d",
			REASONS[r(2, 1):uint()] or "unknown reason", p.nack_psn)
	end,
	aeth = function(r, p)
		p.syndrome = r(0, 1):uint()
		if not p.cack then
			p.info = string.format(" %s, psn %d",
				SYNDROMES[p.syndrome] or "unknown syndrome", p.psn)
		end
	end,
	peth = function(r, p)
		p.probe_id = r(4, 2):uint()
		p.info = string.format(" id 0x%04x", p.probe_id)
	end,
	erth = function(r, p)
		local op = bit.band(r(0, 2):uint(), 3)

		p.info = string.format(" %s id 0x%04x", EP_OPS[op] or "unknown",
			p.request_id)
		if op == 0 then
			p.info = p.info .. string.format(", ports 0x%x",
				r(4, 4):uint())
		end
	end,
	eeth = function(r, p)
		local op = bit.band(bit.rshift(r(0, 2):uint(), 2), 3)

		p.info = string.format(" %s id 0x%04x", EP_OPS[op] or "unknown",
			p.request_id)
	end,
	deth = function(r, p)
		p.sqpn = r(5, 3):uint()
		p.info = string.format(" from qp 0x%x", p.sqpn)
	end,
}

local function add_bth(tree, tvb, p)
	local sub = add_header(tree, tvb, "bth", 0)

	p.opcode = tvb(0, 1):uint()
	p.pad = bit.band(bit.rshift(tvb(1, 1):uint(), 4), 3)
	p.dqpn = tvb(5, 3):uint()
	p.rtx = bit.band(tvb(8, 1):uint(), 0x20) ~= 0
	p.ts = bit.band(tvb(8, 1):uint(), 0x10) ~= 0
	p.psn = tvb(9, 3):uint()
	p.request_id = tvb(10, 2):uint()
	if p.opcode == 0xd8 or p.opcode == 0xd9 then
		sub:add(fields["bth.request_id"], tvb(10, 2))
	end
end

local function generated(tree, name, value)
	if value then
		tree:add(fields[name], value):set_generated()
	end
end

-- What a packet has to do with, to filter by.
local function add_keys(tree, p, n)
	generated(tree, "qp", p.dqpn)
	generated(tree, "qp", p.sqpn or (n.qp ~= p.dqpn and n.qp or nil))
	if p.meth then
		generated(tree, "psn", p.psn)
	end
	generated(tree, "psn", p.acked_psn or p.nack_psn)
	if p.entropy then
		generated(tree, "ev", p.entropy)
	elseif p.meth or p.opcode == 0xde or p.opcode == 0xd8 then
		generated(tree, "ev", p.ev)
	end
end

local function add_links(tree, n)
	local t = n.sent or {}

	generated(tree, "ack_of", n.ack_of)
	for _, frame in ipairs(n.acks or {}) do
		generated(tree, "acks", frame)
	end
	generated(tree, "nack_of", n.nack_of)
	generated(tree, "answer_to", n.answer_to)
	generated(tree, "rtx_of", t.rtx_of)
	generated(tree, "rtx_in", t.rtx_in)
	generated(tree, "acked_in", t.acked_in)
	generated(tree, "nacked_in", t.nacked_in)
	generated(tree, "answered_in", t.answered_in)
end

-- Headers behind the BTH. Where they end, or nil if the packet does not reach
-- as far.
local function add_headers(tree, tvb, pinfo, p, layout)
	local at, names = HEADERS.bth.size, {}

	for _, name in ipairs(layout) do
		names[#names + 1] = name
		if name == "meth" then
			p.meth = true
			if p.ts then
				names[#names + 1] = "tseth"
			end
		end
	end
	for _, name in ipairs(names) do
		local size = HEADERS[name].size
		local need = size

		if name == "hello" then
			need = size + HELLO_PORTS * HEADERS["hello.port"].size
		end
		if tvb:len() < at + need then
			return nil
		end
		add_header(tree, tvb, name, at)
		if name == "hello" then
			add_hello(tree, tvb, at, p, not pinfo.visited)
		elseif READ[name] then
			READ[name](tvb(at, size), p)
		end
		at = at + need
	end
	return at
end

-- From the headers' end to the ICRC.
local function add_rest(tree, tvb, pinfo, at, p)
	local whole = tvb:reported_len() == tvb:len()
	local stop = math.max(at, tvb:reported_len() - 4 - p.pad)

	if math.min(stop, tvb:len()) > at then
		tree:add(fields.payload, tvb(at, math.min(stop, tvb:len()) - at))
	end
	if not whole then
		tree:add_proto_expert_info(expert_trimmed)
		return 0
	end
	if p.pad > 0 and stop + p.pad <= tvb:len() then
		tree:add(fields.pad, tvb(stop, p.pad))
	end
	if stop + p.pad + 4 <= tvb:len() then
		local sub = tree:add(fields.icrc, tvb(stop + p.pad, 4))
		local good

		if mrc.prefs.check_icrc then
			good = icrc_is_right(tvb, pinfo)
		end
		if good ~= nil then
			sub:add(fields["icrc.good"], good):set_generated()
		end
		if good == false then
			sub:add_proto_expert_info(expert_icrc)
		end
	end
	return stop - at
end

local roce = DissectorTable.get("udp.port"):get_dissector(4791)

function mrc.dissector(tvb, pinfo, root)
	local p = { ev = entropy_of(pinfo) }
	local tree, layout, at, n, length

	pinfo.cols.protocol = "MRC"
	tree = root:add(mrc, tvb())
	if tvb:len() < HEADERS.bth.size then
		tree:add_proto_expert_info(expert_short)
		return tvb:len()
	end
	add_bth(tree, tvb, p)
	layout = LAYOUTS[p.opcode]
	pinfo.cols.info = string.format("%s qp 0x%x",
		OPCODES[p.opcode] or "unknown opcode", p.dqpn)
	if not layout then
		tree:add_proto_expert_info(expert_opcode)
		return tvb:len()
	end
	at = add_headers(tree, tvb, pinfo, p, layout)
	if not at then
		tree:add_proto_expert_info(tvb:reported_len() > tvb:len() and
			expert_trimmed or expert_short)
		return tvb:len()
	end
	if p.meth then
		p.info = string.format(" psn %d, ev 0x%x%s", p.psn, p.ev,
			p.rtx and ", retransmission" or "")
	end
	length = add_rest(tree, tvb, pinfo, at, p)
	if length > 0 then
		p.info = (p.info or "") .. ", " .. length .. " bytes"
	end
	pinfo.cols.info:append(p.info or "")
	tree:append_text(", " .. OPCODES[p.opcode] .. (p.info or ""))

	if not pinfo.visited then
		notes[pinfo.number] = take_note(pinfo, p)
	end
	n = notes[pinfo.number] or {}
	add_keys(tree, p, n)
	add_links(tree, n)
	if p.meth and p.rtx then
		tree:add_proto_expert_info(expert_rtx)
	elseif p.opcode == 0xdd or (p.syndrome or 0) >= 0x60 then
		tree:add_proto_expert_info(expert_nack)
	end
	-- management datagrams, RDMA-CM's among them, are as in RoCE
	if layout[1] == "deth" and p.dqpn == 1 and roce then
		roce:call(tvb, pinfo, root)
	end
	return tvb:len()
end

-- On RoCE's port only what is of MRC's opcode space, which RoCE leaves free.
local shared = Proto("mrc_4791", "MRC or RoCE")

function shared.dissector(tvb, pinfo, root)
	if tvb:len() > 0 and bit.rshift(tvb(0, 1):uint(), 5) == 6 then
		return mrc.dissector(tvb, pinfo, root)
	end
	return roce and roce:call(tvb, pinfo, root) or 0
end

DissectorTable.get("udp.port"):add(4971, mrc)
DissectorTable.get("udp.port"):add(4791, shared)
