/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
#ifndef MRC_UNIT_LINUX_STRING_H
#define MRC_UNIT_LINUX_STRING_H

#include <string.h>

#endif
