# SPDX-License-Identifier: Apache-2.0
"""The results as text: a line for each row, and the tables of docs/performance.md with what is wanted."""
import json
import os
import statistics

import works


def read(path):
    """The newest record of each row."""
    rows = {}
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            for line in file:
                record = json.loads(line)
                rows[record["network"], record["work"]] = record
    return list(rows.values())


def speeds(record, who):
    return [one[who] for one in record["rounds"] if one.get(who)]


def best_peer(record, which=lambda who: True):
    """Whose median is the highest, among those that were measured in every round."""
    whole = [who for who in record["rounds"][0] if who != "fovea" and which(who)
             and len(speeds(record, who)) == len(record["rounds"])]
    return max(whole, key=lambda who: statistics.median(speeds(record, who)), default=None)


def ratio(record, who):
    """fovea over the peer, round by round: median, least, most."""
    values = [ours / theirs for ours, theirs in zip(speeds(record, "fovea"), speeds(record, who))]
    return statistics.median(values), min(values), max(values)


def ratio_text(record, who):
    return "–" if who is None else "{:.2f} ({:.2f} to {:.2f})".format(*ratio(record, who))


def memory_of_pytorch(record):
    """(peer, bytes without the import, bytes at most) of the variant with the least."""
    figures = [(peak - imported, peak, who) for who, (imported, peak) in record["memory"].items() if who in works.TRAINERS]
    return min(figures, default=None)


def share_of_peak(record):
    """Operations of the direct convolutions and dense layers over what the peak would do in the step's time."""
    operations = sum(ms * gflops for _, _, ms, gflops, _ in record["steps"]) * 1e6
    seconds = record["batch"] / statistics.median(speeds(record, "fovea"))
    return operations / seconds / (record["peak_gflops"] * 1e9)


def line_of(record):
    who = best_peer(record)
    text = f"{record['network']} {record['work']}, batch {record['batch']}: " \
           f"{statistics.median(speeds(record, 'fovea')):.1f} images/s"
    if who is not None:
        text += f", {ratio_text(record, who)} times {who}"
    memory = memory_of_pytorch(record)
    if memory is not None and record["work"] == "train":
        text += f", memory {record['memory']['fovea'][1] / memory[0]:.2f}"
    if record["others"] > works.QUIET:
        text += f", NOT QUIET: other programs used {record['others']:.2f} processors"
    return text + f", {100 * share_of_peak(record):.0f}% of peak, {len(record['rounds'])} rounds"


def geometric_mean(values):
    return statistics.geometric_mean(values) if values else float("nan")


def notes(record):
    texts = [f"{who}: {why}" for who, why in record["refused"].items() if works.precision(who) == "float32"]
    return "; ".join(texts)


def training_table(rows, title, members, mean_wanted, each_wanted):
    lines = [f"Training, {title}", "",
             "| network, batch | fovea, images/s | best of PyTorch | ratio | wanted | share of peak | memory: ours / PyTorch's, "
             "whole | ratio |", "| --- | --- | --- | --- | --- | --- | --- | --- |"]
    ratios = []
    for name, batch in members.items():
        record = rows.get((name, "train"))
        if record is None:
            continue
        who, memory = best_peer(record), memory_of_pytorch(record)
        wanted = works.WANTED.get(name, each_wanted)
        if who is not None:
            ratios.append(ratio(record, who)[0])
        ours = record["memory"]["fovea"][1]
        lines.append(" | ".join([
            f"| {name}, {batch}", f"{statistics.median(speeds(record, 'fovea')):.1f}", who or "none", ratio_text(record, who),
            f"{wanted}" if wanted else "–", f"{100 * share_of_peak(record):.0f}%",
            f"{ours / 1e6:.0f} MB / {memory[0] / 1e6:.0f} MB, {memory[1] / 1e6:.0f} MB" if memory else "–",
            f"{ours / memory[0]:.2f} |" if memory else "– |"]))
    if len(ratios) > 1:
        lines.append(f"| geometric mean of {len(ratios)} | | | {geometric_mean(ratios):.2f} | {mean_wanted} | | | |")
    return lines + [""] if ratios else []


def inference_table(rows, work):
    lines = [f"Inference, batch {work.partition('-')[2]}", "",
             "| network | fovea, images/s | fastest peer | ratio | best of PyTorch | ONNX Runtime | OpenVINO |",
             "| --- | --- | --- | --- | --- | --- | --- |"]
    ratios = []
    for name in works.NETWORKS:
        record = rows.get((name, work))
        who = best_peer(record) if record else None
        if who is None:
            continue
        ratios.append(ratio(record, who)[0])
        columns = [best_peer(record, lambda one: one in works.TRAINERS), "onnxruntime", "openvino"]
        measured = [one if one and speeds(record, one) else None for one in columns]
        lines.append(" | ".join([f"| {name}", f"{statistics.median(speeds(record, 'fovea')):.1f}", who, ratio_text(record, who),
                                 *(f"{ratio(record, one)[0]:.2f}" if one else other_text(record, column)
                                   for one, column in zip(measured, columns))]) + " |")
    if not ratios:
        return []
    lines.append(f"| geometric mean of {len(ratios)} | | | {geometric_mean(ratios):.2f}, wanted {works.WANTED_INFERENCE} | | | |")
    return lines + [""]


def other_text(record, who):
    """A peer that was too slow to alternate with: how much slower than the fastest its one warm step was."""
    if who in record["left_out"]:
        fovea = 1e3 * record["batch"] / statistics.median(speeds(record, "fovea"))
        return f"about {record['left_out'][who] / fovea:.1f}"
    return "–"


def markdown(records):
    rows = {(record["network"], record["work"]): record for record in records}
    lines = []
    for title, members, mean_wanted, each_wanted in works.GROUPS:
        lines += training_table(rows, title, members, mean_wanted, each_wanted)
    for work in works.WORKS[1:]:
        lines += inference_table(rows, work)
    for record in records:
        if record["others"] > works.QUIET:
            lines.append(f"- {record['network']} {record['work']}: other programs used {record['others']:.2f} processors meanwhile")
    refusals = sorted({(who, why) for record in records for who, why in record["refused"].items()})
    for who, why in refusals:
        which = [f"{r['network']} {r['work']}" for r in records if r["refused"].get(who) == why]
        lines.append(f"- {who}: {why} ({'everywhere' if len(which) == len(records) else ', '.join(which)})")
    return "\n".join(lines)
