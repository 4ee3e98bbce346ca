"""examples/monitoring and docs/reference/api*.md name the metrics that a brain exports, all of them and no others. Usage: files_test.py REPOSITORY"""

import json
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(sys.argv[1])
FILES = ROOT / "examples" / "monitoring"
wrong = []


def check(good, what):
    if not good:
        wrong.append(what)


exported = set()
for source in ("src/app/serve.cc", "src/service/gateway/metrics.cc"):
    exported |= set(re.findall(r'"(weir_[a-z_]+)"', (ROOT / source).read_text()))
check(len(exported) > 20, f"only {len(exported)} metrics were found in the sources")

for page in ("docs/reference/api.md", "docs/reference/api.zh.md"):
    told = set(re.findall(r"`(weir_[a-z_]+)`", (ROOT / page).read_text()))
    check(told == exported, f"{page}: missing {sorted(exported - told)}, unknown {sorted(told - exported)}")

rules = (FILES / "rules.yml").read_text()
recorded = set(re.findall(r"record: (weir:[a-z0-9_:]+)", rules))
known = exported | recorded


def check_expression(expression, where):
    for name in re.findall(r"\bweir[_:][a-z0-9_:]+", expression):
        check(name in known, f"{where}: {name} is no metric")
    for opening, closing in ("()", "[]", "{}"):
        check(expression.count(opening) == expression.count(closing), f"{where}: {opening} is not closed in {expression}")


for line in rules.splitlines():
    if line.strip().startswith("expr:"):
        check_expression(line, "rules.yml")

dashboard = json.loads((FILES / "grafana.json").read_text())
panels = dashboard["panels"]
check(len({panel["id"] for panel in panels}) == len(panels), "grafana.json: two panels have one id")
cells = set()
for panel in panels:
    check(panel["description"] != "", f"grafana.json: {panel['title']} is not described")
    for target in panel["targets"]:
        check_expression(target["expr"], f"grafana.json: {panel['title']}")
    at = panel["gridPos"]
    mine = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
    check(not mine & cells and at["x"] + at["w"] <= 24, f"grafana.json: {panel['title']} lies over another panel or beyond the edge")
    cells |= mine

if shutil.which("promtool"):
    for command in (["promtool", "check", "rules", "rules.yml"], ["promtool", "check", "config", "--syntax-only", "prometheus.yml"]):
        done = subprocess.run(command, cwd=FILES, capture_output=True, text=True)
        check(done.returncode == 0, f"{' '.join(command)}: {done.stdout}{done.stderr}")
else:
    print("promtool is not here: the rules' names were checked, their grammar was not")

print("\n".join(wrong) or f"{len(exported)} metrics, {len(recorded)} recorded, {len(panels)} panels")
sys.exit(1 if wrong else 0)
