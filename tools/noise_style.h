/* SPDX-License-Identifier: GPL-2.0-only */
/* The report's style sheet: no font, image or script from anywhere, light and dark as the reader has it, fit for print. */
#ifndef DECOUPLE_TOOLS_NOISE_STYLE_H
#define DECOUPLE_TOOLS_NOISE_STYLE_H

namespace decouple::noise
{

/* The colours of the variants differ in lightness as well, for those who don't tell them apart by hue. */
constexpr const char *noise_style = R"(
:root { color-scheme: light dark;
	--page: #fbfbfa; --card: #ffffff; --text: #1d2126; --faint: #5d6670; --line: #dfe2e5; --grid: #e9ebed;
	--native: #c8501e; --reserved: #8a63c9; --decoupled: #00766c; --good: #1a7f37; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root {
	--page: #14171a; --card: #1c2024; --text: #e6e8ea; --faint: #9aa4ae; --line: #343a41; --grid: #2a2f35;
	--native: #ff8f5a; --reserved: #b79af0; --decoupled: #35c9ba; --good: #4cc26a; --bad: #ff7b72; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 15px/1.5 system-ui, "DejaVu Sans", sans-serif; }
main { max-width: 1240px; margin: 0 auto; padding: 28px 20px 60px; }
h1 { font-size: 26px; margin: 0; letter-spacing: -0.01em; }
h2 { font-size: 19px; margin: 40px 0 4px; }
p { margin: 6px 0 14px; max-width: 78ch; }
.sub, .faint { color: var(--faint); }
.lead { font-size: 18px; margin: 22px 0 18px; }
.verdict { border: 1px solid var(--line); border-left: 6px solid var(--faint); border-radius: 6px; background: var(--card);
	padding: 10px 16px; margin: 20px 0; }
.verdict.pass { border-left-color: var(--good); } .verdict.fail { border-left-color: var(--bad); }
.verdict b { margin-right: 8px; } .pass b { color: var(--good); } .fail b { color: var(--bad); }
.verdict ul { margin: 6px 0 2px; padding-left: 20px; }
.grid { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 380px), 1fr)); gap: 16px; margin: 10px 0; }
figure { margin: 0; background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 10px 12px 8px; min-width: 0; }
figcaption { font-size: 13.5px; margin-bottom: 4px; display: flex; flex-wrap: wrap; justify-content: space-between; column-gap: 12px; }
figcaption .faint { font-size: 12.5px; }
svg { width: 100%; height: auto; display: block; }
svg text { font: 10.5px system-ui, "DejaVu Sans", sans-serif; fill: var(--faint); } svg text.label { font-size: 11px; }
svg path { fill: none; }
svg path.grid { stroke: var(--grid); } svg path.frame { stroke: var(--line); }
svg .cell { stroke-width: 2; } .shade0 { opacity: 0.45; } .shade1 { opacity: 0.75; } .shade2 { opacity: 1; }
svg .outlier { stroke-width: 3.6; stroke-linecap: round; } svg .line { stroke-width: 1.8; stroke-linejoin: round; }
svg path.area { stroke: none; opacity: 0.2; } svg .dot { opacity: 0.75; stroke: none; }
svg .native { stroke: var(--native); } svg .reserved { stroke: var(--reserved); } svg .decoupled { stroke: var(--decoupled); }
svg .area.native, svg .dot.native { fill: var(--native); } svg .area.reserved, svg .dot.reserved { fill: var(--reserved); }
svg .area.decoupled, svg .dot.decoupled { fill: var(--decoupled); }
td.text, th.text { text-align: left; } .name { white-space: nowrap; }
.key { display: inline-block; width: 11px; height: 11px; border-radius: 3px; margin-right: 6px; vertical-align: -1px; }
.key.native { background: var(--native); } .key.reserved { background: var(--reserved); } .key.decoupled { background: var(--decoupled); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; background: var(--card); border: 1px solid var(--line); width: 100%; font-size: 14px; margin: 8px 0; }
th, td { text-align: right; padding: 6px 12px; border-bottom: 1px solid var(--line); font-variant-numeric: tabular-nums; white-space: nowrap; }
th { font-weight: 600; color: var(--faint); } th:first-child, td:first-child { text-align: left; white-space: normal; }
td.text { white-space: normal; overflow-wrap: anywhere; }
tr:last-child td { border-bottom: 0; } .big td { font-size: 16px; } .big td:first-child { font-size: 14px; }
.bar { display: block; height: 8px; border-radius: 4px; background: var(--decoupled); min-width: 2px; }
details { border-top: 1px solid var(--line); padding: 12px 0; } summary { cursor: pointer; font-weight: 600; }
dt { font-weight: 600; } dd { margin: 0 0 8px 0; max-width: 78ch; }
@media print { details > * { display: block; } figure { break-inside: avoid; } }
)";

} // namespace decouple::noise

#endif
