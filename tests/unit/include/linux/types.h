/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * The little of the kernel's headers that kernel/transport uses, for building
 * it in user space. On the include path ahead of the system's linux/.
 */
#ifndef MRC_UNIT_LINUX_TYPES_H
#define MRC_UNIT_LINUX_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8, __u8;
typedef uint16_t u16, __u16;
typedef uint32_t u32, __u32;
typedef unsigned long long u64, __u64;
typedef int8_t s8, __s8;
typedef int16_t s16, __s16;
typedef int32_t s32, __s32;
typedef long long s64, __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u64 __be64;
#define __aligned_u64 __u64 __attribute__((aligned(8)))

#ifndef fallthrough
#define fallthrough __attribute__((__fallthrough__))
#endif

#endif
