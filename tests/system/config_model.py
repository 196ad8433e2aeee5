#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Random configuration commands against a model.

    config_model.py DEVICE SEQUENCES SEED

Runs in the network namespace of the device. The model knows ports, settings,
congestion control, EV profiles and SRv6 templates with their rules, whose
bounds come from Documentation/ABI and the uapi header. It says of each command
whether it must succeed, and after each sequence what the tool must list. Many
sequences go through one process of the tool, by its option --batch.
"""
import copy
import json
import os
import random
import re
import subprocess
import sys
import tempfile

DEV, COUNT, SEED = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
TREE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
SYSFS = f"/sys/class/infiniband/{DEV}/mrc"
NETDEVS = ["eth0", "eth1", "eth2", "eth3"]
NO_NETDEVS = ["eth9", "lo", "x"]
PER_BATCH = 50
MAX_PROFILES, MAX_SRV6 = 16, 64
# What is listed after each sequence.
LISTINGS = ["dev show", "port show", "cc show", "profile show", "srv6 show"]
EVS = "profile show {} detail"
rng = random.Random(SEED)


class Wrong(Exception):
    pass


# ---------------------------------------------------------------- bounds

def read(path):
    with open(os.path.join(TREE, path), encoding="utf-8") as file:
        return file.read()


def setting_bounds():
    """Setting -> (least, greatest)."""
    found = {}
    for part in read("Documentation/ABI/sysfs-class-infiniband-mrc").split("\n\n"):
        match = re.search(r"Bounds:\s+(\d+)(?:,| to)\s+(\d+)", part)
        for name in re.findall(r"What:.*/mrc/(\w+)", part) if match else []:
            found[name] = int(match[1]), int(match[2])
    return found


def cc_bounds():
    """Parameter of congestion control -> (least, greatest)."""
    found = re.findall(r"MRC_A_CC_(\w+)\s+u32 (\d+)\.\.(\d+)",
                       read("include/uapi/linux/mrc.h"))
    return {name.lower(): (int(low), int(high)) for name, low, high in found}


SETTINGS, CC = setting_bounds(), cc_bounds()
ALGORITHMS = ["nscc", "null"]
del CC["algorithm"]


# ---------------------------------------------------------------- model

class Model:
    """What there is. A method that is a command returns whether it must
    succeed, and has changed the model only then."""

    def __init__(self):
        dev, ports, cc, profiles, srv6 = [json.loads(line) for line in batch(
            [f"{listing} {DEV}" for listing in LISTINGS])[0]]
        self.settings = {name: dev[0][name] for name in SETTINGS}
        self.udp_port = dev[0]["udp_port"]
        self.ports = {p["plane"]: (p["netdev"], p["enabled"]) for p in ports}
        self.cc = {name: cc[0][name] for name in [*CC, "algorithm"]}
        if profiles or srv6:
            raise Wrong("the device is to begin without profiles")
        self.profiles, self.used, self.srv6 = {}, "auto", {}

    def listed(self):
        """The same as the tool lists it, in a form to be compared."""
        return {
            "dev": {**self.settings, "udp_port": self.udp_port},
            "port": self.ports, "cc": self.cc, "srv6": self.srv6,
            "profile": {name: {**{k: v for k, v in p.items() if k != "ev"},
                               "in_use": name == self.used}
                        for name, p in self.profiles.items()},
        }

    def set(self, values):
        for name, value in values:
            low, high = (1, 65535) if name == "udp_port" else SETTINGS[name]
            if not low <= value <= high:
                return False
        for name, value in values:
            if name == "udp_port":
                self.udp_port = value
            else:
                self.settings[name] = value
        return True

    def set_cc(self, values):
        for name, value in values:
            if name == "algorithm" and value not in ALGORITHMS:
                return False
            if name != "algorithm" and not CC[name][0] <= value <= CC[name][1]:
                return False
        self.cc.update(values)
        return True

    def plane_of(self, netdev):
        return next((n for n, p in self.ports.items() if p[0] == netdev), None)

    def add_port(self, netdev, plane, up):
        if netdev not in NETDEVS or self.plane_of(netdev) is not None:
            return False
        if plane is None:
            plane = min(set(range(32)) - set(self.ports))
        if plane in self.ports or plane > 31:
            return False
        self.ports[plane] = netdev, up is not False
        return True

    def set_port(self, netdev, up):
        plane = self.plane_of(netdev)
        if plane is None:
            return False
        self.ports[plane] = netdev, up
        return True

    def del_port(self, netdev):
        return self.ports.pop(self.plane_of(netdev), None) is not None

    def enable_ports(self, planes):
        if not planes <= set(self.ports):
            return False
        self.ports = {n: (p[0], n in planes) for n, p in self.ports.items()}
        return True

    def put_profile(self, name, create, new):
        count = len(new["ev"]) if new["kind"] == "list" else new["count"]
        if create == (name in self.profiles) or \
                create and len(self.profiles) == MAX_PROFILES or \
                not 1 <= count <= 4096 or new["active"] > count or \
                new["min_active"] > (new["active"] or count) or \
                new["answers"] > 30 or not re.fullmatch(r"[\w.-]+", name) or \
                name == "auto":
            return False
        if new["kind"] == "fields":
            if not new["make"] or len(new["make"]) < count:
                return False
            new["ev"] = new["make"][:count]
        if any(not ev & 0xffff for ev in new["ev"]):
            return False
        self.profiles[name] = {k: v for k, v in new.items() if k != "make"}
        self.profiles[name]["count"] = count
        return True

    def del_profile(self, name):
        return name != self.used and \
            self.profiles.pop(name, None) is not None

    def use_profile(self, name):
        if name != "auto" and name not in self.profiles:
            return False
        self.used = name
        return True

    def set_active(self, active):
        profile = self.profiles.get(self.used)
        if not profile or \
                not max(1, profile["min_active"]) <= active <= profile["count"]:
            return False
        profile["active"] = active
        return True

    def add_srv6(self, prefix, block, usids, right):
        if not right or prefix not in self.srv6 and len(self.srv6) == MAX_SRV6:
            return False
        self.srv6[prefix] = block, usids
        return True

    def del_srv6(self, prefix):
        return self.srv6.pop(prefix, None) is not None


# ---------------------------------------------------------------- the tool

def run(*words):
    return subprocess.run(["mrc", *words], capture_output=True, text=True,
                          check=False)


def batch(lines):
    """Its listings, and its errors by line."""
    with tempfile.NamedTemporaryFile("w", suffix=".batch") as file:
        file.write("\n".join(lines) + "\n")
        file.flush()
        result = run("-j", "-f", "-b", file.name)
        errors = {}
        for line in result.stderr.splitlines():
            match = re.match(r"mrc: %s:(\d+): (.+)" % re.escape(file.name), line)
            if not match:
                raise Wrong("a sentence of its own: " + line)
            errors.setdefault(int(match[1]) - 1, []).append(match[2])
    if bool(errors) != bool(result.returncode):
        raise Wrong(f"status {result.returncode} with {len(errors)} errors")
    return result.stdout.splitlines(), errors


def listed(lines):
    """Five listings in the form of Model.listed()."""
    dev, ports, cc, profiles, srv6 = [json.loads(line) for line in lines]
    return {
        "dev": {name: dev[0][name] for name in [*SETTINGS, "udp_port"]},
        "port": {p["plane"]: (p["netdev"], p["enabled"]) for p in ports},
        "cc": {name: cc[0][name] for name in [*CC, "algorithm"]},
        "srv6": {t["prefix"]: (t["block"], t["usids"]) for t in srv6},
        "profile": {p.pop("name"): {k: v for k, v in p.items() if k != "dev"}
                    for p in profiles},
    }


def difference(want, got):
    return "; ".join(f"{key}: model {want[key]}, kernel {got[key]}"
                     for key in want if want[key] != got[key])


# ---------------------------------------------------------------- commands

def number(low, high):
    """Within the bounds mostly, often at one of them."""
    return rng.choice([low, high, rng.randint(low, high), rng.randint(low, high),
                       high + 1 if rng.random() < .3 else low,
                       rng.randint(0, 2**32 - 1) if rng.random() < .2 else high])


def words_of(values):
    return " ".join(f"{name} {value}" for name, value in values)


def one_set(model):
    names = rng.sample(sorted(SETTINGS), rng.choice([1, 1, 2, 4]))
    values = [(n, number(*SETTINGS[n])) for n in names]
    if rng.random() < .05:
        values.append(("udp_port", rng.choice([4971, 5001, 5002, 0, 65536])))
    return f"dev set {DEV} {words_of(values)}", model.set(values)


def one_cc(model):
    names = rng.sample(sorted(CC), rng.choice([1, 1, 2, 4]))
    values = [(n, number(*CC[n])) for n in names]
    if rng.random() < .2:
        values.append(("algorithm", rng.choice([*ALGORITHMS, "dctcp"])))
    return f"cc set {DEV} {words_of(values)}", model.set_cc(values)


def one_port_add(model):
    netdev = rng.choice(NETDEVS + NETDEVS + NO_NETDEVS)
    plane = rng.choice([None, rng.randint(0, 4), rng.randint(0, 33)])
    up = rng.choice([None, None, True, False])
    line = f"port add {DEV} netdev {netdev}"
    if plane is not None:
        line += f" plane {plane}"
    if up is not None:
        line += f" state {'up' if up else 'down'}"
    return line, model.add_port(netdev, plane, up)


def one_port_set(model):
    netdev, up = rng.choice(NETDEVS + NO_NETDEVS), rng.random() < .6
    return f"port set {DEV} netdev {netdev} state {'up' if up else 'down'}", \
        model.set_port(netdev, up)


def one_port_del(model):
    netdev = rng.choice(NETDEVS + NO_NETDEVS)
    return f"port del {DEV} netdev {netdev}", model.del_port(netdev)


def profile_name():
    return rng.choice([f"p{rng.randint(0, 17)}", f"p{rng.randint(0, 17)}",
                       "a.b-c_d", "auto" if rng.random() < .2 else "p0",
                       "a/b" if rng.random() < .2 else "p1"])


def random_fields():
    """Their text, and the EVs that they make."""
    low = rng.choice([0, 1, 50000]) if rng.random() < .2 else 50000
    high = low + rng.randint(0, 30)
    if rng.random() < .5:
        return f"16:{low}:{low}:{high}:0xffff", list(range(low, high + 1))
    top = rng.randint(0, 4)
    evs = [port | label << 16 for label in range(top + 1)
           for port in range(low, high + 1)]
    if rng.random() < .1:
        return f"16:{high + 1}:{low}:{high}:0xffff", []
    return f"16:{low}:{low}:{high}:0xffff,4:0:0:{top}:0xf", evs


def one_profile(model):
    name, create = profile_name(), rng.random() < .6
    new = {"kind": rng.choice(["auto", "list", "fields"]), "ev": [], "fields": "",
           "reverse": rng.randint(0, 5), "answers": rng.choice([0, 3, 30, 31]),
           "active": rng.choice([0, 0, 4, 16]),
           "min_active": rng.choice([0, 0, 1, 8])}
    line = ""
    if new["kind"] == "list":
        n = rng.choice([1, 8, 40, 700])
        new["ev"] = [rng.randint(1, 0xfffffff0) | 1 for _ in range(n)]
        if rng.random() < .1:
            new["ev"][-1] &= 0xffff0000
        line = " ev " + ",".join(map(str, new["ev"]))
    else:
        new["count"] = rng.choice([1, 8, 32, 4096, 4097 if rng.random() < .2 else 64])
        line = f" count {new['count']}"
        if new["kind"] == "fields":
            new["fields"], new["make"] = random_fields()
            line += " fields " + new["fields"]
    line += "".join(f" {k} {new[k]}" for k in
                    ("active", "min_active", "reverse", "answers"))
    return f"profile {'add' if create else 'set'} {DEV} name {name}{line}", \
        model.put_profile(name, create, new)


def one_profile_del(model):
    name = profile_name()
    return f"profile del {DEV} name {name}", model.del_profile(name)


def one_profile_use(model):
    name = rng.choice(["auto", profile_name()])
    return f"profile use {DEV} name {name}", model.use_profile(name)


def prefix():
    return rng.choice([f"fd00:{rng.randint(1, 90):x}::/48", "fd00::/16", "::/0",
                       "fd00:5::7/128"])


def one_srv6(model):
    to, block = prefix(), rng.choice(["fc00::", "fcbb:bbbb::", "5f00::"])
    usids = rng.choice(["0xe123", "0x2005:8", "0x1000:8:16:4:0",
                        "0:-:0:16:0,0xe123", ",".join(["0x1"] * 6)])
    bad = rng.choice([",".join(["0x1"] * 7), "0x10000", "0x1:16", "0x1:8:32:4:0",
                      "0x1:8:0:17:0", "0x1:8:0:8:9", "x"])
    right = rng.random() < .85
    return f"srv6 add {DEV} prefix {to} block {block} usids {usids if right else bad}", \
        model.add_srv6(to, block, usids, right)


def one_srv6_del(model):
    to = prefix()
    return f"srv6 del {DEV} prefix {to}", model.del_srv6(to)


def one_wrong(_model):
    return rng.choice([
        f"dev set {DEV}", f"dev set {DEV} icrc", f"dev set {DEV} colour 1",
        "dev set mrc99 icrc 1", f"dev set {DEV} icrc -1", f"port add {DEV}",
        f"port add {DEV} netdev", f"port del {DEV} plane 1",
        "port add mrc99 netdev eth1", f"port set {DEV} netdev eth0",
        f"port set {DEV} netdev eth0 state sideways", "dev sat", "xyz",
        f"cc set {DEV}", f"cc set mrc99 eta 1", f"profile add {DEV} count 3",
        f"profile add {DEV} name p0", f"profile use {DEV}",
        f"profile add {DEV} name p0 count 4 ev 1-4",
        f"profile set {DEV} name p0 count 3 fields 16:1:2",
        f"srv6 add {DEV} prefix fd00::/16", f"srv6 del {DEV}",
        f"srv6 del {DEV} prefix fd00::/129", f"srv6 del {DEV} prefix 10.0.0.0/8",
        "restore /nonexistent", f"dev set {DEV} icrc 1 icrc 0",
    ]), False


COMMANDS = [(one_set, 4), (one_cc, 3), (one_port_add, 3), (one_port_set, 2),
            (one_port_del, 2), (one_profile, 6), (one_profile_del, 1),
            (one_profile_use, 2), (one_srv6, 5), (one_srv6_del, 1),
            (one_wrong, 2)]


def one_restore(model, saved):
    """A configuration that was saved before; with a wrong line, nothing."""
    name, then = rng.choice(saved)
    if rng.random() < .5:
        return f"restore {name}.bad", False
    for key, value in copy.deepcopy(vars(then)).items():
        setattr(model, key, value)
    return f"restore {name}", True


def command(model, saved):
    if saved and rng.random() < .04:
        return one_restore(model, saved)
    make = rng.choices(*zip(*COMMANDS))[0]
    return make(model)


# ---------------------------------------------------------------- sequences

def sequences(model, saved, n):
    """Run @n sequences in one process; Wrong if one of them is."""
    lines, must, states = [], {}, []
    for _ in range(n):
        for _ in range(rng.randint(1, 4)):
            line, right = command(model, saved)
            must[len(lines)] = right
            lines.append(line)
        lines += [f"{listing} {DEV}" for listing in LISTINGS]
        with_evs = rng.random() < .1
        if with_evs:
            lines.append(EVS.format(DEV))
        states.append((len(lines), copy.deepcopy(model.listed()),
                       {name: p["ev"] for name, p in model.profiles.items()
                        if p["ev"]} if with_evs else None))
    output, errors = batch(lines)
    at = 0
    for end, want, evs in states:
        here = [i for i in must if i < end]
        for i in here:
            told = errors.pop(i, [])
            if len(told) != (not must.pop(i)):
                raise Wrong(f"\"{lines[i][:200]}\" ends with {told}")
        got = listed(output[at:at + len(LISTINGS)])
        at += len(LISTINGS)
        if got != want:
            raise Wrong(f"after \"{'; '.join(lines[i][:200] for i in here)}\": " +
                        difference(want, got))
        if evs is None:
            continue
        got = {}
        for ev in json.loads(output[at]):
            got.setdefault(ev["name"], []).append(ev["ev"])
        at += 1
        if got != evs:
            raise Wrong("the EVs of profiles differ")
    if errors or at != len(output):
        raise Wrong(f"more than was asked for: {errors} {output[at:]}")


def write(name, text):
    """Why a file in sysfs does not take it, or None."""
    try:
        with open(f"{SYSFS}/{name}", "w", encoding="ascii") as file:
            file.write(f"{text}\n")
        return None
    except FileNotFoundError as error:
        raise Wrong(f"sysfs has no {name}: it is another namespace's") from error
    except OSError as error:
        return error


def sysfs(model):
    """The same by files, one value at a time."""
    for _ in range(5):
        name = rng.choice(sorted(SETTINGS))
        value = number(*SETTINGS[name])
        planes = set(rng.sample(range(5), rng.randint(0, 4)))
        active, algorithm = rng.choice([0, 1, 8, 9000]), rng.choice([*ALGORITHMS, "x"])
        udp_port = rng.choice([4971, 5001, 0, 65536])
        for file, text, must in (
                (name, value, lambda: model.set([(name, value)])),
                ("algorithm", algorithm,
                 lambda: model.set_cc([("algorithm", algorithm)])),
                ("active_evs", active, lambda: model.set_active(active)),
                ("udp_port", udp_port, lambda: model.set([("udp_port", udp_port)])),
                ("planes_enabled", ",".join(map(str, planes)),
                 lambda: model.enable_ports(planes))):
            if rng.random() < .6:
                continue
            error, right = write(file, text), must()
            if bool(error) == right:
                raise Wrong(f"sysfs: {file} {text}: {error}, must "
                            f"{'succeed' if right else 'fail'}")


def save(model, saved, folder):
    """Keep what there is, and the same with something wrong at a random place."""
    name = os.path.join(folder, f"saved.{len(saved)}")
    text = run("save", DEV).stdout
    wrong = rng.choice([f"mrc port add {DEV} netdev eth9 plane 9",
                        f"mrc profile add {DEV} name p99 count 5000",
                        f"mrc srv6 add {DEV} prefix fd77::/16 block fc00:: usids 0x1:16",
                        f"mrc cc set {DEV} gamma 101", "mrc dev set", "rm -rf /",
                        f"mrc dev set {DEV} icrc 2"])
    lines = text.splitlines()
    # a setting that is given again is given as it was the last time
    last = "icrc" in wrong
    lines.insert(len(lines) if last else rng.randint(1, len(lines)), wrong)
    for end, content in ("", text), (".bad", "\n".join(lines) + "\n"):
        with open(name + end, "w", encoding="utf-8") as file:
            file.write(content)
    saved.append((name, copy.deepcopy(model)))


def main():
    start = run("save", DEV).stdout
    saved, done = [], 0
    try:
        model = Model()
        with tempfile.TemporaryDirectory() as folder:
            while done < COUNT:
                n = min(PER_BATCH, COUNT - done)
                sequences(model, saved, n)
                done += n
                sysfs(model)
                save(model, saved, folder)
            sequences(model, saved, 1)
    except Wrong as wrong:
        print(f"sequences {done} to {done + PER_BATCH} of seed {SEED}: {wrong}")
        return 1
    finally:
        back = subprocess.run(["mrc", "restore", "-"], input=start, text=True,
                              capture_output=True, check=False)
    if back.returncode or run("save", DEV).stdout != start:
        print(f"the start is not restored: {back.stderr}")
        return 1
    print(f"{done} sequences, {len(saved)} states saved in between")
    return 0


sys.exit(main())
