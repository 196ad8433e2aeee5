/* SPDX-License-Identifier: GPL-2.0 */
#ifndef STUB_COMPILER_H
#define STUB_COMPILER_H

#define SWITCH_FALLTHROUGH __attribute__((fallthrough))

#endif /* STUB_COMPILER_H */
