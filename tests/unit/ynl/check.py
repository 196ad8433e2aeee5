#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Compare the YNL specification with the uapi header and the kernel's policies.

Prints one line per comparison and ends with "N passed, N failed".
"""
import glob
import os
import re
import sys

try:
    import yaml
except ImportError:
    sys.exit("python3-yaml is missing")

TREE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../..")
results = []


def check(name, want, got):
    results.append(want == got)
    print(("ok - " if want == got else "not ok - ") + name)
    if want != got:
        print(f"  | specification: {want}\n  | code:          {got}")


def read(path):
    with open(os.path.join(TREE, path), encoding="utf-8") as file:
        return file.read()


def constant(*words):
    return "".join(words).replace("-", "_").upper()


def enum(header, name):
    """Names and values of an enum of the header, without the maximum."""
    body = re.search(r"enum %s \{(.*?)\};" % name, header, re.S).group(1)
    body = re.sub(r"/\*.*?\*/", "", body, flags=re.S)
    names = [n.strip() for n in body.split(",") if n.strip()]
    return {n: i for i, n in enumerate(names) if "MAX" not in n}


def prose(header):
    """Per command: its attributes, in the order of the comment's tree."""
    commands, attrs = {}, None
    for line in header.split("*/", 2)[1].splitlines():
        match = re.match(r" \* (MRC_CMD_\w+)", line)
        if match:
            attrs = commands.setdefault(match.group(1),
                                        {"request": [], "reply": []})
            part = "request"
        if re.match(r" \*   (reply|message)", line):
            part = "reply"
        match = re.match(r" \*\t(MRC_A_\w+)\s+(\w+)", line)
        if match:
            attrs[part].append(match.groups())
    return commands


def prose_type(attr):
    if attr["type"] == "binary" and "exact-len" in attr.get("checks", {}):
        return "address"
    return attr["type"]


def check_sets(spec, header):
    for aset in spec["attribute-sets"]:
        prefix = aset["name-prefix"]
        want = {constant(prefix, "unspec"): 0}
        for i, attr in enumerate(aset["attributes"]):
            want[constant(prefix, attr["name"])] = i + 1
        check(f"attributes of {aset['name']}", want,
              enum(header, f"mrc_nl_{aset['name']}_attr"))


def check_definitions(spec, header):
    for definition in spec["definitions"]:
        if definition["type"] != "enum":
            continue
        want = {constant(definition["name-prefix"], e["name"]): i
                for i, e in enumerate(definition["entries"])}
        check(f"enum {definition['name']}", want,
              enum(header, definition["enum-name"].replace("-", "_")))


def check_operations(spec, header):
    ops = spec["operations"]
    sets = {s["name"]: s for s in spec["attribute-sets"]}
    want = {constant(ops["name-prefix"], "unspec"): 0}
    for i, op in enumerate(ops["list"]):
        want[constant(ops["name-prefix"], op["name"])] = i + 1
    check("commands", want, enum(header, "mrc_nl_cmd"))

    tree = prose(header)
    for op in ops["list"]:
        aset = sets[op["attribute-set"]]
        types = {a["name"]: prose_type(a) for a in aset["attributes"]}
        for part in ("request", "reply"):
            if "event" in op:
                mode = {"reply": op["event"]}
            else:
                mode = op.get("dump") or op.get("do")
            listed = mode.get(part, {}).get("attributes", [])
            want = {(constant(aset["name-prefix"], n), types[n])
                    for n in listed}
            got = set(tree[constant(ops["name-prefix"], op["name"])][part])
            check(f"{part} of {op['name']} in the header's comment", want, got)


def policies(source):
    """Per policy array of a C file: the attributes it accepts."""
    found = {}
    for match in re.finditer(
            r"nla_policy (\w+)\[MRC_A_\w+ \+ 1\] = \{(.*?)\n\};", source, re.S):
        found[match.group(1)] = set(re.findall(r"\[(MRC_A_\w+)\]",
                                               match.group(2)))
    return found


def check_policies(spec, source):
    found = policies(source)
    ops = [op for op in spec["operations"]["list"] if "event" not in op]
    entries = re.findall(r"\{\s*\.cmd = (MRC_CMD_\w+),(.*?)\n\t\}", source,
                         re.S)
    check("commands have operations",
          {constant("mrc-cmd-", op["name"]) for op in ops},
          {cmd for cmd, _ in entries})
    bodies = dict(entries)
    prefixes = {s["name"]: s["name-prefix"] for s in spec["attribute-sets"]}
    for op in ops:
        body = bodies[constant("mrc-cmd-", op["name"])]
        prefix = prefixes[op["attribute-set"]]
        request = (op.get("dump") or op["do"])["request"]["attributes"]
        name = re.search(r"\.policy = (\w+)", body).group(1)
        check(f"policy of {op['name']}",
              {constant(prefix, attr) for attr in request}, found[name])
        check(f"{op['name']}: dump or do, and who may",
              ("dump" in op, "admin-perm" in op.get("flags", [])),
              (".dumpit" in body, "GENL_ADMIN_PERM" in body))


def main():
    spec = yaml.safe_load(read("Documentation/netlink/specs/mrc.yaml"))
    header = read("include/uapi/linux/mrc.h")
    source = "".join(read(path) for path in sorted(glob.glob(
        "kernel/control/netlink*.c", root_dir=TREE)))
    check("family name", spec["name"],
          re.search(r'MRC_GENL_NAME\s+"(\w+)"', header).group(1))
    check("multicast groups",
          {g["name"] for g in spec["mcast-groups"]["list"]},
          set(re.findall(r'MRC_GENL_GROUP_\w+\s+"(\w+)"', header)))
    check_sets(spec, header)
    check_definitions(spec, header)
    check_operations(spec, header)
    check_policies(spec, source)
    print(f"{sum(results)} passed, {len(results) - sum(results)} failed")
    sys.exit(not all(results))


main()
