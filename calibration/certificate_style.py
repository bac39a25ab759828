"""How the certificate looks on a screen and on A4."""

CSS = """
@page { size: A4; margin: 16mm 14mm 18mm;
  @bottom-right { content: counter(page) " / " counter(pages); font: 8pt sans-serif; } }
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { font: 9.2pt/1.42 "DejaVu Sans", "Noto Sans", Arial, sans-serif; color: #1c2733; margin: 0 auto; max-width: 190mm;
  padding: 8mm; background: #fff; }
header { border-bottom: 2.5px solid #0b5cad; margin-bottom: 4mm; padding-bottom: 3mm; }
h1 { font-size: 19pt; margin: 0; letter-spacing: -.01em; }
header p { margin: 1mm 0 0; color: #4d5a66; }
h2 { font-size: 12pt; margin: 7mm 0 2mm; color: #0b5cad; border-bottom: 1px solid #d7dde3; padding-bottom: .8mm;
  break-after: avoid; }
h3 { font-size: 9.8pt; margin: 4mm 0 1.2mm; break-after: avoid; }
p { margin: 1.2mm 0; }
dl { display: grid; grid-template-columns: max-content 1fr max-content 1fr; gap: .7mm 4mm; margin: 0; }
dt { color: #5b6670; } dd { margin: 0; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; margin: 1mm 0 2mm; font-size: 8.2pt;
  font-variant-numeric: tabular-nums; }
th { text-align: left; font-weight: 600; color: #4d5a66; border-bottom: 1px solid #9aa5af; padding: .7mm 1.6mm;
  vertical-align: bottom; }
td { border-bottom: 1px solid #e6eaed; padding: .6mm 1.6mm; vertical-align: top; }
tr { break-inside: avoid; } thead { display: table-header-group; }
.numbers td, .numbers th { text-align: right; } .numbers td:first-child, .numbers th:first-child { text-align: left; }
.narrow { width: auto; min-width: 45%; }
.budget td:last-child { width: 34%; text-align: left; }
.findings td:nth-child(n+4), .findings th:nth-child(n+4) { text-align: right; white-space: nowrap; }
.raw { font-size: 6.4pt; } .raw td, .raw th { padding: .35mm .9mm; } .raw td:nth-child(n+4) { white-space: nowrap; }
.raw td:last-child { white-space: normal; }
.bar { display: inline-block; height: 2.2mm; background: #0b5cad; opacity: .8; }
.good { color: #1d6b3c; font-weight: 600; } .fair { color: #8a5a00; font-weight: 600; }
.bad { color: #b3261e; font-weight: 600; }
.result { display: flex; gap: 7mm; align-items: center; border: 1.5px solid #d7dde3; border-left-width: 6px;
  padding: 3mm 4mm; margin: 3mm 0; break-inside: avoid; }
.result.pass { border-left-color: #1d6b3c; } .result.conditional { border-left-color: #c98500; }
.result.none { border-left-color: #5b6670; } .numbers td:first-child { white-space: nowrap; }
.result.fail { border-left-color: #b3261e; }
.result strong { font-size: 15pt; white-space: nowrap; } .result dl { grid-template-columns: max-content 1fr; }
.note { background: #f3f6f9; padding: 2mm 3mm; margin: 2mm 0; }
.plots { display: grid; grid-template-columns: 1fr 1fr; gap: 4mm; } .plots .wide { grid-column: 1 / -1; }
figure { margin: 0; break-inside: avoid; } figcaption { font-size: 8.4pt; font-weight: 600; margin-bottom: .5mm; }
svg { width: 100%; height: auto; display: block; font: 8px "DejaVu Sans", "Noto Sans", Arial, sans-serif; }
.wide svg { font-size: 8.6px; }
.key { margin-right: 4mm; font-size: 8pt; white-space: nowrap; } .key i { display: inline-block; width: 2.6mm;
  height: 2.6mm; margin-right: 1.2mm; }
code { font: 7.6pt "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
@media print { body { padding: 0; max-width: none; } }
"""
