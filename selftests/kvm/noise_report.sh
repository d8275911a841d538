#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 120
# The report of `decouple noise`, in a browser: every chart is there and has marks, nothing is fetched from anywhere, it is drawn without a
# script, light and dark. Page and pictures stay in build/noise-report for a look.
# shellcheck source=selftests/lib/target.sh
. "$(dirname "$0")/../lib/target.sh"
pictures=$(dirname "$decouple")/noise-report
command -v chromium >/dev/null || {
	echo "chromium is not installed: apt-get install chromium"
	exit 4
}
[ -z "${DECOUPLE_RIG:-}" ] || {
	echo "a browser takes minutes in the VM, and the page is the same"
	exit 4
}
command -v python3 >/dev/null || {
	echo "python3 is not installed: apt-get install python3"
	exit 4
}
[ "$(nproc)" -ge 2 ] || {
	echo "noise needs two cores"
	exit 4
}

# browse NAME ARGUMENT...: the page $dir/NAME.html
browse() {
	local name=$1
	shift
	timeout $((60 * ${TIMEOUT_SCALE:-1})) chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking \
		--disable-component-update --disable-sync --user-data-dir="$dir/profile" --hide-scrollbars "$@" \
		"file://$dir/$name.html" 2>"$dir/browser" || bad "$name: chromium $*: status $?: $(tail -n 3 "$dir/browser")"
}

case_name=report
# A cause whose name must not become a part of the page, in the whole time of the run.
python3 - >"$dir/events" <<'END'
import json, time
for i in range(600):
    at = time.monotonic_ns() + i * 100_000_000
    print(json.dumps({"time_ns": at, "duration_ns": 5_000_000, "cause": "<b id='evil'>tick</b>"}))
END
timeout $((60 * ${TIMEOUT_SCALE:-1})) "$decouple" noise --reflector "$reflector" --samples 2000 --duration 200ms --rounds 2 --causes "$dir/events" \
	--budget max=0ns --html "$dir/report.html" >"$dir/out" 2>&1
[ $? = 1 ] || bad "status: $(tail -n 3 "$dir/out")"
browse report --dump-dom >"$dir/dom"
python3 - "$dir/report.html" "$dir/dom" <<'END' || bad "$(head -c 300 "$dir/dom")"
import html.parser, re, sys

source, dom = (open(name, encoding="utf-8").read() for name in sys.argv[1:])
wrong = [f"{what}: {found.group(0)}" for what, pattern in (
    ("a reference to elsewhere", r"https?:|//[a-z]|@import|url\("), ("a script", r"<script|javascript:|\son[a-z]+="),
    ("a frame or object", r"<(iframe|object|embed|link|base|img)\b")) for found in [re.search(pattern, source, re.I)] if found]

class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.figure, self.marks, self.ids = None, {}, set()

    def handle_starttag(self, tag, attributes):
        a = dict(attributes)
        self.ids.add(a.get("id"))
        if tag == "figure":
            self.figure = a["id"]
            self.marks[self.figure] = 0
        elif tag in ("path", "circle") and self.figure and re.search("native|reserved|decoupled", a.get("class", "")):
            self.marks[self.figure] += 1

    def handle_endtag(self, tag):
        if tag == "figure":
            self.figure = None

page = Page()
page.feed(dom)
for test in "fwq", "ftq", "gaps":
    for chart in "time-native", "time-decoupled", "histogram", "exceedance":
        if not page.marks.get(f"{test}-{chart}"):
            wrong.append(f"no marks in the chart {test}-{chart}")
for part in "verdict", "summary", "causes", "figures", "counters", "host", "notes":
    if part not in page.ids:
        wrong.append(f"no {part}")
if "evil" in page.ids or "&lt;b id=" not in source:
    wrong.append("a cause's name is taken for markup, or missing")
if "NaN" in source or "inf" in re.sub(r"info|infinite", "", "".join(re.findall(r'd="[^"]*"', source))):
    wrong.append("a chart has a place that is no number")
print("\n".join(wrong))
sys.exit(1 if wrong else 0)
END

# Not one colour: as many as a page with charts has, and another background in the dark.
case_name=pictures
mkdir -p "$pictures"
cp "$dir/report.html" "$pictures/report.html"
browse report --window-size=1000,1200 --screenshot="$pictures/light.png" >/dev/null
browse report --window-size=1000,1200 --blink-settings=preferredColorScheme=0 --screenshot="$pictures/dark.png" >/dev/null
python3 - "$pictures" <<'END' || bad "the pictures are wrong"
import struct, sys, zlib

def pixels(name):
    data = open(name, "rb").read()
    width, height, depth, kind = struct.unpack(">IIBB", data[16:26])
    assert depth == 8 and kind in (2, 6), (depth, kind)
    at, packed = 8, b""
    while at < len(data):
        size, tag = struct.unpack(">I4s", data[at:at + 8])
        packed += data[at + 8:at + 8 + size] if tag == b"IDAT" else b""
        at += size + 12
    step = 3 if kind == 2 else 4
    raw, row = zlib.decompress(packed), bytearray(width * step)
    colours = {}
    for y in range(height):
        begin = y * (width * step + 1)
        line, how = bytearray(raw[begin + 1:begin + 1 + width * step]), raw[begin]
        for x in range(width * step):
            a, b, c = (line[x - step] if x >= step else 0), row[x], (row[x - step] if x >= step else 0)
            p = a + b - c
            near = a if abs(p - a) <= abs(p - b) and abs(p - a) <= abs(p - c) else b if abs(p - b) <= abs(p - c) else c
            line[x] = (line[x] + (0, a, b, (a + b) // 2, near)[how]) & 255
        row = line
        for x in range(0, width * step, step * 3):
            colour = bytes(line[x:x + 3])
            colours[colour] = colours.get(colour, 0) + 1
    return colours

light, dark = (pixels(f"{sys.argv[1]}/{name}.png") for name in ("light", "dark"))
common = [max(picture, key=picture.get) for picture in (light, dark)]
print(len(light), len(dark), [colour.hex() for colour in common])
sys.exit(0 if len(light) > 50 and len(dark) > 50 and min(common[0]) > 200 and max(common[1]) < 60 else 1)
END

exit $failed
