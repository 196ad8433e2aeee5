/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * Names of values of include/uapi/linux/mrc.h that the kernel and the tool
 * both print: an initializer of an array of strings.
 */
#ifndef MRC_NAMES_H
#define MRC_NAMES_H

/* enum mrc_nl_qp_wait */
#define MRC_QP_WAIT_NAMES {				\
	[MRC_NL_QP_WAIT_WORK] = "work",			\
	[MRC_NL_QP_WAIT_STATE] = "state",		\
	[MRC_NL_QP_WAIT_HELLO] = "hello",		\
	[MRC_NL_QP_WAIT_RNR] = "rnr",			\
	[MRC_NL_QP_WAIT_CWND] = "cwnd",			\
	[MRC_NL_QP_WAIT_WINDOW] = "window",		\
	[MRC_NL_QP_WAIT_ANSWER] = "answer",		\
	[MRC_NL_QP_WAIT_NOTHING] = "nothing",		\
}

#endif /* MRC_NAMES_H */
