# SPDX-License-Identifier: Apache-2.0
"""fovea beside its peers: the same networks, batches and threads, in turn on one machine.

    python3 bench/peers/peers.py run   [--networks NAME,...] [--works train,inference-1,inference-32] [--results FILE]
    python3 bench/peers/peers.py table [--results FILE]

`run` measures one row after the other and appends each as one line of JSON to the results; rows that are there already are left
out unless --again, so a run can be interrupted and goes on where it was. `table` writes the newest of each row as Markdown.
Needs PyTorch and torchvision in the Python that runs this; ONNX Runtime and OpenVINO (with onnx and onnxscript) where they are.
"""
import argparse
import json
import os
import select
import subprocess
import sys
import time

import tables
import works

HERE = os.path.dirname(os.path.abspath(__file__))
LEAST_ROUNDS = 3
LEFT_OUT_ABOVE = 1.4  # times the best peer's warm step: such a peer cannot become the best


class Peer:
    """A process that answers a line of JSON for each line it reads."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.pending = b""

    def read(self, limit):
        """The next answer; refused, when it does not come within `limit` seconds."""
        end = time.monotonic() + limit
        while b"\n" not in self.pending:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                self.process.kill()
                return {"refused": f"no answer within {limit:.0f} s"}
            piece = os.read(self.process.stdout.fileno(), 1 << 16)
            if not piece:
                return {"refused": f"ended with status {self.process.wait()}"}
            self.pending += piece
        line, self.pending = self.pending.split(b"\n", 1)
        return json.loads(line)

    def ask(self, limit):
        self.process.stdin.write(b"again\n")
        self.process.stdin.flush()
        return self.read(limit)

    def end(self, limit):
        self.process.stdin.close()
        answer = self.read(limit)
        self.process.kill()
        self.process.wait()
        return answer


def busy_seconds():
    """Processor time that everything on this machine has used, where the system tells."""
    try:
        with open("/proc/stat", encoding="ascii") as file:
            user, nice, system = (int(number) for number in file.readline().split()[1:4])
    except OSError:
        return 0.0
    return (user + nice + system) / os.sysconf("SC_CLK_TCK")


def used_seconds(process):
    """Processor time that one process has used."""
    try:
        with open(f"/proc/{process.pid}/stat", encoding="ascii") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def fovea_command(arguments, name, mode, batch):
    return [arguments.fovea, "bench", name, "--mode", mode, "--batch", str(batch), "--threads", str(arguments.threads),
            "--seconds", str(arguments.seconds), "--wait", "--json"]


def peer_command(arguments, peer, name, mode, batch):
    return [sys.executable, os.path.join(HERE, "worker.py"), peer, name, mode, str(batch), str(arguments.threads),
            str(arguments.seconds)]


def parameters_of(arguments, name, mode):
    """Of the network as it runs: auxiliary classifiers are there in training only."""
    facts = json.loads(subprocess.run([arguments.fovea, "summary", name, "--json"], check=True, capture_output=True).stdout)
    return facts.get("training_parameters", facts["parameters"]) if mode == "train" else facts["parameters"]


class Row:
    """One network at one work: its processes, and what is known of it."""

    def __init__(self, arguments, name, work):
        self.arguments, self.name = arguments, name
        self.mode, self.batch = works.mode_and_batch(name, work)
        self.end = time.monotonic() + arguments.budget
        self.peers, self.left_out, self.refused, self.memory, self.rounds = {}, {}, {}, {}, []
        self.record = {"network": name, "work": work, "batch": self.batch, "threads": arguments.threads,
                       "when": time.strftime("%Y-%m-%d %H:%M:%S"), "rounds": self.rounds, "refused": self.refused,
                       "left_out": self.left_out, "memory": self.memory}

    def left(self):
        return max(1.0, self.end - time.monotonic())

    def close(self, who):
        """Ends a peer and keeps what it says of memory."""
        answer = self.peers.pop(who).end(60)
        if "peak_bytes" in answer:
            self.memory[who] = [answer["import_bytes"], answer["peak_bytes"]]

    def start(self, who, parameters):
        """Milliseconds of a warm step, or None."""
        peer = Peer(peer_command(self.arguments, who, self.name, self.mode, self.batch))
        answer = peer.read(min(self.arguments.start_limit, self.left()))
        if "refused" not in answer and self.mode == "train" and answer["parameters"] != parameters:
            answer = {"refused": f"another network: {answer['parameters']} parameters, fovea has {parameters}"}
        if "refused" in answer:
            self.refused[who] = answer["refused"]
            peer.end(1)
            return None
        self.peers[who] = peer
        return answer["warm_ms"]

    def start_all(self):
        parameters = parameters_of(self.arguments, self.name, self.mode)
        warm = {}
        for who in self.arguments.peers:
            if who not in works.peers_of(self.record["work"]):
                continue
            took = self.start(who, parameters)
            if took is None:
                continue
            warm[who] = took
            for slow in [other for other in warm if warm[other] > LEFT_OUT_ABOVE * min(warm.values())]:
                self.left_out[slow] = warm.pop(slow)
                self.close(slow)

    def measure(self):
        """Rounds until they are enough or the budget is spent; each asks everyone once."""
        ours = Peer(fovea_command(self.arguments, self.name, self.mode, self.batch))
        first = ours.read(120)
        if "refused" in first:
            raise SystemExit(f"fovea: {self.name}: {first['refused']}")
        everyone = [ours.process, *(peer.process for peer in self.peers.values())]
        began, others = time.monotonic(), busy_seconds() - sum(map(used_seconds, everyone))
        while len(self.rounds) < self.arguments.rounds:
            start = time.monotonic()
            one = {"fovea": ours.ask(60)}
            one.update({who: peer.ask(60) for who, peer in self.peers.items()})
            self.rounds.append({who: answer.get("images_per_second") for who, answer in one.items()})
            if len(self.rounds) >= LEAST_ROUNDS and self.left() < 2 * (time.monotonic() - start):
                break
        others = busy_seconds() - sum(map(used_seconds, everyone)) - others
        self.record["others"] = max(0.0, others) / (time.monotonic() - began)
        whole = ours.end(120)
        self.memory["fovea"] = [0, whole["peak_memory_bytes"]]
        self.record["peak_gflops"] = whole["peak_gflops"]
        self.record["steps"] = [[layer["name"], layer["pass"], layer["ms"], layer["gflops"], layer["algorithm"]]
                                for layer in whole["layers"]]

    def run(self):
        try:
            self.start_all()
            self.measure()
        finally:
            for who in list(self.peers):
                self.close(who)
        return self.record


def run(arguments):
    done = set() if arguments.again else {(row["network"], row["work"]) for row in tables.read(arguments.results)}
    for name in arguments.networks:
        for work in arguments.works:
            if (name, work) in done:
                continue
            record = Row(arguments, name, work).run()
            os.makedirs(os.path.dirname(os.path.abspath(arguments.results)), exist_ok=True)
            with open(arguments.results, "a", encoding="utf-8") as file:
                print(json.dumps(record), file=file)
            print(tables.line_of(record), flush=True)


def names(known):
    def parse(text):
        given = text.split(",")
        for name in given:
            if name not in known:
                raise argparse.ArgumentTypeError(f"'{name}' is none of {', '.join(known)}")
        return given
    return parse


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("run", help="measure and append to the results")
    one.add_argument("--fovea", default="build/release/fovea", help="the command (build/release/fovea)")
    one.add_argument("--networks", type=names(works.NETWORKS), default=list(works.NETWORKS), metavar="NAME,...")
    one.add_argument("--works", type=names(works.WORKS), default=works.WORKS, metavar="WORK,...",
                     help=",".join(works.WORKS))
    one.add_argument("--peers", type=names(works.RUNNERS), default=works.RUNNERS, metavar="PEER,...",
                     help=",".join(works.RUNNERS))
    one.add_argument("--threads", type=int, default=2)
    one.add_argument("--rounds", type=int, default=7)
    one.add_argument("--seconds", type=float, default=1.0, help="of each program in each round; one step at least (1)")
    one.add_argument("--start-limit", type=float, default=300.0, help="seconds for a peer to start, compile and warm up (300)")
    one.add_argument("--budget", type=float, default=900.0,
                     help=f"seconds for a row, after which it ends with fewer rounds, {LEAST_ROUNDS} at least (900)")
    one.add_argument("--again", action="store_true", help="also rows that the results hold already")
    two = commands.add_parser("table", help="write the results as Markdown")
    for command in (one, two):
        command.add_argument("--results", default="build/peers.jsonl", help="JSON lines (build/peers.jsonl)")
    arguments = parser.parse_args()
    if arguments.command == "run":
        run(arguments)
    else:
        print(tables.markdown(tables.read(arguments.results)))


main()
